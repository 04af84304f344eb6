"""`field__any=[...]`: one of many values, sent as one array.

`field__in` writes each value into the statement: with the keys of a batch that costs more, here and in PostgreSQL's parser,
than finding the rows. For keys and texts; an empty list finds nothing.

Texts say beside it that they are not empty (where none of them is): the unique indexes on addresses, domains and external ids
hold only those, and of an array of more than 100 values PostgreSQL does not conclude it.
"""

import uuid
from typing import Any

from django.db.models import CharField, ForeignKey, Lookup, UUIDField

from leadgen.core.arrays import array_text


class AnyOf(Lookup):
    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """`column = ANY(array)`, the array as one text parameter."""
        column, params = self.process_lhs(compiler, connection)
        target = self.lhs.output_field
        while isinstance(target, ForeignKey):
            target = target.target_field
        values = list(self.rhs)
        if isinstance(target, UUIDField):
            # Thirty-two digits are a key to PostgreSQL, and nothing in them needs quoting.
            return f"{column} = ANY(%s::uuid[])", [*params, "{" + ",".join([_hex(value) for value in values]) + "}"]
        texts = [str(value) for value in values]
        if "" in texts:
            return f"{column} = ANY(%s::text[])", [*params, array_text(texts)]
        return f"({column} = ANY(%s::text[]) AND {column} <> '')", [*params, array_text(texts), *params]


def _hex(value: Any) -> str:
    return f"{(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))).int:032x}"


def register() -> None:
    for field in (CharField, UUIDField, ForeignKey):
        field.register_lookup(AnyOf)

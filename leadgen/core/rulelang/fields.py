"""What a rule may speak about: fields with a kind, a path into Django rows and words for people.

Apps build the catalogues (people, companies, the facts of a lead); this package names no app.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from django.core.exceptions import ObjectDoesNotExist

from leadgen.core.names import country_name

from .operators import operators_of

Kind = Literal["text", "number", "money", "date", "choice", "country", "list", "bool"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Field:
    """One fact a rule may ask for.

    `path` is a Django lookup path or the alias of an annotation ("company__employees"); empty for facts that are only
    evaluated in Python. `empty_is_unknown`: '' and an empty list say nothing, as NULL does. `timestamp`: a date whose
    column is a timestamp (facts are aware datetimes; days are those of `now`'s zone). `storage` says whether a list is
    a PostgreSQL array or a JSON array of strings. `unit` is shown behind numbers ("EUR"). `choices` are (value, label).
    `names` says what a stored code is called where the values are not a list to choose from (a currency, a class of
    NAICS); it gives back what it does not know. A country is called by its name without being asked.
    """

    name: str
    label: str
    kind: Kind
    path: str = ""
    empty_is_unknown: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    timestamp: bool = False
    storage: Literal["array", "json"] = "array"
    unit: str = ""
    help: str = ""
    names: Callable[[str], str] | None = field(default=None, compare=False)
    _labels: Mapping[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.name}: unknown kind {self.kind!r}")
        if self.timestamp and self.kind != "date":
            raise ValueError(f"{self.name}: only a date can be a timestamp")
        object.__setattr__(self, "_labels", dict(self.choices))
        if self.kind == "country" and self.names is None:
            object.__setattr__(self, "names", country_name)

    def value_label(self, value: str) -> str:
        """The words for a stored value: the label of its choice, the name of its code, or the value itself."""
        if value in self._labels or self.names is None:
            return self._labels.get(value, value)
        return self.names(value)


class FieldCatalogue:
    """The fields rules of one sort may use, in the order they are offered."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._fields: dict[str, Field] = {}
        for item in fields:
            if item.name in self._fields:
                raise ValueError(f"field {item.name} is declared twice")
            self._fields[item.name] = item

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def get(self, name: str) -> Field | None:
        return self._fields.get(name)

    def facts(self, row: object) -> dict[str, Any]:
        """The facts of one model instance (or any object), read along each field's path; None where a link is missing.

        Load the related rows first (`select_related`), this walks attributes.
        """
        return {item.name: _walk(row, item.path) for item in self if item.path}

    def as_json(self) -> list[dict[str, Any]]:
        """For the rule editor and the API: name, label, kind, help, unit, choices and operators of each field."""
        return [
            {
                "name": item.name,
                "label": item.label,
                "kind": item.kind,
                "help": item.help,
                "unit": item.unit,
                "choices": [{"value": value, "label": label} for value, label in item.choices],
                "operators": [
                    {"name": op.name, "label": op.label, "value": op.shape} for op in operators_of(item.kind)
                ],
            }
            for item in self
        ]


def _walk(row: object, path: str) -> Any:
    value: Any = row
    for step in path.split("__"):
        if value is None:
            return None
        try:
            value = getattr(value, step)
        except ObjectDoesNotExist:
            return None
    return value

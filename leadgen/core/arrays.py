"""Lists of texts as PostgreSQL array literals. psycopg writes them value by value, in Python."""

from collections.abc import Sequence


def array_text(values: Sequence[str | None]) -> str:
    """Texts as one PostgreSQL array, written at the speed of C: as a parameter `%s::text[]`, unnested and cast there."""
    if not values:
        return "{}"
    if None not in values:
        joined = "\x1f".join(values)  # type: ignore[arg-type]  # none is None
        if joined.count("\x1f") == len(values) - 1:
            if "\\" in joined:
                joined = joined.replace("\\", "\\\\")
            if '"' in joined:
                joined = joined.replace('"', '\\"')
            return '{"' + joined.replace("\x1f", '","') + '"}'
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

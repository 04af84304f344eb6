"""What happens where a record holds something already: overwritten, only filled, or the newer of the two.

How old a value here is, is known from three records and never guessed: the timeline (every edit by a person or program names
its fields), `fields_at` of the record (what an import changed, as of which day) and when the record was made. Where it was
written by none of them since the date in question, the answer is "not known", and what is here stays.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from prospects.actions.imports_context import Context, warn
from prospects.actions.imports_store import MADE, WRITTEN, Row, Rows
from prospects.models import Activity, ActivityKind, Person
from prospects.rules.dates import Moment
from prospects.rules.imports import CUSTOM, ConvertedRow
from prospects.rules.imports_policy import day_of

# Columns that say nothing without another one, and go where it goes.
_WITH = {"revenue_currency": "revenue", "funding_currency": "funding_total", "industry_code": "industry"}
_FIELD = {"company_id": "company", "owner_id": "owner", "website": "full_website"}
_ALWAYS = frozenset({"id", "full_name", "updated_at"})
FILLED = "{n} values were left as they are: something is there already, and only what is empty is filled"
NEWER = "{n} values were left as they are: what is here is newer"
EMPTIED = "{n} values stay empty: somebody took them out by hand"
UNKNOWN = "{n} values were left as they are: when they last changed is not known"
UNDATED = "{n} rows do not say how old they are: they only filled what is empty"


class _Edit(NamedTuple):
    at: datetime
    emptied: bool


class Merger:
    """The policies of one run, over the rows of one table."""

    def __init__(self, context: Context, rows: Rows) -> None:
        self._handling, self._context, self._rows = context.handling, context, rows
        self._as_of = day_of(context.handling)
        self._edits: dict[UUID, dict[str, _Edit]] = {}
        self._last: dict[UUID, datetime] = {}
        self._asked: set[UUID] = set()

    @staticmethod
    def needed(context: Context) -> bool:
        """Whether any field that the file fills is not simply overwritten."""
        return any(context.handling.of(name) != "overwrite" for name in context.mapped)

    def of(self, name: str) -> str:
        return self._handling.of(name)

    def prepare(self, *, keep: bool) -> None:
        """Read what people changed of the records at hand; a record nobody changed since it was made is not asked for."""
        if not keep:
            self._edits, self._last, self._asked = {}, {}, set()
        ids = [
            row["id"] for row in self._rows.known()
            if row["id"] not in self._asked and row["updated_at"] > row["created_at"]
        ]  # fmt: skip
        if not ids:
            return
        self._asked.update(ids)
        column = "person" if self._rows.model is Person else "company"
        told = Activity.objects.filter(
            **{f"{column}__any": ids}, kind__in=(ActivityKind.EDITED, ActivityKind.ASSIGNED)
        ).order_by("at", "id")
        for key, kind, at, detail in told.values_list(f"{column}_id", "kind", "at", "detail"):
            self._last[key] = at
            edits = self._edits.setdefault(key, {})
            if kind == ActivityKind.ASSIGNED:
                edits["owner"] = _Edit(at, not (detail.get("owner") or [None])[-1])
                continue
            for name, (old, new) in (detail.get("changes") or {}).items():
                if name != "custom":
                    edits[name] = _Edit(at, new in ("", None, []))
                    continue
                for part in {*(old or {}), *(new or {})}:
                    if (old or {}).get(part) != (new or {}).get(part):
                        edits[f"{CUSTOM}{part}"] = _Edit(at, (new or {}).get(part) is None)

    def date(self, values: Mapping[str, Any]) -> datetime | None:
        """How old a row of the file is."""
        own = values.get("changed_at")
        return own.at if isinstance(own, Moment) else self._as_of

    def made(self, row: Row, values: Mapping[str, Any]) -> None:
        """A record the file made is as old as its row says."""
        if self._handling.dates_rows and (at := self.date(values)) is not None:
            row["fields_at"] = {MADE: int(at.timestamp())}

    def settle(self, row: Row, wanted: dict[str, Any], file_row: ConvertedRow) -> dict[str, Any]:
        """Of the columns the file would set, those that are taken."""
        at = self.date(file_row.values)
        if at is None and self._handling.dates_rows:
            self._context.tally[UNDATED] += 1
        taken: dict[str, Any] = {}
        for column, value in wanted.items():
            if column in _WITH and _WITH[column] in wanted:
                continue
            if column == "custom":
                said: Mapping[str, Any] = file_row.values["custom"]  # type: ignore[assignment]  # the one value that is a mapping
                own = dict(row["custom"])
                own |= {k: v for k, v in said.items() if self._takes(row, f"{CUSTOM}{k}", own.get(k), v, at, file_row)}
                taken["custom"] = own
            elif column in _ALWAYS or self._takes(
                row, _FIELD.get(column, column), row.get(column), value, at, file_row
            ):
                taken[column] = value
        for column, lead in _WITH.items():
            if column in wanted and lead in taken:
                taken[column] = wanted[column]
        if at is not None and self._handling.dates_rows:
            self._rows.said_at.setdefault(row["id"], {}).update(dict.fromkeys(_names(taken, row), int(at.timestamp())))
        return taken

    def _takes(self, row: Row, name: str, has: Any, value: Any, at: datetime | None, file_row: ConvertedRow) -> bool:
        if has == value:
            return True
        policy = self.of(name)
        if policy == "overwrite":
            return True
        edit = self._edits.get(row["id"], {}).get(name)
        if has in ("", None, []):
            if edit is None or not edit.emptied or (policy == "newest" and at is not None and at > edit.at):
                return True
            self._context.tally[EMPTIED] += 1
            words = f"{name}: left empty, as somebody took it out by hand on {edit.at:%d %b %Y}"
            warn(file_row, words, "Give the field the policy overwrite if the file is right.", value=str(value))
            return False
        if policy == "fill" or at is None:
            self._context.tally[FILLED] += policy == "fill"
            return False
        changed, known = self._changed(row, name, edit)
        if at > changed:
            return True
        self._context.tally[NEWER if known else UNKNOWN] += 1
        if not known:
            warn(
                file_row, f"{name}: left as it is; the record changed on {changed:%d %b %Y}, and it is not known how",
                "Give the field the policy overwrite if the file is right.", value=str(value),
            )  # fmt: skip
        return False

    def _changed(self, row: Row, name: str, edit: _Edit | None) -> tuple[datetime, bool]:
        """When the field last changed, and whether that is known; else the latest it can have been."""
        stamps = row.get("fields_at") or {}
        made = datetime.fromtimestamp(stamps[MADE], row["created_at"].tzinfo) if MADE in stamps else row["created_at"]
        column = next((column for column, field in _FIELD.items() if field == name), name)
        ours = self._rows.said_at.get(row["id"], {}).get(column, stamps.get(column))
        found = datetime.fromtimestamp(ours, made.tzinfo) if ours is not None else made
        if edit is not None and edit.at > found:
            found = edit.at
        told = max(
            row["created_at"], self._last.get(row["id"], row["created_at"]),
            datetime.fromtimestamp(stamps.get(WRITTEN, 0), made.tzinfo),
        )  # fmt: skip
        # Stamps are whole seconds.
        return (found, True) if (row["updated_at"] - told).total_seconds() < 1 else (row["updated_at"], False)


def _names(taken: Mapping[str, Any], row: Row) -> Iterable[str]:
    for column, value in taken.items():
        if column != "custom":
            if row.get(column) != value:
                yield column
            continue
        yield from (f"{CUSTOM}{key}" for key in value if row["custom"].get(key) != value[key])

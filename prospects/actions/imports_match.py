"""Whom a row is about, by the keys somebody chose: each row is one record, nobody, or a conflict that says why.

The chosen keys come first, in their order. What is unique here (external id, e-mail address or domain) is asked as well: a
record cannot be made beside the one that has it. The standard rule, when nothing was chosen, stays with the handlers.

What a record was known by before a merge leads to the one that stayed, where nobody has it today: addresses, domains and
external ids by the table itself (`Rows.by`), LinkedIn pages here.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn
from uuid import UUID

from django.db.models.functions import Upper

from prospects.actions.imports_context import Companies, domain_of, tell_former
from prospects.actions.imports_store import Row, RowRefused, Rows
from prospects.models import Company, Person
from prospects.rules.imports import ConvertedRow
from prospects.rules.imports_fields import OWN_ID
from prospects.rules.imports_policy import LETTERS

_WORDS = {
    OWN_ID: "Leadgen id", "external_id": "external id", "email": "e-mail address", "domain": "domain",
    "linkedin_url": "LinkedIn page", "domain_name": "company domain and name",
}  # fmt: skip
TWIN = "twin of row "
PAGE = "linkedin_url"


def named(row: Row) -> str:
    """A record as a message names it."""
    return str(row.get("full_name") or row.get("name") or row.get("email") or row.get("external_id") or "unnamed")


class Matcher(ABC):
    """Finds records of one table by an ordered list of keys. `chosen`: MATCH_KEYS of the kind; `unique`: columns that name
    at most one record; the others are looked up in an index kept here, which rows made and changed join."""

    def __init__(self, rows: Rows, chosen: Sequence[str], unique: Sequence[str]) -> None:
        self.rows, self.chosen, self.unique = rows, tuple(chosen), tuple(unique)
        self.weak = [key for key in chosen if key not in unique]
        self.order = (OWN_ID, *self.chosen, *(key for key in unique if key not in chosen))
        self.letter = "."
        self._index: dict[str, dict[Any, list[Row]]] = {key: {} for key in self.weak}
        self._seen: dict[int, tuple[int, ...]] = {}
        self._led: dict[Any, list[ConvertedRow]] = {}  # former page -> rows of the batch that say it
        if PAGE in self.weak:
            rows.look_up_by(PAGE)

    # What a kind knows of its keys

    def value(self, key: str, values: Mapping[str, Any]) -> Any:
        """The value a row of the file has for a weak key, None for none."""
        return values.get(key) or None

    def value_of(self, key: str, row: Row) -> Any:
        """The same of a record."""
        return row.get(key) or None

    @abstractmethod
    def load(self, key: str, wanted: Iterable[Any]) -> Iterable[Row]:
        """Records that have one of the values `wanted` for a weak key."""

    # A batch

    def names(self, rows: Sequence[ConvertedRow]) -> list[str]:
        """Which rows say the same of a weak key as an earlier row of the file, and contradict it in a unique one. Called
        for every row in file order, also for those before a checkpoint."""
        found = []
        for row in rows:
            clash = 0
            for key in self.weak:
                value = self.value(f"said_{key}", row.values)
                if value is None:
                    continue
                ids = tuple(hash(row.values[name]) if row.values.get(name) else 0 for name in self.unique[:2])
                known = self._seen.setdefault(hash((key, value)), (row.line, *ids))
                if any(a and b and a != b for a, b in zip(known[1:], ids, strict=True)):
                    clash = known[0]
            found.append(f"{TWIN}{clash}" if clash else "")
        return found

    def prepare(self, rows: Sequence[ConvertedRow], *, keep: bool) -> None:
        if not keep:
            self._index = {key: {} for key in self.weak}
        for key in self.weak:
            wanted = {value for row in rows if (value := self.value(key, row.values)) is not None}
            wanted -= self._index[key].keys()
            for row in self.load(key, wanted) if wanted else ():
                self.learn(row, key)
        if PAGE in self.weak:
            self._lead_on(rows)

    def _lead_on(self, rows: Sequence[ConvertedRow]) -> None:
        """Look up the pages nobody has today among those that went in a merge."""
        said = {value for row in rows if (value := self.value(PAGE, row.values)) is not None}
        self.rows.fetch_former(PAGE, [value for value in said if value not in self._index[PAGE]])
        self._led = {}
        for row in rows:
            if (value := self.value(PAGE, row.values)) and self.rows.former(PAGE, value):
                self._led.setdefault(value, []).append(row)

    def learn(self, row: Row, only: str = "") -> None:
        """A record that was read, made or changed: found by what it says now."""
        for key in (only,) if only else self.weak:
            value = self.value_of(key, row)
            if value is not None:
                listed = self._index[key].setdefault(value, [])
                if not any(other is row for other in listed):
                    listed.append(row)

    def _weak_hits(self, key: str, values: Mapping[str, Any]) -> list[Row]:
        value = self.value(key, values)
        found = [row for row in self._index[key].get(value, ()) if self.value_of(key, row) == value]
        if not found and key == PAGE and (led := self.rows.former(key, value)):
            return [led[0]]
        if key != "domain_name":
            return found
        # Two people of one firm may share a name: an earlier key that speaks against it is believed.
        before = self.chosen[: self.chosen.index(key)]
        return [row for row in found if not any(self._differs(k, values, row) for k in before)]

    def _differs(self, key: str, values: Mapping[str, Any], row: Row) -> bool:
        said = values.get(key) if key in self.unique else self.value(key, values)
        has = row.get(key) if key in self.unique else self.value_of(key, row)
        if not (said and has and said != has):
            return False
        before = self.rows.former(key, said)
        return not (before and before[0] is row)  # it had this one, and keeps another since a merge

    # One row

    def find(self, values: Mapping[str, Any], key: str) -> Row | None:
        """The record of a row; `letter` says by which key. Raises RowRefused for a conflict."""
        self.letter = "."
        sure = {name: row for name in (OWN_ID, *self.unique) if (row := self._unique_hit(name, values)) is not None}
        weak = {name: rows for name in self.weak if (rows := self._weak_hits(name, values))}
        if sure:
            found = self._agreed(sure, weak)
            by = next(name for name in self.order if sure.get(name) is found or found in weak.get(name, ()))
            if by not in self.chosen and by != OWN_ID:
                self._allow(by, found, values)
        elif weak:
            found, by = self._one_of(weak)
            if key.startswith(TWIN):
                raise RowRefused(
                    f"row {key.removeprefix(TWIN)} of this file says the same {_WORDS[by]}, and another id or address",
                    "If they are two, put the address or id before it in the match rule.", conflict=True,
                )  # fmt: skip
        else:
            return None
        self.letter = LETTERS[by]
        if self._led:
            self._tell(found, values)
        return found

    def _tell(self, found: Row, values: Mapping[str, Any]) -> None:
        """The remark that other keys get from the handler: the record keeps its page."""
        listed = self._led.get(values.get(PAGE), [])
        row = next((row for row in listed if row.values == values), None)
        if row is not None:
            listed.remove(row)
            tell_former(row, self.rows, found, values, (PAGE,))

    def has_key(self, values: Mapping[str, Any]) -> bool:
        """Whether the row says anything by which it could be found."""
        return any(values.get(name) for name in (OWN_ID, *self.unique)) or any(
            self.value(name, values) is not None for name in self.weak
        )

    def _unique_hit(self, name: str, values: Mapping[str, Any]) -> Row | None:
        if name == OWN_ID:
            return own_row(self.rows, values)
        return self.rows.by(name, values.get(name))

    def _agreed(self, sure: Mapping[str, Row], weak: Mapping[str, list[Row]]) -> Row:
        first = next(iter(sure))
        found = sure[first]
        for name, row in sure.items():
            if row is not found:
                _conflict({first: found, name: row})
        for name, rows in weak.items():
            if not any(row is found for row in rows):
                _conflict({name: rows[0], first: found})
        return found

    def _allow(self, by: str, found: Row, values: Mapping[str, Any]) -> None:
        """Found only because it could not be made again: right, unless a chosen key says it is somebody else."""
        for name in self.chosen:
            if self._differs(name, values, found):
                raise RowRefused(
                    f"its {_WORDS[by]} belongs to {named(found)}, whose {_WORDS[name]} is another",
                    "Correct the row, or choose a match rule that begins with what is right here.", conflict=True,
                    value=str(values.get(by, ""))[:300],
                )  # fmt: skip

    def _one_of(self, weak: Mapping[str, list[Row]]) -> tuple[Row, str]:
        first = next(iter(weak))
        left = weak[first]
        for name, rows in list(weak.items())[1:]:
            both = [row for row in left if any(other is row for other in rows)]
            if not both:
                _conflict({first: left[0], name: rows[0]})
            left = both
        if len(left) > 1:
            some = ", ".join(named(row) for row in left[:3])
            raise RowRefused(
                f"{len(left)} records have its {_WORDS[first]}: {some}",
                "Merge them if they are one, or put a key that tells them apart before it.", conflict=True,
            )  # fmt: skip
        return left[0], first


def _conflict(keys: Mapping[str, Row]) -> NoReturn:
    words = ", its ".join(f"{_WORDS[name]} belongs to {named(row)}" for name, row in keys.items())
    raise RowRefused(
        f"its {words}",
        "They may be one: bring the two records together, then import again.", conflict=True,
    )  # fmt: skip


def own_row(rows: Rows, values: Mapping[str, Any]) -> Row | None:
    """The record an export of our own names, if it is (still) here."""
    key = values.get(OWN_ID)
    return rows.get(UUID(str(key))) if key else None


def load_own(rows: Rows, converted: Sequence[ConvertedRow]) -> None:
    """Look up the records that rows of an export of our own name."""
    wanted = {UUID(str(key)) for row in converted if (key := row.values.get(OWN_ID))}
    if wanted:
        rows.load(rows.model.objects.filter(pk__any=list(wanted)))


class PersonMatcher(Matcher):
    """People by e-mail address, external id, LinkedIn page, company domain and name."""

    def __init__(self, rows: Rows, chosen: Sequence[str], companies: Companies) -> None:
        super().__init__(rows, chosen, ("external_id", "email"))
        self._companies = companies

    def value(self, key: str, values: Mapping[str, Any]) -> Any:
        if not key.endswith("domain_name"):
            return values.get(key.removeprefix("said_")) or None
        name = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip().upper()
        domain = domain_of(values)
        if not name or not domain:
            return None
        if key.startswith("said_"):  # before anything was looked up
            return domain, name
        company = self._companies.rows.by("domain", domain)
        return (company["id"], name) if company else None

    def value_of(self, key: str, row: Row) -> Any:
        if key != "domain_name":
            return row.get(key) or None
        return (row["company_id"], row["full_name"].upper()) if row["company_id"] and row["full_name"] else None

    def load(self, key: str, wanted: Iterable[Any]) -> Iterator[Row]:
        found = Person.objects.order_by("created_at", "pk")
        if key == "linkedin_url":
            yield from self.rows.load(found.filter(linkedin_url__any=list(wanted)))
            return
        pairs = set(wanted)
        names = list({name for _, name in pairs})
        firms = list({str(company) for company, _ in pairs})
        named_so = found.annotate(x_name=Upper("full_name")).filter(company__any=firms, x_name__in=names)
        for row in self.rows.load(named_so):
            if self.value_of(key, row) in pairs:
                yield row


class CompanyMatcher(Matcher):
    """Companies by domain, external id, LinkedIn page. Never by name: two firms may share one."""

    def __init__(self, rows: Rows, chosen: Sequence[str]) -> None:
        super().__init__(rows, chosen, ("external_id", "domain"))

    def value(self, key: str, values: Mapping[str, Any]) -> Any:
        return values.get(key.removeprefix("said_")) or None

    def load(self, key: str, wanted: Iterable[Any]) -> Iterable[Row]:
        return self.rows.load(Company.objects.filter(linkedin_url__any=list(wanted)).order_by("created_at", "pk"))

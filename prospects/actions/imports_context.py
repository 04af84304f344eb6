"""What every kind of import shares: the run's facts, owners, campaigns, companies, and the shape of a handler."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from accounts.models import Member, Role
from prospects.actions.imports_store import Row, RowRefused, Rows, Unit
from prospects.models import Campaign, Company, Stage
from prospects.rules.dates import Moment
from prospects.rules.imports import ConvertedRow, Handling, Kind, RowIssue
from prospects.rules.normalise import company_domain

MAX_MONEY = Decimal(10) ** 15
OUTBOUND = frozenset({"email", "linkedin", "phone", "direct_mail", "event"})


@dataclass(slots=True)
class Context:
    """The facts of one run. `source`: what new rows say about where they came from. `tally`: things worth a sentence in
    the findings, counted by their words (with {n} for the number)."""

    kind: Kind
    file_name: str
    source: str
    currency: str
    now: datetime
    import_id: UUID | None = None
    handling: Handling = field(default_factory=Handling)
    mapped: frozenset[str] = frozenset()  # fields the file fills
    tally: Counter[str] = field(default_factory=Counter)


class Handler(Protocol):
    """One kind of import. A batch goes: `prepare` (look everything up), `apply` row by row (in memory), then the unit is
    flushed. `name_rows` gives each row its key, in file order, also for rows that are passed over after a crash."""

    unit: Unit

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]: ...

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None: ...

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        """Whether the row made something new, and the thing it is about. Raises RowRefused before any change. A handler that
        matches by several keys says in `matched` which found it: a letter of rules.imports_policy.KEY_WORDS."""
        ...

    def complete(self) -> None:
        """After the last row of a batch: what follows from several rows together."""
        ...


class Ordinals:
    """Keys of rows that carry none: a digest of what they say, numbered where several rows say the same."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._seen: Counter[str] = Counter()

    def key(self, *parts: Any) -> str:
        text = "\x1f".join("" if part is None else str(part) for part in parts)
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        self._seen[digest] += 1
        number = self._seen[digest]
        return f"{self._prefix}{digest}" + (f"-{number}" if number > 1 else "")


def money(value: Any) -> Decimal:
    """An amount as the column keeps it: two decimals. Raises RowRefused where it is too large."""
    if value >= MAX_MONEY:
        raise RowRefused("the amount is larger than can be kept", "Check the amount.", value=str(value))
    return Decimal(value).quantize(Decimal("0.01"))


def warn(row: ConvertedRow, message: str, remedy: str = "Nothing to do if that is right.", *, value: str = "") -> None:
    """Attach a remark to a row that is imported all the same."""
    row.issues.append(RowIssue(row.line, "", value[:300], message[:300], remedy[:300], "warning"))


def tell_former(row: ConvertedRow, rows: Rows, found: Row, values: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Remark where a row was found by what its record was known by before a merge: the record keeps what it has."""
    for key in keys:
        before = rows.former(key, values.get(key))
        if before and before[0] is found and found[key] != values[key]:
            name, at = found.get("full_name") or found.get("name") or found[key], before[1]
            warn(row, f"{values[key]} became part of {name} by a merge on {at:%d %b %Y}, which keeps {found[key] or 'what it has'}", value=str(values[key]))  # fmt: skip


class Owners:
    """Members by e-mail or name; a name nobody has becomes an inactive member."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.rows = Rows(Member, unit)
        self._context = context
        self._names: dict[str, Row] = {}

    def prepare(self) -> None:
        # Members are few; their order makes the choice among namesakes the same each time: active ones first.
        self.rows.load(Member.objects.order_by("-is_active", "created_at", "pk"))
        self._names = {}
        for row in sorted(self.rows.known(), key=lambda row: (not row["is_active"],)):
            for name in (row["email"], row["name"]):
                if name:
                    self._names.setdefault(name.casefold(), row)

    def of(self, name: Any) -> UUID | None:
        """The member's id; made (inactive) where nobody is called so."""
        if not name:
            return None
        text = " ".join(str(name).split())[:120]
        row = self._names.get(text.casefold())
        if row is None:
            email = text.lower() if "@" in text else ""
            row = self.rows.add(
                email=email, name="" if email else text, role=Role.VIEWER, is_active=False, created_at=self._context.now
            )
            self._names[text.casefold()] = row
            self._context.tally["{n} unknown owners became inactive members"] += 1
        found: UUID = row["id"]
        return found


class Campaigns:
    """Campaigns by name; an unknown name becomes an ended campaign, so that nothing is sent for it."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.rows = Rows(Campaign, unit, ("name",))
        self._context = context

    def prepare(self, names: Sequence[Any]) -> None:
        self.rows.fetch("name", [str(name)[:120] for name in names if name])

    def of(self, name: Any, channel: str) -> UUID | None:
        if not name:
            return None
        text = str(name)[:120]
        row = self.rows.by("name", text)
        if row is None:
            row = self.rows.add(
                name=text, channel=channel or "unknown", state=Campaign.State.ENDED, created_at=self._context.now,
                motion=Campaign.Motion.OUTBOUND if channel in OUTBOUND else Campaign.Motion.INBOUND,
            )  # fmt: skip
            self._context.tally["{n} unknown campaigns were made (ended: nothing is sent for them)"] += 1
        found: UUID = row["id"]
        return found


# What rows about people and leads ask of a company, and may fill in.
_READ = {
    "id", "name", "domain", "external_id", "industry", "employees", "keywords", "funding_total", "funding_currency",
    "linkedin_url",
}  # fmt: skip


class Companies:
    """Companies by external id, domain, and (only for rows that give nothing but a name) by exact name among those that
    have nothing but a name either."""

    def __init__(self, unit: Unit, context: Context, *, whole: bool = False, read: Collection[str] = ()) -> None:
        columns = {f.attname for f in Company._meta.concrete_fields}
        unread = columns - _READ
        if whole:
            unread = {"created_at", "updated_at", "fields_at", "time_zone", "pains", "goals", "website"}
        unread -= set(read)
        self.rows = Rows(Company, unit, ("external_id", "domain"), unread=unread)
        self._context = context
        self._named: dict[str, Row] = {}
        self.shared: set[str] = set()  # names that several of those have
        self._asked: set[str] = set()
        self._unit = unit

    def prepare(
        self, *, domains: Sequence[Any] = (), names: Sequence[Any] = (), external_ids: Sequence[Any] = ()
    ) -> None:
        if not self._unit.keep:
            self._named, self._asked = {}, set()
        self.rows.fetch("external_id", external_ids)
        self.rows.fetch("domain", domains)
        wanted = {str(name) for name in names if name} - self._asked
        if wanted:
            self._asked |= wanted
            bare = Company.objects.filter(name__any=wanted, domain="", external_id="")
            for row in self.rows.load(bare.order_by("created_at", "pk")):
                if self._named.setdefault(row["name"], row) is not row:
                    self.shared.add(row["name"])

    def by_name(self, name: str) -> Row | None:
        row = self._named.get(name)
        bare = row is not None and not row["domain"] and not row["external_id"] and row["name"] == name
        return row if bare else None

    def add(self, **values: Any) -> Row:
        context = self._context
        row = self.rows.add(**{"source": context.source, **values}, created_at=context.now, updated_at=context.now)
        if not row["domain"] and not row["external_id"]:
            self._named[row["name"]] = row
        return row

    def of(self, *, domain: str, name: str, facts: Mapping[str, Any] | None = None, by_name: bool) -> Row | None:
        """The company a person or lead belongs to: by domain (made if need be); with `by_name`, where there is no
        domain, the one that only a name made. `facts` fill what it does not know yet."""
        row: Row | None = None
        if domain:
            row = self.rows.by("domain", domain) or self.add(name=(name or domain)[:200], domain=domain)
            if name and row["name"] == domain:
                self.rows.put(row, {"name": name[:200]})
        elif name and by_name:
            row = self.by_name(name)
            if row is None:
                row = self.add(name=name)
                self._context.tally[
                    "{n} companies are known by their name only (no domain); rows of exactly that name belong to them"
                ] += 1
        if row is not None and facts:
            self.rows.put(row, {key: value for key, value in facts.items() if row[key] in ("", None, [])})
        return row


def at_of(values: Mapping[str, Any], name: str) -> datetime | None:
    """The instant a date field names, None where it is empty."""
    value = values.get(name)
    return value.at if isinstance(value, Moment) else None


def domain_of(values: Mapping[str, Any]) -> str:
    """The domain of the company a row is about: as given, else that of a business e-mail address."""
    given = str(values.get("domain", ""))
    return given or (company_domain(str(values["email"])) if values.get("email") else "")


STAGE_FIELDS: dict[str, str] = {
    Stage.LEAD: "opened_at",
    Stage.MQL: "mql_at",
    Stage.ACCEPTED: "accepted_at",
    Stage.SQL: "sql_at",
    Stage.OPPORTUNITY: "opportunity_at",
}

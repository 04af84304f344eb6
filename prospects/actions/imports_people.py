"""Importing people: matched by external id, then e-mail; never by name where an address could tell. Or by chosen keys."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prospects.actions.basis import FIELDS as BASIS
from prospects.actions.basis import settle_basis
from prospects.actions.imports_context import Companies, Context, Owners, domain_of, money, tell_former, warn
from prospects.actions.imports_match import PersonMatcher, load_own, named, own_row
from prospects.actions.imports_policy import Merger
from prospects.actions.imports_store import Row, RowRefused, Rows, Unit
from prospects.actions.imports_tags import Tags
from prospects.models import Activity, ActivityKind, BasisEntry, Person
from prospects.rules import titles
from prospects.rules.basis import read_basis
from prospects.rules.imports import CUSTOM, ConvertedRow
from prospects.rules.imports_fields import OWN_ID

_PLAIN = (
    "first_name", "last_name", "email", "phone", "linkedin_url", "title", "seniority", "department", "country", "region",
    "city", "time_zone", "source", *BASIS, "external_id",
)  # fmt: skip
_COMPANY_FACTS = {
    "company_industry": "industry", "company_employees": "employees", "company_keywords": "keywords",
    "company_funding_total": "funding_total", "company_linkedin_url": "linkedin_url",
}  # fmt: skip

_UNREAD = (
    "created_at",
    "updated_at",
    "email_status_at",
    "email_status_reason",
    "email_checks",
    "stale_signal",
    "stale_at",
    "last_touch_at",
    "last_reply_at",
    "fields_at",
    "time_zone",
    "custom",
    *BASIS[1:],
)
_DATED = ("created_at", "updated_at", "fields_at")  # read where a policy asks how old something is


class Persons:
    """The people of a batch, also for leads: found by external id, e-mail, LinkedIn page; changed and made."""

    def __init__(self, unit: Unit, context: Context) -> None:
        asked = (("time_zone",) if "time_zone" in context.mapped else ()) + (_DATED if Merger.needed(context) else ())
        if any(name.startswith(CUSTOM) for name in context.mapped):
            asked += ("custom",)
        asked += BASIS[1:] if set(BASIS) & set(context.mapped) else ()
        self.rows = Rows(Person, unit, ("external_id", "email"), unread=set(_UNREAD) - set(asked))
        self._context, self._unit = context, unit
        self.matched = "."
        self._pages: dict[str, Row] = {}
        self._names: dict[tuple[str, Any], Row] = {}

    def prepare(self, rows: Sequence[ConvertedRow], *, external_ids: bool) -> None:
        if not self._unit.keep:
            self._pages, self._names = {}, {}
        if external_ids:
            self.rows.fetch("external_id", [row.values.get("external_id") for row in rows])
        self.rows.fetch("email", [row.values.get("email") for row in rows])
        if OWN_ID in self._context.mapped:
            load_own(self.rows, rows)
        bare = [row.values for row in rows if not row.values.get("email") and not row.values.get("external_id")]
        if not bare or not external_ids:
            return
        pages = {str(v["linkedin_url"]) for v in bare if v.get("linkedin_url")}
        if pages:
            for row in self.rows.load(Person.objects.filter(linkedin_url__any=pages).order_by("created_at", "pk")):
                self._pages.setdefault(row["linkedin_url"], row)
        names = {_full_name(v) for v in bare if not v.get("linkedin_url")} - {""}
        if names:
            nameless = Person.objects.filter(full_name__any=names, email="", external_id="", linkedin_url="")
            for row in self.rows.load(nameless.order_by("created_at", "pk")):
                self._names.setdefault((row["full_name"], row["company_id"]), row)

    def find(self, values: dict[str, Any], company_id: Any) -> Row | None:
        """The person a row of a people's file is about. Raises RowRefused where id and address name two persons."""
        by_id = self.rows.by("external_id", values.get("external_id"))
        by_email = self.rows.by("email", values.get("email"))
        self.matched = "x" if by_id is not None else "e" if by_email is not None else "."
        if OWN_ID in values and (own := own_row(self.rows, values)) is not None:
            for other, words in ((by_id, "external id"), (by_email, "address")):
                if other is not None and other is not own:
                    raise RowRefused(
                        f"the Leadgen id belongs to {named(own)}, the {words} to {named(other)}",
                        "They may be one person: bring the two records together, then import again.", conflict=True,
                    )  # fmt: skip
            self.matched = "k"
            return own
        if by_id is not None and by_email is not None and by_id is not by_email:
            raise RowRefused(
                f"the external id belongs to {by_id['full_name'] or by_id['email']}, the address to "
                f"{by_email['full_name'] or by_email['external_id'] or 'somebody else'}",
                "They may be one person: bring the two records together, then import again.",
                column="email", value=str(values["email"]), conflict=True,
            )  # fmt: skip
        found = by_id or by_email
        if found is not None or values.get("email") or values.get("external_id"):
            return found
        return self.find_bare(values, company_id)

    def find_bare(self, values: dict[str, Any], company_id: Any) -> Row | None:
        """The person of a row without address and id: by LinkedIn page, else by name alone."""
        if page := values.get("linkedin_url"):
            found, letter = self._pages.get(str(page)), "l"
        else:
            # A row with nothing but a name: only somebody else who has nothing but that name, at the same company.
            found, letter = self._names.get((_full_name(values), company_id)), "n"
        self.matched = letter if found is not None else "."
        return found

    def add(self, values: dict[str, Any], *, literally: bool = False) -> Row:
        """A new person. `literally`: nothing is read from the title."""
        context = self._context
        known = values if literally else _with_role(values, None)
        row = self.rows.add(
            **{"source": context.source, **known}, full_name=_full_name(values), created_at=context.now,
            updated_at=context.now,
        )  # fmt: skip
        if not row["email"] and not row["external_id"]:
            if row["linkedin_url"]:
                self._pages[row["linkedin_url"]] = row
            else:
                self._names[row["full_name"], row["company_id"]] = row
        return row

    def change(self, row: Row, values: dict[str, Any], *, literally: bool = False) -> bool:
        """Filled cells overwrite; a new address is not verified yet; a new title is read again."""
        values = self.rows.without_former(row, values)
        wanted = dict(values) if literally else _with_role(values, row)
        full = f"{wanted.get('first_name', row['first_name'])} {wanted.get('last_name', row['last_name'])}".strip()
        wanted["full_name"] = full[:250]
        if wanted.get("email", row["email"]) != row["email"]:
            wanted |= {"email_status": Person.EmailStatus.UNKNOWN, "email_status_at": None, "email_status_reason": ""}
        return self.rows.put(row, wanted)


def _full_name(values: dict[str, Any]) -> str:
    return f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()[:250]


def _with_role(values: dict[str, Any], row: Row | None) -> dict[str, Any]:
    """Seniority and department read from the title, unless they are given or were set otherwise."""
    values = dict(values)
    title = values.get("title")
    if not title or (row is not None and row["title"] == title):
        return values
    role = titles.role(str(title))
    before = titles.role(row["title"]) if row is not None and row["title"] else None
    for name, read in (("seniority", role.seniority), ("department", role.department)):
        free = row is None or row[name] in ("", getattr(before, name) if before else "")
        if not values.get(name) and free:
            values[name] = read
    return values


class PeopleImport:
    """One row of the file is one person; the company comes from its domain or that of a business address."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.owners = Owners(unit, context)
        self.companies = Companies(unit, context)
        self.people = Persons(unit, context)
        self.records = self.people.rows
        self.firm: UUID | None = None  # the company the row in hand names
        self.notes = Rows(Activity, unit)
        self.bases = Rows(BasisEntry, unit)
        self.tags = Tags(unit, context, "person_id") if "tags" in context.mapped else None
        self.matched = "."
        match = context.handling.match
        self.matcher = PersonMatcher(self.people.rows, match, self.companies) if match else None
        self.merger = Merger(context, self.people.rows) if Merger.needed(context) else None

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return self.matcher.names(rows) if self.matcher else [""] * len(rows)

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        if any("owner" in row.values for row in rows):
            self.owners.prepare()
        domains = [_company_domain(row.values) for row in rows]
        known_by_id, bare = "company_external_id" in self.context.mapped, "company" in self.context.mapped
        self.companies.prepare(
            domains=domains,
            external_ids=[row.values.get("company_external_id") for row in rows] if known_by_id else (),
            names=[r.values.get("company") for r, d in zip(rows, domains, strict=True) if not d] if bare else (),
        )
        self.people.prepare(rows, external_ids=True)
        if self.matcher:
            self.matcher.prepare(rows, keep=self.unit.keep)
        if self.merger:
            self.merger.prepare(keep=self.unit.keep)
        if self.tags:
            self.tags.prepare(row["id"] for row in self.people.rows.known())
        # Notes are facts of the ledger: the same words of one person are written once.
        self._said = {row["key"] for row in self.notes.known()}
        wanted = [_note_key(row.values) for row in rows if row.values.get("note")]
        if wanted:
            self._said |= set(Activity.objects.filter(key__in=wanted).values_list("key", flat=True))

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        own = OWN_ID in values
        domain, name = _company_domain(values), str(values.get("company", ""))
        known = self.companies.rows.by("domain", domain)
        found = self._find(values, key, known["id"] if known else None)
        before = self.people.rows.former("email", values.get("email")) if found is not None else None
        if before and before[0] is found and "domain" not in values:
            domain = ""  # no company is made from an address that somebody had once
        facts = {column: values[name] for name, column in _COMPANY_FACTS.items() if name in values}
        if "funding_total" in facts:
            facts["funding_total"] = money(facts["funding_total"])
            facts["funding_currency"] = str(values.get("currency") or self.context.currency)
        wanted = {column: values[column] for column in _PLAIN if column in values}
        if "lawful_basis" in wanted:
            wanted["lawful_basis"] = read_basis(str(wanted["lawful_basis"]))
        if "lawful_basis_at" in wanted:
            wanted["lawful_basis_at"] = wanted["lawful_basis_at"].at
        if "custom" in values:
            wanted["custom"] = {**(found["custom"] if found else {}), **values["custom"]}
        if "owner" in values:
            wanted["owner_id"] = self.owners.of(values["owner"])
        company = self._company(values, found, domain, name, facts)
        self.firm = company["id"] if company is not None else None
        if company is None and name and not (own and found):
            self.context.tally[
                "{n} rows name a company without a domain; two firms may share a name, so it was not linked"
            ] += 1
            warn(
                row,
                "the company was not linked: nothing gives its domain",
                "Add a column with the company's domain.",
                value=name,
            )
        if company is not None and ("domain" in values or found is None or found["company_id"] is None):
            wanted["company_id"] = company["id"]
        said = _basis_of(found)
        if found is None:
            settle_basis(wanted, before="", now=self.context.now)
            person, created = self.people.add(wanted, literally=own), True
            if self.merger:
                self.merger.made(person, values)
        else:
            tell_former(row, self.people.rows, found, values, ("email", "external_id"))
            wanted = self.people.rows.without_former(found, wanted)
            if self.merger:
                wanted = self.merger.settle(found, wanted, row)
            if wanted.get("external_id") and found["external_id"] not in ("", wanted["external_id"]):
                warn(row, f"the address had the external id {found['external_id']}; it has the new one now")
            stays = wanted.get("lawful_basis") or found["lawful_basis"]
            if not own and stays != read_basis(str(values.get("lawful_basis", ""))):
                # Another basis stays: date and words of this one are not about it.
                wanted = {name: value for name, value in wanted.items() if name not in BASIS[1:]}
            settle_basis(wanted, before=found["lawful_basis"], now=self.context.now)
            self.people.change(found, wanted, literally=own)
            person, created = found, False
        if person["lawful_basis"] and _basis_of(person) != said:
            self._basis(person)
        if self.matcher:
            self.matcher.learn(person)
        if values.get("note"):
            self._note(person, str(values["note"]), values)
        if self.tags and "tags" in values:
            self.tags.give(row, person, values["tags"])
        return created, person

    def _find(self, values: dict[str, Any], key: str, company_id: Any) -> Row | None:
        if self.matcher is None:
            found = self.people.find(values, company_id)
            self.matched = self.people.matched
            return found
        found = self.matcher.find(values, key)
        self.matched = self.matcher.letter
        if found is None and not self.matcher.has_key(values):
            found = self.people.find_bare(values, company_id)
            self.matched = self.people.matched
        return found

    def _company(
        self, values: dict[str, Any], found: Row | None, domain: str, name: str, facts: dict[str, Any]
    ) -> Row | None:
        """Where the person works: by domain (made if need be), else by the company's own id, else by its name where it has
        nothing but that name. Where the policy keeps the company there is, none is made."""
        if found is not None and found["company_id"] and self.merger and self.merger.of("company") == "fill":
            return self.companies.rows.by("domain", domain)
        company = self.companies.of(domain=domain, name=name, facts=facts, by_name=False)
        if company is None and not domain:
            company = self.companies.rows.by("external_id", values.get("company_external_id"))
            company = company or (self.companies.by_name(name) if name not in self.companies.shared else None)
        return company

    def complete(self) -> None:
        pass

    def _basis(self, person: Row) -> None:
        """What the file says of why they may be kept, in the history."""
        context = self.context
        self.bases.add(
            person_id=person["id"], basis=person["lawful_basis"], note=person["lawful_basis_note"],
            at=person["lawful_basis_at"] or context.now, recorded_at=context.now, source=context.source[:160],
        )  # fmt: skip

    def _note(self, person: Row, text: str, values: dict[str, Any]) -> None:
        key = _note_key(values)
        if key in self._said:
            return
        self._said.add(key)
        now = self.context.now
        self.notes.add(
            kind=ActivityKind.NOTE, at=now, recorded_at=now, person_id=person["id"], company_id=person["company_id"],
            summary=" ".join(text.split())[:300], detail={"text": text, "source": self.context.source}, key=key,
        )  # fmt: skip


def _company_domain(values: Any) -> str:
    """The domain of the company; a row of our own export that names none has none, whatever its address."""
    return str(values.get("domain", "")) if OWN_ID in values else domain_of(values)


def _basis_of(row: Row | None) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in BASIS) if row is not None else ("", None, "")


def _note_key(values: Any) -> str:
    who = values.get("external_id") or values.get("email") or values.get("linkedin_url") or _full_name(dict(values))
    return "import-note:" + hashlib.sha256(f"{who}\x1f{values['note']}".encode()).hexdigest()

"""Rows of a file that are known already: read the same way before, and their records still say what they said then.

A monthly list mostly says what it said last month. Beside the digest of such a row stands a hash of everything it may write:
where both are what they were, the row changes nothing, and is neither converted nor compared. Whatever is not certain takes the
long way: other settings, other values (whoever changed them), rows with remarks, policies that ask who was first, match rules.

The table is a cache. Its rows are never the only place of anything, a crash of the database may empty it, and a digest is keyed,
so that it cannot be guessed back.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from leadgen.core.arrays import array_text
from leadgen.core.prepared import server_cursor
from leadgen.core.secrets import derive
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.imports_setup import Setup
from prospects.models import Company, ImportMemo, Person
from prospects.rules.dates import DateFormat
from prospects.rules.imports import CUSTOM

# Another number wherever rows are converted or merged differently than before: what is known was known by the old rules.
VERSION = 1
KEPT = timedelta(days=400)
_BETWEEN = "\x1f"
# Field of the file -> columns of the record it may write. Fields that are not here (owners, tags, notes, lawful bases ...) depend
# on more than the record, or leave something beside it.
_PERSON: dict[str, tuple[str, ...]] = {
    name: (name,)
    for name in (
        "email", "external_id", "first_name", "last_name", "phone", "linkedin_url", "title", "seniority", "department", "country",
        "region", "city", "time_zone",
    )
} | {"full_name": ("first_name", "last_name"), "location": ("city", "region", "country")}  # fmt: skip
_OF_COMPANY: dict[str, tuple[str, ...]] = {
    "company": ("name",), "domain": ("domain",), "company_industry": ("industry",), "company_employees": ("employees",),
    "company_keywords": ("keywords",), "company_funding_total": ("funding_total", "funding_currency"),
    "company_linkedin_url": ("linkedin_url",),
}  # fmt: skip
_COMPANY: dict[str, tuple[str, ...]] = {
    name: (name,)
    for name in (
        "name", "domain", "external_id", "employees", "country", "region", "city", "founded", "technologies", "keywords",
        "pains", "goals", "funding_stage", "funded_on", "linkedin_url", "phone", "description", "time_zone",
        "revenue_currency", "funding_currency",
    )
} | {
    "location": ("city", "region", "country"), "full_website": ("website",), "industry": ("industry", "industry_code"),
    "naics": ("naics", "industry_code"),
    "sub_industry": ("sub_industry", "industry_code"), "revenue": ("revenue", "revenue_currency"),
    "funding_total": ("funding_total", "funding_currency"),
}  # fmt: skip


class Known(NamedTuple):
    """A row that changes nothing: the id of the record it is about, its address (of a person), by which key it was found."""

    record: str
    email: str
    key: str


class Memo:
    """What is known of the rows of one run. `expecting`: whether enough of them were lately that looking pays."""

    def __init__(self, setup: Setup, *, people: bool, mapped: Iterable[str]) -> None:
        custom = any(name.startswith(CUSTOM) for name in mapped)
        named = [name for name in mapped if not name.startswith(CUSTOM)]
        own = {column for name in named for column in (_PERSON if people else _COMPANY).get(name, ())}
        own |= {"email", "external_id", "company_id", "full_name"} if people else {"domain", "external_id"}
        firm = (
            {column for name in named for column in _OF_COMPANY.get(name, ())} | {"name", "domain"} if people else set()
        )
        columns = [f'r."{name}"' for name in sorted(own | ({"custom"} if custom else set()))]
        columns += [f'c."{name}"' for name in sorted(firm)]
        key = _key_of(setup)
        seed = int.from_bytes(key[:8], signed=True)  # secret, so that nobody can try values against it
        self._state = f"hash_record_extended(ROW({', '.join(columns)}), {seed})"
        # By key, row by row, whatever the planner thinks of tables it has no statistics of.
        record, firms = (Person if people else Company)._meta.db_table, Company._meta.db_table
        self._record = f'CROSS JOIN LATERAL (SELECT * FROM "{record}" WHERE workspace_id = %s AND id = {{key}}.record_id OFFSET 0) r'  # noqa: S608
        if people:
            self._record += f' LEFT JOIN LATERAL (SELECT * FROM "{firms}" WHERE workspace_id = %s AND id = {{key}}.company_id OFFSET 0) c ON true'  # noqa: S608
        self._tables = 2 if people else 1
        self._email = 'r."email"' if people else "''"
        self._keys = ("external_id", "x"), ("email", "e") if people else ("domain", "h")
        self._hash = hashlib.blake2b(key=key, digest_size=16)
        self.expecting = ImportMemo.objects.exists()
        self._turns = 0

    @staticmethod
    def fits(setup: Setup, mapped: Iterable[str], merger: bool) -> bool:
        """Whether what a row changes follows from the row and its record alone."""
        fields: dict[str, Any] = {"people": _PERSON | _OF_COMPANY, "companies": _COMPANY}.get(setup.kind, {})
        plain = {name for name in mapped if not name.startswith(CUSTOM)}
        return bool(fields) and not merger and not setup.options.handling.match and plain <= set(fields)

    def digests(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Of the cells of each row, as read from the file under this run's settings."""
        found = []
        for cells in rows:
            one = self._hash.copy()
            text = _BETWEEN.join(cells)
            if text.count(_BETWEEN) != len(cells) - 1:  # one stands in a cell
                text = json.dumps(cells)
            one.update(text.encode("utf-8", "surrogatepass"))
            found.append(one.hexdigest())
        return found

    def known(self, digests: Sequence[str], *, emails: bool) -> dict[int, Known]:
        """Place in `digests` -> what is known, of rows that change nothing. `emails`: whether addresses are asked for."""
        workspace = current_workspace_id()
        email = self._email if emails else "''"
        # Four texts in place of four values a row, which would be read one by one here.
        ((places, records, addresses, keys),) = self._execute(
            "SELECT string_agg((v.n - 1)::text, ','), string_agg(r.id::text, ','),"  # noqa: S608  our names
            f" string_agg({email}, E'\\x1f'), string_agg(m.key, '')"
            " FROM unnest(%s::uuid[]) WITH ORDINALITY v(id, n)"
            " CROSS JOIN LATERAL (SELECT * FROM prospects_importmemo WHERE workspace_id = %s AND id = v.id OFFSET 0) m"
            f" {self._record.format(key='m')} WHERE m.state = {self._state}",
            [array_text(digests), *[workspace] * (1 + self._tables)],
        )
        found = places.split(",") if places else []
        self._turns += 1
        # Looked at again now and then: a list may begin with what is new.
        self.expecting = 2 * len(found) >= len(digests)
        if not found:
            return {}
        told = map(Known, records.split(","), addresses.split("\x1f"), keys)
        return dict(zip(map(int, found), told, strict=True))

    def skip(self) -> None:
        """Another batch went the long way without being looked up."""
        self._turns += 1
        self.expecting = not self._turns % 10

    def keep(self, rows: Sequence[tuple[str, UUID, UUID | None, str]], now: datetime) -> None:
        """Remember rows just written or found unchanged: (digest, "" for none to be kept; record; company it also named; key)."""
        often = Counter(record for _, record, _, _ in rows)
        # Of two rows about one record the second may have undone the first.
        alone = {row[0]: row for row in rows if row[0] and often[row[1]] == 1}
        if not alone:
            return
        workspace = current_workspace_id()
        found = list(alone.values())
        self._execute(
            "INSERT INTO prospects_importmemo (id, workspace_id, record_id, company_id, state, key, at)"  # noqa: S608  our names
            f" SELECT v.id, %s, v.record_id, v.company_id, {self._state}, v.key, %s"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[]) v(id, record_id, company_id, key)"
            f" {self._record.format(key='v')}"
            " ON CONFLICT (id) DO UPDATE SET record_id = excluded.record_id, company_id = excluded.company_id,"
            " state = excluded.state, key = excluded.key, at = excluded.at",
            [
                workspace, now, array_text([row[0] for row in found]), array_text([str(row[1]) for row in found]),
                array_text([str(row[2]) if row[2] else None for row in found]), array_text([row[3] for row in found]),
                *[workspace] * self._tables,
            ],
        )  # fmt: skip

    def key_of(self, values: Any) -> str:
        """The letter of the key by which a row will be found again; '' where none is its own."""
        return next((letter for name, letter in self._keys if values.get(name)), "")

    def _execute(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        with connection.wrap_database_errors:
            cursor = server_cursor().execute(sql, params, prepare=False)
            return cursor.fetchall() if cursor.description else []


def forget_memo(now: datetime) -> None:
    """Rows nobody sent again for long are no help."""
    ImportMemo.objects.filter(at__lt=now - KEPT).delete()


def _key_of(setup: Setup) -> bytes:
    """Everything that decides what the cells of a row mean, as a key: the same cells under other settings are another row."""
    formats, options = setup.formats, setup.options
    dates = {
        name: [found.order, found.separator] for name, found in formats.dates.items() if isinstance(found, DateFormat)
    }
    said = [
        VERSION, str(current_workspace_id()), setup.kind, setup.table.header, setup.mapping.columns, setup.mapping.constants,
        options.translations, setup.reading, dates, {name: found.decimal for name, found in formats.numbers.items()},
        sorted(formats.months),
    ]  # fmt: skip
    text = json.dumps(said, sort_keys=True).encode()
    return hashlib.blake2b(text, key=derive("import-memo"), digest_size=32).digest()

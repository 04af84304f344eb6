"""A directory's files: taken in with their columns guessed, checked by a person once, read in the background, and put in the
place of the file before in one moment.

The mapper, the converter and its normalisers are those of imports. Rows are written in parts under the new upload's id, unseen
by searches until the last one is there; a worker that dies begins the file again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.actions.finding import clean_row, ring_workers
from prospects.actions.imports_setup import guess, prepare, read_table
from prospects.models import DirectoryCompany, DirectoryPerson, DirectoryUpload, EnrichmentProvider
from prospects.rules import imports as rules
from prospects.rules.enrichment import COMPANY_FIELDS, plain
from prospects.rules.industries import industry
from prospects.rules.titles import role
from prospects.sources.parquet import ParquetError, as_csv, is_parquet

State = DirectoryUpload.State
MAX_FILE, MAX_ROWS = 50 * 1024 * 1024, 500_000
LEASE, PART = timedelta(minutes=10), 2000
# Field of the import -> field of a result; what else a file holds stays out.
COMPANY: Mapping[str, str] = {name: name for name in COMPANY_FIELDS if name != "website"}
PERSON: Mapping[str, str] = {
    name: name
    for name in (
        "email", "first_name", "last_name", "title", "phone", "linkedin_url", "seniority", "department", "country", "region", "city",
    )
} | {
    "company": "company_name", "domain": "company_domain", "company_industry": "company_industry",
    "company_employees": "company_employees", "company_linkedin_url": "company_linkedin_url",
}  # fmt: skip


def fields_of(subject: str) -> Mapping[str, str]:
    return COMPANY if subject == "companies" else {**PERSON, "full_name": "full_name"}


def upload(
    *, provider: EnrichmentProvider, subject: str, name: str, content: bytes, by: Actor, now: datetime
) -> DirectoryUpload:  # fmt: skip
    """Take a file in and guess its columns, by the mapping that was used last where the columns are the same. Nothing is
    searched in it before `read_upload`. Raises Invalid in words."""
    if provider.kind != EnrichmentProvider.Kind.DIRECTORY:
        raise Invalid("Only a directory takes a file.", field="file")
    if subject not in DirectoryUpload.Subject.values:
        raise Invalid("Choose companies or people.", field="subject")
    if len(content) > MAX_FILE:
        raise Invalid("The file is larger than 50 MB. Split it, or leave columns out.", field="file")
    try:
        content = as_csv(content, most_rows=MAX_ROWS) if is_parquet(content) else content
    except ParquetError as error:
        raise Invalid(str(error), field="file") from error
    table = read_table(content)
    last = provider.settings.get("columns", {}).get(subject, {})
    known = {name: column for name, column in last.items() if column in table.header}
    mapping = guess(_kind(subject), table, rules.ImportOptions(columns=known))
    columns = (
        known
        if known and len(known) == len(last)
        else {n: c for n, c in mapping.columns.items() if n in fields_of(subject)}
    )
    row = DirectoryUpload.objects.create(
        provider=provider, subject=subject, file_name=name[-200:] or "directory.csv", content=content, header=table.header,
        samples=table.sample(5), columns=columns, member=by.member, created_at=now,
    )  # fmt: skip
    write_audit(by=by, action="directory.uploaded", now=now, target=provider, detail={"file": row.file_name})
    return row


def read_upload(*, row: DirectoryUpload, columns: Mapping[str, str], by: Actor, now: datetime) -> DirectoryUpload:
    """Say which column holds what, and have it read. Raises Invalid naming the field, Conflict where it was read."""
    locked = DirectoryUpload.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked.state == State.WAITING:
        return locked
    if locked.state not in (State.MAPPING, State.FAILED) or not locked.content:
        raise Conflict("This file was read already. Upload it again.", code="done")
    kept = {name: column for name, column in columns.items() if column}
    for name, column in kept.items():
        if name not in fields_of(locked.subject):
            raise Invalid(f"“{name}” is none of: {', '.join(fields_of(locked.subject))}.", field=name)
        if column not in locked.header:
            raise Invalid(f"The file has no column “{column}”.", field=name)
    prepare(_kind(locked.subject), bytes(locked.content), _options(locked.subject, kept))
    locked.columns, locked.state, locked.error = kept, State.WAITING, ""
    locked.save(update_fields=["columns", "state", "error"])
    provider = EnrichmentProvider.objects.select_for_update().get(pk=locked.provider_id)
    provider.settings = provider.settings | {"columns": provider.settings.get("columns", {}) | {locked.subject: kept}}
    provider.save(update_fields=["settings"])
    write_audit(
        by=by, action="directory.read", now=now, target=provider, detail={"file": locked.file_name, "columns": kept}
    )
    ring_workers(locked.workspace_id, now)
    return locked


def _options(subject: str, columns: Mapping[str, str]) -> rules.ImportOptions:
    """Exactly these columns: what was left out is not guessed again."""
    every = {spec.name: "" for spec in rules.CATALOGUE[_kind(subject)]}
    return rules.ImportOptions(columns=every | dict(columns))


def _kind(subject: str) -> rules.Kind:
    return "companies" if subject == "companies" else "people"


# --- the worker


def run_uploads(workspace_id: UUID, *, now: datetime) -> datetime | None:
    """Read what waits, one file after the other; when to look again."""
    while True:
        with workspace_scope(workspace_id):
            free = Q(taken_until__isnull=True) | Q(taken_until__lte=Now())
            rows = DirectoryUpload.objects.select_for_update(skip_locked=True, of=("self",)).filter(
                free, state=State.WAITING
            )
            row = rows.select_related("provider").order_by("id").first()
            if row is not None:
                DirectoryUpload.objects.filter(pk=row.pk).update(taken_until=Now() + LEASE)
        if row is None:
            break
        try:
            _read(workspace_id, row, now)
        except AppError as error:
            with workspace_scope(workspace_id):
                _model(row.subject).objects.filter(upload=row).delete()
                DirectoryUpload.objects.filter(pk=row.pk).update(
                    state=State.FAILED, error=error.message[:300], taken_until=None, finished_at=now
                )
    with workspace_scope(workspace_id):
        return now + LEASE if DirectoryUpload.objects.filter(state=State.WAITING).exists() else None


def _model(subject: str) -> Any:
    return DirectoryCompany if subject == "companies" else DirectoryPerson


def _read(workspace_id: UUID, row: DirectoryUpload, now: datetime) -> None:
    with workspace_scope(workspace_id):
        _model(row.subject).objects.filter(upload=row).delete()  # of a worker that died half way
        setup = prepare(_kind(row.subject), bytes(row.content), _options(row.subject, row.columns))
        if setup.total_rows > MAX_ROWS:
            raise Invalid(f"A directory has at most {MAX_ROWS:,} rows; this file has {setup.total_rows:,}.")
    count = left = 0
    for part in batched(setup.table.rows(), PART):
        entries = []
        for file_row in part:
            made = None if file_row.problem else _entry(row, setup.converter.convert(file_row.line, file_row.cells))
            left += made is None
            entries += [made] if made is not None else []
        with workspace_scope(workspace_id):
            bulk_insert(_model(row.subject), entries)
            DirectoryUpload.objects.filter(pk=row.pk).update(taken_until=Now() + LEASE, rows=count + len(entries))
        count += len(entries)
    if not count:
        raise Invalid("No row of the file could be read: check which column holds what.")
    with workspace_scope(workspace_id):
        _put_in_place(row, count, left, now)


def _put_in_place(row: DirectoryUpload, count: int, left: int, now: datetime) -> None:
    """Searches see the new file from here on; the old one's rows go."""
    provider = EnrichmentProvider.objects.select_for_update().get(pk=row.provider_id)
    old = DirectoryUpload.objects.filter(provider=provider, subject=row.subject, state=State.DONE).exclude(pk=row.pk)
    for upload_id in list(old.values_list("pk", flat=True)):
        _model(row.subject).objects.filter(upload=upload_id).delete()
    old.update(state=State.REPLACED)
    DirectoryUpload.objects.filter(pk=row.pk).update(
        state=State.DONE, rows=count, left_out=left, content=b"", finished_at=now, taken_until=None
    )
    held = sorted({*provider.settings.get("held", ()), row.subject})
    provider.settings = provider.settings | {"held": held}
    provider.save(update_fields=["settings"])


def _entry(row: DirectoryUpload, converted: rules.ConvertedRow) -> DirectoryCompany | DirectoryPerson | None:
    """A row of the table; None where it says nothing of anybody."""
    if converted.refused:
        return None
    told = {}
    for name, field in fields_of(row.subject).items():
        value = converted.values.get(name)
        if value not in (None, "", []):
            told[field] = plain(getattr(value, "amount", value) if name in ("revenue", "funding_total") else value)
    told.pop("full_name", None)
    values, _ = clean_row(row.subject, told)
    values = {name: plain(value) for name, value in values.items()}
    if row.subject == "companies":
        if not values.get("name") and not values.get("domain"):
            return None
        known = industry(str(values.get("industry", "")))
        return DirectoryCompany(
            upload=row, name=values.get("name", ""), domain=values.get("domain", ""), industry=values.get("industry", ""),
            industry_code=known.code if known else None, country=values.get("country", ""), employees=values.get("employees"),
            revenue=values.get("revenue"), technologies=[word.casefold() for word in values.get("technologies", [])],
            values=values,
        )  # fmt: skip
    name = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    if not name and not values.get("email"):
        return None
    read = role(str(values.get("title", "")))
    known = industry(str(values.get("company_industry", "")))
    return DirectoryPerson(
        upload=row, full_name=name[:250], domain=values.get("company_domain", ""), title=values.get("title", ""),
        seniority=values.get("seniority") or read.seniority, department=values.get("department") or read.department,
        country=values.get("country", ""), industry_code=known.code if known else None,
        employees=values.get("company_employees"), values=values,
    )  # fmt: skip

"""Who is asked: set up providers, their order, their secrets and budgets; upload tables."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.actions.audit import Actor, write_audit
from accounts.models import Workspace
from leadgen.core import rotation, secrets, web
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.models import EnrichmentAnswer, EnrichmentProvider, EnrichmentRow
from prospects.rules import enrichment as rules
from prospects.rules import finding_service, normalise
from prospects.sources.csv import TableError, open_table

Kind = EnrichmentProvider.Kind
FIELDS = (
    "name", "subject", "is_active", "position", "price", "per", "currency", "monthly_budget", "cache_days", "url", "method",
    "body", "mapping", "headers",
)  # fmt: skip
HTTP_FIELDS = ("url", "method", "body", "mapping", "headers")
MAX_ROWS = 200_000
MAX_FILE = 50 * 1024 * 1024
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
# What the columns of an uploaded table may be called, beside the names of our fields.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "domain": ("website", "url", "company domain"), "email": ("e-mail", "email address"), "employees": ("headcount", "employee count"),
    "technologies": ("technology", "tech stack"), "linkedin_url": ("linkedin", "linkedin url"), "title": ("job title",),
    "revenue": ("annual revenue",), "phone": ("telephone", "direct dial", "mobile"),
}  # fmt: skip


def create_provider(*, by: Actor, now: datetime, kind: str, **values: Any) -> EnrichmentProvider:
    """A new provider, the last of the waterfall; FIELDS as given. Raises Invalid or Conflict, the field named."""
    if kind not in Kind.values:
        raise Invalid(f"Choose one of: {', '.join(Kind.values)}.", field="kind")
    last = EnrichmentProvider.objects.aggregate(last=Max("position"))["last"]
    provider = EnrichmentProvider(kind=kind, created_at=now, position=0 if last is None else last + 1)
    if kind in (Kind.WEBSITE, Kind.DNS) and values.get("subject", "companies") != "companies":
        raise Invalid("A website and name servers say something of companies only.", field="subject")
    secret = _apply(provider, values, new=True)
    _save(provider)
    if secret is not None:
        _seal(provider, secret)
    write_audit(by=by, action="enrichment_provider.created", now=now, target=provider, detail={"kind": kind})
    return provider


def update_provider(*, provider: EnrichmentProvider, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS; `headers` absent or empty keeps the stored ones. Another address or mapping forgets what was answered."""
    before = {name: getattr(provider, name) for name in _COLUMNS}
    secret = _apply(provider, changes, new=False)
    changed = [name for name in _COLUMNS if getattr(provider, name) != before[name]]
    if secret is not None:
        changed.append("headers")
    if not changed:
        return []
    if secret is None and provider.headers_sealed and _hosts(provider.settings) - _hosts(before["settings"]):
        raise Invalid(
            "The host is another: give its headers again, the stored ones belong to the old one.", field="headers"
        )
    _save(provider)
    if secret is not None:
        _seal(provider, secret)
    if "settings" in changed:
        EnrichmentAnswer.objects.filter(provider=provider).delete()
    write_audit(by=by, action="enrichment_provider.changed", now=now, target=provider, detail={"fields": changed})
    return changed


def delete_provider(*, provider: EnrichmentProvider, by: Actor, now: datetime) -> None:
    """With its answers and costs; values it filled stay, and so does the name they came by."""
    write_audit(by=by, action="enrichment_provider.deleted", now=now, target=provider, detail={"kind": provider.kind})
    provider.delete()


def move_provider(*, provider: EnrichmentProvider, up: bool, by: Actor, now: datetime) -> None:
    """One place up or down in the waterfall."""
    rows = list(EnrichmentProvider.objects.select_for_update().order_by("position", "id"))
    at = next(number for number, row in enumerate(rows) if row.pk == provider.pk)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(rows):
        return
    rows[at], rows[to] = rows[to], rows[at]
    for number, row in enumerate(rows):
        row.position = number
    EnrichmentProvider.objects.bulk_update(rows, ["position"])
    write_audit(by=by, action="enrichment_provider.moved", now=now, target=provider, detail={"to": to + 1})


def upload_table(
    *, provider: EnrichmentProvider, name: str, content: bytes, by: Actor, now: datetime
) -> dict[str, Any]:
    """Replace the rows of a table by those of a CSV file: {"rows", "left_out", "fields"}. The key is the domain (of companies)
    or the e-mail address (of people). Raises Invalid in words."""
    if provider.kind != Kind.TABLE:
        raise Invalid("Only a table takes a file.", field="file")
    if len(content) > MAX_FILE:
        raise Invalid("The file is larger than 50 MB.", field="file")
    key_field = "domain" if provider.subject == "companies" else "email"
    rows: dict[str, dict[str, str]] = {}
    left_out = 0
    try:
        table = open_table(content)
        columns = _columns(provider.subject, table.header)
        if key_field not in columns:
            raise Invalid(f"The file has no column “{key_field}”: {', '.join(table.header)[:200]}.", field="file")
        for row in table.rows():
            cells = row.cells
            values = {f: cells[at].strip() for f, at in columns.items() if at < len(cells) and cells[at].strip()}
            key = _key(key_field, values.pop(key_field, ""))
            if row.problem or not key or not values:
                left_out += 1
                continue
            rows[key] = rows.get(key, {}) | values
            if len(rows) > MAX_ROWS:
                raise Invalid(f"A table has at most {MAX_ROWS:,} rows.", field="file")
    except TableError as error:
        raise Invalid(f"{name} cannot be read: {error}", field="file") from error
    if not rows:
        raise Invalid("No row of the file has a key and a value.", field="file")
    EnrichmentRow.objects.filter(provider=provider).delete()
    bulk_insert(
        EnrichmentRow, [EnrichmentRow(provider=provider, key=key, values=values) for key, values in rows.items()]
    )
    EnrichmentAnswer.objects.filter(provider=provider).delete()
    found = [f for f in columns if f != key_field]
    provider.settings = {"file": name[:200], "rows": len(rows), "fields": found}
    provider.save(update_fields=["settings"])
    write_audit(
        by=by,
        action="enrichment_provider.table_uploaded",
        now=now,
        target=provider,
        detail={"file": name[:200], "rows": len(rows)},
    )
    return {"rows": len(rows), "left_out": left_out, "fields": found}


def headers_of(provider: EnrichmentProvider) -> dict[str, str]:
    """The provider's headers in clear, secrets included: for the request alone."""
    sealed = secrets.unseal(provider.headers_sealed, purpose=_purpose(provider.workspace_id, provider.pk))
    return {str(name): str(value) for name, value in json.loads(sealed or "{}").items()}


def register_sealed() -> None:
    """Tell key rotation where the headers of providers lie."""
    rotation.register(
        rotation.SealedColumns(EnrichmentProvider, {"headers_sealed": lambda row: _purpose(row.workspace_id, row.pk)})
    )


# --- settings

_COLUMNS = (
    "name",
    "subject",
    "is_active",
    "position",
    "price",
    "per",
    "currency",
    "monthly_budget",
    "cache_days",
    "settings",
)


def _apply(provider: EnrichmentProvider, values: Mapping[str, Any], *, new: bool) -> dict[str, str] | None:
    """Set what is given; returns headers to seal, or None where they stay."""
    unknown = set(values) - {*FIELDS, "operations"}
    if unknown:
        raise Invalid(f"A provider has no field “{min(unknown)}”.", field=min(unknown))
    if "name" in values or new:
        provider.name = " ".join(str(values.get("name") or "").split())[:80]
        if not provider.name:
            raise Invalid("Give the provider a name.", field="name")
    for name, model in (("subject", EnrichmentProvider.Subject), ("per", EnrichmentProvider.Per)):
        if name in values:
            if values[name] not in model.values:
                raise Invalid(f"Choose one of: {', '.join(model.values)}.", field=name)
            setattr(provider, name, values[name])
    if values.get("is_active") is not None:
        provider.is_active = bool(values["is_active"])
    if values.get("position") is not None:
        provider.position = int(values["position"])
    if values.get("cache_days") is not None:
        provider.cache_days = int(values["cache_days"])
        if provider.cache_days > 3650:
            raise Invalid("Keep answers for at most 3,650 days.", field="cache_days")
    _money(provider, values)
    if provider.kind == Kind.SEARCH:
        if "operations" in values or new:
            provider.settings = {"operations": _operations(values.get("operations"))}
        return _headers(values["headers"]) if values.get("headers") else None
    if provider.kind == Kind.DIRECTORY and "operations" in values:
        provider.settings = provider.settings | {"operations": _prices(values["operations"])}
    if provider.kind != Kind.HTTP:
        return None
    settings = dict(provider.settings)
    if "url" in values or new:
        settings["url"] = rules.check_template(str(values.get("url") or ""))
        web.check_url(re.sub(r"{[^{}]*}", "x", settings["url"]))
    if "mapping" in values or new or "subject" in values:
        settings["mapping"] = rules.check_mapping(
            provider.subject, _object(values.get("mapping", settings.get("mapping")), "mapping")
        )
    if values.get("method"):
        if values["method"] not in ("GET", "POST"):
            raise Invalid("Choose GET or POST.", field="method")
        settings["method"] = values["method"]
    if "body" in values:
        settings["body"] = _object(values["body"], "body") if values["body"] else {}
    provider.settings = settings
    return _headers(values["headers"]) if values.get("headers") else None


def _operations(raw: Any) -> dict[str, Any]:
    """What a search service offers; every host is one the web may be asked at."""
    given = {name: value for name, value in _object(raw, "operations").items() if value} if raw else {}
    if unknown := sorted(set(given) - set(finding_service.OPERATIONS)):
        raise Invalid(f"“{unknown[0]}” is none of: {', '.join(finding_service.OPERATIONS)}.", field="operations")
    if not given:
        raise Invalid("Set up at least one of the four: companies, people, e-mail or phone.", field="operations")
    kept = {name: finding_service.check_operation(name, _object(value, name)) for name, value in given.items()}
    for name, operation in kept.items():
        web.check_url(re.sub(r"{[^{}]*}", "x", operation["url"]), field=name)
    return kept


def _prices(raw: Any) -> dict[str, Any]:
    """Of a licensed directory: what a row costs that is taken."""
    given = _object(raw, "operations")
    return {
        name: {"price": finding_service.check_price(name, (given.get(name) or {}).get("price"))}
        for name in finding_service.OPERATIONS
        if given.get(name)
    }


def _hosts(settings: Mapping[str, Any]) -> set[str]:
    urls = [settings.get("url", ""), *(one.get("url", "") for one in settings.get("operations", {}).values())]
    return {web.host_of(url) for url in urls} - {""}


def _money(provider: EnrichmentProvider, values: Mapping[str, Any]) -> None:
    for name in ("price", "monthly_budget"):
        if name not in values:
            continue
        raw = values[name]
        if raw in (None, ""):
            setattr(provider, name, Decimal(0) if name == "price" else None)
            continue
        try:
            amount = Decimal(str(raw))
        except InvalidOperation as error:
            raise Invalid("Write digits, such as 0.05.", field=name) from error
        if not amount.is_finite() or not 0 <= amount < Decimal(10) ** 7:
            raise Invalid("Give an amount from 0 to 9,999,999.", field=name)
        setattr(provider, name, amount.quantize(Decimal("0.0001") if name == "price" else Decimal("0.01")))
    if values.get("currency"):
        code = normalise.currency_code(str(values["currency"]))
        if not code:
            raise Invalid(f"“{values['currency']}” is not a currency. Use a code such as EUR.", field="currency")
        provider.currency = code
    if not provider.currency:
        provider.currency = Workspace.objects.values_list("currency", flat=True).get(pk=current_workspace_id())


def _object(value: Any, field: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise Invalid("This is not JSON.", field=field) from error
    if not isinstance(value, dict):
        raise Invalid('Write a JSON object, such as {"industry": "company.industry"}.', field=field)
    return value


def _headers(value: Any) -> dict[str, str]:
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        lines = [line.partition(":") for line in value.splitlines() if line.strip()]
        value = {name.strip(): text.strip() for name, _, text in lines}
    headers = {str(name): str(text) for name, text in _object(value, "headers").items()}
    for name, text in headers.items():
        if not HEADER.fullmatch(name) or not text or not text.isprintable() or not text.isascii() or len(text) > 4000:
            raise Invalid(
                f"“{name[:40]}” is no header. Write one a line, such as Authorization: Bearer …", field="headers"
            )
        if name.lower() in ("host", "content-length", "transfer-encoding", "connection"):
            raise Invalid(f"{name} is set by the request itself.", field="headers")
    return headers


def _save(provider: EnrichmentProvider) -> None:
    try:
        with transaction.atomic():
            provider.save()
    except IntegrityError as error:
        raise Conflict(f"There is a provider “{provider.name}” already.", code="duplicate", field="name") from error


def _seal(provider: EnrichmentProvider, headers: Mapping[str, str]) -> None:
    purpose = _purpose(provider.workspace_id, provider.pk)
    provider.headers_sealed = secrets.seal(json.dumps(dict(headers)), purpose=purpose)
    provider.save(update_fields=["headers_sealed"])


def _purpose(workspace_id: UUID, provider_id: UUID) -> str:
    return f"enrichment_provider:{workspace_id}:{provider_id}:headers"


def _columns(subject: str, header: Sequence[str]) -> dict[str, int]:
    """Our field -> where its column stands."""
    known = {*rules.FIELDS[subject], "domain" if subject == "companies" else "email"}
    names = {name: {name, name.replace("_", " "), *COLUMNS.get(name, ())} for name in known}
    found: dict[str, int] = {}
    for at, column in enumerate(header):
        plain = " ".join(column.casefold().replace("_", " ").split())
        for name, words in names.items():
            if plain in {word.replace("_", " ") for word in words} and name not in found:
                found[name] = at
    return found


def _key(field: str, text: str) -> str:
    try:
        if not text:
            return ""
        return normalise.domain(text) if field == "domain" else normalise.email(text).address
    except normalise.Unusable:
        return ""

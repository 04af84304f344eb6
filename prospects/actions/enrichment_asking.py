"""Ask one provider about one company or person: the sources with the rules that read their answers. No transaction is open
while the network is asked."""

from typing import Any
from uuid import UUID

from leadgen.core.dns import DnsLookup
from leadgen.core.tenancy import workspace_scope
from leadgen.core.web import WebError
from prospects.actions.enrichment_providers import headers_of
from prospects.actions.finding_asking import find
from prospects.models import FINDING_KINDS, EnrichmentProvider, EnrichmentRow
from prospects.rules import enrichment as rules
from prospects.rules import enrichment_technologies as technologies
from prospects.sources.enrichment import service, website

Kind = EnrichmentProvider.Kind


def ask_provider(workspace_id: UUID, provider: EnrichmentProvider, ask: rules.Ask, lookup: DnsLookup) -> dict[str, Any]:
    """Field -> value as told; {} where the provider knows nothing. Raises WebError in words."""
    if provider.kind in FINDING_KINDS:
        return find(workspace_id, provider, ask)
    match provider.kind:
        case Kind.HTTP:
            return _service(provider, ask)
        case Kind.WEBSITE:
            return _website(provider, ask)
        case Kind.DNS:
            return _dns(ask, lookup)
    with workspace_scope(workspace_id):
        row = EnrichmentRow.objects.filter(provider=provider, key=ask.key).first()
        return dict(row.values) if row is not None else {}


def _service(provider: EnrichmentProvider, ask: rules.Ask) -> dict[str, Any]:
    settings = provider.settings
    url = rules.fill(settings["url"], ask)
    if not url:
        return {}
    told = service.ask(
        url, method=settings.get("method", "GET"), headers=headers_of(provider), body=_filled(settings.get("body"), ask)
    )
    return rules.read_json(settings["mapping"], told) if told is not None else {}


def _filled(body: Any, ask: rules.Ask) -> Any:
    """A body's texts with their `{domain}`... filled in; None where there is no body."""
    if isinstance(body, dict):
        return {name: _filled(value, ask) for name, value in body.items()} or None
    if isinstance(body, str):
        for name, value in ask.places().items():
            body = body.replace("{" + name + "}", value)
    return body


def _website(provider: EnrichmentProvider, ask: rules.Ask) -> dict[str, Any]:
    if not ask.domain:
        return {}
    page = website.read(ask.domain, base=str(provider.settings.get("base", "")))
    found: dict[str, Any] = {
        "name": page.site_name,
        "description": page.description or page.title,
        "technologies": technologies.of_page(
            headers=page.headers, scripts=page.scripts, inline=page.inline, generator=page.generator, links=page.links
        ),
        "linkedin_url": next((link for link in page.links if "linkedin.com/company/" in link.lower()), ""),
    }
    return {name: value for name, value in found.items() if value}


def _dns(ask: rules.Ask, lookup: DnsLookup) -> dict[str, Any]:
    if not ask.domain:
        return {}
    mx, txt = lookup(ask.domain, "MX"), lookup(ask.domain, "TXT")
    for answer in (mx, txt):
        if answer.status == "error":
            raise WebError(f"The name server of {ask.domain} did not answer: {answer.words}.")
    found = technologies.of_dns(exchangers=mx.records, texts=txt.records)
    return {"technologies": found} if found else {}

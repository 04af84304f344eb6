"""Ask one provider for one person's address or number. No transaction is open while the network is asked."""

from typing import Any
from uuid import UUID

from leadgen.core.tenancy import workspace_scope
from prospects.actions.enrichment_providers import headers_of
from prospects.models import EnrichmentProvider, Person
from prospects.queries.finding_directory import DirectorySearch
from prospects.rules.enrichment import Ask
from prospects.rules.finding_patterns import guess
from prospects.sources.finding.service import SearchService

Kind = EnrichmentProvider.Kind
KNOWN = 50  # addresses of a domain a pattern is read off
# What other services call a status -> ours. What does not work is not offered at all.
STATUSES = {
    "valid": "valid", "verified": "valid", "deliverable": "valid", "ok": "valid", "good": "valid",
    "invalid": "invalid", "undeliverable": "invalid", "bad": "invalid", "bounced": "invalid",
}  # fmt: skip


def service_of(provider: EnrichmentProvider) -> SearchService:
    return SearchService(provider.settings.get("operations", {}), headers_of(provider))


def find(workspace_id: UUID, provider: EnrichmentProvider, ask: Ask) -> dict[str, Any]:
    """{"email" or "phone": value}; beside it `_status` as the provider states it, `_guess` in words where it is one."""
    who = ask.places()
    if ask.want == "email" and not (ask.domain and ask.name):
        return {}
    with workspace_scope(workspace_id):
        if provider.kind == Kind.PATTERN:
            return _pattern(ask)
        source: SearchService | DirectorySearch
        source = DirectorySearch(provider) if provider.kind == Kind.DIRECTORY else service_of(provider)
        if provider.kind == Kind.DIRECTORY:
            return source.email(who) if ask.want == "email" else source.phone(who)
    told = source.email(who) if ask.want == "email" else source.phone(who)
    status = STATUSES.get(str(told.pop("status", "")).strip().lower(), "")
    if not told or status == "invalid":
        return {}
    return told | ({"_status": "valid"} if status == "valid" else {})


def _pattern(ask: Ask) -> dict[str, Any]:
    """By the addresses at the domain that are not known to be wrong, verified ones first."""
    there = Person.objects.filter(company__domain=ask.domain, email__endswith=f"@{ask.domain}")
    there = there.exclude(email_status__in=["invalid", "bounced"]).exclude(first_name="").exclude(last_name="")
    rows = list(
        there.values_list("first_name", "last_name", "email", "email_status").order_by("-email_status_at", "id")[:KNOWN]
    )
    sure = [row[:3] for row in rows if row[3] == "valid"]
    found = guess(ask.first_name, ask.last_name, ask.domain, sure or [row[:3] for row in rows])
    if found is None or Person.objects.filter(email=found.email).exists():
        return {}
    return {"email": found.email, "_guess": found.words + (", verified" if sure else ", none of them verified")}

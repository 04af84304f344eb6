"""Searching the directories a team uploaded: by index, a page at a time."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from prospects.models import DirectoryCompany, DirectoryPerson, DirectoryUpload, EnrichmentProvider
from prospects.queries.texts import named
from prospects.rules.finding import industry_codes
from prospects.rules.normalise import plain
from prospects.sources.finding import Found, Page


def current_upload(provider_id: UUID, subject: str) -> DirectoryUpload | None:
    """The upload in use."""
    uploads = DirectoryUpload.objects.filter(provider=provider_id, subject=subject, state=DirectoryUpload.State.DONE)
    return uploads.defer("content").order_by("-finished_at", "-id").first()


class DirectorySearch:
    """A directory as a search provider. Needs the workspace's scope."""

    def __init__(self, provider: EnrichmentProvider) -> None:
        self._provider = provider

    def companies(self, criteria: Mapping[str, Any], page: Page) -> Found:
        upload = current_upload(self._provider.pk, "companies")
        if upload is None:
            return Found()
        rows = DirectoryCompany.objects.filter(_company(criteria), upload=upload)
        if words := criteria.get("technologies"):
            rows = rows.filter(technologies__overlap=_cased(words, "technologies"))
        if criteria.get("name"):
            rows = rows.filter(named("name", str(criteria["name"]).split()))
        if "revenue_min" in criteria:
            rows = rows.filter(revenue__gte=criteria["revenue_min"])
        if "revenue_max" in criteria:
            rows = rows.filter(revenue__lte=criteria["revenue_max"])
        for name, path in (("keywords", "keywords"), ("funding_stages", "funding_stage")):
            rows = _inside(rows, path, criteria.get(name))
        for word in criteria.get("exclude_keywords", ()):
            rows = rows.exclude(values__keywords__icontains=word)
        return _page(rows, page)

    def people(self, criteria: Mapping[str, Any], page: Page) -> Found:
        upload = current_upload(self._provider.pk, "people")
        if upload is None:
            return Found()
        rows = DirectoryPerson.objects.filter(upload=upload)
        if criteria.get("domains"):
            rows = rows.filter(domain__in=criteria["domains"])
        rows = rows.filter(_sized(criteria))
        if criteria.get("industries"):
            rows = rows.filter(industry_code__in=industry_codes(criteria["industries"])[0])
        if criteria.get("exclude_industries"):
            rows = rows.exclude(industry_code__in=industry_codes(criteria["exclude_industries"])[0])
        if criteria.get("seniorities"):
            rows = rows.filter(seniority__in=criteria["seniorities"])
        if criteria.get("departments"):
            rows = rows.filter(department__in=criteria["departments"])
        if criteria.get("person_countries"):
            rows = rows.filter(country__in=criteria["person_countries"])
        if criteria.get("countries"):
            rows = rows.filter(values__company_country__in=criteria["countries"])
        if criteria.get("exclude_countries"):
            rows = rows.exclude(values__company_country__in=criteria["exclude_countries"])
        if criteria.get("titles"):
            wanted = Q()
            for title in criteria["titles"]:
                wanted |= Q(title__icontains=title)
            rows = rows.filter(wanted)
        if criteria.get("name"):
            rows = rows.filter(named("full_name", str(criteria["name"]).split()))
        return _page(rows, page)

    def email(self, who: Mapping[str, str]) -> dict[str, Any]:
        row = self._person(who)
        return {"email": row.values["email"]} if row is not None and row.values.get("email") else {}

    def phone(self, who: Mapping[str, str]) -> dict[str, Any]:
        row = self._person(who)
        return {"phone": row.values["phone"]} if row is not None and row.values.get("phone") else {}

    def _person(self, who: Mapping[str, str]) -> DirectoryPerson | None:
        """Somebody of exactly this name at this company; nobody where two have it."""
        upload = current_upload(self._provider.pk, "people")
        if upload is None or not who.get("domain") or not who.get("name"):
            return None
        there = DirectoryPerson.objects.filter(upload=upload, domain=who["domain"])[:5000]
        found = [row for row in there if plain(row.full_name) == plain(who["name"])]
        return found[0] if len(found) == 1 else None


def _company(criteria: Mapping[str, Any]) -> Q:
    wanted = _sized(criteria)
    if criteria.get("industries"):
        codes, other = industry_codes(criteria["industries"])
        some = Q(industry_code__in=codes)
        for word in other:
            some |= Q(industry__iexact=word)
        wanted &= some
    if criteria.get("exclude_industries"):
        codes, other = industry_codes(criteria["exclude_industries"])
        # An industry nobody knows is not one of these: `~Q` alone would lose the rows without a code.
        wanted &= Q(industry_code__isnull=True) | ~Q(industry_code__in=codes)
        for word in other:
            wanted &= ~Q(industry__iexact=word)
    if criteria.get("countries"):
        wanted &= Q(country__in=criteria["countries"])
    if criteria.get("exclude_countries"):
        wanted &= ~Q(country__in=criteria["exclude_countries"])
    return wanted


def _sized(criteria: Mapping[str, Any]) -> Q:
    wanted = Q()
    if "employees_min" in criteria:
        wanted &= Q(employees__gte=criteria["employees_min"])
    if "employees_max" in criteria:
        wanted &= Q(employees__lte=criteria["employees_max"])
    return wanted


def _inside(rows: QuerySet[Any], path: str, words: Any) -> QuerySet[Any]:
    if not words:
        return rows
    wanted = Q()
    for word in words:
        wanted |= Q(**{f"values__{path}__icontains": word})
    return rows.filter(wanted)


def _cased(words: Any, _: str) -> list[str]:
    return [str(word).casefold() for word in words]


def _page(rows: QuerySet[Any], page: Page) -> Found:
    total = rows.order_by()[:10_001].count() if not page.cursor else None
    if page.cursor:
        rows = rows.filter(pk__gt=UUID(page.cursor))
    found = list(rows.order_by("pk")[: page.limit + 1])
    more = len(found) > page.limit
    found = found[: page.limit]
    return Found(
        [("", dict(row.values)) for row in found], str(found[-1].pk) if more else "",
        total if total is not None and total <= 10_000 else None,
    )  # fmt: skip

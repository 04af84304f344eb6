"""Searching the directories a team uploaded: by index, a page at a time."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from prospects.models import DirectoryCompany, DirectoryPerson, DirectoryUpload, EnrichmentProvider
from prospects.queries.texts import named
from prospects.rules.finding import CRITERIA, LABELS, industry_codes
from prospects.rules.normalise import plain
from prospects.sources.finding import Found, Page

# Criteria about a company, and those of them that a file of people has no column for.
FIRM = tuple(name for name in CRITERIA["companies"] if name != "name")
_BY_FIRM_ONLY = {"countries", "technologies", "keywords", "funding_stages", "revenue_min", "revenue_max"}
FIRM_FACTS = ("name", "industry", "employees", "country", "technologies", "linkedin_url", "revenue")
# Criterion -> the column of a file that answers it; of people, and of companies.
_PEOPLE_COLUMNS = {
    "titles": ("title",), "seniorities": ("seniority", "title"), "departments": ("department", "title"),
    "person_countries": ("country",), "domains": ("domain", "email"), "industries": ("company_industry",),
    "employees_min": ("company_employees",), "employees_max": ("company_employees",),
}  # fmt: skip
_COMPANY_COLUMNS = {
    "industries": ("industry",), "countries": ("country",), "technologies": ("technologies",), "keywords": ("keywords",),
    "funding_stages": ("funding_stage",), "employees_min": ("employees",), "employees_max": ("employees",),
    "revenue_min": ("revenue",), "revenue_max": ("revenue",),
}  # fmt: skip


def unanswered(provider: EnrichmentProvider, subject: str, criteria: Mapping[str, Any]) -> list[str]:
    """Criteria, as pages name them, that no column of a directory's files answers: nobody meets them."""
    if provider.kind != EnrichmentProvider.Kind.DIRECTORY:
        return []
    firms = current_upload(provider.pk, "companies")
    people = current_upload(provider.pk, "people") if subject == "people" else None
    missing = []
    for name in criteria:
        held = firms is not None and bool(set(_COMPANY_COLUMNS.get(name, ())) & set(firms.columns))
        told = people is not None and bool(set(_PEOPLE_COLUMNS.get(name, ())) & set(people.columns))
        if name in (_COMPANY_COLUMNS | _PEOPLE_COLUMNS) and not held and not told:
            missing.append(LABELS[name])
    return missing


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
        rows = _firms(DirectoryCompany.objects.filter(upload=upload), criteria)
        if criteria.get("name"):
            rows = rows.filter(named("name", str(criteria["name"]).split()))
        return _page(rows, page)

    def people(self, criteria: Mapping[str, Any], page: Page) -> Found:
        upload = current_upload(self._provider.pk, "people")
        if upload is None:
            return Found()
        rows = DirectoryPerson.objects.filter(upload=upload)
        if criteria.get("domains"):
            rows = rows.filter(domain__in=criteria["domains"])
        if criteria.get("seniorities"):
            rows = rows.filter(seniority__in=criteria["seniorities"])
        if criteria.get("departments"):
            rows = rows.filter(department__in=criteria["departments"])
        if criteria.get("person_countries"):
            rows = rows.filter(country__in=criteria["person_countries"])
        if firm := {name: criteria[name] for name in FIRM if name in criteria}:
            rows = rows.filter(self._at(firm))
        if criteria.get("titles"):
            wanted = Q()
            for title in criteria["titles"]:
                wanted |= Q(title__icontains=title)
            rows = rows.filter(wanted)
        if criteria.get("name"):
            rows = rows.filter(named("full_name", str(criteria["name"]).split()))
        found = _page(rows, page)
        self._tell_firms([values for _, values in found.rows])
        return found

    def _at(self, firm: Mapping[str, Any]) -> Q:
        """People at companies that meet this: as the directory's file of companies says, or the people's own columns. What
        is asked for and told by neither, nobody meets."""
        own = Q(pk__isnull=True) if set(firm) & _BY_FIRM_ONLY else _told_by_people(firm)
        upload = current_upload(self._provider.pk, "companies")
        if upload is None:
            return own
        # By the index of domains, one look a person: a list of domains would have to be held whole.
        there = DirectoryCompany.objects.filter(upload=upload, domain=OuterRef("domain")).exclude(domain="")
        return own | Q(Exists(_firms(there, firm)))

    def _tell_firms(self, people: Sequence[dict[str, Any]]) -> None:
        """Add what the directory's companies say to what is told of people there, so that the score and what is added know it."""
        upload = current_upload(self._provider.pk, "companies")
        domains = {values["company_domain"] for values in people if values.get("company_domain")}
        if upload is None or not domains:
            return
        firms = {one.domain: one.values for one in DirectoryCompany.objects.filter(upload=upload, domain__in=domains)}
        for values in people:
            told = firms.get(values.get("company_domain", ""), {})
            for name in FIRM_FACTS:
                if told.get(name) not in (None, "", []) and not values.get(f"company_{name}"):
                    values[f"company_{name}"] = told[name]

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


def _firms(rows: QuerySet[DirectoryCompany], criteria: Mapping[str, Any]) -> QuerySet[DirectoryCompany]:
    """Of these companies, those that meet every criterion about a company."""
    rows = rows.filter(_company(criteria))
    if words := criteria.get("technologies"):
        rows = rows.filter(technologies__overlap=[str(word).casefold() for word in words])
    if "revenue_min" in criteria:
        rows = rows.filter(revenue__gte=criteria["revenue_min"])
    if "revenue_max" in criteria:
        rows = rows.filter(revenue__lte=criteria["revenue_max"])
    for name, path in (("keywords", "keywords"), ("funding_stages", "funding_stage")):
        rows = _inside(rows, path, criteria.get(name))
    for word in criteria.get("exclude_keywords", ()):
        # Of whom no keywords are known, none is excluded: `exclude` alone would lose them.
        rows = rows.filter(Q(values__keywords__isnull=True) | ~Q(values__keywords__icontains=word))
    return rows


def _told_by_people(firm: Mapping[str, Any]) -> Q:
    """Of a person's company, what a file of people says itself. Of what it does not say, nothing can be excluded."""
    wanted = _sized(firm)
    if firm.get("industries"):
        wanted &= Q(industry_code__in=industry_codes(firm["industries"])[0])
    if firm.get("exclude_industries"):
        codes = industry_codes(firm["exclude_industries"])[0]
        wanted &= Q(industry_code__isnull=True) | ~Q(industry_code__in=codes)
    return wanted


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

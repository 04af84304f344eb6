"""Reads of the finders: who is asked, and about whom they can be."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from leadgen.core.visibility import as_asked
from prospects.models import FINDING_KINDS, EnrichmentProvider, Person
from prospects.queries.duplicates import PEOPLE
from prospects.queries.enrichment import gives
from prospects.queries.finding import operations_of
from prospects.queries.merges import edits_by_hand
from prospects.rules.verification import GUESS


def finders(want: str) -> list[EnrichmentProvider]:
    """Those who find an address or a number, in the order they are asked."""
    rows = EnrichmentProvider.objects.filter(is_active=True, kind__in=FINDING_KINDS).order_by("position", "id")
    return [row for row in rows if want in operations_of(row)]


def offers(provider: EnrichmentProvider) -> tuple[str, ...]:
    """The fields a provider fills in a run of enrichment or of finders."""
    if provider.kind in FINDING_KINDS:
        return tuple(name for name in operations_of(provider) if name in ("email", "phone"))
    return gives(provider)


def open_people(want: str, ids: Sequence[UUID | str]) -> list[UUID]:
    """Of these, whom whoever asks may see, who has none, whom nobody decided to leave without, and of whom enough is known to
    ask by."""
    rows = as_asked(Person.objects.filter(pk__in=list(ids), **{want: ""}))
    by_name = ~Q(full_name="") & Q(company__isnull=False) & ~Q(company__domain="")
    rows = rows.filter(by_name if want == "email" else by_name | ~Q(email="") | ~Q(linkedin_url=""))
    keys: list[UUID] = list(rows.order_by("pk").values_list("pk", flat=True))
    edited = edits_by_hand(PEOPLE, keys)
    if want == "phone":  # one that was taken off because it was wrong is looked for again: the run itself decides
        return keys
    return [key for key in keys if want not in edited[key]]


def is_guess(person: Person) -> bool:
    """Whether the address is a guess that nothing has proven yet."""
    return person.email_status == Person.EmailStatus.INVALID and person.email_status_reason.startswith(GUESS)

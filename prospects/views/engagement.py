"""The engagement ledger of a person: every row behind the score, in a drawer or on a page."""

from uuid import UUID

from django.http import HttpResponse

from accounts.access import MemberRequest, member_view
from leadgen.core import clock
from prospects.actions.agreements import ensure_first_agreement
from prospects.queries.engagement import ledger_of
from prospects.rules.engagement import EXPIRES_AFTER
from prospects.views.leads import get_person
from prospects.views.listing import sheet_or_page


@member_view("people.view")
def engagement_ledger(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """The score and its rows: they add up, to the digit shown."""
    person, now = get_person(person_id), clock.now()
    ledger = ledger_of(person, ensure_first_agreement(now), now)
    context = {"person": person, "ledger": ledger, "expires_after": EXPIRES_AFTER, "nav_active": "people"}
    return sheet_or_page(request, "prospects/lead_ledger.html", context)

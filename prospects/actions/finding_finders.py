"""E-mail finder and direct dials: counted and priced first, then a run of enrichment that asks the finders one after the
other. A person's own edit is never written over; a guess is written as one, and nothing is sent to it before somebody or
something proved it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.actions.audit import Actor, write_audit
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.enrichment import MAX_ROWS, start_run
from prospects.actions.verification import LANE as VERIFICATION
from prospects.models import ActivityKind, EnrichmentRun, Person
from prospects.queries import finding as queries
from prospects.queries.finding_finders import finders, is_guess, open_people

WORDS = {"email": "e-mail addresses", "phone": "direct dials"}


@dataclass(frozen=True, slots=True)
class FinderQuote:
    """`people` can be asked about, `skipped` of those chosen cannot: they have one, were edited by hand, or nothing is known
    to ask by. `amount` is the most it may cost; a finder is asked only for what the ones before did not find."""

    people: list[UUID]
    skipped: int
    amount: Decimal
    currency: str
    finders: list[tuple[str, Decimal]]

    @property
    def count(self) -> int:
        return len(self.people)


def quote(*, want: str, ids: Sequence[UUID | str]) -> FinderQuote:
    """What finding addresses or numbers of these people costs at most. Raises Invalid in words."""
    if want not in WORDS:
        raise Invalid("Choose email or phone.", field="want")
    asked = finders(want)
    if not asked:
        raise Invalid(
            f"Nobody is set up who finds {WORDS[want]}. Add a provider under Settings, Finding.", code="no_finder"
        )
    if len(ids) > MAX_ROWS:
        raise Invalid(f"Ask about at most {MAX_ROWS:,} at a time.", field="ids")
    people = open_people(want, ids)
    prices = [(one.name, sum_of(queries.cost(one, want)), one.currency) for one in asked]
    paid = {currency for _, price, currency in prices if price}
    if len(paid) > 1:
        raise Invalid("The finders have prices in several currencies; their sum would mean nothing. Switch one off.")
    amount = sum((price for _, price, _ in prices), Decimal(0)) * len(people)
    return FinderQuote(
        people, len(set(map(str, ids))) - len(people), amount, next(iter(paid), ""), [(name, price) for name, price, _ in prices]
    )  # fmt: skip


def sum_of(cost: queries.Cost) -> Decimal:
    return cost.request + cost.result


def start_finder(
    *, by: Actor, now: datetime, want: str, ids: Sequence[UUID | str], count: int, confirmed: Decimal, token: str,
    write_at_once: bool = False,
) -> EnrichmentRun:  # fmt: skip
    """Ask for exactly `count` people at no more than `confirmed`; the same token again is the same run. Raises Conflict where
    the number or the price is another by now; nothing is asked then."""
    if not 1 <= len(token) <= 40:
        raise Invalid("Give a token of 1 to 40 characters: the same one again is the same run.", field="token")
    label = f"Find {WORDS.get(want, want)}"
    # One at a time in a workspace, by the lock of its lane.
    lanes.mark(workspace_id=current_workspace_id(), kind="enrichment", due=now)
    known: EnrichmentRun | None = EnrichmentRun.objects.filter(finder=True, token=token).first()
    if known is not None:
        return known
    found = quote(want=want, ids=ids)
    if not found.people:
        raise Invalid("None of them can be asked about: they have one, or neither name nor company domain is known.")
    if (found.count, found.amount) != (count, confirmed):
        raise Conflict(
            f"It is {found.count:,} people for at most {found.amount.normalize():f} {found.currency} by now. Look again, then "
            "confirm.", code="count_changed",
        )  # fmt: skip
    return start_run(
        by=by, now=now, subject="people", ids=found.people, fields=[want], label=f"{label}: {found.count:,} people",
        write_at_once=write_at_once, finder=True, token=token,
    )  # fmt: skip


def confirm_guess(*, person: Person, by: Actor, now: datetime) -> Person:
    """Somebody says that a guessed address is right: from now on it counts as any other that is not proven."""
    locked = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    if not is_guess(locked):
        raise Refused("This address is no guess.", code="not_a_guess")
    record_activity(
        kind=ActivityKind.EDITED, at=now, now=now, by=by, person=locked, summary=f"Confirmed the guessed address {locked.email}",
        detail={"confirmed_guess": locked.email},
    )  # fmt: skip
    Person.objects.filter(pk=person.pk).update(
        email_status="unknown", email_status_at=None, email_status_reason="", email_checks=[], updated_at=now
    )
    write_audit(by=by, action="person.guess_confirmed", now=now, target=locked)
    lanes.mark_soon(workspace_id=current_workspace_id(), kinds={VERIFICATION: now})
    person.refresh_from_db()
    return person

"""Notes: a member writes down what no other fact says. Append-only, like all of the ledger."""

from datetime import datetime

from accounts.actions.audit import Actor
from leadgen.core.errors import Invalid
from prospects.actions.activities import record_activity
from prospects.models import Activity, ActivityKind, Company, Deal, Lead, Person

MAX_NOTE = 10_000


def add_note(
    *,
    by: Actor,
    now: datetime,
    text: str,
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
) -> Activity:
    """Write a note on the timeline of a person, company, lead or deal; the whole text is in `detail["text"]`."""
    words = text.strip().replace("\r\n", "\n")
    if not words:
        raise Invalid("Write something first.", field="text")
    if len(words) > MAX_NOTE:
        raise Invalid(f"A note has at most {MAX_NOTE:,} characters; this one has {len(words):,}.", field="text")
    note = record_activity(
        kind=ActivityKind.NOTE, at=now, now=now, by=by, person=person, company=company, lead=lead, deal=deal,
        summary=" ".join(words.split()), detail={"text": words},
    )  # fmt: skip
    assert note is not None  # only a key makes it None
    return note

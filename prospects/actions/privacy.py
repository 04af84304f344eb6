"""What people may ask of whoever keeps data on them: a copy of everything, and that their yes or no is written down."""

from datetime import datetime
from typing import Any

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Invalid
from prospects.actions.activities import record_activity
from prospects.actions.suppressions import suppress
from prospects.models import ActivityKind, Consent, Person, Suppression
from prospects.queries.privacy import everything_about


def export_person(*, person: Person, by: Actor, now: datetime) -> dict[str, Any]:
    """Everything held about a person, as JSON. Who took a copy is in the audit log."""
    found = everything_about(person)
    counts = {name: len(rows) for name, rows in found["tables"].items()}
    write_audit(by=by, action="person.exported", now=now, target=person, detail={"rows": counts})
    return {"exported_at": now.isoformat(), "exported_by": by.label, **found}


def record_consent(
    *, person: Person, given: bool, text: str, source: str, by: Actor, now: datetime, at: datetime | None = None, version: str = ""
) -> Consent:  # fmt: skip
    """Write down what somebody agreed to, or that they took it back (`given` False); nothing is ever overwritten.

    Taking back also suppresses their address: nothing is sent that was agreed to and no longer is. Raises Invalid (field
    named).
    """
    words, where = text.strip(), source.strip()
    if not words:
        raise Invalid("Write the words they agreed to, or took back.", field="text")
    if not where:
        raise Invalid("Say how you know, such as “by phone, call of 3 March”.", field="source")
    if len(where) > 120:
        raise Invalid("At most 120 characters.", field="source")
    if at is not None and at > now:
        raise Invalid("That is in the future.", field="at")
    row = Consent.objects.create(
        person=person, text=words[:5000], version=version.strip()[:40], given=given, at=at or now, source=where
    )
    verb = "Consent noted" if given else "Consent taken back"
    record_activity(
        kind=ActivityKind.NOTE, at=row.at, now=now, by=by, person=person, summary=f"{verb}: {words}"[:300],
        detail={"consent": str(row.pk), "given": given},
    )  # fmt: skip
    write_audit(
        by=by,
        action="consent.given" if given else "consent.withdrawn",
        now=now,
        target=person,
        detail={"source": where},
    )
    if not given and person.email:
        suppress(by=by, now=now, kind=Suppression.Kind.EMAIL, value=person.email, reason=Suppression.Reason.OBJECTED, note=f"Consent taken back: {where}")  # fmt: skip
    return row

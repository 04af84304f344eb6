"""What a merge of two people means for sequences: a person goes through each once, and through one at a time."""

from datetime import datetime
from typing import Any

from accounts.actions.audit import Actor
from campaigns.actions.steps import stop_enrolment
from campaigns.models import Enrolment
from prospects.actions.merges import register_settler
from prospects.actions.merges_rows import Mover
from prospects.models import Person

LIVE = (Enrolment.State.ACTIVE, Enrolment.State.PAUSED)


def settle_enrolments(kept: Any, gone: Any, mover: Mover, by: Actor, now: datetime) -> dict[str, list[str]]:
    """Stop what would be a second active enrolment, and keep one of two in the same sequence.

    Of two in one sequence the one that ended counts (who answered or left is not written to again), else the one that is
    further: no step comes twice. Of two active ones in different sequences the further one goes on.
    """
    if not isinstance(kept, Person):
        return {}
    rows = list(
        Enrolment.objects.select_related("sequence", "person", "lead")
        .filter(person__in=[kept.pk, gone.pk])
        .order_by("pk")
    )
    stopped: list[str] = []
    by_sequence: dict[Any, list[Enrolment]] = {}
    for row in rows:
        by_sequence.setdefault(row.sequence_id, []).append(row)
    out = set()
    for twice in (found for found in by_sequence.values() if len(found) > 1):
        goes = max(twice, key=lambda row: (row.state in LIVE, -row.position, row.person_id == gone.pk))
        if _stop(goes, f"{gone} and {kept} are one, and were in it twice", by, now):
            stopped.append(f"{goes.sequence.name} (was there twice)")
        out.add(goes.pk)
    live = sorted(
        (row for row in rows if row.state in LIVE and row.pk not in out),
        key=lambda row: (-row.position, row.enrolled_at, row.pk),
    )
    inside = f"{gone} and {kept} are one, in {live[0].sequence.name} already" if live else ""
    stopped += [row.sequence.name for row in live[1:] if _stop(row, inside, by, now)]
    # The one that goes is the gone person's or the kept one's: either way its place must be free before rows move.
    mover.delete(Enrolment, sorted(out))
    return {"stopped": stopped} if stopped else {}


def _stop(row: Enrolment, why: str, by: Actor, now: datetime) -> bool:
    return stop_enrolment(enrolment=row, reason=why, by_type="merge", by=by, now=now)


def warn_of_enrolments(kept: Any, gone: Any) -> list[str]:
    """What settling would stop, in words."""
    if not isinstance(kept, Person):
        return []
    rows = list(Enrolment.objects.select_related("sequence").filter(person__in=[kept.pk, gone.pk]))
    names = [row.sequence.name for row in rows if row.state in LIVE]
    twice = {row.sequence.name for row in rows if sum(other.sequence_id == row.sequence_id for other in rows) > 1}
    found = [f"Both were in {name}: one of the two is taken out, nobody gets a step twice." for name in sorted(twice)]
    if len(names) > 1 and not twice:
        found.append(f"Both are in a sequence ({' and '.join(names)}): the further one goes on, the other is stopped.")
    return found


def register() -> None:
    """Called once apps are loaded."""
    register_settler(settle_enrolments, warn_of_enrolments)

"""Read with the embedding model what the rules could not read in people's titles, in the background.

Each title of a workspace is read once; the reading is kept and says how sure it is. It fills blanks only: what somebody typed,
a file gave or the rules read stays. `updated_at` stays too: nothing was learned of the person, and undoing an import asks
whether somebody changed them since.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, CharField, F, OuterRef, Subquery, When

from leadgen.core import embedding, lanes
from leadgen.core.models import Lane
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.models import Person, TitleReading
from prospects.queries.titles import fillable, unread_titles
from prospects.rules.titles_model import Guess, guess

LANE, LEASE = "titles", 900
AT_ONCE = 20  # titles between two writes: about two seconds
FILLED = 2_000  # people a transaction
SOON, AGAIN = timedelta(minutes=1), timedelta(minutes=10)  # after a change; and whatever was said while a turn went on


def run_lane(lane: Lane, *, now: datetime, read: Callable[[str], Guess | None] = guess) -> datetime:
    """One turn of a worker, each part in a transaction of its own; when the next is due."""
    version = embedding.version()
    while lanes.prolong(lane, lease_seconds=LEASE):
        with workspace_scope(lane.workspace_id):
            waiting = unread_titles(AT_ONCE) if version else []
        # Outside of any transaction: each takes a tenth of a second.
        guesses = {title: found for title in waiting if (found := read(title)) is not None}
        with workspace_scope(lane.workspace_id):
            _keep(guesses, version, now)
            filled = fill(now=now)
        if not filled and len(guesses) < AT_ONCE:
            return now + AGAIN
    return now


def _keep(guesses: dict[str, Guess], version: str, now: datetime) -> None:
    rows = [
        TitleReading(title=title, **found._asdict(), model=version, read_at=now) for title, found in guesses.items()
    ]
    if rows:
        bulk_insert(TitleReading, rows, ignore_conflicts=True)


def fill(*, now: datetime) -> list[UUID]:
    """Fill blanks of up to FILLED people from readings that are there; returns who changed. In the caller's transaction."""
    from prospects.actions.fit import rescore  # it rings this lane

    ids = [person.pk for person in fillable(FILLED).select_for_update(of=("self",), skip_locked=True, no_key=True)]
    if not ids:
        return []
    mine = TitleReading.objects.filter(title=OuterRef("title"))
    read = {
        name: Case(
            When(**{name: ""}, then=Subquery(mine.values(name)[:1])),
            default=F(name),
            output_field=CharField(),
        )
        for name in ("seniority", "department")
    }
    Person.objects.filter(pk__in=ids).update(**read)
    rescore(now=now, person_ids=ids)
    return ids

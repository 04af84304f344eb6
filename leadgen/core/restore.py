"""The restore guard: a database that came out of a backup does not know what was sent since, so it may send nothing.

A restore to a point in time leaves the cluster's system identifier and raises its timeline; a dump read into another
cluster has another identifier. The `Installation` row travels with the data, so either is seen by comparing the two.
What no query can see is a copy of the data folder started a second time: its operator says `manage.py restore_guard hold`.
A fail-over to a replica raises the timeline too, and rightly holds: a replica may lack the last seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from leadgen.core.logging import log
from leadgen.core.models import Installation

HELD = "Held: this database was restored from a backup; sending waits until the Sent folders were compared"
# `seen_at` says, in a restored database, how old the backup is; more often than this nobody needs to know.
SEEN_EVERY = timedelta(minutes=1)

# For the statement that passes the point of no return: true where sending may go on, also within a turn during which the
# database below was exchanged. Reads memory and the control file, no table but the one row.
SENDING_ALLOWED = """NOT EXISTS (
    SELECT 1 FROM core_installation i, pg_control_system() s
    WHERE i.held_at IS NOT NULL OR i.system_identifier <> s.system_identifier::text
       OR i.timeline <> ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
)"""

_SIGNS = """
    SELECT s.system_identifier::text,
           ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
           i.system_identifier, i.timeline, i.held_at, i.held_reason, i.seen_at
    FROM pg_control_system() s LEFT JOIN core_installation i ON i.id = 1
"""


@dataclass(frozen=True, slots=True)
class Signs:
    """What the cluster says of itself, and what the data remembers (None where it remembers nothing yet)."""

    system_identifier: str
    timeline: int
    known_identifier: str | None
    known_timeline: int | None
    held_at: datetime | None
    held_reason: str | None
    seen_at: datetime | None

    @property
    def differs(self) -> bool:
        """Whether this is another cluster, or another history of it, than the data was written in."""
        if self.known_identifier is None:
            return False
        return (self.system_identifier, self.timeline) != (self.known_identifier, self.known_timeline)


def read_signs() -> Signs:
    """One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SIGNS)
        return Signs(*cursor.fetchone())


def check(*, now: datetime) -> str:
    """Compare, and hold all sending at a difference. Returns why sending is held, or ''.

    Called where a worker starts and at each turn of the dispatcher: one statement where nothing changed.
    """
    signs = read_signs()
    if signs.known_identifier is None:
        Installation.objects.get_or_create(
            pk=1,
            defaults={"system_identifier": signs.system_identifier, "timeline": signs.timeline, "seen_at": now},
        )
        return ""
    if signs.held_at is not None:
        return signs.held_reason or HELD
    if signs.differs:
        since = f" of {signs.seen_at:%d %b %Y %H:%M} UTC" if signs.seen_at else ""
        reason = HELD.replace("a backup", f"a backup{since}")
        if Installation.objects.filter(pk=1, held_at__isnull=True).update(held_at=now, held_reason=reason):
            log.error("sending_held", reason="restored", identifier=signs.system_identifier, timeline=signs.timeline)
        return reason
    if signs.seen_at is None or now - signs.seen_at > SEEN_EVERY:
        Installation.objects.filter(pk=1, held_at__isnull=True).update(seen_at=now)
    return ""


def sending_held() -> str:
    """Why nobody may send, or ''. Reads one row; compares nothing (`check` does)."""
    found = Installation.objects.filter(pk=1, held_at__isnull=False).values_list("held_reason", flat=True).first()
    return "" if found is None else found or HELD


def hold(*, reason: str, now: datetime) -> bool:
    """Hold all sending by hand. False: it was held already."""
    check(now=now)
    held = Installation.objects.filter(pk=1, held_at__isnull=True)
    return bool(held.update(held_at=now, held_reason=f"Held by the operator: {reason}"[:300]))


def release(*, by: str, now: datetime) -> bool:
    """Let sending go on: this cluster and its history are the right ones from now on. False: nothing was held."""
    signs = read_signs()
    return bool(
        Installation.objects.filter(pk=1, held_at__isnull=False).update(
            held_at=None,
            held_reason="",
            system_identifier=signs.system_identifier,
            timeline=signs.timeline,
            released_at=now,
            released_by=by[:254],
            seen_at=now,
        )
    )

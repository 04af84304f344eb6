"""Verifying everybody for the first time, name servers answered from memory; then a second look, and one per cent changed.

The reference writes one narrow row a person into the same table by the same role; the value also reads every person with
what the ledger says of them, judges them in Python and writes the verdict onto them.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from leadgen.core.tenancy import workspace_scope
from prospects.actions.quality import take_report
from prospects.actions.verification import look
from prospects.models import Person, Verification
from prospects.rules.verification import Host
from tests.bench.figures import Figure, rate
from tests.bench.world import analyze, fill_people, make_workspace

NOW = datetime(2027, 3, 4, 10, 0, tzinfo=UTC)


def run(*, full: bool) -> Iterator[Figure]:
    count = 1_000_000 if full else 30_000
    workspace = make_workspace()
    fill_people(workspace, count)
    analyze("prospects_company", "prospects_person")
    reference = rate(count, lambda: _narrow(workspace.pk))
    with workspace_scope(workspace.pk):
        Verification.objects.all()._raw_delete("default")
    started = time.perf_counter()
    done = look(workspace.pk, now=NOW, ask=_answer)
    took = time.perf_counter() - started
    assert (done.judged, done.written) == (count, count)
    analyze("prospects_person", "prospects_verification")
    started = time.perf_counter()
    assert look(workspace.pk, now=NOW + timedelta(minutes=5), ask=_answer).judged == 0
    idle = time.perf_counter() - started
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE prospects_person SET updated_at = %s WHERE workspace_id = %s AND left(md5(email), 2) = '00'",
            [NOW, workspace.pk],
        )
    started = time.perf_counter()
    again = look(workspace.pk, now=NOW + timedelta(minutes=10), ask=_answer)
    few = time.perf_counter() - started
    with workspace_scope(workspace.pk):
        started = time.perf_counter()
        take_report(now=NOW)
        report = time.perf_counter() - started
        assert Person.objects.exclude(email_checks=["unproven"]).count() == 0
    yield Figure(
        "people verified for the first time", count / took, "people/s", reference, "one narrow row a person", 0.1
    )
    yield Figure("people looked at when nothing is new", count / idle, "people/s", count / took, "the first time", 20)
    yield Figure("changed people verified", again.judged / few, "people/s", count / took, "the first time")
    yield Figure("people counted for data quality", count / report, "people/s", reference, "one narrow row a person")


def _answer(domain: str) -> Host:
    return Host("takes", "Google", "aspmx.l.google.com")


def _narrow(workspace_id: UUID) -> None:
    with workspace_scope(workspace_id), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO prospects_verification (workspace_id, person_id, address, seen_at, checked_at)
            SELECT workspace_id, id, email, updated_at, now() FROM prospects_person WHERE workspace_id = %s
            """,
            [workspace_id],
        )

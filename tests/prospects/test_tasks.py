"""Base actions of tasks: made once, claimed by one, closed by one."""

import uuid
from datetime import timedelta

import pytest

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.tasks import (
    cancel_tasks,
    claim_task,
    complete_task,
    create_task,
    reassign,
    release_task,
    skip_task,
    snooze_task,
    unsnooze_task,
)
from prospects.models import Activity, Task
from prospects.queries.tasks import open_tasks, open_tasks_of
from tests.factories.prospects import make_campaign, make_company, make_lead, make_person, make_task


def test_create_takes_company_and_campaign_along_and_is_idempotent(in_acme, bob, now) -> None:
    person = make_person(company=make_company())
    lead = make_lead(person, campaign=make_campaign())
    step = uuid.uuid4()
    told = {"by": SYSTEM, "now": now, "kind": "call", "title": "Call Ana", "due_at": now, "person": person, "lead": lead,
            "owner": bob.member, "about": ("step_run", step)}  # fmt: skip
    first = create_task(**told)
    assert (first.company_id, first.campaign_id) == (person.company_id, lead.campaign_id)
    assert create_task(**told | {"title": "Call again"}).pk == first.pk
    assert create_task(**told | {"kind": "linkedin_request"}).pk != first.pk
    assert Task.objects.count() == 2
    with pytest.raises(Invalid):
        create_task(by=SYSTEM, now=now, kind="dance", title="x", due_at=now)


@pytest.mark.parametrize(
    ("kind", "fact", "touched"),
    [("call", "called", True), ("linkedin_request", "linkedin_requested", True), ("linkedin_message", "linkedin_sent", True),
     ("manual_email", "task_done", False), ("todo", "task_done", False)],
)  # fmt: skip
def test_complete_leaves_the_fact_of_its_kind(in_acme, by_bob, now, kind, fact, touched) -> None:
    person = make_person()
    lead = make_lead(person)
    task = complete_task(
        by=by_bob,
        now=now,
        task=make_task("Call Ana", kind=kind, person=person, lead=lead),
        outcome="no_answer",
        note="rang out",
    )
    row = Activity.objects.get()
    assert (row.kind, row.summary, row.detail["outcome"], row.detail["text"]) == (
        fact,
        "Call Ana: no answer",
        "no_answer",
        "rang out",
    )
    assert task.fact == row
    task.refresh_from_db()
    person.refresh_from_db()
    lead.refresh_from_db()
    assert (task.state, task.outcome, task.closed_at, task.closed_by_id) == ("done", "no_answer", now, by_bob.member.pk)
    assert (person.last_touch_at == now, lead.first_touch_at == now) == (touched, touched)


def test_whoever_is_second_is_told_who_was_first(in_acme, by_bob, by_alice, now) -> None:
    task = make_task()
    rival = Task.objects.get(pk=task.pk)
    complete_task(by=by_bob, now=now, task=task)
    for act in (complete_task, skip_task):
        with pytest.raises(Conflict, match="done by Bob already"):
            act(by=by_alice, now=now, task=rival)
    with pytest.raises(Conflict):
        snooze_task(by=by_alice, now=now, task=rival, until=now + timedelta(days=1))
    assert Activity.objects.count() == 1


def test_a_claim_keeps_others_out_until_it_runs_out(in_acme, by_bob, by_alice, now) -> None:
    task = make_task()
    claim_task(by=by_bob, now=now, task=task)
    claim_task(by=by_bob, now=now + timedelta(minutes=1), task=task)  # one's own is renewed
    with pytest.raises(Conflict, match="Bob is working on this"):
        claim_task(by=by_alice, now=now + timedelta(minutes=3), task=Task.objects.get(pk=task.pk))
    claim_task(by=by_alice, now=now + timedelta(minutes=4), task=Task.objects.get(pk=task.pk))
    release_task(by=by_bob, now=now, task=task)  # not his any more
    assert Task.objects.get().claimed_by_id == by_alice.member.pk


def test_skip_snooze_reassign_cancel(in_acme, by_alice, bob, now) -> None:
    task = make_task("Call Ana", owner=bob.member, due_at=now)
    snooze_task(by=by_alice, now=now, task=task, until=now + timedelta(hours=1))
    assert not open_tasks_of(bob.member, now).exists()
    assert open_tasks_of(bob.member, now + timedelta(hours=1)).count() == 1
    unsnooze_task(by=by_alice, now=now, task=task)
    assert open_tasks_of(bob.member, now).count() == 1
    with pytest.raises(Invalid):
        snooze_task(by=by_alice, now=now, task=task, until=now)
    reassign(by=by_alice, now=now, task=task, owner=None)
    assert AuditEntry.objects.get(action="task.reassigned").detail == {"from": "Bob", "to": None}
    skip_task(by=by_alice, now=now, task=task, note="she left")
    assert (Task.objects.get().state, Activity.objects.get().summary) == ("skipped", "Skipped: Call Ana")
    make_task()
    assert cancel_tasks(by=SYSTEM, now=now, tasks=Task.objects.all(), reason="a reply came") == 1
    assert set(Task.objects.values_list("state", "note")) == {("skipped", "she left"), ("cancelled", "a reply came")}


def test_open_tasks_of_a_subject_by_due_date(in_acme, now) -> None:
    person = make_person()
    later = make_task(person=person, due_at=now + timedelta(days=1))
    sooner = make_task(person=person, due_at=now)
    make_task(person=person, state="done")
    make_task()
    assert list(open_tasks(person=person)) == [sooner, later]

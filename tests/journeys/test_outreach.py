"""Main job, step 4: 200 people through e-mail, LinkedIn request, e-mail, LinkedIn message on a given clock, over real SMTP.

The sandbox is the other side of the table: it only speaks SMTP and HTTP, and keeps its own journal. At the end journal,
ledger and funnel must agree to the unit.
"""

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from accounts.actions.audit import Actor
from analytics.queries.facts import load_facts
from analytics.rules.funnel import funnel
from campaigns.actions import inbound
from campaigns.actions.clicks import classify_due_hits
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.outcomes import balance
from campaigns.actions.sending import mailbox_purpose
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, StepRun
from campaigns.rules.tokens import public_token
from campaigns.sandbox.personas import ODDS, Crowd
from campaigns.sandbox.server import Endpoint, Sandbox
from leadgen.core import secrets
from leadgen.core.tenancy import workspace_scope
from prospects.actions.tasks import complete_task
from prospects.models import Activity, Lead, Task
from tests.factories.accounts import Someone
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_company, make_person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(480)]

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday
STEPS = [
    EMAIL | {"body": "Hi {{ person.first_name }},\n\nsee https://acme.example/plants\n\nSam"},
    {"kind": "linkedin_request", "delay_days": 1, "body": "Hello {{ person.first_name }}"},
    FOLLOW_UP,
    {"kind": "linkedin_message", "delay_days": 1, "body": "Thank you for connecting, {{ person.first_name }}"},
]
ANSWERS = {"positive", "meeting", "question", "not_now", "not_interested"}


@pytest.fixture
def sandbox(tmp_path: Path, live_server: Any, settings: Any) -> Iterator[Sandbox]:
    settings.SITE_URL = live_server.url
    endpoints: dict[str, Endpoint] = {}
    # A clean list: at 3 % of hard bounces the mailbox would be held, which is not this story.
    crowd = Crowd(seed=11, odds=ODDS | {"refused": 0.005, "bounces": 0.005})
    found = Sandbox(crowd=crowd, journal=tmp_path / "journal.jsonl", endpoints=lambda: endpoints)
    found.endpoints_by_address = endpoints  # type: ignore[attr-defined]  # the fixture's handle on them
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = found.controller(port=port)
    controller.start()
    found.port = port  # type: ignore[attr-defined]
    yield found
    controller.stop()


def _prepare(sandbox: Any, bob: Someone, live_server: Any) -> Any:
    mailbox = make_mailbox(sandbox.port)
    key = inbound.new_key()
    purpose = mailbox_purpose(mailbox.workspace_id, mailbox.pk, "inbound")
    Mailbox.objects.filter(pk=mailbox.pk).update(inbound_sealed=secrets.seal(key, purpose=purpose))
    token = public_token("inbound", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    sandbox.endpoints_by_address[mailbox.address] = Endpoint(f"{live_server.url}/p/in/{token}/", key)
    version = make_sequence(STEPS, mailbox=mailbox, window_start=time(9), window_end=time(17), weekdays=[0, 1, 2, 3, 4])
    for number in range(200):
        company = make_company(f"Company {number}", domain=f"c{number}.example")
        person = make_person(f"Ana{number} Test", company, email=f"ana.{number}@c{number}.example")
        make_enrolment(version, person, mailbox=mailbox, owner=bob.member, at=START)
    mark_enrolments(START)
    return version


def test_two_hundred_people_on_a_clock(sandbox: Any, live_server: Any, bob: Someone) -> None:
    workspace = bob.workspace
    by_bob = Actor(member=bob.member, source="user")
    with workspace_scope(workspace.pk):
        version = _prepare(sandbox, bob, live_server)
    now = START
    with time_machine.travel(START, tick=False) as clock:
        while now < START + timedelta(days=11):
            clock.move_to(now)
            assert sandbox.heartbeat() == 1  # or follow-ups would wait
            dispatch_once(now=now)
            clock.move_to(now + timedelta(minutes=5))  # people take their time; a click at once would be a scanner's
            sandbox.react()
            classify_due_hits(now=now + timedelta(minutes=6))  # once the bursts are over
            with workspace_scope(workspace.pk):
                for task in Task.objects.filter(state="open", kind__in=["linkedin_request", "linkedin_message"]):
                    complete_task(by=by_bob, now=now, task=task, outcome="sent")
            now += timedelta(hours=4)
    journal = sandbox.lines()
    with workspace_scope(workspace.pk):
        _each_step_at_most_once(journal)
        _nothing_after_an_answer(journal)
        _ledger_agrees_with_the_journal(journal, version)
        facts, conventions = load_facts(workspace, now)
    figures = funnel(facts, START.date(), (START + timedelta(days=30)).date(), conventions)
    with workspace_scope(workspace.pk):
        assert figures["period"]["leads"] == Lead.objects.count() == _interested(journal)


def _each_step_at_most_once(journal: list[dict[str, Any]]) -> None:
    accepted = Counter(line["message_id"] for line in journal if line["event"] == "accepted")
    assert accepted
    assert max(accepted.values()) == 1
    assert max(Counter(line["to"] for line in journal if line["event"] == "accepted").values()) <= 2
    assert StepRun.objects.count() == StepRun.objects.values("enrolment", "step").distinct().count()


def _nothing_after_an_answer(journal: list[dict[str, Any]]) -> None:
    """In the journal's own order: nobody who replied, bounced or unsubscribed gets a mail after it."""
    gone: set[str] = set()
    for line in journal:
        if line["event"] == "accepted":
            assert line["to"] not in gone, line
        if line["event"] in {"refused", "unsubscribed"} or (line["event"] == "mailed" and line["behaviour"] != "away"):
            gone.add(line.get("to") or line["person"])
    assert len(gone) > 20
    stopped = Enrolment.objects.filter(state="stopped").values_list("person__email", flat=True)
    assert set(stopped) == gone
    late_tasks = Task.objects.filter(person__email__in=gone, kind__startswith="linkedin", state="open")
    assert not late_tasks.exists()


def _ledger_agrees_with_the_journal(journal: list[dict[str, Any]], version: Any) -> None:
    events = Counter(line["event"] for line in journal)
    answered = Counter(line["behaviour"] for line in journal if line["event"] == "mailed")
    assert all(line.get("status") in {None, 200, 201, 302} for line in journal), journal
    states = balance(campaign=version.sequence.campaign)
    assert states["sent"] == events["accepted"] == Activity.objects.filter(kind="sent").count()
    assert states["failed"] == events["refused"]
    assert states["unknown"] == states["planned"] == 0
    assert states["all"] == sum(states[s] for s in ("planned", "sent", "blocked", "failed", "unknown"))
    ledger = Counter(Activity.objects.values_list("kind", flat=True))
    assert ledger["replied"] == sum(answered[b] for b in ANSWERS)
    assert ledger["auto_replied"] == answered["away"]
    assert ledger["bounced"] == answered["bounces"] + events["refused"]
    assert ledger["unsubscribed"] == answered["opt_out"] + events["unsubscribed"]
    assert Message.objects.filter(replied_at__isnull=False).count() == ledger["replied"]
    human = Activity.objects.filter(kind="clicked", hit_class="human").values("person").distinct().count()
    clicked = {line["person"] for line in journal if line["event"] == "clicked" and line["behaviour"] == "clicks"}
    assert human == len(clicked)


def _interested(journal: list[dict[str, Any]]) -> int:
    """Leads open by shown interest as the first agreement has it: positive answers, meetings, questions; never by a refusal."""
    interested = {"positive", "meeting", "question"}
    return sum(line["event"] == "mailed" and line["behaviour"] in interested for line in journal)

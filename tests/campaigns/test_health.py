"""Mailboxes that hold themselves, rest until a day, and warm up by evidence; never at the cost of a person."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from campaigns.actions import health, outcomes
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from campaigns.actions.mailboxes import create_mailbox
from campaigns.actions.steps import mark_enrolments
from campaigns.models import InboundMail, Mailbox, Message
from campaigns.queries.pace import RATES, bounce_rates, evidence_of, standings
from campaigns.rules.pacing import BounceRate, Evidence
from leadgen.core import lanes
from leadgen.core.errors import Invalid, Refused
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.models import Task
from prospects.queries.suppressions import is_suppressed
from tests.campaigns.inbound import sent_to
from tests.campaigns.sink import Sink, running_sink
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


def history(mailbox: Mailbox, good: int, *, hard: int = 0, end: datetime = NOW, to: str = "p{}@firm.example") -> None:
    """`good` mails that arrived and then `hard` ones that came back, a minute apart, the last at `end`."""
    total = good + hard
    bulk_insert(
        Message,
        [
            Message(
                kind="manual", state="sent", mailbox=mailbox, to_address=to.format(n), subject="S", text="T", due_at=at,
                submitted_at=at, sent_at=at, created_at=at, bounce_type="hard" if n >= good else "",
                bounced_at=at + timedelta(seconds=30) if n >= good else None,
            )
            for n in range(total)
            for at in [end - timedelta(minutes=total - n)]
        ],
    )  # fmt: skip


def bounce_of(
    mailbox: Mailbox, name: str = "Ana", kind: str = "hard", words: str = "550 5.1.1 no such user"
) -> Message:
    message = sent_to(make_person(name), mailbox)
    outcomes.apply_bounce(message=message, kind=kind, words=words, now=NOW)
    return message


def test_three_per_cent_of_two_hundred_hold_the_mailbox(in_acme: Any, alice: Any) -> None:
    mailbox = make_mailbox(address="ana@acme.example", member=alice.member)
    history(mailbox, 194, hard=4, end=NOW - timedelta(hours=2))
    bounce_of(mailbox)
    mailbox.refresh_from_db()
    assert bounce_rates([mailbox.pk]) == {mailbox.pk: BounceRate(5, 199)}
    assert mailbox.state == "active"
    last = bounce_of(mailbox, "Ben")
    mailbox.refresh_from_db()
    words = "6 of the last 200 sends bounced hard (3.0 %): clean the list first"
    assert (mailbox.state, mailbox.state_code, mailbox.state_reason, mailbox.state_at) == (
        "held",
        "bounces",
        words,
        NOW,
    )
    entry = AuditEntry.objects.get(action="mailbox.held")
    assert (entry.source, entry.member_id, entry.detail) == ("system", None, {"reason": words, "code": "bounces"})
    assert (entry.target_id, entry.at) == (mailbox.pk, NOW)
    task = Task.objects.get(kind="todo")
    assert (task.owner, task.title, task.reason) == (alice.member, "Mailbox ana@acme.example is held", words)
    assert is_suppressed([last.to_address]), "the address that bounced, as ever"


def test_only_the_last_two_hundred_count_and_refusals_count_too(in_acme: Any) -> None:
    mailbox = make_mailbox()
    history(mailbox, 0, hard=50, end=NOW - timedelta(days=9))
    history(mailbox, 198, end=NOW - timedelta(hours=2))
    refused = sent_to(make_person("Ana"), mailbox)
    # Refused before DATA: nothing was handed over, and still it was a send that bounced.
    Message.objects.filter(pk=refused.pk).update(
        submitted_at=None, state="failed", bounced_at=NOW, bounce_type="hard", sent_at=None
    )
    assert bounce_rates([mailbox.pk])[mailbox.pk] == BounceRate(2, 200)


def test_health_is_looked_up_by_index(acme: Any, in_acme: Any) -> None:
    """Nothing that waits in the table is read for it: thousands of planned mails have no date of a bounce."""
    values = {"workspace": acme.pk, "ids": [acme.pk], "window": 200, "since": "-infinity"}
    with connection.cursor() as cursor:
        # Without statistics any plan is as good as another; what is asked is that the ordered one exists.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + RATES, values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_submitted" in plan
    assert "message_bounced" in plan


def test_fewer_than_three_bounces_say_nothing_about_a_list(in_acme: Any) -> None:
    mailbox = make_mailbox()
    bounce_of(mailbox, "Ana")
    bounce_of(mailbox, "Ben")
    mailbox.refresh_from_db()
    assert mailbox.state == "active"
    bounce_of(mailbox, "Cleo")
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.state_reason[:12]) == ("held", "3 of the las")


def test_a_block_by_policy_holds_the_mailbox_and_never_the_person(in_acme: Any, sink: Sink) -> None:
    mailbox = make_mailbox(sink.port, address="ana@acme.example")
    version = make_sequence([EMAIL], mailbox=mailbox)
    for name in ("Ana", "Ben"):
        make_enrolment(version, make_person(name, email=f"{name.lower()}@lumen.example"), mailbox=mailbox)
    sink.script["RCPT"] = "550 5.7.1 blocked: poor reputation"
    mark_enrolments(NOW)
    dispatch_once(now=NOW)
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.state_code) == ("held", "policy")
    assert "550 5.7.1 blocked: poor reputation" in mailbox.state_reason
    entry = AuditEntry.objects.get(action="mailbox.held")
    assert (entry.source, entry.member_id, entry.target_id) == ("system", None, mailbox.pk)
    assert entry.detail == {"reason": mailbox.state_reason, "code": "policy"}
    assert sink.recipients == [], "the first no is enough: nobody else was tried"
    assert not is_suppressed(["ana@lumen.example", "ben@lumen.example"])
    waiting = Message.objects.get(state="planned")
    assert waiting.hold_reason.startswith("Held: mailbox ana@acme.example is held: A server refused mail by policy")
    assert Task.objects.filter(kind="todo", owner=None).count() == 1
    sink.script.clear()
    health.release_mailbox(mailbox=mailbox, by=SYSTEM, now=NOW + timedelta(hours=1))
    assert not Task.objects.filter(state="open").exists(), "the task is over with its cause"
    assert dispatch_once(now=NOW + timedelta(hours=1)).sent == 1
    assert Message.objects.get(pk=waiting.pk).hold_reason == ""


def test_a_full_day_at_the_provider_is_a_rest_and_costs_no_mail(in_acme: Any, sink: Sink) -> None:
    mailbox = make_mailbox(sink.port, address="ana@acme.example")
    version = make_sequence([EMAIL], mailbox=mailbox)
    for name in ("Ana", "Ben"):
        make_enrolment(version, make_person(name, email=f"{name.lower()}@lumen.example"), mailbox=mailbox)
    sink.script["DOT"] = "550 5.4.5 Daily user sending limit exceeded"
    mark_enrolments(NOW)
    assert (dispatch_once(now=NOW).held, Message.objects.filter(state="planned").count()) == (2, 2)
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.state_code, mailbox.free_at) == ("resting", "system", NOW + DAY)
    assert "Daily user sending limit exceeded" in mailbox.state_reason
    sink.script.clear()
    sweep_lanes(now=NOW + DAY)
    assert dispatch_once(now=NOW + DAY).sent == 2


def test_after_a_release_bounces_are_counted_anew_and_one_task_each(in_acme: Any, by_alice: Any) -> None:
    mailbox = make_mailbox()
    history(mailbox, 10, hard=2, end=NOW - timedelta(hours=3))
    old = bounce_of(mailbox, "Ana")
    Message.objects.filter(pk=old.pk).update(submitted_at=NOW - timedelta(hours=4))
    mailbox.refresh_from_db()
    assert mailbox.state == "held"
    assert health.release_mailbox(mailbox=mailbox, by=by_alice, now=NOW - timedelta(hours=2))
    bounce_of(mailbox, "Ben")
    bounce_of(mailbox, "Cleo")
    mailbox.refresh_from_db()
    assert mailbox.state == "active", "two since the release"
    history(mailbox, 0, hard=1, end=NOW - timedelta(minutes=5))
    later = NOW + timedelta(minutes=1)
    assert health.check_health(mailbox_id=mailbox.pk, kind="hard", words="550 5.1.1", now=later)
    mailbox.refresh_from_db()
    assert "since it was released" in mailbox.state_reason
    assert Task.objects.filter(kind="todo").count() == 2


def test_a_hold_that_is_there_keeps_its_reason(in_acme: Any, by_alice: Any) -> None:
    mailbox = make_mailbox()
    assert health.hold_mailbox(mailbox=mailbox, reason="list is being cleaned", by=by_alice, now=NOW)
    assert not health.check_health(mailbox_id=mailbox.pk, kind="policy", words="550 5.7.1", now=NOW)
    mailbox.refresh_from_db()
    assert (mailbox.state_reason, mailbox.state_code) == ("list is being cleaned", "person")
    assert not Task.objects.exists(), "whoever held it knows"
    with pytest.raises(Invalid, match="Say why"):
        health.hold_mailbox(mailbox=mailbox, reason=" ", by=by_alice, now=NOW)


def test_a_rest_ends_by_itself(acme: Any, in_acme: Any, by_alice: Any, sink: Sink) -> None:
    mailbox = make_mailbox(
        sink.port, address="ana@acme.example", state="warming", ramp_cap=9, ramped_at=NOW, daily_cap=30
    )
    version = make_sequence([EMAIL], mailbox=mailbox)
    make_enrolment(version, make_person("Ana"), mailbox=mailbox)
    mark_enrolments(NOW)
    until = NOW + timedelta(hours=5)
    assert health.rest_mailbox(mailbox=mailbox, until=until, by=by_alice, now=NOW, reason="Ana is on holiday")
    assert dispatch_once(now=NOW).sent == 0
    words = Message.objects.get().hold_reason
    assert words.startswith("Held: mailbox ana@acme.example is resting: Ana is on holiday, goes Wed ")
    sweep_lanes(now=until - timedelta(seconds=1))
    assert Mailbox.objects.get().state == "resting"
    sweep_lanes(now=until)
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.ramp_cap, mailbox.free_at) == ("warming", 9, None), "where it was before"
    assert dispatch_once(now=until).sent == 1
    told = AuditEntry.objects.filter(action__startswith="mailbox.").order_by("at", "pk")
    assert [entry.action for entry in told] == ["mailbox.resting", "mailbox.warming"]


def test_a_rest_needs_an_end_and_no_hold(in_acme: Any, by_alice: Any) -> None:
    mailbox = make_mailbox()
    for until in (NOW, NOW + timedelta(days=400)):
        with pytest.raises(Invalid, match="within a year"):
            health.rest_mailbox(mailbox=mailbox, until=until, by=by_alice, now=NOW)
    health.hold_mailbox(mailbox=mailbox, reason="x", by=by_alice, now=NOW)
    with pytest.raises(Refused, match="Release it first"):
        health.rest_mailbox(mailbox=mailbox, until=NOW + DAY, by=by_alice, now=NOW)


def warming(**fields: Any) -> Mailbox:
    values: dict[str, Any] = {"state": "warming", "ramp_cap": 5, "ramped_at": NOW - DAY, "daily_cap": 30}
    return make_mailbox(**(values | fields))


def test_a_good_day_gives_two_more_once(acme: Any, in_acme: Any) -> None:
    mailbox = warming()
    history(mailbox, 5)
    lanes.mark(workspace_id=acme.pk, kind="enrolments", due=NOW)
    sweep_lanes(now=NOW)
    sweep_lanes(now=NOW + timedelta(hours=23))
    mailbox.refresh_from_db()
    assert (mailbox.cap, mailbox.ramped_at, mailbox.state) == (7, NOW, "warming")
    assert mailbox.ramp_reason == "2 more after 5 e-mails without a bounce or complaint"
    entry = AuditEntry.objects.get(action__startswith="mailbox.")
    assert (entry.action, entry.member_id, entry.detail["from"], entry.detail["to"]) == ("mailbox.ramped", None, 5, 7)
    sweep_lanes(now=NOW + DAY)
    mailbox.refresh_from_db()
    assert (mailbox.cap, mailbox.ramp_reason[:13]) == (7, "stays at 7: o")


def test_a_ramp_ends_at_the_daily_cap(in_acme: Any) -> None:
    mailbox = warming(ramp_cap=29)
    history(mailbox, 29)
    assert health.weigh_ramps(now=NOW) == 1
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.ramp_cap, mailbox.cap) == ("active", None, 30)
    assert health.weigh_ramps(now=NOW + DAY) == 0


@pytest.mark.parametrize(("kind", "cap"), [("hard", 20), ("policy", 10), ("complaint", 10), ("soft", 22)])
def test_bad_evidence_of_the_day(in_acme: Any, kind: str, cap: int) -> None:
    mailbox = warming(ramp_cap=20)
    history(mailbox, 20)
    message = sent_to(make_person("Ana"), mailbox)
    if kind == "complaint":
        for number, proof in enumerate((message, None)):
            InboundMail.objects.create(
                mailbox=mailbox,
                digest=str(number),
                kind="complaint",
                message=proof,
                received_at=NOW - timedelta(hours=1),
            )
        assert evidence_of(mailbox, since=NOW - DAY, now=NOW).complaints == 1, "only what is proven counts"
    else:
        Message.objects.filter(pk=message.pk).update(bounced_at=NOW - timedelta(minutes=5), bounce_type=kind)
    health.weigh_ramps(now=NOW)
    mailbox.refresh_from_db()
    assert mailbox.cap == cap


def test_evidence_older_than_the_last_weighing_is_not_counted_twice(in_acme: Any) -> None:
    mailbox = warming()
    history(mailbox, 5)
    history(mailbox, 0, hard=1, end=NOW - DAY - timedelta(hours=2))
    assert evidence_of(mailbox, since=NOW - DAY, now=NOW) == Evidence(sent=5)


def test_a_new_mailbox_warms_up_unless_somebody_says_why_not(in_acme: Any, by_alice: Any) -> None:
    values: dict[str, Any] = {
        "from_name": "Ana",
        "host": "127.0.0.1",
        "port": 2525,
        "security": "none",
        "daily_cap": 30,
    }
    new = create_mailbox(by=by_alice, now=NOW, address="a@acme.example", **values)
    assert (new.state, new.cap, new.ramped_at) == ("warming", 5, NOW)
    small = create_mailbox(by=by_alice, now=NOW, address="b@acme.example", **(values | {"daily_cap": 4}))
    assert (small.state, small.cap) == ("active", 4)
    old = create_mailbox(by=by_alice, now=NOW, address="c@acme.example", warmed_up="in use since 2019", **values)
    assert (old.state, old.cap) == ("active", 30)
    detail = AuditEntry.objects.filter(action="mailbox.created").order_by("-pk")[0].detail
    assert detail["warmed_up"] == "in use since 2019"
    assert health.hold_mailbox(mailbox=new, reason="x", by=by_alice, now=NOW)
    assert health.release_mailbox(mailbox=new, by=by_alice, now=NOW)
    assert (new.state, new.cap) == ("warming", 5), "a hold ends no ramp"


def test_bulk_senders_are_counted_over_the_primary_domain(acme: Any, globex: Any) -> None:
    with workspace_scope(acme.pk):
        one, two = make_mailbox(address="a@acme.example"), make_mailbox(address="b@mail.acme.example")
        other = make_mailbox(address="c@other.example")
        for box, count, to in ((one, 3, "x{}@gmail.com"), (two, 4, "x{}@googlemail.com"), (other, 5, "x{}@gmail.com")):
            history(box, count, to=to)
        history(one, 2, to="x{}@outlook.com")
        history(one, 6, to="x{}@gmail.com", end=NOW - DAY - timedelta(minutes=1))
        history(one, 7, to="x{}@firm.example")
        found = {(s.domain, s.rule.key): s.sent for s in standings(NOW)}
        assert found == {
            ("acme.example", "google"): 7, ("acme.example", "yahoo"): 0, ("acme.example", "microsoft"): 2,
            ("other.example", "google"): 5, ("other.example", "yahoo"): 0, ("other.example", "microsoft"): 0,
        }  # fmt: skip
        assert [s.sent for s in standings(NOW, domain="mail.acme.example")] == [7, 0, 2]
    with workspace_scope(globex.pk):
        assert standings(NOW) == []

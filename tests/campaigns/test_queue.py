"""The work queue through HTTP: lanes and order, every kind of item, next, undo, claims, roles, foreign ids, budgets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actions.audit import SYSTEM
from campaigns.actions.outcomes import record_sent
from campaigns.actions.planning import begin_due_steps
from campaigns.actions.steps import settle_closed_tasks
from campaigns.models import Enrolment, InboundMail, Message, StepRun
from campaigns.queries.queue import badge_count
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.models import Activity, Lead, Person, Task
from prospects.queries.suppressions import suppressed_phones
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.campaigns import REQUEST, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_company, make_lead, make_person, make_task

CALL = {"kind": "call", "body": "Hello {{ person.first_name }}"}
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> dict[str, datetime]:
    """The product's clock; `frozen["at"]` moves it."""
    at = {"at": NOW}
    monkeypatch.setattr(clock, "now", lambda: at["at"])
    return at


@pytest.fixture
def desk(acme, bob, as_):
    """Bob at his queue."""

    class Desk:
        client = as_(bob)

        def get(self, path: str = "", **headers: str) -> Any:
            return self.client.get(f"/w/acme/work/{path}", headers=headers or None)

        def do(self, task: Task, do: str, query: str = "", **data: Any) -> Any:
            return self.client.post(f"/w/acme/work/{task.pk}/{query}", {"do": do, **data}, headers=HTMX)

        def undo(self, task: Task, what: str) -> Any:
            return self.client.post(f"/w/acme/work/{task.pk}/undo/", {"what": what}, headers=HTMX)

    return Desk()


@pytest.fixture
def world(acme, bob):
    """Nine items of Bob's, and what is not in today's list."""
    with workspace_scope(acme.pk):
        ensure_first_agreement(NOW)
        berlin = make_company("Stahlwerk", time_zone="Europe/Berlin")
        made = {
            "inbound": make_task("Answer demo request", kind="inbound", sla_due_at=NOW + timedelta(minutes=4), owner=bob.member, person=make_person("Ana Ferreira", berlin)),
            "breached": make_task("Answer webinar", kind="inbound", sla_due_at=NOW - timedelta(minutes=6), owner=bob.member),
            "reply": make_task("Reply to Mei", kind="reply", due_at=NOW, owner=bob.member),
            "handoff": make_task("Accept Tom", kind="handoff", sla_due_at=NOW + timedelta(hours=7), owner=bob.member),
            "overdue": make_task("Old call", kind="call", due_at=NOW - timedelta(days=2), owner=bob.member),
            "call": make_task("Call Jonas", kind="call", due_at=NOW, person=make_person("Jonas Weber", berlin, phone="+4930123456"), owner=bob.member),
            "linkedin": make_task("LinkedIn request", kind="linkedin_request", due_at=NOW, person=make_person("Priya Raman", linkedin_url="https://linkedin.example/in/p"), owner=bob.member),
            "email": make_task("Write to Sofia", kind="manual_email", due_at=NOW, person=make_person("Sofia Lind", email="sofia@nordhavn.example"), owner=bob.member),
            "todo": make_task("Nobody's", due_at=NOW + timedelta(minutes=1)),
            "later": make_task("Next week", due_at=NOW + timedelta(days=7), owner=bob.member),
            "snoozed": make_task("Asleep", snoozed_until=NOW + timedelta(hours=1), owner=bob.member),
        }  # fmt: skip
        yield made


def titles(response: Any) -> list[str]:
    return [row.task.title for row in response.context["queue"].rows]


def counts(response: Any) -> dict[str, int]:
    return response.context["queue"].counts


def test_one_list_in_order_with_reasons_lanes_and_progress(desk, world, bob) -> None:
    page = desk.get()
    assert titles(page) == [
        "Answer webinar", "Answer demo request", "Reply to Mei", "Accept Tom", "Old call", "Call Jonas",
        "LinkedIn request", "Write to Sofia", "Nobody's",
    ]  # fmt: skip
    assert counts(page) == {
        "all": 9, "now": 2, "overdue": 1, "later": 1, "snoozed": 1, "replies": 1, "calls": 2, "linkedin": 1, "emails": 1,
        "handoffs": 1, "inbound": 2, "todos": 1, "done": 0,
    }  # fmt: skip
    body = page.content.decode()
    assert "Clock breached" in body and "Waits for your decision" in body and "At work there, 11:00" in body
    assert "0 of 9" in body and "not started today" in body
    assert titles(desk.get("?lane=now")) == ["Answer webinar", "Answer demo request"]
    assert titles(desk.get("?lane=snoozed")) == ["Asleep"] and titles(desk.get("?lane=later")) == ["Next week"]
    assert titles(desk.get("?sort=due"))[-1] == "Accept Tom"
    assert titles(desk.get("?q=jonas")) == ["Call Jonas"] and titles(desk.get("?who=none")) == ["Nobody's"]
    assert titles(desk.get("?lane=nonsense&shown=x&who=nobody-here")) == []
    assert badge_count(bob.member, NOW) == 2
    assert "rail-badge" in body


def test_items_open_beside_the_list_and_foreign_ones_do_not_exist(desk, world, globex, as_, charlie) -> None:
    for name, task in world.items():
        assert desk.get(f"{task.pk}/").status_code == 200, name
    call = desk.get(f"{world['call'].pk}/", **HTMX).content.decode()
    assert "+49 30 123456" in call and "11:00 in Berlin" in call and "No answer" in call
    assert 'id="panel"' in call and "<html" not in call
    stranger = as_(charlie)
    for path in (f"/w/acme/work/{world['call'].pk}/", f"/w/globex/work/{world['call'].pk}/", "/w/acme/work/"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"/w/globex/work/{world['call'].pk}/", {"do": "call_no_answer"}).status_code == 404
    with workspace_scope(world["call"].workspace_id):
        assert Task.objects.get(pk=world["call"].pk).state == "open"


def test_a_call_outcome_closes_records_and_opens_the_next(desk, world, frozen) -> None:
    answer = desk.do(world["call"], "call_no_answer", "?sort=", note="rang out")
    assert answer.status_code == 200
    assert answer.headers["HX-Push-Url"] == f"/w/acme/work/{world['linkedin'].pk}/"
    assert "LinkedIn request" in answer.content.decode() and "1 of 9" in answer.content.decode()
    fact = Activity.objects.get(kind="called")
    assert (fact.detail["outcome"], fact.detail["text"], fact.person_id) == (
        "no_answer",
        "rang out",
        world["call"].person_id,
    )
    assert fact.summary == "Called: no answer. rang out"
    again = desk.do(world["call"], "call_voicemail")
    assert again.status_code == 409 and "done by" in again.headers["HX-Trigger"]
    assert Activity.objects.filter(kind="called").count() == 1
    assert titles(desk.get("?lane=done")) == ["Call Jonas"]


def test_interest_on_the_phone_opens_a_lead_and_ends_the_sequence(desk, world, acme, bob) -> None:
    version = make_sequence([CALL, REQUEST], mailbox=None)
    person = make_person("Luca Moretti", phone="+390612345678")
    enrolment = make_enrolment(version, person, mailbox=None, owner=bob.member)
    begin_due_steps(now=NOW)
    task = Task.objects.get(about_type="step_run")
    assert task.body == "Hello Luca"
    assert desk.do(task, "call_connected_positive").status_code == 200
    lead = Lead.objects.get(person=person)
    assert (lead.origin, lead.owner_id) == ("outbound", bob.member.pk)
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.stopped_by_type) == (Enrolment.State.STOPPED, "call")


def test_do_not_call_wrong_number_and_call_back(desk, world, acme, bob) -> None:
    never = make_task(
        "Call A", kind="call", due_at=NOW, person=make_person("A B", phone="+4930123499"), owner=bob.member
    )
    wrong = make_task("Call B", kind="call", due_at=NOW, person=make_person("C D", phone="+4930888"), owner=bob.member)
    desk.do(never, "call_do_not_call")
    assert suppressed_phones(["+4930123499"]) == {"+4930123499"}
    unreadable = make_task(
        "Call C", kind="call", due_at=NOW, person=make_person("E F", phone="ext. 12"), owner=bob.member
    )
    desk.do(unreadable, "call_do_not_call")
    assert Person.objects.get(pk=unreadable.person_id).phone == ""
    desk.do(wrong, "call_wrong_number")
    assert Person.objects.get(pk=wrong.person_id).phone == ""
    refused = desk.do(world["call"], "call_callback")
    assert refused.status_code == 422 and "Say when to call back" in refused.content.decode()
    assert desk.do(world["call"], "call_callback", callback_at="2026-03-05T14:00").status_code == 200
    task = Task.objects.get(pk=world["call"].pk)
    agreed = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)  # 14:00 in Berlin
    assert (task.state, task.due_at, task.snoozed_until) == ("open", agreed, agreed)
    assert Activity.objects.filter(kind="called", detail__outcome="callback").count() == 1


def test_linkedin_tasks_and_what_they_did_there(desk, world) -> None:
    task, person = world["linkedin"], world["linkedin"].person
    assert desk.do(task, "next").status_code == 422
    assert desk.do(task, "sent").status_code == 200
    assert Activity.objects.get(kind="linkedin_requested").person_id == person.pk
    assert Person.objects.get(pk=person.pk).linkedin_status == "requested"
    message = make_task("Message", kind="linkedin_message", due_at=NOW, person=person)
    news = desk.client.post(f"/w/acme/work/{message.pk}/linkedin/", {"news": "accepted"}, headers=HTMX)
    assert news.status_code == 200
    assert Person.objects.get(pk=person.pk).linkedin_status == "connected"
    assert Activity.objects.get(kind="linkedin_accepted").person_id == person.pk
    desk.do(message, "could_not", note="profile is gone")
    assert not Activity.objects.filter(kind="linkedin_sent").exists()
    assert Task.objects.get(pk=message.pk).outcome == "could_not"
    desk.client.post(f"/w/acme/work/{message.pk}/linkedin/", {"news": "interested"}, headers=HTMX)
    assert Lead.objects.get(person=person).channel == "linkedin"


def test_a_mail_is_held_eight_seconds_once_and_can_be_taken_back(desk, world, acme, bob, frozen) -> None:
    box = make_mailbox(member=bob.member, address="bob@acme.example")
    task = world["email"]
    mail = {"mailbox": str(box.pk), "subject": "Your new site", "text": "Hi Sofia,\n\nmay I ask?", "key": "k1"}
    empty = desk.do(task, "send", **(mail | {"text": " "}))
    assert empty.status_code == 422 and "Write something first" in empty.content.decode()
    assert desk.do(task, "send", **mail).status_code == 200
    assert desk.do(task, "send", **mail).status_code == 200  # the double click
    message = Message.objects.get()
    assert (message.kind, message.state, message.due_at) == ("manual", "planned", NOW + timedelta(seconds=8))
    assert (message.to_address, message.member_id) == ("sofia@nordhavn.example", bob.member.pk)
    back = desk.undo(task, "mail")
    assert (
        back.status_code == 200 and "may I ask?" in back.content.decode() and "Your new site" in back.content.decode()
    )
    message.refresh_from_db()
    assert (message.state, message.reason_code) == ("blocked", "undone")
    assert Task.objects.get(pk=task.pk).state == "open"
    desk.do(task, "send", **(mail | {"key": "k2"}))
    second = Message.objects.get(state="planned")
    Message.objects.filter(pk=second.pk).update(state="unknown", submitted_at=NOW)  # it was handed over
    late = desk.undo(task, "mail")
    assert late.status_code == 409 and "Too late" in late.headers["HX-Trigger"]


def test_the_first_mail_stops_the_clock_of_an_inbound_lead(desk, world, acme, bob) -> None:
    box = make_mailbox(member=bob.member)
    task = world["inbound"]
    lead = make_lead(task.person, owner=bob.member, opened_at=NOW - timedelta(minutes=1), touch_due_at=task.sla_due_at)
    Task.objects.filter(pk=task.pk).update(lead=lead)
    desk.get(f"{task.pk}/")
    lead.refresh_from_db()
    assert (lead.seen_at, lead.first_touch_at) == (NOW, None)
    assert badge_count(bob.member, NOW) == 2
    desk.do(task, "send", mailbox=str(box.pk), subject="Demo", text="Hi Ana", key="k")
    message = Message.objects.get()
    Message.objects.filter(pk=message.pk).update(state="unknown", submitted_at=NOW + timedelta(seconds=9))
    message.refresh_from_db()
    record_sent(message=message, response="250 ok", by="server", now=NOW + timedelta(seconds=9))
    lead.refresh_from_db()
    assert lead.first_touch_at == NOW + timedelta(seconds=9)


def test_a_reply_goes_the_inbox_way_and_its_intent_ranks_it(desk, world, acme, bob) -> None:
    box = make_mailbox(member=bob.member)
    person = make_person("Mei Tanaka", email="mei@kite.example")
    mail = InboundMail.objects.create(
        mailbox=box, digest="d", mime_id="<q1@kite.example>", from_address=person.email, subject="A question", kind="reply",
        text="Send times for Thursday", intent="positive", person=person, received_at=NOW,
    )  # fmt: skip
    task = make_task("Reply to Mei Tanaka", kind="reply", due_at=NOW, person=person, about_type="inbound_mail", about_id=mail.pk, owner=bob.member)  # fmt: skip
    page = desk.get(f"{task.pk}/")
    assert titles(page)[2:4] == ["Reply to Mei Tanaka", "Reply to Mei"]  # positive before unclear
    assert "Send times for Thursday" in page.content.decode()
    desk.do(task, "send", mailbox=str(box.pk), subject="Re: A question", text="Thursday 15:00?", key="k")
    answer = Message.objects.get()
    assert (answer.kind, answer.answers_id, answer.subject) == ("reply", mail.pk, "Re: A question")
    mail.refresh_from_db()
    assert mail.done_at == NOW
    desk.undo(task, "mail")
    mail.refresh_from_db()
    assert (mail.done_at, Task.objects.get(pk=task.pk).state) == (None, "open")


def test_skip_snooze_and_their_undo(desk, world, frozen) -> None:
    skipped = desk.do(world["todo"], "skip", skip_note="not ours")
    assert "Undo" in skipped.content.decode()
    assert Task.objects.get(pk=world["todo"].pk).state == "skipped"
    assert desk.undo(world["todo"], "task").status_code == 200
    assert Task.objects.get(pk=world["todo"].pk).state == "open"
    assert desk.do(world["overdue"], "snooze_tomorrow").status_code == 200
    assert Task.objects.get(pk=world["overdue"].pk).snoozed_until == datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
    assert "Old call" not in titles(desk.get())
    desk.undo(world["overdue"], "snooze")
    assert "Old call" in titles(desk.get())
    assert desk.do(world["todo"], "snooze_pick").status_code == 422
    desk.do(world["todo"], "next")
    frozen["at"] = NOW + timedelta(minutes=5)
    assert "Too late" in desk.undo(world["todo"], "task").headers["HX-Trigger"]
    assert desk.undo(world["call"], "mail").status_code == 409


def test_what_was_done_to_a_person_is_not_undone(desk, world) -> None:
    answer = desk.do(world["call"], "call_voicemail")
    assert "work/" + str(world["call"].pk) + "/undo/" not in answer.content.decode()
    assert desk.undo(world["call"], "task").status_code == 409
    assert Task.objects.get(pk=world["call"].pk).state == "done"


def test_undoing_a_skipped_step_makes_the_sequence_wait_again(desk, world, acme, bob) -> None:
    version = make_sequence([CALL, CALL | {"delay_days": 2}], mailbox=None)
    enrolment = make_enrolment(version, make_person(phone="+4930777"), mailbox=None, owner=bob.member)
    begin_due_steps(now=NOW)
    task = Task.objects.get(about_type="step_run")
    desk.do(task, "skip")
    settle_closed_tasks(now=NOW)
    enrolment.refresh_from_db()
    assert enrolment.next_at == NOW + timedelta(days=2)
    assert desk.undo(task, "task").status_code == 200
    enrolment.refresh_from_db()
    assert (enrolment.next_at, StepRun.objects.get().done_at) == (None, None)
    desk.do(task, "skip")
    settle_closed_tasks(now=NOW)
    Enrolment.objects.update(next_at=NOW)
    begin_due_steps(now=NOW)  # the next step has begun
    assert "gone on" in desk.undo(task, "task").headers["HX-Trigger"]


def test_nobodys_item_is_claimed_by_who_opens_it(desk, world, acme, as_, frozen) -> None:
    dana = as_(make_member(acme, "sdr", "dana@acme.example"))
    path = f"/w/acme/work/{world['todo'].pk}/"
    desk.get(f"{world['todo'].pk}/")
    seen = dana.get(path).content.decode()
    assert "is working on this right now" in seen and 'value="next" class="hidden"' in seen
    refused = dana.post(path, {"do": "next"}, headers=HTMX)
    assert refused.status_code == 409 and "is working on this right now" in refused.headers["HX-Trigger"]
    assert dana.post(f"{path}claim/", headers=HTMX).status_code == 403
    desk.get(f"{world['call'].pk}/")  # he moves on: it is free
    assert dana.post(f"{path}claim/", headers=HTMX).status_code == 204
    assert desk.do(world["todo"], "next").status_code == 409
    frozen["at"] = NOW + timedelta(minutes=4)
    assert desk.do(world["todo"], "next").status_code == 200


def test_roles_expired_sessions_and_plain_browsers(desk, world, acme, as_, client) -> None:
    viewer = as_(make_member(acme, "viewer", "vic@acme.example"))
    path = f"/w/acme/work/{world['todo'].pk}/"
    page = viewer.get("/w/acme/work/")
    assert page.status_code == 200 and len(titles(page)) == 9  # who has no work sees everybody's
    viewer.get(path)
    assert Task.objects.get(pk=world["todo"].pk).claimed_by_id is None
    for where in (path, f"{path}claim/", f"{path}undo/", f"{path}linkedin/", "/w/acme/work/new/"):
        assert viewer.post(where, {"do": "next"}).status_code == 403
    assert desk.client.post(f"{path}give/", {"owner": ""}).status_code == 403  # an SDR assigns nothing
    assert "/accounts/login" in client.get(path).headers["Location"] or "login" in client.get(path).headers["Location"]
    assert "login" in client.post(path, {"do": "next"}, headers=HTMX).headers["HX-Redirect"]
    plain = desk.client.post(path, {"do": "next"})
    assert plain.status_code == 302 and plain.headers["Location"].startswith("/w/acme/work/")


def test_queries_do_not_grow_with_the_list(desk, world, acme, bob) -> None:
    def spent(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(path).status_code == 200
        # The frame (session, workspace, members, health) costs the same on every page; here the queue's own are counted.
        return sum("prospects_" in query["sql"] or "campaigns_" in query["sql"] for query in queries)

    desk.get()
    list_before, item_before = spent(""), spent(f"{world['call'].pk}/")
    firm = make_company("Many", time_zone="Europe/Berlin")
    for number in range(120):
        make_task(f"Call {number}", kind="call", due_at=NOW, person=make_person(company=firm), owner=bob.member)
    page = desk.get()
    assert len(page.context["queue"].rows) == 100 and "The first 100 of 129" in page.content.decode()
    assert len(desk.get("?shown=200").context["queue"].rows) == 129
    assert spent("") == list_before <= 9
    assert spent(f"{world['call'].pk}/") == item_before <= 27


def test_meeting_rejection_and_new_task_dialogs(desk, world, acme, bob) -> None:
    base = f"/w/acme/work/{world['call'].pk}"
    held = desk.client.post(f"{base}/meeting/", {"starts_at": "2026-03-04T10:00", "duration_minutes": 30, "state": "held"}, headers=HTMX)  # fmt: skip
    assert held.headers["HX-Redirect"] == f"{base}/"
    assert Activity.objects.filter(kind="meeting_held", person=world["call"].person_id).count() == 1
    assert desk.client.get(f"{base}/reject/").status_code == 404  # no hand-off
    made = desk.client.post("/w/acme/work/new/", {"title": "Look at the list", "kind": "todo", "due_at": "2026-03-04T12:00", "person": "Jonas Weber"})  # fmt: skip
    assert made.status_code == 302
    task = Task.objects.get(title="Look at the list")
    assert (task.owner_id, task.person_id) == (bob.member.pk, world["call"].person_id)


def test_by_system_nothing_is_seen_or_claimed(world, in_acme) -> None:
    from campaigns.actions.queue import open_item

    assert open_item(task=world["todo"], by=SYSTEM, now=NOW) == ""
    assert Task.objects.get(pk=world["todo"].pk).claimed_by_id is None
    assert reverse("work", args=["acme"]) == "/w/acme/work/"

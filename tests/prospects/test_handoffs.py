"""Hand-offs: the brief is frozen, the SLA runs in working hours, and a decision is made once, by the right team."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Workspace
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import workspace_scope
from prospects.actions.activities import record_activity
from prospects.actions.handoffs import accept_handoff, create_handoff, reassign_handoff, reject_handoff
from prospects.actions.leads import disqualify_lead, evaluate_mql, note_interest
from prospects.models import Deal, Handoff, Lead, Person, Stage, StageTransition, Task
from tests.conftest import NOW
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_company, make_fit, make_icp, make_lead, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(in_acme: Workspace) -> Person:
    return make_person(
        "Ana Ferreira", make_company("Lumen Robotics", industry="Industrial machinery"), title="VP Operations"
    )


@pytest.fixture
def eve(acme: Workspace) -> Someone:
    """AE of acme."""
    return make_member(acme, "ae", "eve@acme.example")


def demo(person: Person, at: datetime = NOW) -> Lead:
    row = record_activity(
        kind="form_submitted", at=at, now=at, summary="Form: Demo request", person=person, channel="webinar",
        detail={"form_kind": "demo", "answers": {"plants": "2"}, "utm": {"source": "autumn"}},
    )  # fmt: skip
    lead = note_interest(activity=row, now=at)
    assert lead is not None
    return lead


def test_an_mql_goes_to_an_sdr_with_a_brief_of_everything_known(ana: Person, bob: Someone) -> None:
    fit = make_icp(
        "Plants", primary=True, criteria=[{"label": "Industrial", "weight": 50}, {"label": "SAP", "weight": 20}]
    )
    make_fit(fit, ana, 86, "A", "+?")
    lead = demo(ana)
    handoff = Handoff.objects.get(lead=lead)
    assert (handoff.kind, handoff.state, handoff.to_member) == ("marketing_to_sdr", "pending", bob.member)
    assert handoff.due_at == NOW + timedelta(hours=16 + 8)  # 480 working minutes from 11:00 in Berlin: 11:00 tomorrow
    brief = handoff.brief
    assert brief["person"]["name"] == "Ana Ferreira" and brief["person"]["title"] == "VP Operations"
    assert brief["person"]["phone"] is None
    assert brief["company"]["industry"] == "Industrial machinery"
    assert brief["fit"]["criteria"] == [
        {"label": "Industrial", "mark": "met", "weight": 50}, {"label": "SAP", "mark": "unknown", "weight": 20},
    ]  # fmt: skip
    assert brief["engagement"]["score"] == 30.0
    assert brief["first_source"]["summary"] == brief["last_source"]["summary"] == "Form: Demo request"
    assert brief["first_source"]["utm"] == {"source": "autumn"}
    assert brief["answers"][0]["answers"] == {"plants": "2"}
    assert brief["qualification"][0]["facts"]["clause"] == "Demo request"
    Person.objects.filter(pk=ana.pk).update(title="COO")
    assert Handoff.objects.get().brief["person"]["title"] == "VP Operations"  # frozen
    task = Task.objects.get(handoff=handoff)
    assert (task.kind, task.owner, task.sla_due_at) == ("handoff", bob.member, handoff.due_at)
    assert task.reason.startswith("Demo request. ")


def test_accepting_twice_is_once(ana: Person, bob: Someone, by_bob: Actor) -> None:
    lead = demo(ana)
    handoff = Handoff.objects.get()
    accept_handoff(handoff=handoff, by=by_bob, now=NOW)
    accept_handoff(handoff=handoff, by=by_bob, now=NOW)
    lead.refresh_from_db()
    assert (lead.stage, lead.owner) == ("accepted", bob.member)
    assert StageTransition.objects.filter(to_stage="accepted").count() == 1
    assert Task.objects.get().state == "done"
    with pytest.raises(Conflict, match="accepted already"):
        reject_handoff(handoff=handoff, reason="No need", by=by_bob, now=NOW)
    assert Handoff.objects.get().state == "accepted"


def test_rejecting_needs_a_reason_of_the_agreement_and_says_what_becomes_of_the_lead(
    ana: Person, by_bob: Actor
) -> None:
    lead = demo(ana)
    handoff = Handoff.objects.get()
    with pytest.raises(Invalid, match="agreement's reasons"):
        reject_handoff(handoff=handoff, reason="meh", by=by_bob, now=NOW)
    with pytest.raises(Invalid, match="until when"):
        reject_handoff(handoff=handoff, reason="Bad timing", outcome="recycled", by=by_bob, now=NOW)
    lead.refresh_from_db()
    assert (Handoff.objects.get().state, lead.stage, Task.objects.get().state) == ("pending", "mql", "open")
    reject_handoff(handoff=handoff, reason="Bad timing", outcome="recycled", until=date(2026, 9, 1), by=by_bob, now=NOW)
    lead.refresh_from_db()
    assert (lead.stage, lead.reason, lead.recycled_until) == ("recycled", "Bad timing", date(2026, 9, 1))
    assert Handoff.objects.get().reason == "Bad timing"


def test_a_lead_sent_back_does_not_bounce_until_there_is_new_interest(ana: Person, by_bob: Actor) -> None:
    lead = demo(ana)
    reject_handoff(handoff=Handoff.objects.get(), reason="Wrong person", by=by_bob, now=NOW + timedelta(minutes=5))
    lead.refresh_from_db()
    assert lead.stage == Stage.LEAD
    assert evaluate_mql(lead=lead, now=NOW + timedelta(minutes=6)) is None
    again = demo(ana, NOW + timedelta(days=1))
    assert again.pk == lead.pk and again.stage == Stage.MQL
    assert Handoff.objects.filter(state="pending").count() == 1
    assert list(StageTransition.objects.order_by("position").values_list("to_stage", flat=True)) == [
        "lead", "mql", "lead", "mql",
    ]  # fmt: skip


def test_an_sql_goes_to_an_ae_whose_acceptance_makes_the_deal(
    ana: Person, bob: Someone, by_bob: Actor, eve: Someone
) -> None:
    lead = make_lead(ana, stage=Stage.SQL, owner=bob.member, channel="webinar")
    handoff = create_handoff(lead=lead, kind="sdr_to_ae", by=by_bob, now=NOW, note="Wants a pilot")
    assert create_handoff(lead=lead, kind="sdr_to_ae", by=by_bob, now=NOW).pk == handoff.pk
    assert (handoff.from_member, handoff.to_member) == (bob.member, eve.member)
    with pytest.raises(Refused, match="Account executive"):
        accept_handoff(handoff=handoff, by=by_bob, now=NOW)
    assert not Deal.objects.exists()
    by_eve = Actor(member=eve.member, source="user")
    terms = {"mrr": 500, "term_months": 12, "currency": "EUR", "name": "Lumen pilot"}
    _, deal = accept_handoff(handoff=handoff, by=by_eve, now=NOW, deal=terms)
    _, again = accept_handoff(handoff=handoff, by=by_eve, now=NOW, deal=terms)
    assert deal is not None and deal == again and Deal.objects.count() == 1
    assert (deal.value, deal.mrr, deal.owner, deal.channel) == (6000, 500, eve.member, "webinar")
    lead.refresh_from_db()
    assert (lead.stage, lead.owner) == ("opportunity", eve.member)


def test_an_ae_who_sends_it_back_gives_the_sdr_a_task(ana: Person, bob: Someone, by_bob: Actor, eve: Someone) -> None:
    lead = make_lead(ana, stage=Stage.SQL, owner=bob.member)
    handoff = create_handoff(lead=lead, kind="sdr_to_ae", by=by_bob, now=NOW)
    reject_handoff(handoff=handoff, reason="No budget", by=Actor(member=eve.member), now=NOW, note="Ask finance")
    lead.refresh_from_db()
    assert (lead.stage, lead.owner) == ("accepted", bob.member)
    task = Task.objects.get(kind="todo")
    assert (task.owner, task.title) == (bob.member, "Ana Ferreira came back")
    assert "No budget. Ask finance" in task.reason


def test_only_the_right_stage_is_handed_on_and_a_lead_that_leaves_takes_its_hand_off_along(
    ana: Person, by_bob: Actor, bob: Someone, eve: Someone
) -> None:
    lead = make_lead(ana, stage=Stage.ACCEPTED, owner=bob.member)
    with pytest.raises(Conflict, match="only an SQL"):
        create_handoff(lead=lead, kind="sdr_to_ae", by=by_bob, now=NOW)
    Lead.objects.update(stage=Stage.SQL)
    with pytest.raises(Invalid, match="cannot take it"):
        create_handoff(lead=lead, kind="sdr_to_ae", by=by_bob, now=NOW, to=bob.member)
    assert not Handoff.objects.exists()
    handoff = create_handoff(lead=lead, kind="sdr_to_ae", by=by_bob, now=NOW, to=eve.member)
    disqualify_lead(lead=lead, reason="Competitor", by=by_bob, now=NOW)
    with pytest.raises(Conflict, match="withdrawn already"):
        accept_handoff(handoff=handoff, by=Actor(member=eve.member), now=NOW)
    assert not Deal.objects.exists() and Lead.objects.get().stage == Stage.DISQUALIFIED


def test_a_hand_off_given_on_moves_its_task_and_keeps_its_clock(ana: Person, acme: Workspace, by_alice: Actor) -> None:
    first = make_member(acme, "sdr", "sdr1@acme.example")
    demo(ana)
    second = make_member(acme, "sdr", "sdr2@acme.example")
    handoff = Handoff.objects.get()
    due = handoff.due_at
    reassign_handoff(handoff=handoff, to=second.member, by=by_alice, now=NOW)
    task = Task.objects.get()
    assert handoff.to_member == second.member != first.member
    assert (task.owner, task.sla_due_at, Lead.objects.get().owner) == (second.member, due, second.member)


def test_an_sla_that_starts_on_friday_evening_ends_on_monday(ana: Person, by_bob: Actor) -> None:
    friday_evening = datetime(2026, 3, 6, 17, 30, tzinfo=UTC)
    demo(ana, friday_evening)
    assert Handoff.objects.get().due_at == datetime(2026, 3, 9, 16, 0, tzinfo=UTC)  # 17:00 in Berlin


# Pages and API.


def test_pages_show_the_brief_and_decide(as_: Any, ana: Person, acme: Workspace, bob: Someone) -> None:
    demo(ana)
    handoff = Handoff.objects.get()
    client = as_(bob)
    page = client.get(f"/w/acme/handoffs/{handoff.pk}/")
    assert page.status_code == 200
    for words in ("Ana Ferreira", "VP Operations", "Demo request", "Plants"):
        assert words in page.content.decode()
    assert client.get("/w/acme/handoffs/").status_code == 200
    refused = client.post(f"/w/acme/handoffs/{handoff.pk}/reject/", {"reason": "nonsense", "outcome": "back"})
    assert refused.status_code == 422
    with workspace_scope(acme.pk):
        assert Handoff.objects.get().state == "pending"
    done = client.post(f"/w/acme/handoffs/{handoff.pk}/accept/")
    assert done.status_code == 302
    with workspace_scope(acme.pk):
        assert Handoff.objects.get().state == "accepted"


def test_a_viewer_may_look_and_not_decide_and_a_stranger_sees_nothing(
    as_: Any, ana: Person, acme: Workspace, charlie: Someone
) -> None:
    demo(ana)
    handoff = Handoff.objects.get()
    viewer = make_member(acme, "viewer", "v@acme.example")
    assert as_(viewer).get(f"/w/acme/handoffs/{handoff.pk}/").status_code == 200
    assert as_(viewer).post(f"/w/acme/handoffs/{handoff.pk}/accept/").status_code == 403
    assert as_(charlie).post(f"/w/globex/handoffs/{handoff.pk}/accept/").status_code == 404
    with workspace_scope(acme.pk):
        assert Handoff.objects.get().state == "pending"


def test_the_api_accepts_once_and_refuses_in_one_shape(api: Any, ana: Person, acme: Workspace, bob: Someone) -> None:
    demo(ana)
    handoff = Handoff.objects.get()
    client = api(bob)
    body = {"reason": "nonsense", "outcome": "back"}
    refused = client.post(f"/api/v1/handoffs/{handoff.pk}/reject/", body, "application/json")
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == "reason"
    for _ in range(2):
        answer = client.post(f"/api/v1/handoffs/{handoff.pk}/accept/", {}, "application/json")
        assert answer.status_code == 200 and answer.json()["state"] == "accepted"
    listed = client.get("/api/v1/handoffs/?state=accepted").json()["results"]
    assert [row["id"] for row in listed] == [str(handoff.pk)]
    assert api(bob, "handoffs.view").post(f"/api/v1/handoffs/{handoff.pk}/accept/").status_code == 403


def test_by_the_system_nobody_is_named(ana: Person, bob: Someone) -> None:
    lead = make_lead(ana, stage=Stage.MQL)
    handoff = create_handoff(lead=lead, kind="marketing_to_sdr", by=SYSTEM, now=NOW)
    assert handoff.from_member is None and handoff.to_member == bob.member

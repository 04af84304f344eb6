"""Leads: shown interest opens one, the agreement makes it an MQL, a person makes it an SQL, and every move is a fact."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core.errors import Conflict, Invalid, Refused
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.leads import (
    disqualify_lead,
    edit_lead,
    evaluate_people,
    note_interest,
    open_lead,
    qualify_lead,
    recycle_lead,
    reopen_lead,
)
from prospects.actions.meetings import book_meeting, settle_meeting
from prospects.actions.stages import move_stage
from prospects.models import Activity, Handoff, Lead, Person, Stage, StageTransition, Task
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_fit, make_icp, make_lead, make_person

CHECKED = {
    "fit": "plants of 500",
    "need": "line stops",
    "budget": "approved",
    "authority": "she decides",
    "timeline": "Q2",
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(in_acme: Workspace) -> Person:
    return make_person("Ana Ferreira", make_company("Lumen Robotics"))


def moves(lead: Lead) -> list[tuple[int, str, str]]:
    return list(
        StageTransition.objects.filter(lead=lead).order_by("position").values_list("position", "from_stage", "to_stage")
    )


def interest(person: Person, kind: str, **detail: Any) -> Lead | None:
    at = detail.pop("at", NOW)
    row = record_activity(kind=kind, at=at, now=NOW, summary=kind, person=person, channel="content", detail=detail)
    return note_interest(activity=row, now=NOW)


def test_a_contact_form_opens_a_lead_with_its_facts_and_starts_the_clock(ana: Person, bob: Any) -> None:
    lead = interest(ana, "form_submitted", form_kind="contact")
    assert lead is not None
    assert (lead.stage, lead.origin, lead.channel, lead.opened_at) == ("lead", "inbound", "content", NOW)
    assert lead.company == ana.company
    assert lead.touch_due_at == NOW + timedelta(minutes=5)
    assert lead.owner == bob.member
    assert lead.route_reason == "bob is the only active SDR; 0 of 20 open".replace("bob", str(bob.member))
    opening = StageTransition.objects.get(lead=lead)
    assert opening.version == ensure_first_agreement(NOW)
    assert opening.facts["kind"] == "form_submitted"


def test_a_demo_request_is_an_mql_at_once_and_says_why(ana: Person, bob: Any) -> None:
    lead = interest(ana, "form_submitted", form_kind="demo")
    assert lead is not None and lead.stage == Stage.MQL
    assert moves(lead) == [(1, "", "lead"), (2, "lead", "mql")]
    made = StageTransition.objects.get(lead=lead, to_stage="mql")
    assert made.facts == {
        "clause": "Demo request", "words": "a demo was requested", "facts": {"demo_requested": True},
    }  # fmt: skip
    assert (made.source, made.member, made.version.number) == ("system", None, 1)
    assert Handoff.objects.get(lead=lead).to_member == bob.member
    assert list(Activity.objects.filter(kind="stage_changed").order_by("id").values_list("summary", flat=True)) == [
        "Lead opened: Content", "Lead to MQL",
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="lead.stage").count() == 1


@pytest.mark.parametrize(("kind", "detail"), [
    ("replied", {"intent": "not_interested"}), ("page_viewed", {}), ("called", {"outcome": "voicemail"}), ("sent", {}),
])  # fmt: skip
def test_a_refusal_or_a_mere_visit_opens_no_lead(ana: Person, kind: str, detail: dict[str, str]) -> None:
    assert interest(ana, kind, **detail) is None
    assert not Lead.objects.exists()


def test_telling_the_same_interest_twice_changes_nothing_twice(ana: Person) -> None:
    row = record_activity(kind="replied", at=NOW, now=NOW, summary="Yes", person=ana, detail={"intent": "positive"})
    first = note_interest(activity=row, now=NOW)
    again = note_interest(activity=row, now=NOW)
    assert first is not None and again is not None and first.pk == again.pk
    assert moves(first) == [(1, "", "lead"), (2, "lead", "mql")]
    assert Handoff.objects.count() == Task.objects.count() == 1


def test_a_person_has_one_open_lead_and_a_later_one_names_the_former(ana: Person, by_bob: Actor) -> None:
    values = {"origin": "manual", "at": NOW, "now": NOW, "by": by_bob, "person": ana}
    first = open_lead(**values)
    assert open_lead(**values).pk == first.pk
    recycle_lead(lead=first, until=date(2026, 6, 1), by=by_bob, now=NOW, reason="Asked for June")
    assert first.stage == Stage.RECYCLED and first.recycled_until == date(2026, 6, 1)
    second = open_lead(**values)
    assert second.pk != first.pk and second.previous == first
    with pytest.raises(Conflict, match="newer lead"):
        reopen_lead(lead=first, by=by_bob, now=NOW)
    assert Lead.objects.get(pk=first.pk).stage == Stage.RECYCLED


def test_fit_that_comes_later_makes_the_mql(ana: Person) -> None:
    for number in range(2):
        interest(ana, "form_submitted", form_kind="contact", at=NOW - timedelta(hours=number))
    lead = Lead.objects.get()
    assert lead.stage == Stage.LEAD  # 60 points, but fit is unknown
    make_fit(make_icp(primary=True), ana, 70, "B")
    assert evaluate_people(people=[ana.pk], now=NOW) == 1
    lead.refresh_from_db()
    assert lead.stage == Stage.MQL
    facts = StageTransition.objects.get(lead=lead, to_stage="mql").facts
    assert facts["facts"] == {"fit_grade": "B", "engagement": pytest.approx(59.94, abs=0.1)}
    assert evaluate_people(people=[ana.pk], now=NOW) == 0


def test_sql_needs_a_held_conversation_and_a_person_who_confirms(ana: Person, by_bob: Actor) -> None:
    lead = make_lead(ana, stage=Stage.ACCEPTED)
    with pytest.raises(Refused, match="a conversation was held") as refused:
        qualify_lead(lead=lead, confirmed={**CHECKED, "conversation": "trust me"}, by=by_bob, now=NOW)
    assert refused.value.detail == {"missing": ["conversation"]}
    meeting = book_meeting(by=by_bob, now=NOW, person=ana, starts_at=NOW - timedelta(hours=1))
    settle_meeting(meeting=meeting, state="held", by=by_bob, now=NOW)
    with pytest.raises(Refused, match="budget"):
        qualify_lead(lead=lead, confirmed={"fit": "x", "need": "y"}, by=by_bob, now=NOW)
    with pytest.raises(Refused, match="person"):
        qualify_lead(lead=lead, confirmed=CHECKED, by=SYSTEM, now=NOW)
    assert moves(lead) == [] and Lead.objects.get().stage == Stage.ACCEPTED
    made = qualify_lead(lead=lead, confirmed=CHECKED, by=by_bob, now=NOW)
    assert made is not None and made.to_stage == "sql"
    assert made.facts["confirmed"]["budget"] == "approved"
    assert made.facts["conversation"]["id"] == str(meeting.pk)
    assert qualify_lead(lead=lead, confirmed=CHECKED, by=by_bob, now=NOW) is None
    assert Lead.objects.get().stage == Stage.SQL


def test_an_answered_call_counts_as_the_conversation_and_voicemail_does_not(ana: Person, by_bob: Actor) -> None:
    lead = make_lead(ana, stage=Stage.ACCEPTED)
    record_activity(
        kind="called", at=NOW, now=NOW, summary="Call", person=ana, by=by_bob, detail={"outcome": "voicemail"}
    )
    with pytest.raises(Refused):
        qualify_lead(lead=lead, confirmed=CHECKED, by=by_bob, now=NOW)
    record_activity(
        kind="called", at=NOW, now=NOW, summary="Call", person=ana, by=by_bob, detail={"outcome": "connected"}
    )
    assert qualify_lead(lead=lead, confirmed=CHECKED, by=by_bob, now=NOW) is not None


def test_leaving_needs_a_reason_of_the_agreement_and_can_be_undone(ana: Person, by_bob: Actor) -> None:
    lead = interest(ana, "form_submitted", form_kind="demo")
    assert lead is not None
    with pytest.raises(Invalid, match="agreement's reasons"):
        disqualify_lead(lead=lead, reason="because", by=by_bob, now=NOW)
    assert Lead.objects.get().stage == Stage.MQL
    disqualify_lead(lead=lead, reason="Spam", by=by_bob, now=NOW)
    assert (lead.stage, lead.reason, lead.closed_at) == ("disqualified", "Spam", NOW)
    assert Handoff.objects.get().state == "withdrawn"
    assert Task.objects.get().state == "cancelled"
    assert disqualify_lead(lead=lead, reason="Spam", by=by_bob, now=NOW) is None
    reopen_lead(lead=lead, by=by_bob, now=NOW)
    assert (lead.stage, lead.reason, lead.closed_at) == ("mql", "", None)
    assert [move[2] for move in moves(lead)] == ["lead", "mql", "disqualified", "mql"]


def test_moves_the_funnel_does_not_know_are_refused_and_write_nothing(ana: Person, by_bob: Actor) -> None:
    lead = make_lead(ana)
    for to in (Stage.ACCEPTED, Stage.CUSTOMER, Stage.LOST):
        with pytest.raises(Conflict, match="cannot become"):
            move_stage(lead=lead, to=to, now=NOW, by=by_bob)
    assert moves(lead) == [] and not Activity.objects.exists() and not AuditEntry.objects.exists()
    with pytest.raises(Invalid, match="after today"):
        recycle_lead(lead=lead, until=NOW.date(), by=by_bob, now=NOW)


def test_correcting_the_channel_keeps_both_values_in_the_ledger(ana: Person, by_bob: Actor) -> None:
    lead = make_lead(ana, channel="content")
    edit_lead(lead=lead, changes={"channel": "webinar", "source": "Autumn webinar"}, by=by_bob, now=NOW)
    assert Lead.objects.get().channel == "webinar"
    assert Activity.objects.get().detail["changes"] == {
        "channel": ["content", "webinar"],
        "source": ["", "Autumn webinar"],
    }
    with pytest.raises(Invalid, match="No such channel"):
        edit_lead(lead=lead, changes={"channel": "pigeon"}, by=by_bob, now=NOW)


def test_a_cold_import_row_alone_is_no_lead_but_a_company_may_have_one(in_acme: Workspace, by_bob: Actor) -> None:
    lead = open_lead(origin="import", at=NOW, now=NOW, by=by_bob, company=make_company("Kite"), channel="event")
    assert lead.person is None and lead.stage == Stage.LEAD
    with pytest.raises(Invalid, match="person or a company"):
        open_lead(origin="import", at=NOW, now=NOW, by=by_bob)


# Pages and API.


def test_pages_open_look_and_qualify(as_: Any, acme: Workspace, ana: Person, bob: Any) -> None:
    client = as_(bob)
    made = client.post("/w/acme/leads/new/", {"person": ana.email, "channel": "event", "source": "Fair in Porto"})
    assert made.status_code == 302, made.content.decode()[:2000]
    lead = Lead.objects.get()
    assert (lead.channel, lead.source, lead.person) == ("event", "Fair in Porto", ana)
    assert (
        client.post("/w/acme/leads/new/", {"person": ana.email, "channel": "event", "source": "again"}).status_code
        == 302
    )
    assert Lead.objects.count() == 1
    page = client.get(f"/w/acme/leads/{lead.pk}/").content.decode()
    for words in ("Ana Ferreira", "Lead v1", "A conversation was held", "Fair in Porto"):
        assert words in page
    refused = client.post(f"/w/acme/leads/{lead.pk}/qualify/", CHECKED)
    assert refused.status_code == 422 and "a conversation was held" in refused.content.decode()
    by_bob, at = Actor(member=bob.member), lead.created_at  # pages run on the real clock
    book = book_meeting(by=by_bob, now=at, lead=lead, starts_at=at - timedelta(hours=1))
    settle_meeting(meeting=book, state="held", by=by_bob, now=at)
    assert client.post(f"/w/acme/leads/{lead.pk}/qualify/", CHECKED).status_code == 302
    assert Lead.objects.get().stage == Stage.SQL
    for url in (
        f"leads/{lead.pk}/timeline/",
        f"people/{ana.pk}/engagement/",
        f"leads/{lead.pk}/edit/",
        "leads/people/?person=ana",
    ):
        assert client.get(f"/w/acme/{url}").status_code == 200


def test_the_list_shows_the_set_behind_a_figure(as_: Any, alice: Any, in_acme: Workspace, by_alice: Actor) -> None:
    def lead(name: str, opened: str, mql: str = "", channel: str = "seo") -> None:
        row = make_lead(make_person(name), opened_at=f"{opened}T09:00Z" if opened else None, channel=channel)
        for position, (to, at) in enumerate([("lead", opened), ("mql", mql)], 1):
            if to == "lead" or at:
                StageTransition.objects.create(
                    lead=row, to_stage=to, at=f"{at}T09:00Z" if at else None, recorded_at=NOW, source="import", position=position
                )  # fmt: skip

    lead("Early Mql", "2026-01-10", "2026-02-10")
    lead("Late Mql", "2026-01-20", "2026-03-01", channel="paid")
    lead("Never Mql", "2026-01-30")
    lead("Other Month", "2026-02-02", "2026-02-03")
    lead("No Date", "")
    client = as_(alice)
    names = ("Early Mql", "Late Mql", "Never Mql", "Other Month", "No Date")

    def shown(query: str) -> set[str]:
        page = client.get(f"/w/acme/leads/?{query}").content.decode()
        return {name for name in names if name in page}

    january = "from=2026-01-01&to=2026-02-01"
    assert shown(january) == {"Early Mql", "Late Mql", "Never Mql"}
    assert shown(f"entered=mql&{january}") == {"Early Mql", "Late Mql"}
    assert shown(f"entered=mql&{january}&channel=paid") == {"Late Mql"}
    assert shown(f"entered=lead&not_entered=mql&{january}&basis=cohort") == {"Never Mql"}
    assert shown("entered=mql&from=2026-02-01&to=2026-03-01&basis=period") == {"Early Mql", "Other Month"}
    assert shown("dated=no") == {"No Date"}
    assert shown("dated=yes") == set(names) - {"No Date"}
    assert shown("q=early") == {"Early Mql"}
    assert "A filter was left out" in client.get("/w/acme/leads/?from=someday").content.decode()


def test_a_viewer_may_not_move_a_lead_and_a_stranger_cannot_see_it(
    as_: Any, acme: Workspace, ana: Person, charlie: Any
) -> None:
    lead = make_lead(ana)
    viewer = as_(make_member(acme, "viewer", "v@acme.example"))
    assert viewer.get(f"/w/acme/leads/{lead.pk}/").status_code == 200
    for act in ("qualify", "disqualify", "recycle", "reopen", "edit", "hand-on", "assign"):
        assert viewer.post(f"/w/acme/leads/{lead.pk}/{act}/", {"reason": "Spam"}).status_code == 403
        assert as_(charlie).post(f"/w/globex/leads/{lead.pk}/{act}/", {"reason": "Spam"}).status_code == 404
    assert Lead.objects.get().stage == Stage.LEAD and moves(lead) == []


def test_the_api_opens_once_and_moves_by_acts(api: Any, acme: Workspace, ana: Person, bob: Any) -> None:
    client = api(bob)
    body = {"person": str(ana.pk), "channel": "webinar", "source": "Autumn webinar", "external_id": "crm-1"}
    first = client.post("/api/v1/leads/", body, "application/json")
    again = client.post("/api/v1/leads/", {"person": str(ana.pk)}, "application/json")
    assert (first.status_code, again.status_code) == (201, 200), first.content
    assert first.json()["id"] == again.json()["id"]
    assert [move["to_stage"] for move in first.json()["transitions"]] == ["lead"]
    url = f"/api/v1/leads/{first.json()['id']}"
    changed = client.put("/api/v1/leads/by-external-id/crm-1/", {"channel": "event"}, "application/json")
    assert (changed.status_code, changed.json()["channel"]) == (200, "event")
    refused = client.post(f"{url}/qualify/", {"confirmed": CHECKED}, "application/json")
    assert refused.status_code == 403
    assert refused.json()["error"]["detail"] == {"missing": ["conversation"]}
    rested = client.post(f"{url}/recycle/", {"until": "2099-01-01"}, "application/json")
    assert (rested.json()["stage"], rested.json()["recycled_until"]) == ("recycled", "2099-01-01")
    assert client.post(f"{url}/disqualify/", {"reason": "Spam"}, "application/json").status_code == 409
    assert client.post(f"{url}/reopen/", {}, "application/json").json()["stage"] == "lead"
    assert client.post(f"{url}/assign/", {"owner": None}, "application/json").status_code == 403  # an SDR may not
    rows = client.get("/api/v1/leads/?stage=open&channel=event").json()["results"]
    assert [row["external_id"] for row in rows] == ["crm-1"]

"""Meetings: a booking is a first signal, a held one is the conversation, and each state is a fact told once."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.meetings import book_meeting, move_meeting, settle_meeting
from prospects.models import Activity, Lead, Meeting, Person, Stage
from prospects.queries.leads import conversation_of
from tests.conftest import NOW
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_company, make_lead, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(in_acme: Workspace) -> Person:
    return make_person("Ana Ferreira", make_company("Lumen Robotics"))


def test_a_booked_meeting_opens_a_lead_and_makes_the_mql(ana: Person, by_bob: Actor, bob: Someone) -> None:
    meeting = book_meeting(by=by_bob, now=NOW, person=ana, starts_at=NOW + timedelta(days=2), title="Demo")
    lead = Lead.objects.get()
    assert (lead.stage, lead.owner, lead.origin) == (Stage.MQL, bob.member, "outbound")
    meeting.refresh_from_db()
    assert meeting.lead == lead and meeting.member == bob.member
    assert Activity.objects.get(kind="meeting_booked").about_id == meeting.pk


def test_a_held_meeting_is_told_once_and_counts_as_the_conversation(ana: Person, by_bob: Actor) -> None:
    lead = make_lead(ana, stage=Stage.ACCEPTED)
    meeting = book_meeting(by=by_bob, now=NOW, lead=lead, starts_at=NOW - timedelta(hours=2), title="Demo")
    assert conversation_of(lead, NOW) is None
    settle_meeting(meeting=meeting, state="held", by=by_bob, now=NOW, notes="Budget is approved")
    settle_meeting(meeting=meeting, state="held", by=by_bob, now=NOW)
    assert Activity.objects.filter(kind="meeting_held").count() == 1
    found = conversation_of(lead, NOW)
    assert found is not None and found["id"] == str(meeting.pk)
    settle_meeting(meeting=meeting, state="no_show", by=by_bob, now=NOW)  # a correction is a new fact
    assert conversation_of(lead, NOW) is None
    assert Activity.objects.filter(kind="meeting_missed").count() == 1


def test_what_has_not_begun_cannot_have_been_held_and_a_cancelled_one_is_over(ana: Person, by_bob: Actor) -> None:
    meeting = book_meeting(by=by_bob, now=NOW, person=ana, starts_at=NOW + timedelta(days=1))
    for state in ("held", "no_show"):
        with pytest.raises(Invalid, match="not begun"):
            settle_meeting(meeting=meeting, state=state, by=by_bob, now=NOW)
    move_meeting(meeting=meeting, starts_at=NOW + timedelta(days=3), by=by_bob, now=NOW)
    settle_meeting(meeting=meeting, state="cancelled", by=by_bob, now=NOW)
    with pytest.raises(Conflict, match="cancelled already"):
        settle_meeting(meeting=meeting, state="held", by=by_bob, now=NOW + timedelta(days=4))
    with pytest.raises(Conflict, match="cancelled already"):
        move_meeting(meeting=meeting, starts_at=NOW + timedelta(days=9), by=by_bob, now=NOW)
    assert Meeting.objects.get().starts_at == NOW + timedelta(days=3)
    assert not Activity.objects.filter(kind="meeting_held").exists()
    with pytest.raises(Invalid, match="whom"):
        book_meeting(by=by_bob, now=NOW, starts_at=NOW)


def test_pages_log_a_held_meeting_for_a_lead(as_: Any, ana: Person, acme: Workspace, bob: Someone) -> None:
    lead = make_lead(ana)
    client = as_(bob)
    url = f"/w/acme/meetings/new/?lead={lead.pk}"
    assert "Log a meeting" in client.get(url).content.decode()
    body = {
        "title": "Demo",
        "starts_at": "2026-03-02T10:00",
        "duration_minutes": "45",
        "state": "held",
        "notes": "Need: yes",
    }
    assert client.post(url, {**body, "duration_minutes": "2"}).status_code == 422
    with workspace_scope(acme.pk):
        assert not Meeting.objects.exists()
    assert client.post(url, body).status_code == 302
    with workspace_scope(acme.pk):
        meeting = Meeting.objects.get()
    assert (meeting.state, meeting.lead_id, meeting.duration_minutes) == ("held", lead.pk, 45)
    assert meeting.starts_at.isoformat() == "2026-03-02T09:00:00+00:00"  # 10:00 in Berlin
    assert "Demo" in client.get("/w/acme/meetings/?state=held").content.decode()


def test_the_api_books_and_settles(api: Any, ana: Person, acme: Workspace, bob: Someone) -> None:
    client = api(bob)
    body = {"person": str(ana.pk), "starts_at": "2026-03-02T09:00:00Z", "title": "Demo"}
    made = client.post("/api/v1/meetings/", body, "application/json")
    assert made.status_code == 201, made.content
    url = f"/api/v1/meetings/{made.json()['id']}/settle/"
    for _ in range(2):
        settled = client.post(url, {"state": "held"}, "application/json")
        assert (settled.status_code, settled.json()["state"]) == (200, "held")
    refused = client.post(url, {"state": "cancelled"}, "application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "settled")
    assert [row["title"] for row in client.get("/api/v1/meetings/?state=held").json()["results"]] == ["Demo"]


def test_a_viewer_may_not_log_a_meeting(as_: Any, ana: Person, acme: Workspace) -> None:
    viewer = make_member(acme, "viewer", "v@acme.example")
    answer = as_(viewer).post("/w/acme/meetings/new/", {"title": "x"})
    assert answer.status_code == 403
    with workspace_scope(acme.pk):
        assert not Meeting.objects.exists()

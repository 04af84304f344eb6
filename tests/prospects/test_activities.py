"""The ledger's reading side, notes, and facts told by integrators."""

import json
from datetime import timedelta
from typing import Any

import pytest

from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.notes import add_note, log_activity
from prospects.models import Activity, ActivityKind, Lead, Person
from prospects.queries.activities import GROUPS, ICONS, timeline
from tests.factories.prospects import make_activity, make_company, make_lead, make_person

HTMX = {"HX-Request": "true"}


def send(client: Any, data: Any) -> Any:
    return client.post("/api/v1/activities/", data=json.dumps(data), content_type="application/json")


def test_every_kind_has_an_icon_and_at_most_one_chip() -> None:
    grouped = [kind for _, kinds in GROUPS.values() for kind in kinds]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(ActivityKind.values) == set(ICONS)


def test_timeline_pages_newest_first_without_gap_or_repeat(in_acme, now) -> None:
    person = make_person()
    # Several at one instant: the id decides, and no page may lose one of them.
    made = [
        make_activity(person, at=now - timedelta(minutes=number // 3), summary=f"fact {number}") for number in range(25)
    ]
    seen, cursor = [], ""
    for _ in range(10):
        found = timeline(person=person, cursor=cursor, size=7)
        seen += [item["id"] for item in found.items]
        cursor = found.older
        if not cursor:
            break
    expected = sorted(made, key=lambda row: (row.at, row.pk), reverse=True)
    assert seen == [row.pk for row in expected]


def test_timeline_by_kind_and_of_a_company(in_acme) -> None:
    company = make_company()
    ana, tom = make_person("Ana", company), make_person("Tom", company)
    make_activity(ana, kind="sent", summary="Step 1")
    make_activity(tom, kind="note", summary="short", detail={"text": "the whole text"})
    make_activity(None, company=company, kind="edited", summary="Name: A → B")
    assert {item["text"] for item in timeline(company=company).items} == {"Step 1", "the whole text", "Name: A → B"}
    assert [str(item["subject"]) for item in timeline(company=company, group="email").items] == ["Ana"]
    assert [item["text"] for item in timeline(person=tom, group="note").items] == ["the whole text"]
    assert timeline(person=tom, group="email").items == []


def test_timeline_fragments(alice, as_, acme, now) -> None:
    with workspace_scope(acme.pk):
        person = make_person("Ana")
        for number in range(22):
            make_activity(person, at=now - timedelta(minutes=number), summary=f"Fact number {number}.")
    client = as_(alice)
    first = client.get(f"/w/acme/people/{person.pk}/timeline/", headers=HTMX)
    html = first.content.decode()
    assert "Fact number 19." in html
    assert "Fact number 20." not in html
    older = client.get(first.context["timeline_more"], headers=HTMX).content.decode()
    assert "Fact number 20." in older
    assert "Show kinds of facts" not in older  # only rows are added
    assert client.get(f"/w/acme/people/{person.pk}/timeline/?cursor=broken", headers=HTMX).status_code == 400


def test_a_note_keeps_its_whole_text(in_acme, by_bob, now) -> None:
    person = make_person()
    note = add_note(by=by_bob, now=now, person=person, text="  First line\r\nsecond " + "x" * 400)
    assert note.detail["text"].startswith("First line\nsecond ")
    assert (len(note.summary), note.member_id) == (300, by_bob.member.pk)
    with pytest.raises(Invalid):
        add_note(by=by_bob, now=now, person=person, text=" \n ")


def test_a_fact_told_twice_is_one_row_and_keeps_the_touch(in_acme, by_bob, now) -> None:
    person = make_person()
    at = now - timedelta(days=3)
    told = {
        "kind": "called",
        "at": at,
        "person": person,
        "external_key": "dialler-1",
        "detail": {"outcome": "voicemail"},
    }
    first, new = log_activity(by=by_bob, now=now, **told)
    again, repeated = log_activity(by=by_bob, now=now, **told)
    assert (first.pk, new, repeated) == (again.pk, True, False)
    person.refresh_from_db()
    assert person.last_touch_at == at
    with pytest.raises(Invalid):
        log_activity(by=by_bob, now=now, kind="stage_changed", person=person)
    with pytest.raises(Invalid):
        log_activity(by=by_bob, now=now, kind="note", person=person, at=now + timedelta(days=1))
    with pytest.raises(Invalid):
        log_activity(by=by_bob, now=now, kind="note")


def test_an_interested_answer_told_from_outside_opens_a_lead(in_acme, by_bob, now) -> None:
    person = make_person()
    log_activity(by=by_bob, now=now, kind="linkedin_replied", person=person, detail={"intent": "positive"})
    assert Lead.objects.get().person_id == person.pk


def test_api_lists_by_subject_and_creates_once(alice, api, acme) -> None:
    with workspace_scope(acme.pk):
        ana, tom = make_person("Ana"), make_person("Tom")
        lead = make_lead(ana, external_id="L1")
        make_activity(tom)
    client = api(alice)
    body = {"kind": "touch", "lead": str(lead.pk), "summary": "Webinar", "channel": "webinar", "external_key": "w1"}
    first = send(client, body)
    assert (first.status_code, first.json()["person"], first.json()["member"]) == (
        201,
        str(ana.pk),
        str(alice.member.pk),
    )
    assert send(client, body).status_code == 200
    rows = client.get(f"/api/v1/activities/?person={ana.pk}").json()["results"]
    assert [(row["kind"], row["channel"], row["lead"]) for row in rows] == [("touch", "webinar", str(lead.pk))]
    assert len(client.get("/api/v1/activities/?kind=note&kind=touch").json()["results"]) == 2
    assert send(client, body | {"kind": "deal_changed"}).status_code == 400
    assert client.delete(f"/api/v1/activities/{first.json()['id']}/").status_code == 405


def test_another_workspaces_subjects_do_not_exist(charlie, api, acme, globex) -> None:
    with workspace_scope(acme.pk):
        person = make_person()
        fact = make_activity(person)
    client = api(charlie)
    refused = send(client, {"kind": "note", "person": str(person.pk), "summary": "x"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "person")
    assert client.get(f"/api/v1/activities/{fact.pk}/").status_code == 404
    assert client.get(f"/api/v1/activities/?person={person.pk}").json()["results"] == []
    with workspace_scope(acme.pk):
        assert Activity.objects.count() == 1
        assert Person.objects.count() == 1

"""Enrolling: looked at first, exactly those people, once; then people with why they wait, paused, resumed and stopped."""

import json
import re
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry, Workspace
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.enrolments import change_enrolments, enrol_people, first_touches, plan_enrolment
from campaigns.actions.sequences import pause_sequence
from campaigns.models import Enrolment, Message, Sequence
from campaigns.queries.enrolments import next_actions, with_related
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress
from prospects.models import Activity, Task
from prospects.queries.panels import contact_panel
from tests.factories.accounts import make_member
from tests.factories.campaigns import EMAIL, FOLLOW_UP, REQUEST, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_campaign, make_company, make_lead, make_person

HTMX = {"HX-Request": "true"}
OFFICE = {"window_start": time(9), "window_end": time(17), "weekdays": [0, 1, 2, 3, 4]}
pytestmark = pytest.mark.django_db


def send(client: Any, method: str, path: str, data: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json")


def crowd() -> dict[str, Any]:
    """One eligible person and one of each that is blocked."""
    return {
        "ana": make_person("Ana Ferreira", company=make_company("Lumen", time_zone="America/New_York")),
        "quiet": make_person("Rui Matos", email="rui@lumen.example"),
        "bounced": make_person("Eva Klein", email_status="bounced", email_status_reason="no such user"),
        "unreachable": make_person("No Mail", email=""),
        "nameless": make_person(email="x@lumen.example", first_name="", full_name=""),
    }


def following(enrolment: Enrolment, now: datetime) -> Any:
    row = with_related(Enrolment.objects.filter(pk=enrolment.pk)).get()
    return next_actions([row], now)[row.pk]


def test_everybody_is_eligible_or_blocked_for_one_reason(in_acme, by_alice, now) -> None:
    people = crowd()
    suppress(by=by_alice, now=now, kind="email", value="rui@lumen.example", reason="unsubscribed")
    sequence = make_sequence([EMAIL, REQUEST], mailbox=make_mailbox(), **OFFICE).sequence
    stranger = "01920000-0000-7000-8000-000000000000"
    plan = plan_enrolment(sequence=sequence, people=[*(row.pk for row in people.values()), stranger])
    assert [row.pk for row in plan.eligible] == [people["ana"].pk]
    assert {plan.people[pk].pk: code for pk, (code, _) in plan.blocked.items()} == {
        people["quiet"].pk: "suppressed", people["bounced"].pk: "address_bad", people["unreachable"].pk: "no_address",
        people["nameless"].pk: "missing",
    }  # fmt: skip
    assert (plan.blocked[people["nameless"].pk][1], plan.unknown) == ("No value for person.first_name", [stranger])
    # 10:00 UTC is 05:00 in New York: the window opens at nine there.
    slot, zone = first_touches(sequence=sequence, people=plan.eligible, now=now)[people["ana"].pk]
    assert (slot.at, zone) == (now.replace(hour=14), "America/New_York")


def test_enrolling_twice_enrols_once_with_one_fact_and_one_audit_row(in_acme, by_alice, bob, now) -> None:
    owned = make_person("Ana Ferreira", owner=bob.member)
    lead = make_lead(owned)
    free = make_person("Tom Okafor")
    boxes = [make_mailbox(address=f"{name}@acme.example") for name in ("a", "b")]
    version = make_sequence([EMAIL], mailbox=boxes[0])
    from campaigns.models import SequenceMailbox

    SequenceMailbox.objects.create(sequence=version.sequence, mailbox=boxes[1])
    ids = [owned.pk, free.pk]
    made = enrol_people(sequence=version.sequence, people=ids, by=by_alice, now=now)
    assert enrol_people(sequence=version.sequence, people=ids, by=by_alice, now=now + timedelta(seconds=1)) == []
    rows = {row.person_id: row for row in Enrolment.objects.all()}
    assert len(made) == len(rows) == 2
    assert (rows[owned.pk].owner, rows[owned.pk].lead, rows[free.pk].owner) == (bob.member, lead, by_alice.member)
    assert {row.mailbox_id for row in rows.values()} == {box.pk for box in boxes}  # in turn
    assert Activity.objects.filter(kind="enrolled").count() == 2
    assert AuditEntry.objects.get(action="sequence.enrolled").detail["people"] == 2


def test_one_sequence_at_a_time(in_acme, by_alice, now) -> None:
    person = make_person("Ana Ferreira")
    first, second = make_sequence([EMAIL], mailbox=make_mailbox()), make_sequence([REQUEST], mailbox=None)
    enrol_people(sequence=first.sequence, people=[person.pk], by=by_alice, now=now)
    plan = plan_enrolment(sequence=second.sequence, people=[person.pk])
    assert plan.blocked[person.pk] == ("elsewhere", f"In {first.sequence.name}")


def test_a_sequence_without_a_published_version_takes_nobody(in_acme, by_alice, now) -> None:
    sequence = Sequence.objects.create(name="A", campaign=make_campaign(), created_at=now)
    with pytest.raises(Refused) as refused:
        enrol_people(sequence=sequence, people=[make_person().pk], by=by_alice, now=now)
    assert refused.value.code == "not_published"


def test_why_somebody_waits(in_acme, by_alice, bob, now) -> None:
    mailbox = make_mailbox(port=1)
    version = make_sequence([EMAIL, REQUEST, FOLLOW_UP], mailbox=mailbox, name="Plants", **OFFICE)
    person = make_person("Ana Ferreira", time_zone="Europe/Lisbon")
    enrolment = make_enrolment(
        version, person, mailbox=mailbox, owner=bob.member, at=now + timedelta(hours=23, minutes=10)
    )
    words = following(enrolment, now)
    assert words.words == "Thu 09:10 their time, step 1, E-mail, from sam@acme.example"
    Enrolment.objects.filter(pk=enrolment.pk).update(next_at=now)
    mailbox.state = "held"
    mailbox.save()
    from campaigns.actions.steps import mark_enrolments

    mark_enrolments(now)
    dispatch_once(now=now)
    message = Message.objects.get()
    assert following(enrolment, now).message_id == message.pk
    pause_sequence(sequence=version.sequence, reason="new prices", by=by_alice, now=now)
    assert following(enrolment, now).why == "Held: sequence Plants is paused: new prices"
    change_enrolments(enrolments=[enrolment], act="pause", reason="back in May", by=by_alice, now=now)
    assert following(enrolment, now).why == "back in May"
    Message.objects.filter(pk=message.pk).update(state="unknown", submitted_at=now)
    Enrolment.objects.filter(pk=enrolment.pk).update(state="active")
    assert "not known" in following(enrolment, now).why


def test_a_linkedin_step_waits_for_its_owner(in_acme, bob, now) -> None:
    from campaigns.actions.steps import mark_enrolments

    version = make_sequence([REQUEST | {"delay_days": 0}], mailbox=None)
    enrolment = make_enrolment(version, make_person("Ana Ferreira"), mailbox=None, owner=bob.member)
    mark_enrolments(now)
    dispatch_once(now=now)
    found = following(enrolment, now)
    assert (found.what, found.why) == ("Step 1, LinkedIn request", "Waits for Bob to do it.")


def test_pausing_resuming_and_stopping_many(in_acme, by_alice, now) -> None:
    version = make_sequence([EMAIL, FOLLOW_UP], mailbox=(mailbox := make_mailbox()))
    rows = [make_enrolment(version, make_person(), mailbox=mailbox) for _ in range(3)]
    away = Message.objects.create(
        kind="step", enrolment=rows[0], step=None, person=rows[0].person, mailbox=mailbox, to_address="a@x.example",
        subject="s", text="t", due_at=now + timedelta(days=9), hold_reason="Held: away until 12 Mar", created_at=now,
    )  # fmt: skip
    loaded = list(with_related(Enrolment.objects.all()))
    with pytest.raises(Invalid):
        change_enrolments(enrolments=loaded, act="stop", reason=" ", by=by_alice, now=now)
    assert change_enrolments(enrolments=loaded, act="pause", reason="why", by=by_alice, now=now) == 3
    assert change_enrolments(enrolments=loaded, act="pause", reason="why", by=by_alice, now=now) == 0
    assert change_enrolments(enrolments=loaded, act="resume", by=by_alice, now=now) == 3
    away.refresh_from_db()
    assert away.due_at == now + timedelta(days=9)  # resuming wakes nobody who is away
    assert change_enrolments(enrolments=loaded[:2], act="stop", reason="wrong list", by=by_alice, now=now) == 2
    away.refresh_from_db()
    assert (away.state, away.reason) == ("blocked", "The sequence was stopped: wrong list")
    assert sorted(Enrolment.objects.values_list("state", flat=True)) == ["active", "stopped", "stopped"]
    audits = AuditEntry.objects.filter(action__startswith="sequence.people").order_by("id")
    assert [(row.action, row.detail["people"]) for row in audits] == [
        ("sequence.people_paused", 3), ("sequence.people_resumed", 3), ("sequence.people_stopped", 2),
    ]  # fmt: skip


def _preview(client: Any, data: dict[str, Any]) -> str:
    response = client.post("/w/acme/enrol/", data)
    assert response.status_code == 200, response.content[:500]
    return str(response.content.decode())


def test_from_the_people_list_to_the_sequence_in_the_browser(acme, bob, as_) -> None:
    with workspace_scope(acme.pk):
        people = crowd()
        suppress(by=SYSTEM, now=datetime.fromisoformat("2026-03-01T00:00+00:00"), kind="email", value="rui@lumen.example",
                 reason="unsubscribed")  # fmt: skip
        sequence = make_sequence([EMAIL], mailbox=make_mailbox(), name="Plants").sequence
    client = as_(bob)
    assert "Enrol in sequence…" in client.get("/w/acme/people/").content.decode()
    chosen = [str(row.pk) for row in people.values()]
    first = _preview(client, {"selected": chosen, "query": "q=a"})
    assert "Look who is eligible" in first and "Ana Ferreira" in first
    body = _preview(client, {"people": ",".join(chosen), "sequence": sequence.pk})
    assert "Enrol 1 person" in body
    assert "suppressed: Rui Matos" in " ".join(body.split()) and "No value for person.first_name" in body
    with workspace_scope(acme.pk):
        assert not Enrolment.objects.exists()
    ids = re.search(r'name="people" value="([^"]+)"></form>|name="people" value="([0-9a-f-]{36})"', body)
    assert ids is not None and ids.group(2) == str(people["ana"].pk)
    for expected in ("1 person enrolled in Plants.", "0 people enrolled in Plants."):
        answer = client.post(
            "/w/acme/enrol/people/", {"people": str(people["ana"].pk), "sequence": sequence.pk}, follow=True
        )
        assert expected in answer.content.decode()
    with workspace_scope(acme.pk):
        assert Enrolment.objects.count() == 1


def test_everybody_a_filter_matches_and_a_filter_that_cannot_be_read(acme, alice, as_) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen")
        people = [make_person(f"Ana N{number}", company=lumen) for number in range(3)]
        make_person("Tom Okafor")
        sequence = make_sequence([EMAIL], mailbox=make_mailbox()).sequence
    client = as_(alice)
    body = _preview(client, {"all": "1", "query": "q=Lumen", "sequence": sequence.pk, "selected": [str(people[0].pk)]})
    assert "Enrol 3 people" in body
    assert "Enrol 4 people" in _preview(client, {"all": "1", "query": "", "sequence": sequence.pk})
    wrong = client.post("/w/acme/enrol/", {"all": "1", "query": "rule={broken", "sequence": sequence.pk})
    assert wrong.status_code == 400
    assert client.post("/w/acme/enrol/people/", {"people": "", "sequence": sequence.pk}).status_code == 400
    assert client.get(f"/w/acme/enrol/?person={people[0].pk}").status_code == 200


def test_people_tab_enrolment_page_and_bulk_acts_in_the_browser(acme, bob, as_) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        version = make_sequence([EMAIL, REQUEST], mailbox=mailbox, name="Plants")
        rows = [make_enrolment(version, make_person(f"Person{n} X"), mailbox=mailbox) for n in range(3)]
    client = as_(bob)
    people = f"/w/acme/sequences/{version.sequence_id}/people/"
    assert "Person2 X" in client.get(people).content.decode()
    ids = [str(row.pk) for row in rows[:2]]
    assert client.post("/w/acme/enrolments/bulk/", {"selected": ids, "action": "stop", "reason": ""}).status_code == 400
    done = client.post("/w/acme/enrolments/bulk/", {"selected": ids, "action": "pause", "reason": "back in May"})
    assert (done.status_code, done["Location"]) == (302, people)
    listed = client.get(f"{people}?state=paused", headers=HTMX).content.decode()
    assert listed.count("back in May") == 2 and "Person2 X" not in listed
    url = f"/w/acme/enrolments/{rows[0].pk}/"
    assert "back in May" in client.get(url).content.decode()
    assert client.post(f"{url}resume/").status_code == 302
    assert client.post(f"{url}stop/", {"reason": ""}).status_code == 422
    assert (
        client.post(f"{url}stop/?from=person", {"reason": "wrong list"})["Location"]
        == f"/w/acme/people/{rows[0].person_id}/"
    )
    with workspace_scope(acme.pk):
        rows[0].refresh_from_db()
        assert (rows[0].state, rows[0].reason) == ("stopped", "wrong list")


def test_the_contact_panel_says_what_comes_next(in_acme, alice, as_, now) -> None:
    person = make_person("Ana Ferreira")
    (panel,) = contact_panel(person, now)["next_touch"]
    assert panel.context["enrolment"] is None
    mailbox = make_mailbox()
    make_enrolment(
        make_sequence([EMAIL], mailbox=mailbox, name="Plants"), person, mailbox=mailbox, at=now + timedelta(days=1)
    )
    (panel,) = contact_panel(person, now)["next_touch"]
    assert panel.context["next"].words == "Thu 11:00 their time, step 1, E-mail, from sam@acme.example"
    Enrolment.objects.update(state="stopped", reason="They replied.", stopped_by_type="reply")
    body = as_(alice).get(f"/w/acme/people/{person.pk}/").content.decode()
    assert "Stopped: They replied." in body and "Plants v1" in body


def test_roles_and_foreign_rows_change_nothing(acme, globex, as_, api, charlie) -> None:
    with workspace_scope(acme.pk):
        version = make_sequence([EMAIL], mailbox=(mailbox := make_mailbox()))
        enrolment, other = make_enrolment(version, make_person(), mailbox=mailbox), make_person()
    data = {"sequence": str(version.sequence_id), "people": str(other.pk)}
    viewer, outsider = make_member(acme, "viewer"), as_(charlie)
    assert as_(viewer).post("/w/acme/enrol/people/", data).status_code == 403
    assert as_(viewer).post(f"/w/acme/enrolments/{enrolment.pk}/stop/", {"reason": "x"}).status_code == 403
    assert send(api(viewer), "post", f"enrolments/{enrolment.pk}/stop/", {"reason": "x"}).status_code == 403
    for path in ("", "pause/", "stop/"):
        assert outsider.get(f"/w/globex/enrolments/{enrolment.pk}/{path}").status_code == 404
    assert outsider.post("/w/globex/enrol/people/", data).status_code == 400
    outsider.post("/w/globex/enrolments/bulk/", {"selected": [str(enrolment.pk)], "action": "stop", "reason": "x"})
    assert send(api(charlie), "post", f"enrolments/{enrolment.pk}/stop/", {"reason": "x"}).status_code == 404
    with workspace_scope(acme.pk):
        enrolment.refresh_from_db()
        assert (enrolment.state, Enrolment.objects.count()) == ("active", 1)


def test_api_previews_enrols_by_ids_and_rule_and_repeats(acme, alice, api) -> None:
    token = api(alice)
    with workspace_scope(acme.pk):
        people = crowd()
        sequence = make_sequence([EMAIL], mailbox=make_mailbox()).sequence
    ids = [str(people["ana"].pk), str(people["unreachable"].pk), "01920000-0000-7000-8000-000000000000"]
    asked = {"sequence": str(sequence.pk), "people": ids}
    seen = send(token, "post", "enrolments/preview/", asked).json()
    assert (seen["eligible"], seen["by_reason"]) == (1, {"no_address": 1, "not_found": 1})
    assert [row["person"] for row in seen["people"]] == [ids[0]]
    made = send(token, "post", "enrolments/", asked)
    assert (made.status_code, made.json()["enrolled"]) == (201, 1)
    again = send(token, "post", "enrolments/", asked).json()
    assert (again["enrolled"], again["by_reason"]) == (0, {"already": 1, "no_address": 1, "not_found": 1})
    both = send(token, "post", "enrolments/", asked | {"rule": {}})
    assert (both.status_code, both.json()["error"]["field"]) == (400, "people")
    rule = {"field": "person.name", "op": "contains", "value": "Matos"}
    by_rule = send(token, "post", "enrolments/", {"sequence": str(sequence.pk), "rule": rule})
    assert by_rule.json()["enrolled"] == 1
    key = made.json()["ids"][0]
    assert send(token, "post", f"enrolments/{key}/pause/", {}).json()["error"]["field"] == "reason"
    assert send(token, "post", f"enrolments/{key}/pause/", {"reason": "why"}).json()["why"] == "why"
    assert send(token, "post", f"enrolments/{key}/resume/").json()["state"] == "active"
    stopped = send(token, "post", f"enrolments/{key}/stop/", {"reason": "wrong list"}).json()
    assert (stopped["state"], stopped["why"], stopped["stopped_by_type"]) == ("stopped", "wrong list", "person")
    assert [row["id"] for row in token.get("/api/v1/enrolments/?state=stopped").json()["results"]] == [key]


def test_api_upserts_one_person_by_external_id(acme, alice, api, now) -> None:
    token = api(alice)
    with workspace_scope(acme.pk):
        people = crowd()
        sequence = make_sequence([EMAIL], mailbox=make_mailbox()).sequence
    data = {"sequence": str(sequence.pk), "person": str(people["ana"].pk)}
    answers = [send(token, "put", "enrolments/by-external-id/e-1/", data) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    refused = send(token, "put", "enrolments/by-external-id/e-2/", data | {"person": str(people["unreachable"].pk)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_address")
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().external_id == "e-1"
        with pytest.raises(Conflict):
            enrol_people(sequence=sequence, people=[people["quiet"].pk], by=SYSTEM, now=now, external_id="e-1")


def test_lists_cost_the_same_for_many_rows(in_acme: Workspace, alice, as_, api, now) -> None:
    client, token = as_(alice), api(alice)
    mailbox = make_mailbox()
    version = make_sequence([EMAIL, REQUEST], mailbox=mailbox)

    def queries(count: int) -> tuple[int, ...]:
        for _ in range(count):
            make_enrolment(version, make_person(company=make_company(), owner=alice.member), mailbox=mailbox)
        found = []
        for caller, url in (
            (client, f"/w/acme/sequences/{version.sequence_id}/people/"),
            (token, "/api/v1/enrolments/"),
        ):
            caller.get(url)
            with CaptureQueriesContext(connection) as captured:
                assert caller.get(url).status_code == 200
            found.append(len(captured))
        return tuple(found)

    first = queries(1)
    assert queries(8) == first
    assert first <= (36, 14)


def test_enrolling_costs_the_same_for_many_people(in_acme, by_alice, now) -> None:
    sequence = make_sequence([EMAIL], mailbox=make_mailbox()).sequence

    def queries(count: int) -> int:
        ids = [make_person(f"Ana N{n}").pk for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            assert len(enrol_people(sequence=sequence, people=ids, by=by_alice, now=now)) == count
        return len(captured)

    assert queries(2) == queries(40)
    assert not Task.objects.exists()

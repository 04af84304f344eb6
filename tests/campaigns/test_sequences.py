"""Sequences: the editor, drafts and immutable versions, preview, publishing, pausing, and the API."""

import json
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.drafts import add_step, draft_of, edit_step, move_step, remove_step, save_steps
from campaigns.actions.sequences import (
    archive_sequence,
    create_sequence,
    pause_sequence,
    publish_problems,
    publish_sequence,
    resume_sequence,
    update_sequence,
)
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Message, Sequence, SequenceVersion, Step
from campaigns.queries.sequences import day_rail, preview_step
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import workspace_scope
from prospects.actions.campaigns import end_campaign, pause_campaign, resume_campaign
from tests.factories.accounts import make_member
from tests.factories.campaigns import EMAIL, FOLLOW_UP, REQUEST, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_campaign, make_company, make_person

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def send(client: Any, method: str, path: str, data: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json")


def steps_of(version: SequenceVersion) -> list[tuple[int, str]]:
    return list(Step.objects.filter(version=version).order_by("position").values_list("position", "kind"))


@pytest.fixture
def published(in_acme: Workspace, by_alice: Any, now: datetime) -> Sequence:
    """An e-mail and a LinkedIn request, published, from one mailbox."""
    sequence = create_sequence(
        by=by_alice, now=now, name="Plants", campaign=make_campaign(), mailboxes=[make_mailbox()],
        window_start=time(0), window_end=time(0), weekdays=range(7),
    )  # fmt: skip
    save_steps(sequence=sequence, steps=[EMAIL, REQUEST], by=by_alice, now=now)
    publish_sequence(sequence=sequence, by=by_alice, now=now)
    return sequence


def test_draft_steps_are_added_moved_and_removed(in_acme, by_alice, now) -> None:
    sequence = create_sequence(by=by_alice, now=now, name="A", campaign=make_campaign())
    first = add_step(sequence=sequence, position=1, by=by_alice, now=now, kind="email")
    last = add_step(sequence=sequence, position=99, by=by_alice, now=now, kind="call", delay_days=2)
    between = add_step(sequence=sequence, position=2, by=by_alice, now=now, kind="wait", delay_days=3)
    version = first.version
    assert steps_of(version) == [(1, "email"), (2, "wait"), (3, "call")]
    assert day_rail(list(Step.objects.order_by("position"))) == [1, 4, 6]
    move_step(step=last, up=True, now=now)
    assert steps_of(version) == [(1, "email"), (2, "call"), (3, "wait")]
    move_step(step=first, up=True, now=now)  # at the top already
    remove_step(step=last, now=now)
    assert steps_of(version) == [(1, "email"), (2, "wait")]
    between.refresh_from_db()
    assert between.position == 2


def test_a_broken_text_names_line_and_column_and_keeps_what_was_there(in_acme, by_alice, now) -> None:
    sequence = create_sequence(by=by_alice, now=now, name="A", campaign=make_campaign())
    step = add_step(sequence=sequence, position=1, by=by_alice, now=now, kind="email", body="Hello")
    with pytest.raises(Invalid) as refused:
        edit_step(step=step, changes={"body": "Hi,\n{{ person.nickname }}"}, now=now)
    assert (refused.value.field, refused.value.detail["line"]) == ("body", 2)
    assert refused.value.message.startswith("Line 2, column")
    with pytest.raises(Invalid) as listed:
        save_steps(sequence=sequence, steps=[EMAIL, EMAIL | {"body": "{% if %}"}], by=by_alice, now=now)
    assert listed.value.field == "steps.2.body"
    assert Step.objects.get().body == "Hello"


def test_a_published_version_never_changes_and_people_stay_on_it(published, by_alice, now) -> None:
    version = SequenceVersion.objects.get()
    step = Step.objects.filter(version=version).first()
    for act in (
        lambda: edit_step(step=step, changes={"body": "X"}, now=now),
        lambda: move_step(step=step, up=False, now=now),
        lambda: remove_step(step=step, now=now),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "published"
    enrolment = make_enrolment(version, make_person("Ana Ferreira"), mailbox=None)
    draft = draft_of(sequence=published, now=now)
    assert (draft.number, steps_of(draft)) == (2, steps_of(version))
    edit_step(step=Step.objects.filter(version=draft).first(), changes={"body": "New text"}, now=now)
    publish_sequence(sequence=published, by=by_alice, now=now)
    enrolment.refresh_from_db()
    assert (enrolment.version.number, Step.objects.filter(version=version).first().body) == (1, EMAIL["body"])


def test_publishing_says_everything_that_is_missing(in_acme, by_alice, now) -> None:
    Workspace.objects.update(postal_address="")
    sequence = create_sequence(by=by_alice, now=now, name="A", campaign=make_campaign())
    draft = draft_of(sequence=sequence, now=now)
    assert publish_problems(sequence=sequence, version=draft) == ["Add at least one touch."]
    save_steps(sequence=sequence, steps=[{"kind": "email"}], by=by_alice, now=now)
    with pytest.raises(Refused) as refused:
        publish_sequence(sequence=sequence, by=by_alice, now=now)
    assert refused.value.detail["problems"] == [
        "Step 1: write the text.",
        "Step 1: the first e-mail needs a subject.",
        "Enter your postal address under Settings, Workspace: every sales mail must carry it.",
        "Choose at least one mailbox to send from.",
    ]
    sequence.refresh_from_db()
    assert sequence.state == "draft"


def test_settings_are_judged_and_audited(published, by_alice, now) -> None:
    with pytest.raises(Invalid) as window:
        update_sequence(
            sequence=published, changes={"window_start": time(17), "window_end": time(9)}, by=by_alice, now=now
        )
    with pytest.raises(Invalid) as days:
        update_sequence(sequence=published, changes={"weekdays": []}, by=by_alice, now=now)
    assert (window.value.field, days.value.field) == ("window_end", "weekdays")
    published.refresh_from_db()
    changed = update_sequence(sequence=published, changes={"weekdays": [0, 1]}, mailboxes=[], by=by_alice, now=now)
    assert changed == ["weekdays", "mailboxes"]
    assert AuditEntry.objects.filter(action="sequence.changed").get().detail == {"fields": changed}


def test_what_a_pause_held_is_woken_and_who_is_away_is_not(published, by_alice, now) -> None:
    version = SequenceVersion.objects.get()
    held = make_enrolment(version, make_person("Ana Ferreira"), mailbox=None)
    away = make_enrolment(version, make_person("Tom Okafor"), mailbox=None, at=now + timedelta(days=9))
    Enrolment.objects.filter(pk=away.pk).update(wait_reason="Waits: away until 12 Mar")
    pause_sequence(sequence=published, reason="new price list", by=by_alice, now=now)
    mark_enrolments(now)
    dispatch_once(now=now)
    held.refresh_from_db()
    assert held.wait_reason == "Held: sequence Plants is paused: new price list"
    assert held.next_at == now + timedelta(minutes=15)
    resume_sequence(sequence=published, by=by_alice, now=now + timedelta(minutes=1))
    held.refresh_from_db()
    away.refresh_from_db()
    assert (held.next_at, away.next_at) == (now + timedelta(minutes=1), now + timedelta(days=9))
    with pytest.raises(Conflict):
        resume_sequence(sequence=published, by=by_alice, now=now)


def test_a_campaign_that_pauses_holds_and_resuming_wakes(published, by_alice, now) -> None:
    enrolment = make_enrolment(SequenceVersion.objects.get(), make_person("Ana Ferreira"), mailbox=None)
    pause_campaign(campaign=published.campaign, reason="holidays", by=by_alice, now=now)
    mark_enrolments(now)
    dispatch_once(now=now)
    enrolment.refresh_from_db()
    assert enrolment.wait_reason.endswith("is paused: holidays")
    resume_campaign(campaign=published.campaign, by=by_alice, now=now + timedelta(minutes=1))
    Enrolment.objects.filter(pk=enrolment.pk).update(mailbox=make_mailbox(address="tom@acme.example"))
    dispatch_once(now=now + timedelta(minutes=1))
    assert Message.objects.get().enrolment_id == enrolment.pk  # long before the quarter of an hour is over


def test_a_campaign_that_ends_stops_everybody_inside(published, by_alice, now) -> None:
    version = SequenceVersion.objects.get()
    rows = [make_enrolment(version, make_person(), mailbox=None, at=now + timedelta(days=30)) for _ in range(3)]
    Enrolment.objects.filter(pk=rows[0].pk).update(state="paused")
    end_campaign(campaign=published.campaign, by=by_alice, now=now)
    dispatch_once(now=now)
    assert set(Enrolment.objects.values_list("state", "stopped_by_type")) == {("stopped", "campaign")}


def test_archiving_waits_until_nobody_is_inside(published, by_alice, now) -> None:
    enrolment = make_enrolment(SequenceVersion.objects.get(), make_person(), mailbox=None)
    with pytest.raises(Refused):
        archive_sequence(sequence=published, by=by_alice, now=now)
    Enrolment.objects.filter(pk=enrolment.pk).update(state="finished")
    archive_sequence(sequence=published, by=by_alice, now=now)
    with pytest.raises(Refused):
        draft_of(sequence=published, now=now)


def test_the_preview_names_every_gap_and_shows_where_it_is(in_acme) -> None:
    person = make_person("Ana", company=make_company("Lumen", industry=""), city="")
    shown = preview_step(
        subject="For {{ company.name }}", signed=True, person=person, mailbox=make_mailbox(signature="Sam"), member=None,
        body='Hi {{ person.first_name }}, {{ company.industry }} in {{ person.city }}{{ person.title | default: "!" }}',
    )  # fmt: skip
    assert (shown.subject, shown.missing) == ("For Lumen", ["company.industry", "person.city"])
    assert shown.text == "Hi Ana, ⟨company.industry⟩ in ⟨person.city⟩!\n\nSam"
    broken = preview_step(subject="{{", body="x", signed=False, person=person, mailbox=None, member=None)
    assert list(broken.errors) == ["subject"]


def test_a_sequence_from_nothing_to_published_in_the_browser(acme, as_) -> None:
    client = as_(make_member(acme, "marketer"))
    with workspace_scope(acme.pk):
        campaign, mailbox = make_campaign("Plants"), make_mailbox()
        make_person("Ana Ferreira", company=make_company("Lumen"), email="ana@lumen.example")
    form = {"name": "First contact", "campaign": campaign.pk, "mailboxes": [mailbox.pk], "window_start": "09:00",
            "window_end": "17:00", "weekdays": [0, 1, 2]}  # fmt: skip
    assert client.post("/w/acme/sequences/new/", form | {"campaign": ""}).status_code == 422
    url = client.post("/w/acme/sequences/new/", form)["Location"]
    assert "How does it begin?" in client.get(url).content.decode()
    step_url = client.post(f"{url}steps/", {"kind": "email"})["Location"]
    values = {
        "delay_days": "0",
        "delay_hours": "0",
        "subject": "Hello {{ person.first_name }}",
        "body": "Hi {{ person.nick }}",
    }
    wrong = client.post(step_url, values)
    assert wrong.status_code == 422
    assert "Line 1, column 7: there is no variable person.nick." in wrong.content.decode()
    live = client.post(f"{step_url}preview/", values | {"person": "ana@lumen.example"}, headers=HTMX).content.decode()
    assert "Hello Ana" in live and "person.nick" in live
    assert client.post(step_url, values | {"body": "Hi {{ person.first_name }}"}).status_code == 302
    client.post(f"{url}steps/", {"kind": "call", "position": "1"})
    with workspace_scope(acme.pk):
        call = Step.objects.get(kind="call")
        assert (call.position, call.delay_days) == (1, 0)
    client.post(f"{url}steps/{call.pk}/move/", {"direction": "down"})
    page = client.get(step_url).content.decode()
    assert page.index("1. E-mail") < page.index("2. Call") and "Day 1" in page
    checks = client.get(f"{url}publish/", headers=HTMX).content.decode()
    assert "Mailboxes to send from" in checks and "disabled" not in checks
    assert client.post(f"{url}publish/").status_code == 302
    with workspace_scope(acme.pk):
        sequence = Sequence.objects.get()
        assert (sequence.state, sequence.weekdays) == ("active", [0, 1, 2])
        version = SequenceVersion.objects.get()
    assert "A published version never changes" in client.get(url).content.decode()
    assert client.post(f"{url}draft/").status_code == 302
    assert "draft of v2" in client.get(url).content.decode()
    assert client.post(f"{url}discard/").status_code == 302
    assert "Version 1" in client.get(f"{url}versions/{version.pk}/").content.decode()
    assert client.post(f"{url}pause/", {"reason": ""}).status_code == 422
    assert client.post(f"{url}pause/", {"reason": "new prices"}).status_code == 302
    assert "new prices" in client.get(f"{url}settings/").content.decode()
    assert client.post(f"{url}resume/").status_code == 302
    assert client.post(f"{url}archive/").status_code == 302
    assert "First contact" not in client.get("/w/acme/sequences/", headers=HTMX).content.decode()
    assert "First contact" in client.get("/w/acme/sequences/?state=archived").content.decode()


def test_roles_and_foreign_rows(published, acme, globex, as_, api, charlie) -> None:
    step, version = Step.objects.first(), SequenceVersion.objects.get()
    url = f"sequences/{published.pk}/"
    sdr, viewer = as_(make_member(acme, "sdr")), as_(make_member(acme, "viewer"))
    assert sdr.post(f"/w/acme/{url}publish/").status_code == 403
    assert sdr.post(f"/w/acme/{url}pause/", {"reason": "x"}).status_code == 403
    for path in ("draft/", "steps/", f"steps/{step.pk}/", f"steps/{step.pk}/delete/", "settings/"):
        assert viewer.post(f"/w/acme/{url}{path}", {"kind": "call"}).status_code == 403
    outsider, token = as_(charlie), api(charlie)
    for path in ("", "people/", "messages/", "settings/", "publish/", f"steps/{step.pk}/", f"versions/{version.pk}/"):
        assert outsider.get(f"/w/globex/{url}{path}").status_code == 404
    assert send(token, "put", f"{url}steps/", []).status_code == 404
    assert send(token, "post", f"{url}publish/").status_code == 404
    published.refresh_from_db()
    assert (published.state, SequenceVersion.objects.count(), Step.objects.count()) == ("active", 1, 2)


def test_api_writes_publishes_and_repeats_without_a_new_draft(alice, api, acme) -> None:
    token = api(alice)
    with workspace_scope(acme.pk):
        campaign, mailbox = make_campaign(), make_mailbox()
    data = {"name": "Plants", "campaign": str(campaign.pk), "mailboxes": [str(mailbox.pk)], "steps": [EMAIL, FOLLOW_UP]}
    path = "sequences/by-external-id/seq-1/"
    made = send(token, "put", path, data)
    body = made.json()
    assert (made.status_code, body["state"], body["draft"]["number"], body["problems"]) == (201, "draft", 1, [])
    assert [step["delay_days"] for step in body["draft"]["steps"]] == [0, 2]
    url = f"sequences/{body['id']}/"
    assert send(token, "post", f"{url}publish/").json()["published"]["number"] == 1
    again = send(token, "put", path, data).json()
    assert (again["draft"], again["published"]["number"], again["pool"]) == (None, 1, [str(mailbox.pk)])
    changed = send(token, "put", f"{url}steps/", [EMAIL]).json()
    assert (changed["draft"]["number"], len(changed["published"]["steps"])) == (2, 2)
    broken = send(token, "put", f"{url}steps/", [EMAIL | {"body": "{{ nobody.knows }}"}])
    assert (broken.status_code, broken.json()["error"]["field"]) == (400, "steps.1.body")
    assert broken.json()["error"]["detail"]["line"] == 1
    assert send(token, "post", f"{url}pause/", {"reason": "why"}).json()["pause_reason"] == "why"
    assert send(token, "post", f"{url}resume/").json()["state"] == "active"
    empty = send(token, "post", "sequences/", {"name": "B", "campaign": str(campaign.pk)}).json()
    refused = send(token, "post", f"sequences/{empty['id']}/publish/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_ready")
    assert send(token, "post", f"sequences/{empty['id']}/archive/").json()["state"] == "archived"
    assert [row["name"] for row in token.get("/api/v1/sequences/").json()["results"]] == ["Plants"]


def test_lists_cost_the_same_for_many_rows(alice, as_, api, acme) -> None:
    client, token = as_(alice), api(alice)

    def queries(count: int) -> tuple[int, ...]:
        with workspace_scope(acme.pk):
            mailbox = make_mailbox() if count == 1 else None
            for _ in range(count):
                version = make_sequence([EMAIL], mailbox=mailbox)
                make_enrolment(version, make_person(), mailbox=None)
        found = []
        for caller, url in ((client, "/w/acme/sequences/"), (token, "/api/v1/sequences/")):
            caller.get(url)
            with CaptureQueriesContext(connection) as captured:
                assert caller.get(url).status_code == 200
            found.append(len(captured))
        return tuple(found)

    first = queries(1)
    assert queries(6) == first
    assert first <= (28, 11)

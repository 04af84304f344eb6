"""The pages of a mailbox's pace, as their user goes through them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.moves import move_unwritten
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, SequenceMailbox
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import sent_to
from tests.campaigns.sink import running_sink
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
PACE = {
    "daily_cap": "40", "domain_cap": "3", "min_gap_seconds": "90", "gap_jitter_seconds": "60", "weight": "2",
    "window_start": "09:00", "window_end": "17:00", "time_zone": "Europe/Lisbon", "window_weekdays": ["0", "1", "2"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:  # a Wednesday, 10:00 UTC
        yield traveller


def url(mailbox: Mailbox, tail: str = "") -> str:
    return f"/w/acme/settings/mailboxes/{mailbox.pk}/{tail}"


def test_caps_gap_window_and_weight_are_set_on_one_page(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
    assert as_(alice).post(url(mailbox, "pace/"), PACE).status_code == 302
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert (mailbox.daily_cap, mailbox.domain_cap) == (40, 3)
        assert (mailbox.min_gap_seconds, mailbox.gap_jitter_seconds) == (90, 60)
        assert (mailbox.weight, mailbox.window_weekdays, str(mailbox.window_end)) == (2, [0, 1, 2], "17:00:00")
        assert AuditEntry.objects.get(action="mailbox.changed").detail["fields"][0] == "daily_cap"
    page = as_(alice).get(url(mailbox)).content.decode()
    for words in ("40 in any 24 hours", "90 to 150 s", "9-17, Mon Tue Wed", "nothing sent yet"):
        assert words.casefold() in page.casefold(), words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window_end": "08:00"}, "must end after it begins"),
        ({"window_end": ""}, "Give both times, or neither"),
        ({"window_weekdays": []}, "Choose at least one weekday"),
        ({"daily_cap": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_pace_nobody_could_keep_is_refused_at_its_field(
    acme: Any, alice: Any, as_: Any, changes: Any, words: str
) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        before = Mailbox.objects.filter(pk=mailbox.pk).values().get()
    bad = as_(alice).post(url(mailbox, "pace/"), PACE | changes)
    assert (bad.status_code, words in bad.content.decode()) == (422, True)
    with workspace_scope(acme.pk):
        assert Mailbox.objects.filter(pk=mailbox.pk).values().get() == before


def test_the_page_says_how_near_the_bulk_senders_rules_are(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox, other = make_mailbox(), make_mailbox(address="b@mail.acme.example")
        for box, address in ((mailbox, "a@gmail.com"), (other, "b@googlemail.com"), (mailbox, "c@lumen.example")):
            message = sent_to(make_person("Ana", email=address), box)
            Message.objects.filter(pk=message.pk).update(to_address=address, submitted_at=NOW - timedelta(hours=1))
        make_mailbox(address="x@other.example")
    page = as_(alice).get(url(mailbox, "pace/")).content.decode()
    assert "As of 21 November 2026" in page
    row = page[page.index("from acme.example</span>") :]
    assert "Close to 5,000 a day" in row[:300]
    assert "<span>2</span>" in row[:900], "both mailboxes of the primary domain, and no business address"
    assert "other.example" not in page


def test_what_nobody_connected_yet_does_not_claim_to_send_now(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox(auth="google")
    rows = as_(alice).get("/w/acme/settings/mailboxes/").content.decode()
    assert "not connected" in rows
    assert "when it is connected" in rows
    page = as_(alice).get(url(mailbox)).content.decode()
    assert "when it is connected" in page
    assert "Can send now" not in page


def test_a_rest_has_an_end_and_a_hold_has_none(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
    dialog = as_(alice).get(url(mailbox, "pace/rest/"), headers={"HX-Request": "true"}).content.decode()
    assert 'type="date"' in dialog
    assert as_(alice).post(url(mailbox, "pace/rest/"), {"until": "2026-03-01"}).status_code == 422
    done = as_(alice).post(url(mailbox, "pace/rest/"), {"until": "2026-03-09", "reason": "Ana is on holiday"})
    assert done.status_code == 302
    page = as_(alice).get(url(mailbox)).content.decode()
    assert "This mailbox rests" in page
    assert "Ana is on holiday" in page
    assert "Send again" in page
    assert "Mon 00:00" in as_(alice).get("/w/acme/settings/mailboxes/").content.decode()


def test_a_ramp_is_shown_ended_with_a_reason_and_begun_again(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox(
            state="warming", ramp_cap=7, daily_cap=30, ramped_at=NOW, ramp_reason="2 more after 5 e-mails"
        )
    page = as_(alice).get(url(mailbox)).content.decode()
    assert "7 of 30 a day, 12 good days to go" in page
    assert "0 of 7" in as_(alice).get("/w/acme/settings/mailboxes/").content.decode()
    assert as_(alice).post(url(mailbox, "pace/ramp/end/"), {"reason": ""}).status_code == 422
    assert as_(alice).post(url(mailbox, "pace/ramp/end/"), {"reason": "in daily use since 2019"}).status_code == 302
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert (mailbox.state, mailbox.ramp_cap, mailbox.cap) == ("active", None, 30)
        assert AuditEntry.objects.get().detail == {"reason": "in daily use since 2019", "cap_was": 7, "cap": 30}
    assert as_(alice).post(url(mailbox, "pace/ramp/start/")).status_code == 302
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert (mailbox.state, mailbox.cap) == ("warming", 5)


def test_people_nobody_wrote_to_go_to_another_mailbox_and_nobody_else(
    acme: Any, alice: Any, as_: Any, now: datetime
) -> None:
    with workspace_scope(acme.pk):
        source, target = make_mailbox(state="held", state_reason="blocked"), make_mailbox(address="b@acme.example")
        version = make_sequence([EMAIL], mailbox=source)
        fresh = make_enrolment(version, make_person("Ana"), mailbox=source)
        known = sent_to(make_person("Ben"), source).enrolment
        assert known is not None
        Enrolment.objects.filter(pk=known.pk).update(mailbox=source)
    assert "1</span> person inside got no e-mail" in as_(alice).get(url(source, "pace/")).content.decode()
    assert as_(alice).post(url(source, "pace/move/"), {"to": str(target.pk)}).status_code == 302
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get(pk=fresh.pk).mailbox_id == target.pk
        assert Enrolment.objects.get(pk=known.pk).mailbox_id == source.pk
        assert AuditEntry.objects.get().detail == {"to": "b@acme.example", "people": 1}


def test_a_planned_first_mail_is_written_anew_by_the_other_mailbox(
    acme: Any, in_acme: Any, by_alice: Any, now: datetime
) -> None:
    with running_sink() as sink:
        source = make_mailbox(sink.port, signature="Ana of Acme", daily_cap=1)
        target = make_mailbox(sink.port, address="ben@other.example", from_name="Ben Okafor", signature="Ben of Other")
        version = make_sequence([EMAIL, FOLLOW_UP], mailbox=source)
        both = [make_enrolment(version, make_person(name), mailbox=source) for name in ("Ana", "Cleo")]
        mark_enrolments(now)
        assert dispatch_once(now=now).sent == 1
        waiting = Message.objects.get(state="planned")
        # Planned with Ana's signature, and her cap is full. Who of two due at one instant goes first is nobody's promise.
        second = next(enrolment for enrolment in both if enrolment.pk == waiting.enrolment_id)
        first = next(enrolment for enrolment in both if enrolment != second)
        later = now + timedelta(minutes=5)
        assert move_unwritten(source=source, target=target, by=by_alice, now=later) == 1
        assert not Message.objects.filter(state="planned").exists()
        assert dispatch_once(now=later).sent == 1
        message = Message.objects.get(enrolment=second)
        assert (message.mailbox, message.message_id.rpartition("@")[2]) == (target, "other.example")
        text = sink.mails[-1].get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert "Ben of Other" in text
        assert "Ana of Acme" not in text
        assert Enrolment.objects.get(pk=first.pk).mailbox_id == source.pk
        assert move_unwritten(source=target, target=source, by=by_alice, now=later) == 0, "written to: stays"


def test_who_may(acme: Any, bob: Any, charlie: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
    page = as_(bob).get(url(mailbox, "pace/"))
    assert (page.status_code, "Save" in page.content.decode()) == (200, False)
    for tail in ("pace/", "pace/rest/", "pace/ramp/end/", "pace/ramp/start/", "pace/move/"):
        assert as_(bob).post(url(mailbox, tail), PACE).status_code == 403
        assert as_(charlie).post(url(mailbox, tail), PACE).status_code == 404
    with workspace_scope(acme.pk):
        assert not AuditEntry.objects.exists()


def test_the_api_says_and_does_the_same(acme: Any, alice: Any, bob: Any, api: Any) -> None:
    sheet = {"address": "ana@acme.example", "from_name": "Ana", "host": "127.0.0.1", "port": 2525, "security": "none"}
    client = api(alice)

    def send(path: str, data: Any) -> Any:
        return client.post(f"/api/v1/mailboxes/{path}", json.dumps(data), content_type="application/json")

    made = send("", sheet).json()
    assert (made["state"], made["ramp_cap"], made["ramp_reason"]) == ("warming", 5, "begins with 5 a day")
    pace = client.get(f"/api/v1/mailboxes/{made['id']}/pace/").json()
    assert (pace["used"], pace["cap"], pace["left"], pace["free_at"], pace["code"]) == (0, 5, 5, None, "")
    assert (pace["ramp"]["days"], pace["hard_bounces"], pace["bounces_of"]) == (13, 0, 0)
    assert (pace["providers"][0]["provider"], pace["providers"][0]["limit"]) == ("Gmail", 5000)
    assert send(f"{made['id']}/end-ramp/", {}).json()["error"]["field"] == "reason"
    assert send(f"{made['id']}/end-ramp/", {"reason": "in use since 2019"}).json()["cap"] == 30
    assert send(f"{made['id']}/start-ramp/", {}).json()["cap"] == 5
    rested = send(f"{made['id']}/rest/", {"until": "2026-03-09T06:00:00Z", "reason": "holiday"}).json()
    assert (rested["state"], rested["free_at"][:16], rested["code"]) == ("resting", "2026-03-09T06:00", "mailbox")
    assert send(f"{made['id']}/release/", {}).json()["state"] == "warming"
    other = send("", sheet | {"address": "ben@acme.example", "warmed_up": "in use since 2019"}).json()
    assert (other["state"], other["ramp_cap"]) == ("active", None)
    with workspace_scope(acme.pk):
        box = Mailbox.objects.get(pk=made["id"])
        make_enrolment(make_sequence([EMAIL], mailbox=box), make_person("Ana"), mailbox=box)
    assert send(f"{made['id']}/move-people/", {"to": other["id"]}).json() == {"moved": 1}
    assert api(bob).post(f"/api/v1/mailboxes/{made['id']}/rest/").status_code == 403


def test_a_sequences_settings_show_how_its_pool_shares(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        one = make_mailbox(address="a@acme.example", daily_cap=30)
        two = make_mailbox(address="b@acme.example", daily_cap=30, weight=2)
        version = make_sequence([EMAIL], mailbox=one)
        SequenceMailbox.objects.create(sequence=version.sequence, mailbox=two)
        make_enrolment(version, make_person("Ana"), mailbox=two)
    page = as_(alice).get(f"/w/acme/sequences/{version.sequence_id}/settings/").content.decode()
    assert "33.3 %" in page
    assert "66.7 %" in page
    assert "weight 2, 30 a day now, 1 person inside" in page
    assert "b@acme.example (30 a day, weight 2)" in page
    with workspace_scope(acme.pk):
        Mailbox.objects.filter(pk=two.pk).update(state="held", state_reason="blocked by policy")
    people = as_(alice).get(f"/w/acme/sequences/{version.sequence_id}/people/").content.decode()
    assert "Held: mailbox b@acme.example is held: blocked by policy" in people

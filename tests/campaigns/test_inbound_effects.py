"""What proven mail changes, handed in as a mail server does: strikes, absences, departures, referrals, "not now"."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine

from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.rules.inbound import read_mail
from campaigns.rules.intent import Intent
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.suppressions import suppress
from prospects.models import Activity, Lead, Person, Suppression, Task
from prospects.queries.suppressions import is_suppressed
from tests.campaigns.inbound import bounce, keyed_mailbox, post_mail, reply, sent_to
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_sequence
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db
ANA = "ana@lumen.example"
AUTO = ("Auto-Submitted: auto-replied",)
DAY = timedelta(days=1)
LEFT = "Ana Ferreira is no longer with the company. Please contact Maria Lopez at maria.lopez@lumen.example instead."
WRONG = "I am the wrong person for this. Please contact Maria Lopez, maria.lopez@lumen.example."
LATER = "Not now. Please contact me again on 15 June 2026."


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mailbox(acme: Any) -> Mailbox:
    with workspace_scope(acme.pk):
        return keyed_mailbox()


@pytest.fixture
def message(acme: Any, mailbox: Mailbox, bob: Any) -> Message:
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira", make_company("Lumen", domain="lumen.example"), email=ANA)
        return sent_to(ana, mailbox, owner=bob.member)


def more_mails(acme: Any, message: Message, count: int, at: datetime = NOW) -> list[Message]:
    """Further mails to Ana in other, finished sequences."""
    with workspace_scope(acme.pk):
        made = []
        for number in range(count):
            Enrolment.objects.filter(person=message.person_id).update(state="finished", next_at=None)
            mailbox = Mailbox.objects.get(pk=message.mailbox_id)
            made.append(sent_to(Person.objects.get(pk=message.person_id), mailbox, at=at + number * DAY))
        return made


def soft(message: Message) -> bytes:
    return bounce(message.message_id, ANA, status="4.2.2", words="452 4.2.2 mailbox full")


def test_the_third_soft_bounce_within_sixty_days_marks_the_address(
    acme: Any, mailbox: Mailbox, message: Message, clock: Any
) -> None:
    second, third = more_mails(acme, message, 2)
    assert post_mail(mailbox, soft(message)).json()["effect"].startswith("Soft bounce noted (1 of 3 in 60 days)")
    post_mail(mailbox, soft(second))
    with workspace_scope(acme.pk):
        assert Person.objects.get().email_status == "unknown"
    effect = post_mail(mailbox, soft(third)).json()["effect"]
    assert effect.startswith("Address marked as bounced, sequence stopped: 3 soft bounces in 60 days, the last: 452")
    with workspace_scope(acme.pk):
        person = Person.objects.get()
        assert person.email_status == "bounced"
        assert person.email_status_reason == "3 soft bounces in 60 days, the last: 452 4.2.2 mailbox full"
        assert Enrolment.objects.filter(state="active").count() == 0
        assert is_suppressed([ANA]) == set()


def test_soft_bounces_further_apart_do_not_add_up(acme: Any, mailbox: Mailbox, message: Message, clock: Any) -> None:
    second, third = more_mails(acme, message, 2)
    for late, mail in ((0, message), (40, second), (61, third)):
        clock.move_to(NOW + late * DAY)
        effect = post_mail(mailbox, soft(mail), at=NOW + late * DAY).json()["effect"]
    assert effect.startswith("Soft bounce noted (2 of 3")
    with workspace_scope(acme.pk):
        assert Person.objects.get().email_status == "unknown"


def test_a_soft_bounce_never_takes_back_a_hard_one(acme: Any, mailbox: Mailbox, message: Message) -> None:
    post_mail(mailbox, bounce(message.message_id, ANA))
    post_mail(mailbox, soft(message))
    with workspace_scope(acme.pk):
        assert (Message.objects.get().bounce_type, Person.objects.get().email_status) == ("hard", "bounced")


def test_a_hard_bounce_of_a_deleted_person_suppresses_the_address(
    acme: Any, mailbox: Mailbox, message: Message
) -> None:
    with workspace_scope(acme.pk):
        Person.objects.all().delete()
    post_mail(mailbox, bounce(message.message_id, ANA))
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA]) == {ANA}
        assert ANA not in Suppression.objects.get().note


@pytest.mark.parametrize(
    ("zone", "back", "expected"),
    [
        ("America/New_York", "9 March 2026", datetime(2026, 3, 10, 13, 0, tzinfo=UTC)),  # after the clocks went forward
        ("Asia/Tokyo", "9 March 2026", datetime(2026, 3, 10, 0, 0, tzinfo=UTC)),
        ("", "6 March 2026", datetime(2026, 3, 9, 8, 0, tzinfo=UTC)),  # a Friday: Monday, in the workspace's zone
    ],
)
def test_an_absence_delays_to_the_day_after_return_when_their_window_opens(
    acme: Any, mailbox: Mailbox, bob: Any, zone: str, back: str, expected: datetime
) -> None:
    with workspace_scope(acme.pk):
        version = make_sequence(
            [EMAIL, FOLLOW_UP], mailbox=mailbox, window_start=time(9), window_end=time(17), weekdays=[0, 1, 2, 3, 4]
        )
        message = sent_to(make_person("Ana Ferreira", email=ANA, time_zone=zone), mailbox, version)
    raw = reply(message, f"I am out of the office and will be back on {back}.", extra=AUTO)
    day = f"{expected.day:02}"
    assert post_mail(mailbox, raw).json()["effect"].endswith(f"resumes {day} Mar")
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().next_at == expected
        assert InboundMail.objects.get().back_on.isoformat() == f"2026-03-0{back[0]}"


def test_an_absence_moves_the_mail_that_is_planned_and_the_call_that_is_due(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any
) -> None:
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get()
        planned = Message.objects.create(
            kind="step", state="planned", person=enrolment.person, mailbox=mailbox, enrolment=enrolment, to_address=ANA,
            subject="Re: A question", text="Hi", due_at=NOW + DAY, created_at=NOW,
        )  # fmt: skip
        Enrolment.objects.update(next_at=None)
    raw = reply(message, "I am out of the office and will be back on 9 March 2026.", extra=AUTO)
    post_mail(mailbox, raw)
    with workspace_scope(acme.pk):
        planned.refresh_from_db()
        assert planned.due_at == datetime(2026, 3, 10, 8, 0, tzinfo=UTC)  # nine in Berlin
        assert planned.hold_reason == "Held: away until 09 Mar, resumes 10 Mar"


def test_an_absence_until_the_end_of_time_delays_nothing(acme: Any, mailbox: Mailbox, message: Message) -> None:
    raw = reply(message, "I am out of the office and will be back on 9 March 2031.", extra=AUTO)
    post_mail(mailbox, raw)
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().next_at == NOW + 2 * DAY


def test_a_departure_marks_the_person_and_offers_the_successor(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any, as_: Any
) -> None:
    effect = post_mail(mailbox, reply(message, LEFT, extra=AUTO)).json()["effect"]
    assert effect == "Sequence stopped: they left the company; Maria Lopez is named instead."
    with workspace_scope(acme.pk):
        ana = Person.objects.get()
        assert (ana.email_status, ana.email_status_reason) == ("invalid", "Left the company")
        assert Enrolment.objects.get().stopped_by_type == "left_company"
        task = Task.objects.get()
        assert (task.kind, task.title, task.owner) == ("todo", "Ana Ferreira left the company", bob.member)
        assert task.reason == "They left the company; Maria Lopez is named instead"
        assert Person.objects.count() == 1  # nothing by itself
        mail = InboundMail.objects.get()
    client = as_(bob)
    for page in (f"/w/acme/inbox/{mail.pk}/", f"/w/acme/work/{task.pk}/"):
        html = client.get(page).content.decode()
        assert "Add Maria Lopez and enrol…" in html
        assert f"/w/acme/inbox/{mail.pk}/suggestions/0/accept/" in html
    done = client.post(f"/w/acme/inbox/{mail.pk}/suggestions/0/accept/")
    with workspace_scope(acme.pk):
        maria = Person.objects.get(email="maria.lopez@lumen.example")
        assert (maria.full_name, maria.company, maria.source) == (
            "Maria Lopez", ana.company, "Referral by mail of Ana Ferreira",
        )  # fmt: skip
        assert Enrolment.objects.filter(person=maria).count() == 0  # she is looked at first
    assert done.status_code == 302
    assert f"/w/acme/enrol/?person={maria.pk}&sequence=" in done["Location"]
    preview = client.get(done["Location"]).content.decode()
    assert "Maria Lopez" in preview


def named(acme: Any, mailbox: Mailbox, message: Message) -> InboundMail:
    post_mail(
        mailbox,
        reply(message, WRONG),
    )
    with workspace_scope(acme.pk):
        return InboundMail.objects.get()


def accept(client: Any, mail: InboundMail, number: int = 0, **body: Any) -> Any:
    return client.post(
        f"/api/v1/inbox/{mail.pk}/suggestions/{number}/accept/", data=json.dumps(body), content_type="application/json"
    )


def test_a_referral_is_added_and_enrolled_over_the_api(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any, api: Any
) -> None:
    mail = named(acme, mailbox, message)
    client = api(bob)
    shown = client.get(f"/api/v1/inbox/{mail.pk}/").json()
    assert (shown["intent"], shown["suggested"][0]["address"]) == ("referral", "maria.lopez@lumen.example")
    first = accept(client, mail, enrol=True).json()
    assert (first["is_new"], first["reason"]) == (True, "")
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get(pk=first["enrolment"])
        assert (enrolment.person.full_name, enrolment.sequence) == ("Maria Lopez", Enrolment.objects.first().sequence)
        assert str(enrolment.person_id) == first["person"]
    again = accept(client, mail, enrol=True).json()
    assert (again["person"], again["is_new"], again["enrolment"]) == (first["person"], False, None)
    assert again["reason"].startswith("Enrolled on 04 Mar 2026")
    assert accept(client, mail, 7).status_code == 404
    with workspace_scope(acme.pk):
        assert Activity.objects.filter(person=first["person"], kind="note").count() == 1


def test_a_suppressed_referral_is_added_and_never_enrolled(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any, api: Any, by_alice: Any, as_: Any
) -> None:
    with workspace_scope(acme.pk):
        suppress(by=by_alice, now=NOW, kind="email", value="maria.lopez@lumen.example", reason="objected")
    mail = named(acme, mailbox, message)
    html = as_(bob).get(f"/w/acme/inbox/{mail.pk}/").content.decode()
    assert "Asked not to be contacted, 4 Mar 2026: no e-mail goes there." in html
    assert f"/inbox/{mail.pk}/suggestions/0/accept/" not in html
    answer = accept(api(bob), mail, enrol=True).json()
    assert answer["enrolment"] is None
    assert answer["reason"].startswith("Suppressed: asked not to be contacted")
    with workspace_scope(acme.pk):
        assert Enrolment.objects.count() == 1


def test_a_viewer_and_a_stranger_add_nobody(
    acme: Any, globex: Any, mailbox: Mailbox, message: Message, charlie: Any, as_: Any, api: Any
) -> None:
    mail = named(acme, mailbox, message)
    viewer = make_member(acme, "viewer", "vera@acme.example")
    path = f"inbox/{mail.pk}/suggestions/0/accept/"
    assert as_(viewer).post(f"/w/acme/{path}").status_code == 403
    assert as_(charlie).post(f"/w/globex/{path}").status_code == 404
    assert accept(api(viewer), mail).status_code == 403
    assert accept(api(charlie), mail).status_code == 404
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 1


def test_not_now_with_a_date_leaves_a_to_do_for_that_day(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any
) -> None:
    effect = post_mail(mailbox, reply(message, LATER)).json()["effect"]
    assert "to be written to again on 15 Jun 2026" in effect
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().state == "stopped"
        task = Task.objects.get(kind="todo")
        assert (task.title, task.owner) == ("Write to Ana Ferreira again", bob.member)
        assert task.due_at == datetime(2026, 6, 15, 7, 0, tzinfo=UTC)  # nine in Berlin
        assert Task.objects.get(kind="reply").state == "open"


def test_what_was_taken_for_a_machine_stops_the_sequence_when_a_person_says_so(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any, as_: Any
) -> None:
    post_mail(mailbox, reply(message, "Thank you, your mail arrived.", extra=AUTO))
    with workspace_scope(acme.pk):
        mail = InboundMail.objects.get()
        assert (mail.kind, Enrolment.objects.get().state) == ("auto_reply", "active")
    as_(bob).post(f"/w/acme/inbox/{mail.pk}/correct/", {"intent": "positive"})
    with workspace_scope(acme.pk):
        assert (Enrolment.objects.get().state, Enrolment.objects.get().stopped_by_type) == ("stopped", "reply")
        assert Lead.objects.count() == 1


def test_each_reading_is_one_click_and_a_wrong_opt_out_can_be_lifted(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any, alice: Any, as_: Any
) -> None:
    post_mail(mailbox, reply(message, "Please stop writing to me."))
    with workspace_scope(acme.pk):
        mail = InboundMail.objects.get()
        assert is_suppressed([ANA]) == {ANA}
        row = Suppression.objects.get()
    html = as_(bob).get(f"/w/acme/inbox/{mail.pk}/").content.decode()
    for intent in ("positive", "meeting", "question", "referral", "not_now", "not_interested", "unsure"):
        assert f'<button type="submit" name="intent" value="{intent}"' in html
    assert f"/suppressions/{row.pk}/lift/" not in html  # an SDR may not
    assert "Somebody who may lift suppressions" in html
    as_(bob).post(f"/w/acme/inbox/{mail.pk}/correct/", {"intent": "question"})
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA]) == {ANA}  # saying that it was read wrongly frees nobody by itself
    client = as_(alice)
    assert f"/suppressions/{row.pk}/lift/" in client.get(f"/w/acme/inbox/{mail.pk}/").content.decode()
    lifted = client.post(f"/w/acme/suppressions/{row.pk}/lift/", {"note": "Read wrongly: they asked about the price"})
    assert lifted.status_code == 302
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA]) == set()
    # And the other way, by one click.
    client.post(f"/w/acme/inbox/{mail.pk}/correct/", {"intent": "opt_out"})
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA]) == {ANA}


def test_a_departure_told_from_elsewhere_stops_and_marks_nobody(acme: Any, mailbox: Mailbox, message: Message) -> None:
    post_mail(mailbox, reply(message, LEFT, sender="robot@elsewhere.example", extra=AUTO))
    with workspace_scope(acme.pk):
        assert (Enrolment.objects.get().state, Person.objects.get().email_status) == ("stopped", "unknown")


def test_what_nobody_can_read_waits_for_a_person_at_once(
    acme: Any, mailbox: Mailbox, message: Message, bob: Any, as_: Any, monkeypatch: Any
) -> None:
    def unsure(raw: bytes, *, received: datetime) -> Any:
        return replace(read_mail(raw, received=received), kind="reply", intent=Intent("unsure", 0.3, "two readings"))

    monkeypatch.setattr("campaigns.actions.inbound.read_mail", unsure)
    answer = post_mail(mailbox, reply(message, "Blue sky over the hills."))
    with workspace_scope(acme.pk):
        mail, task = InboundMail.objects.get(), Task.objects.get(kind="reply")
        assert (mail.intent, task.due_at, task.owner) == ("unsure", NOW, bob.member)
        assert (mail.confidence, mail.why) == (0.3, "two readings")
        assert answer.json()["effect"].startswith("Reply noted, sequence stopped")
    assert "Reply, unclear" in as_(bob).get("/w/acme/work/").content.decode()
    assert "You decide" in as_(bob).get(f"/w/acme/inbox/{mail.pk}/").content.decode()


def test_an_opt_out_from_an_address_that_cannot_be_read_is_obeyed_for_the_one_we_wrote_to(
    acme: Any, mailbox: Mailbox, message: Message
) -> None:
    answer = post_mail(mailbox, reply(message, "Please stop writing to me.", sender="ana@localhost"))
    assert (answer.status_code, answer.json()["effect"].startswith("Address suppressed")) == (201, True)
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA]) == {ANA}
        assert Suppression.objects.count() == 1


def test_what_cannot_be_carried_out_is_undone_and_yet_the_mail_is_kept_and_the_sequence_stops(
    acme: Any, mailbox: Mailbox, message: Message, monkeypatch: Any
) -> None:
    def refuse(**_: Any) -> None:
        raise Invalid("That cannot be done.")

    monkeypatch.setattr("campaigns.actions.inbound_effects.note_interest", refuse)
    answer = post_mail(mailbox, reply(message, "Yes, please send me more details."))
    words = "Sequence stopped by this message; nothing else was changed: That cannot be done."
    assert (answer.status_code, answer.json()["effect"]) == (201, words)
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().stopped_by_type == "reply"
        assert not Activity.objects.filter(kind="replied").exists()
        assert InboundMail.objects.get().intent == "positive"

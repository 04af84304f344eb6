"""LinkedIn's own notification mails in a synced mailbox: whom they mean, what they change, and when they change nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from campaigns.models import Enrolment, InboundMail, Mailbox, StepRun
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Lead, Person, Suppression, Task
from tests.campaigns.inbound import keyed_mailbox, post_mail
from tests.campaigns.test_linkedin import DAY, FIRST, NOTE, touched, turn
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mailbox(acme: Any, bob: Any) -> Mailbox:
    with workspace_scope(acme.pk):
        return keyed_mailbox(member=bob.member)


def linkedin(event: str, name: str, *, url: str = "", words: str = "", extra: str = "") -> bytes:
    """A notification mail as LinkedIn writes it."""
    if event == "accepted":
        subject, body = f"{name} accepted your invitation", f"{name} accepted your invitation. View profile: {url}"
        sender = "LinkedIn <invitations@linkedin.com>"
    else:
        subject, body = (
            f"{name} just messaged you",
            f"{name} sent you a message\r\n\r\n{words}\r\n\r\nView message: {url}",
        )
        sender = f"{name} via LinkedIn <messaging-digest-noreply@linkedin.com>"
    headers = [
        f"From: {sender}", "To: bob@acme.example", f"Subject: {subject}", f"Message-ID: <{hash((event, name, url, words, extra))}@linkedin.com>",
        "Content-Type: text/plain; charset=utf-8", *([extra] if extra else []),
    ]  # fmt: skip
    return "\r\n".join([*headers, "", body]).encode()


def test_an_acceptance_lets_the_message_go_on(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_, steps=(FIRST, NOTE))
    turn(acme, NOW + 2 * DAY)
    raw = linkedin("accepted", "Ana Ferreira")
    with time_machine.travel(NOW + 3 * DAY, tick=False):
        answer = post_mail(mailbox, raw, at=NOW + 3 * DAY)
    assert answer.json() == answer.json() | {
        "kind": "linkedin", "effect": "Ana Ferreira: accepted the LinkedIn request, the sequence goes on.",
    }  # fmt: skip
    turn(acme, NOW + 3 * DAY)
    with workspace_scope(acme.pk):
        assert Task.objects.get(kind="linkedin_message").state == "open"
        assert StepRun.objects.get(step__position=1).accepted_at == NOW + 3 * DAY


def test_linkedins_mail_of_an_answer_stops_like_a_reply(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_)
    raw = linkedin("answered", "Ana Ferreira", words="Sounds interesting, please send me more details.")
    effect = post_mail(mailbox, raw).json()["effect"]
    assert effect == "Ana Ferreira: answered on LinkedIn, sequence stopped, lead open."
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().stopped_by_type == "reply"
        task = Task.objects.get(kind="linkedin_message")
        assert (task.title, task.owner, task.state) == ("Answer Ana Ferreira on LinkedIn", bob.member, "open")
        mail = InboundMail.objects.get()
        assert (mail.person.first_name, mail.detail["linkedin"]["event"]) == ("Ana", "answered")


def test_the_profiles_address_decides_between_two_of_a_name(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_, linkedin_url="https://linkedin.com/in/ana-one", email="ana1@lumen.example")
    touched(mailbox, bob, as_, linkedin_url="https://linkedin.com/in/ana-two", email="ana2@lumen.example")
    post_mail(mailbox, linkedin("accepted", "Ana Ferreira", url="https://www.linkedin.com/in/Ana-Two?trk=mail"))
    with workspace_scope(acme.pk):
        assert Person.objects.get(linkedin_status="connected").email == "ana2@lumen.example"


def test_two_of_a_name_change_nothing_and_a_person_decides(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_, email="ana1@lumen.example")
    touched(mailbox, bob, as_, email="ana2@lumen.example")
    answer = post_mail(mailbox, linkedin("answered", "Ana Ferreira", words="Yes please"))
    assert answer.json()["effect"].startswith("Nothing changed: 2 people are called Ana Ferreira")
    with workspace_scope(acme.pk):
        assert set(Enrolment.objects.values_list("state", flat=True)) == {"active"}
        assert set(Person.objects.values_list("linkedin_status", flat=True)) == {"requested"}
        task = Task.objects.get(kind="todo")
        assert (task.title, task.owner) == ("Who answered on LinkedIn: Ana Ferreira", bob.member)


@pytest.mark.parametrize("case", ["another name", "another mailbox's member", "not authenticated"])
def test_news_that_cannot_be_trusted_or_placed_changes_nothing(
    acme: Any, mailbox: Mailbox, bob: Any, alice: Any, as_: Any, case: str
) -> None:
    touched(mailbox, bob, as_)
    box, name, extra = mailbox, "Ana Ferreira", ""
    if case == "another name":
        name = "Ana Ferreira Santos"
    elif case == "not authenticated":
        extra = "Authentication-Results: mx.acme.example; spf=softfail; dkim=none; dmarc=fail"
    else:
        with workspace_scope(acme.pk):
            box = keyed_mailbox(address="alice@acme.example", member=alice.member)
    effect = post_mail(box, linkedin("answered", name, words="Yes please", extra=extra)).json()["effect"]
    assert effect.startswith("Nothing changed: ")
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().state == "active"
        assert Person.objects.get().linkedin_status == "requested"
        assert not Lead.objects.exists()
        assert not Activity.objects.filter(kind__startswith="linkedin_replied").exists()


def test_stop_writing_on_linkedin_suppresses(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_)
    post_mail(mailbox, linkedin("answered", "Ana Ferreira", words="Please stop writing to me."))
    with workspace_scope(acme.pk):
        assert Suppression.objects.get().reason == "objected"
        assert not Lead.objects.exists()

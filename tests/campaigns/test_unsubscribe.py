"""Unsubscribing: looking changes nothing, one click is enough, and it holds."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Enrolment, Message
from campaigns.queries.mail import unsubscribe_url
from campaigns.rules.tokens import public_token
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Suppression
from prospects.queries.suppressions import is_suppressed
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
ADDRESS = "ana@lumen.example"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def message(acme: Any) -> Message:
    with workspace_scope(acme.pk):
        return sent_to(make_person("Ana Ferreira", email=ADDRESS), keyed_mailbox())


def path(message: Message) -> str:
    return "/p/u/" + unsubscribe_url(message).partition("/p/u/")[2]


def nothing_changed(acme: Any) -> bool:
    with workspace_scope(acme.pk):
        return (
            Enrolment.objects.get().state == "active"
            and not Suppression.objects.exists()
            and not Activity.objects.exists()
        )


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing_however_often(acme: Any, message: Message, method: str) -> None:
    for _ in range(3):
        answer = getattr(Client(), method)(path(message), headers={"User-Agent": "Mimecast link scanner"})
        assert answer.status_code == 200
    assert nothing_changed(acme)


def test_the_page_asks_and_its_button_works_without_cookies(acme: Any, message: Message) -> None:
    page = Client().get(path(message))
    assert "Stop mail from Acme?" in page.content.decode()
    assert ADDRESS in page.content.decode()
    strict = Client(enforce_csrf_checks=True)
    done = strict.post(path(message))
    assert done.status_code == 200
    assert "You are unsubscribed" in done.content.decode()
    with workspace_scope(acme.pk):
        assert is_suppressed([ADDRESS]) == {ADDRESS}


def test_one_click_of_rfc_8058(acme: Any, message: Message) -> None:
    """What mail programs send: no cookie, no Referer, form data."""
    strict = Client(enforce_csrf_checks=True)
    for _ in range(2):
        assert strict.post(path(message), {"List-Unsubscribe": "One-Click"}).status_code == 200
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get()
        assert (enrolment.state, enrolment.stopped_by_type, enrolment.reason) == (
            "stopped", "unsubscribe", "Unsubscribed by one click.",
        )  # fmt: skip
        assert Activity.objects.filter(kind="unsubscribed").count() == 1
        assert Suppression.objects.get().reason == "unsubscribed"


def test_it_proves_that_a_mail_of_unknown_outcome_was_delivered(acme: Any, message: Message) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(state="unknown", sent_at=None, settled_at=None, reason_code="no_answer")
    Client().post(path(message), {"List-Unsubscribe": "One-Click"})
    with workspace_scope(acme.pk):
        found = Message.objects.get()
        assert (found.state, found.settled_by) == ("sent", "unsubscribe")


def test_other_tokens_are_nothing(acme: Any, globex: Any, message: Message) -> None:
    tokens = [
        public_token("unsubscribe", workspace_id=globex.pk, row=message.pk),
        public_token("click", workspace_id=acme.pk, row=message.pk),
        path(message).removeprefix("/p/u/").strip("/")[:-1],
    ]
    for token in tokens:
        for method in ("get", "post"):
            assert getattr(Client(), method)(f"/p/u/{token}/").status_code == 404
    assert nothing_changed(acme)


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_one_click_in_both_encodings_without_cookies(acme: Any, message: Message, encoding: str) -> None:
    """RFC 8058 section 3.1 allows both; neither may set a cookie or ask for one."""
    body = b"List-Unsubscribe=One-Click"
    if encoding.startswith("multipart"):
        body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    answer = Client(enforce_csrf_checks=True).post(path(message), body, content_type=encoding)
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    with workspace_scope(acme.pk):
        assert Enrolment.objects.get().reason == "Unsubscribed by one click."
        assert is_suppressed([ADDRESS]) == {ADDRESS}


def test_it_holds_in_every_mailbox_and_sequence_of_the_workspace_and_in_no_other(
    acme: Any, globex: Any, message: Message
) -> None:
    from campaigns.actions.enrolments import plan_enrolment
    from prospects.models import Person
    from tests.factories.campaigns import EMAIL, make_sequence

    Client().post(path(message), {"List-Unsubscribe": "One-Click"})
    with workspace_scope(acme.pk):
        other = make_sequence([EMAIL], mailbox=keyed_mailbox(address="tom@acme.example")).sequence
        plan = plan_enrolment(sequence=other, people=[Person.objects.get().pk])
        assert [code for code, _ in plan.blocked.values()] == ["suppressed"]
    with workspace_scope(globex.pk):
        assert is_suppressed([ADDRESS]) == set()


def test_a_click_costs_little_and_a_second_one_less(acme: Any, message: Message) -> None:
    """A mail program may send many at once: a bounded number of statements, and no new rows for the same click."""
    target, counts = path(message), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            Client().post(target, {"List-Unsubscribe": "One-Click"})
        counts.append(len(captured))
    assert counts[0] <= 40
    assert counts[1] < counts[0]
    with workspace_scope(acme.pk):
        assert (Suppression.objects.count(), Activity.objects.filter(kind="unsubscribed").count()) == (1, 1)

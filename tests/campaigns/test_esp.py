"""Mail over a sending service on loopback: what is definite, what is unknown, and that no service's own tracking is used."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.mailbox_checks import check_connection
from campaigns.actions.mailbox_secrets import opened_dict, sealed_for
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Mailbox, Message
from campaigns.transports.esp import EspAccount, EspConversation
from campaigns.transports.services import SERVICES
from campaigns.transports.smtp import OutcomeUnknown, TransportError
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.esp_server import Api, running_api
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
POSTMARK = {
    "To": "ana@x.example",
    "SubmittedAt": "2026-03-04T10:00:00Z",
    "MessageID": "pm-1",
    "ErrorCode": 0,
    "Message": "OK",
}


@pytest.fixture
def postmark(settings: Any) -> Iterator[Api]:
    with running_api(POSTMARK) as api:
        settings.ESP_API_URLS = {"postmark": api.url}
        yield api


def esp_mailbox(service: str = "postmark", **fields: Any) -> Mailbox:
    values: dict[str, Any] = {"route": "esp", "esp": service, "host": "", "synced_at": NOW + timedelta(days=60)}
    mailbox = make_mailbox(**(values | fields))
    stored = {"key": "the-key", "secret": "the-secret", "domain": "mg.acme.example"}
    mailbox.esp_sealed = sealed_for(mailbox, "esp", json.dumps(stored))
    hooks = {"secret": "our-secret", "signing_key": ""}
    mailbox.webhook_sealed = sealed_for(mailbox, "webhook", json.dumps(hooks))
    mailbox.save()
    return mailbox


def one_due(mailbox: Mailbox) -> None:
    person = make_person("Ana Ferreira", email="ana@x.example")
    make_enrolment(make_sequence([EMAIL], mailbox=mailbox), person, mailbox=mailbox)
    mark_enrolments(NOW)
    dispatch_once(now=NOW)


def test_a_step_goes_out_with_our_headers_and_without_their_tracking(in_acme: Any, postmark: Api) -> None:
    one_due(esp_mailbox())
    message = Message.objects.get()
    assert (message.state, message.provider_id, message.settled_by) == ("sent", "pm-1", "server")
    assert message.response == "Postmark took it: pm-1"
    path, headers, _ = postmark.calls[0]
    assert (path, headers["x-postmark-server-token"]) == ("/email", "the-key")
    body = postmark.body()
    assert body["To"].endswith(f"{message.to_address}>") or body["To"] == message.to_address
    assert (body["TrackOpens"], body["TrackLinks"]) == (False, "None")
    assert body["Metadata"] == {"lg": message.message_id}
    sent = {header["Name"].lower(): header["Value"] for header in body["Headers"]}
    assert sent["message-id"] == f"<{message.message_id}>"
    assert sent["x-pm-keepid"] == "true"
    assert sent["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "/p/u/" in sent["list-unsubscribe"]
    assert "Hi " in body["TextBody"]


# What each service answers to a mail it took, and its own id of it.
TAKEN: dict[str, tuple[dict[str, Any], str]] = {
    "mailgun": ({"id": "<mg-1@mg.acme.example>", "message": "Queued. Thank you."}, "mg-1@mg.acme.example"),
    "postmark": (POSTMARK, "pm-1"),
    "sendgrid": ({}, ""),
    "brevo": ({"messageId": "<b-1@smtp-relay.example>"}, "b-1@smtp-relay.example"),
    "resend": ({"id": "re-1"}, "re-1"),
    "mailjet": (
        {"Messages": [{"Status": "success", "To": [{"Email": "ana@x.example", "MessageID": 77}], "Cc": [], "Bcc": []}]},
        "77",
    ),
    "sparkpost": (
        {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "sp-1"}},
        "sp-1",
    ),
}
MIME = (
    b'From: "Sam Seller" <sam@acme.example>\r\nTo: Ana <ana@x.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n'
    b"Message-ID: <own-1@acme.example>\r\nList-Unsubscribe: <https://acme.example/p/u/x/>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nIn-Reply-To: <own-0@acme.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHello\r\n.dot\r\n'
)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_takes_a_mail(service: str, settings: Any) -> None:
    answer, given = TAKEN[service]
    with running_api(answer) as api:
        settings.ESP_API_URLS = {service: api.url}
        account = EspAccount(SERVICES[service], "sam@acme.example", "k", "s", "mg.acme.example")
        with EspConversation(account) as conversation:
            conversation.prepare(sender="sam@acme.example", recipient="ana@x.example")
            assert api.calls == [], "everything before the hand-over can be taken back"
            accepted = conversation.hand_over(MIME)
        assert len(api.calls) == 1
        if given:
            assert accepted.provider_id == given
        else:
            assert len(accepted.provider_id) == 36, "an id made by anymail, told to SendGrid as custom argument"
        _, headers, raw = api.calls[0]
        body = unquote_plus(raw) if service == "mailgun" else raw
        assert ("own-1@acme.example" in body) is True, "our Message-ID, as header or as metadata"
        for words in ("One-Click", "own-0@acme.example"):
            assert words in body
        assert headers["connection"] == "close"
        if service == "mailgun":
            assert "o:tracking-opens" in body
            assert "o:tracking-clicks" in body
        if service == "resend":
            assert headers["idempotency-key"] == "own-1@acme.example"


@pytest.mark.parametrize(
    ("script", "state", "code", "box"),
    [
        ((422, {"ErrorCode": 406, "Message": "inactive recipient"}), "failed", "refused", "active"),
        ((401, {"ErrorCode": 10, "Message": "bad token"}), "planned", "", "held"),
        ((429, {}), "planned", "", "active"),
        ((500, {}), "unknown", "no_answer", "active"),
        ("drop", "unknown", "no_answer", "active"),
        ("accept-drop", "unknown", "no_answer", "active"),
    ],
)
def test_a_clear_no_is_definite_and_silence_is_unknown(
    in_acme: Any, postmark: Api, script: Any, state: str, code: str, box: str
) -> None:
    postmark.script = [script]
    one_due(esp_mailbox())
    message = Message.objects.get()
    assert (message.state, message.reason_code) == (state, code)
    assert Mailbox.objects.get().state == box
    dispatch_once(now=NOW + timedelta(days=2))
    assert len(postmark.calls) == (2 if state == "planned" and box == "active" else 1)


def test_a_service_nobody_reaches_delays(in_acme: Any, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    settings.ESP_API_URLS = {"postmark": f"http://127.0.0.1:{free}/"}
    one_due(esp_mailbox())
    assert (Message.objects.get().state, Mailbox.objects.get().state) == ("planned", "active")
    assert "cannot be reached" in Message.objects.get().hold_reason


def test_a_lost_answer_is_asked_again_where_the_service_knows_the_key(settings: Any) -> None:
    with running_api({"id": "re-9"}) as api:
        settings.ESP_API_URLS = {"resend": api.url}
        account = EspAccount(SERVICES["resend"], "sam@acme.example", "k")
        api.script = ["accept-drop"]
        with EspConversation(account) as conversation:
            conversation.prepare(sender="sam@acme.example", recipient="ana@x.example")
            assert conversation.hand_over(MIME).provider_id == "re-9"
            assert (len(api.calls), len(api.taken)) == (2, 1)
            api.script = ["drop", "drop", "drop"]
            with pytest.raises(OutcomeUnknown):
                conversation.hand_over(MIME)


def test_an_address_that_is_no_https_gets_no_key(settings: Any) -> None:
    settings.ESP_API_URLS = {"postmark": "http://api.postmarkapp.example/"}
    with pytest.raises(TransportError, match="not an https address"):
        EspConversation(EspAccount(SERVICES["postmark"], "a@b.example", "k")).connect()


def test_the_key_is_tried_without_sending(in_acme: Any, postmark: Api) -> None:
    mailbox = esp_mailbox()
    found = check_connection(mailbox=mailbox, now=NOW)
    assert (found.works, found.words, postmark.calls) == (True, "Postmark accepted the key.", [])
    postmark.script = [(401, {"Message": "No token"})]
    found = check_connection(mailbox=mailbox, now=NOW)
    assert (found.works, "does not know this key" in found.words, "Copy the key again" in found.words) == (
        False,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("answer", "sync", "works", "words"),
    [
        ((200, {"data": []}), "push", True, "Resend accepted the key."),
        ((401, {"statusCode": 401, "name": "restricted_api_key", "message": "This API key is restricted to only send emails"}),
         "imap", True, "Resend accepted the key."),
        ((401, {"statusCode": 401, "name": "restricted_api_key", "message": "This API key is restricted to only send emails"}),
         "push", False, "The key may only send. Give it full access, or the mail Resend tells of cannot be fetched."),
        ((401, {"statusCode": 401, "name": "missing_api_key", "message": "Missing API key"}), "push", False, "does not know"),
        ((403, {"statusCode": 403, "name": "invalid_api_key", "message": "API key is invalid"}), "push", False, "does not know"),
    ],
)  # fmt: skip
def test_what_a_key_of_resend_may(
    in_acme: Any, settings: Any, answer: Any, sync: str, works: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its refusals as its documentation names them: a key that may only send works, and fetches no mail."""
    monkeypatch.setattr("campaigns.actions.mailbox_checks._check_imap", lambda *args: None)
    with running_api({}) as api:
        settings.ESP_API_URLS = {"resend": api.url}
        api.script = [answer]
        found = check_connection(mailbox=esp_mailbox("resend", sync=sync), now=NOW)
    assert (found.works, words in found.words) == (works, True), found.words
    assert api.calls == []


def test_the_form_and_the_page(acme: Any, alice: Any, bob: Any, as_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadgen.core.tasks._send", lambda *args: None)
    sheet = {
        "address": "ana@acme.example", "from_name": "Ana", "route": "esp", "esp": "mailgun", "esp_key": "key-SECRET",
        "esp_domain": "mg.acme.example", "esp_region": "eu", "sync": "push", "daily_cap": "30", "min_gap_seconds": "60",
        "window_weekdays": ["0"],
    }  # fmt: skip
    client = as_(alice)
    for missing, words in (
        ("esp", "Choose a sending service"),
        ("esp_key", "Give the API key"),
        ("esp_domain", "sending domain"),
    ):
        answer = client.post("/w/acme/settings/mailboxes/new/", sheet | {missing: ""})
        assert (answer.status_code, words.lower() in answer.content.decode().lower()) == (422, True)
    made = client.post("/w/acme/settings/mailboxes/new/", sheet)
    assert made.status_code == 302
    page = client.get(made["Location"]).content.decode()
    assert "key-SECRET" not in page
    assert "/p/esp/" in page
    assert "/p/esp/" not in as_(bob).get(made["Location"]).content.decode(), "the address holds a secret"
    edit = f"{made['Location']}edit/"
    assert "key-SECRET" not in client.get(edit).content.decode()
    assert "mg.acme.example" in client.get(edit).content.decode()
    assert client.post(edit, sheet | {"esp_key": "", "esp_domain": "m2.acme.example"}).status_code == 302
    with workspace_scope(acme.pk):
        stored = opened_dict(Mailbox.objects.get(), "esp")
    assert stored == {
        "key": "key-SECRET",
        "domain": "m2.acme.example",
        "region": "eu",
        **({"secret": ""} if "secret" in stored else {}),
    }
    moved = client.post(edit, sheet | {"esp_key": "", "esp": "resend", "esp_region": ""})
    assert moved.status_code == 422, "a key is never shown to another service"

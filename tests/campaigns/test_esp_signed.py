"""Webhooks of SendGrid (ECDSA), Brevo and Resend: true, forged and replayed, and mail that has to be fetched first."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.test import Client

from campaigns.actions.esp import esp_address
from campaigns.actions.mailbox_secrets import opened_dict
from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.transports import esp_inbound
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.esp_server import Api, running_api
from tests.campaigns.inbound import bounce, reply, sent_to
from tests.campaigns.test_esp import esp_mailbox
from tests.campaigns.test_esp_webhooks import ANA, NOTHING, OURS, state, url, with_key
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
PRIVATE = ec.generate_private_key(ec.SECP256R1())
DER = PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
PUBLIC = base64.b64encode(DER).decode()
MAIL_ID = "56761188-7520-42d8-8898-ff6fc54ce618"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def message(acme: Any) -> Message:
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira", email=ANA), esp_mailbox(sync="push"))
        message.provider_id = "pm-1"
        message.save(update_fields=["provider_id"])
        return message


@pytest.fixture
def api_client(alice: Any, api: Any) -> Any:
    return api(alice)


@pytest.fixture
def service_api(settings: Any) -> Iterator[Api]:
    with running_api({}) as api:
        settings.ESP_API_URLS = {"resend": api.url, "brevo": api.url}
        yield api


def post(target: str, raw: str, headers: dict[str, str]) -> Any:
    return Client().post(target, raw, content_type="application/json", headers=headers)


def inbox(message: Message) -> list[tuple[str, Any]]:
    with workspace_scope(message.workspace_id):
        return list(InboundMail.objects.order_by("received_at").values_list("kind", "message_id"))


# --- SendGrid -------------------------------------------------------------------------------------------------------------


def sendgrid_bounce(message: Message, **fields: Any) -> str:
    return json.dumps([{
        "email": ANA, "timestamp": 1772618400, "smtp-id": f"<{message.message_id}>", "event": "bounce",
        "category": [], "sg_event_id": "Ym91bmNlLTEtMQ", "sg_message_id": "x.recvd-1", "reason": "550 5.1.1 no such user",
        "status": "5.1.1", "type": "bounce", "lg": message.message_id, "anymail_id": "pm-1",
    } | fields])  # fmt: skip


def sendgrid_headers(raw: str, *, at: str = "1772618400", key: Any = PRIVATE) -> dict[str, str]:
    signature = key.sign(at.encode() + raw.encode(), ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Timestamp": at,
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
    }


def test_sendgrids_signature_is_asked_for_where_its_key_is_known(message: Message) -> None:
    mailbox, raw = with_key(message, "sendgrid", PUBLIC), sendgrid_bounce(message)
    theirs = ec.generate_private_key(ec.SECP256R1())
    signed = sendgrid_headers(raw)
    forged: list[tuple[str, dict[str, str]]] = [
        (raw, {}),
        (raw, OURS),
        (raw, sendgrid_headers(raw, key=theirs)),
        (raw + " ", signed),
        (raw, signed | {"X-Twilio-Email-Event-Webhook-Timestamp": "1772618401"}),
        (raw, signed | {"X-Twilio-Email-Event-Webhook-Signature": "no base64"}),
    ]
    for body, headers in forged:
        answer = post(url(message), body, headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "signature")
    assert state(message) == NOTHING
    assert post(url(message), raw, signed).json() == {"received": 1, "changed": 1}
    assert state(message) == ("hard", "stopped", True, 1)
    assert post(url(message), raw, signed).json() == {"received": 1, "changed": 0}, "replayed"
    assert state(message) == ("hard", "stopped", True, 1)
    with workspace_scope(mailbox.workspace_id):
        assert "our-secret" not in esp_address(mailbox)
        assert "our-secret" in esp_address(mailbox, inbound=True), "its key does not sign mail that comes in"


def test_sendgrids_mail_is_still_proven_by_our_secret(message: Message) -> None:
    with_key(message, "sendgrid", PUBLIC)
    form = {
        "email": reply(message, "Yes, let us talk.").decode(),
        "envelope": '{"from": "a@x", "to": ["sam@acme.example"]}',
    }
    assert Client().post(url(message, inbound=True), form).status_code == 403
    assert inbox(message) == []
    for changed in (1, 0):
        answer = Client().post(url(message, inbound=True), form, headers=OURS)
        assert answer.json() == {"received": 1, "changed": changed}
    assert inbox(message) == [("reply", message.pk)]


@pytest.mark.parametrize(
    ("service", "key", "words"),
    [
        ("sendgrid", "MFkw-cut-off", "This is no verification key of SendGrid. Copy all of it."),
        ("resend", "whsec_***", "This is no signing secret (whsec_…) of Resend. Copy all of it."),
        ("postmark", "anything", "Postmark signs nothing; the secret in the address proves it. Leave this empty."),
    ],
)
def test_a_key_that_cannot_work_is_refused(
    message: Message, api_client: Any, service: str, key: str, words: str
) -> None:
    mailbox = with_key(message, service, "")
    path = f"/api/v1/mailboxes/{mailbox.pk}/"
    answer = api_client.patch(path, json.dumps({"webhook_key": key}), content_type="application/json")
    error = answer.json()["error"]
    assert (answer.status_code, error["message"], error["field"]) == (400, words, "webhook_key")
    with workspace_scope(message.workspace_id):
        assert Mailbox.objects.get(pk=mailbox.pk).webhook_sealed == mailbox.webhook_sealed


# --- Brevo ----------------------------------------------------------------------------------------------------------------


def brevo(message: Message, **fields: Any) -> str:
    item = {
        "Uuid": ["8e6b1c9a-0b0e-4a6c-9d44-0f4f5a1f9c11"], "MessageId": "<CAF-1@mail.example>", "InReplyTo": message.message_id,
        "From": {"Name": "Ana Ferreira", "Address": ANA}, "To": [{"Name": None, "Address": "sam@acme.example"}], "Cc": [],
        "Recipients": ["sam@acme.example"], "ReplyTo": None, "SentAtDate": "Wed, 4 Mar 2026 10:00:00 +0000",
        "Subject": "Re: A question",
        "Headers": {
            "From": f"Ana Ferreira <{ANA}>", "To": "sam@acme.example", "Subject": "Re: A question",
            "Message-ID": "<CAF-1@mail.example>", "In-Reply-To": f"<{message.message_id}>",
            "Received": ["by mx1.example", "by mx2.example"], "Content-Type": "multipart/mixed; boundary=x",
        },
        "SpamScore": 0.1, "ExtractedMarkdownMessage": "Yes, let us talk on Friday.", "ExtractedMarkdownSignature": None,
        "RawHtmlBody": "<p>Yes, let us talk on Friday.</p>", "RawTextBody": "Yes, let us talk on Friday.\n",
        "Attachments": [
            {"Name": "offer.pdf", "ContentType": "application/pdf", "ContentLength": 9, "ContentID": "", "DownloadToken": "t1"}
        ],
    } | fields  # fmt: skip
    return json.dumps({"items": [item]})


def test_brevos_mail_is_read_like_any_other(message: Message, service_api: Api) -> None:
    with_key(message, "brevo", "")
    target, raw = url(message, inbound=True), brevo(message)
    for headers in ({}, {"Authorization": "Basic " + base64.b64encode(b"leadgen:guess").decode()}):
        assert post(target, raw, headers).status_code == 403
    assert (inbox(message), state(message)) == ([], NOTHING)
    for changed in (1, 0):
        assert post(target, raw, OURS).json() == {"received": 1, "changed": changed}
    assert inbox(message) == [("reply", message.pk)]
    assert state(message)[1] == "stopped"
    assert service_api.asked == [], "what is attached says nothing here and stays there"


def test_a_report_attached_at_brevo_is_fetched(message: Message, service_api: Api) -> None:
    with_key(message, "brevo", "")
    report = (
        b"Reporting-MTA: dns; mx.x.example\r\n\r\nFinal-Recipient: rfc822; " + ANA.encode()
        + b"\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
    )  # fmt: skip
    parts = [
        {
            "Name": "",
            "ContentType": "message/delivery-status",
            "ContentLength": 9,
            "ContentID": "",
            "DownloadToken": "a/../b",
        },
        {"Name": "", "ContentType": "message/rfc822", "ContentLength": 9, "ContentID": "", "DownloadToken": "t2"},
    ]
    parts += [parts[1] | {"DownloadToken": f"more-{n}"} for n in range(50)]
    headers = {
        "From": "Mail Delivery System <mailer-daemon@x.example>", "To": "sam@acme.example", "Subject": "Undelivered mail",
        "Message-ID": "<dsn-1@x.example>",
    }  # fmt: skip
    raw = brevo(
        message,
        Headers=headers,
        RawTextBody="This is the mail system. Delivery has failed.",
        RawHtmlBody="",
        Attachments=parts,
    )
    returned = f"Message-ID: <{message.message_id}>\r\nTo: {ANA}\r\nSubject: A question\r\n\r\nHi\r\n".encode()
    service_api.script = [(200, report), (503, {}), *[(200, found) for found in (report, returned, returned)]]
    target = url(message, inbound=True)
    assert post(target, raw, OURS).status_code == 503, "half of a mail is none: the service tells it again"
    assert (inbox(message), state(message)) == ([], NOTHING)
    assert post(target, raw, OURS).json() == {"received": 1, "changed": 1}
    assert inbox(message) == [("bounce", message.pk)]
    assert state(message)[:3] == ("hard", "stopped", True)
    assert len(service_api.asked) == 2 + 3, "however many are attached, three are fetched"
    assert service_api.asked[0] == ("/inbound/attachments/a%2F..%2Fb", "the-key", "")


def test_mail_without_an_id_told_twice_is_one(message: Message, service_api: Api) -> None:
    with_key(message, "brevo", "")
    raw = brevo(message, Headers={"From": ANA, "To": "sam@acme.example", "Subject": "Hello"})
    for changed in (1, 0):
        assert post(url(message, inbound=True), raw, OURS).json() == {"received": 1, "changed": changed}


def test_a_hook_of_the_whole_domain_hands_mail_to_the_mailbox_it_names(
    message: Message, service_api: Api, globex: Any
) -> None:
    with_key(message, "brevo", "")
    with workspace_scope(globex.pk):
        esp_mailbox("brevo", address="kim@acme.example")
    with workspace_scope(message.workspace_id):
        lee = esp_mailbox("brevo", address="lee@acme.example")
    headers = {"From": ANA, "Subject": "Hello", "Message-ID": "<m-2@mail.example>"}
    for to, name in (("Lee <lee@acme.example>", lee.pk), ("kim@acme.example", message.mailbox_id)):
        raw = brevo(message, Headers=headers | {"To": to, "Message-ID": f"<{name}@mail.example>"})
        assert post(url(message, inbound=True), raw, OURS).json() == {"received": 1, "changed": 1}
        with workspace_scope(message.workspace_id):
            assert InboundMail.objects.get(mime_id=f"{name}@mail.example").mailbox_id == name
    with workspace_scope(globex.pk):
        assert InboundMail.objects.count() == 0, "another workspace's mailbox is none of this hook's"


# --- Resend ---------------------------------------------------------------------------------------------------------------


def resend(**fields: Any) -> str:
    return json.dumps({
        "type": "email.received", "created_at": "2026-03-04T10:00:00.000Z",
        "data": {
            "email_id": MAIL_ID, "created_at": "2026-03-04T09:59:59.000Z", "from": f"Ana <{ANA}>", "to": ["sam@acme.example"],
            "bcc": [], "cc": [], "message_id": "<CAF-9@mail.example>", "subject": "Re: A question", "attachments": [],
        } | fields,
    })  # fmt: skip


def svix(raw: str, *, at: int | None = None, key: bytes = b"k" * 24) -> dict[str, str]:
    at = int(NOW.timestamp()) if at is None else at
    made = hmac.new(key, f"msg_1.{at}.{raw}".encode(), hashlib.sha256).digest()
    return {"svix-id": "msg_1", "svix-timestamp": str(at), "svix-signature": f"v1,{base64.b64encode(made).decode()}"}


def with_resend(message: Message) -> None:
    with_key(message, "resend", f"whsec_{base64.b64encode(b'k' * 24).decode()}")


def test_resends_mail_is_fetched_whole_and_outside_any_transaction(
    message: Message, service_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_resend(message)
    depth, get = len(connection.savepoint_ids), esp_inbound._get
    seen: list[int] = []
    monkeypatch.setattr(esp_inbound, "_get", lambda *a: (seen.append(len(connection.savepoint_ids)), get(*a))[1])
    raw = resend()
    service_api.script = [
        (200, {"object": "email", "id": MAIL_ID, "raw": {"download_url": f"{service_api.url}raw/1?signature=s", "expires_at": "x"}}),
        (200, reply(message, "Yes, let us talk on Friday.", own="CAF-9")),
    ]  # fmt: skip
    assert post(url(message), raw, svix(raw)).json() == {"received": 1, "changed": 1}
    assert inbox(message) == [("reply", message.pk)]
    assert [(path, auth) for path, _, auth in service_api.asked] == [
        (f"/emails/receiving/{MAIL_ID}", "Bearer the-key"),
        ("/raw/1?signature=s", ""),
    ], "the key goes to the API alone"
    assert seen == [depth, depth]
    assert state(message)[1] == "stopped"


def test_resends_mail_told_again_is_not_fetched_again(message: Message, service_api: Api) -> None:
    with_resend(message)
    raw = resend(message_id="<CAF-9@mail.example>")
    service_api.script = [(200, {
        "from": f"Ana <{ANA}>", "to": ["sam@acme.example"], "subject": "Re: A question", "text": "Yes, let us talk.", "html": None,
        "message_id": "<CAF-9@mail.example>", "headers": {"in-reply-to": f"<{message.message_id}>"}, "raw": None,
    })]  # fmt: skip
    for target, changed in ((url(message), 1), (url(message), 0), (url(message, inbound=True), 0)):
        assert post(target, raw, svix(raw)).json() == {"received": 1, "changed": changed}
    assert (len(service_api.asked), inbox(message)) == (1, [("reply", message.pk)])


def test_a_forged_event_of_resend_fetches_nothing(message: Message, service_api: Api) -> None:
    with_resend(message)
    raw, old = resend(), int(NOW.timestamp()) - 600
    for headers in ({}, OURS, svix(raw + " "), svix(raw, at=old), svix(raw, key=b"x" * 24)):
        assert post(url(message), raw, headers).status_code == 403
    away = resend(email_id="../domains")
    assert post(url(message), away, svix(away)).status_code == 400, "an id is no path"
    assert (service_api.asked, inbox(message), state(message)) == ([], [], NOTHING)


def test_a_mail_resend_does_not_hand_out_is_asked_for_again_and_shown(
    message: Message, service_api: Api, as_: Any, alice: Any
) -> None:
    with_resend(message)
    raw = resend()
    service_api.script = [
        (401, {"name": "restricted_api_key", "message": "This API key is restricted to only send emails"})
    ]
    answer = post(url(message), raw, svix(raw))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unfetched")
    assert (inbox(message), state(message)) == ([], NOTHING)
    page = as_(alice).get(f"/w/acme/settings/mailboxes/{message.mailbox_id}/").content.decode()
    assert "Give it an API key with full access." in page
    service_api.script = [
        (200, {"raw": {"download_url": f"{service_api.url}raw/1"}}),
        (200, bounce(message.message_id, ANA)),
    ]  # fmt: skip
    assert post(url(message), raw, svix(raw)).json() == {"received": 1, "changed": 1}
    assert state(message)[:3] == ("hard", "stopped", True)
    with workspace_scope(message.workspace_id):
        assert Mailbox.objects.get().sync_error == ""
        assert Enrolment.objects.get().state == "stopped"


def test_what_is_too_large_or_stands_elsewhere_is_not_taken(
    message: Message, service_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_resend(message)
    raw = resend()
    monkeypatch.setattr(esp_inbound, "FETCH_BYTES", 1000)
    service_api.script = [(200, {"raw": {"download_url": f"{service_api.url}raw/1"}}), (200, b"x" * 2000)]
    assert post(url(message), raw, svix(raw)).status_code == 503
    assert inbox(message) == []
    service_api.script = [
        (200, {"raw": {"download_url": "https://169.254.169.254/latest"}, "from": ANA, "text": "Yes", "to": []})
    ]
    assert post(url(message), raw, svix(raw)).json() == {"received": 1, "changed": 1}, "read from the API's own answer"
    assert len(service_api.asked) == 3


def test_looking_and_later_time(message: Message, clock: Any, service_api: Api) -> None:
    with_resend(message)
    raw = resend()
    signed = svix(raw)
    clock.shift(timedelta(minutes=6))
    assert post(url(message), raw, signed).status_code == 403
    assert Client().get(url(message)).json() == {"ok": True}
    assert service_api.asked == []


def test_a_key_typed_for_another_service_is_left_out_by_the_form(message: Message, as_: Any, alice: Any) -> None:
    """Its field is hidden for a service that signs nothing; nobody could mend an error there."""
    mailbox = with_key(message, "sendgrid", PUBLIC)
    edit = f"/w/acme/settings/mailboxes/{mailbox.pk}/edit/"
    sheet = {
        "address": mailbox.address, "from_name": "Sam", "route": "esp", "esp": "sendgrid", "sync": "push", "esp_key": "k-2",
        "webhook_key": "no key of SendGrid",
    }  # fmt: skip
    refused = as_(alice).post(edit, sheet)
    assert (refused.status_code, "This is no verification key of SendGrid" in refused.content.decode()) == (422, True)
    with workspace_scope(message.workspace_id):
        assert Mailbox.objects.get().webhook_sealed == mailbox.webhook_sealed
    assert as_(alice).post(edit, sheet | {"esp": "postmark"}).status_code == 302
    with workspace_scope(message.workspace_id):
        hooks = opened_dict(Mailbox.objects.get(), "webhook")
    assert hooks["signing_key"] == ""
    assert len(hooks["secret"]) == 64, "a secret of its own for the new service"

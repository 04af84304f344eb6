"""What sending services tell us: forged, foreign, repeated and true events, in each service's own form."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.esp import esp_address
from campaigns.actions.mailbox_secrets import sealed_for
from campaigns.actions.settlement import send_again
from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.rules.tokens import public_token
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Person
from prospects.queries.suppressions import is_suppressed, suppression_of
from tests.campaigns.esp_server import running_api
from tests.campaigns.inbound import reply, sent_to
from tests.campaigns.test_esp import esp_mailbox, one_due
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
OURS = {"Authorization": "Basic " + base64.b64encode(b"leadgen:our-secret").decode()}
ANA = "ana@x.example"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def message(acme: Any) -> Message:
    """A mail to Ana that Postmark took an hour ago."""
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira", email=ANA), esp_mailbox())
        message.provider_id = "pm-1"
        message.save(update_fields=["provider_id"])
        return message


def url(message: Message, inbound: bool = False, mailbox: Mailbox | None = None) -> str:
    row = mailbox.pk if mailbox else message.mailbox_id
    token = public_token("esp", workspace_id=message.workspace_id, row=row)
    return f"/p/esp/{token}/{'in/' if inbound else ''}"


def tell(message: Message, body: Any, headers: dict[str, str] | None = None) -> Any:
    raw = body if isinstance(body, str) else json.dumps(body)
    return Client().post(
        url(message), raw, content_type="application/json", headers=OURS if headers is None else headers
    )


def bounce(**fields: Any) -> dict[str, Any]:
    return {
        "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "MessageID": "pm-1", "Email": ANA, "From": "sam@acme.example",
        "Description": "The server was unable to deliver your message", "Details": "smtp;550 5.1.1 no such user",
        "BouncedAt": "2026-03-04T10:00:00Z", "Metadata": {},
    } | fields  # fmt: skip


def state(message: Message) -> tuple[str, str, bool, int]:
    """(bounce type, enrolment, suppressed, activities of bounces)"""
    with workspace_scope(message.workspace_id):
        message.refresh_from_db()
        enrolment = Enrolment.objects.get(pk=message.enrolment_id)
        return (
            message.bounce_type, enrolment.state, bool(is_suppressed(emails=[ANA])),
            Activity.objects.filter(kind="bounced").count(),
        )  # fmt: skip


NOTHING = ("", "active", False, 0)


def test_a_hard_bounce_is_carried_out_once(message: Message) -> None:
    assert tell(message, bounce()).json() == {"received": 1, "changed": 1}
    assert state(message) == ("hard", "stopped", True, 1)
    assert tell(message, bounce()).json() == {"received": 1, "changed": 0}, "told again"
    with workspace_scope(message.workspace_id):
        row = InboundMail.objects.get()
        assert (row.kind, row.from_name, row.message_id) == ("bounce", "Postmark", message.pk)
        assert "550 5.1.1 no such user" in row.effect
        assert Person.objects.get(email=ANA).email_status == "bounced"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic " + base64.b64encode(b"leadgen:guess").decode()},
        {"Authorization": "Bearer our-secret"},
    ],
)
def test_without_our_secret_nothing_is_read(message: Message, headers: dict[str, str]) -> None:
    answer = tell(message, bounce(), headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "signature")
    assert state(message) == NOTHING


@pytest.mark.parametrize(
    "forged",
    [
        {"MessageID": "pm-2"},
        {"Email": "bob@x.example"},
        {"Email": ""},
        {"MessageID": "", "Metadata": {"lg": "guess@acme.example"}},
    ],
)
def test_an_event_that_names_no_mail_of_ours_changes_nothing(message: Message, forged: dict[str, Any]) -> None:
    assert tell(message, bounce(**forged)).json() == {"received": 1, "changed": 0}
    assert state(message) == NOTHING


def test_a_mail_of_another_mailbox_is_not_touched(acme: Any, message: Message) -> None:
    with workspace_scope(acme.pk):
        other = esp_mailbox(address="other@acme.example")
    answer = Client().post(
        url(message, mailbox=other), json.dumps(bounce()), content_type="application/json", headers=OURS
    )
    assert answer.json() == {"received": 1, "changed": 0}
    assert state(message) == NOTHING


def test_opens_and_clicks_do_not_count(message: Message) -> None:
    opened = {"RecordType": "Open", "MessageID": "pm-1", "Recipient": ANA, "ReceivedAt": "2026-03-04T10:00:00Z"}
    clicked = opened | {"RecordType": "Click", "OriginalLink": "https://acme.example/"}
    for body in (opened, clicked):
        assert tell(message, body).json() == {"received": 1, "changed": 0}
    with workspace_scope(message.workspace_id):
        assert (InboundMail.objects.count(), Activity.objects.count()) == (0, 0)


def test_delivered_settles_an_unknown_message(message: Message) -> None:
    with workspace_scope(message.workspace_id):
        Message.objects.filter(pk=message.pk).update(
            state="unknown", reason_code="no_answer", provider_id="", sent_at=None, settled_at=None
        )
    delivered = {
        "RecordType": "Delivery", "MessageID": "pm-9", "Recipient": ANA, "DeliveredAt": "2026-03-04T10:00:00Z",
        "Metadata": {"lg": message.message_id},
    }  # fmt: skip
    assert tell(message, delivered).json() == {"received": 1, "changed": 1}
    with workspace_scope(message.workspace_id):
        message.refresh_from_db()
        assert (message.state, message.settled_by, message.provider_id) == ("sent", "sending service", "pm-9")
    assert tell(message, delivered).json() == {"received": 1, "changed": 0}


def test_delivered_stops_the_second_copy_of_a_mail_that_a_person_sent_again(message: Message, by_alice: Any) -> None:
    with workspace_scope(message.workspace_id):
        Message.objects.filter(pk=message.pk).update(
            state="unknown", reason_code="no_answer", provider_id="", sent_at=None, settled_at=None
        )
        send_again(message=message, by=by_alice, now=NOW)
    delivered = {
        "RecordType": "Delivery", "MessageID": "pm-9", "Recipient": ANA, "DeliveredAt": "2026-03-04T10:00:00Z",
        "Metadata": {"lg": message.message_id},
    }  # fmt: skip
    assert tell(message, delivered).json() == {"received": 1, "changed": 1}
    with workspace_scope(message.workspace_id):
        message.refresh_from_db()
        assert (message.state, message.reason_code, message.provider_id) == ("sent", "second_stopped", "pm-9")
    assert dispatch_once(now=NOW).sent == 0


def test_an_event_under_the_first_copys_id_tells_that_both_went_out(message: Message) -> None:
    """The service gave the second copy pm-1; what it tells of pm-0 is about the first."""
    with workspace_scope(message.workspace_id):
        first = NOW - timedelta(hours=3)
        Message.objects.filter(pk=message.pk).update(first_submitted_at=first, settled_by="server")
    delivered = {
        "RecordType": "Delivery", "MessageID": "pm-1", "Recipient": ANA, "DeliveredAt": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "Metadata": {"lg": message.message_id},
    }  # fmt: skip
    assert tell(message, delivered).json() == {"received": 1, "changed": 0}, "of the second: nothing new"
    assert tell(message, delivered | {"MessageID": "pm-0"}).json() == {"received": 1, "changed": 1}
    with workspace_scope(message.workspace_id):
        message.refresh_from_db()
        assert (message.state, message.reason_code) == ("sent", "sent_twice")


def test_a_sender_that_died_after_the_service_took_it_is_settled_by_the_event(
    in_acme: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C15: accepted, and nobody was left to write it down. The mail stays unknown, is not sent again, and the event tells."""

    class Killed(BaseException):
        pass

    def kill(point: str) -> None:
        assert point == "C15"
        raise Killed

    with running_api({"MessageID": "pm-5", "ErrorCode": 0, "Message": "OK", "To": ANA}) as api:
        settings.ESP_API_URLS = {"postmark": api.url}
        monkeypatch.setattr("campaigns.transports.esp.crash_point", kill)
        with pytest.raises(Killed):
            one_due(esp_mailbox())
        monkeypatch.setattr("campaigns.transports.esp.crash_point", lambda point: None)
        message = Message.objects.get()
        assert (message.state, len(api.taken)) == ("unknown", 1)
        dispatch_once(now=NOW + timedelta(hours=1))
        delivered = {
            "RecordType": "Delivery", "MessageID": "pm-5", "Recipient": ANA, "DeliveredAt": "2026-03-04T10:00:00Z",
            "Metadata": {"lg": message.message_id},
        }  # fmt: skip
        assert tell(message, delivered).json() == {"received": 1, "changed": 1}
        dispatch_once(now=NOW + timedelta(days=1))
        message.refresh_from_db()
        assert (message.state, message.provider_id, len(api.taken)) == ("sent", "pm-5", 1)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ({"RecordType": "SpamComplaint", "ID": 7, "MessageID": "pm-1", "Email": ANA, "BouncedAt": "2026-03-04T10:00:00Z"},
         "complaint", "complained"),
        ({"RecordType": "SubscriptionChange", "MessageID": "pm-1", "Recipient": ANA, "SuppressSending": True,
          "SuppressionReason": "ManualSuppression", "ChangedAt": "2026-03-04T10:00:00Z"}, "unsubscribe", "unsubscribed"),
    ],
)  # fmt: skip
def test_complaints_and_opt_outs_suppress(message: Message, body: Any, kind: str, reason: str) -> None:
    assert tell(message, body).json() == {"received": 1, "changed": 1}
    assert state(message)[1:3] == ("stopped", True)
    with workspace_scope(message.workspace_id):
        assert InboundMail.objects.get().kind == kind
        found = suppression_of("email", ANA)
        assert found is not None
        assert found.reason == reason


@pytest.mark.parametrize(
    ("changes", "kind", "box"),
    [
        ({"Type": "SoftBounce", "Details": "smtp;452 4.2.2 mailbox full"}, "soft", "active"),
        ({"Type": "Blocked", "Details": "smtp;550 5.7.1 message content rejected"}, "policy", "held"),
        ({"Type": "HardBounce", "Details": "", "Description": "bounced"}, "hard", "active"),
    ],
)
def test_soft_and_policy_never_cost_the_person(message: Message, changes: Any, kind: str, box: str) -> None:
    tell(message, bounce(**changes))
    found = state(message)
    assert (found[0], found[2]) == (kind, kind == "hard")
    with workspace_scope(message.workspace_id):
        assert Mailbox.objects.get().state == box


def with_key(message: Message, service: str, key: str) -> Mailbox:
    with workspace_scope(message.workspace_id):
        mailbox = Mailbox.objects.get(pk=message.mailbox_id)
        mailbox.esp = service
        mailbox.webhook_sealed = sealed_for(
            mailbox, "webhook", json.dumps({"secret": "our-secret", "signing_key": key})
        )
        mailbox.save()
    return mailbox


def test_mailguns_signature_is_asked_for_where_its_key_is_known(message: Message) -> None:
    mailbox = with_key(message, "mailgun", "sign-me")
    body = {
        "signature": {"timestamp": "1772618400", "token": "t" * 50, "signature": ""},
        "event-data": {
            "event": "failed", "severity": "permanent", "reason": "bounce", "timestamp": 1772618400.0, "id": "e1",
            "recipient": ANA, "message": {"headers": {"message-id": "pm-1"}}, "user-variables": {}, "tags": [],
            "delivery-status": {"code": 550, "message": "5.1.1 no such user", "description": ""},
        },
    }  # fmt: skip
    assert tell(message, body).status_code == 403, "our secret is no longer enough"
    signed = hmac.new(b"sign-me", f"1772618400{'t' * 50}".encode(), hashlib.sha256).hexdigest()
    body["signature"]["signature"] = signed  # type: ignore[index]
    assert tell(message, body, {}).json() == {"received": 1, "changed": 1}
    assert state(message)[:3] == ("hard", "stopped", True)
    with workspace_scope(mailbox.workspace_id):
        assert "our-secret" not in esp_address(mailbox)


def test_resends_signature_covers_the_body_and_the_time(message: Message, clock: Any) -> None:
    key = base64.b64encode(b"k" * 24).decode()
    with_key(message, "resend", f"whsec_{key}")
    raw = json.dumps({
        "type": "email.bounced", "created_at": "2026-03-04T10:00:00.000Z",
        "data": {"email_id": "pm-1", "to": [ANA], "from": "sam@acme.example", "subject": "x",
                 "bounce": {"message": "The recipient's mail server answered 550 5.1.1"}},
    })  # fmt: skip

    def headers(body: str, at: int) -> dict[str, str]:
        made = hmac.new(b"k" * 24, f"msg_1.{at}.{body}".encode(), hashlib.sha256).digest()
        return {
            "svix-id": "msg_1",
            "svix-timestamp": str(at),
            "svix-signature": f"v1,{base64.b64encode(made).decode()}",
        }

    at = int(NOW.timestamp())
    assert tell(message, raw, headers(raw + " ", at)).status_code == 403
    assert tell(message, raw, headers(raw, at - 600)).status_code == 403
    assert tell(message, raw, headers(raw, at)).json() == {"received": 1, "changed": 1}
    clock.shift(timedelta(minutes=6))
    assert tell(message, raw, headers(raw, at)).status_code == 403, "a recorded request is worth five minutes"
    assert state(message)[:3] == ("hard", "stopped", True)


def test_mail_that_comes_in_over_the_service_is_read_like_any_other(message: Message) -> None:
    raw = reply(message, "Yes, let us talk on Friday.").decode()
    body = {
        "From": ANA, "FromFull": {"Email": ANA, "Name": ""}, "To": "sam@acme.example", "MessageID": "in-1",
        "OriginalRecipient": "sam@acme.example", "Subject": "Re", "Headers": [], "RawEmail": raw, "Attachments": [],
    }  # fmt: skip
    target = url(message, inbound=True)
    for changed in (1, 0):
        answer = Client().post(target, json.dumps(body), content_type="application/json", headers=OURS)
        assert (answer.status_code, answer.json()) == (200, {"received": 1, "changed": changed})
    with workspace_scope(message.workspace_id):
        mail = InboundMail.objects.get()
        assert (mail.kind, mail.message_id) == ("reply", message.pk)
        assert Enrolment.objects.get().state == "stopped"


def test_nonsense_is_refused_and_looking_changes_nothing(message: Message) -> None:
    target = url(message)
    assert tell(message, "{not json").status_code == 400
    assert tell(message, "[1]").status_code == 400
    assert Client().get(target).json() == {"ok": True}
    assert Client().head(target).status_code == 200
    assert Client().post("/p/esp/guess/", "{}", content_type="application/json", headers=OURS).status_code == 404
    with workspace_scope(message.workspace_id):
        Mailbox.objects.update(route="smtp", host="127.0.0.1")
    assert tell(message, bounce()).status_code == 404, "a mailbox of another route takes no events"
    assert state(message) == NOTHING

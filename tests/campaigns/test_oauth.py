"""Consent at Google and Microsoft against a provider on loopback: code, rotation, refusal, and who may."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry, SystemMail
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.mailbox_checks import check_connection
from campaigns.actions.mailbox_secrets import opened_dict, sealed_for
from campaigns.actions.oauth import TokenRefused, TokenUnavailable, access_token
from campaigns.actions.sending import send_due
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Mailbox, Message
from campaigns.transports.oauth import challenge_of, xoauth2_string
from leadgen.core.tenancy import workspace_scope
from prospects.models import Task
from tests.campaigns.oauth_server import Provider, TokenSmtp, running_provider, running_token_smtp
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running_provider() as provider:
        settings.MAILBOX_OAUTH = provider.settings()
        yield provider


@pytest.fixture
def smtp(provider: Provider) -> Iterator[TokenSmtp]:
    with running_token_smtp(provider) as server:
        yield server


def token_mailbox(port: int = 2525, **fields: Any) -> Mailbox:
    return make_mailbox(port, auth="microsoft", username="", **fields)


def connected(provider: Provider, port: int = 2525, *, expires: datetime | None = None, **fields: Any) -> Mailbox:
    """A mailbox whose consent was given; its access token has run out unless `expires` says otherwise."""
    mailbox = token_mailbox(port, oauth_expires_at=expires or NOW - timedelta(hours=1), **fields)
    provider.refresh_tokens.add("refresh-0")
    provider.access_tokens.add("access-0")
    kept = {"refresh_token": "refresh-0", "access_token": "access-0", "scope": "mail"}
    mailbox.oauth_sealed = sealed_for(mailbox, "oauth", json.dumps(kept))
    mailbox.save(update_fields=["oauth_sealed"])
    return mailbox


def token(mailbox: Mailbox, now: datetime = NOW) -> str:
    return access_token(workspace_id=mailbox.workspace_id, mailbox_id=mailbox.pk, now=now)


def consent(client: Client, mailbox: Mailbox, provider: Provider) -> str:
    """Press Connect, agree at the provider, come back: the address of the page one lands on."""
    page = client.post(f"/w/acme/settings/mailboxes/{mailbox.pk}/connect/", headers={"HX-Request": "true"})
    parts = urlsplit(page["HX-Redirect"])
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    assert asked["redirect_uri"] == "http://localhost:8000/p/oauth/"
    assert (asked["code_challenge_method"], asked["login_hint"]) == ("S256", mailbox.address)
    assert asked["scope"] == "mail offline_access"
    provider.codes["the-code"] = asked["code_challenge"]
    back = client.get("/p/oauth/", {"code": "the-code", "state": asked["state"]})
    assert back.status_code == 302
    return str(back["Location"])


def test_consent_becomes_a_token_and_mail_goes_out_with_it(
    acme: Any, alice: Any, as_: Any, provider: Provider, smtp: TokenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadgen.core.tasks._send", lambda *args: None)
    with workspace_scope(acme.pk):
        mailbox = token_mailbox(smtp.port)
    client = as_(alice)
    assert "Connect with Microsoft" in client.get(f"/w/acme/settings/mailboxes/{mailbox.pk}/").content.decode()
    landed = consent(client, mailbox, provider)
    page = client.get(landed)
    assert "Microsoft agreed" in page.content.decode()
    with workspace_scope(acme.pk):
        assert not Mailbox.objects.get().oauth_sealed, "coming back changes nothing yet"
    query = {key: values[0] for key, values in parse_qs(urlsplit(landed).query).items()}
    assert client.post(landed, query).status_code == 302
    with workspace_scope(acme.pk):
        found = check_connection(mailbox=Mailbox.objects.get(), now=NOW)
        assert (found.works, found.words) == (True, f"127.0.0.1:{smtp.port} accepted the log-in.")
        make_enrolment(make_sequence([EMAIL], mailbox=mailbox), make_person(), mailbox=mailbox)
        mark_enrolments(NOW)
        dispatch_once(now=NOW)
        assert Message.objects.get().state == "sent"
        kept = opened_dict(Mailbox.objects.get(), "oauth")
        assert kept == {"refresh_token": "refresh-1", "access_token": "access-1", "scope": ""}
        assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"mailbox.connected"}
        with connection.cursor() as cursor:
            cursor.execute("SELECT campaigns_mailbox::text FROM campaigns_mailbox")
            assert "refresh-1" not in cursor.fetchone()[0]
    assert set(smtp.logins) == {("sam@acme.example", "access-1")}
    assert len(smtp.accepted) == 1
    assert len(provider.asked) == 1, "one exchange serves test and mail"
    assert "Connected." in client.get(f"/w/acme/settings/mailboxes/{mailbox.pk}/").content.decode()


def test_the_log_in_line_is_googles_and_microsofts() -> None:
    assert xoauth2_string("a@b.example", "tok") == "user=a@b.example\x01auth=Bearer tok\x01\x01"


def test_each_refresh_keeps_the_new_refresh_token(acme: Any, in_acme: Any, provider: Provider) -> None:
    mailbox = connected(provider)
    assert token(mailbox) == "access-1"
    assert token(mailbox, NOW + timedelta(minutes=57)) == "access-1", "still good for three minutes"
    assert token(mailbox, NOW + timedelta(minutes=59)) == "access-2", "renewed before it ends"
    assert [form["refresh_token"] for form in provider.asked] == ["refresh-0", "refresh-1"]
    assert provider.refresh_tokens == {"refresh-2"}
    mailbox.refresh_from_db()
    assert opened_dict(mailbox, "oauth")["refresh_token"] == "refresh-2"


def test_a_provider_that_keeps_the_old_refresh_token_is_served_too(acme: Any, in_acme: Any, provider: Provider) -> None:
    provider.rotates = False
    mailbox = connected(provider)
    assert [token(mailbox), token(mailbox, NOW + timedelta(hours=2))] == ["access-1", "access-2"]
    assert [form["refresh_token"] for form in provider.asked] == ["refresh-0", "refresh-0"]


def test_a_revoked_consent_holds_the_mailbox_and_tells_its_owner_once(
    acme: Any, in_acme: Any, alice: Any, by_alice: Any, provider: Provider, smtp: TokenSmtp
) -> None:
    mailbox = connected(provider, smtp.port, member=alice.member)
    provider.refresh_tokens.clear()
    make_enrolment(make_sequence([EMAIL], mailbox=mailbox), make_person(), mailbox=mailbox)
    mark_enrolments(NOW)
    dispatch_once(now=NOW)
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.state_code) == ("held", "oauth")
    assert "does not accept the consent any more" in mailbox.state_reason
    message = Message.objects.get()
    assert (message.state, smtp.accepted) == ("planned", [])
    assert "Connect the mailbox again" in message.hold_reason
    with pytest.raises(TokenRefused, match="Connect the mailbox again"):
        token(mailbox)
    assert list(SystemMail.objects.values_list("to", "kind")) == [("alice@acme.example", "mailbox_held")]
    assert Task.objects.count() == 1
    # Connected again, it sends by itself.
    kept = {"code": "new", "verifier": "v" * 43, "code_at": NOW.isoformat()}
    provider.codes["new"] = challenge_of("v" * 43)
    mailbox.oauth_sealed = sealed_for(mailbox, "oauth", json.dumps(kept))
    mailbox.save(update_fields=["oauth_sealed"])
    assert token(mailbox).startswith("access-")
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.last_error) == ("active", "")


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, {}), (429, {"error": "temporarily_unavailable"}), (401, {"error": "invalid_client"}), (200, {"x": 1})],
)
def test_a_provider_in_trouble_delays_and_holds_nothing(
    acme: Any, in_acme: Any, provider: Provider, smtp: TokenSmtp, status: int, body: dict[str, Any]
) -> None:
    mailbox = connected(provider, smtp.port)
    make_enrolment(make_sequence([EMAIL], mailbox=mailbox), make_person(), mailbox=mailbox)
    mark_enrolments(NOW)
    provider.trouble = (status, body)
    with pytest.raises(TokenUnavailable):
        token(mailbox)
    dispatch_once(now=NOW)
    mailbox.refresh_from_db()
    assert (mailbox.state, Message.objects.get().state) == ("active", "planned")
    provider.trouble = None
    send_due(workspace_id=acme.pk, mailbox_id=mailbox.pk, now=NOW + timedelta(minutes=16))
    assert Message.objects.get().state == "sent"


def test_a_token_the_server_refuses_is_explained(acme: Any, in_acme: Any, provider: Provider, smtp: TokenSmtp) -> None:
    mailbox = connected(provider, smtp.port, expires=NOW + timedelta(hours=1))
    provider.access_tokens.clear()
    found = check_connection(mailbox=mailbox, now=NOW)
    broken = next(step for step in found.steps if step.ok is False)
    assert (broken.part, broken.name) == ("SMTP", "Log-in")
    assert "refused the OAuth log-in: 535 5.7.3" in broken.words
    assert '"status":"401"' in broken.words
    assert "agree with the account of this very address" in broken.remedy


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_refresh_once(acme: Any, provider: Provider) -> None:
    with workspace_scope(acme.pk):
        mailbox = connected(provider)
    provider.slow = threading.Event()
    got: list[str] = []

    def worker() -> None:
        try:
            got.append(token(mailbox))
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = threading.Event()
    for _ in range(100):
        if provider.asked:
            break
        deadline.wait(0.05)
    provider.slow.set()
    for thread in threads:
        thread.join(20)
    assert got == ["access-1"] * 3
    assert len(provider.asked) == 1


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(
    acme: Any, alice: Any, as_: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    monkeypatch.setattr("leadgen.core.tasks._send", lambda *args: None)
    with workspace_scope(acme.pk):
        mailbox, other = token_mailbox(), token_mailbox(address="b@acme.example")
    mine, attacker = as_(alice), as_(alice)
    landed = consent(mine, mailbox, provider)
    query = {key: values[0] for key, values in parse_qs(urlsplit(landed).query).items()}
    page = f"/w/acme/settings/mailboxes/{mailbox.pk}/connected/"
    assert attacker.post(page, query).status_code == 403, "another session of the same person"
    assert mine.post(f"/w/acme/settings/mailboxes/{other.pk}/connected/", query).status_code == 403, "another mailbox"
    assert mine.post(page, query).status_code == 403, "used up by the try before"
    landed = consent(mine, mailbox, provider)
    query = {key: values[0] for key, values in parse_qs(urlsplit(landed).query).items()}
    assert mine.post(page, query | {"state": query["state"] + "x"}).status_code == 403
    landed = consent(mine, mailbox, provider)
    query = {key: values[0] for key, values in parse_qs(urlsplit(landed).query).items()}
    clock.shift(timedelta(minutes=16))
    assert "no consent to finish" in mine.get(landed).content.decode()
    assert mine.post(page, query).status_code == 403, "older than a quarter of an hour"
    assert mine.get("/p/oauth/", {"code": "x", "state": "forged"}).status_code == 404
    with workspace_scope(acme.pk):
        assert not Mailbox.objects.exclude(oauth_sealed="").exists()


def test_one_that_nobody_connected_yet_is_neither_held_nor_mailed_about(
    acme: Any, in_acme: Any, alice: Any, provider: Provider
) -> None:
    mailbox = token_mailbox(member=alice.member)
    with pytest.raises(TokenRefused, match="Nobody has connected this mailbox with Microsoft yet"):
        token(mailbox)
    kept = {"code": "bad", "verifier": "v" * 43, "code_at": NOW.isoformat()}
    mailbox.oauth_sealed = sealed_for(mailbox, "oauth", json.dumps(kept))
    mailbox.save(update_fields=["oauth_sealed"])
    with pytest.raises(TokenRefused, match="This code is not good"):
        token(mailbox)
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.oauth_sealed) == ("active", "")
    assert not SystemMail.objects.exists()
    found = check_connection(mailbox=mailbox, now=NOW)
    assert [(step.part, step.name, step.ok) for step in found.steps] == [("Microsoft", "Consent", False)]


def test_a_refusal_at_the_provider_is_told(acme: Any, alice: Any, as_: Any, provider: Provider) -> None:
    with workspace_scope(acme.pk):
        mailbox = token_mailbox()
    page = as_(alice).get(f"/w/acme/settings/mailboxes/{mailbox.pk}/connected/", {"error": "access_denied"})
    assert (page.status_code, "Nobody agreed" in page.content.decode()) == (200, True)


def test_a_token_only_goes_to_its_providers_servers(
    acme: Any, alice: Any, as_: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadgen.core.tasks._send", lambda *args: None)
    sheet = {
        "address": "ana@acme.example", "from_name": "Ana", "route": "smtp", "auth": "microsoft", "host": "smtp.evil.example",
        "port": "587", "security": "starttls", "sync": "imap", "imap_host": "imap.evil.example", "daily_cap": "30",
        "min_gap_seconds": "60", "warmed_up": "yes", "window_weekdays": ["0", "1"],
    }  # fmt: skip
    made = as_(alice).post("/w/acme/settings/mailboxes/new/", sheet)
    assert made.status_code == 302, made.content.decode()[:3000]
    with workspace_scope(acme.pk):
        mailbox = Mailbox.objects.get()
        assert (mailbox.host, mailbox.port) == ("smtp.office365.com", 587)
        assert (mailbox.imap_host, mailbox.imap_port) == ("outlook.office365.com", 993)
    sheet |= {"auth": "google", "address": "b@acme.example"}
    refused = as_(alice).post("/w/acme/settings/mailboxes/new/", sheet)
    assert refused.status_code == 422
    assert "LEADGEN_GOOGLE_CLIENT_ID" in refused.content.decode()


def test_who_may_connect_and_disconnect(
    acme: Any, alice: Any, bob: Any, charlie: Any, as_: Any, provider: Provider
) -> None:
    with workspace_scope(acme.pk):
        mailbox = connected(provider)
    url = f"/w/acme/settings/mailboxes/{mailbox.pk}/"
    for tail in ("connect/", "connected/", "disconnect/"):
        assert as_(bob).post(url + tail).status_code == 403
        assert as_(charlie).post(url + tail).status_code == 404
    with workspace_scope(acme.pk):
        assert Mailbox.objects.get().oauth_sealed == mailbox.oauth_sealed
    assert as_(alice).post(f"{url}disconnect/").status_code == 302
    with workspace_scope(acme.pk):
        assert Mailbox.objects.get().oauth_sealed == ""
        assert AuditEntry.objects.get().action == "mailbox.disconnected"
        with pytest.raises(TokenRefused, match="Nobody has connected"):
            token(mailbox)

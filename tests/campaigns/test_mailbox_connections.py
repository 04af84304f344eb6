"""Every connection setting of a mailbox: presets, reading over IMAP, and where a password may go."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from campaigns.actions.connections import imap_account, smtp_account
from campaigns.actions.mailbox_checks import check_connection
from campaigns.actions.mailbox_secrets import sealed_for
from campaigns.actions.mailboxes import PACE_FIELDS
from campaigns.models import Mailbox
from campaigns.rules.providers import PROVIDERS, provider_of_address, same_house
from campaigns.rules.remedies import remedy
from campaigns.transports.oauth import xoauth2_string
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.sink import running_sink
from tests.conftest import NOW
from tests.factories.campaigns import make_mailbox

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}
SHEET = {
    "address": "ana@acme.example", "from_name": "Ana", "route": "smtp", "auth": "password", "host": "smtp.one.example",
    "port": "587", "security": "starttls", "username": "ana", "password": "smtp-secret", "sync": "imap",
    "imap_host": "imap.one.example", "imap_port": "993", "imap_security": "tls", "copy_to_sent": "on",
    "signature": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("leadgen.core.tasks._send", lambda *args: None)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def edit(acme: Any, alice: Any, as_: Any) -> Any:
    """`edit(**changes)`: save the made mailbox's form with these fields, no password typed; the status code."""
    client = as_(alice)
    url = client.post("/w/acme/settings/mailboxes/new/", SHEET)["Location"] + "edit/"

    def save(**changes: Any) -> tuple[int, str]:
        answer = client.post(url, SHEET | {"password": ""} | changes)
        return answer.status_code, answer.content.decode()

    return save


def stored(acme: Any) -> Mailbox:
    with workspace_scope(acme.pk):
        return Mailbox.objects.get()


def test_everything_that_was_typed_is_kept(acme: Any, edit: Any) -> None:
    mailbox = stored(acme)
    assert (mailbox.sync, mailbox.imap_host, mailbox.imap_port, mailbox.copy_to_sent) == (
        "imap",
        "imap.one.example",
        993,
        True,
    )
    account = imap_account(mailbox)
    assert (account.username, account.password) == ("ana", "smtp-secret"), "as for SMTP"
    assert edit(imap_password="imap-secret", copy_to_sent="")[0] == 302
    mailbox = stored(acme)
    assert (imap_account(mailbox).password, smtp_account(mailbox).password) == ("imap-secret", "smtp-secret")
    assert mailbox.copy_to_sent is False


def test_the_pace_stands_on_its_own_page_alone(acme: Any, alice: Any, as_: Any, edit: Any) -> None:
    before = {name: getattr(stored(acme), name) for name in PACE_FIELDS}
    page = as_(alice).get(f"/w/acme/settings/mailboxes/{stored(acme).pk}/edit/").content.decode()
    for name in (*PACE_FIELDS, "warmed_up"):
        assert f'name="{name}"' not in page, name
    assert edit(from_name="Ana of Acme", daily_cap="500", domain_cap="5", window_start="09:00", weight="9")[0] == 302
    mailbox = stored(acme)
    assert mailbox.from_name == "Ana of Acme"
    assert {name: getattr(mailbox, name) for name in PACE_FIELDS} == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"host": "smtp.evil.example"}, "only used with the server it was given for"),
        ({"username": "bob"}, "only used with the server it was given for"),
        ({"imap_host": "imap.evil.example"}, "will be used with this IMAP server too"),
        ({"imap_username": "bob"}, "will be used with this IMAP server too"),
    ],
)
def test_a_password_goes_to_no_other_server(acme: Any, edit: Any, changes: Any, field: str) -> None:
    status, page = edit(**changes)
    assert (status, field in page) == (422, True)
    assert stored(acme).imap_host == "imap.one.example"
    assert edit(**changes, password="smtp-secret")[0] == 302, "typed again it may"


def test_nor_by_a_detour_over_not_reading(acme: Any, edit: Any) -> None:
    assert edit(sync="push", imap_host="imap.evil.example")[0] == 302, "nothing is read there"
    status, page = edit(sync="imap", imap_host="imap.evil.example")
    assert (status, "will be used with this IMAP server too" in page) == (422, True)


def test_an_imap_password_goes_to_no_other_server(acme: Any, edit: Any) -> None:
    assert edit(imap_password="imap-secret")[0] == 302
    status, page = edit(imap_host="imap.evil.example")
    assert (status, "only used with the server it was given for" in page) == (422, True)
    assert edit(sync="none", imap_host="imap.evil.example")[0] == 302
    assert stored(acme).imap_password_sealed == "", "not read any more: forgotten rather than kept for another server"


def test_nor_by_a_detour_over_another_log_in(acme: Any, edit: Any, settings: Any) -> None:
    google = settings.MAILBOX_OAUTH["google"] | {"client_id": "x"}
    settings.MAILBOX_OAUTH = {**settings.MAILBOX_OAUTH, "google": google}
    assert edit(auth="google")[0] == 302
    mailbox = stored(acme)
    assert (mailbox.host, mailbox.imap_host) == ("smtp.gmail.com", "imap.gmail.com")
    assert mailbox.password_sealed == "", "it was given for another server"


def test_servers_of_one_provider_share_a_password() -> None:
    assert same_house("smtp.gmail.com", "imap.gmail.com")
    assert same_house("SMTP.office365.com.", "outlook.office365.com")
    assert not same_house("smtp.gmail.com", "imap.mail.yahoo.com")
    assert not same_house("smtp.gmail.com", "smtp.gmail.com.evil.example")
    assert not same_house("", "imap.gmail.com")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imap_host": ""}, "Give the IMAP server"),
        ({"imap_port": "22"}, "Port 22 is not a mail port"),
        ({"imap_host": "10.0.0.5"}, "is inside a private network"),
        ({"imap_security": "none"}, "Without encryption the password would be readable"),
        ({"host": ""}, "Give the SMTP server"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(acme: Any, alice: Any, as_: Any, changes: Any, words: str) -> None:
    answer = as_(alice).post("/w/acme/settings/mailboxes/new/", SHEET | changes)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    with workspace_scope(acme.pk):
        assert not Mailbox.objects.exists()


def test_a_providers_servers_fill_the_form(acme: Any, alice: Any, as_: Any) -> None:
    client = as_(alice)
    page = client.get("/w/acme/settings/mailboxes/new/", {"address": "ana@gmail.com", "provider": ""}, headers=HX)
    assert 'value="smtp.gmail.com"' in page.content.decode()
    assert 'value="imap.gmail.com"' in page.content.decode()
    assert "App passwords" in page.content.decode()
    page = client.get(
        "/w/acme/settings/mailboxes/new/", {"address": "ana@acme.example", "provider": "fastmail"}, headers=HX
    )
    assert 'value="smtp.fastmail.com"' in page.content.decode()
    assert client.get("/w/acme/settings/mailboxes/new/", {"address": "ana@acme.example"}, headers=HX).status_code == 204
    assert provider_of_address("x@Outlook.com") is PROVIDERS["microsoft"]
    assert provider_of_address("x@acme.example") is None


@pytest.mark.parametrize(
    ("step", "words", "host", "expected"),
    [
        ("login", "535 5.7.139 Authentication unsuccessful", "smtp.office365.com", "Choose “Microsoft (OAuth)”"),
        ("login", "534 5.7.9 Application-specific password required", "smtp.gmail.com", "Google account › Security"),
        ("login", "535 5.7.8 Username and Password not accepted", "smtp.gmail.com", "Make an app password"),
        ("login", "535 bad", "mail.acme.example", "Check user name and password"),
        ("login", "530 5.7.0 Must issue a STARTTLS command first", "mail.acme.example", "wants encryption first"),
        ("tls", "certificate that cannot be trusted", "mail.acme.example", "the certificate is made out to that name"),
        ("tls", "[SSL: WRONG_VERSION_NUMBER] wrong version number", "mail.acme.example", "does not begin with TLS"),
        ("connection", "nothing listens there", "mail.acme.example", "587 (STARTTLS) or 465 (TLS)"),
        ("name", "has no address", "mail.acme.example", "MAIL_HOST_ALLOW"),
    ],
)
def test_each_failure_has_a_remedy(step: str, words: str, host: str, expected: str) -> None:
    assert expected in remedy(step=step, words=words, host=host)


@contextmanager
def scripted_imap(*, password: str = "secret", sent: bool = True, token: str = "") -> Iterator[int]:
    """An IMAP server that knows a log-in (XOAUTH2 for `token`) and two folders; enough for the connection test."""
    can = b"IMAP4rev1 SPECIAL-USE AUTH=XOAUTH2"
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"* OK [CAPABILITY " + can + b"] ready\r\n")
            for line in lines:
                tag, word = line.split()[0], line.split()[1].upper()
                answer = b"OK done"
                if word == b"LOGIN" and f'"{password}"'.encode() not in line:
                    answer = b"NO [AUTHENTICATIONFAILED] Invalid credentials"
                elif word == b"AUTHENTICATE":
                    connection.sendall(b"+ \r\n")
                    if base64.b64decode(lines.readline()).decode() != xoauth2_string("sam@acme.example", token):
                        connection.sendall(b"+ " + base64.b64encode(b'{"status":"400"}') + b"\r\n")
                        lines.readline()
                        answer = b"NO AUTHENTICATE failed"
                elif word == b"CAPABILITY":
                    connection.sendall(b"* CAPABILITY " + can + b"\r\n")
                elif word == b"LIST":
                    connection.sendall(b'* LIST () "/" INBOX\r\n')
                    connection.sendall(b'* LIST (\\Sent) "/" Gesendet\r\n' if sent else b'* LIST () "/" Other\r\n')
                connection.sendall(tag + b" " + answer + b"\r\n")
                if word == b"LOGOUT":
                    return

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def reading_mailbox(smtp: int, imap: int, password: str) -> Mailbox:
    mailbox = make_mailbox(smtp, sync="imap", imap_host="127.0.0.1", imap_port=imap, imap_security="none")
    mailbox.imap_password_sealed = sealed_for(mailbox, "imap_password", password)
    mailbox.save()
    return mailbox


@pytest.mark.parametrize(
    ("password", "sent", "steps", "words"),
    [
        ("secret", True, [True, True, True, True], "mail that was sent is in “Gesendet”"),
        ("secret", False, [True, True, True, True], "none of them known as Sent"),
        ("wrong", True, [True, True, False], "refused user name or password"),
    ],
)
def test_reading_is_tested_too(in_acme: Any, password: str, sent: bool, steps: list[bool], words: str) -> None:
    with running_sink() as sink, scripted_imap(sent=sent) as port:
        found = check_connection(mailbox=reading_mailbox(sink.port, port, password), now=NOW)
    assert [step.ok for step in found.steps if step.part == "IMAP"] == steps
    assert words in found.words
    assert found.works is all(steps)


@pytest.mark.parametrize(("token", "works"), [("tok-1", True), ("another", False)])
def test_reading_by_token(in_acme: Any, token: str, works: bool) -> None:
    """The token that sends also reads; it goes nowhere as a password."""
    with running_sink() as sink, scripted_imap(token=token) as port:
        sink.script |= {"EHLO": "250-sink\r\n250 AUTH XOAUTH2", "AUTH": "235 ok"}
        mailbox = reading_mailbox(sink.port, port, "")
        mailbox.auth, mailbox.oauth_expires_at = "google", NOW + timedelta(hours=1)
        mailbox.oauth_sealed = sealed_for(mailbox, "oauth", json.dumps({"access_token": "tok-1", "refresh_token": "r"}))
        mailbox.save()
        found = check_connection(mailbox=mailbox, now=NOW)
    assert [(step.part, step.ok) for step in found.steps if step.name == "Log-in"] == [("SMTP", True), ("IMAP", works)]
    if not works:
        assert "refused the OAuth log-in" in found.words
        assert "agree with the account of this very address" in found.words


def test_the_api_takes_all_of_it_and_gives_no_secret(acme: Any, alice: Any, api: Any) -> None:
    client = api(alice)
    body = {
        "address": "ana@acme.example", "from_name": "Ana", "route": "esp", "esp": "mailjet", "esp_key": "KEY-1",
        "esp_secret": "KEY-2", "webhook_key": "", "sync": "imap", "imap_host": "imap.one.example", "imap_username": "ana",
        "imap_password": "IMAP-1", "domain_cap": 3, "window_weekdays": [0, 1],
    }  # fmt: skip
    made = client.post("/api/v1/mailboxes/", json.dumps(body), content_type="application/json")
    assert made.status_code == 201, made.content
    text = made.content.decode()
    assert not any(secret in text for secret in ("KEY-1", "KEY-2", "IMAP-1"))
    assert (made.json()["esp"], made.json()["connected"], made.json()["check_steps"]) == ("mailjet", False, [])
    path = f"/api/v1/mailboxes/{made.json()['id']}/"
    moved = client.patch(path, json.dumps({"imap_host": "imap.evil.example"}), content_type="application/json")
    assert (moved.status_code, moved.json()["error"]["field"]) == (400, "imap_password")
    other = client.patch(path, json.dumps({"esp": "brevo"}), content_type="application/json")
    assert (other.status_code, other.json()["error"]["field"]) == (400, "esp_key")

"""Mailboxes in the settings and the API: secrets go in and never come out; the network stays out of transactions."""

import hashlib
import hmac
import json
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts.models import AuditEntry
from accounts.queries.health import HEALTH_CHECKS
from campaigns.actions.mailbox_checks import check_connection
from campaigns.models import InboundMail, Mailbox
from campaigns.queries.mailboxes import mailbox_health
from campaigns.tasks import check_mailbox
from leadgen.core import egress
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import keyed_mailbox, reply, sent_to
from tests.campaigns.sink import running_sink
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.campaigns import make_mailbox
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
PASSWORD = "s3cret-App-Passw0rd"
SHEET = {
    "address": "Ana@Acme.example", "from_name": "Ana Ferreira", "host": "127.0.0.1", "port": "2525", "security": "none",
    "username": "ana", "password": PASSWORD, "signature": "Ana",
}  # fmt: skip


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tasks that were enqueued, as (name, arguments)."""
    found: list[Any] = []
    monkeypatch.setattr("leadgen.core.tasks._send", lambda name, args, queue: found.append((name, args)))
    return found


def test_the_password_is_sealed_and_never_shown(
    acme: Any, alice: Any, as_: Any, rung: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    client = as_(alice)
    with django_capture_on_commit_callbacks(execute=True):
        made = client.post("/w/acme/settings/mailboxes/new/", SHEET)
    assert made.status_code == 302
    with workspace_scope(acme.pk):
        mailbox = Mailbox.objects.get()
        assert mailbox.address == "ana@acme.example"
        with connection.cursor() as cursor:
            cursor.execute("SELECT campaigns_mailbox::text FROM campaigns_mailbox")
            assert PASSWORD not in cursor.fetchone()[0]
        assert PASSWORD not in json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert rung == [("campaigns.check_mailbox", [str(acme.pk), str(mailbox.pk)])], "the connection is tested at once"
    for url in (made["Location"], f"{made['Location']}edit/", "/w/acme/settings/mailboxes/"):
        page = client.get(url)
        assert page.status_code == 200
        assert PASSWORD not in page.content.decode()
    assert "Connecting to 127.0.0.1:2525" in client.get(made["Location"]).content.decode()


def test_an_empty_password_keeps_the_stored_one_and_another_server_needs_it_again(
    acme: Any, alice: Any, as_: Any, rung: list[Any]
) -> None:
    client = as_(alice)
    url = client.post("/w/acme/settings/mailboxes/new/", SHEET)["Location"] + "edit/"
    with workspace_scope(acme.pk):
        sealed = Mailbox.objects.get().password_sealed
    assert client.post(url, SHEET | {"password": "", "from_name": "Ana F."}).status_code == 302
    stolen = client.post(url, SHEET | {"password": "", "host": "localhost"})
    assert stolen.status_code == 422
    assert "Type the password again" in stolen.content.decode()
    with workspace_scope(acme.pk):
        mailbox = Mailbox.objects.get()
        assert (mailbox.from_name, mailbox.host, mailbox.password_sealed) == ("Ana F.", "127.0.0.1", sealed)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "10.0.0.5", "port": "587", "security": "tls"}, "is inside a private network"),
        ({"host": "smtp.provider.example", "port": "22", "security": "tls"}, "Port 22 is not a mail port"),
        (
            {"host": "smtp.provider.example", "port": "587", "security": "none"},
            "Without encryption the password would be readable",
        ),
        ({"address": "not an address"}, "Enter a valid email address"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    acme: Any, alice: Any, as_: Any, changes: dict[str, str], words: str
) -> None:
    answer = as_(alice).post("/w/acme/settings/mailboxes/new/", SHEET | changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with workspace_scope(acme.pk):
        assert not Mailbox.objects.exists()


def test_an_address_is_one_mailbox(acme: Any, alice: Any, as_: Any, in_acme: Any) -> None:
    make_mailbox(address="ana@acme.example")
    answer = as_(alice).post("/w/acme/settings/mailboxes/new/", SHEET)
    assert answer.status_code == 422
    assert "ana@acme.example is a mailbox here already" in answer.content.decode()


def test_the_connection_test_logs_in_and_sends_nothing(acme: Any, alice: Any, as_: Any, rung: list[Any]) -> None:
    with running_sink() as sink, workspace_scope(acme.pk):
        mailbox = make_mailbox(sink.port)
        as_(alice).post(f"/w/acme/settings/mailboxes/{mailbox.pk}/check/")
        check_mailbox(str(acme.pk), str(mailbox.pk))
        assert (sink.connections, sink.accepted) == (1, [])
        mailbox.refresh_from_db()
        assert (mailbox.check_ok, mailbox.checked_at is not None) == (True, True)
        page = as_(alice).get(f"/w/acme/settings/mailboxes/{mailbox.pk}/", headers={"HX-Request": "true"})
        assert f"127.0.0.1:{sink.port} answered; no log-in is set." in page.content.decode()
        assert "hx-trigger" not in page.content.decode(), "nothing more to ask for"


def test_each_failure_is_explained(acme: Any, in_acme: Any) -> None:
    def tried(mailbox: Mailbox) -> tuple[list[tuple[str, bool | None]], str, str]:
        found = check_connection(mailbox=mailbox, now=NOW)
        broken = next(step for step in found.steps if step.ok is False)
        assert not found.works
        return [(step.name, step.ok) for step in found.steps], broken.words, broken.remedy

    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    steps, words, remedy = tried(make_mailbox(free))
    assert steps == [("Name", True), ("Connection", False), ("Log-in", None)]
    assert "refused the connection: nothing listens there" in words
    assert "587 (STARTTLS) or 465 (TLS)" in remedy
    with running_sink() as sink:
        plain = make_mailbox(sink.port, address="b@acme.example", security="starttls")
        steps, words, remedy = tried(plain)
        assert steps == [("Name", True), ("Connection", True), ("Encryption", False), ("Log-in", None)]
        assert "cannot be used" in words
        assert "offers no STARTTLS on this port" in remedy
        sink.script["AUTH"] = "535 5.7.8 wrong password"
        sink.script["EHLO"] = "250-sink\r\n250 AUTH PLAIN"
        bad = make_mailbox(sink.port, address="c@acme.example", username="ana")
        steps, words, remedy = tried(bad)
        assert steps == [("Name", True), ("Connection", True), ("Log-in", False)]
        assert "refused user name or password: 535" in words
        assert "often the whole address" in remedy
        sink.script["AUTH"] = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
        assert "Choose “Microsoft (OAuth)”" in tried(bad)[2]


def test_a_name_that_resolves_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the name server says something else at the second look: the checked address is the one connected to."""
    answers = iter([["192.0.2.10", "10.0.0.5"]])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (address, 587)) for address in next(answers)]
    )
    with pytest.raises(Invalid, match="inside a private network"):
        egress.open_connection("smtp.provider.example", 587, 1.0)


def test_a_test_no_worker_answers_says_so(acme: Any, alice: Any, as_: Any, clock: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox(check_asked_at=NOW)
    clock.shift(timedelta(minutes=2))
    page = as_(alice).get(f"/w/acme/settings/mailboxes/{mailbox.pk}/").content.decode()
    assert "No worker answered the request to test it" in page


def test_hold_and_release_with_a_reason(acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
    url = f"/w/acme/settings/mailboxes/{mailbox.pk}/"
    assert as_(alice).post(f"{url}hold/", {"reason": ""}).status_code == 422
    assert as_(alice).post(f"{url}hold/", {"reason": "3 % bounces"}).status_code == 302
    assert "3 % bounces" in as_(alice).get(url).content.decode()
    with workspace_scope(acme.pk):
        assert Mailbox.objects.get().state == "held"
    assert as_(alice).post(f"{url}release/").status_code == 302
    with workspace_scope(acme.pk):
        assert (Mailbox.objects.get().state, Mailbox.objects.get().state_reason) == ("active", "")
        assert set(AuditEntry.objects.values_list("action", flat=True)) == {"mailbox.held", "mailbox.active"}


def test_a_new_key_is_shown_once_works_as_the_example_says_and_ends_the_old_one(
    acme: Any, alice: Any, as_: Any, client: Any
) -> None:
    with workspace_scope(acme.pk):
        mailbox = keyed_mailbox()
        old = mailbox.inbound_sealed
    page = as_(alice).post(f"/w/acme/settings/mailboxes/{mailbox.pk}/key/")
    text = page.content.decode()
    key = re.search(r'id="key">([0-9a-f]{64})<', text)
    url = re.search(r"https?://[^/]+(/p/in/[^<\s]+)", text)
    assert key is not None
    assert url is not None
    assert page["Cache-Control"].startswith("max-age=0")
    assert key[1] not in as_(alice).get(f"/w/acme/settings/mailboxes/{mailbox.pk}/").content.decode()
    raw, stamp = reply(None, "Hello"), str(int(NOW.timestamp()))
    signature = hmac.new(key[1].encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    answer = client.post(
        url[1], raw, content_type="message/rfc822", headers={"X-Leadgen-Signature": f"t={stamp},v1={signature}"}
    )
    assert answer.status_code == 201
    with workspace_scope(acme.pk):
        mailbox.refresh_from_db()
        assert (InboundMail.objects.count(), mailbox.last_inbound_at, mailbox.inbound_sealed == old) == (1, NOW, False)


def test_who_may(acme: Any, charlie: Any, bob: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
    url = f"/w/acme/settings/mailboxes/{mailbox.pk}/"
    mia = make_member(acme, "marketer", "mia@acme.example")
    assert as_(bob).get(url).status_code == 200
    for tail in ("edit/", "check/", "hold/", "release/", "key/"):
        assert as_(bob).post(url + tail).status_code == 403
        assert as_(charlie).post(url + tail).status_code == 404
    assert as_(mia).get(f"{url}edit/").status_code == 200
    with workspace_scope(acme.pk):
        assert not AuditEntry.objects.exists()


def test_the_dot_in_the_top_bar(acme: Any, in_acme: Any) -> None:
    assert mailbox_health in HEALTH_CHECKS
    assert mailbox_health(acme) is None
    make_mailbox()
    assert mailbox_health(acme)["label"] == "The answers in sam@acme.example were never read"  # type: ignore[index]
    make_mailbox(address="b@acme.example")
    Mailbox.objects.filter(address="b@acme.example").update(state="held")
    found = mailbox_health(acme)
    assert found is not None
    assert (found["tone"], found["label"]) == ("danger", "1 of 2 mailboxes held")


def test_the_api(acme: Any, alice: Any, api: Any, rung: list[Any]) -> None:
    client = api(alice)

    def send(method: str, path: str, data: Any) -> Any:
        return getattr(client, method)(f"/api/v1/mailboxes/{path}", json.dumps(data), content_type="application/json")

    made = send("post", "", {**SHEET, "port": 2525, "daily_cap": 30, "min_gap_seconds": 0})
    assert made.status_code == 201, made.content
    body = made.json()
    assert "password" not in body
    assert (body["used"], body["waiting"], body["state"], body["check_state"]) == (0, 0, "warming", "running")
    with workspace_scope(acme.pk):
        sent_to(make_person("Ana"), Mailbox.objects.get())
    assert client.get(f"/api/v1/mailboxes/{body['id']}/").json()["used"] == 1
    assert [row["address"] for row in client.get("/api/v1/mailboxes/").json()["results"]] == ["ana@acme.example"]
    assert send("post", f"{body['id']}/hold/", {"reason": "list is being cleaned"}).json()["state"] == "held"
    assert send("post", f"{body['id']}/release/", {}).json()["state"] == "warming"
    assert send("post", f"{body['id']}/check/", {}).status_code == 202
    assert send("patch", f"{body['id']}/", {"host": "localhost"}).json()["error"]["field"] == "password"
    assert send("patch", f"{body['id']}/", {"daily_cap": 5}).json()["daily_cap"] == 5
    assert api(alice, "mailboxes.view").post(f"/api/v1/mailboxes/{body['id']}/release/").status_code == 403

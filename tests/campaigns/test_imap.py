"""The IMAP conversation against servers that are odd, broken or hostile, and against Dovecot where it may be ordinary."""

import base64
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.transports import imap, imap_client
from campaigns.transports.imap import Folder, ImapAccount, ImapConversation, ImapError
from campaigns.transports.imap_folders import display_name, role_of
from tests.campaigns.test_mailsync import dovecot
from tests.dovecot import DOVECOT, MISSING, PASSWORD, Dovecot

__all__ = ["dovecot"]
needs_dovecot = pytest.mark.skipif(DOVECOT is None, reason=MISSING)
Say = Callable[[bytes, bytes], bytes]
CAPABILITIES = b"* CAPABILITY IMAP4rev1 IDLE AUTH=XOAUTH2\r\n"


@contextmanager
def server(say: Say, *, greeting: bytes = b"* OK ready\r\n") -> Iterator[int]:
    """A server of one connection: `say(tag, command)` is what it answers; b"" closes the line."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        with line, line.makefile("rb") as lines:
            line.sendall(greeting)
            for said in lines:
                tag, _, command = said.strip().partition(b" ")
                answer = say(tag, command)
                if not answer:
                    return
                line.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(5)


def usual(tag: bytes, command: bytes) -> bytes:
    """What any server says."""
    if command == b"CAPABILITY":
        return CAPABILITIES + tag + b" OK done\r\n"
    if command == b"LOGOUT":
        return b"* BYE\r\n" + tag + b" OK done\r\n"
    return tag + b" OK done\r\n"


def account(port: int, **fields: Any) -> ImapAccount:
    values = {"host": "127.0.0.1", "port": port, "security": "none", "username": "ana@x.example", "password": "pass"}
    return ImapAccount(**(values | fields))


def failure(port: int, **fields: Any) -> ImapError:
    with pytest.raises(ImapError) as raised, ImapConversation(account(port, **fields)):
        pass
    return raised.value


def test_xoauth2_sends_user_and_token_and_tells_what_the_provider_said() -> None:
    heard: list[bytes] = []

    def say(tag: bytes, command: bytes) -> bytes:
        if command.startswith(b"AUTHENTICATE"):
            assert command == b"AUTHENTICATE XOAUTH2"
            return b"+ \r\n"
        if tag and not command:  # an answer to "+"
            heard.append(base64.b64decode(tag))
            return tags[0] + b" OK in\r\n"
        return usual(tag, command)

    tags: list[bytes] = []

    def with_tag(tag: bytes, command: bytes) -> bytes:
        if command.startswith(b"AUTHENTICATE"):
            tags.append(tag)
        return say(tag, command)

    with server(with_tag) as port, ImapConversation(account(port, token="t0ken")):
        assert heard == [b"user=ana@x.example\x01auth=Bearer t0ken\x01\x01"]


def test_a_refused_token_is_permanent_and_told_with_the_providers_words() -> None:
    said = base64.b64encode(b'{"status":"400","scope":"https://mail.google.com/"}')
    tags: list[bytes] = []
    answers = [b"+ \r\n", b"+ " + said + b"\r\n"]

    def say(tag: bytes, command: bytes) -> bytes:
        if command.startswith(b"AUTHENTICATE"):
            tags.append(tag)
            return answers[0]
        if tags and not command:
            return answers[1] if tag else tags[0] + b" NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"
        return usual(tag, command)

    with server(say) as port:
        error = failure(port, token="old")
    assert error.permanent
    assert "refused the OAuth log-in of ana@x.example: " in error.message
    assert "Invalid credentials" in error.message
    assert "https://mail.google.com/" in error.message
    assert error.message.endswith("Connect the mailbox again.")


def test_no_password_is_sent_where_the_server_wants_none_on_a_plain_line() -> None:
    commands: list[bytes] = []

    def say(tag: bytes, command: bytes) -> bytes:
        commands.append(command)
        if command == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n" + tag + b" OK done\r\n"
        return usual(tag, command)

    with server(say) as port:
        error = failure(port)
    assert "takes no password on a line without encryption" in error.message
    assert not [command for command in commands if b"LOGIN" in command.upper().split()[:1]]


def test_what_is_injected_before_tls_is_never_read_as_if_it_came_by_tls() -> None:
    def say(tag: bytes, command: bytes) -> bytes:
        if command == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK done\r\n"
        if command == b"STARTTLS":
            return tag + b" OK begin\r\n* CAPABILITY IMAP4rev1 EVIL\r\n"
        return usual(tag, command)

    with server(say) as port:
        assert "injected before TLS" in failure(port, security="starttls").message


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve() -> None:
        line, _ = listener.accept()
        with line:
            try:
                context.wrap_socket(line, server_side=True).close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        error = failure(listener.getsockname()[1], security="tls")
    assert "shows a certificate that cannot be trusted" in error.message
    assert not error.permanent


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.mark.parametrize(
    ("greeting", "words"),
    [(b"* BYE too many connections\r\n", "too many connections"), (b"220 smtp ready\r\n", "cannot be used"), (b"", "cannot be used")],
)  # fmt: skip
def test_a_server_that_does_not_greet_as_imap(greeting: bytes, words: str) -> None:
    with server(lambda tag, command: b"", greeting=greeting) as port:
        if not greeting:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(imap, "TIMEOUT", 0.2)
                assert "did not answer within" in failure(port).message
        else:
            assert words in failure(port).message


def test_a_piece_that_is_too_large_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_client, "MAX_LITERAL", 1000)

    def say(tag: bytes, command: bytes) -> bytes:
        if command.startswith(b"UID FETCH"):
            return b"* 1 FETCH (UID 1 BODY[]<0> {1001}\r\n" + b"x" * 1001 + b")\r\n" + tag + b" OK done\r\n"
        return usual(tag, command)

    with server(say) as port, ImapConversation(account(port)) as line:
        line.select("INBOX")
        with pytest.raises(ImapError, match="a piece of 1001 bytes"):
            list(line.mails([1]))
        assert not line.connected


def test_a_uid_behind_the_piece_and_flags_of_others_are_understood() -> None:
    def say(tag: bytes, command: bytes) -> bytes:
        if command.startswith(b"UID FETCH"):
            return (
                b"* 9 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (RFC822.SIZE 70 BODY[HEADER.FIELDS (MESSAGE-ID)] {4}\r\nabcd"
                b" UID 41)\r\n* 2 FETCH (UID 42 RFC822.SIZE 7 BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\nxy)\r\n" + tag + b" OK done\r\n"
            )  # fmt: skip
        return usual(tag, command)

    with server(say) as port, ImapConversation(account(port)) as line:
        line.select("INBOX")
        assert [(head.uid, head.size, head.raw) for head in line.heads([41, 42])] == [(41, 70, b"abcd"), (42, 7, b"xy")]


def test_idle_ends_by_news_by_time_by_the_wake_and_by_the_server() -> None:
    news = [b"* 3 EXISTS\r\n", b"* OK still here\r\n", b"", b"* BYE shutting down\r\n"]

    def say(tag: bytes, command: bytes) -> bytes:
        if command == b"IDLE":
            tags.append(tag)
            return b"+ idling\r\n" + news.pop(0)  # in the same packet: no wait on the socket would see it
        if tag == b"DONE":
            return tags[-1] + b" OK done\r\n"
        return usual(tag, command)

    tags: list[bytes] = []
    wake, waker = os.pipe()
    with server(say) as port, ImapConversation(account(port)) as line:
        assert line.can_idle
        assert line.idle(seconds=10) is True
        assert line.idle(seconds=0.05) is False
        os.close(waker)
        assert line.idle(seconds=30, wake=wake) is False
        with pytest.raises(ImapError, match="shutting down"):
            line.idle(seconds=10)
    os.close(wake)


@pytest.mark.parametrize(
    ("name", "flags", "role"),
    [
        ("INBOX", set(), "inbox"), ("inbox", set(), "inbox"), ("[Gmail]/Alle Nachrichten", {"\\all"}, "all"),
        ("[Gmail]/Gesendet", {"\\sent", "\\hasnochildren"}, "sent"), ("INBOX.Sent", set(), "sent"),
        ("Gesendete Elemente", set(), "sent"), ("&AMk-l&AOk-ments envoy&AOk-s", set(), "sent"), ("Junk E-Mail", set(), "junk"),
        ("Customers", set(), "other"), ("Customers/Sent", set(), "sent"), ("Papierkorb", set(), "trash"), ("Drafts", set(), "drafts"),
    ],
)  # fmt: skip
def test_what_a_folder_is_for(name: str, flags: set[str], role: str) -> None:
    assert role_of(name, flags) == role


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A &- B", "A & B"),
        ("&AMk-", "É"),
        ("&ZeVnLIqe-", "日本語"),
        ("&broken", "&broken"),
        ("&2D0-", "&2D0-"),
        ("&A-", "&A-"),
    ],
)
def test_folder_names_are_decoded_and_broken_ones_shown_as_they_are(name: str, shown: str) -> None:
    assert display_name(name) == shown


@needs_dovecot
def test_folders_with_odd_names_are_listed_opened_and_written_to(dovecot: Dovecot) -> None:
    user = "odd@acme.example"
    odd = 'A "q" \\ (b) %'
    dovecot.maildir(user, odd)
    with ImapConversation(account(dovecot.port, username=user, password=PASSWORD)) as line:
        assert Folder(odd, "other") in line.folders()
        line.append(
            odd,
            b"Message-ID: <1@x.example>\r\nTo: ana@lumen.example\r\n\r\nHi\r\n",
            at=datetime(2026, 3, 4, tzinfo=UTC),
        )
        state = line.select(odd)
        assert (state.total, state.uidnext) == (1, 2)
        assert (line.find("1@x.example"), line.find('1@x.example" OR ALL')) == ([1], [])
        assert line.uids_after(0, since=date(2026, 3, 4)) == [1]
        assert line.uids_after(0, since=date(2026, 3, 5)) == []
        assert line.uids_after(1, since=date(2026, 3, 1)) == []
        with pytest.raises(ImapError, match="refused opening folder Nowhere"):
            line.select("Nowhere")
        assert line.connected

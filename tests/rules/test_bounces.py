"""Bounces of many mail programs, and what must never be taken for one."""

import base64

import pytest

from campaigns.rules.bounces_verdict import judge
from campaigns.rules.inbound import read_mail
from tests.rules.bounce_samples import SAMPLES
from tests.rules.mails import DATA, NOW, THREAD, half_of, needs_data, raw_mail, read, rows_of

BOB = "bob@acme.example"


def bounced(headers, body, kind="text/plain; charset=utf-8", extra=""):
    raw = f"{headers}\nTo: ana@leadgen.example\nMessage-ID: <b1@x.example>\nMIME-Version: 1.0\nContent-Type: {kind}\n{extra}\n{body}"
    return read_mail(raw.encode(), received=NOW)


@pytest.mark.parametrize(("name", "headers", "body", "wanted"), SAMPLES, ids=[sample[0] for sample in SAMPLES])
def test_a_mail_program_is_understood(name, headers, body, wanted):
    found = bounced(headers, body)
    assert found.kind == "bounce"
    assert {recipient.address: recipient.type for recipient in found.recipients} == wanted


FIELDS = "Reporting-MTA: dns; mx.acme.example\n\nFinal-Recipient: rfc822; bob@acme.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n"
DAEMON = "From: MAILER-DAEMON@acme.example\nSubject: Undelivered Mail"
REPORT = 'multipart/report; report-type=delivery-status; boundary="b"'


def report(fields=FIELDS, head="", after=""):
    return f"--b\nContent-Type: text/plain\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n{head}\n{fields}\n{after}--b--\n"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(f"{DAEMON}\nContent-Type: {REPORT}\n\n{report()}".encode(), id="plain"),
        pytest.param(f"{DAEMON}\nContent-Type: {REPORT}\n\n{report()}".replace("\n", "\r").encode(), id="cr-only"),
        pytest.param(f"{DAEMON}\nContent-Type: {REPORT}\n\n{report()}".encode("utf-16"), id="utf-16"),
        pytest.param(f"\r\n\r\n{DAEMON}\nContent-Type: {REPORT}\n\n{report()}".encode(), id="blank lines first"),
        pytest.param(f"{DAEMON}\nContent-Type: {REPORT}\n\n{report(base64.b64encode(FIELDS.encode()).decode(), 'Content-Transfer-Encoding: base64' + chr(10))}".encode(), id="base64"),
        pytest.param(f"{DAEMON}\nContent-Type: {REPORT}\n\n{report(FIELDS.replace('@', '=40'), 'Content-Transfer-Encoding: quoted-printable' + chr(10))}".encode(), id="quoted-printable"),
        pytest.param(f"{DAEMON}\nContent-Type: text/plain\n\n{report()}".encode(), id="the MIME header lost"),
        pytest.param(f"{DAEMON}\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n{DAEMON}\nContent-Type: {REPORT}\n\n{report()}\n--x--".encode(), id="wrapped by a gateway"),
    ],
)  # fmt: skip
def test_a_report_survives_what_gateways_do_to_it(raw):
    found = read_mail(raw, received=NOW)
    assert found.kind == "bounce"
    (recipient,) = found.recipients
    assert (recipient.address, recipient.type, recipient.status) == (BOB, "hard", "5.1.1")
    assert "user unknown" in recipient.diagnostic


def test_an_internationalised_report_names_its_recipient():
    fields = "Final-Recipient: utf-8; b\\x{F6}b@acme.example\nAction: failed\nStatus: 5.1.1\n"
    body = f"--b\nContent-Type: text/plain\n\nx\n--b\nContent-Type: message/global-delivery-status; charset=utf-8\n\nReporting-MTA: dns; x\n\n{fields}\n--b--\n"
    (recipient,) = bounced(DAEMON, body, REPORT.replace("delivery-status", "global-delivery-status")).recipients
    assert (recipient.address, recipient.type) == ("böb@acme.example", "hard")


def test_the_address_we_wrote_to_counts_and_the_last_one_is_kept():
    fields = "Original-Recipient: rfc822; bob@acme.example\nFinal-Recipient: rfc822; robert@mail.acme.example\nAction: failed\nStatus: 5.1.1\n"
    (recipient,) = bounced(DAEMON, report("Reporting-MTA: dns; x\n\n" + fields), REPORT).recipients
    assert (recipient.address, recipient.final) == (BOB, "robert@mail.acme.example")


def test_several_recipients_are_judged_one_by_one():
    body = (
        "This is the mail system at host mx.acme.example.\n\n<bob@acme.example>: host mx said: 550 5.1.1 User unknown\n\n"
        "<eve@acme.example>: host mx said: 552 5.2.2 Mailbox full\n\n<joe@acme.example>: host mx said: 554 5.7.1 Spam\n"
    )
    found = bounced(DAEMON, body)
    assert {r.address: r.type for r in found.recipients} == {
        BOB: "hard",
        "eve@acme.example": "soft",
        "joe@acme.example": "policy",
    }


def test_a_report_that_says_too_little_is_read_with_its_words():
    fields = "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; bob@acme.example\nAction: failed\nStatus: 5.0.0\n"
    body = report(fields).replace("It failed.", "<bob@acme.example>:\nSorry, the mailbox is full.")
    (recipient,) = bounced(DAEMON, body, REPORT).recipients
    assert (recipient.type, recipient.reason, recipient.status) == ("soft", "the mailbox is full (5.0.0)", "5.0.0")


@pytest.mark.parametrize(
    ("status", "words", "type_", "reason"),
    [
        ("5.7.1", "550 5.7.1 user unknown", "hard", "the mailbox does not exist (5.7.1)"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", "hard", "the mailbox does not exist (5.4.1)"),
        ("5.4.4", "Host not found", "hard", "the domain takes no mail (5.4.4)"),
        ("5.2.1", "550 5.2.1 rate limit, try again later", "soft", "the mailbox takes no mail for now (5.2.1)"),
        ("4.4.7", "delivery expired; last answer 550 5.1.1 user unknown", "hard", "the mailbox does not exist (5.1.1)"),
        ("5.1.1", "550 5.1.1 mailbox is full", "soft", "the mailbox is full (5.1.1)"),
        (
            "5.1.0",
            "550 5.1.0 sender rejected",
            "policy",
            "the server refused it because of its sender or content (5.1.0)",
        ),
        ("", "550 Usuario desconocido", "hard", "the mailbox does not exist"),
        ("", "Das Postfach ist voll", "soft", "the mailbox is full"),
        (
            "",
            "550 blocked using zen.spamhaus.example",
            "policy",
            "the server refused it because of its sender or content",
        ),
        ("", "connection timed out", "soft", "it could not be delivered for now"),
    ],
)
def test_status_and_words_decide_together(status, words, type_, reason):
    verdict = judge(status, words)
    assert (verdict.type, verdict.reason) == (type_, reason)


TAIL = "\r\n\r\n> This is the mail system at host mx.\r\n> <bob@acme.example>: 550 5.1.1 User unknown\r\n> Final-Recipient: rfc822; bob@acme.example\r\n> Action: failed"


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param("It came back, see below. Is this your address?" + TAIL, {"subject": "Re: Undelivered Mail Returned to Sender", "extra": THREAD}, id="a reply that quotes a bounce"),
        pytest.param("FYI, this bounced." + TAIL.replace("> ", ""), {"subject": "Fwd: Mail delivery failed", "extra": THREAD}, id="a bounce passed on"),
        pytest.param("The delivery failed twice, our mailbox was full. Try bob2@acme.example.", {"subject": "Delivery failed"}, id="a person tells of a failure"),
        pytest.param("Why e-mail delivery fails: 550 5.1.1 and other codes explained.", {"subject": "Mail delivery failed? Five tips", "extra": ("List-Id: <n.example>", "List-Unsubscribe: <https://x.example>")}, id="a newsletter on bounces"),
        pytest.param("I am out of the office until 3 December. Undelivered mail goes to carl@acme.example.", {"subject": "Out of office", "extra": ("Auto-Submitted: auto-replied", "Return-Path: <>")}, id="an absence note"),
        pytest.param("Your parcel could not be delivered. Delivery failed.", {"subject": "Delivery failed: parcel 123", "sender": "Post <info@parcels.example>"}, id="a parcel"),
        pytest.param("Please find attached. I got this bounce from your server.", {"subject": "Problem delivering", "extra": THREAD}, id="a person about a problem"),
    ],
)  # fmt: skip
def test_what_only_speaks_of_a_bounce_is_none(body, parts):
    found = read(body, **parts)
    assert found.kind != "bounce"
    assert found.recipients == ()


def test_a_bounce_attached_by_a_person_is_no_bounce():
    body = f"--x\nContent-Type: text/plain\n\nLook what I got.\n--x\nContent-Type: message/rfc822\n\n{DAEMON}\nContent-Type: {REPORT}\n\n{report()}\n--x--"
    found = read(body, subject="Your mail", kind="multipart/mixed; boundary=x")
    assert (found.kind, found.recipients) == ("reply", ())


def test_a_read_receipt_is_no_bounce():
    body = "--b\nContent-Type: text/plain\n\nYour message was read.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; bob@acme.example\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--"
    found = read(
        body, subject="Read: Hello", kind='multipart/report; report-type=disposition-notification; boundary="b"'
    )
    assert found.kind != "bounce"


def test_a_complaint_of_hotmail_names_us_by_the_mail_it_returns():
    # Hotmail's reports hold the mail alone; Yahoo's name the recipient in Original-Rcpt-To.
    raw = raw_mail(
        "--b\r\nContent-Type: text/plain\r\n\r\nComplaint\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: <bob@acme.example>\r\nTo: bob@acme.example\r\nMessage-ID: <m1@leadgen.example>\r\n\r\nHi\r\n--b--",
        kind='multipart/report; report-type=feedback-report; boundary="b"', sender="staff@hotmail.example",
    )  # fmt: skip
    found = read_mail(raw, received=NOW)
    assert found.kind == "complaint"
    assert [(r.address, r.type) for r in found.recipients] == [(BOB, "policy")]
    assert found.original_ids == ("m1@leadgen.example",)


@needs_data
def test_known_bounces_in_both_halves(record_property):
    """Figures for docs/data.md: the rules were written against the first half, the second was only counted."""
    wanted, temporary = {}, {}
    for row in rows_of("bounces/flufl_expected.csv"):
        wanted.setdefault(row["file"], set()).update(row["recipients"].lower().split())
        temporary[row["file"]] = row["temporary"] == "true"
    table = {"tune": [0, 0, 0, 0], "hold": [0, 0, 0, 0]}
    for name, addresses in wanted.items():
        if not addresses:
            continue
        found = read_mail((DATA / "bounces" / "flufl" / name).read_bytes(), received=NOW)
        line = table[half_of(name)]
        line[0] += 1
        line[1] += {recipient.address for recipient in found.recipients} == addresses
        if temporary[name]:
            line[2] += 1
            line[3] += all(recipient.type == "soft" for recipient in found.recipients)
    for half, (files, right, soft, soft_right) in table.items():
        record_property(half, f"{right}/{files} recipients, {soft_right}/{soft} temporary ones soft")
        assert right >= 0.95 * files, (half, table)
        assert soft_right == soft, (half, table)

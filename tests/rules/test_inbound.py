"""Incoming mail: what it is, what is new in it, and whom a bounce is about."""

import csv
import os
import unittest.mock
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.bounces import classify
from campaigns.rules.inbound import read_mail
from campaigns.rules.intent import classify_reply
from campaigns.rules.reply_text import new_text

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DATA = Path(os.environ.get("LEADGEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the sample data is not at {DATA}")


def mail(
    body="Hello", *, subject="Re: Hello", sender="Bob <Bob@Acme.example>", extra=(), kind="text/plain; charset=utf-8"
):
    headers = [
        f"From: {sender}", "To: Ana <ana@leadgen.example>", f"Subject: {subject}", "Date: Sat, 21 Nov 2026 10:00:00 +0100",
        "Message-ID: <r1@acme.example>", f"Content-Type: {kind}", *extra,
    ]  # fmt: skip
    return read_mail("\r\n".join([*headers, "", body]).encode(), received=NOW)


def rows_of(name):
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


THREAD = ("In-Reply-To: <m2@leadgen.example>", "References: <m1@leadgen.example>\r\n <m2@leadgen.example>")
REPORT = 'multipart/report; report-type=delivery-status; boundary="b"'


def dsn(fields, human="It failed.", original="Message-ID: <m1@leadgen.example>\r\nSubject: Hello"):
    return mail(
        f"--b\r\nContent-Type: text/plain\r\n\r\n{human}\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.acme.example\r\n\r\n{fields}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n\r\n--b--\r\n",
        subject="Undelivered Mail Returned to Sender",
        sender="MAILER-DAEMON@mx.acme.example",
        extra=("Auto-Submitted: auto-replied", "MIME-Version: 1.0"),
        kind=REPORT,
    )


def test_a_reply_is_read_with_its_thread_and_only_its_new_text():
    found = mail(
        "Sounds great, let's talk on Monday.\r\n\r\nBest regards\r\nBob\r\n\r\nOn Fri, 20 Nov 2026 at 09:00, Ana <ana@leadgen.example> wrote:\r\n"
        "> Hi Bob\r\n> To stop: unsubscribe\r\n",
        sender='"=?utf-8?q?B=C3=B6b?=" <Bob@Acme.example>',
        extra=THREAD,
    )
    assert found.kind == "reply"
    assert found.text == "Sounds great, let's talk on Monday."
    assert (found.from_name, found.from_address, found.to) == ("Böb", "bob@acme.example", ("ana@leadgen.example",))
    assert (found.message_id, found.in_reply_to) == ("r1@acme.example", "m2@leadgen.example")
    assert found.references == ("m1@leadgen.example", "m2@leadgen.example")
    assert found.original_ids == ("m2@leadgen.example", "m1@leadgen.example")
    assert found.date == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert found.intent.intent == "meeting"
    assert found.reason == "an answer in a thread"


def test_quoted_words_neither_unsubscribe_nor_decide():
    quoted = "\r\n".join(
        [
            "Yes, please send more details.",
            "",
            "On Fri, Ana <ana@leadgen.example> wrote:",
            "> Not interested? unsubscribe here",
        ]
    )
    assert (mail(quoted, extra=THREAD).kind, mail(quoted, extra=THREAD).intent.intent) == ("reply", "positive")
    outlook = "Please unsubscribe me\r\n\r\n-----Original Message-----\r\nFrom: Ana <ana@leadgen.example>\r\nSubject: Hello\r\n\r\nLet's talk"
    assert mail(outlook, extra=THREAD).kind == "unsubscribe"


def test_html_is_read_without_what_it_quotes():
    html = (
        "<html><head><style>p{}</style></head><body><p>Can you share <b>pricing</b>?</p>"
        '<div class="gmail_quote">On Fri Ana wrote:<blockquote>unsubscribe</blockquote></div></body></html>'
    )
    found = mail(html, kind="text/html; charset=utf-8", extra=THREAD)
    assert found.text == "Can you share pricing?"
    assert found.intent.intent == "question"


@pytest.mark.parametrize(
    ("body", "subject"),
    [("Please remove me from your list", "Re: x"), ("unsubscribe", "Re: x"), ("", "unsubscribe"), ("Stop emailing me!", "Re: x"),
     ("Bitte keine weiteren Mails", "AW: x"), ("STOP contacting us", "x")],
)  # fmt: skip
def test_who_asks_to_be_left_alone_is_unsubscribed(body, subject):
    found = mail(body, subject=subject)
    assert found.kind == "unsubscribe"
    assert found.intent.intent == "opt_out"


@pytest.mark.parametrize(
    ("fields", "type_", "action", "reason"),
    [
        ("Final-Recipient: rfc822; Bob@acme.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown",
         "hard", "failed", "the mailbox does not exist (5.1.1)"),
        ("Final-Recipient: rfc822;bob@acme.example\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 5.1.1 no",
         "hard", "failed", "the mailbox does not exist (5.1.1)"),
        ("Final-Recipient: rfc822; bob@acme.example\r\nAction: failed\r\nStatus: 5.2.2", "soft", "failed", "the mailbox is full (5.2.2)"),
        ("Final-Recipient: rfc822; bob@acme.example\r\nAction: failed\r\nStatus: 4.4.7", "soft", "failed",
         "the server could not be reached in time (4.4.7)"),
        ("Final-Recipient: rfc822; bob@acme.example\r\nAction: failed\r\nStatus: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.7.1 blocked",
         "policy", "failed", "the server refused it because of its sender or content (5.7.1)"),
        ("Final-Recipient: utf-8; bob@acme.example\r\nAction: failed\r\nStatus: 5.1.2", "hard", "failed", "the domain does not exist (5.1.2)"),
    ],
)  # fmt: skip
def test_a_delivery_report_names_recipient_type_and_reason(fields, type_, action, reason):
    found = dsn(fields)
    assert found.kind == "bounce"
    (recipient,) = found.recipients
    assert (recipient.address, recipient.type, recipient.action, recipient.reason) == (
        "bob@acme.example",
        type_,
        action,
        reason,
    )
    assert found.original_ids == ("m1@leadgen.example",)
    assert found.intent is None


def test_a_delay_is_no_bounce():
    found = dsn("Final-Recipient: rfc822; bob@acme.example\r\nAction: delayed\r\nStatus: 4.4.1")
    assert found.kind == "other"
    assert [(r.address, r.type, r.action) for r in found.recipients] == [("bob@acme.example", "soft", "delayed")]
    assert found.reason == "a notice that delivery is delayed: no bounce, the server keeps trying"


def test_a_report_of_success_bounces_nobody():
    found = dsn("Final-Recipient: rfc822; bob@acme.example\r\nAction: delivered\r\nStatus: 2.0.0")
    assert (found.kind, found.recipients) == ("auto_reply", ())


@pytest.mark.parametrize(
    ("status", "diagnostic", "type_"),
    [
        ("5.7.1", "550 5.7.1 recipient address rejected: user unknown", "hard"),
        ("5.7.26", "550 5.7.26 unauthenticated mail, DMARC", "policy"),
        ("5.1.8", "sender domain", "policy"),
        ("5.3.4", "message too big", "soft"),
        ("", "550 mailbox not found", "hard"),
        ("", "554 blocked using a blocklist", "policy"),
        ("", "452 try again later", "soft"),
        ("", "", "soft"),
    ],
)
def test_an_address_is_blamed_only_with_evidence(status, diagnostic, type_):
    assert classify(status, diagnostic)[0] == type_


@pytest.mark.parametrize(
    ("extra", "subject", "body", "why"),
    [
        (("Auto-Submitted: auto-replied",), "Re: x", "Hi", "Auto-Submitted: auto-replied"),
        (("X-Autoreply: yes",), "Re: x", "Hi", "the header X-Autoreply"),
        (("Precedence: auto_reply",), "Re: x", "Hi", "Precedence: auto_reply"),
        (("Return-Path: <>",), "Re: x", "Hi", "the empty return path"),
        ((), "Automatic reply: Hello", "Hi", "the subject “Automatic reply: Hello”"),
        ((), "Abwesenheitsnotiz: Hello", "Hi", "the subject “Abwesenheitsnotiz: Hello”"),
        ((), "=?utf-8?q?R=C3=A9ponse_automatique?=", "Hi", "the subject “Réponse automatique”"),
        ((), "Re: x", "Hi,\r\n\r\nI am out of office until Monday.", "the words “Hi, I am out of office”"),
    ],
)
def test_machines_do_not_count_as_replies(extra, subject, body, why):
    found = mail(body, subject=subject, extra=extra)
    assert found.kind == "auto_reply"
    assert found.reason == f"automatic answer by {why}"
    assert found.intent is None


def test_a_person_writing_no_in_auto_submitted_is_a_person():
    assert mail("Yes, please.", extra=("Auto-Submitted: no",)).kind == "reply"


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("I will be back on 3 December.", date(2026, 12, 3)),
        ("I am away until December 3rd, 2026.", date(2026, 12, 4)),
        ("I return on Monday, 30 November 2026", date(2026, 11, 30)),
        ("Ich bin bis zum 03.12.2026 nicht im Büro.", date(2026, 12, 4)),
        ("Ich bin ab dem 4. Januar wieder erreichbar", date(2027, 1, 4)),
        ("Je suis de retour le 7 décembre", date(2026, 12, 7)),
        ("Out of office until 2026-12-01", date(2026, 12, 2)),
        ("Back on 3 January", date(2027, 1, 3)),
        ("Back on 03/12/2026", None),  # March or December
        ("Back on 13/12/2026", date(2026, 12, 13)),
        ("Back on 31 February", None),
        ("I was back on 3 December 2019", None),
        ("Back soon", None),
    ],
)
def test_the_day_of_return_is_taken_where_it_is_sure(words, day):
    assert mail(words, subject="Out of office").return_date == day


def test_who_has_left_is_told_apart():
    found = mail(
        "Bob is no longer with Acme. Please write to carl@acme.example.", extra=("Auto-Submitted: auto-replied",)
    )
    assert (found.kind, found.intent) == ("left_company", None)
    assert mail("Bob has left the company, I took over.", extra=THREAD).kind == "left_company"
    assert mail("We are no longer with Oracle, so yes.", extra=THREAD).kind == "reply"


def test_an_abuse_report_is_a_complaint():
    found = mail(
        "--b\r\nContent-Type: text/plain\r\n\r\nAbuse\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: X/1\r\nVersion: 1\r\nOriginal-Rcpt-To: <bob@acme.example>\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <m1@leadgen.example>\r\n\r\nHi\r\n--b--\r\n",
        kind='multipart/report; report-type=feedback-report; boundary="b"',
        extra=("MIME-Version: 1.0",),
    )
    assert found.kind == "complaint"
    assert [recipient.address for recipient in found.recipients] == ["bob@acme.example"]
    assert found.original_ids == ("m1@leadgen.example",)


def test_newsletters_and_empty_mails_are_no_replies():
    assert mail("Our news", subject="News", extra=("List-Id: <x.example>",)).kind == "other"
    assert mail("", subject="Re: x", extra=THREAD).kind == "other"


def test_a_human_mail_about_a_failed_delivery_is_no_bounce():
    found = mail(
        "The delivery failed, could you send it to bob2@acme.example?", subject="Re: delivery failure", extra=THREAD
    )
    assert (found.kind, found.recipients) == ("reply", ())


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Yes, this sounds great. Send me the details.", "positive"),
        ("Happy to jump on a call next week", "meeting"),
        ("Could we talk on Tuesday at 10?", "meeting"),
        ("How much does it cost?", "question"),
        ("Please contact my colleague Carla, she handles this.", "referral"),
        ("I'm not the right person for this.", "referral"),
        ("Not right now, maybe next quarter.", "not_now"),
        ("We're happy with our current provider.", "not_interested"),
        ("Not interested, thanks.", "not_interested"),
        ("No thanks, please remove me from your list.", "opt_out"),
        ("Kein Interesse.", "not_interested"),
        ("Let me check with my team and get back to you.", "unsure"),
        ("asdf", "unsure"),
        ("", "unsure"),
    ],
)
def test_intents(text, intent):
    found = classify_reply(text)
    assert found.intent == intent
    assert 0 <= found.confidence <= 1
    assert found.why


def test_mixed_words_are_less_sure():
    mixed = classify_reply("Sounds interesting, but we are not looking for this.")
    plain = classify_reply("We are not looking for this.")
    assert mixed.intent == plain.intent == "not_interested"
    assert mixed.confidence < plain.confidence


def test_the_shape_of_classify_mail():
    assert mail("Not interested", extra=THREAD).as_json() == {
        "kind": "reply", "recipients": [], "text": "Not interested", "intent": "not_interested", "confidence": 0.9,
        "why": "the words “Not interested”", "return_date": None, "suggestions": [],
    }  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.tuples(
            st.sampled_from([b"From", b"Subject", b"Date", b"Content-Type", b"References", b"Return-Path", b"X-Failed-Recipients"]),
            st.binary(max_size=60),
            st.sampled_from([b"text/plain; charset=x-unknown", b"multipart/report; report-type=delivery-status", b"text/html; charset=utf-7",
                             b"message/rfc822", b'multipart/mixed; boundary="b"']),
            st.binary(max_size=200),
        ).map(lambda p: p[0] + b": " + p[1] + b"\r\nContent-Type: " + p[2] + b"\r\n\r\n--b\r\n\r\n" + p[3]),
    )
)  # fmt: skip
def test_no_bytes_break_the_reader(raw):
    with unittest.mock.patch(
        "campaigns.rules.intent_model.scores", return_value={}
    ):  # the model takes its time for nonsense
        _read_any(raw)


def _read_any(raw):
    found = read_mail(raw, received=NOW)
    stored = found.text + found.subject + found.from_name + found.from_address
    assert "\x00" not in stored
    assert stored.encode().decode() == stored  # no lone surrogates: it can be stored
    assert len(found.digest) == 64


@needs_data
def test_known_bounces_name_their_recipients():
    folder = DATA / "bounces" / "flufl"
    rows = rows_of("bounces/flufl_expected.csv")
    wanted, wrong, invented = 0, [], []
    for row in rows:
        found = read_mail((folder / row["file"]).read_bytes(), received=NOW)
        expected, got = set(row["recipients"].lower().split()), {recipient.address for recipient in found.recipients}
        wanted += bool(expected)
        if expected and got != expected:
            wrong.append(row["file"])
        if got - expected and any(r.type == "hard" for r in found.recipients if r.address not in expected):
            invented.append(row["file"])
    assert wanted == 111
    assert len(wrong) <= 7, wrong
    # simple_43 names nobody in its words; the host that gave up says whom the returned mail was for.
    assert set(invented) <= {"groupwise_02.txt", "simple_43.txt"}, invented


@needs_data
def test_known_replies_are_never_read_as_their_opposite():
    rows = rows_of("intent/svaraai_dedup.csv")
    good, bad = {"positive", "meeting"}, {"not_interested", "opt_out"}
    read = [(row["label"], classify_reply(row["reply"]).intent) for row in rows]
    assert sum(label == "positive" and intent in bad for label, intent in read) == 0
    assert sum(label == "negative" and intent in good for label, intent in read) == 0
    assert sum(label == "positive" and intent in good for label, intent in read) >= 100
    assert sum(label == "negative" and intent in bad for label, intent in read) >= 75


@needs_data
def test_known_replies_give_their_new_text():
    def text(name):
        return new_text((DATA / "replies" / name).read_text(encoding="utf-8", errors="replace"))

    assert text("zapier/email_1_3.txt") == "Oh thanks.\n\nHaving the function would be great."
    assert text("zapier/email_iPhone.txt") == "Here is another email"
    assert text("zapier/email_2_2.txt") == "Outlook with a reply directly above line"
    assert text("github/email_1_2.txt").startswith("Hi,\n\nYou can list the keys for the bucket")

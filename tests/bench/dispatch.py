"""From due rows to recorded outcomes, against Django's send_messages and against ready bytes over smtplib.

Value: the whole path with the point of no return committed for each mail: claim, render, MIME, SMTP, record, next step.
References: the same mails, the same sink, the same process count (one).
"""

import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection

from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Message
from campaigns.queries.mail import mime_of
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.models import Person
from tests.bench.figures import Figure, rate
from tests.bench.world import fill_people, make_workspace
from tests.factories.campaigns import EMAIL, make_mailbox, make_sequence

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
SINK = """
import sys
sys.path.insert(0, ".")
from tests.campaigns.sink import running_sink
with running_sink() as sink:
    print(sink.port, flush=True)
    sys.stdin.read()
"""


@contextmanager
def _sink() -> Iterator[int]:
    """The sink in a process of its own, so that it takes no time of the sender's."""
    with subprocess.Popen(
        [sys.executable, "-c", SINK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def run(*, full: bool) -> Iterator[Figure]:
    count = 5_000 if full else 500
    workspace = make_workspace()
    fill_people(workspace, count)
    body = EMAIL["body"] + "\n\n" + "We measured what your line loses at each changeover. " * 25
    with _sink() as port:
        with workspace_scope(workspace.pk):
            mailbox = make_mailbox(port, daily_cap=10_000_000)
            version = make_sequence([EMAIL | {"body": body}], mailbox=mailbox)
            people = Person.objects.all()
            bulk_insert(
                Enrolment,
                [
                    Enrolment(
                        sequence=version.sequence,
                        version=version,
                        person=person,
                        mailbox=mailbox,
                        next_at=NOW,
                        enrolled_at=NOW,
                    )
                    for person in people
                ],
            )
            mark_enrolments(NOW)
        started = time.perf_counter()
        turn = dispatch_once(now=NOW)
        value = count / (time.perf_counter() - started)
        assert turn.sent == count, turn
        with workspace_scope(workspace.pk):
            messages = list(Message.objects.select_related("mailbox"))
            ready = [(m.to_address, mime_of(m, now=NOW)) for m in messages]
        yield Figure(
            "dispatch_full_path", value, "mails/s", _django(messages, port), "Django send_messages, same mails and sink"
        )
        yield Figure(
            "dispatch_full_path", value, "mails/s", _raw(ready, port), "ready bytes over smtplib, same mails and sink"
        )
    assert connection.settings_dict["USER"] == "leadgen_app"


def _django(messages: list[Message], port: int) -> float:
    mails = []
    for message in messages:
        mail = EmailMultiAlternatives(message.subject, message.text, message.mailbox.address, [message.to_address])
        mail.attach_alternative(message.html, "text/html")
        mails.append(mail)
    backend = EmailBackend(alias="bench", host="127.0.0.1", port=port, username="", password="", use_tls=False)
    return rate(len(mails), lambda: backend.send_messages(mails))


def _raw(ready: list[tuple[str, bytes]], port: int) -> float:
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for recipient, content in ready:
                smtp.sendmail("sam@acme.example", [recipient], content)

    return rate(len(ready), send)

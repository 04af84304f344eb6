"""From due rows to recorded outcomes, in two processes, against the limit and against peers, over the same sink.

Value: the whole path with the point of no return committed for each mail: due step, rendering, claim, MIME, SMTP, record,
next step planned; two mailboxes, two worker processes, 3 kB text + HTML mails with all headers.
References get the same texts, the same sink and as many processes.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from accounts.models import Workspace
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Mailbox, Message, SequenceVersion
from campaigns.queries.mail import mime_of
from leadgen.core.tenancy import workspace_scope
from tests.bench.figures import Figure
from tests.bench.senders import NOW
from tests.bench.world import analyze, fill_people, make_workspace
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_mailbox, make_sequence

BODY = EMAIL["body"] + "\n\n" + "We measured what your line loses at each changeover. " * 25
PROCESSES = 2


@contextmanager
def running_sink() -> Iterator[int]:
    """The sink's port; in processes of its own, so that it takes no time of the sender's interpreter."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.mail_sink"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def in_processes(way: str, arguments: list[dict[str, Any]]) -> tuple[int, float]:
    """(mails sent, seconds) of one process for each of `arguments`, started together."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.senders", way, json.dumps(each)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for each in arguments
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", way
        started = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        sent = [int(process.stdout.readline()) for process in processes if process.stdout]
        return sum(sent), time.perf_counter() - started
    finally:
        for process in processes:
            process.communicate()


def outreach(port: int, count: int, *, waiting: int = 0) -> Workspace:
    """A workspace whose `count` people are due now, in turn over two mailboxes; `waiting` more are due in a month."""
    workspace = make_workspace()
    fill_people(workspace, count)
    with workspace_scope(workspace.pk):
        boxes = [make_mailbox(port, address=f"sam{n}@acme.example", daily_cap=10_000_000) for n in range(PROCESSES)]
        version = make_sequence([EMAIL | {"body": BODY}, FOLLOW_UP], mailbox=boxes[0])
        with connection.cursor() as cursor:
            cursor.execute(_ENROL, _values(workspace, version, boxes) | {"at": NOW})
        mark_enrolments(NOW)
    analyze("prospects_person", "campaigns_enrolment")
    return workspace


_ENROL = """
    INSERT INTO campaigns_enrolment (workspace_id, sequence_id, version_id, person_id, mailbox_id, state, reason,
        stopped_by_type, position, next_at, wait_reason, external_id, enrolled_at)
    SELECT %(workspace)s, %(sequence)s, %(version)s, p.id, (%(boxes)s)[1 + (row_number() OVER ()) %% %(n)s], 'active', '', '',
        0, %(at)s, '', '', %(at)s
    FROM prospects_person p WHERE p.workspace_id = %(workspace)s
      AND NOT EXISTS (SELECT 1 FROM campaigns_enrolment e WHERE e.workspace_id = %(workspace)s AND e.person_id = p.id)
"""


def _values(workspace: Workspace, version: SequenceVersion, boxes: list[Mailbox]) -> dict[str, Any]:
    return {
        "workspace": workspace.pk, "sequence": version.sequence_id, "version": version.pk,
        "boxes": [box.pk for box in boxes], "n": len(boxes),
    }  # fmt: skip


def run(*, full: bool) -> Iterator[Figure]:
    count = 10_000 if full else 2_000
    with running_sink() as port:
        workspace = outreach(port, count)
        sent, seconds = in_processes("dispatch", [{"workspace": str(workspace.pk)}] * PROCESSES)
        assert sent == count, f"{sent} of {count}"
        value = count / seconds
        with workspace_scope(workspace.pk):
            message = Message.objects.select_related("mailbox").exclude(subject="").first()
            assert message is not None
            mail = mime_of(message, now=NOW)
        skeleton = _skeleton(mail)
        texts = {"text": message.text, "html": message.html, "subject": message.subject, "port": port}
        headers = {
            "List-Unsubscribe": "<https://leadgen.example/u/" + "t" * 90 + ">",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        each = {"count": count // PROCESSES, "skeleton": skeleton, "headers": headers, **texts}
        sent, seconds = in_processes("hand", [each] * PROCESSES)
        yield Figure(
            "dispatch_two_processes",
            value,
            "mails/s",
            sent / seconds,
            "two processes, hand-built mail over smtplib, same sink",
            0.2,
        )
        few = each | {"count": count // PROCESSES // 4}
        sent, seconds = in_processes("django", [few] * PROCESSES)
        yield Figure(
            "dispatch_two_processes", value, "mails/s", sent / seconds, "two processes, Django send_messages, same sink"
        )


def _skeleton(mail: bytes) -> str:
    """The mail's own headers and frame, with slots for its two bodies."""
    text = mail.decode().replace("{", "{{").replace("}", "}}")
    boundary = text.split('boundary="')[1].split('"')[0]
    head, first, second, end = text.split(f"--{boundary}")
    parts = [part.partition("\r\n\r\n")[0] + "\r\n\r\n" for part in (first, second)]
    return f"{head}--{boundary}{parts[0]}{{text}}\r\n--{boundary}{parts[1]}{{html}}\r\n--{boundary}{end}"

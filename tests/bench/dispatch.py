"""From due rows to recorded outcomes, in two processes, against the limit and against peers, over the same sink.

Value: the whole path with the point of no return committed for each mail: due step, rendering, claim, MIME, SMTP, record,
next step planned; a pool of mailboxes, two worker processes, 3 kB text + HTML mails with all headers.
References get the same texts, the same sink and as many processes.
"""

import json
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, connections

from accounts.models import Workspace
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.sending import claim_ids
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Message
from campaigns.queries.mail import mime_of
from leadgen.core.bulk import insert_rows
from leadgen.core.tenancy import workspace_scope
from tests.bench.figures import Figure, rate
from tests.bench.senders import NOW
from tests.bench.world import analyze, fill_people, make_workspace
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_mailbox, make_sequence

BODY = EMAIL["body"] + "\n\n" + "We measured what your line loses at each changeover. " * 25
PROCESSES = 2
MAILBOXES = 10


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


def in_processes(way: str, arguments: list[dict[str, Any]]) -> tuple[list[dict[str, float]], float]:
    """(what each did, seconds) of one process for each of `arguments`, started together."""
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
        done = [json.loads(process.stdout.readline()) for process in processes if process.stdout]
        return done, time.perf_counter() - started
    finally:
        for process in processes:
            process.communicate()


def mails_a_second(way: str, arguments: list[dict[str, Any]]) -> float:
    done, seconds = in_processes(way, arguments)
    return sum(each["sent"] for each in done) / seconds


def outreach(port: int, count: int, *, waiting: int = 0) -> Workspace:
    """A workspace whose `count` people are due now, in turn over a pool of mailboxes; `waiting` more are due in a month."""
    workspace = make_workspace()
    fill_people(workspace, count)
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        boxes = [
            make_mailbox(port, address=f"sam{n}@acme.example", daily_cap=10_000_000, synced_at=NOW + timedelta(days=90))
            for n in range(MAILBOXES)
        ]
        version = make_sequence([EMAIL | {"body": BODY}, FOLLOW_UP], mailbox=boxes[0])
        values = {
            "workspace": workspace.pk, "sequence": version.sequence_id, "version": version.pk,
            "boxes": [box.pk for box in boxes], "n": MAILBOXES,
        }  # fmt: skip
        cursor.execute(ENROL.format(person="p.id", people=PEOPLE), values | {"at": NOW})
        for done in range(0, waiting, 500_000):
            people = f"generate_series(1, {min(500_000, waiting - done)})"
            cursor.execute(
                ENROL.format(person="gen_random_uuid()", people=people), values | {"at": NOW + timedelta(days=30)}
            )
        mark_enrolments(NOW)
    analyze("prospects_person", "campaigns_enrolment", "campaigns_mailbox", "campaigns_sequence")
    return workspace


PEOPLE = "prospects_person p WHERE p.workspace_id = %(workspace)s"
ENROL = """
    INSERT INTO campaigns_enrolment (workspace_id, sequence_id, version_id, person_id, mailbox_id, state, reason,
        stopped_by_type, position, next_at, wait_reason, external_id, enrolled_at)
    SELECT %(workspace)s, %(sequence)s, %(version)s, {person}, (%(boxes)s)[1 + (row_number() OVER ()) %% %(n)s], 'active',
        '', '', 0, %(at)s, '', '', %(at)s
    FROM {people}
"""


def run(*, full: bool) -> Iterator[Figure]:
    count = 10_000 if full else 2_000
    with running_sink() as port:
        workspace = outreach(port, count)
        value = mails_a_second("dispatch", [{"workspace": str(workspace.pk)}] * PROCESSES)
        each = _references(workspace, port) | {"count": count // PROCESSES}
        limit = mails_a_second("hand", [each] * PROCESSES)
        yield Figure(
            "dispatch_two_processes",
            value,
            "mails/s",
            limit,
            "two processes, hand-built mail over smtplib, same sink",
            0.2,
        )
        fewer = each | {"count": each["count"] // 2}
        peer = mails_a_second("post_office", [fewer | {"database": _own_schema("post_office")}])
        yield Figure(
            "dispatch_two_processes", value, "mails/s", peer, "django-post_office, two processes, delivery alone", 3.0
        )
        peer = mails_a_second("django", [fewer] * PROCESSES)
        yield Figure("dispatch_two_processes", value, "mails/s", peer, "two processes, Django send_messages", 3.0)
        yield _claim(workspace.pk, 50_000 if full else 10_000, port)
        yield _memory(port, 100_000 if full else 3_000)
        # Last, because it takes the key away that those who wait would need people for.
        yield from _waiting(port, count, *((100_000, 10_000_000) if full else (2_000, 100_000)))
    assert connection.settings_dict["USER"] == "leadgen_app"


def _waiting(port: int, count: int, few: int, many: int) -> Iterator[Figure]:
    """The rate while `many` wait, against the rate while `few` do; then a turn with nothing due. They wait for nobody: the
    key to people is dropped in this database, which is thrown away."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE campaigns_enrolment DROP CONSTRAINT campaigns_enrolment_person_fk")
    rates = []
    for waiting in (few, many):
        workspace = outreach(port, count, waiting=waiting)
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        rates.append(mails_a_second("dispatch", [{"workspace": str(workspace.pk)}] * PROCESSES))
    yield Figure(
        f"dispatch_{many}_waiting", rates[1], "mails/s", rates[0], f"the same while {few:,} enrolments wait", 0.9
    )
    spent: list[float] = []

    def timed(execute: Any, sql: Any, params: Any, is_many: Any, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, is_many, context)
        finally:
            spent[-1] += time.perf_counter() - started

    with connection.execute_wrapper(timed):
        for _ in range(20):
            spent.append(0.0)
            assert dispatch_once(now=NOW).lanes == 0
    yield Figure(
        f"idle_turn_{many}_waiting", 1 / statistics.median(spent), "turns/s of SQL", 500, "2 ms of SQL a turn", 1.0
    )


def _claim(workspace_id: uuid.UUID, count: int, port: int) -> Figure:
    """Rows a second of the claim statement alone, from due messages to leased ones: 500 of each mailbox in turn."""
    with workspace_scope(workspace_id):
        boxes = [make_mailbox(port, address=f"claims{n}@acme.example") for n in range(count // 500)]
        rows = [
            Message(
                kind="manual", mailbox=boxes[n // 500], to_address=f"p{n}@c1.example", subject="Due", text=BODY, html=BODY,
                due_at=NOW - timedelta(seconds=n % 500), created_at=NOW,
            )
            for n in range(count)
        ]  # fmt: skip
        insert_rows(Message, rows)
    analyze("campaigns_message")

    def claim_all() -> None:
        for mailbox in boxes:
            with workspace_scope(workspace_id):
                assert len(claim_ids(mailbox, NOW, 500)) == 500

    value = rate(count, claim_all)
    with workspace_scope(workspace_id):
        Message.objects.filter(mailbox__in=boxes).update(state="blocked", lease_until=None)
    return Figure("claim_due_rows", value, "rows/s", 50_000, "the bar", 1.0)


def _memory(port: int, count: int) -> Figure:
    """Resident memory of one worker after a quarter of its mails, against that at the end: flat is 1."""
    workspace = outreach(port, count)
    (done,), _ = in_processes("dispatch", [{"workspace": str(workspace.pk), "slice": 1.0}])
    assert done["sent"] == count, done
    return Figure("worker_memory", done["quarter"], "MB", done["end"], f"MB at the end of {count:,} mails", 0.95)


def _references(workspace: Workspace, port: int) -> dict[str, Any]:
    """One of the mails that were sent, for the references: its texts, its headers and its frame with slots."""
    with workspace_scope(workspace.pk):
        message = Message.objects.select_related("mailbox").filter(state="sent")[0]
        mail = mime_of(message, now=NOW)
    headers = {
        "List-Unsubscribe": "<https://leadgen.example/u/" + "t" * 90 + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return {
        "skeleton": _skeleton(mail), "headers": headers, "text": message.text, "html": message.html,
        "subject": message.subject, "port": port,
    }  # fmt: skip


def _own_schema(name: str) -> dict[str, str]:
    """An empty schema of the peer's own, and how to reach it: as the owner, without row-level security."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")
    settings = connections["owner"].settings_dict
    return {key: str(settings[key]) for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}


def _skeleton(mail: bytes) -> str:
    """The mail's own headers and frame, with slots for its two bodies."""
    text = mail.decode().replace("{", "{{").replace("}", "}}")
    boundary = text.split('boundary="')[1].split('"')[0]
    head, first, second, end = text.split(f"--{boundary}")
    parts = [part.partition("\r\n\r\n")[0] + "\r\n\r\n" for part in (first, second)]
    return f"{head}--{boundary}{parts[0]}{{text}}\r\n--{boundary}{parts[1]}{{html}}\r\n--{boundary}{end}"

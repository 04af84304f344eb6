"""What the crash test works on: two workspaces, mailboxes of every kind, sequences of three e-mails without delay."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions.inbound import inbound_key, new_key
from campaigns.actions.mailbox_secrets import sealed_for
from campaigns.actions.mailboxes import inbound_address
from campaigns.actions.mailsync import mark_sync
from campaigns.actions.sending import mailbox_purpose
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Sequence, SequenceMailbox, SequenceVersion, Step
from leadgen.core import clock, secrets
from leadgen.core.tasks import ring
from leadgen.core.tenancy import bulk_insert, current_workspace_id, workspace_scope
from prospects.actions import imports
from prospects.models import Campaign, Import, Person
from tests.dovecot import PASSWORD

STEPS = 3
ALWAYS = {"window_start": time(0), "window_end": time(0), "weekdays": [0, 1, 2, 3, 4, 5, 6]}
CAP = 25  # of the one mailbox that has little room


@dataclass(frozen=True)
class Box:
    """A mailbox with the sequence version that sends from it. `kind`: copies (its provider fills the Sent folder), appends
    (we do), push (its mail is handed in over HTTP), service (sends by a sending service's API), capped (push, with room for
    CAP mails)."""

    kind: str
    address: str
    mailbox: uuid.UUID
    sequence: uuid.UUID
    version: uuid.UUID


@dataclass
class World:
    """`boxes` by workspace."""

    boxes: dict[uuid.UUID, list[Box]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, str]] = field(default_factory=dict)
    fed: int = 0
    imports: list[tuple[uuid.UUID, uuid.UUID, int, int]] = field(default_factory=list)  # workspace, run, number, rows

    def of_kind(self, *kinds: str) -> list[str]:
        return [box.address for boxes in self.boxes.values() for box in boxes if box.kind in kinds]


def make_world(*, smtp_port: int, imap_port: int | None, kinds: tuple[str, ...]) -> World:
    """Two workspaces with a mailbox and a sequence of each kind. Without `imap_port` all mail is handed in over HTTP."""
    world, now = World(), clock.now()
    for name in ("alpha", "beta"):
        key = uuid.uuid4()
        with workspace_scope(key):
            Workspace.objects.create(id=key, slug=f"crash-{name}", name=name.title(), postal_address="1 Crash Road")
            world.boxes[key] = [_make_box(world, name, kind, smtp_port, imap_port, now) for kind in kinds]
    return world


def _make_box(world: World, workspace: str, kind: str, smtp_port: int, imap_port: int | None, now: datetime) -> Box:
    address = f"{kind}@{workspace}.example"
    mailbox = Mailbox(
        id=uuid.uuid4(), address=address, from_name="Sam Seller", host="127.0.0.1", port=smtp_port,
        workspace_id=current_workspace_id(), security=Mailbox.Security.NONE, daily_cap=CAP if kind == "capped" else 100_000, min_gap_seconds=0, created_at=now,
    )  # fmt: skip
    workspace_id = current_workspace_id()
    if kind in {"copies", "appends"} and imap_port:
        mailbox.sync, mailbox.imap_host, mailbox.imap_port = Mailbox.Sync.IMAP, "127.0.0.1", imap_port
        mailbox.imap_security, mailbox.imap_username = Mailbox.Security.NONE, address
        mailbox.imap_password_sealed = secrets.seal(
            PASSWORD, purpose=mailbox_purpose(workspace_id, mailbox.pk, "imap_password")
        )
        mailbox.copy_to_sent = kind == "appends"
    if kind == "service":
        mailbox.route, mailbox.esp, mailbox.host = Mailbox.Route.ESP, "postmark", ""
        mailbox.esp_sealed = sealed_for(mailbox, "esp", json.dumps({"key": "key", "secret": "", "domain": ""}))
        mailbox.webhook_sealed = sealed_for(mailbox, "webhook", json.dumps({"secret": new_key(), "signing_key": ""}))
    mailbox.password_sealed = secrets.seal("", purpose=mailbox_purpose(workspace_id, mailbox.pk))
    mailbox.inbound_sealed = secrets.seal(new_key(), purpose=mailbox_purpose(workspace_id, mailbox.pk, "inbound"))
    mailbox.save(force_insert=True)
    mark_sync(mailbox.pk, now)
    world.endpoints[address] = {"url": inbound_address(mailbox), "key": inbound_key(mailbox)}
    campaign = Campaign.objects.create(
        name=f"Campaign {kind}", state=Campaign.State.ACTIVE, channel="email", created_at=now
    )
    sequence = Sequence.objects.create(
        campaign=campaign, name=f"Sequence {kind}", state=Sequence.State.ACTIVE, created_at=now, **ALWAYS
    )
    SequenceMailbox.objects.create(sequence=sequence, mailbox=mailbox)
    version = SequenceVersion.objects.create(sequence=sequence, number=1, created_at=now, published_at=now)
    for position in range(1, STEPS + 1):
        Step.objects.create(
            version=version, position=position, kind=Step.Kind.EMAIL, business_days=False,
            subject="A question, {{ person.first_name }}" if position == 1 else "",
            body="Hi {{ person.first_name }},\n\n" + f"This is step {position}. More at https://shop.example/{position} today.\n\nSam",
        )  # fmt: skip
    return Box(kind, address, mailbox.pk, sequence.pk, version.pk)


def feed(world: World, *, each: int, kinds: tuple[str, ...] = ()) -> int:
    """Enrol `each` new people in every sequence (of `kinds`), due now. Returns how many."""
    made = 0
    for workspace_id, boxes in world.boxes.items():
        with workspace_scope(workspace_id):
            now = clock.now()
            for box in boxes:
                if kinds and box.kind not in kinds:
                    continue
                people = [
                    Person(
                        id=uuid.uuid4(), first_name="Ana", last_name=f"No{world.fed + n}", full_name=f"Ana No{world.fed + n}",
                        email=f"p{world.fed + n}.{box.kind}@{box.address.partition('@')[2]}", created_at=now, updated_at=now,
                    )
                    for n in range(each)
                ]  # fmt: skip
                world.fed += each
                bulk_insert(Person, people)
                bulk_insert(
                    Enrolment,
                    [
                        Enrolment(
                            sequence_id=box.sequence, version_id=box.version, person=person, mailbox_id=box.mailbox,
                            next_at=now, enrolled_at=now,
                        )
                        for person in people
                    ],
                )  # fmt: skip
                made += each
            mark_enrolments(now)
    return made


def start_import(world: World, *, rows: int, number: int) -> None:
    """Queue an import of `rows` people in the first workspace."""
    workspace_id = next(iter(world.boxes))
    lines = "".join(f"i{number}n{row}@import.example,I{number}N{row}\n" for row in range(rows))
    with workspace_scope(workspace_id):
        run = imports.create_import(
            kind="people", file_name=f"crash{number}.csv", source=f"Email,First Name\n{lines}".encode(), by=SYSTEM,
            now=clock.now(),
        )  # fmt: skip
        imports.start_import(run=run, by=SYSTEM, now=clock.now())
    world.imports.append((workspace_id, run.pk, number, rows))
    ring("prospects.run_imports")


def import_states(world: World) -> list[dict[str, Any]]:
    """Of each import: its state, and how many of its people exist (each row must exist once)."""
    found = []
    for workspace_id, key, number, rows in world.imports:
        with workspace_scope(workspace_id):
            run = Import.objects.get(pk=key)
            people = Person.objects.filter(email__startswith=f"i{number}n", email__endswith="@import.example").count()
            found.append(
                {
                    "state": run.state,
                    "rows": rows,
                    "done": run.done_rows,
                    "created": run.created_count,
                    "people": people,
                }
            )
    return found

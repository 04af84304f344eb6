"""The inbox: folders with counts, and the thread a mail stands in."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from campaigns.models import InboundMail, Message
from prospects.models import Person, Task
from prospects.queries.suppressions import suppressions_of

Kind = InboundMail.Kind
WRITTEN = (Kind.REPLY, Kind.OTHER)
NEEDS_REPLY = "needs_reply"
# Key, label, icon. A mail lies in exactly one of them by its kind and intent; "Needs reply" cuts across.
FOLDERS = (
    (NEEDS_REPLY, "Needs reply", "reply"),
    ("interested", "Interested", "thumbs-up"),
    ("meeting", "Meeting", "calendar"),
    ("not_now", "Not now", "hourglass"),
    ("not_interested", "Not interested", "thumbs-down"),
    ("away", "Out of office", "bot"),
    ("bounces", "Bounces", "mail-x"),
    ("other", "Other", "inbox"),
)
LABELS = {key: label for key, label, _ in FOLDERS}
_BY_KIND = {
    Kind.AUTO_REPLY: "away", Kind.LEFT: "away", Kind.BOUNCE: "bounces", Kind.COMPLAINT: "bounces",
    Kind.UNSUBSCRIBE: "not_interested",
}  # fmt: skip
_BY_INTENT = {
    "positive": "interested", "question": "interested", "referral": "interested", "meeting": "meeting",
    "not_now": "not_now", "not_interested": "not_interested", "opt_out": "not_interested",
}  # fmt: skip
# Of mail between a mailbox's owner and people nobody here knows only the sender's domain is kept (mailsync_folder): it is
# there for the count, and for nobody to read.
KNOWN = ~Q(from_address__startswith="@")
# What somebody should answer: all a person wrote, but a plain no.
ANSWERED = ("positive", "meeting", "question", "referral", "not_now", "unsure")
INTENT_LABELS = {
    "positive": "Interested", "meeting": "Meeting", "question": "Question", "referral": "Referral",
    "not_now": "Not now", "not_interested": "Not interested", "opt_out": "Opt-out", "unsure": "Unsure",
}  # fmt: skip
BY_WORDS: dict[str, str] = {"rules": "by rules", "model": "by the model", "person": "by a person"}
TONES = {"positive": "success", "meeting": "success", "question": "info", "referral": "info"}


def folder_of(kind: str, intent: str) -> str:
    """The folder of a mail, apart from "Needs reply"."""
    if kind in _BY_KIND:
        return _BY_KIND[Kind(kind)]
    return _BY_INTENT.get(intent, "other") if kind == Kind.REPLY else "other"


def in_folder(folder: str) -> Q:
    """Mail of a folder. Raises KeyError for one that does not exist."""
    if folder == NEEDS_REPLY:
        closed = Task.objects.filter(about_type="inbound_mail", about_id=OuterRef("pk")).exclude(state=Task.State.OPEN)
        waits = Q(done_at__isnull=True, kind=Kind.REPLY, intent__in=ANSWERED) & ~Q(from_address="")
        return waits & ~Q(Exists(closed))
    kinds = [kind for kind, name in _BY_KIND.items() if name == folder]
    intents = [intent for intent, name in _BY_INTENT.items() if name == folder]
    if folder == "other":
        return KNOWN & (Q(kind__in=[Kind.OTHER, Kind.LINKEDIN]) | Q(kind=Kind.REPLY) & ~Q(intent__in=list(_BY_INTENT)))
    LABELS[folder]
    return KNOWN & (Q(kind__in=kinds) | Q(kind=Kind.REPLY, intent__in=intents))


def folder_counts() -> dict[str, int]:
    """Mail by folder; "Needs reply" counts what waits, the others everything they hold. Two queries."""
    counts = dict.fromkeys(LABELS, 0)
    for row in InboundMail.objects.filter(KNOWN).order_by().values("kind", "intent").annotate(n=Count("pk")):
        counts[folder_of(row["kind"], row["intent"])] += row["n"]
    counts[NEEDS_REPLY] = InboundMail.objects.filter(in_folder(NEEDS_REPLY)).count()
    return counts


def needs_reply(mail: InboundMail) -> bool:
    """Whether it stands in "Needs reply" now."""
    return InboundMail.objects.filter(in_folder(NEEDS_REPLY), pk=mail.pk).exists()


def with_related(queryset: "QuerySet[InboundMail]") -> "QuerySet[InboundMail]":
    """What a row of the list and the page of a mail show."""
    return queryset.select_related(
        "person", "person__company", "person__owner", "mailbox", "corrected_by", "done_by", "message__step",
        "enrolment__sequence", "enrolment__version",
    )  # fmt: skip


def chip_of(mail: InboundMail) -> dict[str, Any]:
    """{label, tone, source, by, why}: what a mail is read as, by whom (rules, model, person), and why, with how sure."""
    if mail.kind == Kind.REPLY and mail.intent:
        label, tone = INTENT_LABELS.get(mail.intent, mail.intent), TONES.get(mail.intent, "neutral")
    elif mail.kind in {Kind.BOUNCE, Kind.COMPLAINT}:
        label, tone = mail.get_kind_display(), "danger"
    else:
        label, tone = mail.get_kind_display(), "neutral"
    source = mail.intent_by or InboundMail.IntentBy.RULES  # the kind of a mail without an intent is told by rules
    chip = {"label": label, "tone": tone, "source": str(source), "by": BY_WORDS[source]}
    if source == InboundMail.IntentBy.PERSON:
        return chip | {"why": f"said by {mail.corrected_by}" if mail.corrected_by_id else "said through the API"}
    sure = f", {mail.confidence:.0%} sure" if mail.confidence is not None else ""
    return chip | {"why": f"{mail.why}{sure}" if mail.why else ""}


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail of a thread: ours (`message`) or theirs (`mail`)."""

    at: datetime
    message: Message | None = None
    mail: InboundMail | None = None
    chip: dict[str, Any] = field(default_factory=dict)


def thread_of(mail: InboundMail, *, limit: int = 60) -> list[Entry]:
    """What went back and forth with the person (or the address) over this mailbox, oldest first."""
    theirs = with_related(InboundMail.objects.filter(mailbox=mail.mailbox_id))
    ours = Message.objects.filter(mailbox=mail.mailbox_id).select_related("step", "enrolment__sequence", "member")
    if mail.person_id is not None:
        theirs, ours = (
            theirs.filter(person=mail.person_id),
            ours.filter(Q(person=mail.person_id) | Q(answers__person=mail.person_id)),
        )
    else:
        theirs = (
            theirs.filter(pk=mail.pk)
            if not mail.from_address
            else theirs.filter(person__isnull=True, from_address=mail.from_address)
        )
        ours = ours.filter(Q(answers=mail.pk) | Q(pk=mail.message_id))
    entries = [Entry(row.received_at, mail=row, chip=chip_of(row)) for row in theirs.order_by("-received_at")[:limit]]
    # Our side: what was written to them, not plans that a stop blocked before they had a text.
    written = ours.exclude(
        state=Message.State.BLOCKED, submitted_at__isnull=True, first_submitted_at__isnull=True, kind=Message.Kind.STEP
    )
    entries += [Entry(_moment(row), message=row) for row in written.order_by("-created_at")[:limit]]
    return sorted(entries, key=lambda entry: entry.at)


def _moment(message: Message) -> datetime:
    return (
        message.sent_at
        or message.submitted_at
        or (message.due_at if message.state == Message.State.PLANNED else message.created_at)
    )


def previews(rows: Iterable[InboundMail]) -> list[dict[str, Any]]:
    """Rows of the list: {mail, chip, preview}."""
    return [{"mail": row, "chip": chip_of(row), "preview": " ".join(row.text.split())[:140]} for row in rows]


@dataclass(frozen=True, slots=True)
class Suggested:
    """Somebody a mail names: `number` in its list, who they are here already (or None), and why no mail may go there."""

    number: int
    name: str
    address: str
    why: str
    person: Person | None
    blocked: str

    @property
    def label(self) -> str:
        return self.name or self.address


def suggestions_of(mail: InboundMail) -> list[Suggested]:
    """The people a mail names to write to instead, as they are known here now."""
    if not mail.suggested:
        return []
    addresses = [str(one.get("address") or "") for one in mail.suggested]
    ids = [one["person"] for one in mail.suggested if one.get("person")]
    people = Person.objects.select_related("company").filter(
        Q(pk__in=ids) | Q(email__any=[found for found in addresses if found])
    )
    by_key: dict[str, Person] = {}
    for person in people:
        by_key |= {str(person.pk): person} | ({person.email: person} if person.email else {})
    suppressed = suppressions_of(found for found in addresses if found)
    rows = []
    for number, (one, address) in enumerate(zip(mail.suggested, addresses, strict=True)):
        hit = suppressed.get(address)
        person = by_key.get(address) if address else None
        rows.append(
            Suggested(
                number, str(one.get("name") or ""), address, str(one.get("why") or ""),
                person or by_key.get(str(one.get("person") or "")),
                f"{hit.get_reason_display()}, {hit.at.day} {hit.at:%b %Y}" if hit else "",
            )
        )  # fmt: skip
    return rows

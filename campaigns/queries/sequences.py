"""Sequences as their pages show them: counts, the day rail, versions, and a step rendered for a real person."""

import copy
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import Member, Workspace
from campaigns.models import Enrolment, Mailbox, Message, Sequence, SequenceMailbox, SequenceVersion, Step, StepRun
from campaigns.queries.mail import template_data
from campaigns.rules import liquid
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import everyone
from prospects.models import Person

ORDERS = ("created_at", "name")
# What each variable says, for the picker: (name, example fallback or '').
FALLBACKS = {
    "person.first_name": "there", "person.title": "your role", "person.city": "your city",
    "company.name": "your company", "company.industry": "your industry", "company.city": "your region",
}  # fmt: skip


@dataclass(slots=True)
class SequenceCounts:
    """People by state of their enrolment, e-mails sent, and people who replied."""

    active: int = 0
    paused: int = 0
    finished: int = 0
    stopped: int = 0
    sent: int = 0
    replied: int = 0

    @property
    def inside(self) -> int:
        return self.active + self.paused

    @property
    def all(self) -> int:
        return self.inside + self.finished + self.stopped


@everyone()  # numbers of the whole workspace, whoever looks
def counts_of(sequences: Iterable[Sequence]) -> dict[UUID, SequenceCounts]:
    """Counts by sequence id; two queries however many sequences."""
    found = {sequence.pk: SequenceCounts() for sequence in sequences}
    states = Enrolment.objects.filter(sequence__in=list(found)).order_by().values("sequence_id", "state")
    for row in states.annotate(n=Count("id")):
        setattr(found[row["sequence_id"]], row["state"], row["n"])
    mails = Message.objects.filter(enrolment__sequence__in=list(found)).order_by().values("enrolment__sequence_id")
    for row in mails.annotate(
        sent=Count("id", filter=Q(state=Message.State.SENT)),
        replied=Count("enrolment", filter=Q(replied_at__isnull=False), distinct=True),
    ):
        counts = found[row["enrolment__sequence_id"]]
        counts.sent, counts.replied = row["sent"], row["replied"]
    return found


def containing(queryset: QuerySet[Sequence], text: str) -> QuerySet[Sequence]:
    for word in text.split():
        queryset = queryset.filter(name__icontains=word)
    return queryset


def steps_in(version: SequenceVersion | None) -> list[Step]:
    return list(Step.objects.filter(version=version).order_by("position")) if version else []


def day_rail(steps: SequenceOf[Step]) -> list[int]:
    """The day each step falls on at the earliest, counted from 1 as the delays say (business days as days)."""
    days, hours, found = 1, 0, []
    for step in steps:
        hours += step.delay_hours
        days += step.delay_days + hours // 24
        hours %= 24
        found.append(days)
    return found


def delay_words(step: Step) -> str:
    """ "at once", "after 2 business days", "after 1 day 4 hours"."""
    parts = []
    if step.delay_days:
        unit = "business day" if step.business_days else "day"
        parts.append(f"{step.delay_days} {unit}{'' if step.delay_days == 1 else 's'}")
    if step.delay_hours:
        parts.append(f"{step.delay_hours} hour{'' if step.delay_hours == 1 else 's'}")
    return f"after {' '.join(parts)}" if parts else "at once"


@everyone()  # numbers of the whole workspace, whoever looks
def outcomes_by_step(version: SequenceVersion) -> dict[UUID, dict[str, int]]:
    """How many people are at, and did, each step: {step id: {begun, waiting, sent, done, ...}}."""
    found: dict[UUID, dict[str, int]] = {}
    rows = StepRun.objects.filter(step__version=version).order_by().values("step_id", "outcome")
    for row in rows.annotate(n=Count("id")):
        counts = found.setdefault(row["step_id"], {})
        counts[row["outcome"] or "waiting"] = counts.get(row["outcome"] or "waiting", 0) + row["n"]
    return found


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with its number of steps and of people still on it."""

    version: SequenceVersion
    steps: int
    inside: int


@everyone()  # numbers of the whole workspace, whoever looks
def versions_of(sequence: Sequence) -> list[VersionRow]:
    """Every version, the newest first; three queries."""
    versions = list(
        SequenceVersion.objects.select_related("published_by").filter(sequence=sequence).order_by("-number")
    )
    ids = [version.pk for version in versions]
    steps = dict(Step.objects.filter(version__in=ids).order_by().values_list("version_id").annotate(n=Count("id")))
    inside = dict(
        Enrolment.objects.filter(version__in=ids, state__in=["active", "paused"])
        .order_by()
        .values_list("version_id")
        .annotate(n=Count("id"))
    )
    return [VersionRow(version, steps.get(version.pk, 0), inside.get(version.pk, 0)) for version in versions]


def mailboxes_of(sequence: Sequence) -> list[Mailbox]:
    """The pool it sends from, by address."""
    chosen = SequenceMailbox.objects.filter(sequence=sequence).values("mailbox_id")
    return list(Mailbox.objects.filter(pk__in=chosen).order_by("address"))


def sample_person(sequence: Sequence) -> Person | None:
    """Somebody to preview a text with: the newest enrolled, else the newest person with a company and a first name."""
    related = Person.objects.select_related("company", "owner")
    enrolment = Enrolment.objects.filter(sequence=sequence).order_by("-enrolled_at").first()
    if enrolment is not None:
        found = related.filter(pk=enrolment.person_id).first()
        if found is not None:
            return found
    rich: Person | None = related.exclude(first_name="").filter(company__isnull=False).order_by("-created_at").first()
    return rich or related.order_by("-created_at", "-id").first()


@dataclass(frozen=True, slots=True)
class Preview:
    """A step's texts as a person would get them. Variables without a value stand as ⟨name⟩ and in `missing`."""

    subject: str = ""
    text: str = ""
    missing: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)  # field -> "Line 2, column 5: ..."


def preview_step(
    *, subject: str, body: str, person: Person, mailbox: Mailbox | None, member: Member | None, signed: bool
) -> Preview:
    """Render unsaved texts for a real person. `signed`: the mailbox's signature follows, as in every e-mail."""
    workspace = Workspace.objects.get(pk=current_workspace_id())
    data = template_data(person=person, workspace=workspace, mailbox=mailbox, member=member)
    missing: dict[str, None] = {}
    errors: dict[str, str] = {}
    shown = {}
    for name, source in (("subject", subject), ("body", body)):
        try:
            shown[name] = _render(source, data, name, missing)
        except Invalid as error:
            errors[name] = error.message
            shown[name] = ""
    text = shown["body"].strip()
    signature = mailbox.signature if mailbox and signed else ""
    if signature and text and signature not in text:
        text = f"{text}\n\n{signature}"
    return Preview(" ".join(shown["subject"].split()), text, list(missing), errors)


def _render(source: str, data: Mapping[str, Any], field_name: str, missing: dict[str, None]) -> str:
    """The text with ⟨name⟩ where a value is missing; their names are added to `missing`."""
    filled = copy.deepcopy(dict(data))
    # A filled gap may open the next one (a condition that is true now), so a few rounds.
    for _ in range(5):
        try:
            return liquid.render(source, filled, field=field_name)
        except liquid.MissingVariables as gap:
            for name in gap.names:
                missing[name] = None
                _put(filled, name, f"⟨{name}⟩")
    return ""


def _put(data: dict[str, Any], path: str, value: str) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        inner = data.get(parent)
        if not isinstance(inner, dict):
            inner = data[parent] = {}
        data = inner
    data[last] = value

"""What of campaigns a viewer sees: sequences, mailboxes and forms are everybody's, what happens to a person in them is seen
with that person. Mail of nobody we know is its mailbox's: one's own or a shared one."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import Enrolment, InboundMail, LinkHit, Mailbox, Message, SignalEnrolment, StepRun, TrackedLink
from leadgen.core.visibility import Viewer, restrict
from prospects.models import Person, Signal
from prospects.queries.visibility import also_people_of, hangs_on, held, part_of, visible


def _enrolment(viewer: Viewer) -> Q:
    return Q(owner__any=viewer.owners) | Q(visible(viewer, Person, "person"))


def _mail(viewer: Viewer) -> Q:
    boxes = Mailbox.unscoped.filter(
        Q(member__isnull=True) | Q(member__any=viewer.owners), workspace_id=viewer.workspace, pk=OuterRef("mailbox_id")
    )
    unknown = Q(person__isnull=True) & Q(Exists(boxes.order_by()))
    return unknown | Q(visible(viewer, Person, "person"))


def _people_in_sequences(viewer: Viewer) -> QuerySet[Any]:
    """Those a viewer has in a sequence now: their answers come to them."""
    inside = [Enrolment.State.ACTIVE, Enrolment.State.PAUSED]
    return held(Enrolment, viewer, state__in=inside).values("person_id")


def register() -> None:
    """Tell the managers, and let people in a sequence be seen by whoever works on them."""
    also_people_of(_people_in_sequences)
    restrict(Enrolment, _enrolment)
    restrict(StepRun, part_of(Enrolment, "enrolment", _enrolment))
    restrict(SignalEnrolment, part_of(Signal, "signal", hangs_on(Signal)))
    for mail in (Message, InboundMail):
        restrict(mail, _mail)
    for of_message in (TrackedLink, LinkHit):
        restrict(of_message, part_of(Message, "message", _mail))

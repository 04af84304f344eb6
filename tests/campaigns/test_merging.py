"""A merge of two people and their sequences: once through each, one at a time, and no mail twice."""

from typing import Any

from campaigns.models import Enrolment, Message, Step, StepRun
from prospects.actions.merges import merge_rows
from prospects.actions.merges_undo import undo_merge
from prospects.models import Person
from prospects.queries.duplicates import PEOPLE
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person


def two() -> tuple[Person, Person]:
    return make_person("Robert Silva", email="robert@lumen.example"), make_person(
        "Bob Silva", email="bob@lumen.example"
    )


def plan(enrolment: Enrolment, mailbox: Any, position: int = 1) -> Message:
    """The message of an enrolment's step, waiting to be sent."""
    step = Step.objects.get(version=enrolment.version, position=position)
    return Message.objects.create(
        kind="step", enrolment=enrolment, step=step, person=enrolment.person, mailbox=mailbox, due_at=NOW,
        to_address=enrolment.person.email, subject="A question", text="Hi", created_at=NOW,
    )  # fmt: skip


def test_of_two_active_sequences_the_further_one_goes_on(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two()
    mailbox = make_mailbox()
    mine = make_enrolment(make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox), kept, mailbox=mailbox)
    theirs = make_enrolment(make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox), gone, mailbox=mailbox)
    Enrolment.objects.filter(pk=theirs.pk).update(position=1)
    waiting, later = plan(mine, mailbox), plan(theirs, mailbox)
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    for row in (mine, theirs, waiting, later):
        row.refresh_from_db()
        assert row.person_id == kept.pk
    assert (mine.state, theirs.state) == ("stopped", "active")
    assert (waiting.state, later.state) == ("blocked", "planned")
    assert mine.stopped_by_type == "merge" and merge.effects["stopped"] == [mine.sequence.name]
    left = undo_merge(merge=merge, by=by_alice, now=now)
    assert left == [f"{mine.sequence.name} stays stopped: sequences do not start again by themselves."]
    for row in (mine, theirs, later):
        row.refresh_from_db()
    assert (mine.person_id, theirs.person_id, later.person_id) == (kept.pk, gone.pk, gone.pk)
    assert theirs.state == "active"


def test_of_two_in_one_sequence_the_one_that_ended_counts(in_acme: Any, by_alice: Any, now: Any) -> None:
    """Whoever answered under one name is not written to under the other."""
    kept, gone = two()
    mailbox = make_mailbox()
    version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
    active, answered = make_enrolment(version, kept, mailbox=mailbox), make_enrolment(version, gone, mailbox=mailbox)
    Enrolment.objects.filter(pk=answered.pk).update(state="stopped", stopped_by_type="reply", position=1)
    StepRun.objects.create(enrolment=active, step=Step.objects.get(version=version, position=1), begun_at=now)
    waiting = plan(active, mailbox)
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    assert list(Enrolment.objects.values_list("pk", "person", "state")) == [(answered.pk, kept.pk, "stopped")]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.enrolment_id, waiting.person_id) == ("blocked", None, kept.pk)
    left = undo_merge(merge=merge, by=by_alice, now=now)
    assert len(left) == 1 and "stays stopped" in left[0]
    active.refresh_from_db()
    answered.refresh_from_db()
    waiting.refresh_from_db()
    assert (active.person_id, active.state, answered.person_id) == (kept.pk, "stopped", gone.pk)
    assert waiting.enrolment_id == active.pk and StepRun.objects.get().enrolment_id == active.pk

"""Skipped without knowing, by a person: evidence that comes later stands above it."""

from datetime import datetime, timedelta

import pytest

from accounts.actions.audit import Actor
from accounts.models import AuditEntry
from campaigns.actions import outcomes
from campaigns.actions.inbound import receive_mail
from campaigns.actions.unsubscribes import unsubscribe
from campaigns.models import Enrolment, Message, StepRun
from campaigns.queries.messages import balance
from prospects.models import Activity
from tests.campaigns.inbound import bounce, reply
from tests.campaigns.sink import Sink
from tests.campaigns.test_sending import enrolment, sink, turn

__all__ = ["enrolment", "sink"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("evidence", ["reply", "bounce", "unsubscribe", "click"])
def test_evidence_stands_above_a_persons_skip(
    enrolment: Enrolment, sink: Sink, now: datetime, by_alice: Actor, evidence: str
) -> None:
    sink.script["DOT"] = "accept-drop"
    turn(now)
    sink.script.clear()
    message = outcomes.settle_unknown(message=Message.objects.get(), sent=False, by=by_alice, now=now)
    later, words = now + timedelta(hours=1), "Yes, please send me more details."
    if evidence == "unsubscribe":
        unsubscribe(message=message, how="one click", now=later)
    elif evidence == "click":
        assert outcomes.prove_sent(message=message, by="click", now=later)
    else:
        raw = reply(message, words) if evidence == "reply" else bounce(message.message_id, message.to_address)
        receive_mail(mailbox=message.mailbox, raw=raw, now=later)
    message.refresh_from_db()
    assert (message.state, message.settled_by, message.response) == ("sent", evidence, f"Proven by a {evidence}.")
    assert not outcomes.prove_sent(message=message, by=evidence, now=later), "once"
    assert StepRun.objects.get().outcome == "sent"
    assert Activity.objects.filter(kind="sent", about_id=message.pk).count() == 1
    told = AuditEntry.objects.filter(action="message.settled").order_by("at")
    assert [(row.source, row.detail["sent"]) for row in told] == [("user", False), ("system", True)]
    enrolment.refresh_from_db()
    assert enrolment.state == ("active" if evidence == "click" else "stopped")
    assert turn(now + timedelta(days=3)).sent == (evidence == "click")
    assert len(sink.accepted) == 1 + (evidence == "click"), "the first mail is never sent again"
    assert sum(balance().values()) == 2 * balance()["all"]


def test_evidence_overrules_no_refusal(enrolment: Enrolment, sink: Sink, now: datetime) -> None:
    """The server's own no is no guess: what names that mail is about something else."""
    sink.script["RCPT"] = "550 5.1.1 no such user"
    turn(now)
    message = Message.objects.get()
    assert (message.state, message.reason_code) == ("failed", "refused")
    assert not outcomes.prove_sent(message=message, by="click", now=now + timedelta(hours=1))
    assert not outcomes.record_sent(message=message, response="Found.", by="sent_folder", now=now)
    assert Message.objects.get().state == "failed"

"""The record of what the server accepted: one statement for several mails of a fast server, at once for a slow one."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from campaigns.actions import accepted
from campaigns.actions.dispatch import dispatch_once
from campaigns.models import Enrolment, Message, StepRun
from campaigns.transports.smtp import SmtpConversation
from leadgen.core.prepared import Sent
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, ActivityKind, Person
from tests.campaigns.sink import Sink, running_sink
from tests.campaigns.test_no_return import enrol
from tests.conftest import NOW
from tests.database import urls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many mails each record was of."""
    sizes: list[int] = []
    inner = accepted.send

    def counted(workspace_id: Any, *steps: Any) -> Sent:
        sizes.append(len(steps[-1][1]["messages"]))
        return inner(workspace_id, *steps)

    monkeypatch.setattr(accepted, "send", counted)
    return sizes


def all_is_recorded(workspace: Any, count: int) -> None:
    with workspace_scope(workspace.pk):
        assert set(Message.objects.values_list("state", "settled_by", "sent_at", "lease_until")) == {
            ("sent", "server", NOW, None)
        }
        assert StepRun.objects.filter(done_at=NOW, outcome="sent").count() == count
        assert Enrolment.objects.filter(state="active", next_at__gt=NOW).count() == count
        assert Person.objects.filter(last_touch_at=NOW).count() == count
        told = set(Activity.objects.filter(kind=ActivityKind.SENT).values_list("about_id", flat=True))
        assert told == set(Message.objects.values_list("pk", flat=True))
        assert len(told) == count


@pytest.mark.parametrize(("fast_seconds", "sizes"), [(1e9, [8, 3]), (-1.0, [1] * 11)])
def test_a_fast_server_gets_one_record_for_several_mails_and_a_slow_one_a_record_each(
    sink: Sink, records: list[int], monkeypatch: pytest.MonkeyPatch, fast_seconds: float, sizes: list[int]
) -> None:
    monkeypatch.setattr(accepted, "FAST_SECONDS", fast_seconds)
    workspace = enrol(sink, people=11)
    assert dispatch_once(now=NOW).sent == 11
    assert records == sizes
    all_is_recorded(workspace, 11)


@pytest.mark.parametrize("word", ["MAIL", "DOT"])
def test_a_server_that_falls_silent_is_not_waited_for_with_a_record_in_hand(
    sink: Sink, records: list[int], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(accepted, "FAST_SECONDS", 1e9)
    workspace = enrol(sink, people=3)
    seen: list[list[str]] = []

    class Silent(dict[str, str]):
        """Answers the third mail only once the first two are recorded."""

        def get(self, key: str, default: Any = None) -> Any:
            if key == "EHLO":
                return "250-sink\r\n250 PIPELINING"
            if key == word and len(sink.accepted) == 2 and not seen:
                found: list[str] = []
                deadline = time.monotonic() + 20
                while found.count("sent") < 2 and time.monotonic() < deadline:
                    with psycopg.connect(urls().superuser) as other:
                        found = [row[0] for row in other.execute("SELECT state FROM campaigns_message ORDER BY state")]
                seen.append(found)
            return None

    sink.script = Silent()
    assert dispatch_once(now=NOW).sent == 3
    assert seen == [["planned", "sent", "sent"] if word == "MAIL" else ["sent", "sent", "unknown"]]
    assert records == [2, 1]
    all_is_recorded(workspace, 3)


def test_words_of_the_server_are_kept_as_they_were(sink: Sink, records: list[int]) -> None:
    words = 'queued as {"a\\b", NULL} é'
    sink.script["DOT"] = f"250 {words}"
    workspace = enrol(sink, people=2)
    assert dispatch_once(now=NOW).sent == 2
    with workspace_scope(workspace.pk):
        assert set(Message.objects.values_list("response", flat=True)) == {f"250 {words}"}


def test_what_was_accepted_before_a_fault_is_recorded(
    sink: Sink, records: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepted, "FAST_SECONDS", 1e9)
    workspace = enrol(sink, people=4)
    inner = SmtpConversation.hand_over

    def fail_third(conversation: SmtpConversation, content: bytes) -> Any:
        if len(sink.accepted) == 2:
            raise RuntimeError("a fault of ours")
        return inner(conversation, content)

    monkeypatch.setattr(SmtpConversation, "hand_over", fail_third)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        dispatch_once(now=NOW)
    with workspace_scope(workspace.pk):
        found = sorted(Message.objects.values_list("state", flat=True))
    assert found == ["planned", "sent", "sent", "unknown"]
    assert len(sink.accepted) == 2


def test_a_deadlock_is_recorded_by_its_rows_instead(
    sink: Sink, records: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepted, "FAST_SECONDS", 1e9)
    workspace = enrol(sink, people=3)
    inner = accepted.send

    def deadlocked(workspace_id: Any, *steps: Any) -> Sent:
        def answers() -> Any:
            raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected("deadlock detected")

        return Sent(answers)

    monkeypatch.setattr(accepted, "send", deadlocked)
    assert dispatch_once(now=NOW).sent == 3
    monkeypatch.setattr(accepted, "send", inner)
    all_is_recorded(workspace, 3)


def test_a_record_that_fails_otherwise_is_not_swallowed(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = enrol(sink)

    def gone(workspace_id: Any, *steps: Any) -> Sent:
        def answers() -> Any:
            raise OperationalError("the connection is gone")

        return Sent(answers)

    monkeypatch.setattr(accepted, "send", gone)
    with pytest.raises(OperationalError, match="gone"):
        dispatch_once(now=NOW)
    with workspace_scope(workspace.pk):
        assert Message.objects.get().state == "unknown"  # as it is to whoever looks at the rows

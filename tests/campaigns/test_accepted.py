"""The record of what the server accepted: at once, whatever the server or we do next."""

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


@pytest.mark.parametrize("word", ["MAIL", "DOT"])
def test_a_server_that_falls_silent_is_not_waited_for_with_a_record_in_hand(sink: Sink, word: str) -> None:
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
    all_is_recorded(workspace, 3)


def test_words_of_the_server_are_kept_as_they_were(sink: Sink) -> None:
    words = 'queued as {"a\\b", NULL} é'
    sink.script["DOT"] = f"250 {words}"
    workspace = enrol(sink, people=2)
    assert dispatch_once(now=NOW).sent == 2
    with workspace_scope(workspace.pk):
        assert set(Message.objects.values_list("response", flat=True)) == {f"250 {words}"}


def test_what_was_accepted_before_a_fault_is_recorded(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = enrol(sink, people=4)
    inner = SmtpConversation.hand_over

    def fail_third(conversation: SmtpConversation, content: bytes, **limits: float) -> Any:
        if len(sink.accepted) == 2:
            raise RuntimeError("a fault of ours")
        return inner(conversation, content, **limits)

    monkeypatch.setattr(SmtpConversation, "hand_over", fail_third)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        dispatch_once(now=NOW)
    with workspace_scope(workspace.pk):
        found = sorted(Message.objects.values_list("state", flat=True))
    assert found == ["planned", "sent", "sent", "unknown"]
    assert len(sink.accepted) == 2


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

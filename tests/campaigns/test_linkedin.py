"""LinkedIn: a touch nobody looked after holds the next one, the page of checks, and LinkedIn's own mails."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from campaigns.actions.planning import begin_due_steps
from campaigns.actions.steps import settle_closed_tasks
from campaigns.models import Enrolment, Mailbox, Message, Sequence, StepRun
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Lead, Person, Task
from tests.campaigns.inbound import keyed_mailbox
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, REQUEST, make_enrolment, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
FIRST = REQUEST | {"delay_days": 0}
MAIL = EMAIL | {"delay_days": 2}
NOTE = {"kind": "linkedin_message", "delay_days": 2, "body": "Hello again"}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mailbox(acme: Any, bob: Any) -> Mailbox:
    with workspace_scope(acme.pk):
        return keyed_mailbox(member=bob.member)


def touched(
    mailbox: Mailbox, bob: Any, as_: Any, *, name: str = "Ana Ferreira", steps: Any = (FIRST, MAIL), **person: Any
) -> Enrolment:
    """Somebody Bob sent a LinkedIn request to today, from the queue; the next step is due in two days."""
    with workspace_scope(mailbox.workspace_id):
        version = make_sequence(list(steps), mailbox=mailbox)
        values = {"email": f"{name.split()[0].lower()}@lumen.example", "linkedin_url": ""} | person
        enrolment = make_enrolment(version, make_person(name, **values), mailbox=mailbox, owner=bob.member)
        assert begin_due_steps(now=NOW) >= 1
        task = Task.objects.get(about_type="step_run", state="open", person=enrolment.person)
    assert as_(bob).post(f"/w/acme/work/{task.pk}/", {"do": "sent", "note": ""}).status_code in {200, 302}
    with workspace_scope(mailbox.workspace_id):
        settle_closed_tasks(now=NOW)
        return Enrolment.objects.get(pk=enrolment.pk)


def turn(acme: Any, now: datetime) -> Enrolment:
    """A dispatcher turn at `now`; Ana's enrolment after it."""
    with workspace_scope(acme.pk):
        begin_due_steps(now=now)
        return Enrolment.objects.select_related("sequence").get(person__first_name="Ana")


def test_a_request_nobody_looked_after_holds_the_next_mail(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    enrolment = touched(mailbox, bob, as_)
    with workspace_scope(acme.pk):
        Enrolment.objects.filter(pk=enrolment.pk).update(next_at=NOW + 7 * DAY)
    held = turn(acme, NOW + 7 * DAY)
    assert held.wait_reason == "Held: nobody looked whether Ana answered on LinkedIn since 4 Mar; check it"
    with workspace_scope(acme.pk):
        assert not Message.objects.exists()
    # Looked: nothing yet. The mail goes.
    with workspace_scope(acme.pk):
        run = StepRun.objects.get()
    with time_machine.travel(NOW + 7 * DAY, tick=False):
        answer = as_(bob).post("/w/acme/work/linkedin/", {"do": f"not_yet:{run.pk}", "touch": [str(run.pk)]})
    assert answer.status_code == 302
    assert turn(acme, NOW + 7 * DAY).wait_reason == ""
    with workspace_scope(acme.pk):
        assert Message.objects.get().state == "planned"
        assert StepRun.objects.get(step__position=1).checked_at == NOW + 7 * DAY


def test_within_the_days_and_with_zero_nothing_is_held(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_)
    touched(mailbox, bob, as_, name="Mei Tanaka")
    with workspace_scope(acme.pk):
        off = Enrolment.objects.get(person__first_name="Mei")
        Sequence.objects.filter(pk=off.sequence_id).update(linkedin_check_days=0)
        Enrolment.objects.filter(pk=off.pk).update(next_at=NOW + 30 * DAY)
        begin_due_steps(now=NOW + 2 * DAY)
        assert Message.objects.get().person.first_name == "Ana"
        begin_due_steps(now=NOW + 30 * DAY)
        assert Message.objects.count() == 2


def test_the_page_lists_mine_first_and_settles_the_rest_in_one_go(
    acme: Any, mailbox: Mailbox, bob: Any, alice: Any, as_: Any
) -> None:
    touched(mailbox, bob, as_, linkedin_url="https://www.linkedin.com/in/ana-ferreira")
    touched(mailbox, bob, as_, name="Mei Tanaka")
    touched(mailbox, alice, as_, name="Tom Okafor")
    client = as_(bob)
    page = client.get("/w/acme/work/linkedin/").content.decode()
    assert page.index("Ana Ferreira") < page.index("Mei Tanaka") < page.index("Tom Okafor")
    assert "https://www.linkedin.com/in/ana-ferreira" in page
    assert "Tom Okafor" not in client.get("/w/acme/work/linkedin/?who=mine").content.decode()
    with workspace_scope(acme.pk):
        ana = StepRun.objects.get(enrolment__person__first_name="Ana")
        rest = [str(pk) for pk in StepRun.objects.values_list("pk", flat=True)]
    after = client.post(
        "/w/acme/work/linkedin/", {"do": f"accepted:{ana.pk}:1", "touch": rest}, headers={"HX-Request": "true"}
    )
    assert "Ana Ferreira" not in after.content.decode()
    assert "Mei Tanaka" in after.content.decode()
    done = client.post("/w/acme/work/linkedin/", {"do": "rest", "touch": rest}, follow=True).content.decode()
    assert "2 looked at: nobody else answered." in done
    assert "Nobody to look for" in done
    with workspace_scope(acme.pk):
        accepted = Person.objects.get(first_name="Ana")
        assert accepted.linkedin_status == "connected"
        assert Activity.objects.filter(kind="linkedin_accepted").count() == 1
        looked = StepRun.objects.exclude(pk=ana.pk)
        assert {(run.checked_at, run.accepted_at, run.answered_at) for run in looked} == {(NOW, None, None)}
    # They come back another day.
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        assert "Mei Tanaka" in client.get("/w/acme/work/linkedin/").content.decode()


def test_an_answer_seen_there_stops_the_sequence_and_opens_a_lead(
    acme: Any, mailbox: Mailbox, bob: Any, as_: Any
) -> None:
    touched(mailbox, bob, as_)
    with workspace_scope(acme.pk):
        run = StepRun.objects.get()
    as_(bob).post("/w/acme/work/linkedin/", {"do": f"answered:{run.pk}"})
    with workspace_scope(acme.pk):
        enrolment = Enrolment.objects.get()
        assert (enrolment.state, enrolment.reason, enrolment.stopped_by_type) == (
            "stopped", "They answered on LinkedIn.", "reply",
        )  # fmt: skip
        assert Activity.objects.get(kind="linkedin_replied").member == bob.member
        assert Lead.objects.get().owner == bob.member
        found = StepRun.objects.get()
        assert (found.answered_at, found.accepted_at, found.checked_at) == (NOW, NOW, NOW)
    # Pressed twice: one fact.
    as_(bob).post("/w/acme/work/linkedin/", {"do": f"answered:{run.pk}"})
    with workspace_scope(acme.pk):
        assert Activity.objects.filter(kind="linkedin_replied").count() == 1


def test_a_message_waits_for_the_connection_and_is_left_out_without_it(
    acme: Any, mailbox: Mailbox, bob: Any, as_: Any
) -> None:
    steps = (FIRST, NOTE, MAIL)
    touched(mailbox, bob, as_, steps=steps)
    held = turn(acme, NOW + 2 * DAY)
    assert held.wait_reason == "Held: Ana has not accepted the LinkedIn request of 4 Mar yet; left out from 11 Mar"
    assert held.next_at == NOW + 7 * DAY
    with workspace_scope(acme.pk):
        StepRun.objects.update(checked_at=NOW + 6 * DAY)  # somebody looked: not yet
    left_out = turn(acme, NOW + 7 * DAY)
    with workspace_scope(acme.pk):
        run = StepRun.objects.get(step__position=2)
        assert (run.outcome, run.task_id) == ("skipped", None)
        assert left_out.position == 2
        assert left_out.next_at == NOW + 9 * DAY
        assert (
            "did not accept the LinkedIn request of 4 Mar" in Activity.objects.filter(kind="task_done").first().summary
        )


def test_a_message_nobody_looked_after_holds_too(acme: Any, mailbox: Mailbox, bob: Any, as_: Any) -> None:
    touched(mailbox, bob, as_, steps=(NOTE | {"delay_days": 0}, MAIL), linkedin_status="connected")
    assert turn(acme, NOW + 2 * DAY).wait_reason == ""  # the mail is planned
    touched(mailbox, bob, as_, name="Mei Tanaka", steps=(NOTE | {"delay_days": 0}, MAIL), linkedin_status="connected")
    with workspace_scope(acme.pk):
        Enrolment.objects.filter(person__first_name="Mei").update(next_at=NOW + 8 * DAY)
        begin_due_steps(now=NOW + 8 * DAY)
        held = Enrolment.objects.get(person__first_name="Mei")
        assert held.wait_reason.startswith("Held: nobody looked whether Mei answered on LinkedIn since 4 Mar")


def test_news_told_before_the_task_is_closed_holds_nothing_later(
    acme: Any, mailbox: Mailbox, bob: Any, as_: Any
) -> None:
    """Bob sees in the task's pane that they are connected already, says so, and closes the task afterwards."""
    with workspace_scope(acme.pk):
        version = make_sequence([FIRST, MAIL], mailbox=mailbox)
        make_enrolment(
            version, make_person("Ana Ferreira", email="ana@lumen.example"), mailbox=mailbox, owner=bob.member
        )
        begin_due_steps(now=NOW)
        task = Task.objects.get()
    client = as_(bob)
    client.post(f"/w/acme/work/{task.pk}/linkedin/", {"news": "accepted"})
    client.post(f"/w/acme/work/{task.pk}/", {"do": "sent", "note": ""})
    with workspace_scope(acme.pk):
        settle_closed_tasks(now=NOW)
        Enrolment.objects.update(next_at=NOW + 9 * DAY)
    assert turn(acme, NOW + 9 * DAY).wait_reason == ""
    with workspace_scope(acme.pk):
        assert Message.objects.count() == 1
    assert "Nobody to look for" in client.get("/w/acme/work/linkedin/").content.decode()


def test_api_lists_and_settles_checks(acme: Any, mailbox: Mailbox, bob: Any, as_: Any, api: Any) -> None:
    touched(mailbox, bob, as_)
    client = api(bob, "tasks.view", "tasks.work")
    found = client.get("/api/v1/linkedin-checks/").json()["results"]
    assert [(row["kind"], row["holds"], row["person"]["name"]) for row in found] == [
        ("linkedin_request", "", "Ana Ferreira")
    ]
    body = {"touches": [found[0]["id"]], "result": "accepted"}
    done = client.post("/api/v1/linkedin-checks/", data=json.dumps(body), content_type="application/json")
    assert (done.status_code, done.json()) == (200, {"changed": 1})
    assert client.get("/api/v1/linkedin-checks/").json()["results"] == []
    wrong = client.post(
        "/api/v1/linkedin-checks/", data=json.dumps(body | {"result": "x"}), content_type="application/json"
    )
    assert wrong.status_code == 400
    looker = api(bob, "tasks.view")
    assert (
        looker.post("/api/v1/linkedin-checks/", data=json.dumps(body), content_type="application/json").status_code
        == 403
    )


def test_another_workspaces_touch_is_not_there(
    acme: Any, globex: Any, mailbox: Mailbox, bob: Any, charlie: Any, as_: Any
) -> None:
    touched(mailbox, bob, as_)
    with workspace_scope(acme.pk):
        run = StepRun.objects.get()
    assert "Ana Ferreira" not in as_(charlie).get("/w/globex/work/linkedin/").content.decode()
    as_(charlie).post("/w/globex/work/linkedin/", {"do": f"answered:{run.pk}"})
    with workspace_scope(acme.pk):
        assert (Enrolment.objects.get().state, StepRun.objects.get().checked_at) == ("active", None)


def test_the_setting_is_kept_by_page_and_api(
    acme: Any, mailbox: Mailbox, bob: Any, alice: Any, as_: Any, api: Any
) -> None:
    enrolment = touched(mailbox, bob, as_)
    path = f"/api/v1/sequences/{enrolment.sequence_id}/"
    client = api(alice)
    changed = client.patch(path, data=json.dumps({"linkedin_check_days": 3}), content_type="application/json")
    assert changed.json()["linkedin_check_days"] == 3
    assert client.patch(path, data='{"linkedin_check_days": 400}', content_type="application/json").status_code == 400
    page = as_(alice).get(f"/w/acme/sequences/{enrolment.sequence_id}/settings/").content.decode()
    assert 'name="linkedin_check_days" value="3"' in page

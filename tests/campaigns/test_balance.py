"""All = planned + sent + blocked + failed + unknown, on the campaign's page, by API and by command."""

import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Workspace
from campaigns.models import Message, Step, StepRun
from campaigns.queries.books import books_of_workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Campaign, Person
from tests.factories.accounts import Someone
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence

pytestmark = pytest.mark.django_db
STATES = ("planned", "sent", "blocked", "failed", "unknown")


@pytest.fixture
def campaign(in_acme: Workspace, now: datetime) -> Campaign:
    """One message in each state, with the runs and activities that belong to them."""
    mailbox = make_mailbox()
    version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
    step = Step.objects.get(version=version, position=1)
    for number, state in enumerate(STATES):
        person = Person.objects.create(
            full_name=f"P{number}", email=f"p{number}@lumen.example", created_at=now, updated_at=now
        )
        enrolment = make_enrolment(version, person, mailbox=mailbox)
        StepRun.objects.create(enrolment=enrolment, step=step, begun_at=now)
        message = Message.objects.create(
            kind="step", state=state, reason="why" if state in {"blocked", "failed"} else "", enrolment=enrolment,
            step=step, campaign=version.sequence.campaign, person=person, mailbox=mailbox, to_address=person.email,
            subject="A question", text="Hi", message_id=f"m{number}@acme.example", due_at=now, created_at=now,
        )  # fmt: skip
        if state == "sent":
            Activity.objects.create(
                kind="sent", at=now, recorded_at=now, person=person, campaign=version.sequence.campaign,
                about_type="message", about_id=message.pk, key=f"sent:{message.pk}", summary="E-mail sent",
            )  # fmt: skip
    return version.sequence.campaign


def check(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_balance", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_books_hold(campaign: Campaign) -> None:
    (books,) = books_of_workspace()
    assert books.problems == []
    assert (books.all, books.states) == (5, dict.fromkeys(STATES, 1))
    status, text = check("-w", "acme")
    assert status == 0
    assert f"acme · {campaign.name}: 5 = 1 planned + 1 sent + 1 blocked + 1 failed + 1 unknown: holds" in text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda: Message.objects.filter(state="planned").delete(), "1 e-mail steps were begun and have no message"),
        (lambda: StepRun.objects.filter(enrolment__person__full_name="P1").delete(),
         "1 messages belong to steps that were never begun"),
        (lambda: Message.objects.filter(state="unknown").update(state="sent"),
         "1 sent messages are missing from the activities"),
        (lambda: Message.objects.filter(state="sent").update(state="failed", reason="x"),
         "1 activities tell of mail that was not sent"),
        (lambda: Message.objects.filter(state="blocked").update(reason=""),
         "1 messages are blocked or failed without a reason"),
    ],
)  # fmt: skip
def test_what_contradicts_is_named(campaign: Campaign, spoil: Callable[[], Any], words: str) -> None:
    spoil()
    (books,) = books_of_workspace()
    assert books.problems == [words]
    status, text = check("-w", "acme")
    assert status == 1
    assert f"DOES NOT HOLD\n  {words}\n" in text


def test_all_workspaces_as_json(campaign: Campaign, acme: Workspace, globex: Workspace, now: datetime) -> None:
    from campaigns.actions.steps import mark_enrolments

    mark_enrolments(now)
    with workspace_scope(globex.pk):
        mark_enrolments(now)
    status, text = check("--json")
    found = json.loads(text)
    assert (status, found["holds"], sorted(found["workspaces"])) == (0, True, ["acme", "globex"])
    (entry,) = found["workspaces"]["acme"]
    assert (entry["campaign"], entry["all"], entry["holds"]) == (str(campaign.pk), 5, True)


def test_an_unknown_workspace_is_an_error_in_words(db: Any) -> None:
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="There is no workspace"):
        call_command("check_balance", "-w", "nowhere")


def test_the_page_and_the_api_show_it(
    campaign: Campaign, bob: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client]
) -> None:
    page = as_(bob).get(f"/w/acme/campaigns/{campaign.pk}/").content.decode()
    assert "All messages" in page
    assert "The balance does not hold" not in page
    found = api(bob, "messages.view").get(f"/api/v1/messages/balance/?campaign={campaign.pk}").json()
    assert found == dict.fromkeys(STATES, 1) | {"all": 5}

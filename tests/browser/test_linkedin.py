"""LinkedIn checks by keyboard in Chromium, and a mail that names somebody; both without an axe violation, in both themes."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from campaigns.actions.inbound import receive_mail
from campaigns.actions.planning import begin_due_steps
from campaigns.actions.steps import settle_closed_tasks
from campaigns.models import InboundMail, StepRun
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.tasks import complete_task
from prospects.models import Person, Task
from tests.browser.accessibility import violations
from tests.campaigns.inbound import keyed_mailbox, reply, sent_to
from tests.factories.accounts import Someone
from tests.factories.campaigns import EMAIL, FOLLOW_UP, REQUEST, make_enrolment, make_sequence
from tests.factories.prospects import make_company, make_person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
SHOTS = os.environ.get("LEADGEN_SHOTS", "")
SIZES = [("light", 1440, 900), ("dark", 390, 844)]


@pytest.fixture
def desk(bob: Someone, by_bob: Any) -> dict[str, Any]:
    """Five LinkedIn requests of Bob's, sent eight days ago; and a mail of somebody who names Maria Lopez."""
    now = clock.now()
    sent = now - timedelta(days=8)
    with workspace_scope(bob.workspace.pk):
        ensure_first_agreement(sent)
        box = keyed_mailbox(member=bob.member)
        lumen = make_company("Lumen", domain="lumen.example")
        version = make_sequence([REQUEST | {"delay_days": 0}, EMAIL | {"delay_days": 9}], mailbox=box, name="Plants")
        for name in ("Ana Ferreira", "Mei Tanaka", "Tom Okafor", "Lena Brandt", "Iris Novak"):
            person = make_person(
                name, lumen, email=f"{name.split()[0].lower()}@lumen.example",
                linkedin_url=f"https://www.linkedin.com/in/{name.lower().replace(' ', '-')}",
            )  # fmt: skip
            make_enrolment(version, person, mailbox=box, owner=bob.member, at=sent)
        begin_due_steps(now=sent)
        for task in Task.objects.filter(kind="linkedin_request"):
            complete_task(by=by_bob, now=sent, task=task, outcome="sent")
        settle_closed_tasks(now=sent)
        paul = make_person("Paul Berger", lumen, email="paul@lumen.example")
        mail = sent_to(paul, box, make_sequence([EMAIL, FOLLOW_UP], mailbox=box), owner=bob.member, at=now)
        words = "I am the wrong person for this. Please contact Maria Lopez, maria.lopez@lumen.example."
        row, _ = receive_mail(mailbox=box, raw=reply(mail, words), now=now)
        if not row.suggested:  # what the reading finds is tested elsewhere
            row.suggested = [
                {"name": "Maria Lopez", "address": "maria.lopez@lumen.example", "why": "Please contact Maria Lopez", "person": None}
            ]  # fmt: skip
            row.save(update_fields=["suggested"])
    return {"mail": row}


def clean(page: Any, name: str) -> None:
    """No axe violation, no sideways scroll; a picture where somebody asked for one."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("theme", "width", "height"), SIZES)
def test_checks_and_suggestion_are_accessible(
    seat: Any, bob: Someone, desk: Any, theme: str, width: int, height: int
) -> None:
    window = seat(bob, theme=theme, width=width, height=height)
    page = window.open("/w/acme/work/linkedin/")
    expect(page.get_by_text("5 to look at")).to_be_visible()
    clean(page, f"linkedin-checks-{theme}-{width}")
    page = window.open(f"/w/acme/inbox/{desk['mail'].pk}/")
    expect(page.get_by_role("button", name="Add Maria Lopez and enrol…")).to_be_visible()
    clean(page, f"inbox-suggestion-{theme}-{width}")
    with workspace_scope(bob.workspace.pk):
        task = Task.objects.get(kind="reply")
    page = window.open(f"/w/acme/work/{task.pk}/")
    expect(page.get_by_role("button", name="Add Maria Lopez and enrol…")).to_be_visible()
    clean(page, f"queue-suggestion-{theme}-{width}")
    assert window.complaints == []


def test_a_list_of_checks_is_done_by_keys(seat: Any, bob: Someone, desk: Any) -> None:
    """1 accepted, 2 answered, 3 not yet: each for the row that has the focus, else the first; the next takes its place."""
    window = seat(bob)
    page = window.open("/w/acme/work/linkedin/")
    rows = page.locator("[data-list-item]")
    expect(rows).to_have_count(5)
    names = [rows.nth(number).get_by_role("link").first.inner_text().split("\n")[0] for number in range(5)]
    page.keyboard.press("1")
    expect(rows).to_have_count(4)
    expect(rows.nth(0).get_by_role("link").first).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1).get_by_role("link").first).to_be_focused()
    page.keyboard.press("2")
    expect(rows).to_have_count(3)
    expect(rows.nth(1).get_by_role("link").first).to_be_focused()
    page.keyboard.press("3")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="None of the rest answered").click()
    expect(page.get_by_text("Nobody to look for")).to_be_visible()
    with workspace_scope(bob.workspace.pk):
        status = dict(Person.objects.values_list("full_name", "linkedin_status"))
        assert status[names[0]] == "connected"
        assert StepRun.objects.filter(accepted_at__isnull=False).count() == 2  # who answered had accepted
        assert StepRun.objects.filter(answered_at__isnull=False).count() == 1
        assert StepRun.objects.filter(checked_at__isnull=False).count() == 5
        assert InboundMail.objects.count() == 1
    assert window.complaints == []

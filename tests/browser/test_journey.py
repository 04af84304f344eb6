"""Main job, step 5: marketer, SDR, AE and leader in four browser windows, from an empty profile to other figures.

Only what the four find on their first morning is arranged: members, companies, a mailbox, a mailing that went before. The
rest is clicked and typed. The clock is the test's; the dispatcher is called where a worker would.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.actions.audit import Actor
from accounts.models import Workspace
from analytics.queries.facts import load_facts
from analytics.rules.funnel import funnel
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.mailboxes import create_mailbox
from campaigns.models import Enrolment
from leadgen.core import clock
from leadgen.core.templatetags.ui_text import money
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import create_import, run_import, start_import
from prospects.actions.spend import create_spend
from prospects.models import Activity, Customer, Deal, Lead, StageTransition
from prospects.rules.agreements import SQL_ITEMS
from tests.campaigns.sink import Sink, running_sink
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_company, make_person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(480),
]

DAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Berlin
# Three leads of February, one of them a customer since: CPL 900 / 3, velocity the median of 5 and 10 days, ARPA 500.
HISTORY = """Lead ID,Email,First name,Last name,Company,Domain,Channel,Created,MQL at,Accepted at,SQL at,Opportunity at,Closed at,Outcome,Deal value,MRR
H-1,ida@old1.example,Ida,Berg,Old One,old1.example,email,2026-02-02T09:00:00Z,2026-02-03T09:00:00Z,2026-02-04T09:00:00Z,2026-02-08T09:00:00Z,2026-02-10T09:00:00Z,2026-02-20T09:00:00Z,won,6000,500
H-2,jan@old2.example,Jan,Lund,Old Two,old2.example,email,2026-02-03T09:00:00Z,2026-02-04T09:00:00Z,2026-02-05T09:00:00Z,2026-02-14T09:00:00Z,,,,,
H-3,kai@old3.example,Kai,Voss,Old Three,old3.example,content,2026-02-05T09:00:00Z,,,,,,,,
"""
PEOPLE = [
    ("Ana Ferreira", "Lumen Presses", "Industrial machinery", 800),
    ("Tom Okafor", "Kite Rail", "Industrial machinery", 1200),
    ("Mei Tanaka", "Vela Metals", "Metals", 400),
    ("Luca Moretti", "Tessera Labs", "Software", 30),
    ("Yara Costa", "Marlow Bank", "Financial services", 5000),
]


class Clock:
    """What the product takes for now."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(DAY)
    monkeypatch.setattr(clock, "now", found.now)
    return found


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        yield found


@pytest.fixture
def cast(acme: Workspace) -> dict[str, Someone]:
    return {role: make_member(acme, role) for role in ("marketer", "sdr", "ae", "leader")}


def _arrange(workspace: Workspace, cast: dict[str, Someone], sink: Sink) -> None:
    """What stood there before: prospects nobody has touched, a mailbox, and last month's leads and spend."""
    by = Actor(member=cast["leader"].member, source="user")
    with workspace_scope(workspace.pk):
        Workspace.objects.filter(pk=workspace.pk).update(gross_margin=Decimal("0.80"))
        for name, company, industry, employees in PEOPLE:
            domain = company.lower().replace(" ", "-") + ".example"
            firm = make_company(company, domain=domain, industry=industry, employees=employees, country="DE")
            first = name.split()[0].lower()
            make_person(name, firm, email=f"{first}@{domain}", phone="+49 30 555 0100", title="VP Operations")
        create_mailbox(
            by=by, now=DAY, warmed_up="it wrote for years", address="sdr@acme.example", from_name="Sam Seller",
            host="127.0.0.1", port=sink.port, security="none", daily_cap=100, min_gap_seconds=0,
        )  # fmt: skip
        create_spend(
            by=by, now=DAY, channel="email", kind="media", amount=Decimal(900), currency="EUR",
            starts_on=date(2026, 2, 1), ends_on=date(2026, 2, 28),
        )  # fmt: skip
        run = create_import(by=by, now=DAY, kind="leads", file_name="history.csv", source=HISTORY.encode())
        start_import(run=run, by=by, now=DAY, ring_workers=False)
    run_import(workspace_id=workspace.pk, run_id=run.pk, now=DAY)


def test_from_profile_to_customer(
    seat: Callable[..., Any], acme: Workspace, cast: dict[str, Someone], sink: Sink, watch: Clock
) -> None:
    _arrange(acme, cast, sink)
    windows = {role: seat(someone) for role, someone in cast.items()}
    before = _figures(windows["leader"].open("/w/acme/analytics/"))
    assert before == _counted(acme, watch.at)
    assert before == {"CPL": "€300", "MQL to SQL": "7.5 d", "ARPA": "€500", "CLV": "€20,000"}

    marketer = windows["marketer"]
    _builds_an_icp(marketer)
    _starts_a_campaign(marketer)
    _writes_a_sequence(marketer, owner=cast["sdr"].member.name)
    _enrols(marketer)

    _dispatch(watch, DAY + timedelta(minutes=1))
    assert sorted(sink.recipients) == ["ana@lumen-presses.example", "tom@kite-rail.example"]
    _dispatch(watch, DAY + timedelta(days=1, minutes=5))
    sdr = windows["sdr"]
    _calls(sdr, watch)
    watch.at += timedelta(hours=1)
    _meets(sdr)
    watch.at += timedelta(days=1)
    _qualifies_and_hands_off(sdr, to=cast["ae"].member.name)
    watch.at += timedelta(hours=1)
    _accepts_and_wins(windows["ae"], watch)

    after = _figures(windows["leader"].open("/w/acme/analytics/"))
    assert after == _counted(acme, watch.at)
    assert after == {"CPL": "€225", "MQL to SQL": "5.0 d", "ARPA": "€600", "CLV": "€24,000"}
    _ledger_tells_it(acme)
    assert {role: window.complaints for role, window in windows.items()} == {role: [] for role in cast}


def _dispatch(watch: Clock, at: datetime) -> None:
    watch.at = at
    dispatch_once(now=at)


def _builds_an_icp(window: Any) -> None:
    """A profile of two industries and a size; published, it grades everybody."""
    page = window.open("/w/acme/icps/")
    page.get_by_role("link", name="New ICP").first.click()
    page.get_by_label("Name").fill("Plants")
    page.get_by_role("button", name="Create and edit").click()
    criteria = page.locator("[data-formset=criteria]")
    first = criteria.locator("[data-formset-row]").nth(0)
    _choose(first, "Fact", "company.industry")
    first.get_by_label("Industrial machinery").check()
    first.get_by_label("Metals").check()
    first.get_by_label("Weight").fill("60")
    page.get_by_role("button", name="Add criterion").click()
    second = criteria.locator("[data-formset-row]").nth(1)
    _choose(second, "Fact", "company.employees")
    _choose(second, "Comparison", "gte")
    second.get_by_label("Value", exact=True).fill("500")
    second.get_by_label("Weight").fill("40")
    expect(page.locator("#icp-preview")).to_contain_text("Lumen Presses")
    page.get_by_role("button", name="Publish").click()
    page.locator("#confirm").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("in force", exact=True).first).to_be_visible()


def _choose(row: Locator, label: str, value: str) -> None:
    """Choose in a row of the editor, and wait for the row the server answers with."""
    row.evaluate("row => { row.dataset.before = '1' }")
    row.get_by_label(label).select_option(value)
    expect(row).not_to_have_attribute("data-before", "1")


def _starts_a_campaign(window: Any) -> None:
    page = window.open("/w/acme/campaigns/new/")
    page.get_by_label("Name").fill("Plants, spring")
    page.get_by_label("ICP").select_option(label="Plants")
    page.get_by_label("Motion").select_option(label="Outbound")
    page.get_by_label("Channel").select_option("email")
    page.get_by_role("button", name="Save and start").click()
    expect(page.get_by_role("heading", name="Plants, spring")).to_be_visible()


def _writes_a_sequence(window: Any, *, owner: str) -> None:
    """An e-mail at once, a call on the day after."""
    page = window.open("/w/acme/sequences/")
    page.get_by_role("link", name="New sequence").first.click()
    page.get_by_label("Name").fill("Plants, mail and call")
    page.get_by_label("Campaign").select_option(label="Plants, spring")
    page.get_by_label("Owner").select_option(label=owner)
    page.get_by_label("sdr@acme.example").check()
    page.get_by_role("button", name="Make the sequence").click()
    page.locator(".step-add").get_by_role("button", name="E-mail").click()
    page.get_by_label("Subject").fill("Changeovers at {{ company.name }}")
    page.get_by_label(re.compile("^Text")).fill(
        "Hi {{ person.first_name }},\n\nmay I show you how two plants save an hour a shift?"
    )
    expect(page.locator("#step-preview")).to_contain_text("may I show you")
    page.get_by_role("button", name="Save the step").click()
    page.locator(".step-add").get_by_role("button", name="Call").click()
    page.get_by_label("Days", exact=True).fill("1")
    page.get_by_label("What to say").fill("Ask {{ person.first_name }} how they plan changeovers.")
    page.get_by_role("button", name="Save the step").click()
    page.get_by_role("link", name="Publish…").click()
    page.locator("#dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("v1").first).to_be_visible()


def _enrols(window: Any) -> None:
    """Everybody of grade A from the list of people, looked at before it happens."""
    page = window.open("/w/acme/people/?grade=A")
    page.get_by_label("Select all rows shown").check()
    page.get_by_role("button", name="Enrol in sequence…").click()
    page.get_by_label("Sequence").select_option(label="Plants, mail and call")
    page.get_by_role("button", name="Look who is eligible").click()
    expect(page.get_by_role("rowheader", name="Ana Ferreira")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Enrol 2")).click()
    expect(page.get_by_role("link", name="Tom Okafor")).to_be_visible()


def _calls(window: Any, watch: Clock) -> None:
    """The SDR's queue: one does not answer, the other is interested and has half an hour: both by keys."""
    page = window.open("/w/acme/work/")
    rows = page.locator("#work-rows [data-task]")
    opened = page.locator("#work-rows [aria-current=true]")
    expect(rows).to_have_count(2)
    rows.filter(has_text="Tom Okafor").click()
    expect(opened).to_contain_text("Tom Okafor")
    page.get_by_role("button", name="No answer").click()
    expect(opened).to_contain_text("Ana Ferreira")
    expect(rows).to_have_count(1)
    page.get_by_label("Note").fill("Changeovers eat a shift a week; wants numbers.")
    page.get_by_role("button", name="Interested", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Interested: Ana Ferreira")
    expect(rows).to_have_count(0)


def _meets(window: Any) -> None:
    """The meeting of half an hour ago makes the lead an MQL; the hand-off that follows is taken from the queue."""
    page = window.open("/w/acme/leads/?stage=lead&owner=me")
    page.get_by_role("link", name="Ana Ferreira").click()
    page.get_by_role("link", name="Log a meeting").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Subject").fill("First talk")
    dialog.get_by_label("Starts").fill("2026-03-05T10:10")
    dialog.get_by_label("It was held").check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-label='Stages of this lead'] [aria-current=step]")).to_contain_text("MQL")
    page.get_by_role("link", name="Work", exact=True).click()
    page.get_by_role("button", name="Accept and next").click()
    expect(page.locator("#toasts")).to_contain_text("Accepted: Ana Ferreira is yours.")


def _qualifies_and_hands_off(window: Any, *, to: str) -> None:
    page = window.open("/w/acme/leads/?stage=accepted&owner=me")
    page.get_by_role("link", name="Ana Ferreira").click()
    page.get_by_role("link", name="Qualify to SQL").click()
    dialog = page.locator("#dialog")
    said = {"fit": "800 people, presses", "need": "a shift a week is lost", "budget": "in this year's plan",
            "authority": "she decides", "timeline": "before summer"}  # fmt: skip
    for item, words in said.items():
        dialog.get_by_label(SQL_ITEMS[item]).fill(words)
    dialog.get_by_role("button", name="Confirm and qualify").click()
    page.get_by_role("link", name="Hand to an AE").click()
    dialog.get_by_label("Account executive").select_option(label=to)
    dialog.get_by_role("button", name="Hand over").click()
    expect(page.locator("#toasts")).to_contain_text(f"Handed to {to}.")


def _accepts_and_wins(window: Any, watch: Clock) -> None:
    """The AE reads the brief in the queue, opens the deal with the acceptance, and wins it three days later."""
    page = window.open("/w/acme/work/")
    pane = page.locator("#work-pane")
    expect(pane).to_contain_text("“a shift a week is lost”")
    pane.get_by_role("link", name="Accept…").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Total contract value").fill("8400")
    dialog.get_by_label("Recurring, a month").fill("700")
    dialog.get_by_label("Term in months").fill("12")
    dialog.get_by_role("button", name="Accept").click()
    expect(page.locator("#toasts")).to_contain_text("Accepted. The deal Lumen Presses is open.")
    watch.at += timedelta(days=3)
    page.get_by_role("link", name="Deals", exact=True).click()
    page.get_by_role("link", name="Lumen Presses").first.click()
    page.get_by_role("link", name="Won…").click()
    dialog.get_by_role("button", name="Close as won").click()
    expect(page.get_by_role("link", name="Customer Lumen Presses")).to_be_visible()


def _ledger_tells_it(workspace: Workspace) -> None:
    """What the pages said is what the rows say: one lead through every stage, its facts, one customer."""
    with workspace_scope(workspace.pk):
        lead = Lead.objects.get(person__full_name="Ana Ferreira")
        entered = StageTransition.objects.filter(lead=lead).order_by("position").values_list("to_stage", flat=True)
        assert list(entered) == ["lead", "mql", "accepted", "sql", "opportunity", "customer"]
        stopped = Enrolment.objects.get(person=lead.person_id)
        assert (stopped.state, stopped.stopped_by_type) == ("stopped", "call")
        kinds = set(Activity.objects.filter(person=lead.person_id).values_list("kind", flat=True))
        assert {"sent", "called", "meeting_booked", "meeting_held"} <= kinds
        deal = Deal.objects.get(lead=lead)
        assert (deal.outcome, deal.value, deal.mrr) == ("won", Decimal(8400), Decimal(700))
        assert deal.customer_id in set(Customer.objects.values_list("pk", flat=True))


def _figures(page: Page) -> dict[str, str]:
    """What the leader reads on the funnel page."""
    named = {"CPL": "CPL", "MQL to SQL": "MQL to SQL, median", "ARPA": "ARPA, a month", "CLV": "CLV, margin"}
    return {
        name: page.get_by_role("link", name=re.compile(f"^{re.escape(label)} .*: open the rows$")).first.inner_text()
        for name, label in named.items()
    }


def _counted(workspace: Workspace, now: datetime) -> dict[str, str]:
    """The same figures from the rows, over the page's period: the ninety days that end today."""
    with workspace_scope(workspace.pk):
        facts, conventions = load_facts(workspace, now)
    today = clock.local_date(now, workspace.time_zone)
    found = funnel(facts, today - timedelta(days=89), today + timedelta(days=1), conventions)
    return {
        "CPL": money(found["period"]["cpl"], "EUR"),
        "MQL to SQL": f"{found['cohort']['mql_to_sql_days']['median']:.1f} d",
        "ARPA": money(found["period"]["arpa"], "EUR"),
        "CLV": money(found["period"]["clv"], "EUR"),
    }

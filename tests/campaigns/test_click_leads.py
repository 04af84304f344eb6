"""Clicks that a later classifier calls a program's: the MQL or lead they made is taken back, unless people worked on it."""

import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import AuditEntry
from campaigns.actions.clicks import classify_due_hits, reclassify_hits
from campaigns.models import TrackedLink
from campaigns.queries.mail import click_url
from campaigns.rules import hits
from campaigns.rules.hits import SETTLE
from leadgen.core.clock import now as now_of
from leadgen.core.tenancy import workspace_scope
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.handoffs import accept_handoff
from prospects.actions.leads import note_interest
from prospects.actions.notes import add_note
from prospects.actions.tasks import complete_task, create_task
from prospects.models import Activity, AgreementVersion, Handoff, Lead, Person, StageTransition, Task
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_fit, make_icp, make_person

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"
CLICKS = {"points": 30, "cap_per_day": 200}


def strict(features: hits.HitFeatures) -> tuple[str, str]:
    """A later version that trusts nobody who speaks of X11."""
    return ("automated", "X11 is a farm") if "X11" in features.user_agent else hits.class_v2(features)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def links(acme: Any) -> list[TrackedLink]:
    """Three links of a mail to Ana, who fits (A). An agreement by which a click earns 30 points; 50 make an MQL."""
    with workspace_scope(acme.pk):
        version = ensure_first_agreement(NOW)
        AgreementVersion.objects.filter(pk=version.pk).update(points=version.points | {"clicked": CLICKS})
        ana = make_person("Ana Ferreira")
        make_fit(make_icp(primary=True), ana, 86, "A")
        message = sent_to(ana, keyed_mailbox())
        return [
            TrackedLink.objects.create(message=message, position=n, url=f"https://acme.example/page/{n}")
            for n in range(1, 4)
        ]


@pytest.fixture
def lead(acme: Any, links: list[TrackedLink]) -> Lead:
    """Ana asked something by a form: 30 points, a lead, no MQL."""
    with workspace_scope(acme.pk):
        form = record_activity(
            kind="form_submitted", at=NOW, now=NOW, summary="Asked", person=Person.objects.get(), channel="content",
            detail={"form_kind": "contact"},
        )  # fmt: skip
        found = note_interest(activity=form, now=NOW)
    assert found is not None and found.stage == "lead"
    return found


def opens_by_click(acme: Any) -> None:
    """An agreement that lets a click open a lead: no page offers that any more, older versions may say it."""
    with workspace_scope(acme.pk):
        AgreementVersion.objects.update(lead_clause={"kinds": ["clicked", "replied"], "imports": True})


def clicked(link: TrackedLink, clock: Any) -> None:
    clock.shift(timedelta(minutes=5))
    path = "/p/c/" + click_url(link).partition("/p/c/")[2]
    assert Client().get(path, headers={"User-Agent": BROWSER, "Accept-Language": "de"}).status_code == 302
    clock.shift(SETTLE)
    classify_due_hits(now=now_of())


def better(
    acme: Any, monkeypatch: pytest.MonkeyPatch, clock: Any, *, version: int = 3, classifier: Any = strict
) -> Any:
    """A newer classifier goes over all history."""
    monkeypatch.setitem(hits.CLASSIFIERS, version, classifier)
    clock.shift(timedelta(days=1))
    return reclassify_hits(workspace_id=acme.pk, now=now_of())


def page(client: Client, lead: Lead) -> str:
    body = client.get(f"/w/acme/leads/{lead.pk}/").content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def moves(acme: Any, lead: Lead) -> list[tuple[str, str]]:
    with workspace_scope(acme.pk):
        rows = StageTransition.objects.filter(lead=lead).order_by("position")
        return list(rows.values_list("to_stage", "reason"))


def now_is(acme: Any, lead: Lead) -> str:
    with workspace_scope(acme.pk):
        stage: str = Lead.objects.values_list("stage", flat=True).get(pk=lead.pk)
    return stage


def test_an_mql_that_only_programs_clicks_made_goes_back_and_its_handoff_is_withdrawn(
    acme: Any, lead: Lead, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch, as_: Any, alice: Any
) -> None:
    clicked(links[0], clock)
    assert now_is(acme, lead) == "mql", "30 of the form and 30 of the click"
    with workspace_scope(acme.pk):
        assert Handoff.objects.get().state == "pending"
    done = better(acme, monkeypatch, clock)
    assert done.leads == {"sent_back": 1}
    assert moves(acme, lead) == [
        ("lead", ""), ("mql", ""), ("lead", "Qualified by clicks that are now thought a program's"),
    ]  # fmt: skip
    with workspace_scope(acme.pk):
        assert Handoff.objects.get().state == "withdrawn"
        assert Task.objects.get(kind="handoff").state == "cancelled"
        audit = AuditEntry.objects.filter(action="lead.stage").latest("at")
        assert (audit.source, audit.detail["from"], audit.detail["to"]) == ("system", "mql", "lead")
    shown = page(as_(alice), lead)
    assert "would never have become an MQL (Fit and engagement). Nobody had worked on it." in shown
    assert reclassify_hits(workspace_id=acme.pk, now=now_of()).leads == {}, "told twice it changes nothing twice"
    assert len(moves(acme, lead)) == 3


def test_a_version_that_trusts_the_click_again_makes_the_mql_again(
    acme: Any, lead: Lead, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going back was no rejection by sales, so no new interest is needed."""
    clicked(links[0], clock)
    better(acme, monkeypatch, clock)
    assert now_is(acme, lead) == "lead"
    better(acme, monkeypatch, clock, version=4, classifier=hits.class_v2)
    assert [stage for stage, _ in moves(acme, lead)] == ["lead", "mql", "lead", "mql"]


def test_an_mql_that_other_interest_carries_stays_without_a_word(
    acme: Any, lead: Lead, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicked(links[0], clock)
    with workspace_scope(acme.pk):
        form = record_activity(
            kind="form_submitted", at=now_of(), now=now_of(), summary="Asked more", person=Person.objects.get(),
            channel="content", detail={"form_kind": "contact"},
        )  # fmt: skip
        note_interest(activity=form, now=now_of())
    assert better(acme, monkeypatch, clock).leads == {}
    assert now_is(acme, lead) == "mql", "two forms of 30 are enough"


def accepts(lead: Lead, by: Actor, now: datetime) -> None:
    accept_handoff(handoff=Handoff.objects.select_related("lead").get(), by=by, now=now)


def notes(lead: Lead, by: Actor, now: datetime) -> None:
    add_note(by=by, now=now, lead=lead, person=lead.person, text="Spoke to the front desk")


def does_a_task(lead: Lead, by: Actor, now: datetime) -> None:
    task = create_task(
        kind=Task.Kind.TODO, title="Look her up", due_at=now, now=now, by=by, person=lead.person, lead=lead,
        owner=by.member,
    )  # fmt: skip
    complete_task(by=by, now=now, task=task, outcome="done")


def calls(lead: Lead, by: Actor, now: datetime) -> None:
    record_activity(kind="called", at=now, now=now, summary="Called", by=by, person=lead.person, lead=lead)


@pytest.mark.parametrize("work", [accepts, notes, does_a_task, calls])
def test_a_lead_that_people_worked_on_stays_and_its_timeline_says_what_is_thought_now(
    acme: Any, lead: Lead, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch, as_: Any, alice: Any,
    by_bob: Actor, work: Any,
) -> None:  # fmt: skip
    clicked(links[0], clock)
    clock.shift(timedelta(hours=1))
    with workspace_scope(acme.pk):
        work(Lead.objects.get(), by_bob, now_of())
    stage = now_is(acme, lead)
    done = better(acme, monkeypatch, clock)
    assert done.leads == {"kept": 1}
    assert now_is(acme, lead) == stage
    assert "Without the clicks that are now thought a program's this lead would never have become an MQL" in page(
        as_(alice), lead
    )
    with workspace_scope(acme.pk):
        note = Activity.objects.get(lead=lead.pk, key__startswith="doubt:")
        assert ". It stays: " in note.summary
        audit = AuditEntry.objects.get(action="lead.doubted")
        assert (audit.source, audit.target_id) == ("system", lead.pk)
        assert Handoff.objects.get().state != "withdrawn"
    assert reclassify_hits(workspace_id=acme.pk, now=now_of()).leads == {}
    with workspace_scope(acme.pk):
        assert Activity.objects.filter(key__startswith="doubt:").count() == 1, "said once"


def test_a_lead_that_only_a_programs_click_opened_is_closed(
    acme: Any, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch, as_: Any, alice: Any, api: Any
) -> None:
    opens_by_click(acme)
    clicked(links[0], clock)
    clicked(links[1], clock)
    with workspace_scope(acme.pk):
        lead = Lead.objects.get()
        assert lead.stage == "mql", "60 points"
    done = better(acme, monkeypatch, clock)
    assert done.leads == {"closed": 1}
    shown = page(as_(alice), lead)
    assert "Opened by a click that is now thought a program's" in shown
    assert "(X11 is a farm). Nobody had worked on it." in shown
    told = api(alice).get(f"/api/v1/leads/{lead.pk}/").json()
    assert (told["stage"], told["reason"]) == ("disqualified", "Opened by a click that is now thought a program's")
    with workspace_scope(acme.pk):
        assert Handoff.objects.get().state == "withdrawn"
        assert not Task.objects.filter(state="open").exists()
        assert AuditEntry.objects.filter(action="lead.stage", detail__to="disqualified").count() == 1
    # Trusted again, the click is interest again: it opens the next lead, which names this one.
    better(acme, monkeypatch, clock, version=4, classifier=hits.class_v2)
    with workspace_scope(acme.pk):
        following = Lead.objects.exclude(pk=lead.pk).get()
        assert (following.previous_id, following.stage) == (lead.pk, "mql")


def test_a_lead_that_another_click_would_have_opened_too_stays_open(
    acme: Any, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two falls: the other is still a person's."""
    opens_by_click(acme)
    clicked(links[0], clock)
    with workspace_scope(acme.pk):
        lead, first = Lead.objects.get(), Activity.objects.get(kind="clicked")
    clicked(links[1], clock)

    def doubts_the_first(features: hits.HitFeatures) -> tuple[str, str]:
        fast = features.seconds_after is not None and features.seconds_after < first.detail["seconds_after"] + 1
        return ("automated", "too soon") if fast else hits.class_v2(features)

    assert better(acme, monkeypatch, clock, classifier=doubts_the_first).corrected == 1
    with workspace_scope(acme.pk):
        assert Lead.objects.get(pk=lead.pk).closed_at is None


def test_a_worked_lead_a_program_opened_stays_open_with_a_note(
    acme: Any,
    links: list[TrackedLink],
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
    as_: Any,
    alice: Any,
    by_bob: Actor,
) -> None:
    opens_by_click(acme)
    clicked(links[0], clock)
    with workspace_scope(acme.pk):
        lead = Lead.objects.get()
        notes(lead, by_bob, now_of())
    assert better(acme, monkeypatch, clock).leads == {"kept": 1}
    assert now_is(acme, lead) == "lead"
    shown = page(as_(alice), lead)
    assert "that opened this lead is now thought a program's (X11 is a farm). It stays: " in shown


def test_what_was_corrected_before_is_looked_at_by_the_next_run(
    acme: Any, lead: Lead, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Corrections made when leads did not follow yet."""
    clicked(links[0], clock)
    with monkeypatch.context() as before:
        before.setattr("campaigns.actions.clicks.reconsider_lead", lambda **given: "")
        better(acme, monkeypatch, clock)
    assert now_is(acme, lead) == "mql"
    out = io.StringIO()
    call_command("reclassify_hits", "-w", "acme", stdout=out)
    assert "MQLs that went back to lead: 1" in out.getvalue()
    assert now_is(acme, lead) == "lead"
    with workspace_scope(acme.pk):
        told = AuditEntry.objects.filter(action="hits.reclassified").latest("at", "id")
        assert (told.source, told.detail["leads"]) == ("command", {"sent_back": 1})

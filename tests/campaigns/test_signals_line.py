"""Whoever a trigger may not enrol today waits in line: the oldest signal first, each once, looked at again at their turn."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import AuditEntry, Workspace
from campaigns.actions import signals_line
from campaigns.actions.enrolments import enrol_people
from campaigns.models import Enrolment, Sequence, SignalPlace, SignalSequence
from campaigns.rules.signals_line import reason, turn
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.segments import create_segment
from prospects.actions.signals import dismiss_signals, record_signal
from prospects.actions.signals_triggers import create_trigger, delete_trigger, update_trigger
from prospects.actions.suppressions import suppress
from prospects.models import Company, Person, Signal, SignalTrigger, Task
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.campaigns import EMAIL, make_mailbox, make_sequence
from tests.factories.prospects import make_company, make_person

DAY = timedelta(days=1)


def tell(company: Company, title: str, **values: Any) -> Signal:
    return record_signal(by=SYSTEM, now=NOW, kind="funding", title=title, company=company, **values)[0]


def line_up(by: Actor, per_day: int = 2) -> SignalTrigger:
    rule = {"field": "person.seniority", "op": "is", "value": "vp"}
    segment = create_segment(by=by, now=NOW, name="VPs", kind="dynamic", subject="people", rule=rule)
    sequence = make_sequence([EMAIL], mailbox=make_mailbox(), name="Funded").sequence
    return create_trigger(
        by=by, now=NOW, name="Money", kinds=["funding"], segment=segment, sequence=sequence.pk, per_day=per_day
    )


def vps(company: Company, *names: str) -> list[Person]:
    return [make_person(name, company, seniority="vp") for name in names]


def turn_of(workspace: Workspace, now: datetime) -> datetime | None:
    return signals_line.run_lane(workspace.pk, now=now)


def inside() -> set[str]:
    return set(Enrolment.objects.values_list("person__full_name", flat=True))


def left() -> dict[str, str]:
    return dict(SignalPlace.objects.filter(state="left").values_list("person__full_name", "code"))


def test_turns_and_reasons() -> None:
    today = date(2026, 3, 4)
    days = [turn(place=n, left_today=1, per_day=2, today=today).day for n in (1, 2, 3, 4)]
    assert days == [4, 5, 5, 6]
    assert turn(place=1, left_today=-3, per_day=2, today=today).day == 5  # the cap was lowered meanwhile
    assert reason(place=1, per_day=2, active=True, note="") == "Waits: the trigger enrols 2 a day; next in line"
    assert reason(place=3, per_day=2, active=False, note="") == "Waits: the trigger is switched off"


@pytest.mark.django_db
def test_the_line_goes_on_by_the_day_oldest_signal_first(in_acme: Workspace, by_alice: Actor) -> None:
    trigger = line_up(by_alice)
    lumen, kite, mira = (make_company(name, domain=f"{name.lower()}.example") for name in ("Lumen", "Kite", "Mira"))
    vps(lumen, "L1", "L2", "L3")
    vps(kite, "K1", "K2")
    vps(mira, "M1")
    tell(lumen, "First")
    assert inside() == {"L1", "L2"} and not Task.objects.exists()
    # Older news that comes later goes before; who is there by two signals has one place and is enrolled once.
    tell(kite, "Older", at=NOW - 3 * DAY)
    tell(kite, "Newer")
    assert inside() == {"L1", "L2"} and not Task.objects.exists()
    assert [row.person.full_name for row in signals_line.line_of(trigger.pk)] == ["K1", "K2", "L3"]
    assert turn_of(in_acme, NOW + timedelta(hours=9)) == datetime(
        2026, 3, 4, 23, tzinfo=NOW.tzinfo
    )  # midnight in Berlin
    assert len(inside()) == 2
    # News of the next morning goes behind the line, whatever is left of the day.
    record_signal(by=SYSTEM, now=NOW + DAY, kind="funding", title="Morning", company=mira)
    assert "M1" not in inside()
    turn_of(in_acme, NOW + DAY)
    assert inside() == {"L1", "L2", "K1", "K2"}
    assert SignalPlace.objects.get(person__full_name="K1", signal__title="Newer").code == "already"
    turn_of(in_acme, NOW + DAY)
    assert len(inside()) == 4  # two a day, however often a worker looks
    row = Enrolment.objects.get(person__full_name="K1")
    assert row.cause == f"Funding of {NOW - 3 * DAY:%d %b %Y}: Older (trigger “Money”)"
    assert turn_of(in_acme, NOW + 2 * DAY) is None
    assert inside() == {"L1", "L2", "L3", "K1", "K2", "M1"} and SignalSequence.objects.get().enrolled == 6
    assert Enrolment.objects.count() == 6 and not SignalPlace.objects.filter(state="waiting").exists()


@pytest.mark.django_db
def test_whose_turn_comes_is_looked_at_again(in_acme: Workspace, by_alice: Actor) -> None:
    line_up(by_alice, per_day=1)
    lumen, kite, old = (make_company(name, domain=f"{name.lower()}.example") for name in ("Lumen", "Kite", "Old"))
    names = ["Now", "Quiet", "By hand", "Demoted", "Elsewhere", "Fine"]
    people = dict(zip(names, vps(lumen, *names), strict=True))
    vps(kite, "Dismissed")
    vps(old, "Faded")
    tell(lumen, "Money")
    dismissed = tell(kite, "Wrong")
    tell(old, "Long ago", at=NOW - 89 * DAY)  # an eighth of funding's weight is left after 90 days
    assert inside() == {"Now"} and SignalPlace.objects.filter(state="waiting").count() == 7
    suppress(by=by_alice, now=NOW, kind="email", value=people["Quiet"].email, reason="unsubscribed")
    other = make_sequence([EMAIL], mailbox=make_mailbox(address="two@acme.example"), name="Other").sequence
    enrol_people(sequence=other, people=[people["By hand"].pk], by=by_alice, now=NOW)
    Person.objects.filter(pk=people["Demoted"].pk).update(seniority="manager")
    Person.objects.filter(pk=people["Elsewhere"].pk).update(company=kite)
    dismiss_signals(signals=[dismissed], by=by_alice, now=NOW)
    turn_of(in_acme, NOW + 2 * DAY)
    assert inside() == {"Now", "By hand", "Fine"}  # one a day, and nobody's day is spent on those who may not
    assert left() == {
        "Quiet": "suppressed", "By hand": "elsewhere", "Demoted": "segment", "Elsewhere": "moved", "Dismissed": "dismissed",
        "Faded": "stale",
    }  # fmt: skip
    assert SignalPlace.objects.get(code="stale").reason == "The news of 05 Dec 2025 was too old when their turn came"
    assert not Task.objects.exists()  # of Lumen somebody is inside; the rest is no news


@pytest.mark.django_db
def test_news_whose_people_all_fall_out_makes_its_to_do(in_acme: Workspace, by_alice: Actor) -> None:
    line_up(by_alice, per_day=1)
    lumen, kite = make_company("Lumen", domain="lumen.example"), make_company("Kite", domain="kite.example")
    vps(lumen, "Now")
    quiet = vps(kite, "Quiet")[0]
    tell(lumen, "Money")
    tell(kite, "More money")
    assert not Task.objects.exists()
    suppress(by=by_alice, now=NOW, kind="email", value=quiet.email, reason="unsubscribed")
    turn_of(in_acme, NOW + DAY)
    assert inside() == {"Now"} and Task.objects.get().company == kite


@pytest.mark.django_db
def test_cap_pause_sequence_and_delete(in_acme: Workspace, by_alice: Actor) -> None:
    trigger = line_up(by_alice, per_day=1)
    lumen = make_company("Lumen", domain="lumen.example")
    vps(lumen, *"ABCDEF")
    tell(lumen, "Money")

    def change(**changes: Any) -> None:
        update_trigger(trigger=trigger, changes=changes, by=by_alice, now=NOW)
        trigger.refresh_from_db()

    Lane.objects.update(next_due=NOW + DAY)
    change(per_day=3)
    assert Lane.objects.get(kind=signals_line.LANE).next_due == NOW  # the line is looked at at once, not at midnight
    turn_of(in_acme, NOW)
    assert inside() == {"A", "B", "C"}
    change(per_day=1)
    change(is_active=False)
    assert turn_of(in_acme, NOW + DAY) is None and len(inside()) == 3
    change(is_active=True)
    Sequence.objects.update(state=Sequence.State.ARCHIVED)
    turn_of(in_acme, NOW + DAY)
    assert len(inside()) == 3 and "archived" in SignalSequence.objects.get().note
    assert SignalPlace.objects.filter(state="waiting").count() == 3  # nobody is passed over for it
    Sequence.objects.update(state=Sequence.State.ACTIVE)
    turn_of(in_acme, NOW + 2 * DAY)
    assert inside() == {"A", "B", "C", "D"} and SignalSequence.objects.get().note == ""
    delete_trigger(trigger=trigger, by=by_alice, now=NOW)
    assert AuditEntry.objects.get(action="signal_trigger.deleted").detail["waiting"] == 2
    assert not SignalPlace.objects.exists() and len(inside()) == 4
    assert turn_of(in_acme, NOW + 3 * DAY) is None


@pytest.mark.django_db
def test_choosing_no_sequence_ends_the_line(in_acme: Workspace, by_alice: Actor) -> None:
    trigger = line_up(by_alice, per_day=1)
    lumen = make_company("Lumen", domain="lumen.example")
    vps(lumen, "A", "B")
    tell(lumen, "Money")
    update_trigger(trigger=trigger, changes={"sequence": None}, by=by_alice, now=NOW)
    assert turn_of(in_acme, NOW + DAY) is None
    assert inside() == {"A"} and left() == {"B": "off"}


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_enrols_nobody_twice_and_loses_nobody(
    acme: Workspace, alice: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(acme.pk):
        line_up(Actor(member=alice.member, source="user"), per_day=2)
        lumen = make_company("Lumen", domain="lumen.example")
        vps(lumen, *"ABCD")
        tell(lumen, "Money")
    with monkeypatch.context() as patch:  # after the enrolling, before the places are told: the worst place

        def die(*args: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(signals_line, "_tell_of_nobody", die)
        with pytest.raises(KeyboardInterrupt):
            turn_of(acme, NOW + DAY)
    with workspace_scope(acme.pk):
        assert Enrolment.objects.count() == 2 and SignalPlace.objects.filter(state="waiting").count() == 2
    turn_of(acme, NOW + DAY)
    turn_of(acme, NOW + DAY)
    with workspace_scope(acme.pk):
        assert inside() == set("ABCD") and Enrolment.objects.count() == 4
        assert SignalPlace.objects.filter(state="enrolled").count() == 2


@pytest.mark.django_db
def test_the_page_and_the_api_say_who_waits_and_why(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client]
) -> None:
    with workspace_scope(acme.pk):
        trigger = line_up(SYSTEM, per_day=1)
        lumen = make_company("Lumen", domain="lumen.example")
        vps(lumen, "Ana", "Ben", "Cleo")
        tell(lumen, "Raised 20 M EUR")
    client, program = as_(alice), api(alice, "signals.view", "signals.manage")
    url = f"/api/v1/signal-triggers/{trigger.pk}/"
    with time_machine.travel(NOW, tick=False):
        assert program.get(url).json()["enrols"]["waiting"] == 2
        first = program.get(f"{url}line/?limit=1").json()
        row = first["results"][0]
        assert (row["place"], row["person_name"], row["expected"]) == (1, "Ben", "2026-03-05")
        assert row["reason"] == "Waits: the trigger enrols 1 a day; next in line"
        second = program.get(f"{url}line/?cursor={first['next']}").json()["results"]
        assert [(row["place"], row["person_name"], row["expected"]) for row in second] == [(2, "Cleo", "2026-03-06")]
        page = client.get(f"/w/acme/signals/triggers/{trigger.pk}/").content.decode()
        assert "2 people wait" in page and "1 before them" in page and "about 6 Mar" in page
        assert "2 in line" in client.get("/w/acme/signals/triggers/").content.decode()
        assert (
            "2 people wait in its line" in client.get(f"/w/acme/signals/triggers/{trigger.pk}/delete/").content.decode()
        )
        off = program.patch(url, json.dumps({"is_active": False}), content_type="application/json")
        assert off.status_code == 200
        assert program.get(f"{url}line/").json()["results"][0] | {"joined_at": ""} == row | {
            "joined_at": "", "expected": None, "reason": "Waits: the trigger is switched off",
        }  # fmt: skip
        with workspace_scope(acme.pk):
            SignalTrigger.objects.update(is_active=True)
            suppress(
                by=SYSTEM, now=NOW, kind="email", value=Person.objects.get(full_name="Ben").email, reason="unsubscribed"
            )
            turn_of(acme, NOW + DAY)
        out = {row["person_name"]: (row["enrolled"], row["reason"]) for row in program.get(f"{url}out-of-line/").json()}
        assert out["Cleo"] == (True, "") and out["Ben"][1].startswith("Suppressed: unsubscribed on")
        page = client.get(f"/w/acme/signals/triggers/{trigger.pk}/").content.decode()
        assert "not enrolled: Suppressed" in page and "1 suppressed" in page

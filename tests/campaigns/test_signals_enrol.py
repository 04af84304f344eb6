"""Triggers of signals that enrol: off until chosen, with every check of enrolling, capped, told, once for a signal."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import AuditEntry, Workspace
from campaigns.models import Enrolment, Sequence, SignalEnrolment, SignalPlace, SignalSequence
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions import signals_triggers
from prospects.actions.segments import create_segment
from prospects.actions.signals import record_many, record_signal
from prospects.actions.signals_triggers import create_trigger, update_trigger
from prospects.actions.suppressions import suppress
from prospects.models import Activity, Segment, Signal, SignalTrigger, Task
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.campaigns import EMAIL, make_mailbox, make_sequence
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


def tell(title: str = "Raised 20 M EUR", **values: Any) -> Signal:
    return record_signal(by=SYSTEM, now=values.pop("now", NOW), kind="funding", title=title, **values)[0]


def segment_of(by: Actor, subject: str = "people") -> Segment:
    rule = {"field": "person.seniority", "op": "is", "value": "vp"}
    if subject == "companies":
        rule = {"field": "company.country", "op": "is", "value": "DE"}
    return create_segment(by=by, now=NOW, name=f"Heads {subject}", kind="dynamic", subject=subject, rule=rule)


def test_a_signal_enrols_who_of_the_company_is_meant_once_and_says_why(in_acme: Workspace, by_alice: Actor) -> None:
    lumen, kite = make_company("Lumen", domain="lumen.example"), make_company("Kite", domain="kite.example")
    ana, tom = make_person("Ana", lumen, seniority="vp"), make_person("Tom", lumen, seniority="vp")
    quiet = make_person("Eva", lumen, seniority="vp", email="eva@lumen.example")
    make_person("Not meant", lumen, seniority="manager")
    make_person("Elsewhere", kite, seniority="vp")
    suppress(by=by_alice, now=NOW, kind="email", value=quiet.email, reason="unsubscribed")
    sequence = make_sequence([EMAIL], mailbox=make_mailbox(), name="Funded").sequence
    trigger = create_trigger(
        by=by_alice, now=NOW, name="Money", kinds=["funding"], segment=segment_of(by_alice), sequence=sequence.pk
    )
    signal = tell(domain="lumen.example")
    rows = list(Enrolment.objects.order_by("person__full_name"))
    assert [row.person for row in rows] == [ana, tom]
    why = f"Funding of {NOW:%d %b %Y}: Raised 20 M EUR (trigger “Money”)"
    assert {row.cause for row in rows} == {why}
    fact = Activity.objects.get(kind="enrolled", person=ana)
    assert fact.summary == f"Enrolled in Funded v1. {why}"
    assert (fact.detail["signal"], fact.detail["trigger"]) == (str(signal.pk), str(trigger.pk))
    assert AuditEntry.objects.get(action="sequence.enrolled").detail["cause"] == why
    came = SignalEnrolment.objects.get()
    assert (came.enrolled, came.blocked) == (2, {"suppressed": 1})
    assert not Task.objects.exists()  # somebody is written to
    # The same news again, told by its source or set off by a worker that was killed after it: nothing more.
    tell(domain="lumen.example")
    new = make_person("New", lumen, seniority="vp")
    signals_triggers.fire([signal], now=NOW)
    assert Enrolment.objects.count() == 2 and not Enrolment.objects.filter(person=new).exists()
    # Other news reaches who is new; those inside stay where they are. Of nobody who can be enrolled it makes a to-do.
    tell("Another round", domain="lumen.example")
    assert Enrolment.objects.count() == 3
    assert SignalEnrolment.objects.get(signal__title="Another round").blocked["is or was in this sequence"] == 2
    Task.objects.all().delete()
    tell("A third", domain="lumen.example")
    assert Enrolment.objects.count() == 3 and Task.objects.get().company == lumen
    assert SignalSequence.objects.get().enrolled == 3


def test_it_is_capped_by_the_day_and_a_sequence_that_takes_nobody_stops_no_news(
    in_acme: Workspace, by_alice: Actor
) -> None:
    lumen = make_company("Lumen", domain="lumen.example")
    people = [make_person(f"P{n}", lumen, seniority="vp") for n in range(3)]
    sequence = make_sequence([EMAIL], mailbox=make_mailbox()).sequence
    trigger = create_trigger(
        by=by_alice, now=NOW, name="Money", kinds=["funding"], segment=segment_of(by_alice), sequence=sequence.pk, per_day=2
    )  # fmt: skip
    tell(domain="lumen.example")
    assert set(Enrolment.objects.values_list("person", flat=True)) == {row.pk for row in people[:2]}
    assert SignalEnrolment.objects.get().blocked == {}
    assert SignalPlace.objects.get().person == people[2]
    SignalPlace.objects.all().delete()
    tell("Tomorrow", domain="lumen.example", now=NOW + timedelta(days=1))
    assert Enrolment.objects.count() == 3
    Sequence.objects.update(state=Sequence.State.ARCHIVED)
    signal = tell("Late", domain="lumen.example", now=NOW + timedelta(days=2))
    assert signal.state == "matched" and "archived" in SignalSequence.objects.get().note
    # Nothing of it without a sequence, and news of somebody enrols them alone.
    update_trigger(trigger=trigger, changes={"sequence": None}, by=by_alice, now=NOW)
    assert not SignalSequence.objects.exists()


def test_who_enrols_must_be_a_segment_of_people_and_a_published_sequence(in_acme: Workspace, by_alice: Actor) -> None:
    sequence = make_sequence([EMAIL], mailbox=make_mailbox()).sequence
    old = Sequence.objects.create(name="Draft", campaign=sequence.campaign, created_at=NOW)
    people, companies = segment_of(by_alice), segment_of(by_alice, "companies")
    for values, field in (
        ({"sequence": sequence.pk}, "segment"), ({"sequence": sequence.pk, "segment": companies}, "segment"),
        ({"sequence": old.pk, "segment": people}, "sequence"), ({"sequence": sequence.pk, "segment": people, "per_day": 500}, "per_day"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            create_trigger(by=by_alice, now=NOW, name="T", kinds=["news"], **values)
        assert refused.value.field == field and not SignalTrigger.objects.exists()


def test_a_trigger_asks_its_segment_once_however_many_signals(in_acme: Workspace, by_alice: Actor) -> None:
    for number in range(8):
        make_person(
            f"P{number}", make_company(f"C{number}", domain=f"c{number}.example"), seniority="vp" if number % 2 else ""
        )
    create_trigger(by=by_alice, now=NOW, name="Money", kinds=["funding"], segment=segment_of(by_alice))
    items = [{"kind": "funding", "title": "Raised", "domain": f"c{number}.example"} for number in range(8)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        record_many(by=SYSTEM, now=NOW, items=items)
    asked = [row["sql"] for row in queries if "seniority" in row["sql"] and 'company_id" IN' in row["sql"]]
    assert len(asked) == 1
    assert sorted(Task.objects.values_list("company__name", flat=True)) == ["C1", "C3", "C5", "C7"]


def test_the_page_and_the_api_choose_the_sequence(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client]
) -> None:
    with time_machine.travel(NOW, tick=False):
        with workspace_scope(acme.pk):
            segment = segment_of(SYSTEM)
            sequence = make_sequence([EMAIL], mailbox=make_mailbox(), name="Funded").sequence
            make_person("Ana", make_company("Lumen", domain="lumen.example"), seniority="vp")
        client, program = as_(alice), api(alice)
        form = {"name": "Money", "kinds": ["funding"], "is_active": "on", "sequence": str(sequence.pk), "per_day": "5"}
        refused = client.post("/w/acme/signals/triggers/new/", form)
        assert refused.status_code == 422 and "choose a segment of people" in refused.content.decode()
        assert client.post("/w/acme/signals/triggers/new/", form | {"segment": str(segment.pk)}).status_code in (
            204,
            302,
        )
        listed = program.get("/api/v1/signal-triggers/").json()["results"][0]
        assert (listed["enrols"]["name"], listed["enrols"]["per_day"]) == ("Funded", 5)
        told = {"kind": "funding", "title": "Raised", "domain": "lumen.example"}
        assert program.post("/api/v1/signals/", json.dumps(told), content_type="application/json").status_code == 201
        assert "1 so far" in client.get("/w/acme/signals/triggers/").content.decode()
        assert "Raised" in client.get(f"/w/acme/signals/triggers/{listed['id']}/").content.decode()
        url = f"/api/v1/signal-triggers/{listed['id']}/"
        off = program.patch(url, json.dumps({"sequence": None}), content_type="application/json")
        assert off.status_code == 200 and off.json()["enrols"] is None
        with workspace_scope(acme.pk):
            assert Enrolment.objects.get().cause and not SignalSequence.objects.exists()

"""Phone numbers: what calls said of them is kept, shown, and told to enrichment."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import Workspace
from campaigns.actions.queue import CALL_OUTCOMES, log_call
from leadgen.core.tenancy import workspace_scope
from prospects.actions.enrichment import run_lane, start_run
from prospects.actions.enrichment_providers import create_provider
from prospects.actions.people import update_person
from prospects.models import EnrichmentItem, Person, PhoneOutcome
from prospects.rules import phone_outcomes as rules
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_person, make_task
from tests.web_server import web_server

OLD, NEW = "+351211234567", "+351912345678"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(NEW, "mobile"), (OLD, "fixed line"), ("+12025550123", "fixed line or mobile"), ("+448001111111", "toll-free"), ("0211", ""), ("+999", ""), ("", "")],
)  # fmt: skip
def test_the_kind_of_a_number(number: str, kind: str) -> None:
    assert rules.kind_of(number) == kind


def test_every_outcome_of_a_call_says_something_of_the_number() -> None:
    assert rules.STATES.keys() == CALL_OUTCOMES.keys() and set(rules.STATES.values()) == set(PhoneOutcome.State.values)


def test_a_wrong_number_is_taken_off_and_enrichment_finds_another(
    acme: Workspace, by_bob: Actor, bob: Someone, as_: Callable[[Someone], Client]
) -> None:
    with web_server() as server:
        with workspace_scope(acme.pk):
            ana = make_person("Ana Ferreira", None, email="ana@lumen.example", phone=OLD)
            task = make_task("Call Ana", kind="call", person=ana, owner=bob.member)
            log_call(task=task, by=by_bob, now=NOW, outcome="wrong_number")
            ana.refresh_from_db()
            assert (ana.phone, PhoneOutcome.objects.get().state) == ("", "wrong")
            for name in ("Old", "Dial"):
                create_provider(
                    by=by_bob,
                    now=NOW,
                    kind="http",
                    name=name,
                    subject="people",
                    url=f"{server.url}/{name}?e={{email}}",
                    mapping={"phone": "p"},
                )
            server.page("/Old", json.dumps({"p": OLD}))
            server.page("/Dial", json.dumps({"p": NEW}))
            start_run(by=by_bob, now=NOW, subject="people", ids=[ana.pk], write_at_once=True)
        run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        ana.refresh_from_db()
        assert ana.phone == NEW  # the wrong one is not proposed again, the next provider is asked
        assert "was a wrong number" in EnrichmentItem.objects.get().notes[0]
        log_call(task=make_task("Again", kind="call", person=ana), by=by_bob, now=NOW, outcome="connected_positive")
    with time_machine.travel(NOW, tick=False):
        page = as_(bob).get(f"/w/acme/people/{ana.pk}/").content.decode()
    assert "mobile, reached them, 4 Mar 2026" in page and "Not their number" in page and OLD in page
    # Emptied by hand later: that is a decision, and stays.
    with workspace_scope(acme.pk):
        update_person(
            by=by_bob, now=NOW + timedelta(days=1), person=Person.objects.get(pk=ana.pk), changes={"phone": ""}
        )
        start_run(by=by_bob, now=NOW, subject="people", ids=[ana.pk], write_at_once=True)
    run_lane(acme.pk, now=NOW + timedelta(days=1))
    with workspace_scope(acme.pk):
        assert Person.objects.get(pk=ana.pk).phone == ""


def test_a_dialler_tells_it_over_the_api(
    acme: Workspace, bob: Someone, charlie: Someone, api: Callable[..., Client]
) -> None:
    with workspace_scope(acme.pk):
        ana = make_person("Ana", None, phone=OLD)
    client, outsider = api(bob), api(charlie)
    told: dict[str, Any] = {"person": str(ana.pk), "number": "+351 21 123 4567", "state": "no_answer"}
    first = client.post("/api/v1/phone-outcomes/", told, content_type="application/json")
    assert first.status_code == 201 and (first.json()["number"], first.json()["type"]) == (OLD, "fixed line")
    again = client.post("/api/v1/phone-outcomes/", told | {"state": "reached"}, content_type="application/json").json()
    assert (again["id"], again["calls"], again["state"]) == (first.json()["id"], 2, "reached")
    assert len(client.get(f"/api/v1/phone-outcomes/?person={ana.pk}").json()["results"]) == 1
    assert outsider.post("/api/v1/phone-outcomes/", told, content_type="application/json").status_code == 400
    assert (
        client.post("/api/v1/phone-outcomes/", told | {"state": "moon"}, content_type="application/json").status_code
        == 400
    )
    with workspace_scope(acme.pk):
        assert PhoneOutcome.objects.get().calls == 2 and Person.objects.get(pk=ana.pk).phone == OLD

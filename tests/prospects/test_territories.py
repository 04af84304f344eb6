"""Territories: the first match wins, people follow their company, what is counted is what happens, hand-set owners stay."""

import json
from datetime import timedelta

import pytest

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions import territories_run
from prospects.actions.companies import assign_companies, create_company
from prospects.actions.people import create_person
from prospects.actions.routing import choose_member
from prospects.actions.territories import create_territory, move_territory, order_territories, update_territory
from prospects.actions.territories_run import LANE, apply_run, cancel_run, look, run_lane, start_run
from prospects.models import Activity, Company, Deal, Lead, Person, Territory, TerritoryRun
from prospects.queries.territories import why_owner
from prospects.rules.territories import of_companies
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_deal, make_lead, make_person

DACH = {"any": [
    {"field": "company.country", "op": "in", "value": ["AT", "CH", "DE"]},
    {"field": "person.country", "op": "in", "value": ["AT", "CH", "DE"]},
]}  # fmt: skip
LARGE = {"field": "company.employees", "op": "gte", "value": 1000}


def test_a_company_meets_a_rule_where_facts_of_people_make_no_difference() -> None:
    firm = {"field": "company.country", "op": "is", "value": "DE"}
    human = {"field": "person.country", "op": "is", "value": "DE"}
    assert of_companies({"any": [firm, human]}) == {"any": [firm]}
    assert of_companies({"all": [firm, human]}) is None
    assert of_companies({"not": {"all": [firm, human]}}) == {"any": [{"not": firm}]}
    assert of_companies({"not": {"any": [firm, human]}}) is None
    assert of_companies({"not": {"not": firm}}) == firm
    assert of_companies(human) is None


def _named(acme, name: str):
    member = make_member(acme, "ae", f"{name}@acme.example").member
    member.name = name.capitalize()
    member.save()
    return member


@pytest.fixture
def team(acme, by_alice, now):
    """Anna has DACH, Bo and Cleo share the large ones in turn; DACH is tried first."""
    with workspace_scope(acme.pk):
        anna, bo, cleo = (_named(acme, n) for n in ("anna", "bo", "cleo"))
        create_territory(by=by_alice, now=now, name="DACH", rule=DACH, members=[anna.pk])
        create_territory(by=by_alice, now=now, name="Large", rule=LARGE, members=[bo.pk, cleo.pk])
    return anna, bo, cleo


def _lane(acme):
    lane = lanes.take_key(workspace_id=acme.pk, kind=LANE, key="", lease_seconds=300)
    assert lane is not None
    return lane


def _owners(model) -> dict[str, str]:
    return {str(row): row.owner.name if row.owner else "" for row in model.objects.select_related("owner")}


@pytest.mark.django_db
def test_what_is_counted_happens_once_and_hand_set_owners_stay(acme, by_alice, now, team, monkeypatch) -> None:
    monkeypatch.setattr(territories_run, "BATCH", 2)  # several batches
    anna, _bo, _cleo = team
    with workspace_scope(acme.pk):
        zed = _named(acme, "zed")
        gone = _named(acme, "gone")
        gone.is_active = False
        gone.save()
        berlin = make_company("Berlin", country="DE", employees=5000)
        make_company("Paris", country="FR", employees=5000)
        make_company("Rome", country="IT", employees=2000)
        small = make_company("Small", country="FR", employees=3)
        kept, came = make_company("Kept", country="DE"), make_company("Came", country="DE", owner=zed)
        freed = make_company("Freed", country="DE", owner=zed)
        left = make_company("Left", country="FR", employees=3, owner=gone)
        assign_companies(by=by_alice, now=now, companies=[kept], owner=zed)
        assign_companies(by=by_alice, now=now, companies=[freed], owner=None)
        make_person("Ana", berlin)
        make_person("Kim", kept)
        make_person("Solo", country="CH")
        make_person("Nobody", small)
        make_person("Orphan", left)
        ben = make_person("Ben", came, owner=zed)
        lead, other = make_lead(ben, owner=zed), make_lead(make_person("Far", small), owner=zed)
        deal = make_deal("D", owner=zed, company=came)
        run = start_run(by=by_alice, now=now)
        assert (run.state, _owners(Company)["Berlin"], run.seen) == ("counted", "", run.total)
        assert run.counts["companies"] == {
            "gain": 3,
            "change": 0,
            "same": 0,
            "hand": 2,
            "policy": 1,
            "nobody": 0,
            "none": 2,
        }
        # Somebody else's run waits; one of other territories is not applied.
        wide = start_run(by=by_alice, now=now, policy="change", moves_open=True)
        assert (wide.counts["companies"]["change"], wide.counts["people"]["change"]) == (1, 1)
        assert (wide.counts["leads"], wide.counts["deals"]) == (1, 1)
        apply_run(run=wide, by=by_alice, now=now)
        with pytest.raises(Conflict, match="under way"):
            start_run(by=by_alice, now=now)
        with pytest.raises(Conflict):
            apply_run(run=wide, by=by_alice, now=now)
    # The worker is killed after its third batch: nothing is lost, nothing done twice.
    give, calls = territories_run.give, []

    def dies(*args):
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit("killed")
        return give(*args)

    monkeypatch.setattr(territories_run, "give", dies)
    lane = _lane(acme)
    with pytest.raises(SystemExit):
        run_lane(lane, clock=lambda: now)
    with workspace_scope(acme.pk):
        wide.refresh_from_db()
        assert wide.state == "applying" and 0 < wide.seen < wide.total
    run_lane(lane, clock=lambda: now)
    with workspace_scope(acme.pk):
        wide.refresh_from_db()
        assert (wide.state, wide.done) == ("done", wide.counts)
        owners = _owners(Company)
        assert {owners.pop("Paris"), owners.pop("Rome")} == {"Bo", "Cleo"}  # in turn
        assert owners == {"Berlin": "Anna", "Small": "", "Kept": "Zed", "Came": "Anna", "Freed": "", "Left": "Gone"}
        people = _owners(Person)
        assert people == {
            "Ana": "Anna",
            "Kim": "Zed",
            "Solo": "Anna",
            "Nobody": "",
            "Orphan": "",
            "Ben": "Anna",
            "Far": "",
        }
        assert Lead.objects.get(pk=lead.pk).owner == anna and Lead.objects.get(pk=other.pk).owner == zed
        assert Deal.objects.get(pk=deal.pk).owner == anna
        assert Activity.objects.filter(company=berlin, person=None, summary="Owner Anna: territory DACH").count() == 1
        assert why_owner(Person.objects.get(full_name="Ana")) == "by territory DACH, with their company"
        assert why_owner(Person.objects.get(full_name="Kim")) == "with their company"
        assert why_owner(Company.objects.get(pk=kept.pk)) == ""
        assert AuditEntry.objects.get(action="territory.run_done").detail["done"] == wide.counts
        again = start_run(by=by_alice, now=now, policy="change")
        assert sum(again.counts[kind][what] for kind in ("companies", "people") for what in ("gain", "change")) == 0
        # By hand from here on.
        assign_companies(
            by=by_alice, now=now + timedelta(minutes=1), companies=[Company.objects.get(pk=berlin.pk)], owner=zed
        )
        assert why_owner(Company.objects.get(pk=berlin.pk)) == ""
        dach, large = Territory.objects.order_by("position")
        move_territory(territory=large, up=True, by=by_alice, now=now)
        with pytest.raises(Conflict, match="were changed"):
            apply_run(run=again, by=by_alice, now=now)
        cancel_run(run=again, by=by_alice, now=now)
        with pytest.raises(Invalid):
            order_territories(ids=[dach.pk], by=by_alice, now=now)


@pytest.mark.django_db
def test_new_records_get_their_owner_within_a_minute(acme, by_alice, now, team) -> None:
    anna, _bo, _cleo = team
    later = now + timedelta(minutes=5)
    with workspace_scope(acme.pk):
        firm = create_company(by=by_alice, now=later, name="Wien", country="AT")
        create_person(by=by_alice, now=later, name="Ana", company=firm)
        lead = make_lead(create_person(by=by_alice, now=later, name="Uli", country="DE"))
        # Routing does not wait for the worker: the lead's person has the same owner at once.
        assert choose_member(lead=lead, role="ae", now=later).chosen == anna.pk
        assert (
            _owners(Person) == {"Ana": "", "Uli": "Anna"}
            and AuditEntry.objects.get(action="territory.assigned").target_label == "Uli"
        )
    lane = lanes.take(kind=LANE, now=later)
    assert lane is not None
    again = run_lane(lane, clock=lambda: later)
    with workspace_scope(acme.pk):
        assert _owners(Company) == {"Wien": "Anna"} and _owners(Person) == {"Ana": "Anna", "Uli": "Anna"}
        assert AuditEntry.objects.get(action="territory.assigned", target_label__startswith="New").detail["people"] == 1
        # Somebody takes the owner away: nobody gives it back. A fact that comes later brings its owner, and its people.
        assign_companies(by=by_alice, now=later, companies=[Company.objects.get()], owner=None)
        late = make_company("Late")
        make_person("Mia", late)
        Company.objects.filter(pk=late.pk).update(employees=4000, updated_at=later)
    assert again == later + territories_run.AGAIN or again is None
    look(acme.pk, now=later + timedelta(minutes=1))
    with workspace_scope(acme.pk):
        owners = _owners(Company)
        assert owners["Wien"] == "" and owners["Late"] in ("Bo", "Cleo") and _owners(Person)["Mia"] == owners["Late"]
        # Nobody of a territory is active: it assigns nobody, and the next one is not asked either.
        anna.is_active = False
        anna.save()
        make_company("Graz", country="AT", employees=9000)
    look(acme.pk, now=later + timedelta(minutes=2))
    with workspace_scope(acme.pk):
        assert _owners(Company)["Graz"] == ""
        dach = Territory.objects.get(name="DACH")
        update_territory(territory=dach, by=by_alice, now=later, changes={"is_active": False})
    look(acme.pk, now=later + timedelta(minutes=3))
    with workspace_scope(acme.pk):
        assert _owners(Company)["Graz"] in ("Bo", "Cleo")


@pytest.mark.django_db
def test_a_lead_and_its_records_end_with_the_same_one_of_several_owners(acme, by_alice, now, team) -> None:
    _anna, bo, cleo = team
    with workspace_scope(acme.pk):
        given = []
        for name in ("Acme", "Beta"):
            firm = make_company(name, employees=9000)
            lead = make_lead(make_person(f"{name} Boss", firm), company=firm)
            given.append(choose_member(lead=lead, role="ae", now=now).chosen)
            firm.refresh_from_db()
            assert firm.owner_id == given[-1] == Person.objects.get(company=firm).owner_id
        assert set(given) == {bo.pk, cleo.pk}  # in turn
    look(acme.pk, now=now + timedelta(minutes=5))
    with workspace_scope(acme.pk):
        assert [Company.objects.get(name=name).owner_id for name in ("Acme", "Beta")] == given


@pytest.mark.django_db
def test_through_the_pages_and_the_api(acme, alice, bob, as_, api) -> None:
    client, rep, by_api = as_(alice), as_(bob), api(alice)
    page = client.get("/w/acme/territories/").content.decode()
    assert "No territory yet" in page and "New territory" in page
    body = {
        "name": "DACH", "members": [str(bob.member.pk)], "is_active": "on", "subject": "people", "r.join": "all", "r.n": "1",
        "r-0.field": "company.country", "r-0.op": "in", "r-0.pick": ["DE"],
    }  # fmt: skip
    assert rep.post("/w/acme/territories/new/", body).status_code == 403
    wrong = client.post("/w/acme/territories/new/", body | {"members": [], "r-0.pick": []})
    assert wrong.status_code == 422 and "Choose at least one owner" in wrong.content.decode()
    with workspace_scope(acme.pk):
        assert not Territory.objects.exists()
    assert client.post("/w/acme/territories/new/", body).status_code == 302
    with workspace_scope(acme.pk):
        make_company("Berlin", country="DE")
        dach = Territory.objects.get()
    second = {"name": "Rest", "rule": LARGE, "members": [str(alice.member.pk)]}
    post = {"content_type": "application/json"}
    made = by_api.post("/api/v1/territories/", json.dumps(second), **post)
    assert made.status_code == 201, made.content
    assert by_api.post("/api/v1/territories/", json.dumps(second), **post).status_code == 409
    moved = client.post(f"/w/acme/territories/{made.json()['id']}/move/", {"to": "up"})
    # The keyboard stays with the one that was moved; at the top its arrow stands there without effect.
    listed = client.get(moved["Location"]).content.decode()
    assert listed.index("Rest") < listed.index("DACH") and listed.count('value="up"') == 1
    order = by_api.post("/api/v1/territories/order/", json.dumps({"ids": [str(dach.pk), made.json()["id"]]}), **post)
    assert [row["name"] for row in order.json()] == ["DACH", "Rest"]
    assert "1 company, 0 people" in client.get(f"/w/acme/territories/{dach.pk}/count/").content.decode()
    counted = client.post("/w/acme/territories/runs/new/", {"policy": "unowned"})
    with workspace_scope(acme.pk):
        run = TerritoryRun.objects.get()
        assert counted.status_code == 302 and Company.objects.get().owner is None
    shown = client.get(f"/w/acme/territories/runs/{run.pk}/").content.decode()
    assert "Nothing changed yet" in shown and "DACH" in shown
    assert rep.post(f"/w/acme/territories/runs/{run.pk}/apply/").status_code == 403
    assert client.post(f"/w/acme/territories/runs/{run.pk}/apply/").status_code == 302
    assert "0 of 1" in client.get(f"/w/acme/territories/runs/{run.pk}/?part=1").content.decode()
    run_lane(_lane(acme), clock=lambda: run.created_at)
    with workspace_scope(acme.pk):
        company = Company.objects.get()
        assert company.owner == bob.member
    assert "by territory DACH" in client.get(f"/w/acme/companies/{company.pk}/").content.decode()
    shown = client.get(f"/w/acme/territories/runs/{run.pk}/").content.decode()
    assert "Got an owner" in shown and "1 company and 0 people got a new owner" in shown
    assert "1 company, 0 people" in client.get("/w/acme/territories/").content.decode()
    state = by_api.get(f"/api/v1/territory-runs/{run.pk}/").json()
    assert (state["state"], state["done"]["companies"]["gain"]) == ("done", 1)
    edited = by_api.patch(f"/api/v1/territories/{dach.pk}/", json.dumps({"rule": {"field": "nope"}}), **post)
    assert edited.status_code == 400
    # Counted, then the territories change: the page says so before anybody presses, and offers to count anew.
    client.post("/w/acme/territories/runs/new/", {"policy": "change"})
    with workspace_scope(acme.pk):
        run = TerritoryRun.objects.get(state="counted")
        update_territory(territory=dach, by=SYSTEM, now=run.created_at, changes={"name": "D-A-CH"})
    shown = client.get(f"/w/acme/territories/runs/{run.pk}/").content.decode()
    assert "Territories were changed since" in shown and f"/runs/{run.pk}/apply/" not in shown
    # While a rule is written, people and companies are counted.
    rule = {**body, "companies_too": "1"}
    measured = client.post("/w/acme/segments/measure/", rule).content.decode()
    assert ">people match" in measured and '>1</span> <span class="muted">company<' in measured
    assert client.post(f"/w/acme/territories/{dach.pk}/delete/").status_code == 302
    with workspace_scope(acme.pk):
        assert list(Territory.objects.values_list("name", flat=True)) == ["Rest"]
        assert Company.objects.get().owner == bob.member

"""Rep away: one act moves everything to a colleague, the day of return moves back what is still there, routing passes by."""

import json
from datetime import date, timedelta

import pytest

from leadgen.core import clock, lanes
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.away import LANE, end_absence, end_due, start_absence
from prospects.actions.people import assign_people
from prospects.actions.routing import choose_member
from prospects.models import Absence, Activity, Company, Deal, Lead, Person, Task
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_deal, make_lead, make_person, make_task

pytestmark = pytest.mark.django_db


def _owned(owner) -> dict[str, int]:
    return {m.__name__: m.objects.filter(owner=owner).count() for m in (Person, Company, Lead, Deal, Task)}


def test_cover_moves_everything_and_gives_back_what_is_still_there(acme, bob, by_alice, now) -> None:
    mei, tom = (make_member(acme, "sdr", f"{name}@acme.example").member for name in ("mei", "tom"))
    with workspace_scope(acme.pk):
        rep = bob.member
        lumen = make_company("Lumen", owner=rep)
        ana, kai = make_person("Ana", lumen, owner=rep), make_person("Kai", owner=rep)
        make_lead(ana, owner=rep)
        lost = make_lead(kai, owner=rep, stage="lost")
        make_deal("Rollout", owner=rep, company=lumen)
        won = make_deal("Old", owner=rep, outcome="won", stage="closed")
        make_task("Call", owner=rep)
        fresh = make_lead(make_person("New"))
        for wrong in ({"cover": rep}, {"returns_on": date(2026, 3, 4)}, {"returns_on": None}, {"kinds": ["cats"]}):
            with pytest.raises(Invalid):
                start_absence(
                    **(
                        {
                            "by": by_alice,
                            "now": now,
                            "member": rep,
                            "cover": mei,
                            "mode": "cover",
                            "returns_on": date(2026, 3, 9),
                        }
                        | wrong
                    )
                )
        assert not Absence.objects.exists()
        absence = start_absence(by=by_alice, now=now, member=rep, cover=mei, mode="cover", returns_on=date(2026, 3, 9))
        assert absence.moved == {"leads": 1, "deals": 1, "companies": 1, "people": 2, "tasks": 1}
        assert _owned(mei) == {"Person": 2, "Company": 1, "Lead": 1, "Deal": 1, "Task": 1}
        # What is over stays with who did it.
        assert (Lead.objects.get(pk=lost.pk).owner, Deal.objects.get(pk=won.pk).owner) == (rep, rep)
        assert Activity.objects.filter(kind="assigned", summary__startswith="Lead given to").count() == 1
        # Routing passes by whoever is away, and nobody covers twice.
        assert choose_member(lead=fresh, role="sdr", now=now).chosen in {mei.pk, tom.pk}
        with pytest.raises(Conflict, match="is away already"):
            start_absence(by=by_alice, now=now, member=rep, cover=tom, mode="cover", returns_on=date(2026, 3, 20))
        with pytest.raises(Invalid, match="is away too"):
            start_absence(by=by_alice, now=now, member=tom, cover=rep, mode="reassign")
        # The cover gave one person to a third: they stay there.
        assign_people(by=by_alice, now=now, people=[Person.objects.get(pk=kai.pk)], owner=tom)
    assert lanes.take(kind=LANE, now=now + timedelta(days=4)) is None
    lane = lanes.take(kind=LANE, now=now + timedelta(days=5))
    assert lane is not None
    with workspace_scope(acme.pk):
        end_due(key=lane.key, now=now + timedelta(days=5))
        absence.refresh_from_db()
        assert (absence.state, absence.returned) == (
            "ended",
            {"leads": 1, "deals": 1, "companies": 1, "people": 1, "tasks": 1},
        )
        assert Person.objects.get(pk=kai.pk).owner == tom
        assert _owned(rep) == {"Person": 1, "Company": 1, "Lead": 2, "Deal": 2, "Task": 1}
        assert _owned(mei) == dict.fromkeys(("Person", "Company", "Lead", "Deal", "Task"), 0)
        with pytest.raises(Conflict, match="over already"):
            end_absence(by=by_alice, now=now, absence=absence)


def test_handed_over_for_good_and_undone_on_pages_and_by_api(acme, alice, bob, as_, api) -> None:
    with workspace_scope(acme.pk):
        make_person("Ana", owner=bob.member)
    client = as_(alice)
    asked = {
        "member": str(bob.member.pk),
        "cover": str(alice.member.pk),
        "mode": "reassign",
        "kinds": ["people", "deals"],
    }
    page = client.post("/w/acme/away/new/", asked).content.decode()
    assert "Hand over 1" in page
    with workspace_scope(acme.pk):
        assert Person.objects.get().owner == bob.member
    assert client.post("/w/acme/away/new/", asked | {"confirmed": "1"}).status_code == 302
    with workspace_scope(acme.pk):
        assert Person.objects.get().owner == alice.member
        absence = Absence.objects.get()
    assert as_(bob).post(f"/w/acme/away/{absence.pk}/end/").status_code == 403
    assert client.post(f"/w/acme/away/{absence.pk}/end/").status_code == 302
    assert "back: 1 person" in client.get("/w/acme/away/").content.decode()
    body = asked | {"kinds": ["people"], "mode": "cover", "returns_on": str(clock.now().date() + timedelta(days=9))}
    made = api(alice).post("/api/v1/absences/", json.dumps(body), content_type="application/json")
    assert (made.status_code, made.json()["moved"]) == (201, {"people": 1})
    assert client.post(f"/api/v1/absences/{made.json()['id']}/end/").status_code in (401, 403)
    with workspace_scope(acme.pk):
        assert Person.objects.get().owner == alice.member

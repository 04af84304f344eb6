"""Acts on many: counted first, done for exactly those rows, in the background in parts that survive a kill, reported."""

import json
from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from leadgen.core import lanes
from leadgen.core.errors import Conflict
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.actions import bulk
from prospects.actions.bulk import cancel_bulk, plan_bulk, start_bulk
from prospects.actions.tags import create_tag
from prospects.models import Activity, BulkAct, BulkPart, Company, Person, SegmentMember, Tag, TagLink
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


def test_set_a_field_says_who_has_it_and_who_keeps_another(in_acme, by_alice, now) -> None:
    make_person("A", city="Porto")
    make_person("B", city="Lisbon")
    for name in ("C", "D"):
        make_person(name)
    asked = {"subject": "people", "kind": "field", "params": {"field": "city", "value": "Porto"}}
    plan = plan_bulk(**asked, rows=Person.objects.all())
    assert (plan.total, plan.eligible, plan.same, plan.blocked) == (4, 2, 1, {"has another value, which stays": 1})
    with pytest.raises(Conflict, match="4 match by now, not 3"):
        start_bulk(by=by_alice, now=now, rows=Person.objects.all(), expected=3, **asked)
    act = start_bulk(by=by_alice, now=now, rows=Person.objects.all(), expected=4, **asked)
    assert (act.state, act.changed, act.same, act.blocked) == ("done", 2, 1, plan.blocked)
    assert sorted(Person.objects.values_list("full_name", "city")) == [
        ("A", "Porto"),
        ("B", "Lisbon"),
        ("C", "Porto"),
        ("D", "Porto"),
    ]
    assert Activity.objects.filter(summary="City: nothing → Porto").count() == 2
    over = start_bulk(
        by=by_alice, now=now, rows=Person.objects.all(), subject="people", kind="field",
        params={"field": "city", "value": "Braga", "overwrite": True},
    )  # fmt: skip
    assert (over.changed, over.same) == (4, 0)
    assert AuditEntry.objects.get(action="bulk.done", target_id=act.pk).detail == {
        "total": 4, "changed": 2, "same": 1, "blocked": plan.blocked
    }  # fmt: skip


def test_thousands_go_in_parts_each_row_once_whatever_dies_in_between(acme, by_bob, now, monkeypatch) -> None:
    with workspace_scope(acme.pk):
        rows = [Person(full_name=f"P {n}", created_at=now, updated_at=now) for n in range(2_300)]
        bulk_insert(Person, rows)
        tag = create_tag(by=by_bob, now=now, name="Wave 1")
        act = start_bulk(
            by=by_bob, now=now, subject="people", kind="tag", params={"tags": [str(tag.pk)]}, rows=Person.objects.all()
        )
        assert (act.state, act.total, BulkPart.objects.count(), TagLink.objects.count()) == ("waiting", 2_300, 3, 0)
        # Who comes now was not meant; who goes is told.
        make_person("Too late")
        Person.objects.filter(pk=rows[0].pk).delete()
    lane = lanes.take(kind=bulk.LANE, now=now)
    assert lane is not None
    later = [now + timedelta(seconds=1)]
    assert bulk.run_lane(lane, until=now, clock=lambda: later[0]) is not None  # its turn is over after one part
    real = bulk.do_part
    monkeypatch.setattr(bulk, "do_part", lambda **given: (real(**given), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        bulk.run_lane(lane, until=now + timedelta(hours=1), clock=lambda: later[0])
    monkeypatch.setattr(bulk, "do_part", real)
    with workspace_scope(acme.pk):
        assert TagLink.objects.count() == 999  # the part that died left nothing
    assert bulk.run_lane(lane, until=now + timedelta(hours=1), clock=lambda: later[0]) is None
    with workspace_scope(acme.pk):
        act.refresh_from_db()
        assert (act.state, act.changed, act.blocked) == ("done", 2_299, {"is gone: deleted or merged since": 1})
        assert TagLink.objects.count() == 2_299
        assert not TagLink.objects.filter(person__full_name="Too late").exists()
        with pytest.raises(Conflict):
            cancel_bulk(by=by_bob, now=now, act=act)


def test_from_the_list_by_filter(bob, alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen")
        people = [make_person(f"Ana {n}", lumen) for n in "abc"]
        make_person("Tom Okafor")
    client = as_(bob)
    asked = {"act": "assign", "asked": "1", "all": "1", "query": "q=ana", "owner": str(alice.member.pk)}
    sheet = client.post("/w/acme/bulk/people/ask/", asked, headers={"HX-Request": "true"}).content.decode()
    assert "Assign: 3 people" in sheet
    with workspace_scope(acme.pk):
        assert not Person.objects.filter(owner__isnull=False).exists()  # nothing before it is confirmed
        make_person("Ana late", lumen)
    moved = client.post("/w/acme/bulk/people/ask/", asked | {"confirmed": "1", "expected": "3"})
    assert moved.status_code == 422
    assert "4 match by now, not 3" in moved.content.decode()
    with workspace_scope(acme.pk):
        assert not BulkAct.objects.exists()
    assert client.post("/w/acme/bulk/people/ask/", asked | {"confirmed": "1", "expected": "4"}).status_code == 302
    with workspace_scope(acme.pk):
        assert Person.objects.filter(owner=alice.member).count() == 4
        act = BulkAct.objects.get()
    assert "Had it already" in client.get(f"/w/acme/bulk/{act.pk}/").content.decode()
    assert "Assign to" in client.get("/w/acme/bulk/").content.decode()
    # A filter that cannot be read reaches nobody.
    bad = client.post("/w/acme/bulk/people/ask/", asked | {"query": "rule=nonsense", "confirmed": "1"})
    assert bad.status_code == 400
    # Counting makes nothing: neither the tag nor the list that is named.
    tagged = {"act": "tag", "asked": "1", "all": "1", "query": "q=ana", "new": "Wave 2"}
    sheet = client.post("/w/acme/bulk/people/ask/", tagged).content.decode()
    assert "Tag: 4 people" in sheet
    # What is confirmed is what was counted.
    again = client.post("/w/acme/bulk/people/ask/", tagged | {"confirmed": "1", "counted": "another"})
    assert again.status_code == 200
    with workspace_scope(acme.pk):
        assert (Tag.objects.count(), TagLink.objects.count()) == (0, 0)
    assert client.post("/w/acme/bulk/people/ask/", tagged | {"confirmed": "1", "expected": "4"}).status_code == 302
    with workspace_scope(acme.pk):
        assert (Tag.objects.get().name, TagLink.objects.count()) == ("Wave 2", 4)
    listed = {"act": "list", "asked": "1", "confirmed": "1", "name": "Wave", "selected": [str(people[0].pk)]}
    assert client.post("/w/acme/bulk/people/ask/", listed).status_code == 302
    with workspace_scope(acme.pk):
        assert SegmentMember.objects.get().person_id == people[0].pk


def test_over_the_api(bob, charlie, api, acme, globex) -> None:
    with workspace_scope(acme.pk):
        keys = [str(make_company(name, country="DE").pk) for name in ("Lumen", "Kite")]
        theirs = make_person("Ana")
    rest = api(bob)

    def post(path: str, body: dict, client=rest):
        return client.post(f"/api/v1/bulk-acts/{path}", json.dumps(body), content_type="application/json")

    body = {
        "subject": "companies",
        "kind": "field",
        "field": "country",
        "value": "Portugal",
        "filter": {"country": "DE"},
    }
    assert post("preview/", body).json() == {
        "total": 2,
        "eligible": 0,
        "same": 0,
        "blocked": {"has another value, which stays": 2},
    }
    made = post("", body | {"overwrite": True, "expected": 2})
    assert (made.status_code, made.json()["changed"], made.json()["state"]) == (201, 2, "done")
    with workspace_scope(acme.pk):
        assert set(Company.objects.values_list("country", flat=True)) == {"PT"}
    for wrong, field in (
        ({"filter": {"colour": "red"}}, "filter"), ({"ids": keys}, "ids"), ({"field": "email"}, "field"),
        ({"value": "Atlantis"}, "value"),
    ):  # fmt: skip
        answer = post("", body | wrong)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field), answer.content
    foreign = post("preview/", {"subject": "people", "kind": "assign", "ids": [str(theirs.pk)]}, api(charlie))
    assert foreign.json()["total"] == 0

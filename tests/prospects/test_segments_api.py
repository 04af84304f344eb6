"""Segments through the API: made, changed, filled, counted, tried; scopes and refusals."""

from typing import Any

import pytest

from leadgen.core.tenancy import workspace_scope
from prospects.models import Segment, SegmentMember
from tests.factories.prospects import make_company, make_person

JSON = "application/json"
VP = {"field": "person.title", "op": "contains_any", "value": ["VP"]}
PATH = "/api/v1/segments/"


@pytest.fixture
def team(acme: Any) -> dict[str, Any]:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        return {
            "lumen": lumen,
            "ana": make_person("Ana Ferreira", lumen, title="VP Sales", email="ana@lumen.example"),
            "tom": make_person("Tom Okafor", lumen, title="Clerk"),
        }


def test_a_rule_is_tried_saved_counted_changed_and_deleted(alice, api, acme, team) -> None:
    client = api(alice)
    tried = client.post(f"{PATH}preview/", {"subject": "people", "rule": VP}, JSON).json()
    assert (tried["count"], tried["exact"], tried["low"], tried["words"]) == (
        1,
        True,
        1,
        "job title has the words “VP”",
    )
    assert [row["name"] for row in tried["samples"]] == ["Ana Ferreira"]
    body = {"name": "VPs", "kind": "dynamic", "subject": "people", "rule": VP}
    made = client.post(PATH, body, JSON)
    assert made.status_code == 201
    path = f"{PATH}{made.json()['id']}/"
    assert client.get(f"{path}count/").json() == {"count": 1, "exact": True, "low": 1, "high": 1}
    assert client.get(f"{path}count/?exact=true").json()["count"] == 1
    members = client.get(f"{path}members/").json()
    assert ([row["name"] for row in members["results"]], members["as_of"]) == (["Ana Ferreira"], None)
    rule = {"field": "person.title", "op": "is", "value": "Clerk"}
    assert client.patch(path, {"rule": rule}, JSON).json()["words"] == "job title is “Clerk”"
    assert [row["name"] for row in client.get(f"{path}members/").json()["results"]] == ["Tom Okafor"]
    assert client.get(f"/api/v1/people/?segment={made.json()['id']}").json()["results"][0]["full_name"] == "Tom Okafor"
    assert client.get(f"{path}changes/").json()["results"] == []
    assert client.get(f"{path}snapshots/").json()["results"] == []
    assert client.patch(path, {"subject": "companies"}, JSON).json()["error"]["field"] == "subject"
    assert client.post(f"{path}members/", {"ids": [str(team["ana"].pk)]}, JSON).status_code == 400
    assert client.delete(path).status_code == 204
    with workspace_scope(acme.pk):
        assert not Segment.objects.exists()


def test_a_wrong_rule_is_refused_at_its_place(alice, api, acme, team) -> None:
    rule = {"all": [VP, {"field": "company.employees", "op": "gte", "value": "many"}]}
    body = {"name": "Broken", "kind": "dynamic", "subject": "people", "rule": rule}
    client = api(alice)
    answer = client.post(PATH, body, JSON)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == ("rule_invalid", "all[1].value")
    assert client.post(f"{PATH}preview/", {"subject": "people", "rule": rule}, JSON).status_code == 400
    with workspace_scope(acme.pk):
        assert not Segment.objects.exists()


def test_a_list_is_filled_by_ids_or_lines(alice, api, acme, team) -> None:
    client = api(alice)
    made = client.post(PATH, {"name": "Targets", "kind": "static", "subject": "companies"}, JSON).json()
    path = f"{PATH}{made['id']}/"
    unknown = "0193b5a0-0000-7000-8000-000000000000"
    done = client.post(f"{path}members/", {"ids": [str(team["lumen"].pk), unknown]}, JSON).json()
    assert done == {"changed": 1, "same": 0, "missing": [unknown], "unclear": []}
    done = client.post(f"{path}members/", {"lines": ["lumen.example", "nobody.example"]}, JSON).json()
    assert done == {"changed": 0, "same": 1, "missing": ["nobody.example"], "unclear": []}
    cover = client.get(f"{path}coverage/").json()
    assert (cover["companies"], cover["results"][0]["people"]) == (1, 2)
    assert client.post(f"{path}members/remove/", {"ids": [str(team["lumen"].pk)]}, JSON).json()["changed"] == 1
    assert [row["entered"] for row in client.get(f"{path}changes/").json()["results"]] == [False, True]
    with workspace_scope(acme.pk):
        assert not SegmentMember.objects.exists()


def test_fields_of_rules_are_listed_with_their_operators(alice, api) -> None:
    client = api(alice)
    found = client.get(f"{PATH}fields/?subject=companies").json()
    names = [field["name"] for field in found["fields"]]
    assert "company.people_in_sequence" in names and "person.title" not in names
    assert client.get(f"{PATH}fields/?subject=ghosts").json()["error"]["field"] == "subject"


def test_a_token_that_may_only_read_changes_nothing(alice, api, acme, team) -> None:
    client = api(alice, "segments.view")
    assert client.get(PATH).status_code == 200
    body = {"name": "VPs", "kind": "dynamic", "subject": "people", "rule": VP}
    assert client.post(PATH, body, JSON).status_code == 403
    assert api(alice, "people.view").get(PATH).status_code == 403
    with workspace_scope(acme.pk):
        assert not Segment.objects.exists()

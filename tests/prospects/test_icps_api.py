"""ICPs through the API: list, create, draft, publish, preview, fit; scopes, refusals, other workspaces."""

from datetime import datetime
from typing import Any

import pytest

from leadgen.core.tenancy import workspace_scope
from prospects.actions import icps as actions
from prospects.models import Company, CompanyFit, Icp, IcpVersion, Person
from prospects.rules.icps import content_of
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_person

JSON = "application/json"
INDUSTRY = {
    "key": "industry",
    "label": "Machinery",
    "weight": 60,
    "rule": {"field": "company.industry", "op": "is", "value": "Machinery"},
}
SIZE = {
    "key": "size",
    "label": "200 or more",
    "weight": 40,
    "rule": {"field": "company.employees", "op": "gte", "value": 200},
}
PERSONA = {
    "name": "Operations",
    "weight": 100,
    "rule": {"field": "person.department", "op": "is", "value": "operations"},
    "pains": [],
}


@pytest.fixture
def firms(acme: Any) -> dict[str, Any]:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", industry="Machinery", employees=540)
        return {
            "lumen": lumen,
            "kite": make_company("Kite", employees=60),
            "ana": make_person("Ana Ferreira", lumen, department="operations"),
        }


@pytest.fixture
def plants(acme: Any, firms: Any, by_alice: Any, now: datetime) -> Icp:
    with workspace_scope(acme.pk):
        version = actions.create_icp(
            by=by_alice, now=now, name="Plants", content={"criteria": [INDUSTRY, SIZE], "personas": [PERSONA]}
        )
        actions.publish_version(version=version, by=by_alice, now=now)
        return version.icp


def error(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.json()["error"]
    return found


def test_a_profile_from_creation_to_scores(acme: Any, firms: Any, alice: Any, api: Any) -> None:
    client = api(alice)
    made = client.post(
        "/api/v1/icps/", {"name": "Plants", "criteria": [{"weight": 60, "rule": INDUSTRY["rule"]}]}, content_type=JSON
    )
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["name"], body["is_primary"], body["version"]) == ("Plants", False, None)
    assert body["draft"]["criteria"] == [
        {"key": "industry-is-machinery", "label": "industry is “Machinery”", "weight": 60, "rule": INDUSTRY["rule"]}
    ]
    url = f"/api/v1/icps/{body['id']}/"
    put = client.put(f"{url}draft/", {"criteria": [INDUSTRY, SIZE], "note": "with size"}, content_type=JSON).json()
    assert (put["number"], put["state"], put["note"], len(put["criteria"])) == (1, "draft", "with size", 2)
    done = client.post(f"{url}publish/", content_type=JSON).json()
    assert (done["scored"], done["looked_at"], done["version"]["state"]) == ("now", 3, "published")
    assert done["version"]["note"] == "with size"
    with workspace_scope(acme.pk):
        assert dict(CompanyFit.objects.values_list("company__name", "score")) == {"Lumen": 100, "Kite": 0}
    assert client.post(f"{url}publish/", content_type=JSON).status_code == 409
    got = client.get(url).json()
    assert (got["is_primary"], got["version"]["number"], got["draft"]) == (True, 1, None)
    assert client.get("/api/v1/companies/", {"domain": firms["lumen"].domain}).json()["results"][0]["fit_grade"] == "A"


def test_versions_with_what_changed(plants: Icp, alice: Any, api: Any) -> None:
    client = api(alice)
    url = f"/api/v1/icps/{plants.pk}/"
    client.put(f"{url}draft/", {"personas": [], "grades": {"A": 90}}, content_type=JSON)
    rows = client.get(f"{url}versions/").json()
    assert [(row["number"], row["state"]) for row in rows] == [(2, "draft"), (1, "published")]
    assert rows[0]["changes"] == ["Dropped the persona “Operations”", "Grade A from 80 → 90"]
    assert rows[0]["criteria"] == rows[1]["criteria"]
    assert rows[0]["grades"] == {"A": 90, "B": 60, "C": 40}


def test_a_preview_stores_nothing(plants: Icp, acme: Any, alice: Any, api: Any) -> None:
    answer = api(alice).post("/api/v1/icps/preview/", {"criteria": [SIZE], "personas": [PERSONA]}, content_type=JSON)
    assert answer.status_code == 200, answer.content
    companies, people = answer.json()["companies"], answer.json()["people"]
    assert (companies["total"], companies["exact"], companies["matches"], companies["share"]) == (2, True, 1, 0.5)
    assert companies["grades"] == {"A": 1, "B": 0, "C": 0, "D": 1, "X": 0}
    assert companies["samples"][0]["name"] == "Lumen"
    assert companies["samples"][0]["parts"] == {"200 or more": "met"}
    assert (people["matches"], people["parts"][-1]["label"], people["parts"][-1]["met"]) == (1, "Operations", 1.0)
    with workspace_scope(acme.pk):
        assert Icp.objects.count() == 1


def test_the_fit_of_a_company_and_of_a_person(plants: Icp, firms: Any, alice: Any, api: Any) -> None:
    client, url = api(alice), f"/api/v1/icps/{plants.pk}/fit/"
    fit = client.get(url, {"company": firms["kite"].pk}).json()
    assert (fit["score"], fit["grade"], fit["points"], fit["total"], fit["version"]) == (0, "D", 0, 100, 1)
    assert fit["lines"] == [
        {"kind": "criterion", "label": "Machinery", "state": "unknown", "words": "industry is not known", "weight": 60, "points": "0 of 60"},
        {"kind": "criterion", "label": "200 or more", "state": "not met", "words": "employees 60 is below 200", "weight": 40, "points": "0 of 40"},
    ]  # fmt: skip
    fit = client.get(url, {"person": firms["ana"].pk}).json()
    assert (fit["score"], fit["grade"], fit["total"], fit["lines"][-1]["kind"]) == (100, "A", 200, "persona")
    assert client.get(url).status_code == 400
    assert client.get(url, {"company": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        ({"criteria": [dict(SIZE, weight=500)]}, "criteria[0].weight", "whole number"),
        ({"criteria": [dict(SIZE, rule={"field": "lead.stage", "op": "known"})]}, "criteria[0].rule.field", "sales effort"),
        ({"exclude": {"field": "company.owner", "op": "known"}}, "exclude.field", "sales effort"),
        ({"criteria": "x"}, "criteria", "list"),
        ({"budget": 5}, "budget", "no “budget”"),
    ],
)  # fmt: skip
def test_content_that_cannot_be_kept_is_refused(
    plants: Icp, acme: Any, alice: Any, api: Any, content: Any, field: str, words: str
) -> None:
    client = api(alice)
    for answer in (
        client.put(f"/api/v1/icps/{plants.pk}/draft/", content, content_type=JSON),
        client.post("/api/v1/icps/", content | {"name": "Other"}, content_type=JSON),
        client.post("/api/v1/icps/preview/", content, content_type=JSON),
    ):
        assert answer.status_code == 400, answer.content
        assert error(answer)["field"] == field
        assert words in error(answer)["message"]
    with workspace_scope(acme.pk):
        assert (Icp.objects.count(), IcpVersion.objects.count()) == (1, 1)


def test_rename_archive_and_primary(plants: Icp, acme: Any, alice: Any, api: Any) -> None:
    client, url = api(alice), f"/api/v1/icps/{plants.pk}/"
    assert client.patch(url, {"name": "Factories"}, content_type=JSON).json()["name"] == "Factories"
    assert error(client.patch(url, {"is_primary": False}, content_type=JSON))["code"] == "primary"
    other = client.post("/api/v1/icps/", {"name": "Grids"}, content_type=JSON).json()["id"]
    assert (
        error(client.patch(f"/api/v1/icps/{other}/", {"is_primary": True}, content_type=JSON))["code"]
        == "not_published"
    )
    assert error(client.post("/api/v1/icps/", {"name": "Grids"}, content_type=JSON))["code"] == "duplicate"
    assert client.patch(f"/api/v1/icps/{other}/", {"is_archived": True}, content_type=JSON).json()["is_archived"]
    assert [row["name"] for row in client.get("/api/v1/icps/", {"is_archived": "false"}).json()["results"]] == [
        "Factories"
    ]


@pytest.mark.parametrize("role", ["sdr", "viewer"])
def test_roles_and_scopes_that_may_not_change_nothing(plants: Icp, acme: Any, alice: Any, api: Any, role: str) -> None:
    url = f"/api/v1/icps/{plants.pk}/"
    for client in (api(make_member(acme, role)), api(alice, "icps.view")):
        assert client.get(url).status_code == 200
        for answer in (
            client.post("/api/v1/icps/", {"name": "X"}, content_type=JSON),
            client.patch(url, {"name": "X"}, content_type=JSON),
            client.put(f"{url}draft/", {"criteria": []}, content_type=JSON),
            client.post(f"{url}publish/", content_type=JSON),
        ):
            assert answer.status_code == 403
    with workspace_scope(acme.pk):
        assert Icp.objects.get().name == "Plants"
        assert content_of(IcpVersion.objects.get())["criteria"] == [INDUSTRY, SIZE]


def test_another_workspaces_rows_are_not_there(
    plants: Icp, firms: Any, globex: Any, charlie: Any, alice: Any, api: Any, by_alice: Any, now: datetime
) -> None:
    with workspace_scope(globex.pk):
        theirs, eve = make_company("Theirs", employees=900), make_person("Eve")
    client, url = api(alice), f"/api/v1/icps/{plants.pk}/fit/"
    assert client.get(url, {"company": theirs.pk}).status_code == 404
    assert client.get(url, {"person": eve.pk}).status_code == 404
    stranger = api(charlie)
    assert stranger.get("/api/v1/icps/").json()["results"] == []
    for answer in (
        stranger.get(f"/api/v1/icps/{plants.pk}/"),
        stranger.get(f"/api/v1/icps/{plants.pk}/versions/"),
        stranger.patch(f"/api/v1/icps/{plants.pk}/", {"name": "X"}, content_type=JSON),
        stranger.put(f"/api/v1/icps/{plants.pk}/draft/", {}, content_type=JSON),
        stranger.post(f"/api/v1/icps/{plants.pk}/publish/", content_type=JSON),
        stranger.get(url, {"company": firms["lumen"].pk}),
    ):
        assert answer.status_code == 404
    assert (
        stranger.post("/api/v1/icps/preview/", {"criteria": [SIZE]}, content_type=JSON).json()["companies"]["total"]
        == 1
    )
    with workspace_scope(globex.pk):
        assert not CompanyFit.objects.exists()
        assert (Company.objects.count(), Person.objects.count()) == (1, 1)

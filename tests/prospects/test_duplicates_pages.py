"""Duplicates as their users meet them: the list, two side by side, many at once, the undo, the warning, the API."""

import json
from typing import Any

import pytest

from leadgen.core.tenancy import workspace_scope
from prospects.actions.duplicates import compare, write_keys
from prospects.models import Company, Merge, Person, PersonPair, Task
from prospects.queries.duplicates import COMPANIES, PEOPLE
from tests.factories.prospects import make_company, make_person, make_task


@pytest.fixture
def pair(acme: Any, alice: Any, now: Any) -> Any:
    """Robert Silva, owned by Alice, twice."""
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        kept = make_person("Robert Silva", lumen, email="robert.silva@lumen.example", owner=alice.member, title="Buyer")
        gone = make_person("Robert Silva", lumen, email="robertsilva@lumen.example", phone="+351215550142")
        make_task("Call him", person=gone)
        write_keys(PEOPLE, [kept.pk, gone.pk])
        compare(PEOPLE, [kept.pk, gone.pk], now=now)
        return PersonPair.objects.select_related("first", "second").get()


def page(client: Any, path: str, status: int = 200) -> str:
    response = client.get(f"/w/acme/{path}")
    assert response.status_code == status, response.content[:500]
    return response.content.decode()


def call(client: Any, method: str, path: str, data: Any = None, status: int = 200) -> Any:
    body = {} if method == "get" else {"data": json.dumps(data), "content_type": "application/json"}
    response = getattr(client, method)(f"/api/v1/{path}", **body)
    assert response.status_code == status, response.content[:500]
    return response.json() if response.content else None


def test_from_the_list_to_the_merge_and_back(alice: Any, as_: Any, pair: Any, acme: Any) -> None:
    client = as_(alice)
    listed = page(client, "duplicates/people/")
    assert "same e-mail without dots" in listed and "robertsilva@lumen.example" in listed and "high" in listed
    assert "No duplicates to review" in page(client, "duplicates/companies/")
    shown = page(client, f"duplicates/people/{pair.pk}/")
    assert "the only value" in shown and "1 task</b> of Robert Silva" in shown and "Merge the two" in shown
    with workspace_scope(acme.pk):
        kept = Person.objects.get(title="Buyer")
        gone = Person.objects.exclude(pk=kept.pk).get()
    posted = {"keep": str(kept.pk), "f-email": "gone", "f-title": "kept"}
    response = client.post(f"/w/acme/duplicates/people/{pair.pk}/", posted)
    assert response.status_code == 302 and "/merges/" in response["Location"]
    with workspace_scope(acme.pk):
        kept.refresh_from_db()
        assert (kept.email, kept.phone, kept.title) == ("robertsilva@lumen.example", "+351215550142", "Buyer")
        assert Task.objects.get().person_id == kept.pk
        merge = Merge.objects.get()
    assert client.get(f"/w/acme/people/{gone.pk}/")["Location"] == f"/w/acme/people/{kept.pk}/"
    detail = page(client, f"merges/{merge.pk}/")
    assert ">1 task<" in detail and "Undo the merge" in detail and "Robert Silva" in page(client, "merges/")
    assert client.post(f"/w/acme/merges/{merge.pk}/undo/").status_code == 302
    assert "Everything is as it was" in page(client, f"merges/{merge.pk}/")
    assert client.get(f"/w/acme/people/{gone.pk}/").status_code == 200


def test_a_colleagues_person_is_shown_and_not_merged(bob: Any, as_: Any, pair: Any, acme: Any) -> None:
    client = as_(bob)
    shown = page(client, f"duplicates/people/{pair.pk}/")
    assert "owned by Alice" in shown and "Merge the two" not in shown and "colleague" in shown
    response = client.post(f"/w/acme/duplicates/people/{pair.pk}/", {"keep": str(pair.first_id)})
    assert response.status_code == 409 and "belongs to Alice" in response.content.decode()
    assert client.post("/w/acme/duplicates/people/bulk/", {"least": 85, "expected": "1"}).status_code == 403
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 2 and not Merge.objects.exists()


def test_not_a_duplicate_leaves_the_list(alice: Any, as_: Any, pair: Any) -> None:
    client = as_(alice)
    assert client.post(f"/w/acme/duplicates/people/{pair.pk}/dismiss/").status_code == 302
    assert "robertsilva@" not in page(client, "duplicates/people/")
    assert "robertsilva@" in page(client, "duplicates/people/?state=dismissed")
    assert client.post(f"/w/acme/duplicates/people/{pair.pk}/reopen/").status_code == 302
    assert "robertsilva@" in page(client, "duplicates/people/")


def test_many_at_once_with_exact_counts(alice: Any, as_: Any, pair: Any, acme: Any, now: Any) -> None:
    """Three rows of one person are three pairs and two merges."""
    with workspace_scope(acme.pk):
        third = make_person("Robert Silva", pair.first.company, email="robert.silva+x@lumen.example")
        write_keys(PEOPLE, [third.pk])
        compare(PEOPLE, [third.pk], now=now)
        assert PersonPair.objects.count() == 3
    client = as_(alice)
    assert ">Merge 2<" in page(client, "duplicates/people/bulk/?least=85")
    stale = client.post("/w/acme/duplicates/people/bulk/", {"least": 85, "expected": "1"})
    assert "There are 2 to merge now" in stale.content.decode() or stale.status_code >= 300
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 3
    assert client.post("/w/acme/duplicates/people/bulk/", {"least": 85, "expected": "2"}).status_code == 302
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 1 and Merge.objects.count() == 2


def test_a_form_says_whom_it_looks_like(alice: Any, as_: Any, pair: Any) -> None:
    client = as_(alice)
    assert "duplicates/people/check/" in page(client, "people/new/")
    found = page(client, "duplicates/people/check/?first_name=Bob&last_name=Silva&email=bob@lumen.example")
    assert "looks like one that is here" in found and "nickname of the same name, same company" in found
    assert page(client, "duplicates/people/check/?first_name=Olga&last_name=Brandt").strip() == ""
    assert (
        page(client, f"duplicates/people/check/?first_name=Robert&last_name=Silva&email=x&id={pair.first_id}").strip()
        == ""
    )


def test_any_two_are_compared_by_their_ids(alice: Any, as_: Any, charlie: Any, acme: Any, globex: Any) -> None:
    with workspace_scope(acme.pk):
        one, other = make_company("Acme"), make_company("Acme Tools")
    with workspace_scope(globex.pk):
        theirs = make_company("Acme")
    client = as_(alice)
    assert "Merge the two" in page(client, f"duplicates/companies/compare/?one={one.pk}&other={other.pk}")
    page(client, f"duplicates/companies/compare/?one={one.pk}&other={theirs.pk}", status=404)
    page(client, "duplicates/companies/compare/?one=x", status=404)
    # From a list: the two that are selected, and no other number.
    compare_url = "/w/acme/duplicates/companies/compare/"
    went = client.post(compare_url, {"selected": [str(one.pk), str(other.pk)]})
    assert (went.status_code, went["Location"]) == (302, f"{compare_url}?one={one.pk}&other={other.pk}")
    refused = client.post(compare_url, {"selected": [str(one.pk)]})
    assert refused.status_code == 400 and "Select exactly two to merge; 1 are selected." in refused.content.decode()
    with workspace_scope(acme.pk):
        assert Company.objects.count() == 2
    page(client, "duplicates/horses/", status=404)


def test_the_api_lists_merges_and_answers_where_it_went(alice: Any, api: Any, pair: Any, acme: Any) -> None:
    client = api(alice)
    listed = call(client, "get", "person-duplicates/?min_score=85")["results"]
    assert [row["id"] for row in listed] == [str(pair.pk)] and listed[0]["confidence"] == "high"
    keep, go = str(pair.first_id), str(pair.second_id)
    call(client, "post", f"person-duplicates/{pair.pk}/merge/", {"kept": str(alice.member.pk)}, status=400)
    merge = call(
        client, "post", f"person-duplicates/{pair.pk}/merge/", {"kept": keep, "choices": {"email": "gone"}}, status=201
    )
    assert (merge["into"], merge["gone_id"], merge["can_undo"]) == (keep, go, True)
    response = client.get(f"/api/v1/people/{go}/")
    assert response.status_code == 301 and response["Location"] == f"/api/v1/people/{keep}/"
    assert response.json()["error"]["code"] == "merged" and response.json()["error"]["detail"]["id"] == keep
    undone = call(client, "post", f"merges/{merge['id']}/undo/")
    assert undone["not_restored"] == [] and undone["undone_at"]
    assert client.get(f"/api/v1/people/{go}/").status_code == 200
    call(client, "post", f"merges/{merge['id']}/undo/", status=409)


def test_the_api_merges_any_two_counts_first_and_checks_drafts(alice: Any, api: Any, acme: Any, now: Any) -> None:
    with workspace_scope(acme.pk):
        one = make_company("Lumen", domain="lumen.example")
        other = make_company("Lumen Ltd", domain="", website="https://lumen.example/")
        write_keys(COMPANIES, [one.pk, other.pk])
        compare(COMPANIES, [one.pk, other.pk], now=now)
    client = api(alice)
    assert call(client, "post", "company-duplicates/merge-all/", {"min_score": 85})["merges"] == 1
    with workspace_scope(acme.pk):
        assert Company.objects.count() == 2
    found = call(client, "post", "company-duplicates/check/", {"name": "Lumen", "website": "lumen.example"})["found"]
    assert found[0]["id"] == str(one.pk) or found[0]["id"] == str(other.pk)
    body = {"kind": "companies", "kept": str(one.pk), "gone": str(other.pk)}
    assert call(client, "post", "merges/", body, status=201)["moved"] == {}
    assert client.get(f"/api/v1/companies/{other.pk}/").status_code == 301
    call(client, "post", "merges/", body, status=404)


def test_a_token_without_the_scope_merges_nothing(alice: Any, api: Any, pair: Any, acme: Any) -> None:
    client = api(alice, "duplicates.view")
    call(client, "post", f"person-duplicates/{pair.pk}/merge/", {}, status=403)
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 2

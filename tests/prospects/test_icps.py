"""ICPs through pages and API: drafts, immutable versions, the editor and its preview, primary, archive, who may."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions import icps as actions
from prospects.actions.agreements import draft_agreement
from prospects.actions.agreements import edit_draft as edit_agreement
from prospects.models import CompanyFit, Icp, IcpVersion, PersonFit
from prospects.rules.icps import content_of
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_icp, make_person

HTMX = {"HX-Request": "true"}
INDUSTRY = {
    "key": "industry",
    "label": "Machinery",
    "weight": 60,
    "rule": {"field": "company.industry", "op": "in", "value": ["Machinery"]},
}
SIZE = {
    "key": "size",
    "label": "200 or more",
    "weight": 40,
    "rule": {"field": "company.employees", "op": "gte", "value": 200},
}
CONTENT: dict[str, Any] = {
    "criteria": [INDUSTRY, SIZE],
    "exclude": {"any": [{"field": "company.keywords", "op": "has_any", "value": ["competitor"]},
                        {"field": "company.country", "op": "in", "value": ["RU"]}]},
    "personas": [{"name": "Operations", "weight": 20, "pains": ["Downtime"],
                  "rule": {"all": [{"field": "person.title", "op": "contains_any", "value": ["operations", "plant manager"]},
                                   {"field": "person.seniority", "op": "in", "value": ["vp", "head"]}]}}],
}  # fmt: skip


@pytest.fixture
def firms(acme: Any) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", industry="Machinery", employees=540, country="PT")
        make_company("Kite", industry="Logistics", employees=60, country="DE")
        make_company("Vela", industry="Energy")
        make_person("Ana Ferreira", lumen, title="VP Operations", seniority="vp")


@pytest.fixture
def plants(acme: Any, firms: None, by_alice: Any, now: datetime) -> Icp:
    """Published as version 1, and primary."""
    with workspace_scope(acme.pk):
        version = actions.create_icp(by=by_alice, now=now, name="Plants", content=CONTENT)
        actions.publish_version(version=version, by=by_alice, now=now)
        return version.icp


def grades() -> dict[str, str]:
    return {fit.company.name: f"{fit.grade} {fit.score}" for fit in CompanyFit.objects.select_related("company")}


def posted(**changed: str) -> dict[str, Any]:
    """The editor's form with one criterion and one persona, as a browser sends it."""
    empty = {f"{part}-{key}": "0" for part in ("must", "exclude") for key in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return {
        **empty,
        "criteria-TOTAL_FORMS": "2", "criteria-INITIAL_FORMS": "0",
        "criteria-0-label": "Machines", "criteria-0-weight": "30", "criteria-0-field": "company.industry", "criteria-0-op": "in",
        "criteria-0-picked": ["Machinery"], "criteria-0-text": "Robots\nMachinery\n",
        "criteria-1-label": "", "criteria-1-weight": "10", "criteria-1-field": "",
        "personas-TOTAL_FORMS": "1", "personas-INITIAL_FORMS": "0",
        "personas-0-name": "Operations", "personas-0-weight": "20", "personas-0-titles": "operations",
        "personas-0-seniority": ["vp"], "personas-0-pains": "Downtime\nScrap",
        "name": "Plants", "grade_a": "85", "grade_b": "60", "grade_c": "40", "note": "first try", "action": "save",
    } | changed  # fmt: skip


# Actions


def test_the_first_publication_scores_everybody_and_is_primary(plants: Icp, in_acme: Any, now: datetime) -> None:
    assert grades() == {"Lumen": "A 100", "Kite": "D 0", "Vela": "D 0"}
    assert PersonFit.objects.get().score == 100
    assert Icp.objects.get().is_primary
    version = IcpVersion.objects.get()
    assert (version.number, version.published_at, version.scored_at, version.published_by.name) == (
        1,
        now,
        now,
        "Alice",
    )
    assert [entry.action for entry in AuditEntry.objects.filter(action__startswith="icp.").order_by("id")] == [
        "icp.created",
        "icp.published",
    ]


def test_a_published_version_cannot_be_changed(plants: Icp, in_acme: Any, by_alice: Any, now: datetime) -> None:
    version = IcpVersion.objects.select_related("icp").get()
    before = content_of(version)
    for act in (
        lambda: actions.edit_draft(version=version, content={"criteria": []}, by=by_alice, now=now),
        lambda: actions.publish_version(version=version, by=by_alice, now=now),
        lambda: actions.discard_draft(version=version, by=by_alice, now=now),
    ):
        with pytest.raises(Conflict, match="published and cannot be changed"):
            act()
    assert content_of(IcpVersion.objects.get()) == before


def test_a_draft_begins_as_the_version_in_force_and_replaces_it(
    plants: Icp, in_acme: Any, by_alice: Any, now: datetime
) -> None:
    draft = actions.draft_of(icp=plants, by=by_alice, now=now)
    assert (draft.number, content_of(draft)) == (2, content_of(IcpVersion.objects.get(number=1)))
    assert actions.draft_of(icp=plants, by=by_alice, now=now) == draft
    with pytest.raises(Invalid, match="Nothing differs from version 1"):
        actions.publish_version(version=draft, by=by_alice, now=now)
    actions.edit_draft(version=draft, content={"criteria": [SIZE]}, by=by_alice, now=now)
    assert grades()["Lumen"] == "A 100"  # nobody is scored by a draft
    run = actions.publish_version(version=draft, by=by_alice, now=now, note="size is all")
    assert run is not None
    assert (run.looked_at, run.written) == (4, 4)
    assert AuditEntry.objects.filter(action="icp.published").order_by("-id")[0].detail == {
        "version": 2, "note": "size is all", "what": ["Dropped the criterion “Machinery”"],
    }  # fmt: skip


def test_discarding_the_only_version_takes_the_profile(in_acme: Any, by_alice: Any, now: datetime) -> None:
    version = actions.create_icp(by=by_alice, now=now, name="Plants")
    actions.discard_draft(version=version, by=by_alice, now=now)
    assert not Icp.objects.exists()


def test_one_profile_is_primary(plants: Icp, in_acme: Any, by_alice: Any, now: datetime) -> None:
    other = actions.create_icp(by=by_alice, now=now, name="Grids", content={"criteria": [SIZE]})
    with pytest.raises(Conflict, match="Publish a version first"):
        actions.set_primary_icp(icp=other.icp, by=by_alice, now=now)
    actions.publish_version(version=other, by=by_alice, now=now)
    assert Icp.objects.get(is_primary=True) == plants
    with pytest.raises(Conflict, match="primary ICP"):
        actions.archive_icp(icp=plants, by=by_alice, now=now)
    actions.set_primary_icp(icp=other.icp, by=by_alice, now=now)
    assert Icp.objects.get(is_primary=True) == other.icp
    actions.archive_icp(icp=plants, by=by_alice, now=now)
    with pytest.raises(Conflict, match="archived"):
        actions.draft_of(icp=plants, by=by_alice, now=now)
    actions.restore_icp(icp=plants, by=by_alice, now=now)
    assert not Icp.objects.get(pk=plants.pk).is_archived


def test_a_profile_the_agreement_reads_is_not_archived(plants: Icp, in_acme: Any, by_alice: Any, now: datetime) -> None:
    edit_agreement(version=draft_agreement(by=by_alice, now=now), changes={"icp": plants}, by=by_alice, now=now)
    with pytest.raises(Conflict, match="Agreement v2 reads the fit"):
        actions.archive_icp(icp=plants, by=by_alice, now=now)


# Pages


def test_a_marketer_creates_edits_and_publishes(acme: Any, firms: None, as_: Any) -> None:
    client = as_(make_member(acme, "marketer"))
    made = client.post("/w/acme/icps/new/", {"name": "Plants"})
    with workspace_scope(acme.pk):
        icp = Icp.objects.get()
    assert made["Location"] == f"/w/acme/icps/{icp.pk}/edit/"
    page = client.get(made["Location"]).content.decode()
    assert "Choose a fact" in page
    saved = client.post(made["Location"], posted())
    assert saved.status_code == 302
    with workspace_scope(acme.pk):
        draft = IcpVersion.objects.get()
        assert draft.criteria == [
            {"key": "machines", "label": "Machines", "weight": 30,
             "rule": {"field": "company.industry", "op": "in", "value": ["Machinery", "Robots"]}},
        ]  # fmt: skip
        assert draft.personas == [
            {"name": "Operations", "weight": 20, "pains": ["Downtime", "Scrap"],
             "rule": {"all": [{"field": "person.title", "op": "contains_any", "value": ["operations"]},
                              {"field": "person.seniority", "op": "in", "value": ["vp"]}]}},
        ]  # fmt: skip
        assert (draft.grades, draft.note, draft.published_at) == ({"A": 85, "B": 60, "C": 40}, "first try", None)
    page = client.get(made["Location"]).content.decode()
    assert 'value="Machinery" checked' in page
    assert ">Robots</textarea>" in page
    done = client.post(made["Location"], posted(action="publish"), follow=True).content.decode()
    assert "Version 1 is in force. 4 companies and people are scored." in done
    for words in ("industry is one of “Machinery”, “Robots”", "in force", "first try", "A from 85", "Downtime, Scrap"):
        assert words in done, words
    assert client.get(made["Location"])["Location"] == f"/w/acme/icps/{icp.pk}/"
    assert "1 <span" in client.get("/w/acme/icps/").content.decode()


def test_the_editor_shows_what_it_stored(plants: Icp, alice: Any, as_: Any, acme: Any) -> None:
    client = as_(alice)
    begun = client.post(f"/w/acme/icps/{plants.pk}/draft/")
    page = client.get(begun["Location"]).content.decode()
    for words in (
        'value="Machinery" checked',
        'value="200"',
        ">competitor</textarea>",
        "Russian Federation</textarea>",
        "plant manager</textarea>",
    ):
        assert words in page, words


def test_what_the_api_made_intricate_survives_the_editor(
    acme: Any, alice: Any, as_: Any, by_alice: Any, now: datetime
) -> None:
    nested = {"any": [{"all": [INDUSTRY["rule"], SIZE["rule"]]}, {"not": SIZE["rule"]}]}
    with workspace_scope(acme.pk):
        version = actions.create_icp(
            by=by_alice, now=now, name="Plants", content={"criteria": [dict(INDUSTRY, rule=nested)], "must": nested}
        )
    url = f"/w/acme/icps/{version.icp_id}/edit/"
    page = as_(alice).get(url).content.decode()
    assert "(industry is one of “Machinery” and employees at least 200) or not (employees at least 200)" in page
    raw = json.dumps(nested)
    form = posted(**{
        "criteria-TOTAL_FORMS": "1", "criteria-0-field": "", "criteria-0-raw": raw, "criteria-0-weight": "55", "criteria-0-key": "industry",
        "must-TOTAL_FORMS": "1", "must-0-raw": raw,
    })  # fmt: skip
    assert as_(alice).post(url, form).status_code == 302
    with workspace_scope(acme.pk):
        draft = IcpVersion.objects.get()
        assert (draft.criteria[0]["rule"], draft.criteria[0]["weight"], draft.must) == (nested, 55, nested)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"criteria-0-field": "company.employees", "criteria-0-op": "gte", "criteria-0-text": "lots"}, "expected a number"),
        ({"criteria-0-picked": [], "criteria-0-text": ""}, "Choose or type at least one value."),
        ({"criteria-0-field": "company.country", "criteria-0-picked": [], "criteria-0-text": "Atlantis"}, "Atlantis"),
        ({"criteria-0-weight": "200"}, "less than or equal to 100"),
        ({"criteria-0-field": ""}, "Choose the fact this criterion asks for."),
        ({"personas-0-name": ""}, "Name the persona."),
        ({"personas-0-titles": "", "personas-0-seniority": []}, "Say who it is"),
        ({"grade_b": "90"}, "A must begin above B"),
        ({"name": ""}, "This field is required."),
    ],
)  # fmt: skip
def test_the_editor_says_what_is_wrong_and_keeps_the_draft(
    acme: Any, alice: Any, as_: Any, by_alice: Any, now: datetime, changed: Any, words: str
) -> None:
    with workspace_scope(acme.pk):
        version = actions.create_icp(by=by_alice, now=now, name="Plants", content=CONTENT)
    answer = as_(alice).post(f"/w/acme/icps/{version.icp_id}/edit/", posted(**changed))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with workspace_scope(acme.pk):
        assert content_of(IcpVersion.objects.get()) == content_of(version)


def test_a_refused_publication_changes_nothing(
    plants: Icp, acme: Any, alice: Any, as_: Any, by_alice: Any, now: datetime
) -> None:
    with workspace_scope(acme.pk):
        actions.create_icp(by=by_alice, now=now, name="Grids")
        draft = actions.draft_of(icp=plants, by=by_alice, now=now)
    answer = as_(alice).post(f"/w/acme/icps/{plants.pk}/edit/", posted(name="Grids", action="publish"))
    assert answer.status_code == 422
    assert "There is an ICP “Grids” already." in answer.content.decode()
    with workspace_scope(acme.pk):
        assert IcpVersion.objects.get(pk=draft.pk).published_at is None
        assert grades()["Lumen"] == "A 100"


def test_the_live_preview_leaves_unfinished_rows_out(
    plants: Icp, acme: Any, alice: Any, as_: Any, by_alice: Any, now: datetime
) -> None:
    with workspace_scope(acme.pk):
        actions.draft_of(icp=plants, by=by_alice, now=now)
    form = posted(
        **{
            "criteria-1-label": "Half",
            "criteria-1-field": "company.employees",
            "criteria-1-op": "gte",
            "criteria-1-text": "",
        }
    )
    answer = as_(alice).post(f"/w/acme/icps/{plants.pk}/preview/", form, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 200, page
    assert "1 row is not complete" in page
    assert "<html" not in page
    assert "Lumen" in page
    assert "Ana Ferreira" in page
    with workspace_scope(acme.pk):
        assert content_of(IcpVersion.objects.get(number=2))["criteria"] == [INDUSTRY, SIZE]


def test_another_fact_brings_its_operators_and_values(firms: None, alice: Any, as_: Any) -> None:
    url = "/w/acme/icps/row/?prefix=criteria-3&changed=field"
    row = {
        "criteria-3-label": "Size",
        "criteria-3-weight": "12",
        "criteria-3-field": "company.employees",
        "criteria-3-op": "in",
        "criteria-3-text": "x",
    }
    page = as_(alice).post(url, row, headers=HTMX).content.decode()
    assert '<option value="gte" selected>' in page
    assert 'value="Size"' in page
    assert 'value="x"' not in page
    page = as_(alice).post(url, row | {"criteria-3-field": "company.industry"}, headers=HTMX).content.decode()
    assert "Machinery" in page
    assert as_(alice).post("/w/acme/icps/row/?prefix=evil", {}, headers=HTMX).status_code == 404


def test_versions_say_what_changed_and_who(
    plants: Icp, acme: Any, alice: Any, as_: Any, by_alice: Any, now: datetime
) -> None:
    with workspace_scope(acme.pk):
        draft = actions.draft_of(icp=plants, by=by_alice, now=now)
        actions.edit_draft(version=draft, content={"criteria": [dict(INDUSTRY, weight=70), SIZE]}, by=by_alice, now=now)
        actions.publish_version(version=draft, by=by_alice, now=now, note="industry matters more")
    client = as_(alice)
    page = client.get(f"/w/acme/icps/{plants.pk}/").content.decode()
    for words in ("Version 2, published", "by Alice", "“Machinery”: weight 60 → 70", "industry matters more"):
        assert words in page, words
    assert "replaced" in client.get(f"/w/acme/icps/{plants.pk}/?version=1").content.decode()
    assert client.get(f"/w/acme/icps/{plants.pk}/?version=9").status_code == 404


def test_company_and_person_pages_show_why(plants: Icp, acme: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        fit, person = CompanyFit.objects.get(company__name="Lumen"), PersonFit.objects.get()
    page = as_(alice).get(f"/w/acme/companies/{fit.company_id}/").content.decode()
    for words in ("Lumen against ICP “Plants v1”", "employees 540 is at least 200", "100 of 100 points"):
        assert words in page, words
    page = as_(alice).get(f"/w/acme/people/{person.person_id}/").content.decode()
    for words in ("Ana Ferreira against ICP “Plants v1”", "120 of 120 points"):
        assert words in page, words


def test_pages_take_the_same_number_of_queries_whatever_there_is(
    plants: Icp, acme: Any, alice: Any, as_: Any, by_alice: Any, now: datetime
) -> None:
    client = as_(alice)
    client.get("/w/acme/icps/")
    with CaptureQueriesContext(connection) as one:
        client.get("/w/acme/icps/")
    with workspace_scope(acme.pk):
        for number in range(5):
            make_icp(f"More {number}", criteria=[INDUSTRY])
    with CaptureQueriesContext(connection) as many:
        client.get("/w/acme/icps/")
    assert len(many) == len(one)


@pytest.mark.parametrize("role", ["sdr", "ae", "viewer"])
def test_roles_that_may_only_look(plants: Icp, acme: Any, as_: Any, role: str, by_alice: Any, now: datetime) -> None:
    with workspace_scope(acme.pk):
        actions.draft_of(icp=plants, by=by_alice, now=now)
    client = as_(make_member(acme, role))
    page = client.get(f"/w/acme/icps/{plants.pk}/").content.decode()
    assert "Edit the draft" not in page
    for path in ("edit/", "draft/", "discard/", "primary/", "archive/", "preview/"):
        assert client.post(f"/w/acme/icps/{plants.pk}/{path}", posted(action="publish")).status_code == 403, path
    with workspace_scope(acme.pk):
        assert IcpVersion.objects.filter(published_at__isnull=True).count() == 1
        assert not Icp.objects.get().is_archived


def test_another_workspaces_profile_is_not_there(plants: Icp, charlie: Any, as_: Any, api: Any) -> None:
    client = as_(charlie)
    assert client.get(f"/w/globex/icps/{plants.pk}/").status_code == 404
    for path in ("draft/", "discard/", "primary/", "archive/", "preview/", "edit/"):
        assert client.post(f"/w/globex/icps/{plants.pk}/{path}", posted()).status_code == 404, path
    assert api(charlie).get(f"/api/v1/icps/{plants.pk}/").status_code == 404

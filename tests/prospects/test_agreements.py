"""The agreement: two signatures of two teams make a version, and nobody can change one that was proposed."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import workspace_scope
from prospects.actions.activities import record_activity
from prospects.actions.agreements import (
    draft_agreement,
    edit_draft,
    ensure_first_agreement,
    propose_agreement,
    sign_agreement,
    withdraw_proposal,
)
from prospects.actions.leads import note_interest
from prospects.models import AgreementVersion, Lead, StageTransition
from prospects.queries.agreements import replay
from prospects.rules.agreements import DEFAULTS
from tests.conftest import NOW
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_fit, make_icp, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(acme: Workspace) -> Someone:
    return make_member(acme, "marketer", "mia@acme.example")


@pytest.fixture
def leader(acme: Workspace) -> Someone:
    return make_member(acme, "leader", "leo@acme.example")


def by(someone: Someone) -> Actor:
    return Actor(member=someone.member, source="user")


def test_a_workspace_has_an_agreement_from_the_first_moment_and_only_one(in_acme: Workspace) -> None:
    first = ensure_first_agreement(NOW)
    assert ensure_first_agreement(NOW).pk == first.pk
    assert (first.number, first.state, first.effective_at) == (1, "signed", NOW)
    assert first.mql_clause == DEFAULTS["mql_clause"] and first.mql_clause is not DEFAULTS["mql_clause"]
    assert AuditEntry.objects.get().action == "agreement.created"


def test_it_takes_both_teams_and_then_replaces_the_former(
    in_acme: Workspace, marketer: Someone, leader: Someone
) -> None:
    first = ensure_first_agreement(NOW)
    draft = draft_agreement(by=by(marketer), now=NOW)
    assert draft_agreement(by=by(leader), now=NOW).pk == draft.pk  # one is under way at a time
    edit_draft(version=draft, changes={"half_life_days": 21}, by=by(marketer), now=NOW)
    with pytest.raises(Conflict, match="Only a proposal"):
        sign_agreement(version=draft, side="marketing", by=by(marketer), now=NOW)
    propose_agreement(version=draft, by=by(marketer), now=NOW)
    propose_agreement(version=draft, by=by(marketer), now=NOW)
    sign_agreement(version=draft, side="marketing", by=by(marketer), now=NOW)
    sign_agreement(version=draft, side="marketing", by=by(marketer), now=NOW)
    assert ensure_first_agreement(NOW).pk == first.pk
    sign_agreement(version=draft, side="sales", by=by(leader), now=NOW + timedelta(hours=1))
    now_signed = ensure_first_agreement(NOW)
    assert (now_signed.number, now_signed.half_life_days) == (2, 21)
    assert now_signed.effective_at == NOW + timedelta(hours=1)
    assert (now_signed.marketing_signed_by, now_signed.sales_signed_by) == (marketer.member, leader.member)
    first.refresh_from_db()
    assert (first.state, first.replaced_at) == ("replaced", NOW + timedelta(hours=1))
    assert AuditEntry.objects.filter(action="agreement.signed").count() == 2


def test_nobody_signs_for_the_other_team_and_a_machine_for_none(
    in_acme: Workspace, marketer: Someone, leader: Someone
) -> None:
    draft = draft_agreement(by=by(marketer), now=NOW)
    propose_agreement(version=draft, by=by(marketer), now=NOW)
    for who, side in [(by(marketer), "sales"), (by(leader), "marketing"), (SYSTEM, "sales")]:
        with pytest.raises(Refused):
            sign_agreement(version=draft, side=side, by=who, now=NOW)
    stored = AgreementVersion.objects.get(number=2)
    assert (stored.marketing_signed_at, stored.sales_signed_at, stored.state) == (None, None, "proposed")


def test_what_was_proposed_cannot_be_changed_and_withdrawing_drops_signatures(
    in_acme: Workspace, marketer: Someone
) -> None:
    draft = draft_agreement(by=by(marketer), now=NOW)
    propose_agreement(version=draft, by=by(marketer), now=NOW)
    sign_agreement(version=draft, side="marketing", by=by(marketer), now=NOW)
    for version in (draft, ensure_first_agreement(NOW)):
        with pytest.raises(Conflict, match="Only a draft"):
            edit_draft(version=version, changes={"half_life_days": 3}, by=by(marketer), now=NOW)
    withdraw_proposal(version=draft, by=by(marketer), now=NOW)
    assert (draft.state, draft.marketing_signed_at, draft.half_life_days) == ("draft", None, 14)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("half_life_days", 0), ("first_touch_minutes", 0), ("reject_reasons", []), ("lead_clause", {"kinds": ["sent"]}),
        ("sql_clause", {"required": ["fit"]}), ("points", {"sent": {"points": 5, "cap_per_day": 5}}),
        ("points", {"clicked": {"points": -1, "cap_per_day": 5}}), ("mql_clause", {"any": []}), ("lead_stage", "x"),
        ("mql_clause", {"any": [{"name": "X", "rule": {"field": "owner", "op": "is", "value": "Ana"}}]}),
    ],
)  # fmt: skip
def test_a_clause_that_makes_no_sense_is_refused_by_name(
    in_acme: Workspace, marketer: Someone, term: str, value: Any
) -> None:
    draft = draft_agreement(by=by(marketer), now=NOW)
    with pytest.raises(Invalid) as refused:
        edit_draft(version=draft, changes={term: value}, by=by(marketer), now=NOW)
    assert refused.value.field == term
    assert AgreementVersion.objects.get(number=2).mql_clause == DEFAULTS["mql_clause"]


def test_each_move_keeps_the_version_it_was_made_under(in_acme: Workspace, alice: Someone) -> None:
    ana, tom = make_person("Ana Ferreira"), make_person("Tom Okafor")
    told = {"kind": "replied", "at": NOW, "now": NOW, "summary": "Yes", "detail": {"intent": "positive"}}
    note_interest(activity=record_activity(person=ana, **told), now=NOW)
    draft = draft_agreement(by=by(alice), now=NOW)
    clause = {"any": [{"name": "Demo only", "rule": {"field": "demo_requested", "op": "is_true"}}]}
    edit_draft(version=draft, changes={"mql_clause": clause}, by=by(alice), now=NOW)
    propose_agreement(version=draft, by=by(alice), now=NOW)
    sign_agreement(version=draft, side="marketing", by=by(alice), now=NOW)
    sign_agreement(version=draft, side="sales", by=by(alice), now=NOW)
    note_interest(activity=record_activity(person=tom, **told), now=NOW)
    assert Lead.objects.get(person=ana).stage == "mql"
    assert Lead.objects.get(person=tom).stage == "lead"
    assert set(StageTransition.objects.values_list("lead__person__full_name", "to_stage", "version__number")) == {
        ("Ana Ferreira", "lead", 1), ("Ana Ferreira", "mql", 1), ("Tom Okafor", "lead", 2),
    }  # fmt: skip


def test_a_replay_says_who_would_enter_and_who_would_not_have(in_acme: Workspace, alice: Someone) -> None:
    fit = make_icp(primary=True)
    ana, tom = make_person("Ana Ferreira"), make_person("Tom Okafor")
    make_fit(fit, ana, 86, "A")
    make_fit(fit, tom, 30, "D")
    for person, kind, detail in [
        (ana, "form_submitted", {"form_kind": "contact"}),
        (tom, "replied", {"intent": "positive"}),
    ]:
        row = record_activity(kind=kind, at=NOW, now=NOW, summary=kind, person=person, detail=detail)
        note_interest(activity=row, now=NOW)
    draft = draft_agreement(by=by(alice), now=NOW)
    rule = {
        "all": [{"field": "fit_grade", "op": "is", "value": "A"}, {"field": "engagement", "op": "gte", "value": 30}]
    }
    edit_draft(version=draft, changes={"mql_clause": {"any": [{"name": "Fit A", "rule": rule}]}}, by=by(alice), now=NOW)
    seen = replay(draft, now=NOW + timedelta(days=1))
    assert (seen.leads, seen.made, seen.would_make) == (2, 1, 1)
    assert [(row.lead.person, row.words) for row in seen.enters] == [
        (ana, "Fit A: fit grade A is A and engagement 30 is at least 30")
    ]
    assert [row.lead.person for row in seen.leaves] == [tom]
    assert replay(ensure_first_agreement(NOW), now=NOW + timedelta(days=1)).enters == []
    assert Lead.objects.get(person=ana).stage == "lead"  # a replay changes nothing
    propose_agreement(version=draft, by=by(alice), now=NOW)
    for side in ("marketing", "sales"):
        sign_agreement(version=draft, side=side, by=by(alice), now=NOW + timedelta(minutes=1))
    assert Lead.objects.get(person=ana).stage == "mql"  # who would enter does
    assert Lead.objects.get(person=tom).stage == "mql"  # and nobody is moved back


# Pages and API.


def _form(version: AgreementVersion, **changes: Any) -> dict[str, Any]:
    """What the editor posts for a version that is left as it is, plus changes."""
    data: dict[str, Any] = {
        "kinds": version.lead_clause["kinds"], "imports": "on",
        "required": [item for item in version.sql_clause["required"] if item != "conversation"],
        "reject_reasons": "\n".join(version.reject_reasons), "disqualify_reasons": "\n".join(version.disqualify_reasons),
    }  # fmt: skip
    for name in ("half_life_days", "first_touch_minutes", "sdr_decision_minutes", "ae_decision_minutes"):
        data[name] = getattr(version, name)
    for kind, rule in version.points.items():
        data[f"points_{kind}"], data[f"cap_{kind}"] = rule["points"], rule["cap_per_day"]
    rows = [
        ("Fit and engagement", "fit_grade", "in", "a, B"), ("Fit and engagement", "engagement", "gte", "50"),
        ("Demo request", "demo_requested", "is_true", ""),
    ]  # fmt: skip
    data |= {"conditions-TOTAL_FORMS": len(rows), "conditions-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        for name, value in zip(("alternative", "field", "op", "value"), row, strict=True):
            data[f"conditions-{number}-{name}"] = value
    return data | changes


def test_pages_draft_edit_propose_and_sign(as_: Any, acme: Workspace, marketer: Someone, leader: Someone) -> None:
    client = as_(marketer)
    page = client.get("/w/acme/agreement/").content.decode()
    assert "Fit and engagement: fit grade is one of A, B and engagement at least 50" in page
    assert client.post("/w/acme/agreement/draft/").status_code == 302
    editor = client.get("/w/acme/agreement/2/edit/")
    assert editor.status_code == 200 and "Booked meeting" in editor.content.decode()
    with workspace_scope(acme.pk):
        draft = AgreementVersion.objects.get(number=2)
    bad = client.post("/w/acme/agreement/2/edit/", _form(draft, **{"conditions-1-value": "lots"}))
    assert bad.status_code == 422
    with workspace_scope(acme.pk):
        assert AgreementVersion.objects.get(number=2).mql_clause == DEFAULTS["mql_clause"]
    assert client.post("/w/acme/agreement/2/edit/", _form(draft)).status_code == 302
    with workspace_scope(acme.pk):
        draft = AgreementVersion.objects.get(number=2)
    assert draft.mql_clause == {"any": DEFAULTS["mql_clause"]["any"][:2]}
    assert draft.points == DEFAULTS["points"]
    page = client.get("/w/acme/agreement/2/").content.decode()
    assert "Booked meeting: a meeting was booked" in page  # as taken out
    client.post("/w/acme/agreement/2/propose/")
    assert client.post("/w/acme/agreement/2/sign/", {"side": "sales"}).status_code == 403
    assert client.post("/w/acme/agreement/2/sign/", {"side": "marketing"}).status_code == 302
    assert as_(leader).post("/w/acme/agreement/2/sign/", {"side": "sales"}).status_code == 302
    with workspace_scope(acme.pk):
        assert ensure_first_agreement(NOW).number == 2


def test_an_sdr_reads_the_agreement_and_cannot_touch_it(as_: Any, acme: Workspace, bob: Someone) -> None:
    client = as_(bob)
    assert client.get("/w/acme/agreement/").status_code == 200
    assert client.post("/w/acme/agreement/draft/").status_code == 403
    with workspace_scope(acme.pk):
        assert AgreementVersion.objects.count() == 1


def test_the_api_reads_drafts_and_signs_by_scope(api: Any, acme: Workspace, alice: Someone) -> None:
    client = api(alice)
    current = client.get("/api/v1/agreements/current/").json()
    assert current["number"] == 1 and current["words"]["In working time"]
    made = client.post("/api/v1/agreements/", {"half_life_days": 30}, "application/json")
    assert (made.status_code, made.json()["half_life_days"]) == (201, 30)
    url = f"/api/v1/agreements/{made.json()['id']}"
    bad = client.patch(f"{url}/", {"mql_clause": {"any": []}}, "application/json")
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "mql_clause")
    client.post(f"{url}/propose/")
    narrow = api(alice, "agreements.view", "agreements.edit")
    assert narrow.post(f"{url}/sign/", {"side": "sales"}, "application/json").status_code == 403
    for side in ("marketing", "sales"):
        assert client.post(f"{url}/sign/", {"side": side}, "application/json").status_code == 200
    assert client.get("/api/v1/agreements/current/").json()["number"] == 2
    assert [row["state"] for row in client.get("/api/v1/agreements/").json()["results"]] == ["signed", "replaced"]

"""Record visibility: what is whose, and what whoever sees only a part is told of the rest."""

import json
from typing import Any

import pytest

from accounts.models import AuditEntry, Workspace
from accounts.queries.visibility import viewer_of
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from leadgen.core.visibility import everyone, viewing_as
from prospects.actions.people import create_person
from prospects.models import Activity, Company, Deal, Lead, Meeting, Person, PersonPair, Task
from tests.factories.accounts import Someone, make_member
from tests.factories.campaigns import EMAIL, make_enrolment, make_sequence
from tests.factories.prospects import make_activity, make_company, make_deal, make_lead, make_person, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(acme: Workspace) -> Someone:
    return make_member(acme, "sdr", "dora@acme.example")


def _sees(workspace: Workspace, someone: Someone, level: str, model: Any) -> set[str]:
    workspace.visibility = {someone.member.role: level}
    with viewing_as(viewer_of(someone.member, workspace)):
        return {str(row) for row in model.objects.all()}


def test_whose_a_record_is(in_acme: Workspace, bob: Someone, dora: Someone) -> None:
    mine, hers = bob.member, dora.member
    at_hers, at_mine, at_nobodys = (
        make_company("Hers", owner=hers), make_company("Mine", owner=mine), make_company("Nobodys")
    )  # fmt: skip
    make_person("mine at hers", at_hers, owner=mine)
    make_person("hers at mine", at_mine, owner=hers)
    make_person("hers at nobodys", at_nobodys, owner=hers)
    make_person("nobodys at hers", at_hers)
    make_person("nobodys at nobodys", at_nobodys)
    make_person("nobodys")
    worked = make_person("hers, my lead", owner=hers)
    make_lead(worked, owner=mine)
    called = make_person("hers, my call", owner=hers)
    make_task("Call", person=called, owner=mine)
    done = make_person("hers, my old call", owner=hers)
    make_task("Called", person=done, owner=mine, state="done")
    version = make_sequence([EMAIL], mailbox=None)
    make_enrolment(version, make_person("hers, my sequence", owner=hers), mailbox=None, owner=mine)
    make_company("Far", owner=hers)
    make_company("Hers, my deal", owner=hers)
    make_deal("Rollout", company=Company.objects.get(name="Hers, my deal"), owner=mine)
    make_deal("Theirs", company=Company.objects.get(name="Far"), owner=hers)
    assert _sees(in_acme, bob, "own", Person) == {
        "mine at hers", "hers at mine", "nobodys at nobodys", "nobodys", "hers, my lead", "hers, my call", "hers, my sequence",
    }  # fmt: skip
    assert _sees(in_acme, bob, "own", Company) >= {"Hers", "Mine", "Nobodys", "Hers, my deal"}
    assert "Far" not in _sees(in_acme, bob, "own", Company)
    assert _sees(in_acme, bob, "own", Deal) == {"Rollout"}
    assert len(_sees(in_acme, bob, "all", Person)) == Person.objects.count()
    # A team sees what any of it has; without a team one sees one's own.
    assert "Far" not in _sees(in_acme, bob, "team", Company)
    for member in (mine, hers):
        member.team = "DACH"
        member.save()
    assert _sees(in_acme, bob, "team", Person) == {str(row) for row in Person.objects.all()}
    # Owners, admins and RevOps see all, whatever stands in the setting.
    ops = make_member(in_acme, "ops")
    assert len(_sees(in_acme, ops, "own", Person)) == Person.objects.count()


def test_what_hangs_on_a_record_is_seen_with_it(in_acme: Workspace, bob: Someone, dora: Someone, now: Any) -> None:
    theirs, mine = make_person("Hers", owner=dora.member), make_person("Mine", owner=bob.member)
    for person in (theirs, mine):
        lead = make_lead(person, owner=dora.member)
        make_activity(person, lead=lead, summary=f"of {person}", kind="note")
        Meeting.objects.create(
            person=person, lead=lead, title=f"with {person}", starts_at=now, state="booked", booked_at=now
        )
        make_task(f"about {person}", person=person, owner=dora.member)
    make_task("about nothing", owner=dora.member)
    make_task("for anybody")
    in_acme.visibility = {"sdr": "own"}
    with viewing_as(viewer_of(bob.member, in_acme)):
        assert [str(lead.person) for lead in Lead.objects.all()] == ["Mine"]
        assert [row.summary for row in Activity.objects.filter(kind="note")] == ["of Mine"]
        assert [row.title for row in Meeting.objects.all()] == ["with Mine"]
        assert {row.title for row in Task.objects.all()} == {"about Mine", "for anybody"}
        with everyone():
            assert Lead.objects.count() == 2
        assert Lead.objects.count() == 1


def test_one_who_sees_their_own_meets_somebody_elses(
    acme: Workspace, bob: Someone, dora: Someone, alice: Someone, as_: Any, api: Any, now: Any
) -> None:
    """Taken addresses, duplicates, lists, bulk acts, segments and figures: told that, and whose, never what."""
    with workspace_scope(acme.pk):
        hers = make_person("Ana Geheim", email="ana@secret.example", owner=dora.member, title="Hidden title")
        like = make_person("Ana Geheim", email="ana@other.example", owner=bob.member)
        lead = make_lead(hers, owner=dora.member)
        first, second = sorted([hers, like], key=lambda row: row.pk)
        pair = PersonPair.objects.create(first=first, second=second, score=90, reasons=["name"], found_at=now)
    client, token, boss, chief = as_(bob), api(bob), as_(alice), api(alice)
    # The setting: refused for whoever may not, and for what is no setting; saved by the owner, in the log.
    url = "/w/acme/settings/visibility/"
    assert client.post(url, {"sdr": "all"}).status_code == 403
    levels = dict.fromkeys(("marketer", "ae", "leader", "viewer"), "all") | {"sdr": "own"}
    assert boss.post(url, levels | {"sdr": "none"}).status_code == 422
    wrong = {"visibility": {"owner": "own"}}
    assert chief.patch("/api/v1/workspace/", wrong, content_type="application/json").status_code == 400
    with workspace_scope(acme.pk):
        assert Workspace.objects.get(pk=acme.pk).visibility == {}
    assert client.get(f"/w/acme/people/{hers.pk}/").status_code == 200
    assert boss.post(url, levels).status_code == 302
    assert chief.get("/api/v1/workspace/").json()["visibility"] == {"sdr": "own"}
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.filter(action="workspace.updated").count() == 1
    assert "Your own records" in client.get("/w/acme/settings/").content.decode()

    assert client.get(f"/w/acme/people/{hers.pk}/").status_code == 404
    assert token.get(f"/api/v1/people/{hers.pk}/").status_code == 404
    assert b"1 person" in boss.get("/w/acme/people/?q=secret.example").content
    listed = client.get("/w/acme/people/").content.decode()
    assert "ana@secret" not in listed
    assert "Your own, those you work on, and what nobody owns." in listed
    assert client.get("/w/acme/search/?q=Geheim").content.decode().count("ana@") == 1
    assert token.get("/api/v1/people/").json()["results"][0]["email"] == "ana@other.example"
    edit = token.patch(f"/api/v1/people/{hers.pk}/", {"title": "Mine now"}, content_type="application/json")
    assert edit.status_code == 404

    taken = token.post(
        "/api/v1/people/", {"full_name": "X", "email": "ana@secret.example"}, content_type="application/json"
    )
    assert taken.status_code == 409 and "belongs to Dora" in taken.json()["error"]["message"]
    assert "Geheim" not in taken.content.decode() and str(hers.pk) not in taken.content.decode()

    half = client.get(f"/w/acme/duplicates/people/{pair.pk}/").content.decode()
    assert "owned by Dora" in half and "ana@secret" not in half and "Hidden title" not in half
    for refused in (
        client.post(f"/w/acme/duplicates/people/{pair.pk}/", {"keep": str(like.pk)}),
        token.post(f"/api/v1/person-duplicates/{pair.pk}/merge/", {}, content_type="application/json"),
        token.post(f"/api/v1/person-duplicates/{pair.pk}/dismiss/", {}, content_type="application/json"),
    ):
        assert refused.status_code == 403 and "Dora" in refused.content.decode()
    check = token.post("/api/v1/person-duplicates/check/", {"full_name": "Ana Geheim", "email": "ana@secret.example"},
                       content_type="application/json").json()["found"]  # fmt: skip
    assert "ana@secret" not in json.dumps(check)

    bulk = {"subject": "people", "kind": "assign", "owner": str(bob.member.pk)}
    for rows, status in (({"ids": [str(hers.pk)]}, 400), ({"filter": {}}, 201)):
        answer = token.post("/api/v1/bulk-acts/", bulk | rows, content_type="application/json")
        assert answer.status_code == status, answer.content
    assert answer.json()["total"] == 1
    with workspace_scope(acme.pk):
        hers.refresh_from_db()
        assert (hers.owner_id, hers.title, PersonPair.objects.get().state) == (dora.member.pk, "Hidden title", "open")
    # A figure counts everybody's; what it opens to is the viewer's.
    rows = token.get("/api/v1/funnel/rows/?key=leads&period=all").json()
    assert (rows["count"], rows["others"], rows["results"]) == (1, 1, [])
    assert chief.get("/api/v1/funnel/rows/?key=leads&period=all").json()["results"] == [str(lead.pk)]
    assert "1 more belong" in client.get("/w/acme/analytics/rows/?key=leads&period=all").content.decode()


def test_actions_know_every_row(in_acme: Workspace, bob: Someone, dora: Someone, by_bob: Any, now: Any) -> None:
    """Uniqueness holds for the workspace; what is said of the other one does not name them."""
    make_person("Ana", email="ana@x.example", owner=dora.member)
    in_acme.visibility = {"sdr": "own"}
    seeing, refused = (
        viewing_as(viewer_of(bob.member, in_acme)),
        pytest.raises(Conflict, match="A person you may not see"),
    )
    with seeing, refused:
        create_person(by=by_bob, now=now, name="Other", email="ana@x.example")
    assert Person.objects.count() == 1


@pytest.mark.parametrize("value", [{"ops": "own"}, {"sdr": "mine"}, ["sdr"], "own"])
def test_a_setting_that_is_none_is_refused(value: Any) -> None:
    from accounts.rules.visibility import cleaned

    with pytest.raises(Invalid) as refused:
        cleaned(value)
    assert refused.value.field == "visibility"

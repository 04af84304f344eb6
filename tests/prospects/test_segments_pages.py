"""Pages of segments as people use them: the builder row by row, the live count, members, lists, enrolling."""

import json
from typing import Any

import pytest

from accounts.models import AuditEntry
from leadgen.core.tenancy import workspace_scope
from prospects.actions.segments import add_members, create_segment
from prospects.actions.segments_refresh import refresh_segment
from prospects.forms.segments_rule import Draft
from prospects.models import Deal, Segment, SegmentMember, SignalTrigger
from prospects.queries import segments as queries
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_deal, make_person

HTMX = {"HX-Request": "true"}
VP = {"field": "person.title", "op": "contains_any", "value": ["VP"]}
BASE = {"kind": "dynamic", "subject": "people", "r.join": "all"}


def row(path: str, field: str, op: str, **values: Any) -> dict[str, Any]:
    return {f"{path}.field": field, f"{path}.op": op} | {f"{path}.{name}": value for name, value in values.items()}


@pytest.fixture
def team(acme: Any) -> dict[str, Any]:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example", country="DE")
        return {
            "lumen": lumen,
            "ana": make_person("Ana Ferreira", lumen, title="VP Sales", email="ana@lumen.example"),
            "tom": make_person("Tom Okafor", lumen, title="Clerk"),
            "mei": make_person("Mei Tanaka", title="VP Finance"),
        }


@pytest.fixture
def vps(acme: Any, team: Any, by_alice: Any, now: Any) -> Segment:
    with workspace_scope(acme.pk):
        return create_segment(by=by_alice, now=now, name="VPs", kind="dynamic", subject="people", rule=VP)


@pytest.fixture
def targets(acme: Any, team: Any, by_alice: Any, now: Any) -> Segment:
    with workspace_scope(acme.pk):
        found = create_segment(by=by_alice, now=now, name="Targets", kind="static", subject="companies")
        add_members(segment=found, ids=[team["lumen"].pk], by=by_alice, now=now)
        return found


def test_a_rule_is_built_row_by_row_counted_live_and_saved(alice, as_, acme, team) -> None:
    client = as_(alice)
    # A group that either row may meet, beside a condition: as the buttons make it, one after the other.
    data: dict[str, Any] = BASE | {"r.n": "1"} | row("r-0", "person.title", "contains_any", text="VP")
    html = client.post("/w/acme/segments/rule/", data | {"do": "group:r"}, headers=HTMX).content.decode()
    assert 'name="r-1.join"' in html and 'name="r-1-0.field"' in html
    data |= {"r.n": "2", "r-1.join": "any", "r-1.n": "2"}
    data |= row("r-1-0", "company.country", "in", text="Germany") | row("r-1-1", "company.name", "unknown")
    html = client.post("/w/acme/segments/measure/", data, headers=HTMX).content.decode()
    assert ">2</span>" in html and "Ana Ferreira" in html and "Mei Tanaka" in html
    response = client.post("/w/acme/segments/new/", data | {"name": "VPs in Germany", "description": "or anywhere"})
    with workspace_scope(acme.pk):
        segment = Segment.objects.get()
    assert response["Location"] == f"/w/acme/segments/{segment.pk}/"
    assert segment.rule == {
        "all": [
            VP,
            {
                "any": [
                    {"field": "company.country", "op": "in", "value": ["DE"]},
                    {"field": "company.name", "op": "unknown"},
                ]
            },
        ]
    }
    page = client.get(f"/w/acme/segments/{segment.pk}/").content.decode()
    assert "Ana Ferreira" in page and "Tom Okafor" not in page and "country is one of Germany" in page


def test_an_error_stands_at_the_very_row_and_nothing_is_saved(alice, as_, acme, team) -> None:
    data = BASE | {"r.n": "3", "name": "Broken"} | row("r-0", "person.title", "contains_any", text="VP")
    data |= row("r-1", "company.employees", "gte", text="many") | row(
        "r-2", "person.last_touch_at", "within_days", text="-3"
    )
    response = as_(alice).post("/w/acme/segments/new/", data)
    html = response.content.decode()
    assert response.status_code == 422
    assert 'id="r-1-error"' in html and "Expected a number, got &#x27;many&#x27;" in html
    assert 'id="r-2-error"' in html and "Expected whole days" in html
    assert 'id="r-0-error"' not in html
    # What was typed still stands there.
    assert 'value="many"' in html and 'value="-3"' in html
    with workspace_scope(acme.pk):
        assert not Segment.objects.exists()


def test_without_javascript_the_same_buttons_work(alice, as_, acme, team) -> None:
    data = BASE | {"r.n": "1", "name": "Half"} | row("r-0", "person.title", "contains", text="VP")
    html = as_(alice).post("/w/acme/segments/new/", data | {"do": "add:r"}).content.decode()
    assert 'name="r-1.field"' in html and 'value="VP"' in html and 'value="Half"' in html
    html = as_(alice).post("/w/acme/segments/new/", data | {"do": "ready:r", "r.ready": "quiet"}).content.decode()
    assert 'name="r-1-0.field"' in html and 'value="30"' in html
    with workspace_scope(acme.pk):
        assert not Segment.objects.exists()


def test_unfinished_rows_are_left_out_of_the_live_count_and_named(alice, as_, team) -> None:
    data = (
        BASE | {"r.n": "2"} | row("r-0", "person.title", "contains_any", text="VP") | row("r-1", "person.owner", "is")
    )
    html = as_(alice).post("/w/acme/segments/measure/", data, headers=HTMX).content.decode()
    assert "1 row is not complete" in html and ">2</span>" in html


@pytest.mark.parametrize(
    "rule",
    [
        VP,
        {"not": {"all": [VP, {"not": {"field": "person.email", "op": "known"}}]}},
        {
            "any": [
                {"all": [VP, {"field": "company.employees", "op": "between", "value": [5, 10]}]},
                {"not": {"any": [VP, VP]}},
            ]
        },
        {"field": "person.created_at", "op": "between", "value": ["2026-01-01", "2026-02-01"]},
        {"field": "company.country", "op": "is", "value": "DE"},
        {"field": "sequence.state", "op": "in", "value": ["active", "paused"]},
    ],
)
def test_every_shape_of_rule_can_be_shown_and_saved_unchanged(in_acme, rule: Any, now: Any) -> None:
    """What the API wrote comes back from the screen meaning the same."""
    from django.http import QueryDict

    draft = Draft.of_rule("people", rule)
    posted = QueryDict(mutable=True)
    for item in draft.root.walk():
        if item.is_group:
            posted[f"{item.path}.join"], posted[f"{item.path}.n"] = item.join, str(len(item.children))
            continue
        posted.update(
            {f"{item.path}.field": item.name, f"{item.path}.op": item.op_name, f"{item.path}.text": item.text}
        )
        posted.update({f"{item.path}.low": item.low, f"{item.path}.high": item.high})
        posted.setlist(f"{item.path}.pick", item.picked)
    again = Draft.of_post("people", posted).rule()
    people = [
        make_person(f"P {n}", title=t, email=e)
        for n, (t, e) in enumerate([("VP", ""), ("x", ""), ("VP", "a@b.example")])
    ]
    assert people
    assert set(queries.matching("people", again, now=now)) == set(queries.matching("people", rule, now=now))


def test_members_are_filtered_and_a_slow_rule_shows_who_was_in_it(alice, as_, acme, vps, now, monkeypatch) -> None:
    client = as_(alice)
    assert "Mei Tanaka" not in client.get(f"/w/acme/segments/{vps.pk}/?q=ferr", headers=HTMX).content.decode()
    # No time for the rule at all, and the worker has not been there: said, not shown as empty.
    monkeypatch.setattr(queries, "members_of", lambda *args, **kwargs: (_ for _ in ()).throw(queries.TooSlow()))
    assert "Being looked up" in client.get(f"/w/acme/segments/{vps.pk}/").content.decode()
    monkeypatch.undo()
    with workspace_scope(acme.pk):
        refresh_segment(segment_id=vps.pk, now=now)
    monkeypatch.setattr(queries, "members_of", lambda *args, **kwargs: (_ for _ in ()).throw(queries.TooSlow()))
    html = client.get(f"/w/acme/segments/{vps.pk}/").content.decode()
    assert "This rule takes longer than a page may" in html and "Mei Tanaka" in html


def test_lists_are_filled_from_the_people_list_by_selection_or_filter(alice, as_, acme, team) -> None:
    client = as_(alice)
    asked = client.post("/w/acme/segments/pick/", {"subject": "people", "all": "1", "query": "q=ferr"}).content.decode()
    assert "Put 1 person on the list" in asked
    data = {"subject": "people", "chosen": "1", "name": "Friends"}
    client.post("/w/acme/segments/pick/", data | {"all": "1", "query": "q=ferr"})
    with workspace_scope(acme.pk):
        friends = Segment.objects.get()
    client.post("/w/acme/segments/pick/", data | {"name": "", "segment": friends.pk, "selected": [team["tom"].pk]})
    with workspace_scope(acme.pk):
        assert set(SegmentMember.objects.values_list("person", flat=True)) == {team["ana"].pk, team["tom"].pk}
    response = client.post("/w/acme/segments/pick/", data | {"all": "1", "query": "created_after=rubbish"})
    assert response.status_code == 400
    client.post(f"/w/acme/segments/{friends.pk}/remove/", {"selected": [team["tom"].pk]})
    with workspace_scope(acme.pk):
        assert SegmentMember.objects.get().person_id == team["ana"].pk


def test_a_pasted_list_says_which_lines_named_nobody(alice, as_, acme, targets) -> None:
    data = {"lines": "lumen.example\nnobody.example"}
    html = as_(alice).post(f"/w/acme/segments/{targets.pk}/add/", data).content.decode()
    assert "0 put on the list, 1 was on it already" in html
    assert "line 2" in html and "nobody.example" in html


def test_target_accounts_show_their_coverage(alice, as_, acme, team, targets) -> None:
    with workspace_scope(acme.pk):
        make_deal("Big", company=team["lumen"])
        make_deal("Old", company=team["lumen"], outcome=Deal.Outcome.LOST)
    response = as_(alice).get(f"/w/acme/segments/{targets.pk}/")
    (lumen,) = response.context["covers"]
    assert (lumen["people"], lumen["open_deals"], lumen["in_sequence"]) == (2, 1, 0)
    assert (response.context["coverage"].companies, response.context["coverage"].open_deals) == (1, 1)


def test_a_segment_is_enrolled_in_place_of_people(alice, as_, team, vps) -> None:
    html = as_(alice).get("/w/acme/enrol/", {"segment": vps.pk}).content.decode()
    assert "2</span> people match" in html and "Segment: VPs" in html
    assert "Or everybody who is in a segment now" in as_(alice).get("/w/acme/enrol/").content.decode()


def test_people_and_companies_lists_take_a_segment(alice, as_, team, vps, targets) -> None:
    html = as_(alice).get(f"/w/acme/people/?segment={vps.pk}", headers=HTMX).content.decode()
    assert "Mei Tanaka" in html and "Tom Okafor" not in html and "Segment: VPs" in html
    html = as_(alice).get(f"/w/acme/people/?segment={targets.pk}", headers=HTMX).content.decode()
    assert "Tom Okafor" in html and "Mei Tanaka" not in html
    assert "Lumen" in as_(alice).get(f"/w/acme/companies/?segment={targets.pk}", headers=HTMX).content.decode()


def test_a_viewer_sees_segments_and_changes_none(acme, as_, alice, vps, targets, team) -> None:
    viewer = make_member(acme, "viewer", "vera@acme.example")
    client = as_(viewer)
    assert client.get("/w/acme/segments/").status_code == 200
    assert client.get(f"/w/acme/segments/{vps.pk}/").status_code == 200
    before = _state(acme)
    for path, data in (
        ("segments/new/", BASE | {"name": "X", "r.n": "0"}),
        (f"segments/{vps.pk}/edit/", {"name": "X"}),
        (f"segments/{targets.pk}/remove/", {"selected": [team["lumen"].pk]}),
        (f"segments/{targets.pk}/add/", {"lines": "lumen.example"}),
        (f"segments/{vps.pk}/archive/", {}),
        (f"segments/{vps.pk}/delete/", {}),
        ("segments/pick/", {"subject": "people", "chosen": "1", "name": "X", "selected": [team["ana"].pk]}),
    ):
        assert client.post(f"/w/acme/{path}", data).status_code == 403, path
    assert _state(acme) == before


def test_another_workspaces_segment_is_not_there(acme, charlie, as_, vps, targets, team) -> None:
    before = _state(acme)
    client = as_(charlie)
    assert client.get(f"/w/globex/segments/{vps.pk}/").status_code == 404
    assert client.post(f"/w/globex/segments/{vps.pk}/delete/").status_code == 404
    html = client.get(f"/w/globex/people/?segment={vps.pk}").content.decode()
    assert "Ana Ferreira" not in html
    assert _state(acme) == before


def _state(acme: Any) -> Any:
    with workspace_scope(acme.pk):
        segments = list(Segment.objects.order_by("name").values("name", "rule", "is_archived", "count"))
        return json.dumps(segments), SegmentMember.objects.count()


@pytest.mark.django_db
def test_deleting_a_segment_names_the_triggers_that_go_with_it(acme, alice, as_, vps, now) -> None:
    with workspace_scope(acme.pk):
        SignalTrigger(name="Money at VPs", kinds=["funding"], segment=vps, created_at=now).save()
        SignalTrigger(name="Anybody", kinds=["funding"], created_at=now).save()
    page = as_(alice).get(f"/w/acme/segments/{vps.pk}/delete/").content.decode()
    assert "“Money at VPs”" in page and "Anybody" not in page
    as_(alice).post(f"/w/acme/segments/{vps.pk}/delete/")
    with workspace_scope(acme.pk):
        assert [row.name for row in SignalTrigger.objects.all()] == ["Anybody"]
        assert AuditEntry.objects.get(action="segment.deleted").detail["triggers"] == ["Money at VPs"]

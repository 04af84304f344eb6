"""The short cut of migrate leaves the same migration state as Django's way."""

from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from leadgen.core.migration_state import constraints_without_rendering

CONSTRAINT = models.UniqueConstraint(fields=["owner", "name"], name="one_name")
INDEX = models.Index(fields=["name"], name="by_name")


def rendered() -> ProjectState:
    state = ProjectState()
    state.add_model(ModelState("sample", "Owner", [("id", models.AutoField(primary_key=True))]))
    fields = [
        ("id", models.AutoField(primary_key=True)),
        ("owner", models.ForeignKey("sample.Owner", models.CASCADE)),
        ("name", models.TextField()),
    ]
    state.add_model(ModelState("sample", "Thing", fields, options={"indexes": [], "constraints": []}))
    assert state.apps.get_model("sample", "Thing")._meta.total_unique_constraints == []  # cached from here on
    return state


def add(state: ProjectState) -> None:
    state.add_constraint("sample", "thing", CONSTRAINT)
    state.add_index("sample", "thing", INDEX)


def test_constraints_and_indexes_are_known_without_rendering() -> None:
    slow, fast = rendered(), rendered()
    add(slow)
    before = fast.apps.get_model("sample", "Owner")
    with constraints_without_rendering():
        add(fast)
    assert fast.apps.get_model("sample", "Owner") is before
    assert fast.models["sample", "thing"] == slow.models["sample", "thing"]
    for state in (slow, fast, fast.clone()):
        meta = state.apps.get_model("sample", "Thing")._meta
        assert meta.constraints == [CONSTRAINT]
        assert meta.total_unique_constraints == [CONSTRAINT]
        assert [index.name for index in meta.indexes] == ["by_name"]


def test_outside_django_does_it_its_own_way() -> None:
    state = rendered()
    before = state.apps.get_model("sample", "Owner")
    with constraints_without_rendering():
        pass
    add(state)
    assert state.apps.get_model("sample", "Owner") is not before

"""The short cut of migrate leaves the same migration state as Django's way."""

from contextlib import nullcontext

from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from leadgen.core.migration_state import little_rendering

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
    with little_rendering():
        add(fast)
    assert fast.apps.get_model("sample", "Owner") is before
    assert fast.models["sample", "thing"] == slow.models["sample", "thing"]
    for state in (slow, fast, fast.clone()):
        meta = state.apps.get_model("sample", "Thing")._meta
        assert meta.constraints == [CONSTRAINT]
        assert meta.total_unique_constraints == [CONSTRAINT]
        assert [index.name for index in meta.indexes] == ["by_name"]


def test_a_plain_column_and_a_new_model_leave_the_others_in_place() -> None:
    slow, fast = rendered(), rendered()
    new = ModelState(
        "sample", "Part", [("id", models.AutoField(primary_key=True)), ("of", models.ForeignKey("sample.Thing", models.CASCADE))]
    )  # fmt: skip
    for state in (slow, fast):
        before = state.apps.get_model("sample", "Owner")
        with little_rendering() if state is fast else nullcontext():
            state.add_field("sample", "thing", "size", models.IntegerField(default=3), preserve_default=False)
            state.add_model(new.clone())
        assert (state.apps.get_model("sample", "Owner") is before) == (state is fast)
        thing, part = (state.apps.get_model("sample", name) for name in ("Thing", "Part"))
        assert [field.name for field in thing._meta.get_fields()] == ["part", "id", "owner", "name", "size"]
        assert (thing(name="x").size, thing._meta.get_field("size").column) == (None, "size")
        assert part._meta.get_field("of").remote_field.model is thing
    assert fast.models == slow.models
    # Code in a migration gets models of their own, made anew.
    state = fast.clone()
    state.clear_delayed_apps_cache()
    assert state.apps.get_model("sample", "Thing") is not fast.apps.get_model("sample", "Thing")


def test_a_relation_goes_djangos_way() -> None:
    field = models.ForeignKey("sample.Owner", models.CASCADE, related_name="+")
    state = rendered()
    before = state.apps.get_model("sample", "Owner")
    with little_rendering():
        state.add_field("sample", "thing", "maker", field, preserve_default=True)
    assert state.apps.get_model("sample", "Owner") is not before
    assert (
        state.apps.get_model("sample", "Thing")._meta.get_field("maker").remote_field.model._meta.label
        == "sample.Owner"
    )


def test_outside_django_does_it_its_own_way() -> None:
    state = rendered()
    before = state.apps.get_model("sample", "Owner")
    with little_rendering():
        pass
    add(state)
    assert state.apps.get_model("sample", "Owner") is not before

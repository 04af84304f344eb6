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


def test_a_foreign_key_leaves_the_others_in_place_and_is_known_to_both_ends() -> None:
    slow, fast = rendered(), rendered()
    for state in (slow, fast):
        owner = state.apps.get_model("sample", "Owner")
        assert [field.name for field in owner._meta.related_objects] == ["thing"]  # cached from here on
        field = models.ForeignKey("sample.Owner", models.CASCADE, related_name="made", null=True)
        with little_rendering() if state is fast else nullcontext():
            state.add_field("sample", "thing", "maker", field, preserve_default=True)
        assert (state.apps.get_model("sample", "Owner") is owner) == (state is fast)
        owner, thing = (state.apps.get_model("sample", name) for name in ("Owner", "Thing"))
        assert [field.name for field in owner._meta.related_objects] == ["thing", "made"]
        assert thing._meta.get_field("maker").remote_field.model is owner
        assert thing._meta.get_field("maker").column == "maker_id"
        assert owner.made.rel.related_model is thing
    assert fast.models == slow.models


def test_constraints_and_indexes_that_go_are_known_without_rendering() -> None:
    slow, fast = rendered(), rendered()
    for state in (slow, fast):
        add(state)
        before = state.apps.get_model("sample", "Owner")
        assert state.apps.get_model("sample", "Thing")._meta.total_unique_constraints == [CONSTRAINT]
        with little_rendering() if state is fast else nullcontext():
            state.remove_constraint("sample", "thing", "one_name")
            state.remove_index("sample", "thing", "by_name")
        assert (state.apps.get_model("sample", "Owner") is before) == (state is fast)
        meta = state.apps.get_model("sample", "Thing")._meta
        assert (meta.constraints, meta.total_unique_constraints, meta.indexes) == ([], [], [])
    assert fast.models == slow.models


def test_many_to_many_and_altered_columns_go_djangos_way() -> None:
    state = rendered()
    before = state.apps.get_model("sample", "Owner")
    with little_rendering():
        users = models.ManyToManyField("sample.Owner", related_name="+")
        state.add_field("sample", "thing", "users", users, preserve_default=True)
    assert state.apps.get_model("sample", "Owner") is not before
    name = state.apps.get_model("sample", "Thing")._meta.get_field("name")
    with little_rendering():
        state.alter_field("sample", "thing", "name", models.TextField(default=""), preserve_default=True)
    assert state.apps.get_model("sample", "Thing")._meta.get_field("name") is not name


def test_outside_django_does_it_its_own_way() -> None:
    state = rendered()
    before = state.apps.get_model("sample", "Owner")
    with little_rendering():
        pass
    add(state)
    assert state.apps.get_model("sample", "Owner") is not before

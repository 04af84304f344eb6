"""Migrating from nothing in seconds: tell the rendered models of a migration state what changed instead of making them anew.

Django renders a model and all models connected with it for each operation. Every tenant table is connected with every
other through its workspace, so that is nearly the whole schema each time, over five hundred times: a minute of a first
start. What most operations change is little: an entry of `_meta.constraints` or `_meta.indexes`, a new column (a foreign
key too), or one class more that nothing points at yet. Only that is done here. What alters or removes a column goes Django's
way, and code in a migration (RunPython) sees everything rendered anew: the state says that it was delayed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ModelState, ProjectState


def _append_option(self: ProjectState, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
    state = self.models[app_label, model_name]
    state.options[option_name] = [*state.options[option_name], obj]
    if "apps" in self.__dict__:  # rendered; the attribute itself would render
        meta = self.apps.get_model(app_label, model_name)._meta
        setattr(meta, option_name, [*getattr(meta, option_name), obj])
        meta.__dict__.pop("total_unique_constraints", None)  # cached from the constraints


def _remove_option(self: ProjectState, app_label: str, model_name: str, option_name: str, obj_name: str) -> None:
    state = self.models[app_label, model_name]
    state.options[option_name] = [obj for obj in state.options[option_name] if obj.name != obj_name]
    if "apps" in self.__dict__:
        meta = self.apps.get_model(app_label, model_name)._meta
        setattr(meta, option_name, [obj for obj in getattr(meta, option_name) if obj.name != obj_name])
        meta.__dict__.pop("total_unique_constraints", None)


_add_field = ProjectState.add_field
_add_model = ProjectState.add_model


@contextmanager
def _unrendered(state: ProjectState) -> Iterator[None]:
    """Let Django change the state without a look at its rendered models."""
    apps = state.__dict__.pop("apps")
    try:
        yield
    finally:
        state.__dict__["apps"] = apps
        state.is_delayed = True


def _add_column(
    self: ProjectState, app_label: str, model_name: str, name: str, field: Any, preserve_default: bool
) -> None:
    inherited = any(f"{app_label}.{model_name}" in state.bases for state in self.models.values())
    amendable = not field.is_relation or field.many_to_one
    if "apps" not in self.__dict__ or inherited or not amendable:
        _add_field(self, app_label, model_name, name, field, preserve_default)
        return
    with _unrendered(self):
        _add_field(self, app_label, model_name, name, field, preserve_default)
    added = self.models[app_label, model_name].fields[name].clone()
    self.apps.get_model(app_label, model_name).add_to_class(name, added)
    if field.is_relation:
        self.apps.clear_cache()  # what the model it points at knows of those that point at it


def _add_new_model(self: ProjectState, model_state: ModelState) -> None:
    if "apps" not in self.__dict__:
        _add_model(self, model_state)
        return
    with _unrendered(self):
        _add_model(self, model_state)
    self.apps.render_multiple([model_state])


@contextmanager
def little_rendering() -> Iterator[None]:
    """Within: constraints, indexes, new columns and new models leave the rendered models in place and amend them."""
    ours = {
        "_append_option": _append_option, "_remove_option": _remove_option,
        "add_field": _add_column, "add_model": _add_new_model,
    }  # fmt: skip
    originals = {name: getattr(ProjectState, name) for name in ours}
    for name, function in ours.items():
        setattr(ProjectState, name, function)
    try:
        yield
    finally:
        for name, function in originals.items():
            setattr(ProjectState, name, function)

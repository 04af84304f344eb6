"""Migrating from nothing in seconds: add a constraint or index to the migration state without rendering models anew.

Django renders a model and all models connected with it for each AddConstraint and AddIndex. Every tenant table is
connected with every other through its workspace, and each has several composite keys and workspace-led indexes: over
three hundred times the whole schema, half a minute of a first start. The rendered class differs by one entry of
`_meta.constraints` or `_meta.indexes`, so that entry is what changes here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ProjectState


def _append_option(self: ProjectState, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
    state = self.models[app_label, model_name]
    state.options[option_name] = [*state.options[option_name], obj]
    if "apps" in self.__dict__:  # rendered; the attribute itself would render
        meta = self.apps.get_model(app_label, model_name)._meta
        setattr(meta, option_name, [*getattr(meta, option_name), obj])
        meta.__dict__.pop("total_unique_constraints", None)  # cached from the constraints


@contextmanager
def constraints_without_rendering() -> Iterator[None]:
    """Within: ProjectState.add_constraint and add_index leave rendered models in place and amend them."""
    original = ProjectState._append_option  # type: ignore[attr-defined]  # private; a test compares both
    ProjectState._append_option = _append_option  # type: ignore[attr-defined]  # the same
    try:
        yield
    finally:
        ProjectState._append_option = original  # type: ignore[attr-defined]  # the same

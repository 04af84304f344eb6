"""Whose records are seen: one seam, the tenant manager, which every list, page, count, search and API answer goes through.

Where a role sees only its own or its team's records the request runs with a `Viewer`, and the manager of each model that
`restrict` was called for adds its condition to every queryset: nobody has to remember it, and a foreign record is as good
as absent (404). Workers, commands and public pages have no viewer and see the whole workspace.

An action, once begun, knows every row (`open_actions`): rules, uniqueness, rotation and limits hold for the workspace,
whoever asks. What it is begun with was looked up as the viewer; where an action looks up itself what a person named, it
says `as_asked(rows)`. Numbers of the whole workspace are wrapped in `everyone()`.
"""

import inspect
import pkgutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from importlib import import_module
from types import ModuleType
from typing import Any

from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, where not everything may be seen. `owners`: the members whose records they see, themselves among them."""

    member: uuid.UUID
    owners: tuple[uuid.UUID, ...]
    workspace: uuid.UUID


_viewer: ContextVar[Viewer | None] = ContextVar("leadgen_viewer", default=None)
# Who asked, also inside an action, which sees everything.
_asker: ContextVar[Viewer | None] = ContextVar("leadgen_asker", default=None)
_rules: dict[type[Any], Callable[[Viewer], Q]] = {}


def current_viewer() -> Viewer | None:
    """Who is looking; None where everything may be seen."""
    return _viewer.get()


def restrict(model: type[Any], rule: Callable[[Viewer], Q]) -> None:
    """Rows of `model` are seen by a viewer where `rule` holds. Apps register theirs in `AppConfig.ready()`."""
    _rules[model] = rule


def restricted_models() -> dict[type[Any], Callable[[Viewer], Q]]:
    """Every model with a rule."""
    return dict(_rules)


@lru_cache(maxsize=256)
def _condition(rule: Callable[[Viewer], Q], viewer: Viewer) -> Q:
    """What a rule says of a viewer: the same for all queries of a page, and the longer half of making one."""
    return rule(viewer)


def condition_of(model: type[Any]) -> Q | None:
    """What the viewer's rows of a model fulfil; None where all may be seen."""
    viewer = _viewer.get()
    if viewer is None:
        return None
    rule = _rules.get(model)
    return _condition(rule, viewer) if rule is not None else None


def asker() -> Viewer | None:
    """On whose behalf this runs, also inside an action; None where everything may be seen."""
    return _asker.get()


def as_asked[Q_](rows: Q_) -> Q_:
    """Of a queryset, what whoever asked may see: for actions that look up rows a person named by their ids."""
    viewer, queryset = _asker.get(), rows
    rule = _rules.get(getattr(queryset, "model", object))
    if viewer is None or rule is None:
        return queryset
    found: Q_ = queryset.filter(_condition(rule, viewer))  # type: ignore[attr-defined]  # a queryset of any model
    return found


def look_as(viewer: Viewer | None) -> None:
    """From here to the end of the enclosing `viewing_as`: for a request, of which it is known late who sent it."""
    _viewer.set(viewer)
    _asker.set(viewer)


@contextmanager
def viewing_as(viewer: Viewer | None) -> Iterator[None]:
    """See what this viewer sees; None: everything."""
    tokens = _viewer.set(viewer), _asker.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(tokens[0])
        _asker.reset(tokens[1])


@contextmanager
def everyone() -> Iterator[None]:
    """See everybody's rows in the block, or, as a decorator, in the function. Who asked stays known."""
    token = _viewer.set(None)
    try:
        yield
    finally:
        _viewer.reset(token)


def open_actions(package: ModuleType) -> None:
    """Let the public functions of an app's actions see everybody's rows; called in `AppConfig.ready()`, before views import
    them."""
    for entry in pkgutil.iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{entry.name}")
        for name, function in vars(module).copy().items():
            own = inspect.isfunction(function) and function.__module__ == module.__name__
            if own and not name.startswith("_") and not inspect.isgeneratorfunction(function):
                setattr(module, name, _opened(function))


def _opened(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def opened(*args: Any, **kwargs: Any) -> Any:
        if _viewer.get() is None:  # a worker's inner loop pays one look
            return function(*args, **kwargs)
        with everyone():
            return function(*args, **kwargs)

    return opened

"""Templates that users write: Liquid over plain data, with no way to the server, bounded, and strict about gaps.

A variable that is missing, None or blank may be tested (`{% if %}`, `{% for %}`) or given a fallback
(`{{ person.first_name | default: "there" }}`), but never printed as nothing: `render` raises MissingVariables instead,
so that nobody gets "Hi ,".
"""

import functools
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from liquid import BoundTemplate, DictLoader, Environment, Undefined
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions.filtered import FilteredExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.undefined import is_undefined

from leadgen.core.errors import Invalid

MAX_SOURCE = 50_000
# Nothing here multiplies text (replace, split, times): a short template must not be able to fill the memory.
FILTERS = (
    "default", "capitalize", "upcase", "downcase", "strip", "squish", "append", "prepend", "remove", "truncate",
    "truncatewords", "join", "first", "last", "size", "plus", "minus", "round", "escape", "newline_to_br",
)  # fmt: skip
TAGS = ("if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "#")
_INTERNAL_TAGS = ("content", "output", "illegal")

_missing: ContextVar[dict[int, str] | None] = ContextVar("missing", default=None)


class MissingVariables(Exception):
    """The template prints variables this person has no value for. `names` are dotted paths, in order of use."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"No value for {', '.join(names)}")
        self.names = names


class _Gap(Undefined):
    """A variable without a value: false when tested, noted when printed."""

    __slots__ = ()

    def note(self) -> None:
        noted = _missing.get()
        if noted is not None and self.token is not None:
            noted.setdefault(self.token.start_index, self.hint or self.name)

    def __str__(self) -> str:
        self.note()
        return ""

    def __int__(self) -> int:
        self.note()
        return 0


class _Bounded(Environment):
    block_nesting_limit = 10
    context_depth_limit = 20
    loop_iteration_limit = 2_000
    local_namespace_limit = 200_000
    output_stream_limit = 200_000


@dataclass(frozen=True)
class _Compiled:
    template: BoundTemplate
    paths: Mapping[int, str]  # where a variable stands in the source -> its dotted path
    # Of a template that only prints variables: its texts (str) and paths (tuple) in order; None for any other.
    pieces: tuple[str | tuple[str, ...], ...] | None


def render(source: str, data: Mapping[str, Any], *, html: bool = False, field: str = "template") -> str:
    """`source` filled with `data` (nested dicts of text, numbers, dates, lists); values are escaped if `html`.

    Raises MissingVariables, or Invalid when the template cannot be parsed or passes a limit.
    """
    compiled = _compile(source, html, field)
    if compiled.pieces is not None:
        printed = _print(compiled.pieces, data)
        if printed is not None:
            return printed
    noted: dict[int, str] = {}
    token = _missing.set(noted)
    try:
        out = compiled.template.render(**_plain(data))
    except LiquidError as error:
        raise _invalid(error, source, field) from error
    finally:
        _missing.reset(token)
    if noted:
        raise MissingVariables(tuple(dict.fromkeys(compiled.paths.get(at, name) for at, name in sorted(noted.items()))))
    return str(out)


def _print(pieces: tuple[str | tuple[str, ...], ...], data: Mapping[str, Any]) -> str | None:
    """What rendering would give where every variable is text or a whole number that says something; else None."""
    out = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
            continue
        value: Any = data
        for name in piece:
            value = value.get(name) if isinstance(value, Mapping) else None
        if type(value) is int:
            value = str(value)
        if type(value) is not str or not value.strip():
            return None
        out.append(value)
    printed = "".join(out)
    return printed if len(printed) * 4 <= _Bounded.output_stream_limit else None


def render_line(source: str, data: Mapping[str, Any], *, field: str = "subject") -> str:
    """As `render`, for a subject: one line, single spaces."""
    return " ".join(render(source, data, field=field).split())


def variables(source: str, *, field: str = "template") -> tuple[str, ...]:
    """The dotted paths the template takes from its data, in order of first use. Raises Invalid if it cannot be parsed."""
    paths = _compile(source, False, field).paths
    return tuple(dict.fromkeys(path for _at, path in sorted(paths.items())))


def check(source: str, known: Collection[str] | None = None, *, field: str = "template") -> tuple[str, ...]:
    """For saving: parses, runs once without data, and knows every variable. Returns its variables.

    Raises Invalid with line and column in words and in `detail`. A name in `known` admits what lies below it.
    """
    compiled = _compile(source, False, field)
    for at, path in sorted(compiled.paths.items()):
        if known is not None and not any(path == name or path.startswith((f"{name}.", f"{name}[")) for name in known):
            line, column = _place(source, at)
            raise Invalid(
                f"Line {line}, column {column}: there is no variable {path}.",
                code="template_invalid",
                field=field,
                detail={"line": line, "column": column, "variable": path},
            )
    try:
        compiled.template.render()
    except LiquidError as error:
        raise _invalid(error, source, field) from error
    return variables(source, field=field)


@functools.lru_cache(maxsize=512)
def _parsed(source: str, html: bool) -> _Compiled:
    template = _environment(html).from_string(source)
    paths = {
        variable.span.index: str(variable)
        for found in template.analyze(include_partials=False).globals.values()
        for variable in found
    }
    return _Compiled(template, paths, None if html else _pieces(template))


def _pieces(template: BoundTemplate) -> tuple[str | tuple[str, ...], ...] | None:
    """The template as texts and plain paths, if it is nothing else: most are, and filling these takes no interpreter."""
    pieces: list[str | tuple[str, ...]] = []
    for node in template.nodes:
        if isinstance(node, ContentNode):
            pieces.append(node.text)
            continue
        expression = getattr(node, "expression", None) if isinstance(node, OutputNode) else None
        if not isinstance(expression, FilteredExpression) or expression.filters or type(expression.left) is not Path:
            return None
        if not all(isinstance(name, str) for name in expression.left.path):
            return None
        pieces.append(tuple(str(name) for name in expression.left.path))
    return tuple(pieces)


def _compile(source: str, html: bool, field: str) -> _Compiled:
    if len(source) > MAX_SOURCE:
        raise Invalid(f"The template is longer than {MAX_SOURCE:,} characters.", code="template_invalid", field=field)
    try:
        return _parsed(source, html)
    except LiquidError as error:
        raise _invalid(error, source, field) from error


@functools.cache
def _environment(html: bool) -> Environment:
    env = _Bounded(undefined=_Gap, strict_filters=True, autoescape=html, loader=DictLoader({}))
    env.filters = {name: env.filters[name] if name == "default" else _strict(env.filters[name]) for name in FILTERS}
    env.tags = {name: env.tags[name] for name in (*TAGS, *_INTERNAL_TAGS)}
    return env


def _strict(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, noting a missing variable given to it: some filters would turn it into '' or 0 unseen."""

    @functools.wraps(filter_)
    def noting(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if is_undefined(arg) and isinstance(arg, _Gap):
                arg.note()
        return filter_(*args, **kwargs)

    return noting


def _plain(value: Any) -> Any:
    """A copy of plain data without what says nothing; anything but plain data is refused."""
    if isinstance(value, Mapping):
        items = ((str(key), _plain(item)) for key, item in value.items())
        return {key: item for key, item in items if not _says_nothing(item)}
    if isinstance(value, list | tuple | set | frozenset):
        return [item for item in map(_plain, value) if not _says_nothing(item)]
    if value is None or isinstance(value, str | int | float | Decimal | date):
        return value
    raise TypeError(f"templates take plain data, not {type(value).__name__}")


def _says_nothing(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _place(source: str, index: int) -> tuple[int, int]:
    before = source[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


def _invalid(error: LiquidError, source: str, field: str) -> Invalid:
    at = error.token.start_index if error.token is not None and error.token.start_index >= 0 else len(source)
    line, column = _place(source, min(at, len(source)))
    return Invalid(
        f"Line {line}, column {column}: {error.message or 'the template cannot be used'}.",
        code="template_invalid",
        field=field,
        detail={"line": line, "column": column},
    )

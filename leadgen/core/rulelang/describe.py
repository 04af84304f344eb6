"""A rule in words: "industry is one of Industrials, IT and employees at least 200"."""

from .nodes import AllOf, AnyOf, Leaf, Node, Not
from .words import join_words, show_value


def describe(rule: Node) -> str:
    """The rule as one line of English; "everybody" for the empty rule."""
    return _describe(rule, inside=False)


def _describe(rule: Node, *, inside: bool) -> str:
    match rule:
        case Leaf(field, op):
            return f"{field.label} {op.label} {show_value(rule)}".rstrip()
        case Not(child):
            return f"not ({_describe(child, inside=False)})"
        case AllOf(children) | AnyOf(children):
            every = isinstance(rule, AllOf)
            if not children:
                return "everybody" if every else "nobody"
            parts = [_describe(child, inside=len(children) > 1) for child in children]
            words = join_words(parts, "and" if every else "or")
            return f"({words})" if inside and len(children) > 1 else words

"""Finding, pure: what may be looked for, what a profile and a persona ask for in those words, what to choose at what price."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

from leadgen.core.errors import Invalid
from leadgen.core.names import countries
from leadgen.core.rulelang import AllOf, AnyOf, Leaf, Node, Not
from prospects.rules.fields import DEPARTMENTS, SENIORITIES
from prospects.rules.icps import Profile
from prospects.rules.industries import Industry, industry, tree
from prospects.rules.normalise import Unusable, clean_text
from prospects.rules.normalise import domain as read_domain
from prospects.rules.normalise_places import country as read_country

LISTS = (
    "industries", "countries", "technologies", "keywords", "funding_stages", "exclude_industries", "exclude_countries",
    "exclude_keywords",
)  # fmt: skip
NUMBERS = ("employees_min", "employees_max", "revenue_min", "revenue_max")
PEOPLE_LISTS = ("titles", "seniorities", "departments", "person_countries", "domains")
CRITERIA: Mapping[str, tuple[str, ...]] = {
    "companies": ("name", *LISTS, *NUMBERS),
    "people": ("name", *PEOPLE_LISTS, *LISTS, *NUMBERS),
}
LABELS = {
    "name": "Name contains", "industries": "Industries", "countries": "Countries", "technologies": "Technologies",
    "keywords": "Keywords", "funding_stages": "Funding stages", "exclude_industries": "Not these industries",
    "exclude_countries": "Not these countries", "exclude_keywords": "Not with these keywords",
    "employees_min": "Employees from", "employees_max": "Employees to", "revenue_min": "Revenue from",
    "revenue_max": "Revenue to", "titles": "Job titles", "seniorities": "Seniority", "departments": "Departments",
    "person_countries": "Countries they live in", "domains": "At these companies",
}  # fmt: skip
MAX_ITEMS, MAX_DOMAINS, MAX_WANTED = 100, 1000, 2000
_CHOICES = {"seniorities": dict(SENIORITIES), "departments": dict(DEPARTMENTS)}


def clean_criteria(subject: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is said, in the words of the workspace (country codes, domains). Raises Invalid naming the criterion."""
    unknown = sorted(set(raw) - set(CRITERIA[subject]))
    if unknown:
        raise Invalid(f"“{unknown[0]}” is none of: {', '.join(CRITERIA[subject])}.", field=unknown[0])
    found: dict[str, Any] = {}
    for name in CRITERIA[subject]:
        value = raw.get(name)
        if value in (None, "", []):
            continue
        if name == "name":
            found[name] = clean_text(str(value))[:200]
        elif name in NUMBERS:
            found[name] = _number(name, value)
        else:
            found[name] = _words(name, value)
    for low, high in (("employees_min", "employees_max"), ("revenue_min", "revenue_max")):
        if low in found and high in found and found[low] > found[high]:
            raise Invalid(f"{LABELS[low]} must not be above {LABELS[high].lower()}.", field=low)
    if not found:
        raise Invalid("Say at least one thing to look for: everything there is would be found.")
    return found


def _number(name: str, value: Any) -> int:
    try:
        number = int(Decimal(str(value)))
    except (ArithmeticError, ValueError) as error:
        raise Invalid(f"{LABELS[name]}: write digits, such as 200.", field=name) from error
    if not 0 <= number <= 10**15:
        raise Invalid(f"{LABELS[name]}: give a number from 0 on.", field=name)
    return number


def _words(name: str, value: Any) -> list[str]:
    parts = value if isinstance(value, list | tuple) else str(value).replace("\n", ";").split(";")
    words = list(dict.fromkeys(word for part in parts if (word := clean_text(str(part)))))
    most = MAX_DOMAINS if name == "domains" else MAX_ITEMS
    if len(words) > most:
        raise Invalid(f"{LABELS[name]}: at most {most:,}.", field=name)
    try:
        if name.endswith("countries"):
            words = [read_country(word).code for word in words]
        if name == "domains":
            words = [read_domain(word) for word in words]
    except Unusable as error:
        raise Invalid(f"{LABELS[name]}: {error}.", field=name) from error
    known = _CHOICES.get(name)
    if known is not None:
        by_label = {label.casefold(): key for key, label in known.items()} | {key: key for key in known}
        wrong = next((word for word in words if word.casefold() not in by_label), None)
        if wrong is not None:
            raise Invalid(f"{LABELS[name]}: “{wrong[:40]}” is none of: {', '.join(known)}.", field=name)
        words = [by_label[word.casefold()] for word in words]
    return list(dict.fromkeys(word[:120] for word in words))


def _labels(name: str) -> Mapping[str, str]:
    return countries() if name.endswith("countries") else _CHOICES.get(name, {})


def in_words(criteria: Mapping[str, Any]) -> str:
    """ "Industries: Machinery; Countries: Germany, Austria; Employees from: 50"."""
    parts = []
    # In the order of the form: a JSON column does not keep the one it was written in.
    for name in (name for name in CRITERIA["people"] if name in criteria):
        value, labels = criteria[name], _labels(name)
        if isinstance(value, list):
            more = f" and {len(value) - 8:,} more" if len(value) > 8 else ""
            said = ", ".join(labels.get(str(word), str(word)) for word in value[:8]) + more
        else:
            said = f"{value:,}" if isinstance(value, int) else str(value)
        parts.append(f"{LABELS[name]}: {said}")
    return "; ".join(parts)


def title_of(subject: str, criteria: Mapping[str, Any]) -> str:
    """A search without a name of its own: "Companies: Machinery, Metals and 3 more; Germany, Portugal"."""
    parts: list[str] = []
    for name, value in criteria.items():
        if name in NUMBERS or name.startswith("exclude_"):
            continue
        labels = _labels(name)
        words = [labels.get(str(word), str(word)) for word in (value if isinstance(value, list) else [value])]
        more = f" and {len(words) - 3:,} more" if len(words) > 4 else ""
        part = ", ".join(words[: 3 if more else 4]) + more
        if sum(map(len, parts)) + len(part) < 80:
            parts.append(part)
    return f"{subject.capitalize()}: {'; '.join(parts) or in_words(criteria)[:80]}"


def price_words(amount: Decimal) -> str:
    """ "0.10", "0.0005", "12.00": at least cents, and what is finer."""
    cents = amount.quantize(Decimal("0.01"))
    return f"{cents:f}" if cents == amount else f"{amount.normalize():f}"


# --- from a profile

_INTO = {
    "company.industry": "industries", "company.sub_industry": "industries", "company.country": "countries",
    "company.technologies": "technologies", "company.keywords": "keywords", "company.funding_stage": "funding_stages",
    "person.title": "titles", "person.seniority": "seniorities", "person.department": "departments",
    "person.country": "person_countries",
}  # fmt: skip
_RANGES = {"company.employees": "employees", "company.revenue": "revenue"}
_SAYS = {"is", "in", "contains", "contains_any", "has_any", "has_all", "starts_with"}
_DENIES = {"is_not", "not_in", "has_none"}


def from_profile(profile: Profile, persona: str = "") -> dict[str, Any]:
    """The criteria a profile and one of its personas ask for: a point to begin at. Several criteria about one fact are
    taken together, so the search is wider than the profile; the score then tells which meet it."""
    found: dict[str, Any] = {}
    for part in profile.criteria:
        _collect(part.rule, found)
    if profile.must is not None:
        _collect(profile.must, found)
    if profile.exclude is not None:
        _collect(profile.exclude, found, denied=True)
    for part in profile.personas:
        if part.label == persona:
            _collect(part.rule, found)
    for name in ("industries", "countries", "keywords"):
        barred = {word.casefold() for word in found.get(f"exclude_{name}", ())}
        if name in found:
            found[name] = [word for word in found[name] if word.casefold() not in barred]
    for low, high in (("employees_min", "employees_max"), ("revenue_min", "revenue_max")):
        if low in found and high in found and found[low] > found[high]:
            del found[high]
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _collect(node: Node, found: dict[str, Any], *, denied: bool = False) -> None:
    match node:
        case AllOf(children) | AnyOf(children):
            for child in children:
                _collect(child, found, denied=denied)
        case Not(child):
            _collect(child, found, denied=not denied)
        case Leaf():
            _leaf(node, found, denied)


def _leaf(leaf: Leaf, found: dict[str, Any], denied: bool) -> None:
    name, op, value = leaf.field.name, leaf.op.name, leaf.value
    if name in _INTO and (op in _SAYS or op in _DENIES):
        slot = _INTO[name]
        if denied != (op in _DENIES):
            slot = f"exclude_{slot}"
            if slot not in LISTS:
                return
        words = [str(word) for word in (value if isinstance(value, tuple) else (value,))]
        found[slot] = list(dict.fromkeys([*found.get(slot, ()), *words]))
    if name in _RANGES and not denied:
        low, high = f"{_RANGES[name]}_min", f"{_RANGES[name]}_max"
        pair = value if isinstance(value, tuple) else (value, value)
        if op in ("gte", "gt", "between", "eq"):
            found[low] = min(found.get(low, 10**15), int(Decimal(str(pair[0]))))
        if op in ("lte", "lt", "between", "eq"):
            found[high] = max(found.get(high, 0), int(Decimal(str(pair[1]))))


def industry_codes(words: Iterable[str]) -> tuple[set[int], set[str]]:
    """(codes of the tree that are one of these or below one, the words that are in no tree, folded)."""
    codes: set[int] = set()
    other: set[str] = set()
    for word in words:
        known = industry(word)
        if known is None:
            other.add(word.casefold())
        else:
            codes |= {code for code, one in tree().items() if _within(one, known)}
    return codes, other


def _within(one: Industry, known: Industry) -> bool:
    path = (*known.above, known.label)
    return (*one.above, one.label)[: len(path)] == path


# --- prices


def pages_of(wanted: int, page_size: int) -> int:
    """How many requests a search makes at most."""
    return ceil(wanted / page_size)


def best_under(
    rows: Sequence[tuple[Any, int | None]], *, most: int, price: Decimal, under: Decimal | None
) -> list[Any]:
    """The keys of the best `most` rows (key, score) whose price together stays within `under` (None: no limit). Of equal
    scores those found first."""
    room = most if under is None or not price else min(most, int(under / price))
    ranked = sorted(enumerate(rows), key=lambda item: (-(item[1][1] if item[1][1] is not None else -1), item[0]))
    return [row[0] for _, row in ranked[: max(room, 0)]]

"""Which column fills which field: by the names of the header and by what stands in the columns, each choice with its reason."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from prospects.rules import normalise
from prospects.rules.imports_columns import Column
from prospects.rules.imports_fields import CATALOGUE, CHANGED_AT, FieldSpec, Kind
from prospects.rules.normalise import plain, word_set

ENOUGH = 0.45  # the least score a guess is made on
BY_VALUES = 0.5  # the score of a column whose name says nothing but whose values can be only one thing
TIE = 0.001  # less than one rank of a synonym: only names of equal right are a question
STAGE_ORDER = ("opened_at", "mql_at", "accepted_at", "sql_at", "opportunity_at", "closed_at", "churned_at")

# Values of these kinds are unlike any other's, so that they tell the field even under a name that does not.
_TELLING = frozenset(("email", "channel", "outcome", "class", "currency", "linkedin"))
_NOISE = word_set("date time at on day ts timestamp utc datetime when dt the of is am le gmt iso value field")
_OTHER_THING = word_set(
    "type label status id ids count url fax for verified confidence 2 3 4 5 secondary domain linkedin twitter facebook opt last formatted"
)
_TOO_GENERAL = word_set(
    "date name id at on of type value number time day company contact lead deal email phone first last"
)


@dataclass(frozen=True, slots=True)
class MappingQuestion:
    """A choice left to a human: the field, the columns it could be, in words."""

    field: str
    columns: tuple[str, ...]
    message: str


@dataclass(slots=True)
class Mapping:
    """`columns`: field -> column name. `constants`: field -> text for every row. `reasons`: field -> why, in words."""

    kind: Kind
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    leftover: list[str] = field(default_factory=list)  # columns that fill nothing, in file order
    questions: list[MappingQuestion] = field(default_factory=list)
    dated: set[str] = field(default_factory=set)  # custom fields among `columns` that hold dates

    @property
    def missing(self) -> list[FieldSpec]:
        """Needed fields that neither a column nor a constant fills."""
        return [
            s for s in CATALOGUE[self.kind] if s.needed and s.name not in self.columns and s.name not in self.constants
        ]


def guess_mapping(
    kind: Kind, header: Sequence[str], samples: Sequence[Sequence[str]] = (), *, dated: bool = False
) -> Mapping:
    """Map the columns as far as names and sample rows carry; what is doubtful becomes a question instead.

    `header`: unique column names; `samples`: rows of cells, as many as the header has (a few hundred are plenty). `dated`:
    whether it matters how old a row is; else dates that can be read two ways would be asked for in vain.
    """
    columns = {name: Column(name, [row[i] for row in samples if i < len(row)]) for i, name in enumerate(header)}
    result = Mapping(kind)
    scores = _assign(result, columns, dated=dated)
    _settle_order(result, columns, scores)
    _currency_in_header(result)
    used = set(result.columns.values())
    result.leftover = [name for name in header if name not in used]
    if kind == "leads":
        asked = {name for question in result.questions for name in question.columns}
        for name in result.leftover:
            if name not in asked and columns[name].looks_like_date:
                _ask_what_date(result, columns, columns[name])
    return result


def _assign(result: Mapping, columns: dict[str, Column], *, dated: bool) -> dict[str, float]:
    """Give each field its best column, the surest first; columns of equal right become a question. Returns the scores."""
    specs = CATALOGUE[result.kind]
    offers: list[tuple[float, int, int, str, str]] = []
    for s, spec in enumerate(specs):
        if spec.name == CHANGED_AT and not dated:
            continue
        for c, column in enumerate(columns.values()):
            score, reason = _score(result.kind, spec, column, list(columns.values()))
            if score >= ENOUGH:
                offers.append((score, s, c, column.name, reason))
    offers.sort(key=lambda offer: (-offer[0], offer[1], offer[2]))
    scores: dict[str, float] = {}
    asked: set[str] = set()
    used: set[str] = set()
    for n, (score, s, _, name, reason) in enumerate(offers):
        spec = specs[s]
        if spec.name in scores or spec.name in asked or name in used:
            continue
        rivals = [o[3] for o in offers[n + 1 :] if o[1] == s and o[3] not in used and score - o[0] < TIE]
        if rivals:
            asked.add(spec.name)
            message = f"{spec.label} could be {' or '.join((name, *rivals))}; say which with --map {spec.name}=..."
            result.questions.append(MappingQuestion(spec.name, (name, *rivals), message))
            continue
        result.columns[spec.name], result.reasons[spec.name], scores[spec.name] = name, reason, score
        used.add(name)
    return scores


def _settle_order(result: Mapping, columns: dict[str, Column], scores: dict[str, float]) -> None:
    """Stages follow each other, so most rows must have their dates in that order: while two columns contradict each
    other, the one with the most contradictions (the less sure name, if equal) becomes a question."""
    order: tuple[str, ...] = {"leads": STAGE_ORDER, "spend": ("from", "to")}.get(result.kind, ())
    while True:
        mapped = [(name, columns[result.columns[name]]) for name in order if name in result.columns]
        clashes: dict[str, list[str]] = {}
        for i, (name, column) in enumerate(mapped):
            for other_name, other in mapped[i + 1 :]:
                if not _follows(column, other):
                    clashes.setdefault(name, []).append(f"after those of {other.name} ({other_name})")
                    clashes.setdefault(other_name, []).append(f"before those of {column.name} ({name})")
        if not clashes:
            return
        # Between names of about equal right the opening stays: every lead has one.
        worst = max(clashes, key=lambda name: (len(clashes[name]), -round(scores[name], 1), name != order[0]))
        column_name = result.columns.pop(worst)
        del result.reasons[worst]
        message = (
            f"{column_name} was not taken as {worst}: most of its dates lie {clashes[worst][0]}. "
            f'If it is right all the same, say --map {worst}="{column_name}".'
        )
        result.questions.append(MappingQuestion(worst, (column_name,), message))


def _follows(earlier: Column, later: Column) -> bool:
    """Whether seven of ten rows with both dates have them in this order; too few rows prove nothing."""
    pairs = [(a, b) for a, b in zip(earlier.dates, later.dates, strict=True) if a is not None and b is not None]
    return len(pairs) < 3 or sum(1 for a, b in pairs if a <= b) >= 0.7 * len(pairs)


def _ask_what_date(result: Mapping, columns: dict[str, Column], column: Column) -> None:
    """Dates under a name that says nothing: name the stages they could be, by their order, and leave it to a human."""
    fitting = []
    for i, name in enumerate(STAGE_ORDER):
        before = [columns[result.columns[n]] for n in STAGE_ORDER[:i] if n in result.columns]
        after = [columns[result.columns[n]] for n in STAGE_ORDER[i + 1 :] if n in result.columns]
        if (
            name not in result.columns
            and all(_follows(o, column) for o in before)
            and all(_follows(column, o) for o in after)
        ):
            fitting.append(name)
    if fitting:
        message = (
            f"{column.name} holds dates but its name does not say of what; if it is one of {', '.join(fitting)}, "
            f'say so with --map {fitting[0]}="{column.name}".'
        )
        result.questions.append(MappingQuestion(" or ".join(fitting), (column.name,), message))


def _score(kind: Kind, spec: FieldSpec, column: Column, columns: list[Column]) -> tuple[float, str]:
    named, why = _by_name(spec, column)
    if named and _context_forbids(kind, spec, column, columns):
        named = 0.0
    if not named and spec.kind not in _TELLING and not (spec.needed or spec.name in ("external_id", "to")):
        return 0.0, ""
    fit = _by_values(kind, spec, column)
    if named:
        if fit < 0:
            return 0.0, ""
        reason = f"{why}, and the values fit" if fit > 0 and column.values else why
        return named + 0.1 * fit, reason
    if fit >= 1 and spec.kind in _TELLING and column.share("number") < 0.5:
        return BY_VALUES, f"its values can only be {spec.label.lower()}"
    if column.values:
        return _only_one(kind, spec, column, columns)
    return 0.0, ""


@cache
def _compact(spec: FieldSpec) -> dict[str, int]:
    found: dict[str, int] = {}
    for i, word in enumerate(spec.synonyms):
        found.setdefault(plain(word).replace(" ", ""), i)
    return found


def _by_name(spec: FieldSpec, column: Column) -> tuple[float, str]:
    """0 to 1: how far the column's name is a name of the field."""
    known = _compact(spec)
    ranks = [known[form] for form in (*column.forms, "".join(column.tokens)) if form in known]
    if ranks:
        return 1.0 - 0.3 * min(ranks) / len(known), f'named "{column.name}"'
    tokens = [t for t in column.tokens if t not in _NOISE]
    if spec.kind in ("date", "day") and tokens:
        for i, synonym in enumerate(spec.synonyms):
            words = [t for t in synonym.split() if t not in _NOISE]
            if words == tokens:
                return 0.8 - 0.2 * i / len(known), f'"{column.name}" means {synonym}'
    best = 0.0
    for i, synonym in enumerate(spec.synonyms):
        words = synonym.split()
        extra = [t for t in column.tokens if t not in words]
        if len(extra) == len(column.tokens) - len(words) and all(w in column.tokens for w in words):
            telling = [w for w in words if w not in _TOO_GENERAL and len(w) > 2]
            if telling and not any(t in _OTHER_THING for t in extra):
                best = max(best, 0.65 - 0.05 * len([t for t in extra if t not in _NOISE]) - 0.1 * i / len(known))
    if best:
        return best, f'"{column.name}" names it among other words'
    name = "".join(column.tokens)
    if (
        len(name) > 5
        and not any(t in _OTHER_THING for t in column.tokens)
        and (near := difflib.get_close_matches(name, known, n=1, cutoff=0.9))
    ):
        return 0.6 - 0.1 * known[near[0]] / len(known), f'"{column.name}" is nearly {spec.synonyms[known[near[0]]]}'
    return 0.0, ""


def _context_forbids(kind: Kind, spec: FieldSpec, column: Column, columns: list[Column]) -> bool:
    """Names that mean something else beside their neighbours."""
    names = {form for other in columns for form in other.forms}
    own = column.forms
    if spec.name == "title" and "title" in own and "suffix" in names:
        return True  # Outlook: Mr or Ms
    if spec.name == "domain" and own == {"url"} and "connectedon" in names:
        return True  # LinkedIn: the page of the person
    if spec.name == "linkedin_url" and own == {"url"} and "connectedon" not in names and column.share("linkedin") < 0.5:
        return True
    if kind == "leads" and spec.name == "source":
        # "Source" is the channel, unless another column is: the second level is asked for second.
        names_of_channel = _compact(next(other for other in CATALOGUE[kind] if other.name == "channel")).keys()
        others = [o for o in columns if o is not column and (o.forms & names_of_channel or o.share("channel") > 0.8)]
        return bool(own & names_of_channel or column.share("channel") > 0.8) and not others
    if spec.name == "outcome" and any("status" in form or form in ("final", "disposition") for form in own):
        return column.share("exit") < 0.5  # a status is an outcome only if its values are
    return kind == "companies" and spec.name == "name" and own == {"title"} and bool(names & {"name", "company"})


def _by_values(kind: Kind, spec: FieldSpec, column: Column) -> float:
    """-1: the values cannot be this field. 0: nothing to say. 1: they look just like it."""
    if not column.values:
        return 0.0
    share = column.share
    match spec.kind:
        case "email":
            fit = column.verdict("email", 0.8)
            return 0.2 if fit > 0 and column.distinct <= 0.5 else fit
        case "date" | "day":
            unlike = share("digits") < 0.3 or share("number") > 0.5
            return 1.0 if column.looks_like_date else (-1.0 if unlike else 0.0)
        case "domain":
            return -1.0 if share("linkedin") > 0.5 or share("host") + share("at") < 0.3 else 0.5
        case "linkedin":
            return 1.0 if share("linkedin") > 0.5 else 0.0
        case "channel":
            return 1.0 if share("channel") > 0.8 and column.distinct < 0.9 else (0.5 if share("channel") > 0.4 else 0.0)
        case "outcome":
            return 1.0 if share("exit") > 0.8 else min(0.3, column.verdict("stage", 0.5))
        case "stage":
            return 0.2 if share("exit") > 0.95 else column.verdict("stage", 0.5)
        case "phone":
            return 0.5 * column.verdict("digits", 0.6) if share("digits") >= 0.2 else -1.0
        case "money" | "count" | "year" | "class" | "currency" | "spend_kind" | "purpose" | "country":
            return column.verdict(spec.kind, 0.75)
        case "activity_kind":
            return column.verdict("activity", 0.5)
        case _:
            return _text_fit(kind, spec, column)


def _text_fit(kind: Kind, spec: FieldSpec, column: Column) -> float:
    many = len(column.values) >= 20
    if spec.name in ("first_name", "last_name", "full_name", "title", "company", "name"):
        if column.share("at") > 0.3 or column.share("number") > 0.5:
            return -1.0
        return -1.0 if spec.name == "title" and column.share("honorific") > 0.5 else 0.0
    if spec.name == "external_id" and kind != "activities":
        return -1.0 if many and column.distinct < 0.9 else (0.5 if column.distinct > 0.99 else 0.0)
    if spec.name in ("owner", "campaign", "reason"):
        return -1.0 if column.looks_like_date or (many and column.share("number") > 0.8) else 0.0
    return 0.0


def _only_one(kind: Kind, spec: FieldSpec, column: Column, columns: list[Column]) -> tuple[float, str]:
    """A field that only one column of the file can be, whatever its name."""
    if spec.kind in ("date", "day") and column.looks_like_date:
        dated = [other for other in columns if other.looks_like_date]
        if spec.needed and len(dated) == 1:
            return BY_VALUES, "the only column of dates"
        if kind == "spend" and len(dated) == 2:
            other = next(c for c in dated if c is not column)
            pairs = [(a, b) for a, b in zip(column.dates, other.dates, strict=True) if a and b]
            first, last = all(a <= b for a, b in pairs), all(a >= b for a, b in pairs)
            if first != last and (spec.name == "from") == first:
                return BY_VALUES, f"always {'before' if first else 'after'} {other.name}"
        return 0.0, ""
    if spec.kind == "money" and spec.needed and [c for c in columns if _is_amount(c)] == [column]:
        return BY_VALUES, "the only column of amounts"
    coded = spec.name == "external_id" and kind in ("leads", "activities")
    if coded and [c for c in columns if _is_code(kind, c)] == [column]:
        return BY_VALUES, "the only column of codes"
    return 0.0, ""


def _is_amount(column: Column) -> bool:
    return column.share("money") > 0.9 and not column.looks_like_date


def _is_code(kind: Kind, column: Column) -> bool:
    unique = kind == "activities" or column.distinct == 1.0
    return unique and len(column.values) >= 10 and column.share("code") == 1.0


def _currency_in_header(result: Mapping) -> None:
    """ "Amount (USD)" names the currency of every row."""
    specs = CATALOGUE[result.kind]
    own = next((s.name for s in specs if s.kind == "currency"), "")
    if not own or own in result.columns:
        return
    for spec in specs:
        column = result.columns.get(spec.name, "")
        if spec.kind == "money" and (
            found := re.search(r"[(\[]\s*([A-Za-z]{3}|[€$£])\s*[)\]]|\b(EUR|USD|GBP|CHF)\b", column)
        ):
            code = normalise.currency_code(found[1] or found[2])
            if code:
                result.constants[own] = code
                result.reasons[own] = f'the name "{column}" says so'
                return

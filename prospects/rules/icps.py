"""What an ICP version may say: its content is checked, parsed, compared with the former version, put in words.

Content is the JSON of IcpVersion: `criteria` [{key, label, weight 0-100, rule}], `must` and `exclude` rules ({}: none),
`personas` [{name, weight 0-100, rule, pains}], `grades` {A, B, C: the score from which the grade holds}. Criteria, must
and exclude ask for facts of a company, personas for facts of a person. Nothing else: fit knows no sales effort.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from leadgen.core.errors import Invalid
from leadgen.core.rulelang import FieldCatalogue, Node, describe, leaves, parse, to_json
from prospects.rules.fields import COMPANY_FACTS, COMPANY_FIELDS, PERSON_FACTS, PERSON_FIELDS, person_facts

PARTS = ("criteria", "must", "exclude", "personas", "grades")
PERSONA_FACTS = FieldCatalogue(person_facts())
_BY_CODE = FieldCatalogue(replace(field, names=str) for field in COMPANY_FACTS)
DEFAULT_GRADES = {"A": 80, "B": 60, "C": 40}
# A row of fit keeps one sign a part in 80 characters.
MAX_CRITERIA, MAX_PERSONAS, MAX_WEIGHT = 40, 20, 100
MAX_PAINS = 20
EMPTY: dict[str, Any] = {"criteria": [], "must": {}, "exclude": {}, "personas": [], "grades": DEFAULT_GRADES}
# Operators whose truth moves with the calendar while the facts stand still.
MOVING = {"within_days", "not_within_days", "older_than_days"}


@dataclass(frozen=True, slots=True)
class Part:
    """One criterion or persona: what it is called, what it weighs, the parsed rule. `pains` of personas only."""

    key: str
    label: str
    weight: int
    rule: Node
    pains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A parsed version. `must` and `exclude` are None where there is none."""

    criteria: tuple[Part, ...]
    must: Node | None
    exclude: Node | None
    personas: tuple[Part, ...]
    grades: Mapping[str, int]

    def nodes(self) -> Iterator[Node]:
        """Every rule of the profile."""
        yield from (part.rule for part in (*self.criteria, *self.personas))
        yield from (node for node in (self.must, self.exclude) if node is not None)

    def moves_with_time(self) -> bool:
        """Whether fit changes by itself: a rule asks how long ago something was."""
        return any(leaf.op.name in MOVING for node in self.nodes() for leaf in leaves(node))


def parse_profile(content: Mapping[str, Any], *, person: bool) -> Profile:
    """The rules of a version for Company rows, or for Person rows (`person`: company facts by way of their company)."""
    catalogue = PERSON_FACTS if person else COMPANY_FACTS
    return Profile(
        criteria=tuple(
            Part(item["key"], item["label"], int(item["weight"]), parse(item["rule"], catalogue))
            for item in content.get("criteria") or ()
        ),
        must=parse(content["must"], catalogue) if content.get("must") else None,
        exclude=parse(content["exclude"], catalogue) if content.get("exclude") else None,
        personas=tuple(
            Part(
                item["name"],
                item["name"],
                int(item["weight"]),
                parse(item["rule"], PERSON_FACTS),
                tuple(item.get("pains") or ()),
            )
            for item in content.get("personas") or ()
        ),
        grades={**DEFAULT_GRADES, **(content.get("grades") or {})},
    )


def check_content(raw: Mapping[str, Any], *, complete: bool = False) -> dict[str, Any]:
    """The content as it is kept: rules normalised, labels and keys filled in. `complete`: fit to be published.

    Raises Invalid whose `field` is the place, as "criteria[2].rule" or "grades".
    """
    unknown = sorted(set(raw) - set(PARTS))
    if unknown:
        raise Invalid(f"An ICP has no “{unknown[0]}”. It has {', '.join(PARTS)}.", field=unknown[0])
    content: dict[str, Any] = {
        "criteria": _criteria(_listed(raw, "criteria", MAX_CRITERIA)),
        "must": _rule(raw.get("must") or {}, COMPANY_FACTS, "must"),
        "exclude": _rule(raw.get("exclude") or {}, COMPANY_FACTS, "exclude"),
        "personas": _personas(_listed(raw, "personas", MAX_PERSONAS)),
        "grades": _grades(raw.get("grades") or {}),
    }
    if complete and not any(item["weight"] for item in content["criteria"]):
        raise Invalid("Add at least one criterion with a weight: fit is their sum.", field="criteria")
    return content


def content_of(version: Any) -> dict[str, Any]:
    """The content of an IcpVersion row, complete with default grades."""
    content = {name: getattr(version, name) for name in PARTS}
    criteria = [item | {"label": label_of(item)} for item in content["criteria"]]
    return content | {"criteria": criteria, "grades": {**DEFAULT_GRADES, **(content["grades"] or {})}}


def label_of(item: Mapping[str, Any]) -> str:
    """What a criterion is called. Nobody named those that repeat their rule as it was said before codes had names (a
    published version keeps its text for good): they are called what the rule is in words today."""
    label: str = item["label"]
    return describe_rule(item["rule"])[:120] if label == _said_by_code(item["rule"]) else label


def _said_by_code(rule: Mapping[str, Any]) -> str:
    try:
        return describe(parse(rule, _BY_CODE))[:120]
    except Invalid:
        return ""


def describe_rule(rule: Mapping[str, Any], *, person: bool = False) -> str:
    """A stored rule in words; '' for none. A rule that can no longer be read says so."""
    if not rule:
        return ""
    try:
        return describe(parse(rule, PERSONA_FACTS if person else COMPANY_FACTS))
    except Invalid as error:
        return f"cannot be read: {error.message}"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What a version changed, one sentence each; empty where nothing did."""
    told = _compare(
        {item["key"]: item for item in old["criteria"]}, {item["key"]: item for item in new["criteria"]}, "criterion"
    )
    for name, words in (("must", "Must-have"), ("exclude", "Exclude")):
        if _canonical(old[name]) != _canonical(new[name]):
            before, after = describe_rule(old[name]), describe_rule(new[name])
            told.append(f"{words}: {before or 'nothing'} → {after or 'nothing'}")
    told += _compare(
        {item["name"]: item | {"label": item["name"]} for item in old["personas"]},
        {item["name"]: item | {"label": item["name"]} for item in new["personas"]},
        "persona",
    )
    for letter in DEFAULT_GRADES:
        if old["grades"][letter] != new["grades"][letter]:
            told.append(f"Grade {letter} from {old['grades'][letter]} → {new['grades'][letter]}")
    return told


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], noun: str) -> list[str]:
    person = noun == "persona"
    told = [f"Dropped the {noun} “{item['label']}”" for key, item in old.items() if key not in new]
    for key, item in new.items():
        words = describe_rule(item["rule"], person=person)
        was = old.get(key)
        if was is None:
            told.append(f"New {noun} “{item['label']}”, weight {item['weight']}: {words}")
            continue
        if was["label"] != item["label"]:
            told.append(f"“{was['label']}” is now called “{item['label']}”")
        if was["weight"] != item["weight"]:
            told.append(f"“{item['label']}”: weight {was['weight']} → {item['weight']}")
        if _canonical(was["rule"]) != _canonical(item["rule"]):
            told.append(f"“{item['label']}”: {describe_rule(was['rule'], person=person)} → {words}")
        if (was.get("pains") or []) != (item.get("pains") or []):
            told.append(f"“{item['label']}”: pains {_words(was.get('pains'))} → {_words(item.get('pains'))}")
    return told


def _canonical(rule: Any) -> Any:
    """A stored rule such that what says the same is equal: values of a list in order, "one of" a single value is "is"."""
    if not isinstance(rule, Mapping) or "field" not in rule:
        if isinstance(rule, Mapping):
            return {word: _canonical(inner) for word, inner in rule.items()}
        return [_canonical(item) for item in rule] if isinstance(rule, list) else rule
    op, value = rule["op"], rule.get("value")
    if isinstance(value, list) and op != "between":
        one = {"in": "is", "not_in": "is_not"}.get(op)
        if one and len(value) == 1:
            return {"field": rule["field"], "op": one, "value": value[0]}
        value = sorted(value, key=str)
    return {"field": rule["field"], "op": op, "value": value}


def _words(values: Any) -> str:
    return ", ".join(values or ()) or "nothing"


def selectivity(matches: int, total: int, noun: str) -> tuple[str, str]:
    """(tone, words) of how many are in the profile: tone warning where it says too much or too little."""
    if total == 0:
        return "neutral", f"No {noun} yet to try it on."
    share = matches / total
    shown = f"{share:.0%}".replace("%", " %") if share >= 0.01 or not matches else "less than 1 %"
    if matches == 0:
        return "warning", f"Matches no {noun}: nobody would be worked."
    if share > 0.5:
        return "warning", f"Matches {shown}: too broad to say whom to work first."
    if matches < 10:
        one = {"companies": "company", "people": "person"}.get(noun, noun)
        return "warning", f"Matches {matches} {one if matches == 1 else noun}: too narrow to fill a queue."
    return "success", f"Matches {shown}."


def _listed(raw: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    items = raw.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise Invalid(f"{name}: expected a list of objects.", field=name)
    if len(items) > most:
        raise Invalid(f"At most {most} {name}.", field=name)
    return items


def _criteria(items: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    taken: set[str] = set()
    for number, item in enumerate(items):
        at = f"criteria[{number}]"
        rule = _rule(item.get("rule"), COMPANY_FACTS, f"{at}.rule", needed=True)
        label = _text(item.get("label"), 120, f"{at}.label") or describe_rule(rule)[:120]
        key = _text(item.get("key"), 60, f"{at}.key") or _slug(label)
        if item.get("key") and key in taken:
            raise Invalid(f"{at}.key: “{key}” is used twice.", field=f"{at}.key")
        base, again = key, 2
        while key in taken:
            key, again = f"{base}-{again}", again + 1
        taken.add(key)
        found.append({"key": key, "label": label, "weight": _weight(item.get("weight"), at), "rule": rule})
    return found


def _personas(items: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        at = f"personas[{number}]"
        name = _text(item.get("name"), 80, f"{at}.name")
        if not name:
            raise Invalid(f"{at}.name: name the persona.", field=f"{at}.name")
        if name in {other["name"] for other in found}:
            raise Invalid(f"{at}.name: there are two personas “{name}”.", field=f"{at}.name")
        pains = item.get("pains") or []
        if not isinstance(pains, list) or len(pains) > MAX_PAINS:
            raise Invalid(f"{at}.pains: expected a list of at most {MAX_PAINS} texts.", field=f"{at}.pains")
        found.append(
            {
                "name": name,
                "weight": _weight(item.get("weight"), at),
                "rule": _rule(item.get("rule"), PERSONA_FACTS, f"{at}.rule", needed=True),
                "pains": [pain for pain in (_text(pain, 120, f"{at}.pains") for pain in pains) if pain],
            }
        )
    return found


def _grades(raw: Any) -> dict[str, int]:
    if not isinstance(raw, Mapping) or set(raw) - set(DEFAULT_GRADES):
        raise Invalid("grades: expected the scores from which A, B and C hold.", field="grades")
    grades = {**DEFAULT_GRADES, **raw}
    for letter, score in grades.items():
        if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 100:
            raise Invalid(f"Grade {letter} must begin at a whole score from 1 to 100.", field="grades")
    if not grades["A"] > grades["B"] > grades["C"]:
        raise Invalid("A must begin above B, and B above C.", field="grades")
    return grades


def _weight(raw: Any, at: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= MAX_WEIGHT:
        raise Invalid(f"{at}.weight: expected a whole number from 0 to {MAX_WEIGHT}.", field=f"{at}.weight")
    return raw


def _text(raw: Any, most: int, at: str) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Invalid(f"{at}: expected text.", field=at)
    text = " ".join(raw.split())
    if len(text) > most or "\x00" in text:
        raise Invalid(f"{at}: at most {most} characters.", field=at)
    return text


def _rule(raw: Any, catalogue: FieldCatalogue, at: str, *, needed: bool = False) -> dict[str, Any]:
    if not raw:
        if needed:
            raise Invalid(f"{at}: say what must hold.", field=at)
        return {}
    try:
        node = parse(raw, catalogue)
    except Invalid as error:
        where = f"{at}.{error.field}" if error.field else at
        raise Invalid(_refusal(raw, catalogue) or f"{at}: {error.message}", code=error.code, field=where) from error
    return to_json(node)


def _refusal(raw: Any, catalogue: FieldCatalogue) -> str:
    """Words for a field that exists but has no place here; '' where the trouble is another."""
    for name in _fields_in(raw):
        if name in catalogue:
            continue
        if name in PERSON_FACTS:
            other = "persona" if name in PERSONA_FACTS else "criterion"
            field = PERSON_FACTS.get(name)
            return f"“{field.label if field else name}” belongs into a {other}."
        known = COMPANY_FIELDS.get(name) or PERSON_FIELDS.get(name)
        if known is not None:
            return (
                f"“{known.label}” is known only through what we did: fit uses facts known before any sales effort. "
                "Use it in lists, segments or the agreement."
            )
    return ""


def _fields_in(raw: Any, depth: int = 0) -> Iterator[str]:
    if depth > 20:
        return
    if isinstance(raw, Mapping):
        if isinstance(raw.get("field"), str):
            yield raw["field"]
        for value in raw.values():
            yield from _fields_in(value, depth + 1)
    elif isinstance(raw, list | tuple):
        for value in raw:
            yield from _fields_in(value, depth + 1)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50] or "criterion"

"""What the clauses of an agreement mean, in code and in words: what opens a lead, what makes an MQL, what an SQL needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from leadgen.core.rulelang import Field, FieldCatalogue, describe, explain, leaves, parse, to_json
from prospects.rules import engagement
from prospects.rules.fields import DEPARTMENTS, SENIORITIES
from prospects.rules.stages import POSITIVE, is_conversation, is_refusal

GRADES = (("A", "A"), ("B", "B"), ("C", "C"), ("D", "D"), ("X", "Excluded"))
ORIGINS = (("inbound", "Inbound"), ("outbound", "Outbound"), ("import", "Import"), ("manual", "By hand"))

# Facts an MQL clause may ask for. Signals are those of this buying cycle and never unknown: the ledger knows them or not.
CATALOGUE = FieldCatalogue(
    [
        Field("fit_grade", "fit grade", "choice", choices=GRADES),
        Field("fit_score", "fit", "number"),
        Field("engagement", "engagement", "number"),
        Field("demo_requested", "a demo was requested", "bool"),
        Field("replied_positive", "a positive reply", "bool"),
        Field("meeting_booked", "a meeting was booked", "bool"),
        Field("form_submitted", "a form was submitted", "bool"),
        Field("linkedin_answered", "an answer on LinkedIn", "bool"),
        Field("call_connected", "a call was answered", "bool"),
        Field("origin", "origin", "choice", choices=ORIGINS),
        # Texts, for an import may bring others; of these the label is said, and read where somebody types it.
        Field("seniority", "seniority", "text", choices=SENIORITIES),
        Field("department", "department", "text", choices=DEPARTMENTS),
        Field("country", "country", "country"),
        Field("industry", "industry", "text"),
        Field("employees", "employees", "number"),
    ]
)
SIGNALS = (
    "demo_requested",
    "replied_positive",
    "meeting_booked",
    "form_submitted",
    "linkedin_answered",
    "call_connected",
)

# What SQL needs. The conversation is looked up in the ledger; the others are confirmed by a person.
SQL_ITEMS: dict[str, str] = {
    "conversation": "A conversation was held",
    "fit": "They fit the profile",
    "need": "There is a need we can meet",
    "budget": "There is a budget, or a way to one",
    "authority": "We speak with someone who decides, or know who does",
    "timeline": "There is a time by which they want it",
}
# Kinds of activity that may open a lead or earn points, in words.
INTEREST: dict[str, str] = {
    "form_submitted": "a submitted form",
    "replied": "an interested reply by e-mail",
    "linkedin_replied": "an answer on LinkedIn",
    "called": "a call in which they showed interest",
    "meeting_booked": "a booked meeting",
    "meeting_held": "a held meeting",
    "touch": "a recorded touch (event, referral)",
}
EARNING: dict[str, str] = {
    "form_submitted": "Submits a form",
    "replied": "Replies by e-mail",
    "linkedin_replied": "Answers on LinkedIn",
    "linkedin_accepted": "Accepts a LinkedIn request",
    "clicked": "Clicks a link",
    "page_viewed": "Views a page",
    "called": "Answers a call",
    "meeting_booked": "Books a meeting",
    "meeting_held": "Attends a meeting",
}

_ORDER = {kind: place for place, kind in enumerate(EARNING)}  # stored JSON keeps no order

DEFAULTS: dict[str, Any] = {
    "lead_clause": {
        "kinds": ["form_submitted", "replied", "linkedin_replied", "called", "meeting_booked"],
        "imports": True,
    },
    "mql_clause": {
        "any": [
            {
                "name": "Fit and engagement",
                "rule": {
                    "all": [
                        {"field": "fit_grade", "op": "in", "value": ["A", "B"]},
                        {"field": "engagement", "op": "gte", "value": 50},
                    ]
                },
            },
            {"name": "Demo request", "rule": {"field": "demo_requested", "op": "is_true"}},
            {"name": "Positive reply", "rule": {"field": "replied_positive", "op": "is_true"}},
            {"name": "Booked meeting", "rule": {"field": "meeting_booked", "op": "is_true"}},
        ]
    },
    "sql_clause": {"required": list(SQL_ITEMS)},
    "points": {
        "form_submitted": {"points": 30, "cap_per_day": 60},
        "replied": {"points": 25, "cap_per_day": 25},
        "linkedin_replied": {"points": 20, "cap_per_day": 20},
        "linkedin_accepted": {"points": 10, "cap_per_day": 10},
        "clicked": {"points": 5, "cap_per_day": 15},
        "page_viewed": {"points": 3, "cap_per_day": 12},
        "called": {"points": 15, "cap_per_day": 15},
        "meeting_booked": {"points": 40, "cap_per_day": 40},
        "meeting_held": {"points": 40, "cap_per_day": 40},
    },
    "half_life_days": 14,
    "first_touch_minutes": 5,
    "sdr_decision_minutes": 480,
    "ae_decision_minutes": 960,
    "reject_reasons": ["Not a fit", "No need", "No budget", "Wrong person", "Bad timing", "Could not reach", "Duplicate"],
    "disqualify_reasons": ["Not a fit", "No need", "No budget", "Wrong person", "Competitor", "Spam", "Duplicate", "Asked not to be contacted"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Met:
    """The first alternative of a clause that holds: its name, the reason in words, and the facts it read."""

    name: str
    words: str
    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"clause": self.name, "words": self.words, "facts": self.facts}


def opens_lead(clause: Mapping[str, Any], kind: str, hit_class: str, detail: Mapping[str, Any]) -> bool:
    """Whether an activity is shown interest in the sense of the lead clause; a refusal or a machine never is."""
    if kind not in clause.get("kinds", ()) or hit_class != "human" or is_refusal(detail):
        return False
    if kind == "called":
        # Somebody who answered showed interest only if whoever called said so.
        return (
            detail.get("outcome") in {"connected_positive", "conversation", "held"} or detail.get("interested") is True
        )
    return True


def signals_of(kind: str, hit_class: str, detail: Mapping[str, Any]) -> set[str]:
    """The signals one activity gives."""
    if hit_class != "human":
        return set()
    found = set()
    if kind == "form_submitted":
        found.add("form_submitted")
        if detail.get("form_kind") == "demo":
            found.add("demo_requested")
    elif kind == "replied" and detail.get("intent") in POSITIVE:
        found.add("replied_positive")
    elif kind == "linkedin_replied" and not is_refusal(detail):
        found.add("linkedin_answered")
        if detail.get("intent") in POSITIVE:
            found.add("replied_positive")
    elif kind == "meeting_booked":
        found.add("meeting_booked")
    elif kind == "called" and is_conversation(kind, detail):
        found.add("call_connected")
    return found


def meets_mql(clause: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> Met | None:
    """The first alternative of an MQL clause these facts meet, or None. Unknown is not met."""
    for alternative in clause.get("any", ()):
        rule = parse(alternative["rule"], CATALOGUE)
        outcome = explain(rule, facts, now)
        if outcome.truth is True:
            read = {leaf.field.name: _plain(facts.get(leaf.field.name)) for leaf in leaves(rule)}
            return Met(alternative["name"], plainly(outcome.words), read)
    return None


def plainly(words: str) -> str:
    """A rule's words without "is true": "a demo was requested", "not: a demo was requested"."""
    for name in SIGNALS:
        field = CATALOGUE.get(name)
        assert field is not None  # SIGNALS are fields of the catalogue
        words = words.replace(f"{field.label} is true", field.label).replace(
            f"{field.label} is false", f"not: {field.label}"
        )
    return words


def first_met(
    clause: Mapping[str, Any],
    points: Mapping[str, Mapping[str, Any]],
    half_life_days: int,
    base: Mapping[str, Any],
    activities: Sequence[tuple[str, str, Mapping[str, Any], datetime, date]],
    opened_at: datetime,
) -> tuple[datetime, Met] | None:
    """When a lead would first have met a clause, walking its ledger forward from its opening; None if never.

    `base` are the facts that do not come from the ledger; activities are (kind, hit class, detail, at, local day) by time.
    """
    seen: set[str] = set()
    for number, (kind, hit_class, detail, at, _) in enumerate(activities):
        seen |= signals_of(kind, hit_class, detail)
        if at < opened_at:
            continue
        rows = engagement.replay_rows(activities[: number + 1], points)
        score = sum(engagement.decayed(worth, when, at, half_life_days) for worth, when in rows)
        facts = {**base, **{name: name in seen for name in SIGNALS}, "engagement": round(score, 2)}
        met = meets_mql(clause, facts, at)
        if met is not None:
            return at, met
    return None


def missing_for_sql(clause: Mapping[str, Any], confirmed: Iterable[str], *, conversation: bool) -> list[str]:
    """The items of the SQL clause that are neither confirmed nor (the conversation) in the ledger."""
    have = set(confirmed) - {"conversation"} | ({"conversation"} if conversation else set())
    return [item for item in clause.get("required", ()) if item not in have]


def check_mql_clause(clause: Any) -> dict[str, Any]:
    """The normalised MQL clause of a draft. Raises Invalid (rulelang) or ValueError with what is wrong."""
    alternatives = clause.get("any") if isinstance(clause, Mapping) else None
    if not isinstance(alternatives, list) or not alternatives:
        raise ValueError("The MQL clause needs at least one alternative.")
    checked = []
    for number, item in enumerate(alternatives, 1):
        name = str(item.get("name", "")).strip() if isinstance(item, Mapping) else ""
        if not name or len(name) > 60:
            raise ValueError(f"Alternative {number} needs a name of at most 60 letters.")
        rule = parse(item.get("rule") or {}, CATALOGUE)
        if not list(leaves(rule)):
            raise ValueError(f"“{name}” has no condition: everybody would be an MQL.")
        checked.append({"name": name, "rule": to_json(rule)})
    return {"any": checked}


def in_words(terms: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The agreement as people read it: (heading, sentences). `terms` has the columns of AgreementVersion by name."""
    kinds = [INTEREST.get(kind, kind) for kind in terms["lead_clause"].get("kinds", ())]
    lead = [sentence[0].upper() + sentence[1:] for sentence in kinds]
    if terms["lead_clause"].get("imports"):
        lead.append("An import that says so")
    mql = [
        f"{item['name']}: {plainly(describe(parse(item['rule'], CATALOGUE)))}"
        for item in terms["mql_clause"].get("any", ())
    ]
    sql = [SQL_ITEMS.get(item, item) for item in terms["sql_clause"].get("required", ())]
    points = [
        f"{EARNING.get(kind, kind)}: {_number(rule['points'])} points, at most {_number(rule['cap_per_day'])} a day"
        for kind, rule in sorted(terms["points"].items(), key=lambda pair: _ORDER.get(pair[0], len(_ORDER)))
    ]
    points.append(f"Points halve every {terms['half_life_days']} days")
    sla = [
        f"First human touch of an inbound lead within {minutes_in_words(terms['first_touch_minutes'])}",
        f"An SDR decides on an MQL within {minutes_in_words(terms['sdr_decision_minutes'])}",
        f"An AE decides on an SQL within {minutes_in_words(terms['ae_decision_minutes'])}",
    ]
    return [
        ("A lead opens with", lead),
        ("A lead is an MQL when one of these holds", mql),
        ("A lead is an SQL when a person confirmed", sql),
        ("Engagement", points),
        ("In working time", sla),
        ("A hand-off may be rejected for", list(terms["reject_reasons"])),
        ("A lead may be disqualified for", list(terms["disqualify_reasons"])),
    ]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """What a version changes: (heading, sentences taken out, sentences put in), only headings that differ."""
    rows = []
    for (heading, before), (_, after) in zip(in_words(old), in_words(new), strict=True):
        gone = [sentence for sentence in before if sentence not in after]
        came = [sentence for sentence in after if sentence not in before]
        if gone or came:
            rows.append((heading, gone, came))
    return rows


def minutes_in_words(minutes: int) -> str:
    """ "5 minutes", "8 hours", "1 hour 30 minutes": working time, so never days."""
    hours, rest = divmod(int(minutes), 60)
    parts = []
    if hours:
        parts.append(f"{hours} hour{'s' if hours != 1 else ''}")
    if rest or not hours:
        parts.append(f"{rest} minute{'s' if rest != 1 else ''}")
    return " ".join(parts)


def _number(value: Any) -> str:
    return f"{Decimal(str(value)).normalize():f}"


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value

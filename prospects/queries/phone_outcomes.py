"""Reads of phone numbers: what kind, and what calls said of them."""

from typing import Any

from prospects.models import Person, PhoneOutcome
from prospects.rules.phone_outcomes import kind_of


def phone_facts(person: Person) -> list[tuple[Any, ...]]:
    """(label, value, note) for the facts of a person's page: their number's kind and last word, then what was wrong before."""
    outcomes = {row.number: row for row in PhoneOutcome.objects.filter(person=person).order_by("-at")[:10]}
    found: list[tuple[Any, ...]] = []
    if person.phone:
        row = outcomes.get(person.phone)
        said = f"{row.get_state_display().lower()}, {row.at:%-d %b %Y}" if row is not None else "not called yet"
        found.append(("Phone", person.phone, ", ".join(filter(None, [kind_of(person.phone), said]))))
    for number, row in outcomes.items():
        if row.state == PhoneOutcome.State.WRONG and number != person.phone:
            found.append(("Not their number", number, f"said {row.at:%-d %b %Y}"))
    return found

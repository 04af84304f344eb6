"""Titles the rules could not read, and how a person's rank and department were read from theirs."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from prospects.models import Person, TitleReading
from prospects.rules import titles

UNREAD = Q(seniority="") | Q(department="")  # the condition of an index


def unread_titles(limit: int) -> list[str]:
    """Titles of people whose rank or department is blank, which the model did not look at yet."""
    seen = TitleReading.objects.filter(title=OuterRef("title"))
    rows = Person.objects.filter(UNREAD).exclude(title="").filter(~Exists(seen))
    return list(rows.order_by("title").values_list("title", flat=True).distinct()[:limit])


def fillable(limit: int) -> QuerySet[Person]:
    """People with a blank that a reading of their title fills."""
    read = TitleReading.objects.filter(title=OuterRef("title"))
    blank = Q(seniority="") & Exists(read.exclude(seniority="")) | Q(department="") & Exists(
        read.exclude(department="")
    )
    return Person.objects.filter(UNREAD).exclude(title="").filter(blank)[:limit]


def how_read(person: Person) -> dict[str, dict[str, object]]:
    """Of `seniority` and `department`, where they were read from the title: {"by": "rules" or "model", "sure": 0 to 1,
    "words": what was read}. A value that somebody chose, or that a file gave, is not in it."""
    if not person.title:
        return {}
    found: dict[str, dict[str, object]] = {}
    by_rules = titles.read(person.title)
    if person.seniority and person.seniority == by_rules.role.seniority:
        found["seniority"] = {"by": "rules", "sure": by_rules.sure, "words": by_rules.words}
    if person.department and person.department == by_rules.role.department:
        found["department"] = {"by": "rules", "sure": 1.0, "words": person.title}
    if all(name in found or not getattr(person, name) for name in ("seniority", "department")):
        return found
    by_model = TitleReading.objects.filter(title=person.title).first()
    for name in ("seniority", "department"):
        if by_model is not None and name not in found and getattr(person, name) == getattr(by_model, name) != "":
            found[name] = {"by": "model", "sure": getattr(by_model, f"{name}_sure"), "words": person.title}
    return found


def words_of(reading: dict[str, object] | None) -> str:
    """How a value was read, for the page: 'from "Leiterin" in the title'."""
    if reading is None:
        return ""
    if reading["by"] == "model":
        return f"from the title, by likeness to titles we know ({reading['sure']:.0%} sure)"
    return f'from "{reading["words"]}" in the title' if reading["words"] else "from the title"

"""The rows of the rule builder: what one node of a rule shows, and what its fields may be compared with."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.cache import cache

from accounts.models import Member
from leadgen.core.names import country_name
from leadgen.core.rulelang import Field, Operator, operators_of
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Segment
from prospects.queries.icps import values_present
from prospects.rules.segments import CATALOGUES
from prospects.rules.technologies import technology

ROOT = "r"
JOINS = (
    ("all", "all of these hold"), ("any", "any of these holds"), ("none", "none of these holds"),
    ("notall", "not all of these hold"),
)  # fmt: skip
DEEPEST = 3  # groups inside groups that a screen can show; the language itself takes eight levels
SUGGESTED_FOR = 300  # seconds that values found in the workspace are offered before they are counted anew
# Fields by what they tell about, in the order they are offered.
GROUPS = (
    ("Person", ("person.",)), ("Lead and fit", ("lead.", "fit.")), ("Sequences", ("sequence.",)),
    ("Company", ("company.",)), ("More", ("",)),
)  # fmt: skip
PREFERRED = {"text": "contains", "country": "in", "list": "has_any", "choice": "in", "date": "within_days"}


@dataclass
class Row:
    """One node: a group of rows, or a condition with its values as texts. `error` is what is wrong with it, in words."""

    subject: str
    path: str = ROOT
    join: str = ""  # of a group; '' is a condition
    children: list["Row"] = field(default_factory=list)
    name: str = ""
    op_name: str = ""
    text: str = ""
    low: str = ""
    high: str = ""
    picked: list[str] = field(default_factory=list)
    error: str = ""
    focus: bool = False
    depth: int = 0
    never_too: bool = False  # beside it, in the same "any of these", stands that the date is not known

    @property
    def is_group(self) -> bool:
        return bool(self.join)

    @property
    def is_root(self) -> bool:
        return self.path == ROOT

    @property
    def may_nest(self) -> bool:
        return self.depth < DEEPEST

    @property
    def joins(self) -> tuple[tuple[str, str], ...]:
        return JOINS

    @property
    def asked(self) -> Field | None:
        return CATALOGUES[self.subject].get(self.name)

    @property
    def operators(self) -> list[Operator]:
        return list(operators_of(self.asked.kind)) if self.asked else []

    @property
    def operator(self) -> Operator | None:
        wanted = self.op_name or PREFERRED.get(self.asked.kind if self.asked else "", "gte")
        return next((op for op in self.operators if op.name == wanted), next(iter(self.operators), None))

    @property
    def shape(self) -> str:
        return self.operator.shape if self.operator else ""

    @property
    def numeric(self) -> bool:
        return bool(self.asked and (self.asked.kind in ("number", "money") or self.shape == "days"))

    @property
    def input_type(self) -> str:
        return "date" if self.asked and self.asked.kind == "date" and self.shape != "days" else "text"

    @property
    def after(self) -> str:
        """What stands behind the value: "days", "days ago", a unit."""
        if self.shape == "days":
            return "days ago" if self.operator and self.operator.name == "older_than_days" else "days"
        return self.asked.unit if self.asked else ""

    @property
    def present(self) -> list[tuple[str, str, int | None]]:
        """(value, label, rows) to choose from: choices, or what the workspace has."""
        return offered(self.asked) if self.asked else []

    @property
    def chosen(self) -> list[str]:
        typed = typed_lines(self.text)
        if self.name == "company.technologies":
            typed = [
                technology(text) for text in typed
            ]  # as companies have them: what is typed may be another of its names
        return list(dict.fromkeys([*self.picked, *typed]))

    @property
    def options(self) -> list[tuple[str, str, int | None, bool]]:
        """Tick boxes of a many-valued condition, the ticked first."""
        if self.operator is not None and self.operator.name == "contains_any":
            return []
        ticked = set(self.chosen)
        rows = [(value, label, count, value in ticked) for value, label, count in self.present]
        return rows if self.asked and self.asked.choices else sorted(rows, key=lambda row: not row[3])

    @property
    def only_choices(self) -> bool:
        return bool(self.asked and self.asked.choices)

    @property
    def others(self) -> str:
        """Chosen values that are no tick box, one a line."""
        boxes = {value for value, *_ in self.options}
        rest = [value for value in self.chosen if value not in boxes]
        return "\n".join(
            country_name(value) if self.asked and self.asked.kind == "country" else value for value in rest
        )

    @property
    def lines(self) -> int:
        """How high the box for typed values stands."""
        return min(max(len(typed_lines(self.others)), 2), 6)

    @property
    def misses_unknown(self) -> bool:
        """Whether the condition leaves out, in silence, those for whom the date is not known: "not within the last"."""
        return bool(
            self.asked
            and self.asked.kind == "date"
            and self.op_name in ("not_within_days", "older_than_days", "before")
        )

    def walk(self) -> Iterator["Row"]:
        yield self
        for child in self.children:
            yield from child.walk()


def field_groups(subject: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(heading, [(name, label)]) of every field, for the chooser."""
    left = list(CATALOGUES[subject])
    found = []
    for heading, prefixes in GROUPS if subject == Segment.Subject.PEOPLE else (GROUPS[3], GROUPS[1], GROUPS[4]):
        mine = [item for item in left if item.name.startswith(prefixes)]
        left = [item for item in left if item not in mine]
        if mine:
            found.append((heading, [(item.name, capital(item.label)) for item in mine]))
    return found


def offered(asked: Field) -> list[tuple[str, str, int | None]]:
    """(value, label, rows) a field may be compared with: its choices, members, lists, or what the workspace has most."""
    if asked.choices:
        return [(value, label, None) for value, label in asked.choices]
    key = f"offered:{current_workspace_id()}:{asked.name}"
    found: list[tuple[str, str, int | None]] | None = cache.get(key)
    if found is None:
        if asked.path.endswith("owner__email"):
            members = Member.objects.filter(is_active=True).order_by("name", "email")
            found = [(member.email, str(member), None) for member in members]
        elif asked.name.endswith(".lists"):
            subject = Segment.Subject.PEOPLE if asked.name == "person.lists" else Segment.Subject.COMPANIES
            lists = Segment.objects.filter(kind=Segment.Kind.STATIC, subject=subject, is_archived=False)
            return [(name, name, count) for name, count in lists.order_by("name").values_list("name", "count")]
        elif asked.path.startswith("x_") or asked.name in (
            "person.name",
            "person.email",
            "person.phone",
            "company.name",
        ):
            found = []  # nobody picks these from a list of the most frequent
        else:
            label = country_name if asked.kind == "country" else str
            found = [(value, label(value), rows) for value, rows in values_present(asked, most=40)]
        cache.set(key, found, SUGGESTED_FOR)
    return found


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def typed_lines(text: str) -> list[str]:
    return list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))

"""How the columns of a file write dates and numbers, found over all their cells before the first is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prospects.rules import normalise
from prospects.rules.dates import Ambiguous, DateColumn, DateFormat, Found, settle, whole_month
from prospects.rules.imports_fields import CATALOGUE
from prospects.rules.imports_mapping import Mapping as ColumnMapping
from prospects.rules.normalise import NumberColumn, NumberFormat


@dataclass(slots=True)
class Formats:
    """How the columns write dates and numbers, by field."""

    dates: dict[str, Found] = field(default_factory=dict)
    numbers: dict[str, NumberFormat] = field(default_factory=dict)
    months: set[str] = field(default_factory=set)  # day fields whose cells name whole months
    findings: list[str] = field(default_factory=list)  # in words, for the report

    @property
    def ambiguous(self) -> dict[str, Ambiguous]:
        """The date columns a human must decide on."""
        return {name: found for name, found in self.dates.items() if isinstance(found, Ambiguous)}


def find_formats(
    mapping: ColumnMapping, header: Sequence[str], rows: Iterable[Sequence[str]], *, order: str | None = None
) -> Formats:
    """One pass over all rows (cells as wide as the header) to find the formats of the mapped date and number columns."""
    specs = {spec.name: spec for spec in CATALOGUE[mapping.kind]}
    index = {name: i for i, name in enumerate(header)}
    used = {name: index[column] for name, column in mapping.columns.items() if name in specs or name in mapping.dated}
    days = {name: DateColumn() for name in used if name in mapping.dated or specs[name].kind in ("date", "day")}
    numbers = {name: NumberColumn() for name in used if name in specs and specs[name].kind == "money"}
    date_cells = [(used[name], name, column) for name, column in days.items()]
    number_cells = [(used[name], column) for name, column in numbers.items()]
    formats = Formats()
    monthly = {name for name in days if name in specs and specs[name].kind == "day"}
    for cells in rows:
        for i, name, column in date_cells:
            if cell := cells[i]:
                if name in monthly and whole_month(cell):
                    formats.months.add(name)
                else:
                    column.add(normalise.clean_text(cell))
        for i, number in number_cells:
            number.add(cells[i])
    formats.dates = settle({name: column.found(order=order) for name, column in days.items()})
    formats.numbers = {name: column.found() for name, column in numbers.items()}
    for name, found in formats.dates.items():
        if isinstance(found, DateFormat):
            others = f"; not read: {', '.join(found.not_matched)}" if found.not_matched else ""
            formats.findings.append(f"{mapping.columns[name]} ({name}): {found.words}{others}")
        elif isinstance(found, Ambiguous):
            formats.findings.append(f"{mapping.columns[name]} ({name}): {found.message}")
    for name, fmt in formats.numbers.items():
        if not fmt.sure:
            formats.findings.append(f"{mapping.columns[name]} ({name}): {fmt.words}")
    return formats

"""`manage.py funnel -w SLUG --from D --to D`: every number of the dictionary, as JSON or as a table to read."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from accounts.queries.workspaces import workspace_named
from analytics.queries.facts import RECORDED, load_facts
from analytics.rules.figure import Figure, Figures, as_json
from analytics.rules.funnel import BASES, funnel, funnel_by
from analytics.rules.periods import moment
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope

BASIS_WORDS = {
    "period": "Events in the period (volume and cost)",
    "cohort": "Leads opened in the period, followed to today (rates and speed)",
}
COLUMNS = (
    ("period", "leads", "Leads"), ("period", "cpl", "CPL"), ("cohort", "lead_to_mql", "to MQL"), ("period", "sqls", "SQLs"),
    ("cohort", "lead_to_close", "to close"), ("period", "pipeline_value", "Pipeline"), ("period", "customers", "Won"),
)  # fmt: skip


class Command(BaseCommand):
    help = (
        "Every figure of a workspace's funnel over [--from, --to): --to is exclusive, dates are of the workspace's zone. "
        "With --json the shape of docs: {period: {...}, cohort: {...}, by: [{key, period, cohort}]}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-w", "--workspace", required=True, help="slug of the workspace")
        parser.add_argument("--from", dest="start", required=True, help="first day, such as 2026-01-01")
        parser.add_argument("--to", dest="end", required=True, help="day after the last, such as 2026-04-01")
        parser.add_argument("--by", choices=RECORDED, help="also a row for each value of this")
        parser.add_argument("--basis", choices=BASES, help="only this basis; default: both")
        parser.add_argument("--unit", choices=("lead", "person", "company"), default="lead", help="what is counted")
        parser.add_argument("--as-of", dest="as_of", help="look as at this date or instant; default: now")
        parser.add_argument("--full", action="store_true", help="each figure with n, interval, definition, warnings")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            workspace = workspace_named(options["workspace"])
        except AppError as error:
            raise CommandError(error.message) from error
        zone = ZoneInfo(workspace.time_zone)
        start, end = _day(options["start"], "--from"), _day(options["end"], "--to")
        if moment(end, zone) <= moment(start, zone):
            raise CommandError(f"--to {options['end']} must lie after --from {options['start']}: it is exclusive.")
        as_of = moment(_day(options["as_of"], "--as-of"), zone) if options["as_of"] else clock.now()
        with workspace_scope(workspace.pk):
            facts, conventions = load_facts(workspace, as_of)
        asked: dict[str, Any] = {"basis": options["basis"], "unit": options["unit"]}
        # The table to read needs figures, not bare values.
        full = options["full"] or not options["json"]
        result = funnel(facts, start, end, conventions, full=full, **asked)
        if options["by"]:
            result["by"] = funnel_by(facts, options["by"], start, end, conventions, full=full, **asked)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(result), indent=1))
            return
        self.stdout.write(
            f"{workspace.name}, {options['start']} to {options['end']} (exclusive), {workspace.time_zone}"
        )
        for basis in BASES:
            if basis in result:
                self.stdout.write(f"\n{BASIS_WORDS[basis]}")
                for line in _lines(result[basis], full=options["full"]):
                    self.stdout.write(f"  {line}")
        if options["by"]:
            self.stdout.write("")
            for line in _table(options["by"], result["by"]):
                self.stdout.write(line)


def _day(text: str, option: str) -> date | datetime:
    """A date, or an instant (its own zone, else the workspace's). CommandError says how to write it."""
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r} is no date. Write it as 2026-01-31 or 2026-01-31T09:00:00Z.") from error


def _lines(figures: Figures, *, full: bool) -> Iterator[str]:
    for key, entry in figures.items():
        parts = {key: entry} if isinstance(entry, Figure) else {f"{key} {name}": part for name, part in entry.items()}
        for name, figure in parts.items():
            yield f"{name:<32} {_words(figure):>14}  {_evidence(figure)}".rstrip()
            if full:
                yield f"    {figure.definition}"
                yield from (f"    ! {warning}" for warning in figure.warnings)


def _words(figure: Figure) -> str:
    value = figure.value
    if value is None:
        return "-"
    if figure.is_rate:
        return f"{value:.1%}"
    if isinstance(value, dict):
        shown = value.get("median", value.get("step"))
        return "-" if shown is None else shown if isinstance(shown, str) else f"{shown:.1f}"
    return str(value)


def _evidence(figure: Figure) -> str:
    parts = [figure.unit]
    if figure.is_rate and figure.interval:
        parts = [f"{figure.numerator}/{figure.denominator} [{figure.interval[0]:.1%} to {figure.interval[1]:.1%}]"]
    elif figure.about.shape == "duration" or (isinstance(figure.value, dict) and "median" in figure.value):
        extra = figure.value
        parts = [f"{figure.unit}, median of {extra['finished']}"]
        if extra.get("p90") is not None:
            parts.append(f"p90 {extra['p90']:.1f}")
        if extra.get("waiting"):
            parts.append(f"{extra['waiting']} waiting")
    if figure.maturity is not None:
        parts.append(f"{figure.maturity:.0%} mature")
    if figure.warnings:
        parts.append(f"{len(figure.warnings)} warning{'s' if len(figure.warnings) > 1 else ''}")
    return ", ".join(parts)


def _table(dimension: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    columns = [column for column in COLUMNS if column[0] in (rows[0] if rows else {})]
    yield f"{dimension:<24}" + "".join(f"{label:>13}" for *_, label in columns)
    for row in rows:
        cells = (_words(row[basis][key]) for basis, key, _ in columns)
        yield f"{row['key']:<24}" + "".join(f"{cell:>13}" for cell in cells)

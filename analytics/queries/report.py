"""From an address to a report: read the question, load the facts, count. Page, rows, exports and API begin here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Workspace
from analytics.queries.facts import RECORDED, load_facts
from analytics.queries.rows import history_begins
from analytics.rules.ask import Ask, parse_ask
from analytics.rules.facts import UNKNOWN, Facts
from analytics.rules.report import Report
from leadgen.core.clock import local_date
from leadgen.core.errors import Invalid
from leadgen.core.visibility import everyone


@everyone()  # numbers of the whole workspace, whoever looks
def open_report(workspace: Workspace, params: Mapping[str, str], now: datetime) -> tuple[Ask, Report]:
    """What is asked and the report that answers it, counted anew from the rows each time. Raises Invalid (field named).

    Needs the workspace's scope. Eleven queries, one to three more for "all time".
    """
    zone = ZoneInfo(workspace.time_zone)
    first = history_begins(zone) if params.get("period") == "all" else None
    ask = parse_ask(params, today=local_date(now, workspace.time_zone), first=first, zone=zone, dimensions=RECORDED)
    facts, conventions = load_facts(workspace, ask.as_of or now)
    for name, value in ask.where.items():
        if value not in known_values(facts, name) and value not in conventions.known.get(name, ()):
            raise Invalid(f"No {name.replace('_', ' ')} “{value}” in this workspace's history.", field=name)
    return ask, Report(facts, ask.start, ask.end, conventions, unit=ask.unit, where=ask.where)


def known_values(facts: Facts, dimension: str) -> set[str]:
    """The values of a dimension that occur anywhere in the history, and `unknown`."""
    parts = (facts.leads, facts.deals, facts.spend, facts.handoffs, facts.meetings)
    found = {getattr(fact, dimension, None) for part in parts for fact in part}
    return {value for value in found if value} | {UNKNOWN}

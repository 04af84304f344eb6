"""The books of sending: does every message stand in exactly one state, and do the other ledgers say the same?

Three accounts are kept of each e-mail step: its run, its message, and the activity "sent". `books_of` compares them and says
in words where they differ. It reads all messages of the workspace: for the command, not for a page.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection

from leadgen.core.tenancy import current_workspace_id

STATES = ("planned", "sent", "blocked", "failed", "unknown")

_COUNTS = """
    SELECT m.campaign_id, c.name, count(*),
           count(*) FILTER (WHERE m.state = 'planned'), count(*) FILTER (WHERE m.state = 'sent'),
           count(*) FILTER (WHERE m.state = 'blocked'), count(*) FILTER (WHERE m.state = 'failed'),
           count(*) FILTER (WHERE m.state = 'unknown')
    FROM campaigns_message m LEFT JOIN prospects_campaign c ON c.id = m.campaign_id
    WHERE m.workspace_id = %(workspace)s GROUP BY 1, 2 ORDER BY 2 NULLS LAST
"""

# Each finds rows that contradict each other; %(workspace)s is the workspace. Words are completed with the count.
_CONTRADICTIONS = {
    "e-mail steps were begun and have no message": """
        SELECT q.campaign_id, count(*) FROM campaigns_steprun r
        JOIN campaigns_step s ON s.id = r.step_id AND s.workspace_id = r.workspace_id AND s.kind = 'email'
        JOIN campaigns_enrolment e ON e.id = r.enrolment_id AND e.workspace_id = r.workspace_id
        JOIN campaigns_sequence q ON q.id = e.sequence_id AND q.workspace_id = e.workspace_id
        WHERE r.workspace_id = %(workspace)s AND NOT EXISTS (
            SELECT 1 FROM campaigns_message m
            WHERE m.workspace_id = r.workspace_id AND m.enrolment_id = r.enrolment_id AND m.step_id = r.step_id)
        GROUP BY 1
    """,
    "messages belong to steps that were never begun": """
        SELECT m.campaign_id, count(*) FROM campaigns_message m
        WHERE m.workspace_id = %(workspace)s AND m.kind = 'step' AND m.enrolment_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM campaigns_steprun r
            WHERE r.workspace_id = m.workspace_id AND r.enrolment_id = m.enrolment_id AND r.step_id = m.step_id)
        GROUP BY 1
    """,
    "sent messages are missing from the activities": """
        SELECT m.campaign_id, count(*) FROM campaigns_message m
        WHERE m.workspace_id = %(workspace)s AND m.state = 'sent' AND m.person_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM prospects_activity a
            WHERE a.workspace_id = m.workspace_id AND a.kind = 'sent' AND a.about_type = 'message' AND a.about_id = m.id)
        GROUP BY 1
    """,
    "activities tell of mail that was not sent": """
        SELECT a.campaign_id, count(*) FROM prospects_activity a
        JOIN campaigns_message m ON m.workspace_id = a.workspace_id AND m.id = a.about_id AND m.state <> 'sent'
        WHERE a.workspace_id = %(workspace)s AND a.kind = 'sent' AND a.about_type = 'message' GROUP BY 1
    """,
    "planned messages belong to enrolments that have ended": """
        SELECT m.campaign_id, count(*) FROM campaigns_message m
        JOIN campaigns_enrolment e ON e.workspace_id = m.workspace_id AND e.id = m.enrolment_id
        WHERE m.workspace_id = %(workspace)s AND m.state = 'planned' AND m.kind = 'step'
          AND e.state IN ('stopped', 'finished') GROUP BY 1
    """,
    "messages are blocked or failed without a reason": """
        SELECT campaign_id, count(*) FROM campaigns_message
        WHERE workspace_id = %(workspace)s AND state IN ('blocked', 'failed') AND reason = '' GROUP BY 1
    """,
}


@dataclass(slots=True)
class Books:
    """The messages of one campaign (name '' : of none) by state, and what contradicts them, in words."""

    campaign: str | None
    name: str
    all: int = 0
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    problems: list[str] = field(default_factory=list)

    @property
    def hold(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"holds": self.hold}


def books_of_workspace() -> list[Books]:
    """One entry a campaign of the active workspace, from one snapshot where the caller's transaction has one."""
    parameters = {"workspace": current_workspace_id()}
    found: dict[str | None, Books] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, parameters)
        for key, name, total, *counts in cursor.fetchall():
            books = Books(str(key) if key else None, name or "", total, dict(zip(STATES, counts, strict=True)))
            if sum(counts) != total:
                books.problems.append(f"{total - sum(counts)} messages are in no known state")
            found[books.campaign] = books
        for words, query in _CONTRADICTIONS.items():
            cursor.execute(query, parameters)
            for key, count in cursor.fetchall():
                books = found.setdefault(str(key) if key else None, Books(str(key) if key else None, ""))
                books.problems.append(f"{count} {words}")
    return list(found.values())

"""The judge: what the journal, the rows and the Sent folders say of each other. Plain SQL, past the code under test."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Mailboxes that sent all they may within 24 hours: what is due there waits, and says so.
FULL = """(SELECT b.id FROM campaigns_mailbox b WHERE b.daily_cap <= (
    SELECT count(*) FROM campaigns_message s WHERE s.mailbox_id = b.id AND s.submitted_at > now() - interval '24 hours'))"""
# A message may still be accepted so long after its enrolment ended: it had passed the point of no return before, and was
# frozen or waited for an answer.
IN_FLIGHT_SECONDS = 9.0
SETTLED_BY = ("sent_folder", "bounce", "reply", "click", "unsubscribe", "person", "time")


@dataclass
class Journal:
    """The sink's journal: every acceptance and every reaction, in order."""

    accepted: list[dict[str, Any]] = field(default_factory=list)
    reactions: list[dict[str, Any]] = field(default_factory=list)
    lost_reactions: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Journal":
        journal = cls()
        places = {"accepted": journal.accepted, "reaction": journal.reactions, "reaction_lost": journal.lost_reactions}
        for line in path.read_bytes().splitlines() if path.exists() else []:
            entry = json.loads(line)
            places[entry["event"]].append(entry)
        return journal


class Oracle:
    """Reads the database as its superuser."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        import psycopg

        for attempt in range(100):
            try:
                with psycopg.connect(self.url, connect_timeout=5) as connection:
                    return connection.execute(query, params).fetchall()
            except psycopg.OperationalError:  # killed at the moment, and about to come back
                if attempt == 99:
                    raise
                time.sleep(0.1)
        raise AssertionError

    def number(self, query: str, *params: Any) -> int:
        return int(self.rows(query, *params)[0][0])

    def work(self) -> dict[str, int]:
        """What is due now and not yet done."""
        found = self.rows(
            f"""
            SELECT (SELECT count(*) FROM campaigns_message
                    WHERE state = 'planned' AND due_at <= now() AND mailbox_id NOT IN {FULL}),
                   (SELECT count(*) FROM campaigns_message WHERE state = 'unknown' AND reason_code = 'submitted'
                       AND lease_until > now()),
                   (SELECT count(*) FROM campaigns_enrolment WHERE state = 'active' AND next_at <= now()),
                   (SELECT count(*) FROM prospects_import WHERE state IN ('checking', 'queued', 'running')),
                   (SELECT count(*) FROM campaigns_message WHERE state = 'planned' AND due_at > now()
                       AND due_at < now() + interval '2 minutes')
            """
        )[0]
        return dict(zip(("planned", "handing_over", "enrolments", "imports", "soon"), map(int, found), strict=True))

    def unknown(self) -> list[tuple[Any, ...]]:
        """(id, workspace, message_id, mailbox address) of what nobody has settled yet."""
        return self.rows(
            """
            SELECT m.id, m.workspace_id, m.message_id, b.address FROM campaigns_message m
            JOIN campaigns_mailbox b ON b.id = m.mailbox_id WHERE m.state = 'unknown' AND m.settled_at IS NULL ORDER BY m.id
            """
        )

    def states(self) -> dict[str, int]:
        found = self.rows("SELECT state, count(*) FROM campaigns_message GROUP BY state")
        return {state: int(count) for state, count in found}

    def judge(self, journal: Journal) -> tuple[dict[str, Any], list[str]]:
        """(figures, problems in words). Call when nothing is due and nothing runs."""
        problems: list[str] = []
        by_id = Counter(line["id"] for line in journal.accepted)
        by_step = Counter((line["to"], line["step"]) for line in journal.accepted)
        doubles = {key for key, count in by_id.items() if count > 1}
        double_steps = {key for key, count in by_step.items() if count > 1}
        problems += [f"accepted {by_id[key]} times: {key}" for key in sorted(doubles)]
        problems += [f"accepted {by_step[key]} times: step {key[1]} to {key[0]}" for key in sorted(double_steps)]
        lost = self._lost(by_id)
        problems += lost
        problems += self._balance()
        late = self._late(journal)
        problems += late
        problems += [f"nobody took this reaction: {line}" for line in journal.lost_reactions]
        settled = Counter(
            {
                way: self.number("SELECT count(*) FROM campaigns_message WHERE settled_by = %s", way)
                for way in SETTLED_BY
            }
        )
        left = len(self.unknown())
        ways = {way: count for way, count in settled.items() if count}
        figures = {
            "doubles": len(doubles | {str(key) for key in double_steps}),
            "lost": len(lost),
            "unknown": sum(settled.values()) + left,
            "settled": sum(settled.values()),
            "settled_by": ways,
            "journal": len(journal.accepted),
            "sent": self.states().get("sent", 0),
            "states": self.states(),
            "reactions": dict(Counter(line["kind"] for line in journal.reactions)),
            "after_the_end": len(late),
        }
        if left:
            problems.append(f"{left} messages are still unknown")
        if figures["journal"] != figures["sent"]:
            problems.append(f"the journal has {figures['journal']} lines, the outbox {figures['sent']} sent rows")
        return figures, problems

    def _lost(self, by_id: Counter[str]) -> list[str]:
        problems = [
            f"due and never done: message {row[0]} since {row[1]} ({row[2]})"
            for row in self.rows(
                "SELECT id, due_at, hold_reason FROM campaigns_message WHERE state = 'planned' AND due_at <= now() "
                f"AND (hold_reason = '' OR mailbox_id NOT IN {FULL})"
            )
        ]
        problems += [
            f"enrolment {row[0]} is stuck: {row[1]}"
            for row in self.rows(
                """
                SELECT e.id, e.wait_reason FROM campaigns_enrolment e
                WHERE e.state = 'active' AND (e.next_at <= now() OR e.next_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM campaigns_message m WHERE m.enrolment_id = e.id AND m.state IN ('planned', 'unknown')))
                """
            )
        ]
        rows = {row[0]: row[1] for row in self.rows("SELECT message_id, state FROM campaigns_message")}
        problems += [
            f"accepted, and the outbox says {rows.get(key, 'nothing')}: {key}"
            for key in by_id
            if rows.get(key) != "sent"
        ]
        problems += [
            f"said to be sent, and the sink never saw it: {key}"
            for key, state in rows.items()
            if state == "sent" and key not in by_id
        ]
        return problems

    def _balance(self) -> list[str]:
        """The books: steps begun = messages, sent rows = activities, the five states = all."""
        checks = {
            "e-mail steps begun without a message": """
                SELECT count(*) FROM campaigns_steprun r JOIN campaigns_step s ON s.id = r.step_id AND s.kind = 'email'
                WHERE NOT EXISTS (SELECT 1 FROM campaigns_message m WHERE m.enrolment_id = r.enrolment_id AND m.step_id = r.step_id)
            """,
            "messages of steps never begun": """
                SELECT count(*) FROM campaigns_message m WHERE m.kind = 'step' AND NOT EXISTS (
                    SELECT 1 FROM campaigns_steprun r WHERE r.enrolment_id = m.enrolment_id AND r.step_id = m.step_id)
            """,
            "sent messages without their activity": """
                SELECT count(*) FROM campaigns_message m WHERE m.state = 'sent' AND NOT EXISTS (
                    SELECT 1 FROM prospects_activity a WHERE a.kind = 'sent' AND a.about_id = m.id)
            """,
            "activities of messages not sent": """
                SELECT count(*) FROM prospects_activity a WHERE a.kind = 'sent' AND a.about_type = 'message' AND NOT EXISTS (
                    SELECT 1 FROM campaigns_message m WHERE m.id = a.about_id AND m.state = 'sent')
            """,
            "messages in no known state": """
                SELECT count(*) FROM campaigns_message
                WHERE state NOT IN ('planned', 'sent', 'blocked', 'failed', 'unknown')
            """,
            "blocked or failed without a reason": """
                SELECT count(*) FROM campaigns_message WHERE state IN ('blocked', 'failed') AND reason = ''
            """,
        }
        found = {words: self.number(query) for words, query in checks.items()}
        problems = [f"{count} {words}" for words, count in found.items() if count]
        over = self.rows(
            """
            SELECT b.address, b.daily_cap, max(n) FROM campaigns_mailbox b JOIN LATERAL (
                SELECT count(*) OVER (ORDER BY m.submitted_at RANGE BETWEEN interval '24 hours' PRECEDING AND CURRENT ROW) n
                FROM campaigns_message m WHERE m.mailbox_id = b.id AND m.submitted_at IS NOT NULL) w ON true
            GROUP BY b.address, b.daily_cap HAVING max(n) > b.daily_cap
            """
        )
        return problems + [f"{row[0]} sent {row[2]} in 24 hours, its cap is {row[1]}" for row in over]

    def _late(self, journal: Journal) -> list[str]:
        """Mail accepted after its enrolment had ended, beyond what was in flight then."""
        ended = {
            row[0]: row[1].timestamp()
            for row in self.rows(
                """
                SELECT m.message_id, e.ended_at FROM campaigns_message m JOIN campaigns_enrolment e ON e.id = m.enrolment_id
                WHERE e.state = 'stopped' AND e.ended_at IS NOT NULL
                """
            )
        }
        return [
            f"step {line['step']} to {line['to']} was sent {line['at'] - ended[line['id']]:.1f} s after the sequence had stopped"
            for line in journal.accepted
            if line["id"] in ended and line["at"] - ended[line["id"]] > IN_FLIGHT_SECONDS
        ]

"""What hangs on an imported lead: its dated moves, its deal, and the customer a won deal made."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from prospects.actions.imports_context import STAGE_FIELDS, Context, at_of, money
from prospects.actions.imports_store import Row, Rows, Unit
from prospects.models import Customer, Deal, Stage, StageTransition
from prospects.models.choices import EXITS
from prospects.rules.deals import PROBABILITY
from prospects.rules.normalise_words import STAGE_OF_OUTCOME

ORDER = [*STAGE_FIELDS, Stage.CUSTOMER, *EXITS]
SOURCE = "import"
CORRECTED = "Imported again with another date"
OTHER_OUTCOME = "Imported again with another outcome"
CLOSED = (*EXITS, Stage.CUSTOMER)

type Entry = tuple[str, datetime | None]


def entries_of(values: Mapping[str, Any]) -> list[Entry]:
    """The stages a row says the lead entered, in the order of the funnel. A stage named without a date has None; nothing
    is made up for a stage that was skipped."""
    found: dict[str, datetime | None] = {
        stage: at_of(values, name) for stage, name in STAGE_FIELDS.items() if name in values or stage == Stage.LEAD
    }
    final = STAGE_OF_OUTCOME.get(str(values.get("outcome", "")))
    stage = str(values.get("stage", ""))
    if stage in STAGE_FIELDS:
        found.setdefault(stage, None)
    if final:
        found[final] = at_of(values, "closed_at")
    return [(stage, found[stage]) for stage in ORDER if stage in found]


class Transitions:
    """The moves of imported leads. They are facts: a date that is imported differently is corrected by a further row that
    names the position it stands for (`facts["corrects"]`)."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.rows = Rows(StageTransition, unit)
        self._context, self._unit = context, unit
        self._of: dict[UUID, list[Row]] = {}

    def prepare(self, leads: Iterable[UUID]) -> None:
        if not self._unit.keep:
            self._of = {}
        wanted = [lead for lead in leads if lead not in self._of]
        if wanted:
            for row in self.rows.load(StageTransition.objects.filter(lead__in=wanted).order_by("lead", "position")):
                self._of.setdefault(row["lead_id"], []).append(row)

    def begin(self, lead: Row, entries: list[Entry], reason: str) -> None:
        """The moves of a new lead."""
        self._of[lead["id"]] = []
        before = ""
        for stage, at in entries:
            self._append(lead, before, stage, at, reason if stage in EXITS else "")
            before = stage

    def extend(self, lead: Row, entries: list[Entry], reason: str) -> str:
        """Add what a later import knows and correct imported dates that changed; returns the stage the lead newly stands
        in, "" if it stays. What people here moved by hand stays as it is."""
        known = self._of.setdefault(lead["id"], [])
        reached = ""
        final = entries[-1][0]
        if final in CLOSED and lead["stage"] in CLOSED and final != lead["stage"]:
            ended = [row for row in known if row["to_stage"] == lead["stage"]]
            if not ended or ended[-1]["source"] != SOURCE:
                return ""
            # Another outcome: the one imported before did not happen.
            self._correct(lead, ended[-1], None, OTHER_OUTCOME)
            reached = lead["stage"]
        for stage, at in entries:
            exit_reason = reason if stage in EXITS else ""
            same = [row for row in known if row["to_stage"] == stage]
            if not same or (stage == final and reached in CLOSED):
                self._append(lead, reached or lead["stage"], stage, at, exit_reason)
                reached = stage
                continue
            newest = same[-1]
            if newest["source"] == SOURCE and at is not None and newest["at"] != at:
                self._correct(lead, newest, at, CORRECTED)
        return final if reached else ""

    def _correct(self, lead: Row, row: Row, at: datetime | None, words: str) -> None:
        """A further row beside a move: its right date, or None where it did not happen."""
        facts = {"corrects": row["position"], "words": words}
        self._append(lead, row["from_stage"], row["to_stage"], at, row["reason"], facts)

    def _append(
        self, lead: Row, before: str, stage: str, at: datetime | None, reason: str, facts: dict[str, Any] | None = None
    ) -> None:
        known = self._of[lead["id"]]
        row = self.rows.add(
            lead_id=lead["id"], from_stage=before, to_stage=stage, at=at, recorded_at=self._context.now,
            facts=facts or {}, reason=reason[:120], source=SOURCE,
            position=(known[-1]["position"] if known else 0) + 1,
        )  # fmt: skip
        known.append(row)


class Deals:
    """One deal for each imported lead that became an opportunity, was won or was lost."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.rows = Rows(Deal, unit)
        self._context, self._unit = context, unit
        self._of: dict[UUID, Row] = {}
        self.left: set[UUID] = set()  # customers a deal turned out not to have made

    def prepare(self, leads: Iterable[UUID]) -> None:
        self.left = set()
        if not self._unit.keep:
            self._of = {}
        wanted = [lead for lead in leads if lead not in self._of]
        if wanted:
            for row in self.rows.load(Deal.objects.filter(lead__in=wanted).order_by("created_at", "pk")):
                first = self._of.get(row["lead_id"])
                if first is None or (first["import_id"] is None and row["import_id"] is not None):
                    self._of[row["lead_id"]] = row

    def record(self, lead: Row, values: Mapping[str, Any], entries: list[Entry], name: str) -> Row | None:
        """Make or change the deal of a lead; None where it has none."""
        outcome = str(values.get("outcome", ""))
        closed = outcome if outcome in ("won", "lost") else ""
        row = self._of.get(lead["id"])
        if row is None and not closed and not any(stage == Stage.OPPORTUNITY for stage, _ in entries):
            return None
        wanted: dict[str, Any] = {
            "company_id": lead["company_id"], "person_id": lead["person_id"], "channel": lead["channel"],
            "campaign_id": lead["campaign_id"], "owner_id": lead["owner_id"],
        }  # fmt: skip
        wanted |= {field: money(values[field]) for field in ("value", "mrr") if field in values}
        if "currency" in values:
            wanted["currency"] = str(values["currency"])
        opened, closing, ended = (at_of(values, n) for n in ("opportunity_at", "closed_at", "churned_at"))
        if opened is not None:
            wanted["opened_at"] = opened
        if closed:
            wanted |= {
                "outcome": closed, "stage": Deal.DealStage.CLOSED, "probability": Decimal(closed == "won").quantize(Decimal("0.001")),
            }  # fmt: skip
            wanted |= {"closed_at": closing} if closing is not None else {}
            wanted |= {"reason": str(values["reason"])[:120]} if closed == "lost" and "reason" in values else {}
            wanted |= {"ended_at": ended} if ended is not None and closed == "won" else {}
        elif closing is not None and (row is None or row["outcome"] == Deal.Outcome.OPEN):
            wanted["expected_close"] = closing.date()
        if row is not None:
            if row["outcome"] == Deal.Outcome.WON and closed == "lost":
                if row["customer_id"]:
                    self.left.add(row["customer_id"])
                wanted |= {"customer_id": None, "ended_at": None}
            if row["import_id"] is None:  # opened by hand here: only what the file knows of its end and worth
                wanted = {
                    k: v
                    for k, v in wanted.items()
                    if k not in ("channel", "campaign_id", "owner_id", "company_id", "person_id")
                }
            self.rows.put(row, wanted)
            return row
        defaults = {
            "currency": self._context.currency,
            "stage": Deal.DealStage.DISCOVERY,
            "probability": PROBABILITY["discovery"],
        }
        row = self.rows.add(
            **{**defaults, **wanted}, name=(name or "Deal")[:200], lead_id=lead["id"], import_id=self._context.import_id,
            created_at=self._context.now, updated_at=self._context.now,
        )  # fmt: skip
        self._of[lead["id"]] = row
        return row

    def of(self, lead: Row) -> Row | None:
        return self._of.get(lead["id"])


class Customers:
    """A won deal makes or extends the customer of its company (else of its person, else of its own)."""

    def __init__(self, unit: Unit, context: Context, deals: Deals) -> None:
        self.rows = Rows(Customer, unit)
        self._context, self._deals = context, deals

    def settle(self, won: Iterable[Row], names: Mapping[UUID, str]) -> None:
        """Give each won deal of a batch its customer and bring start and end of those customers up to date. `names`: what
        the customer of a deal is called."""
        won = list(won)
        self._forget(self._deals.left)
        if not won:
            return
        companies = {deal["company_id"] for deal in won if deal["company_id"]}
        people = {deal["person_id"] for deal in won if deal["person_id"] and not deal["company_id"]}
        own = {deal["customer_id"] for deal in won if deal["customer_id"]}
        found = self.rows.load(
            Customer.objects.filter(
                Q(company__in=companies) | Q(person__in=people, company__isnull=True) | Q(pk__in=own)
            ).order_by("started_at", "pk")
        )
        # The running one, else the one that came last.
        place: dict[tuple[str, Any], Row] = {}
        for customer in sorted(found, key=lambda row: row["ended_at"] is None):
            for key in (
                ("company", customer["company_id"]),
                ("person", customer["person_id"] if not customer["company_id"] else None),
            ):
                if key[1]:
                    place[key] = customer
        for deal in won:
            if deal["customer_id"]:
                continue
            key = ("company", deal["company_id"]) if deal["company_id"] else ("person", deal["person_id"])
            target = place.get(key) if key[1] else None
            if target is None:
                target = self.rows.add(
                    company_id=deal["company_id"], person_id=deal["person_id"], name=names.get(deal["id"], deal["name"])[:200],
                    created_at=self._context.now,
                )  # fmt: skip
                if key[1]:
                    place[key] = target
            self._deals.rows.put(deal, {"customer_id": target["id"]})
        self._date({deal["customer_id"] for deal in won})

    def _forget(self, left: set[UUID]) -> None:
        """Delete customers none of whose deals is won any more."""
        if not left:
            return
        self._deals.rows.load(Deal.objects.filter(customer__in=left))
        kept = {deal["customer_id"] for deal in self._deals.rows.known() if deal["outcome"] == Deal.Outcome.WON}
        Customer.objects.filter(pk__in=left - kept).delete()
        self._date(left & kept)

    def _date(self, touched: set[UUID]) -> None:
        self._deals.rows.load(Deal.objects.filter(customer__in=touched, outcome=Deal.Outcome.WON))
        of: dict[UUID, list[Row]] = {}
        for deal in self._deals.rows.known():
            if deal["customer_id"] in touched and deal["outcome"] == Deal.Outcome.WON:
                of.setdefault(deal["customer_id"], []).append(deal)
        for key, deals in of.items():
            customer = self.rows.get(key)
            if customer is None:
                continue
            starts = [deal["closed_at"] for deal in deals if deal["closed_at"]]
            ends = [deal["ended_at"] for deal in deals if deal["ended_at"]]
            wanted: dict[str, Any] = {}
            if starts and (customer["started_at"] is None or min(starts) < customer["started_at"]):
                wanted["started_at"] = min(starts)
            wanted["ended_at"] = max(ends) if len(ends) == len(deals) else None
            self.rows.put(customer, wanted)

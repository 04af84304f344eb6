"""Reads of deals: the board's columns with their sums."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import (
    Count,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from prospects.models import Activity, ActivityKind, Customer, Deal, Task
from prospects.rules.deals import OPEN_STAGES, PROBABILITY

CARDS = 50
_MONEY = DecimalField(max_digits=24, decimal_places=5)


@dataclass(slots=True)
class Column:
    """One stage of the board: all of its deals counted and summed by currency, the first CARDS of them shown."""

    stage: str
    label: str
    probability: Decimal
    count: int = 0
    sums: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)  # currency, value, weighted
    unvalued: int = 0
    deals: list[Any] = field(default_factory=list)

    @property
    def hidden(self) -> int:
        return self.count - len(self.deals)


def board(deals: QuerySet[Deal], now: datetime) -> list[Column]:
    """The open deals of a queryset by stage, totals from the whole set. Money of two currencies is never added."""
    open_deals = deals.filter(outcome=Deal.Outcome.OPEN)
    columns = {stage: Column(stage, Deal.DealStage(stage).label, PROBABILITY[stage]) for stage in OPEN_STAGES}
    weighted = Sum(ExpressionWrapper(F("value") * F("probability"), output_field=_MONEY))
    for row in (
        open_deals.order_by().values("stage", "currency")
        .annotate(count=Count("pk"), valued=Count("value"), total=Sum("value"), weighted=weighted)
        .order_by("stage", "currency")
    ):  # fmt: skip
        column = columns[row["stage"]]
        column.count += row["count"]
        column.unvalued += row["count"] - row["valued"]
        if row["valued"]:
            column.sums.append((row["currency"], row["total"], row["weighted"]))
    for stage, column in columns.items():
        column.deals = list(
            with_age(open_deals.filter(stage=stage)).order_by(F("expected_close").asc(nulls_last=True), "-created_at")[
                :CARDS
            ]
        )
        for deal in column.deals:
            deal.x_key = str(deal.pk)
            deal.x_overdue = deal.x_next_due is not None and deal.x_next_due < now
    return list(columns.values())


def with_age(deals: QuerySet[Deal]) -> QuerySet[Deal]:
    """Adds x_since (when it came into its stage) and x_next_due (its next open task)."""
    moves = Activity.objects.filter(deal=OuterRef("pk"), kind=ActivityKind.DEAL)
    moved = moves.annotate(x_stage=KeyTextTransform("stage", "detail")).filter(x_stage=OuterRef("stage"))
    tasks = Task.objects.filter(deal=OuterRef("pk"), state=Task.State.OPEN).order_by()
    return deals.select_related("company", "owner", "person").annotate(
        x_since=Subquery(moved.order_by("-at").values("at")[:1]),
        x_next_due=Subquery(tasks.values("deal").annotate(due=Min("due_at")).values("due")),
        x_planned=Exists(tasks),
    )


def weighted_value(deal: Deal) -> Decimal | None:
    """Value times the probability of its stage; None where the value is unknown."""
    return None if deal.value is None else (deal.value * deal.probability).quantize(Decimal("0.01"))


def with_worth(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Adds x_currency (of the first won deal), x_deals, and in that currency only x_value and x_mrr (still running)."""
    won = Deal.objects.filter(customer=OuterRef("pk"), outcome=Deal.Outcome.WON)
    first = Deal.objects.filter(customer=OuterRef("customer"), outcome=Deal.Outcome.WON).order_by("created_at", "pk")
    sums = won.filter(currency=Subquery(first.values("currency")[:1])).order_by().values("customer")
    running = Sum("mrr", filter=Q(ended_at__isnull=True))
    return customers.select_related("company", "person").annotate(
        x_currency=Subquery(won.order_by("created_at", "pk").values("currency")[:1]),
        x_deals=Coalesce(Subquery(won.order_by().values("customer").annotate(n=Count("pk")).values("n")), 0),
        x_value=Subquery(sums.annotate(total=Sum("value")).values("total")),
        x_mrr=Subquery(sums.annotate(total=running).values("total")),
    )

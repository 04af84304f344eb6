"""Lists of campaigns, and what a campaign cost and brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from leadgen.core.visibility import everyone
from prospects.models import OPEN_STAGES, Campaign, Channel, Deal, Lead, Spend, Stage

ORDERS = ("created_at", "name", "starts_on", "budget")
NULLABLE = ("starts_on", "budget")


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """Of one campaign: money spent in its own currency, what was spent in others, leads opened, won deals."""

    spent: Decimal = Decimal(0)
    elsewhere: tuple[tuple[str, Decimal], ...] = ()
    leads: int = 0
    open_leads: int = 0
    sqls: int = 0
    won: int = 0

    def share_of(self, budget: Decimal | None) -> float | None:
        """Spent / budget; None where no budget is set."""
        return float(self.spent / budget) if budget else None

    def left_of(self, budget: Decimal | None) -> Decimal | None:
        return budget - self.spent if budget is not None else None


@everyone()  # numbers of the whole workspace, whoever looks
def figures_of(campaigns: Sequence[Campaign]) -> dict[UUID, CampaignFigures]:
    """Figures by campaign id, in three queries however many campaigns."""
    ids = [campaign.pk for campaign in campaigns]
    money: dict[UUID, dict[str, Decimal]] = {pk: {} for pk in ids}
    for row in Spend.objects.filter(campaign__in=ids).values("campaign_id", "currency").annotate(total=Sum("amount")):
        money[row["campaign_id"]][row["currency"]] = row["total"]
    stages: dict[UUID, dict[str, int]] = {pk: {} for pk in ids}
    for row in Lead.objects.filter(campaign__in=ids).values("campaign_id", "stage").annotate(n=Count("id")):
        stages[row["campaign_id"]][row["stage"]] = row["n"]
    won = dict(
        Deal.objects.filter(campaign__in=ids, outcome=Deal.Outcome.WON)
        .values_list("campaign_id")
        .annotate(n=Count("id"))
    )
    reached = (Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER)
    return {
        campaign.pk: CampaignFigures(
            spent=money[campaign.pk].get(campaign.currency, Decimal(0)),
            elsewhere=tuple(sorted(item for item in money[campaign.pk].items() if item[0] != campaign.currency)),
            leads=sum(stages[campaign.pk].values()),
            open_leads=sum(n for stage, n in stages[campaign.pk].items() if stage in OPEN_STAGES),
            sqls=sum(n for stage, n in stages[campaign.pk].items() if stage in reached),
            won=won.get(campaign.pk, 0),
        )
        for campaign in campaigns
    }


def containing(queryset: QuerySet[Campaign], text: str) -> QuerySet[Campaign]:
    """Campaigns whose name or goal has every word of `text`."""
    for word in text.split():
        queryset = queryset.filter(name__icontains=word) | queryset.filter(goal__icontains=word)
    return queryset


def channel_doubt(campaign: Campaign) -> str:
    """A sentence where the offer says that this channel does not suit it; else ''."""
    offer = campaign.offer
    if offer is None or not offer.channels or campaign.channel in offer.channels:
        return ""
    fitting = ", ".join(str(channel.label) for channel in Channel if channel.value in offer.channels)
    return f"The offer {offer.name} is said to suit {fitting}, not {campaign.get_channel_display()}."

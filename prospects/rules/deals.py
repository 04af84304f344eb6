"""Deals: the probability of a stage, and the value of a recurring contract."""

from decimal import Decimal

# The share of deals of a stage that are expected to be won; what a weighted pipeline multiplies by.
PROBABILITY: dict[str, Decimal] = {
    "discovery": Decimal("0.200"),
    "proposal": Decimal("0.400"),
    "negotiation": Decimal("0.700"),
    "closed": Decimal("1.000"),  # won; a lost deal has 0
}
OPEN_STAGES = ("discovery", "proposal", "negotiation")


def contract_value(value: Decimal | None, mrr: Decimal | None, term_months: int | None) -> Decimal | None:
    """Total contract value: as given, else the recurring part over its term, else unknown."""
    if value is not None or mrr is None or not term_months:
        return value
    return (mrr * term_months).quantize(Decimal("0.01"))

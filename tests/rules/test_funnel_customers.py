"""Customers in the figures: churn, when it is an assumption, and CLV."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from analytics.rules.facts import CustomerFacts, Facts
from analytics.rules.funnel import funnel
from tests.rules.test_funnel_figures import CONVENTIONS, MARCH, day, full, said


def customers(count: int, ended: int) -> tuple[CustomerFacts, ...]:
    return tuple(
        CustomerFacts(f"K{n}", datetime(2025, 1, 1, tzinfo=UTC), day(3, 15) if n < ended else None, Decimal(100))
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("ended", "churn", "clv", "labelled"), [(11, "0.020000", "4000.00", True), (12, "0.016667", "4800.00", False)]
)
def test_churn_is_an_assumption_until_twelve_customers_ended(ended: int, churn: str, clv: str, labelled: bool) -> None:
    found = full(Facts(customers=customers(60, ended)))["period"]
    assert (found["churn"].value, found["clv"].value) == (churn, clv)
    assert said(found["churn"], "Assumption, not observed") is labelled
    assert said(found["clv"], "Assumption, not observed") is labelled
    # 12 months, in one of which 11 or 12 of the 60 present ended; the others count as months without loss.
    assert found["churn_observed"].value == {11: "0.015278", 12: "0.016667"}[ended]


def test_a_customer_that_ends_on_the_first_counts_in_that_month() -> None:
    start = datetime(2026, 2, 28, 23, tzinfo=UTC)  # midnight of 1 March in Berlin
    facts = Facts(customers=(CustomerFacts("K", datetime(2026, 1, 31, 23, tzinfo=UTC), start, Decimal(10)),))
    found = funnel(facts, *MARCH, CONVENTIONS)["period"]
    # Started on 1 February, it was not there when February began; it was when March began, and left in March.
    assert (found["churn_observed"], found["customers_ended"], found["customers_active"]) == ("1.000000", 1, 0)
    before = funnel(facts, date(2026, 2, 1), date(2026, 3, 1), CONVENTIONS)["period"]
    assert (before["churn_observed"], before["customers_ended"], before["customers_active"]) == (None, 0, 1)


def test_months_still_to_come_do_not_dilute_churn() -> None:
    facts = Facts(
        customers=(CustomerFacts("K", day(7, 1), None, Decimal(10)), CustomerFacts("E", day(7, 1), day(8, 9)))
    )
    looked = replace(CONVENTIONS, as_of=day(8, 31, 20))
    ahead = funnel(facts, date(2026, 1, 1), date(2027, 1, 1), looked)["period"]["churn_observed"]
    assert ahead == "0.500000"  # one of two in August; September to December have not begun

"""Published figures shown beside the workspace's own, always with their source: none of them is ours to vouch for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GLOSSARY: Final = "glossary (001)"
WILLBE: Final = "Willbe guide (000)"
CLIQUE: Final = "Clique Outreach (003)"
PHI: Final = "Phi glossary (004)"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`key` is our metric's (empty: about none in particular); `low`/`high` bound it in `unit` where it is a number.

    `industry`, `temperature` and `motion` say whom it is about: beside others it is marked as another's.
    """

    key: str
    text: str
    source: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    industry: str = ""
    temperature: str = ""
    motion: str = ""


BENCHMARKS: Final[tuple[Benchmark, ...]] = (
    Benchmark("cpl", "50-200 USD, B2B average", GLOSSARY, 50, 200, "USD"),
    Benchmark("cpl", "SaaS: 141 USD", "Willbe guide 2025 (000)", 141, 141, "USD", industry="SaaS"),
    Benchmark("cpl", "Healthcare: 182 USD", "Willbe guide 2025 (000)", 182, 182, "USD", industry="healthcare"),
    Benchmark("cpl", "FinTech: 198 USD", "Willbe guide 2025 (000)", 198, 198, "USD", industry="FinTech"),
    Benchmark("lead_to_close", "1-5 % of cold leads", GLOSSARY, 0.01, 0.05, "share", temperature="cold"),
    Benchmark("lead_to_close", "10-30 % of warm leads", GLOSSARY, 0.1, 0.3, "share", temperature="warm"),
    Benchmark("accepted_to_sql", "27 % of the leads passed to sales are qualified", WILLBE, 0.27, 0.27, "share"),
    Benchmark("leads", "1,877 leads per month, B2B firm", WILLBE, 1877, 1877, "leads a month"),
    Benchmark("recycled", "63 % of inbound is not ready for 3 months", WILLBE, 0.63, 0.63, "share", motion="inbound"),
    Benchmark("recycled", "79 % never convert without nurture", WILLBE, 0.79, 0.79, "share"),
    Benchmark("recycled", "Nurtured: 50 % more sales-ready leads at 33 % lower cost", "Forrester, quoted in (002)"),
    Benchmark("cpl", "Inbound costs 60 % less per lead than outbound, with a longer cycle", GLOSSARY, motion="inbound"),
    Benchmark(
        "answered_within_5_minutes",
        "Contact rate 400 % higher when answered within 5 minutes",
        "glossary (001), vendor figure",
    ),
    Benchmark(
        "speed_to_lead_minutes",
        "About 7 times more likely to qualify when answered within 1 h than an hour later",
        "HBR 2011 (not a seed)",
    ),
    Benchmark("leads", "First lead: inbound weeks to months", CLIQUE, motion="inbound"),
    Benchmark("leads", "First lead: outbound days to weeks", CLIQUE, motion="outbound"),
    Benchmark("sales_cycle_days", "Simple SaaS: about 30 days", WILLBE, 30, 30, "days", industry="SaaS"),
    Benchmark("sales_cycle_days", "Enterprise: 6 to 12 months or more", WILLBE, 182, 365, "days"),
    Benchmark(
        "meetings_held",
        "10 to 30 qualified conversations a month at deals of 20,000 USD or more",
        CLIQUE,
        10,
        30,
        "conversations a month",
    ),
    Benchmark(
        "pipeline_value",
        "Cold e-mail: about 40,200 USD of pipeline per client (5.1 M in total), period not stated",
        CLIQUE,
        40_200,
        40_200,
        "USD",
        motion="outbound",
    ),
    Benchmark(
        "win_rate",
        "25 % well qualified against 8 % of a noisy pool: the first wins even at half the volume",
        PHI,
        0.08,
        0.25,
        "share",
    ),
    Benchmark(
        "cac_payback_months",
        "CAC 4,000 USD with 14 months against 400 USD with 2 months: different priorities",
        PHI,
        2,
        14,
        "months",
    ),
    Benchmark("", "Channels used in B2B: e-mail 87 %, LinkedIn 89 %", WILLBE),
    Benchmark("", "80 % of social B2B leads come from LinkedIn", WILLBE),
)


def benchmarks_for(key: str) -> tuple[Benchmark, ...]:
    """The benchmarks beside one of our figures, in the order of the table."""
    return tuple(one for one in BENCHMARKS if one.key == key)


def caution(benchmark: Benchmark, *, industry: str = "", currency: str = "") -> str | None:
    """What to say beside a benchmark of another industry or currency than the workspace's; None where it fits."""
    if benchmark.industry and benchmark.industry.casefold() != industry.casefold():
        return f"A benchmark of another industry: {benchmark.industry}."
    if benchmark.unit == "USD" and currency and currency != "USD":
        return f"Stated in USD, the workspace counts in {currency}."
    return None

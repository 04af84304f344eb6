"""Bad news in words: what moved the wrong way, its usual causes, and the page that mends them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.context import mounted
from analytics.rules.diagnosis import diagnose
from analytics.rules.figure import Figure
from analytics.rules.report import SPEND_KEYS, Month, Report, change
from analytics.views.parts import Parts
from analytics.views.present import mapped_labels
from leadgen.core.templatetags.ui_text import number

# Where a cause is mended -> the page's URL name; a page that is not there yet is named without a link.
PAGES = {
    "campaigns": ("Campaigns", "campaign_list"), "forms": ("Forms", "form_list"), "nurture": ("Sequences", "sequence_list"),
    "agreement": ("Agreement", "agreement_detail"), "icp": ("ICPs", "icp_list"), "segments": ("Segments", "segment_list"),
    "sequences": ("Sequences", "sequence_list"), "spend": ("Spend", "spend_list"),
}  # fmt: skip


def cheaper_but_worse(report: Report, parts: Parts) -> dict[str, str] | None:
    """Leads cheaper while SQLs dearer than in the period before, with the channel that did most of it; else None."""
    now, before = report.figures["period"], report.previous["period"]
    lead, sql = change(now["cpl"], before["cpl"]), change(now["cpsql"], before["cpsql"])
    if not parts.sees_spend or lead is None or sql is None or not lead < 0 < sql:
        return None
    moved = {
        key: (leads - sqls) - (leads_before - sqls_before)
        for key, (leads, sqls, leads_before, sqls_before) in report.leads_by("channel").items()
    }
    worst = max(sorted(moved), key=lambda key: moved[key])
    text = f"Cost per lead fell {_share(-lead)} while cost per SQL rose {_share(sql)}: "
    if moved[worst] <= 0:
        return {"text": text + "fewer leads that sales can use.", "href": parts.rows("cpsql", "period")}
    text += f"more leads, fewer that sales can use. Largest part: {mapped_labels('channel', parts.owners, parts.channels, worst)}."
    return {"text": text, "href": parts.rows("leads", "period", channel=worst)}


def _share(value: Any) -> str:
    return f"{number(round(float(value) * 100))} %"


def diagnoses(report: Report, parts: Parts, *, months: list[Month], replies: int) -> list[dict[str, Any]]:
    """What looks bad, the evidence, and its causes with the page that mends each (no link where it is not there)."""
    whole = [month.leads for month in months if not month.running]
    first = next((place for place, count in enumerate(whole) if count), len(whole))
    found = diagnose(report.figures, report.previous, replies=replies, leads_by_month=whole[first:])
    return [
        {
            "symptom": one.symptom,
            "evidence": one.evidence,
            "causes": [(cause.text, PAGES[cause.page][0], _page(cause.page, parts.slug)) for cause in one.causes],
        }
        for one in found
        if parts.sees_spend or one.key not in SPEND_KEYS
    ]


def _page(page: str, slug: str) -> str:
    name = PAGES[page][1]
    return reverse(name, args=[slug]) if mounted(name) and name != "agreement_detail" else ""


def about_undated(parts: Parts) -> dict[str, Any] | None:
    """Rows without any date are in no period: said, and linked."""
    period = parts.report.figures["period"]
    found = {}
    for key, noun in (("undated", "lead"), ("undated_deals", "deal")):
        figure = period[key]
        if isinstance(figure, Figure) and figure.value:
            words = f"{number(figure.value)} {noun}{'' if figure.value == 1 else 's'}"
            found[key] = {"words": words, "href": parts.rows(key, "period")}
    return found or None

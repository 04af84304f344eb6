"""Every page with demo data in Chromium, in both themes, wide and narrow: no axe violation, nothing the policy refuses,
no sideways scroll."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Member
from analytics.demo import story
from campaigns.models import Enrolment, Mailbox, Sequence
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from prospects.models import Campaign, Company, Deal, Icp, Import, Lead
from tests.browser.accessibility import violations
from tests.every.routes import pages
from tests.factories.accounts import Someone

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}  # light and dark, in this order
# On a busy machine the window has its new width a while later; media queries are answered when the next frame is drawn,
# and a colour on its way from one theme to the other is neither's. (Playwright's own waiting costs a tenth of a page.)
SETTLED = """async width => {
    const end = performance.now() + 15_000;
    while (innerWidth !== width) {
        if (performance.now() > end) throw Error(`the window is ${innerWidth} wide, not ${width}`);
        await new Promise(done => setTimeout(done, 5));
    }
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    await Promise.allSettled(document.getAnimations()
        .filter(one => one.effect.getComputedTiming().iterations !== Infinity).map(one => one.finished));
}"""
# Pages that need a row: the parameter and one row that shows much.
ROWS: dict[str, Any] = {
    "person_id": lambda: Enrolment.objects.latest("enrolled_at").person_id,
    "company_id": lambda: Company.objects.exclude(technologies=[]).latest("created_at").pk,
    "lead_id": lambda: (
        Lead.objects.filter(stage__in=["opportunity", "sql"], person__isnull=False).latest("stage_at").pk
    ),
    "deal_id": lambda: Deal.objects.latest("created_at").pk,
    "campaign_id": lambda: Campaign.objects.get(name="Plants, autumn").pk,
    "sequence_id": lambda: Sequence.objects.get(name="Plants, operations leaders").pk,
    "icp_id": lambda: Icp.objects.get(name="Plants").pk,
    "mailbox_id": lambda: Mailbox.objects.get().pk,
    "import_id": lambda: Import.objects.filter(kind="leads").latest("created_at").pk,
}


def _addresses(slug: str) -> list[str]:
    """Every page that stands by itself: all list pages, and one detail page of each kind of row."""
    found = []
    for route in pages():
        params = [param for param in route.params if param != "slug"]
        if not route.name or len(params) > 1 or any(param not in ROWS for param in params):
            continue
        kwargs = {"slug": slug} | {param: ROWS[param]() for param in params}
        found.append(reverse(route.name, kwargs=kwargs))
    return sorted(set(found))


@pytest.mark.parametrize("half", [0, 1], ids=["even addresses", "odd addresses"])
def test_every_page_is_accessible_and_keeps_to_the_policy(seat: Any, settings: Any, tmp_path: Path, half: int) -> None:
    settings.DATA_DIR = tmp_path
    workspace = story.tell(now=clock.now(), say=lambda words: None)
    with workspace_scope(workspace.pk):
        owner = Member.objects.select_related("user").get(role="owner")
        addresses = _addresses(workspace.slug)[half::2]
    assert len(addresses) > 60
    someone = Someone(user=owner.user, member=owner, workspace=workspace)
    window = seat(someone)
    problems = [problem for address in addresses for problem in _look(window, address)]
    assert not problems, "\n".join(problems)


def _look(window: Any, address: str) -> list[str]:
    """Faults of the page as it comes, and after its theme and width were changed; the next one comes as this one ended."""
    # Asked first without a page: most addresses here are no page, and a refused navigation costs three times as much.
    answer = window.page.request.get(window.base + address)
    if answer.status in {404, 405} or "text/html" not in answer.headers.get("content-type", ""):
        return []  # addresses that take POST only, downloads
    if answer.status >= 400:
        return [f"{address}: {answer.status}"]
    if "<html" not in answer.text()[:300]:
        return []  # a fragment
    window.page.goto(window.base + address, wait_until="load")
    found = _faults(window, address)
    dark = window.page.evaluate("document.documentElement.dataset.theme") == "leadgen-dark"
    window.page.evaluate(
        "theme => document.querySelector(`[data-theme-set=${theme}]`).click()", "light" if dark else "dark"
    )
    size = WIDE if dark else NARROW
    window.page.set_viewport_size(size)
    window.page.evaluate(SETTLED, size["width"])
    return found + _faults(window, f"{address} in the other theme and width")


def _faults(window: Any, name: str) -> list[str]:
    overflow = window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{name}: {overflow} px wider than the window"] if overflow > 1 else []
    found += [f"{name}: {one}" for one in violations(window.page)]
    found += [f"{name}: console: {text}" for text in window.complaints]
    window.complaints.clear()
    return found

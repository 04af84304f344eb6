"""What the dot in the top bar says about a workspace: is the work being done?"""

from collections.abc import Callable
from typing import Any, Literal, TypedDict

from django.urls import reverse

from accounts.models import Workspace
from leadgen.core.health import vitals

Tone = Literal["success", "warning", "danger", "neutral"]
WORST_FIRST: tuple[Tone, ...] = ("danger", "warning", "neutral", "success")


class HealthState(TypedDict, total=False):
    """For `{% health state %}`: tone, words, and where to look. `held`: why nobody may send, for the banner."""

    tone: Tone
    label: str
    url: str
    held: str


# An upper app appends its own in AppConfig.ready (mailboxes: "3 mailboxes, complete to 10:42"). Called inside the
# workspace's scope on every page, so each may take one narrow query; None says nothing.
HEALTH_CHECKS: list[Callable[[Workspace], HealthState | None]] = []


def health_state(workspace: Workspace) -> HealthState:
    """The worst of all checks; with all well, the last one that has something to say."""
    signs = vitals()
    if signs.held:
        return {"tone": "danger", "label": "Sending is held", "url": _settings(workspace), "held": signs.held}
    if not signs.workers:
        return {"tone": "danger", "label": "No worker answers: nothing is sent", "url": _settings(workspace)}
    found: list[HealthState] = [{"tone": "success", "label": "Workers running", "url": _settings(workspace)}]
    found += [state for check in HEALTH_CHECKS if (state := check(workspace)) is not None]
    return min(reversed(found), key=lambda state: WORST_FIRST.index(state["tone"]))


def _settings(workspace: Any) -> str:
    return reverse("settings", args=[workspace.slug])

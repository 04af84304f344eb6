"""What the clock does to an unknown message a day later."""

from datetime import timedelta

from campaigns.actions.settlement import skip_overdue
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from tests.crash.world import World


def settle_by_time(world: World) -> None:
    """As if 25 hours had passed: the default, skip. The sequence goes on, tomorrow."""
    later = clock.now() + timedelta(hours=25)
    for workspace_id in world.boxes:
        with workspace_scope(workspace_id):
            while skip_overdue(now=later):
                pass

"""What the clock does to an unknown message a day later."""

from datetime import timedelta

from accounts.actions.audit import SYSTEM
from campaigns.actions import outcomes
from campaigns.models import Message
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from tests.crash.world import World


def settle_by_time(world: World) -> None:
    """As if 25 hours had passed: the owner's default, skip."""
    later = clock.now() + timedelta(hours=25)
    for workspace_id in world.boxes:
        with workspace_scope(workspace_id):
            for message in Message.objects.filter(state=Message.State.UNKNOWN):
                outcomes.settle_unknown(message=message, sent=False, by=SYSTEM, now=later)

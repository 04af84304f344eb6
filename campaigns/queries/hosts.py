"""Whose tracking domain a host name is. Asked before any workspace is known, for every request to a foreign host.

Lanes name the workspaces that have a domain of this name, and no more: what counts is the row, read inside its workspace.
"""

import hashlib
import re
import time
import uuid
from collections import OrderedDict

from campaigns.models import MailDomain
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope

REMEMBERED_SECONDS = 30.0
MOST = 2_000
LANE = "domains"
_HOST = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_known: OrderedDict[str, tuple[float, uuid.UUID | None]] = OrderedDict()


def lane_key(name: str) -> str:
    """The domain's key in its lane; lanes keep 64 characters."""
    return name if len(name) <= 64 else hashlib.sha256(name.encode()).hexdigest()


def workspace_of_host(host: str) -> uuid.UUID | None:
    """The workspace whose verified tracking domain `host` is, or None. Remembered for half a minute, misses too."""
    host = host.strip().lower().rstrip(".")
    if len(host) > 253 or not _HOST.fullmatch(host):
        return None
    moment = time.monotonic()
    found = _known.get(host)
    if found is not None and moment - found[0] < REMEMBERED_SECONDS:
        return found[1]
    answer = _look_up(host)
    _known[host] = (moment, answer)
    while len(_known) > MOST:  # whoever invents host names fills no memory
        _known.popitem(last=False)
    return answer


def forget_hosts() -> None:
    """This process learns at once that a tracking domain changed."""
    _known.clear()


def _look_up(host: str) -> uuid.UUID | None:
    for workspace_id in Lane.objects.filter(kind=LANE, key=lane_key(host)).values_list("workspace_id", flat=True):
        with workspace_scope(workspace_id):
            verified = MailDomain.objects.filter(
                name=host, role=MailDomain.Role.TRACKING, verified_at__isnull=False
            ).exists()
        if verified:
            return workspace_id
    return None

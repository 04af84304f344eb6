"""LinkedIn's notification mails in a synced mailbox: who accepted an invitation, who answered a message."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class LinkedInNews:
    """What LinkedIn reports. `name` as LinkedIn shows it, `profile_url` '' if the mail has none, `text` of the answer or ''."""

    event: Literal["accepted", "answered"]
    name: str
    profile_url: str = ""
    text: str = ""

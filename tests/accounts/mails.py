"""System mail as a reader gets it."""

import re

from accounts.models import SystemMail


def planned(kind: str = "") -> list[SystemMail]:
    """Mails that wait to be sent, oldest first."""
    rows = SystemMail.objects.filter(state="planned").order_by("id")
    return list(rows.filter(kind=kind) if kind else rows)


def only(kind: str) -> SystemMail:
    """The one waiting mail of this kind."""
    found = planned(kind)
    assert len(found) == 1, [mail.kind for mail in planned()]
    return found[0]


def link(mail: SystemMail) -> str:
    """The path of the first link in its text."""
    match = re.search(r"http://localhost:8000(/\S+)", mail.text)
    assert match, mail.text
    return match[1]

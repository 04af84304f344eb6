"""Real bounces, reports and replies of other people, handed in as they are: none names a mail of ours, so nothing changes."""

from pathlib import Path
from typing import Any

import pytest

from campaigns.actions.inbound import receive_mail
from campaigns.models import Enrolment, InboundMail, Mailbox
from campaigns.rules.bounces import bounce_recipients
from campaigns.rules.mail_text import parse
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Person, Suppression, Task
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_person
from tests.rules.shared_data import ROOT

pytestmark = pytest.mark.django_db
MOST = 60


def corpus() -> list[Path]:
    folder = ROOT / "bounces"
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".csv", ".md", ".py"})
    return found[:: max(1, len(found) // MOST)]


def test_real_bounces_that_name_no_mail_of_ours_change_nothing(acme: Any) -> None:
    """Each failed recipient is a person here, written to from that very mailbox: the bounce is of somebody else's mail."""
    files = corpus()
    if not files:
        pytest.skip(f"no bounces under {ROOT}: set LEADGEN_DATA to the folder with the shared data")
    with workspace_scope(acme.pk):
        mailbox = keyed_mailbox()
        addresses = {
            one.address.lower()
            for path in files
            for one in (bounce_recipients(parse(path.read_bytes())) or ())
            if one.address.isascii()
        }
        for address in sorted(addresses)[:20]:
            sent_to(make_person("Ana Ferreira", email=address), mailbox)
        facts = Activity.objects.count()
        before = sorted(map(str, Person.objects.values())), sorted(map(str, Enrolment.objects.values()))
        for path in files:
            row, _ = receive_mail(mailbox=mailbox, raw=path.read_bytes(), now=NOW)
            assert row.effect.startswith(("Nothing changed: ", "Noted; ")), (path.name, row.effect)
        after = sorted(map(str, Person.objects.values())), sorted(map(str, Enrolment.objects.values()))
        assert after == before
        assert (Activity.objects.count(), Suppression.objects.count(), Task.objects.count()) == (facts, 0, 0)
        assert Mailbox.objects.get().state == "active"
        assert InboundMail.objects.filter(kind="bounce").count() > len(files) // 2

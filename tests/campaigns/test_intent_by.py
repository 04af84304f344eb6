"""Who decided what a reply wants is stored as a value, shown as it is stored, and filled in for mail of before."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from campaigns.actions.inbound import receive_mail
from campaigns.models import InboundMail, Mailbox, Message
from campaigns.queries.inbox import chip_of
from campaigns.rules import intent_model
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import bounce, keyed_mailbox, reply, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
fill = import_module("campaigns.migrations.0013_fill_intent_by")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def message(acme: Any) -> Message:
    with workspace_scope(acme.pk):
        return sent_to(make_person("Ana Ferreira", email="ana@x.example"), keyed_mailbox())


def receive(message: Message, raw: bytes) -> InboundMail:
    with workspace_scope(message.workspace_id):
        return receive_mail(mailbox=Mailbox.objects.get(), raw=raw, now=NOW)[0]


def scored(monkeypatch: pytest.MonkeyPatch, **shares: float) -> None:
    names = ("positive", "meeting", "question", "referral", "not_now", "not_interested", "opt_out")
    monkeypatch.setattr(intent_model, "scores", lambda _text: {name: shares.get(name, 0.01) for name in names})


def test_a_rule_and_then_a_person(acme: Any, message: Message, as_: Any, bob: Any, api: Any) -> None:
    mail = receive(message, reply(message, "We are not interested."))
    assert mail.intent_by == "rules"
    token, client, url = api(bob), as_(bob), f"/w/acme/inbox/{mail.pk}/"
    assert token.get(f"/api/v1/inbox/{mail.pk}/").json()["intent_by"] == "rules"
    assert "by rules: the words" in client.get(url).content.decode()
    assert client.post(f"{url}correct/", {"intent": "bogus"}).status_code == 400
    with workspace_scope(acme.pk):
        assert InboundMail.objects.get().intent_by == "rules"
    client.post(f"{url}correct/", {"intent": "not_now"})
    with workspace_scope(acme.pk):
        mail.refresh_from_db()
        assert (mail.intent, mail.intent_by, chip_of(mail)["source"]) == ("not_now", "person", "person")
    assert "said by Bob" in client.get(url).content.decode()
    assert token.get(f"/api/v1/inbox/{mail.pk}/").json()["intent_by"] == "person"


def test_the_model_whatever_its_reason_begins_with(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, opt_out=0.35, positive=0.5)
    mail = receive(message, reply(message, "Zzz qqq"))
    assert (mail.intent, mail.intent_by, mail.why) == ("unsure", "model", "it may be a wish to be left alone (35%)")
    assert chip_of(mail) == {
        "label": "Unsure", "tone": "neutral", "source": "model", "by": "by the model",
        "why": "it may be a wish to be left alone (35%), 40% sure",
    }  # fmt: skip


def test_a_reason_that_only_sounds_like_the_models_is_a_rules(message: Message) -> None:
    mail = receive(message, reply(message, "We are not interested."))
    mail.why = "the model railway is what they asked about"
    assert chip_of(mail)["source"] == "rules"


def test_mail_without_an_intent_has_nobody_who_decided_on_it(message: Message) -> None:
    mail = receive(message, bounce(message.message_id, message.to_address))
    assert (mail.intent, mail.intent_by) == ("", "")


def test_a_value_that_does_not_exist_is_refused_by_the_database(message: Message) -> None:
    mail = receive(message, reply(message, "We are not interested."))
    with workspace_scope(message.workspace_id):
        with pytest.raises(IntegrityError), transaction.atomic():
            InboundMail.objects.filter(pk=mail.pk).update(intent_by="ghost")
        assert InboundMail.objects.get().intent_by == "rules"


def test_mail_of_before_is_filled_in_batches(
    acme: Any, message: Message, by_bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old rows: by rules, by the model in each of its words, by a person, without intent; and one that is set already."""
    rows = {
        "the words “Yes”, and the model agrees (76%)": "rules", "no rule fits the words": "rules",
        "the model says meeting (81%)": "model", "the model would say positive (30%), which is too little": "model",
        "it may be a wish to be left alone (35%)": "model", "it reads like a wish to be left alone (91%)": "model",
    }  # fmt: skip
    with workspace_scope(acme.pk):
        box = Mailbox.objects.get()

        def make(number: int, **fields: Any) -> None:
            values = {
                "mailbox": box,
                "digest": f"{number:064}",
                "kind": "reply",
                "intent": "question",
                "received_at": NOW,
            }
            InboundMail.objects.create(**values | fields)

        for number, why in enumerate(rows):
            make(number, why=why)
        make(90, why="the model says meeting (81%)", corrected_by=by_bob.member, corrected_at=NOW)
        make(91, why="the model train left", intent="", kind="other")
        make(92, why="the model says meeting (81%)", intent_by="rules")
        monkeypatch.setattr(fill, "BATCH", 4)
        for _ in range(2):  # run again it changes nothing
            fill.fill(None, SimpleNamespace(connection=connection))
            found = dict(InboundMail.objects.filter(digest__lt=f"{90:064}").values_list("why", "intent_by"))
            assert found == rows
            late = list(
                InboundMail.objects.filter(digest__gte=f"{90:064}")
                .order_by("digest")
                .values_list("intent_by", flat=True)
            )
            assert late == ["person", "", "rules"]

"""The sandbox's people: the same on every run, and what they send is what the product reads."""

from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from campaigns.rules.inbound import read_mail
from campaigns.rules.mime import OutgoingMail, build
from campaigns.sandbox.personas import ODDS, Crowd, Persona
from campaigns.sandbox.reactions import reactions_to
from campaigns.sandbox.server import Sandbox

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
STOP = "http://localhost:8000/p/u/token/"


def our_mail(to: str = "ana.ferreira@lumen.example") -> bytes:
    return build(
        OutgoingMail(
            from_name="Sam Seller", from_address="sam@acme.example", to_name="Ana", to_address=to, subject="A question",
            text="Hi Ana,\n\nsee http://localhost:8000/p/c/one/ and http://localhost:8000/p/c/two/\n",
            message_id="m1@acme.example", date=NOW, list_unsubscribe_url=STOP,
        )
    )  # fmt: skip


def react(behaviour: str, number: int = 1) -> list:
    persona = Persona("ana.ferreira@lumen.example", behaviour, 1)
    return reactions_to(our_mail(), persona=persona, number=number, now=NOW)


@pytest.mark.parametrize(
    ("behaviour", "kind", "intent"),
    [
        ("positive", "reply", "positive"), ("meeting", "reply", "meeting"), ("question", "reply", "question"),
        ("not_now", "reply", "not_now"), ("not_interested", "reply", "not_interested"), ("opt_out", "unsubscribe", "opt_out"),
        ("away", "auto_reply", None), ("bounces", "bounce", None),
    ],
)  # fmt: skip
def test_what_a_persona_writes_is_read_as_meant(behaviour: str, kind: str, intent: str | None) -> None:
    (reaction,) = react(behaviour)
    assert (reaction.kind, reaction.mailbox) == ("mail", "sam@acme.example")
    mail = read_mail(reaction.raw, received=NOW)
    assert (mail.kind, mail.intent.intent if mail.intent else None) == (kind, intent)
    assert "m1@acme.example" in mail.original_ids
    if behaviour == "bounces":
        assert [(r.address, r.type) for r in mail.recipients] == [("ana.ferreira@lumen.example", "hard")]
    if behaviour == "away":
        assert mail.return_date is not None
        assert mail.return_date.isoformat() == "2026-03-09"


def test_people_click_once_and_gateways_open_everything() -> None:
    assert [reaction.url for reaction in react("clicks")] == ["http://localhost:8000/p/c/one/"]
    scanned = react("scanner")
    assert [reaction.url[-4:] for reaction in scanned] == ["one/", "two/"]
    assert {reaction.user_agent for reaction in scanned} == {"Mimecast link scanner"}


def test_one_click_goes_to_the_header_address() -> None:
    (reaction,) = react("unsubscribes")
    assert (reaction.kind, reaction.url) == ("unsubscribe", STOP)


@pytest.mark.parametrize("behaviour", ["silent", "refused"])
def test_some_do_nothing(behaviour: str) -> None:
    assert react(behaviour) == []


def test_they_act_on_their_own_mail_only() -> None:
    assert react("positive", number=2) == []


def test_a_seed_makes_the_same_crowd_in_the_shares_of_its_odds() -> None:
    crowd, again, other = Crowd(seed=7), Crowd(seed=7), Crowd(seed=8)
    people = [f"p{number}@lumen.example" for number in range(4000)]
    mine = [crowd.persona(address).behaviour for address in people]
    assert mine == [again.persona(address).behaviour for address in people]
    assert mine != [other.persona(address).behaviour for address in people]
    for behaviour, share in ODDS.items():
        assert abs(mine.count(behaviour) / len(people) - share) < 0.015, behaviour


@pytest.mark.parametrize("address", ["ana@gmail.com", "ana@example.com", "ana@lumen.example.org"])
def test_nobody_real_is_written_to(address: str) -> None:
    with pytest.raises(ValueError, match="not a sandbox address"):
        Crowd().persona(address)


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    sandbox = Sandbox(crowd=Crowd(), journal=tmp_path / "j", endpoints=dict)
    with pytest.raises(ValueError, match="loopback"):
        sandbox.controller(port=0, host="192.0.2.1")


def test_what_cannot_be_delivered_is_written_down(tmp_path: Path) -> None:
    sandbox = Sandbox(
        crowd=Crowd(odds={"positive": 1.0}), journal=tmp_path / "j.jsonl", endpoints=dict, now=lambda: NOW
    )
    address = next(f"p{n}@x.example" for n in range(99) if sandbox.crowd.persona(f"p{n}@x.example").acts_on == 1)
    sandbox._accept(address, our_mail(address))
    assert sandbox.react() == 1
    events = [line["event"] for line in sandbox.lines()]
    assert events == ["accepted", "undeliverable"]
    assert message_from_bytes(our_mail())["Message-ID"] == sandbox.lines()[0]["message_id"]

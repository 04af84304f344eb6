"""Verdicts on addresses and on how fresh facts are, from facts alone."""

from datetime import timedelta
from typing import Any

import pytest

from campaigns.rules.findings import Answer
from prospects.rules import verification as rules
from prospects.rules.staleness import SIGNALS, News, signal_of, why_stale
from prospects.rules.verification import Host, Known, judge, mail_host
from tests.conftest import NOW


def ago(days: float) -> Any:
    return NOW - timedelta(days=days)


TAKES = Host(rules.TAKES, "Google", "aspmx.l.google.com")
GOOD = "ana@lumen-robotics.com"


@pytest.mark.parametrize(
    ("known", "status", "checks", "words"),
    [
        (Known(GOOD, TAKES), "unknown", ("unproven",), "takes mail (Google); whether this mailbox exists"),
        (Known("a..b@lumen-robotics.com", TAKES), "invalid", ("syntax",), "cannot be an address"),
        (Known(GOOD, Host(rules.GONE)), "invalid", ("no_domain",), "lumen-robotics.com does not exist"),
        (Known(GOOD, Host(rules.NULL)), "invalid", ("null_mx",), "takes no mail"),
        (Known(GOOD, Host(rules.DEAD)), "invalid", ("no_server",), "no mail server"),
        (Known(GOOD, Host(rules.BARE)), "risky", ("no_mx",), "no MX record"),
        (Known(GOOD, Host(rules.SILENT)), "unknown", ("no_answer",), "asked again within the hour"),
        (Known("ana@lumen.example", Host(rules.UNASKED)), "unknown", ("reserved",), "name for examples"),
        (Known("x9@mailinator.com", TAKES), "risky", ("disposable",), "thrown away"),
        (Known("info@lumen-robotics.com", TAKES), "risky", ("role",), "read by a team"),
        (Known("max.kurz@gmail.com", TAKES), "unknown", ("unproven", "free"), "takes mail"),
        # What happened counts more than what is deduced; a role that answers is somebody.
        (Known("info@lumen-robotics.com", TAKES, answered_at=ago(9)), "valid", ("answered", "role"), "answered on 23 Feb"),
        (Known(GOOD, TAKES, clicked_at=ago(2)), "valid", ("clicked",), "followed a link"),
        (Known(GOOD, TAKES, sent_at=ago(4)), "valid", ("delivered",), "nothing came back"),
        (Known(GOOD, TAKES, sent_at=ago(2)), "unknown", ("unproven",), "takes mail"),  # its bounce may still come
        (Known(GOOD, TAKES, sent_at=ago(4), bounced_at=ago(4)), "risky", ("soft_bounce",), "was not taken"),
        (Known(GOOD, TAKES, sent_at=ago(400)), "unknown", ("unproven",), "takes mail"),
        # A domain that is gone gets no mail, whoever answered from there once.
        (Known(GOOD, Host(rules.GONE), answered_at=ago(9)), "invalid", ("no_domain",), "does not exist"),
        (Known(GOOD, TAKES, stated="bounced", stated_at=ago(9), stated_words="550 no such user"), "bounced", ("bounced",), "550 no such"),
        (Known(GOOD, TAKES, stated="invalid", stated_at=ago(9), stated_words="Left the company"), "invalid", ("stated_invalid",), "Left"),
        (Known(GOOD, TAKES, stated="bounced", stated_at=ago(9), answered_at=ago(3)), "valid", ("answered",), "answered"),
        (Known(GOOD, TAKES, stated="valid", stated_at=ago(9)), "valid", ("stated",), "Stated as verified"),
        (Known(GOOD, TAKES, stated="valid", stated_at=ago(200)), "unknown", ("unproven",), "takes mail"),
    ],
)  # fmt: skip
def test_a_verdict_names_its_reasons(known: Known, status: str, checks: tuple[str, ...], words: str) -> None:
    found = judge(known, NOW)
    assert (found.status, found.checks) == (status, checks)
    assert words in found.reason
    assert len(found.reason) <= 200
    assert set(found.checks) <= rules.CHECKS.keys()
    # `invalid` is never said because of a guess.
    assert (found.status == "invalid") == bool(set(found.checks) & (rules.HARD - {"bounced"}))


@pytest.mark.parametrize("local", ["info", "sales.de", "hr+jobs", "no-reply", "kontakt", "vendas"])
def test_functions_are_told_from_people(local: str) -> None:
    assert rules.is_role(f"{local}@lumen-robotics.com")


@pytest.mark.parametrize("local", ["hrubesch", "it.manager", "sally", "info.mueller", "marketa", "prince"])
def test_people_whose_names_begin_like_functions_are_people(local: str) -> None:
    assert not rules.is_role(f"{local}@lumen-robotics.com")


def test_every_code_fits_its_column_and_has_words() -> None:
    assert max(map(len, rules.CHECKS)) <= 16
    assert max(map(len, SIGNALS)) <= 8


MX = Answer("found", ("10 mx2.lumen-robotics.com", "5 aspmx.l.google.com"))
HERE = Answer("found", ("192.0.2.1",))
NONE, GONE, ERROR = Answer("none"), Answer("nxdomain"), Answer("error", words="no answer within 6 seconds")


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"MX": MX, "A": HERE}, Host("takes", "Google", "aspmx.l.google.com")),
        ({"MX": MX, "A": NONE, "AAAA": HERE}, Host("takes", "Google", "aspmx.l.google.com")),
        ({"MX": MX, "A": GONE, "AAAA": GONE}, Host("dead", "", "aspmx.l.google.com")),
        (
            {"MX": MX, "A": ERROR, "AAAA": ERROR},
            Host("takes", "Google", "aspmx.l.google.com"),
        ),  # silence proves nothing
        ({"MX": Answer("found", ("0 .",)), "A": HERE}, Host("null")),
        ({"MX": NONE, "A": HERE}, Host("bare")),
        ({"MX": NONE, "A": NONE, "AAAA": NONE}, Host("dead")),
        ({"MX": NONE, "A": ERROR}, Host("silent", detail=ERROR.words)),
        ({"MX": GONE}, Host("gone")),
        ({"MX": ERROR}, Host("silent", detail=ERROR.words)),
    ],
)
def test_where_mail_to_a_domain_goes(answers: dict[str, Answer], state: Host) -> None:
    assert mail_host("lumen-robotics.com", lambda name, kind: answers[kind]) == state


def test_names_for_examples_are_not_asked() -> None:
    def never(name: str, kind: str) -> Any:
        raise AssertionError(f"asked for {name}")

    assert mail_host("lumen.example", never).state == rules.UNASKED


def test_news_makes_facts_doubtful_until_they_are_confirmed() -> None:
    assert signal_of(News()) == ("", None)
    assert signal_of(News(left_at=ago(3), role_at=ago(1))) == ("left", ago(3))  # the gravest first
    assert signal_of(News(role_at=ago(3), confirmed_at=ago(5))) == ("role", ago(3))
    assert signal_of(News(left_at=ago(3), bounced_at=ago(3), confirmed_at=ago(3))) == ("", None)
    assert why_stale(signal="", signal_at=None, confirmed_at=ago(200), now=NOW) == []
    assert why_stale(signal="left", signal_at=ago(3), confirmed_at=ago(430), now=NOW) == [
        "Left the company (1 Mar 2026). Find where they work now, or delete them.",
        "Nobody confirmed or changed these facts for 14 months (since 29 Dec 2024).",
    ]

"""Clicks on tracked links: everybody is sent to the stored address, only people count."""

import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from campaigns.actions.clicks import classify_due_hits, reclassify_hits, sweep_hits
from campaigns.models import HitVerdict, LinkHit, Message, TrackedLink
from campaigns.queries.mail import click_url, hidden_url
from campaigns.rules import hits
from campaigns.rules.hits import SETTLE
from campaigns.rules.tokens import public_token
from leadgen.core.clock import now as now_of
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.engagement import apply_version, rebuild_engagement
from prospects.models import Activity, AgreementVersion, Person, PointEntry
from prospects.queries.activities import uncorrected
from prospects.queries.engagement import ledger_of, score_of
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def links(acme: Any) -> list[TrackedLink]:
    """Four links of a mail that was sent an hour ago."""
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira"), keyed_mailbox())
        return [
            TrackedLink.objects.create(message=message, position=n, url=f"https://acme.example/page/{n}?a=1&b=2")
            for n in range(1, 5)
        ]


def path(link: TrackedLink) -> str:
    return "/p/c/" + click_url(link).partition("/p/c/")[2]


def hit(link: TrackedLink, agent: str = BROWSER, method: str = "get", **headers: str) -> Any:
    return getattr(Client(), method)(path(link), headers={"User-Agent": agent, **headers})


def hidden(acme: Any, agent: str = BROWSER) -> Any:
    with workspace_scope(acme.pk):
        url = hidden_url(Message.objects.get())
    return Client().get("/p/c/" + url.partition("/p/c/")[2], headers={"User-Agent": agent})


def judged(acme: Any, clock: Any) -> list[str]:
    """Let the burst pass and the worker look; the class of every hit in order of time."""
    clock.shift(SETTLE)
    classify_due_hits(now=now_of())
    with workspace_scope(acme.pk):
        rows = HitVerdict.objects.order_by("hit__at", "hit__id").values_list("hit_class", flat=True)
        return list(rows)


def facts(acme: Any) -> list[tuple[str, str]]:
    """(class, URL) of the clicks the ledger holds to be true, by time."""
    with workspace_scope(acme.pk):
        rows = uncorrected(Activity.objects.filter(kind="clicked")).order_by("at", "recorded_at", "id")
        return [(row.hit_class, row.detail["url"]) for row in rows]


def score(acme: Any) -> float:
    """The person's score now, which must be what the ledger's rows come to."""
    with workspace_scope(acme.pk):
        person, version = Person.objects.get(), ensure_first_agreement(now_of())
        found = score_of(person, version, now_of())
        assert found == pytest.approx(ledger_of(person, version, now_of()).score, abs=1e-6)
        rebuild_engagement(person=person, now=now_of(), version=version)
        assert score_of(person, version, now_of()) == pytest.approx(found, abs=1e-6)
        return found


def test_a_request_keeps_the_raw_hit_and_changes_nothing_else(acme: Any, links: list[TrackedLink]) -> None:
    answer = hit(links[0], Accept="text/html")
    assert (answer.status_code, answer["Location"]) == (302, "https://acme.example/page/1?a=1&b=2")
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not answer.cookies
    with workspace_scope(acme.pk):
        row = LinkHit.objects.get()
        assert (row.method, row.user_agent, row.headers, row.ip) == (
            "GET",
            BROWSER,
            {"Accept": "text/html"},
            "127.0.0.1",
        )
        assert row.seconds_after == (NOW - Message.objects.get().submitted_at).total_seconds()
        assert not Activity.objects.exists()
        assert not PointEntry.objects.exists()
        assert not HitVerdict.objects.exists()


def test_a_persons_click_counts_and_earns_points_once_its_burst_is_over(
    acme: Any, links: list[TrackedLink], clock: Any
) -> None:
    hit(links[0])
    classify_due_hits(now=now_of())
    assert facts(acme) == [], "a burst may still follow"
    assert judged(acme, clock) == ["human"]
    assert facts(acme) == [("human", links[0].url)]
    assert classify_due_hits(now=now_of()).hits == 0
    with workspace_scope(acme.pk):
        assert PointEntry.objects.get().points == 5
        assert Activity.objects.get().at == NOW, "it happened when it was clicked"


@pytest.mark.parametrize(
    ("agent", "method", "headers", "why"),
    [
        ("Mimecast link scanner", "get", {}, "the user agent is a program's"),
        ("", "get", {}, "the user agent is a program's"),
        (BROWSER, "head", {}, "asked for headers only"),
        (BROWSER, "get", {"Sec-Purpose": "prefetch;prerender"}, "the browser prefetched it"),
        (BROWSER, "get", {"X-Moz": "prefetch"}, "the browser prefetched it"),
        (BROWSER, "get", {"Purpose": "preview"}, "the browser prefetched it"),
    ],
)
def test_programs_are_sent_on_and_do_not_count(
    acme: Any, links: list[TrackedLink], clock: Any, agent: str, method: str, headers: dict[str, str], why: str
) -> None:
    assert hit(links[0], agent, method, **headers).status_code == 302
    assert judged(acme, clock) == ["automated"]
    with workspace_scope(acme.pk):
        assert HitVerdict.objects.get().reason == why
        assert Activity.objects.get().detail["why"] == why
        assert not PointEntry.objects.exists()


def test_a_gateway_that_opens_every_link_is_known_by_its_burst(acme: Any, links: list[TrackedLink], clock: Any) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(submitted_at=NOW)
    clock.shift(timedelta(seconds=30))
    for link in links:
        assert hit(link).status_code == 302
        clock.shift(timedelta(seconds=1))
    assert judged(acme, clock) == ["automated"] * 4, "the first one too: the burst is seen as a whole"
    assert score(acme) == 0


def test_the_hidden_link_marks_its_whole_burst_and_is_no_fact_itself(
    acme: Any, links: list[TrackedLink], clock: Any
) -> None:
    hit(links[0])
    clock.shift(timedelta(seconds=4))
    answer = hidden(acme)
    assert (answer.status_code, answer.content) == (204, b"")
    clock.shift(timedelta(minutes=9))
    hit(links[1])  # the same program, later
    hit(links[2], "Mozilla/5.0 (Macintosh) Safari/605.1")  # a person
    assert judged(acme, clock) == ["automated", "automated", "automated", "human"]
    assert facts(acme) == [("automated", links[0].url), ("automated", links[1].url), ("human", links[2].url)]


def test_the_same_link_twice_in_a_moment_is_one_fact(acme: Any, links: list[TrackedLink], clock: Any) -> None:
    hit(links[0])
    clock.shift(timedelta(seconds=9))
    hit(links[0])
    clock.shift(timedelta(seconds=9))
    hit(links[0])
    clock.shift(timedelta(seconds=60))
    hit(links[0])
    assert judged(acme, clock) == ["human"] * 4
    assert facts(acme) == [("human", links[0].url)] * 2


def test_a_click_proves_that_a_mail_of_unknown_outcome_was_delivered(
    acme: Any, links: list[TrackedLink], clock: Any
) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(state="unknown", sent_at=None, reason_code="no_answer")
    hit(links[0], "Mimecast link scanner")
    judged(acme, clock)
    with workspace_scope(acme.pk):
        assert Message.objects.get().state == "unknown", "a program proves nothing"
    hit(links[1])
    judged(acme, clock)
    with workspace_scope(acme.pk):
        assert (Message.objects.get().state, Message.objects.get().settled_by) == ("sent", "click")


def test_no_request_can_choose_where_it_leads(acme: Any, globex: Any, links: list[TrackedLink]) -> None:
    assert (
        Client()
        .get(path(links[0]) + "?url=https://evil.example/")
        .headers["Location"]
        .startswith("https://acme.example/")
    )
    for token in (
        public_token("click", workspace_id=globex.pk, row=links[0].pk),
        public_token("unsubscribe", workspace_id=acme.pk, row=links[0].pk),
        public_token("click", workspace_id=acme.pk, row=uuid.uuid4()),
        public_token("hidden", workspace_id=acme.pk, row=links[0].pk),
    ):
        assert Client().get(f"/p/c/{token}/").status_code == 404
    assert Client().post(path(links[0])).status_code == 405
    with workspace_scope(acme.pk):
        assert LinkHit.objects.count() == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_scrambled_token_is_a_404_without_a_trace(acme: Any, links: list[TrackedLink], data: Any) -> None:
    token = path(links[0]).removeprefix("/p/c/").rstrip("/")
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz.-").filter(lambda c: c != token[at]))
    how = data.draw(st.sampled_from(["swap", "cut", "add", "upper"]))
    changed = {
        "swap": token[:at] + other + token[at + 1 :],
        "cut": token[:at] + token[at + 1 :],
        "add": token[:at] + other + token[at:],
        "upper": token.upper(),
    }[how]
    assert Client().get(f"/p/c/{changed}/", headers={"User-Agent": BROWSER}).status_code == 404
    with workspace_scope(acme.pk):
        assert not LinkHit.objects.exists()


def test_scanners_and_people_replayed_together_are_told_apart(acme: Any, links: list[TrackedLink], clock: Any) -> None:
    """Two minutes after delivery: HEAD on all, a burst with the hidden link; an hour later a person on two links."""
    with workspace_scope(acme.pk):
        Message.objects.update(submitted_at=NOW)
    clock.shift(timedelta(seconds=8))
    for link in links:
        hit(link, "Mozilla/5.0 (compatible; MSIE 9.0)", "head")
    clock.shift(timedelta(seconds=100))
    hidden(acme, "Mozilla/5.0 Chrome/100")
    hit(links[3], "Mozilla/5.0 Chrome/100")
    clock.shift(timedelta(hours=1))
    hit(links[0])
    clock.shift(timedelta(minutes=2))
    hit(links[2])
    assert judged(acme, clock) == ["automated"] * 6 + ["human"] * 2
    assert score(acme) == pytest.approx(10, rel=0.01)


# --- classed again ------------------------------------------------------------------------------------------------------


def strict(features: hits.HitFeatures) -> tuple[str, str]:
    """A later version that trusts nobody who speaks of X11."""
    return ("automated", "X11 is a farm") if "X11" in features.user_agent else hits.class_v2(features)


def test_a_new_version_takes_points_back_and_the_next_one_gives_them_again(
    acme: Any, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for link in links:  # 4 clicks of 5 points, 15 a day at most
        hit(link)
        clock.shift(timedelta(minutes=2))
    judged(acme, clock)
    assert len(facts(acme)) == 4
    before = score(acme)
    assert before == pytest.approx(15, rel=0.01)
    again = reclassify_hits(workspace_id=acme.pk, now=now_of())
    assert (again.verdicts, again.facts, again.corrected) == (0, 0, 0), "told twice it changes nothing"
    monkeypatch.setitem(hits.CLASSIFIERS, 3, strict)
    clock.shift(timedelta(days=1))
    done = reclassify_hits(workspace_id=acme.pk, now=now_of())
    assert (done.verdicts, done.corrected, done.became) == (4, 4, {"human>automated": 4})
    assert {kind for kind, _ in facts(acme)} == {"automated"}
    assert score(acme) == 0
    monkeypatch.setitem(hits.CLASSIFIERS, 4, hits.class_v2)
    done = reclassify_hits(workspace_id=acme.pk, now=now_of())
    assert done.became == {"automated>human": 4}
    assert {kind for kind, _ in facts(acme)} == {"human"}
    with workspace_scope(acme.pk):
        assert sum(row.points for row in PointEntry.objects.all()) == 15
        assert Activity.objects.filter(kind="clicked").count() == 12, "nothing was changed or deleted"
        assert AuditEntry.objects.filter(action="hits.reclassified").count() == 3
        version = AgreementVersion.objects.get()
    assert score(acme) == pytest.approx(15 * 0.5 ** (1 / version.half_life_days), rel=0.01)


def test_points_the_daily_cap_kept_back_are_earned_when_another_click_falls(
    acme: Any, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, link in enumerate(links):
        hit(link, "Mozilla/5.0 (Farm)" if n == 0 else BROWSER)
        clock.shift(timedelta(minutes=2))
    judged(acme, clock)
    monkeypatch.setitem(
        hits.CLASSIFIERS, 3, lambda f: ("automated", "farm") if "Farm" in f.user_agent else hits.class_v2(f)
    )
    reclassify_hits(workspace_id=acme.pk, now=now_of())
    assert score(acme) == pytest.approx(15, rel=0.01), "the fourth click takes the place of the first"


def test_an_older_version_is_a_comparison_and_decides_nothing(acme: Any, links: list[TrackedLink], clock: Any) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(submitted_at=NOW)
    clock.shift(timedelta(seconds=30))
    hit(links[0])
    assert judged(acme, clock) == ["unsure"]
    out = io.StringIO()
    call_command("reclassify_hits", "-w", "acme", "--version", "1", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert (found["became"], found["facts"]) == ({"unsure>human": 1}, 0)
    assert facts(acme) == [("unsure", links[0].url)]
    with pytest.raises(CommandError, match="no classifier 9"):
        call_command("reclassify_hits", "-w", "acme", "--version", "9")


def test_an_agreement_that_takes_effect_later_gives_no_points_for_corrected_clicks(
    acme: Any, links: list[TrackedLink], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit(links[0])
    judged(acme, clock)
    monkeypatch.setitem(hits.CLASSIFIERS, 3, strict)
    reclassify_hits(workspace_id=acme.pk, now=now_of())
    with workspace_scope(acme.pk):
        version = AgreementVersion.objects.get()
        AgreementVersion.objects.update(state="replaced")
        version.pk, version.number = uuid.uuid4(), 2
        version.save(force_insert=True)
        assert apply_version(version=version, now=now_of()) == 0


def test_hits_whose_lane_was_lost_are_found_by_the_sweep(acme: Any, links: list[TrackedLink], clock: Any) -> None:
    hit(links[0])
    Lane.objects.filter(kind="hits").delete()
    clock.shift(SETTLE)
    assert classify_due_hits(now=now_of()).hits == 0
    with workspace_scope(acme.pk):
        assert sweep_hits(now=now_of()) == 1
    assert classify_due_hits(now=now_of()).hits == 1

"""Feeds are read from a server on loopback: conditionally, each entry once, with patience for failures."""

from datetime import timedelta
from typing import Any

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.signals_sources import LANE, create_source, run_lane, update_source
from prospects.models import Signal, SignalSource
from tests.conftest import NOW
from tests.factories.prospects import make_company
from tests.web_server import WebServer

BY = Actor(source="command")
ITEM = "<item><title>{title}</title><guid>{title}</guid><pubDate>Tue, 03 Mar 2026 09:00:00 GMT</pubDate><description>{text}</description></item>"


def rss(*items: tuple[str, str]) -> str:
    rows = "".join(ITEM.format(title=title, text=text) for title, text in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Paper</title>{rows}</channel></rss>'


def link(url: str) -> str:
    return f"&lt;a href=&quot;{url}&quot;&gt;x&lt;/a&gt;"


def feed(acme: Workspace, url: str, **values: Any) -> SignalSource:
    with workspace_scope(acme.pk):
        return create_source(by=BY, now=NOW, kind="feed", name=values.pop("name", "Paper"), url=url, **values)[0]


def test_a_feed_is_read_conditionally_and_each_entry_is_one_signal(acme: Workspace, server: WebServer) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        make_company("Kite", domain="kite.example")
    server.page(
        "/feed",
        rss(
            ("Lumen raises", link("https://lumen.example/x")),
            ("Two at once", link("https://lumen.example") + link("https://kite.example")),
            ("Kite opens", "no link"),
        ),
        ETag='"v1"',
        Last_Modified="Tue, 03 Mar 2026 09:00:00 GMT",
    )
    source = feed(acme, server.url + "/feed")
    assert Lane.objects.get(kind=LANE).next_due == NOW
    assert run_lane(acme.pk, now=NOW) == NOW + timedelta(hours=1)
    with workspace_scope(acme.pk):
        # By its link, never by its name; of two companies nobody can say which.
        assert {row.title: row.company for row in Signal.objects.select_related("company")} == {
            "Lumen raises": lumen, "Two at once": None, "Kite opens": None,
        }  # fmt: skip
        source.refresh_from_db()
        assert (source.etag, source.polled_at, source.error) == ('"v1"', NOW, "")
    server.page("/feed", "", 304)
    run_lane(acme.pk, now=NOW + timedelta(hours=1))
    asked = server.asked[-1][2]
    assert asked["if-none-match"] == '"v1"' and asked["if-modified-since"].startswith("Tue")
    server.page("/feed", rss(("Lumen raises", ""), ("Fourth", "")))
    run_lane(acme.pk, now=NOW + timedelta(hours=2))
    with workspace_scope(acme.pk):
        assert Signal.objects.count() == 4
        assert SignalSource.objects.get().next_poll_at == NOW + timedelta(hours=3)


def test_a_companys_own_feed_is_about_it_and_words_narrow_it(acme: Workspace, server: WebServer) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
    server.page("/news", rss(("We hire in Porto", ""), ("New office dog", "")))
    feed(acme, server.url + "/news", company=lumen, words=["hire"], signal_kind="hiring")
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        row = Signal.objects.get()
        assert (row.company, row.kind, row.match, row.origin) == (
            lumen,
            "hiring",
            "the company's own feed",
            "feed Paper",
        )


def test_failures_wait_longer_each_time_and_say_why(acme: Workspace, server: WebServer) -> None:
    source = feed(acme, server.url + "/feed", every_minutes=60)
    waits = []
    now = NOW
    for _ in range(6):
        run_lane(acme.pk, now=now)
        with workspace_scope(acme.pk):
            source.refresh_from_db()
        waits.append(int((source.next_poll_at - now).total_seconds() // 3600))  # type: ignore[operator]
        now = source.next_poll_at  # type: ignore[assignment]
    assert waits == [2, 4, 8, 16, 24, 24] and source.failures == 6 and source.error == "The server answered 404."
    server.page("/feed", "<html>Log in</html>")
    run_lane(acme.pk, now=now)
    with workspace_scope(acme.pk):
        source.refresh_from_db()
        assert "no RSS or Atom feed" in source.error
    server.page("/feed", rss())
    run_lane(acme.pk, now=source.next_poll_at)  # type: ignore[arg-type]
    with workspace_scope(acme.pk):
        source.refresh_from_db()
        assert (source.failures, source.error) == (0, "")
        # What is gone for good is not asked again; another address begins anew.
        server.page("/feed", "", 410)
        SignalSource.objects.update(next_poll_at=now)
    run_lane(acme.pk, now=now)
    with workspace_scope(acme.pk):
        source.refresh_from_db()
        assert not source.is_active and "gone for good" in source.error
        update_source(source=source, changes={"url": server.url + "/new", "is_active": True}, by=BY, now=now)
        assert (source.error, source.failures, source.next_poll_at) == ("", 0, now)


def test_two_workers_do_not_read_one_feed_at_once(acme: Workspace, server: WebServer) -> None:
    def while_busy(request: Any) -> Any:
        run_lane(acme.pk, now=NOW)  # another worker, in the middle of the first one's request
        return 200, {}, rss(("Once", "")).encode()

    server.pages["/feed"] = while_busy
    feed(acme, server.url + "/feed")
    run_lane(acme.pk, now=NOW)
    assert server.paths() == ["/feed"]

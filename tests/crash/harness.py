"""The run itself: feed, kill, revive, until enough kills counted; then let it calm down, settle, and judge."""

import contextlib
import json
import os
import random
import smtplib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.core.management import get_commands
from django.db import DatabaseError, InterfaceError, connections

from leadgen.core.services.state import BASE_DIR
from tests.crash.environment import FREEZE_SECONDS, free_port, points_in_code
from tests.crash.oracle import Journal, Oracle
from tests.crash.processes import Crew, until
from tests.crash.proxy import IMAP_TOXICS, SMTP_TOXICS, Proxy
from tests.crash.servers import OwnServers
from tests.crash.sink import post, request, returned_mail, stray_mail

REACH_SECONDS = 12.0  # a point not reached within this does not count
CALM_SECONDS = 60.0  # nothing changed for so long, and something is due: it is stuck
IMPORT_ROWS = 2300  # more than one batch
ENOUGH_WORK = 60
SETTLE_SECONDS, SEARCH_SECONDS, CLASSED_SECONDS = 300.0, 10.0, 18.0
HUMAN_SECONDS = 60.0  # campaigns/rules/hits.py: before that a click is likely a gateway's


class CrashTest:
    """One run. `run()` returns (figures, problems); everything it started is gone then."""

    def __init__(
        self, *, folder: Path, kills: int, seed: int, points: tuple[str, ...], imap: bool, say: Callable[[str], Any]
    ) -> None:
        self.folder, self.kills, self.seed, self.say = folder, kills, seed, say
        self.random = random.Random(seed)
        self.wanted_points, self.with_imap = points, imap
        self.plan = folder / "plan"
        self.counted: Counter[str] = Counter()
        self.not_reached: Counter[str] = Counter()
        self.crossed: Counter[str] = Counter()
        self.imports_made = 0
        self.servers = OwnServers(folder)
        self.oracle = Oracle(self.servers.state.database_url("superuser"))
        self.journal_path = folder / "journal.jsonl"
        self.started = time.monotonic()

    # --- the stage --------------------------------------------------------------------------------------------------
    def run(self) -> tuple[dict[str, Any], list[str]]:
        with contextlib.ExitStack() as stack:
            stack.callback(self.servers.stop)
            self.servers.start()
            self._tell("database is ready")
            self.dovecot = self._dovecot(stack)
            self._sink(stack)
            self._world()
            self._crew(stack)
            self._tell("everything runs")
            self._kill_enough()
            self._tell("enough kills; waiting until nothing is due")
            self._calm()
            self._settle()
            figures, problems = self.oracle.judge(Journal.read(self.journal_path))
            problems += self._imports_are_whole()
        return self._report(figures), problems

    def _tell(self, text: str) -> None:
        self.say(f"{time.monotonic() - self.started:6.1f} s  {text}")

    def _dovecot(self, stack: contextlib.ExitStack) -> Any:
        from tests.dovecot import DOVECOT, running_dovecot

        if not self.with_imap or DOVECOT is None or "sync_mail" not in get_commands():
            return None
        server = stack.enter_context(running_dovecot())
        self.imap_proxy = Proxy(target=("127.0.0.1", server.port), seed=self.seed, name="imap").start()
        stack.callback(self.imap_proxy.stop)
        return server

    def _sink(self, stack: contextlib.ExitStack) -> None:
        """Reserve the sink's port and put the proxy before it; `_world` starts the sink once the endpoints are known."""
        self.sink_port = free_port()
        self.smtp_proxy = Proxy(target=("127.0.0.1", self.sink_port), seed=self.seed, name="smtp").start()
        stack.callback(self.smtp_proxy.stop)
        self.sink: subprocess.Popen[bytes] | None = None
        stack.callback(self._end_sink)

    def _end_sink(self) -> None:
        if self.sink is not None:
            self.sink.kill()
            self.sink.wait()

    def _world(self) -> None:
        from tests.crash.world import make_world

        kinds = ("push", "service", "capped", *(("copies", "appends") if self.dovecot else ()))
        self.world = make_world(
            smtp_port=self.smtp_proxy.port, imap_port=self.imap_proxy.port if self.dovecot else None, kinds=kinds
        )
        config = {
            "port": self.sink_port,
            "service_port": urlsplit(settings.ESP_API_URLS["postmark"]).port,
            "seed": self.seed,
            "journal": str(self.journal_path),
            "endpoints": self.world.endpoints,
            "copying": self.world.of_kind("copies"),
            "imap": self.world.of_kind("copies", "appends"),
            "dovecot": {"root": str(self.dovecot.root), "uid": self.dovecot.uid, "gid": self.dovecot.gid}
            if self.dovecot
            else None,
        }
        path = self.folder / "sink.json"
        path.write_text(json.dumps(config))
        with (self.folder / "sink.log").open("ab") as log:
            self.sink = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.sink", str(path)], cwd=BASE_DIR, stdout=log, stderr=log
            )
        until(lambda: self._pending() is not None, 20, "the sink")

    def _crew(self, stack: contextlib.ExitStack) -> None:
        port = int(settings.SITE_URL.rpartition(":")[2])
        env = os.environ | {"LEADGEN_CRASH_PLAN": str(self.plan)}
        self.crew = Crew(env=env, folder=self.folder, port=port)
        stack.callback(self.crew.stop)
        for name in ("worker0", "worker1", "beat", "web", *(["sync_mail"] if self.dovecot else [])):
            self.crew.start(name)
        until(self._web_answers, 40, "the web server")
        # Beat rings, a worker answers: from here on there is somebody to kill.
        until(self._worker_answers, 60, "a worker")

    # --- killing ----------------------------------------------------------------------------------------------------
    def _points(self) -> Iterator[str]:
        """Points in a shuffled round, with a random kill after every third."""
        known = points_in_code()
        if not self.dovecot:
            known -= {"C12", "C13", "C14"}
        found = sorted(known & set(self.wanted_points) if self.wanted_points else known, key=lambda name: int(name[1:]))
        while True:
            self.random.shuffle(found)
            for number, point in enumerate(found, 1):
                yield point
                if number % 3 == 0 and not self.wanted_points:
                    yield self.random.choice(["worker", "child", "beat", "web"])

    def _kill_enough(self) -> None:
        crosses = ["postgres", "flush", "freeze", "proxy", "valkey", "two beats"]
        self.random.shuffle(crosses)
        for number, point in enumerate(self._points()):
            done = sum(self.counted.values())
            if done >= self.kills or number > 3 * self.kills + 10:
                break
            if number % 2 == 1:
                self._cross(crosses[number // 2 % len(crosses)])
            self._calmly(self.crew.revive)
            reached = self._kill_at(point) if point.startswith("C") else self._kill_at_random(point)
            (self.counted if reached else self.not_reached)[point if point.startswith("C") else f"random {point}"] += 1
            self._tell(f"{point}: {'killed' if reached else 'not reached'}")
        self.plan.unlink(missing_ok=True)

    def _kill_at(self, point: str) -> bool:
        """Arm a point, give work that leads there, and see somebody die of it."""
        hit = self.plan.with_name("plan.hit")
        hit.unlink(missing_ok=True)
        nth = self.random.choice([1, 1, 2, 3, 4]) if point not in {"C1", "C2", "C12", "C15", "C16"} else 1
        draft = self.plan.with_name("plan.new")
        draft.write_text(f"{point}:{nth}")
        draft.rename(self.plan)
        patience = REACH_SECONDS * (2 if point in {"C12", "C13", "C14", "C16"} else 1)  # readers and imports take turns
        deadline, fed = time.monotonic() + patience, 0.0
        while time.monotonic() < deadline:
            if hit.exists():
                hit.unlink()
                self._finish_off()
                return True
            if time.monotonic() - fed > 2.5:
                self._calmly(lambda: self._feed_for(point))
                fed = time.monotonic()
            self._calmly(self.crew.revive)
            time.sleep(0.02)
        self.plan.unlink(missing_ok=True)
        return hit.exists()  # it may have been reached in this very moment

    def _finish_off(self) -> None:
        """A child died at the point; half of the time its parent dies too, with or without the other children."""
        for name in ("worker0", "worker1"):
            draw = self.random.random()
            if draw < 0.15:
                self.crew.kill_parent(name)  # the other child goes on alone for a while
            elif draw < 0.3:
                self.crew.kill_group(name)

    def _kill_at_random(self, kind: str) -> bool:
        """SIGKILL a live process while there is work. False where there was none."""
        self._calmly(lambda: self._feed(2))
        time.sleep(self.random.uniform(0.2, 1.4))
        busy = any(self.oracle.work().values()) or bool(self._pending())
        worker = self.random.choice(["worker0", "worker1"])
        if kind == "worker":
            killed = self.random.choice([self.crew.kill_parent, self.crew.kill_group])(worker)
        elif kind == "child":
            killed = self.crew.kill_child(worker, self.random.randrange(2))
        elif kind == "web":
            killed = self.crew.kill_child("web", 0) if self.random.random() < 0.4 else self.crew.kill_group("web")
        else:
            killed = self.crew.kill_group("beat")
        return killed and busy

    def _cross(self, kind: str) -> None:
        """Something else goes wrong at the same time."""
        self.crossed[kind] += 1
        self._tell(f"cross: {kind}")
        if kind == "postgres":
            self._calmly(lambda: self._feed(2))
            time.sleep(self.random.uniform(0, 0.6))
            connections.close_all()
            self.servers.crash_postgres()
        elif kind == "flush":
            self.servers.flush_valkey()
        elif kind == "valkey":
            self.servers.crash_valkey()
        elif kind == "freeze":
            self._calmly(lambda: self._feed(2))
            time.sleep(self.random.uniform(0.1, 0.9))
            self.crew.freeze(self.random.choice(["worker0", "worker1"]), FREEZE_SECONDS)
        elif kind == "two beats" and "beat2" not in self.crew.running:
            self.crew.start("beat2")
        elif kind == "proxy":
            self.smtp_proxy.toxics, self.smtp_proxy.odds = SMTP_TOXICS, 0.25
            if self.dovecot:
                self.imap_proxy.toxics, self.imap_proxy.odds = IMAP_TOXICS, 0.25

    def _feed(self, each: int, kinds: tuple[str, ...] = ()) -> None:
        from tests.crash.world import feed

        if not kinds and self.oracle.work()["planned"] > ENOUGH_WORK:
            return  # there is plenty on its way to any point
        feed(self.world, each=each, kinds=kinds)

    def _feed_for(self, point: str) -> None:
        from tests.crash.world import start_import

        if point == "C16":
            if self.oracle.work()["imports"]:
                return
            self.imports_made += 1
            start_import(self.world, rows=IMPORT_ROWS, number=self.imports_made)
        elif point in {"C12", "C15"}:
            self._feed(1, ("appends",) if point == "C12" else ("service",))
        else:
            # Only enrolments that begin lead to the first two.
            self._feed(1, ("push", "copies") if point in {"C1", "C2"} else ())
        if point in {"C13", "C14"}:
            for address in self.world.of_kind("copies", "appends"):
                self.dovecot.deliver(address, stray_mail(address))

    def _calmly(self, act: Callable[[], Any]) -> None:
        """Do something in the database although it may be down at the moment."""
        for attempt in range(20):
            try:
                act()
            except (DatabaseError, InterfaceError):
                connections.close_all()
                if attempt == 19:
                    raise
                time.sleep(0.2)
            else:
                return

    # --- afterwards -------------------------------------------------------------------------------------------------
    def _calm(self) -> None:
        """Nothing is armed or broken any more: wait until nothing is due twice in a row."""
        self.smtp_proxy.odds = 0.0
        if self.dovecot:
            self.imap_proxy.odds = 0.0
        calm, seen, deadline = 0, "", time.monotonic() + CALM_SECONDS
        while calm < 3 and time.monotonic() < deadline:
            self.crew.revive()
            self._release_mailboxes()
            work, pending = self.oracle.work(), self._pending()
            calm = calm + 1 if not any(work.values()) and not pending and not self.crew.frozen else 0
            found = f"{work} {pending} {self.oracle.states()}"
            if found != seen:
                seen, deadline = found, time.monotonic() + CALM_SECONDS  # slow is not stuck
            time.sleep(0.4)
        if calm < 3:
            self._tell(f"it did not calm down: {self.oracle.work()}, {self._pending()} reactions to come")

    def _release_mailboxes(self) -> None:
        """What a person would do after a bounce rate or a policy refusal held a mailbox."""
        from campaigns.models import Mailbox
        from leadgen.core.tenancy import workspace_scope

        def release() -> None:
            for workspace_id in self.world.boxes:
                with workspace_scope(workspace_id):
                    Mailbox.objects.filter(state=Mailbox.State.HELD).update(state=Mailbox.State.ACTIVE, state_reason="")

        self._calmly(release)

    def _settle(self) -> None:
        """Until nothing is unknown: evidence first (Sent folder, a click, a bounce), then the default after a day."""
        from tests.crash.settling import settle_by_time

        by_folder = set(self.world.of_kind("copies", "appends")) if self.dovecot else set()
        seen: dict[str, float] = {}
        asked: dict[str, tuple[str, float]] = {}
        started = time.monotonic()
        while time.monotonic() - started < SETTLE_SECONDS:
            unknown = self.oracle.unknown()
            if not unknown:
                return
            journal = {line["id"]: line for line in Journal.read(self.journal_path).accepted}
            proven = [journal[row[2]] for row in unknown if row[2] in journal]
            self._tell(f"{len(unknown)} unknown, the server had accepted {len(proven)} of them")
            if not proven:
                # Nobody reacts and no folder shows them: a day later each is skipped.
                self._calmly(lambda: settle_by_time(self.world))
            for line in proven:
                now, key = time.monotonic(), line["id"]
                if line["sender"] in by_folder and now - seen.setdefault(key, now) < SEARCH_SECONDS:
                    continue  # the Sent search has its time
                kind, when = asked.get(key, ("", 0.0))
                if not kind and line["click"] and time.time() - line["at"] > HUMAN_SECONDS:
                    asked[key] = ("click", now)
                    _open(line["click"])
                elif not kind or now - when > CLASSED_SECONDS:
                    asked[key] = (
                        "bounce",
                        now,
                    )  # a click so early would be taken for a program's, as some later ones are
                    self._bounce(line)
            time.sleep(1.5)
            self._calm()

    def _bounce(self, line: dict[str, Any]) -> None:
        """The recipient's server returns the mail: it is full."""
        raw = returned_mail(line["id"], line["to"], line["sender"])
        if self.dovecot and line["sender"] in self.world.of_kind("copies", "appends"):
            self.dovecot.deliver(line["sender"], raw)
        else:
            post(self.world.endpoints[line["sender"]], raw)

    def _imports_are_whole(self) -> list[str]:
        from tests.crash.world import import_states

        return [
            f"an import is not whole: {found}"
            for found in import_states(self.world)
            if found["state"] != "done" or not found["rows"] == found["done"] == found["people"]
        ]

    def _report(self, figures: dict[str, Any]) -> dict[str, Any]:
        return {
            "kills": sum(self.counted.values()),
            **figures,
            "points": dict(sorted(self.counted.items())),
            "not_reached": dict(self.not_reached),
            "crossed_with": dict(self.crossed),
            "faults": dict(self.smtp_proxy.used + (self.imap_proxy.used if self.dovecot else Counter())),
            "people": self.world.fed,
            "imports": self.imports_made,
            "starts": self.crew.starts,
            "seed": self.seed,
            "seconds": round(time.monotonic() - self.started, 1),
        }

    def _pending(self) -> int | None:
        """Reactions the sink still has to carry out; None where it does not answer."""
        try:
            with smtplib.SMTP("127.0.0.1", self.sink_port, timeout=5) as line:
                _, words = line.docmd("XSTAT")
        except (OSError, smtplib.SMTPException):
            return None
        return int(words.decode().partition("pending=")[2].split()[0])

    def _worker_answers(self) -> bool:
        current_app.send_task("core.heartbeat")
        time.sleep(0.3)
        return self.oracle.number("SELECT count(*) FROM core_heartbeat WHERE name = 'worker'") > 0

    def _web_answers(self) -> bool:
        return _open(f"{settings.SITE_URL}/livez") == 200


def _open(url: str) -> int:
    """GET as a browser would; 0 where nobody answers."""
    return request(
        url, None, {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"}
    )

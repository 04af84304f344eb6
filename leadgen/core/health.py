"""Liveness, readiness, and the facts behind the health dot."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from leadgen.core import clock, restore, secrets
from leadgen.core.models import Heartbeat


def beat(name: str) -> None:
    """Note that a process is alive."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": clock.now()})


@dataclass(frozen=True, slots=True)
class Vitals:
    """Whether a worker answered within two minutes, and why all sending is held ('' where it is not)."""

    workers: bool
    held: str


def vitals() -> Vitals:
    """One statement: every page of the shell asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (SELECT 1 FROM core_heartbeat WHERE name = 'worker' AND at > %s),
                   (SELECT held_reason FROM core_installation WHERE held_at IS NOT NULL)
            """,
            [clock.now() - timedelta(minutes=2)],
        )
        workers, held = cursor.fetchone()
    return Vitals(workers, "" if held is None else held or restore.HELD)


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Database and keys can be used; 503 with the reason otherwise."""
    problems = [secrets.key_problem()] if secrets.key_problem() else []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        problems.append(f"database: {error}")
    return JsonResponse({"ready": not problems, "problems": problems}, status=503 if problems else 200)

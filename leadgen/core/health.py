"""Liveness, readiness, and the facts behind the health dot."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from leadgen.core import clock, secrets
from leadgen.core.models import Heartbeat


def beat(name: str) -> None:
    """Note that a process is alive."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": clock.now()})


def workers_alive() -> bool:
    """Whether a worker answered the beat within two minutes."""
    return Heartbeat.objects.filter(name="worker", at__gt=clock.now() - timedelta(minutes=2)).exists()


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

"""Processes that send the same mails each in its own way: `python -m tests.bench.senders WAY JSON`.

Each gets ready, prints "ready", waits for a line on its input, works, and prints what it did as JSON.
"""

import gc
import json
import os
import smtplib
import sys
import time
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def dispatch(arguments: dict[str, Any]) -> Any:
    """Leadgen's worker: dispatcher turns until nothing of the workspace is left to do."""
    _setup()
    from django.urls import reverse

    from campaigns.actions.dispatch import dispatch_once
    from campaigns.models import Enrolment, Message
    from leadgen.core.tenancy import workspace_scope

    def finished() -> bool:
        with workspace_scope(arguments["workspace"]):
            waiting = Enrolment.objects.filter(state="active", next_at__lte=NOW).exists()
            return not waiting and not Message.objects.filter(state="planned", due_at__lte=NOW).exists()

    # A worker lives for days: connecting and reading the URL configuration is not part of a mail.
    finished()
    reverse("unsubscribe", args=["token"])
    gc.freeze()  # as leadgen.celery does in every worker

    def work() -> dict[str, float]:
        sent, end, sizes = 0, time.monotonic() + 3_000, []
        while time.monotonic() < end:
            turn = dispatch_once(now=NOW, seconds=arguments.get("slice"))
            sent += turn.sent
            sizes.append((sent, _megabytes()))
            if not turn.lanes:
                if finished():
                    break
                time.sleep(0.02)  # a bell rings a worker; it does not ask all day
        quarter = next((size for count, size in sizes if count >= sent / 4), 0.0)
        return {"sent": sent, "quarter": quarter, "end": sizes[-1][1]}

    return work


def _megabytes() -> float:
    """Resident memory of this process now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def hand(arguments: dict[str, Any]) -> Any:
    """The limit: MIME by string formatting, quoted-printable from the C library, smtplib."""
    import binascii

    smtp = smtplib.SMTP("127.0.0.1", arguments["port"])

    def work() -> dict[str, float]:
        for number in range(arguments["count"]):
            text = arguments["text"].replace("Ana", f"Ana{number}")
            html = arguments["html"].replace("Ana", f"Ana{number}")
            mail = arguments["skeleton"].format(
                number=number,
                text=binascii.b2a_qp(text.encode(), istext=True).decode(),
                html=binascii.b2a_qp(html.encode(), istext=True).decode(),
            )
            smtp.sendmail("sam@acme.example", [f"p{number}@c1.example"], mail.encode())
        return {"sent": int(arguments["count"])}

    return work


def django(arguments: dict[str, Any]) -> Any:
    """Django's send_messages over one open connection."""
    _setup()
    from django.core.mail import EmailMultiAlternatives
    from django.core.mail.backends.smtp import EmailBackend

    backend = EmailBackend(
        alias="bench", host="127.0.0.1", port=arguments["port"], username="", password="", use_tls=False
    )

    def work() -> dict[str, float]:
        mails = []
        for number in range(arguments["count"]):
            mail = EmailMultiAlternatives(
                arguments["subject"], arguments["text"], "sam@acme.example", [f"p{number}@c1.example"],
                headers=arguments["headers"],
            )  # fmt: skip
            mail.attach_alternative(arguments["html"], "text/html")
            mails.append(mail)
        return {"sent": backend.send_messages(mails) or 0}

    return work


def post_office(arguments: dict[str, Any]) -> Any:
    """django-post_office with its own two processes. Its mails are queued beforehand: only their delivery is timed."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.post_office_settings"
    os.environ["BENCH_SMTP_PORT"] = str(arguments["port"])
    os.environ["BENCH_DATABASE"] = json.dumps(arguments["database"])
    _setup()
    from django.core.management import call_command
    from post_office import mail

    call_command("migrate", verbosity=0)
    mail.send_many(
        [
            {
                "recipients": f"p{number}@c1.example", "sender": "sam@acme.example", "subject": arguments["subject"],
                "message": arguments["text"], "html_message": arguments["html"], "headers": arguments["headers"],
            }
            for number in range(arguments["count"])
        ]
    )  # fmt: skip

    def work() -> dict[str, float]:
        sent, failed, requeued = mail.send_queued(processes=2)
        assert not failed and not requeued, (sent, failed, requeued)
        return {"sent": sent}

    return work


def _setup() -> None:
    import django as web

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadgen.settings")
    web.setup()


if __name__ == "__main__":
    job = {"dispatch": dispatch, "hand": hand, "django": django, "post_office": post_office}[sys.argv[1]](
        json.loads(sys.argv[2])
    )
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(job()), flush=True)

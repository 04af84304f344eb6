"""Processes that send the same mails each in its own way: `python -m tests.bench.senders WAY JSON`.

Each gets ready, prints "ready", waits for a line on its input, works, and prints how many it sent.
"""

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
    from campaigns.actions.dispatch import dispatch_once
    from campaigns.models import Enrolment, Message
    from leadgen.core.tenancy import workspace_scope

    def finished() -> bool:
        with workspace_scope(arguments["workspace"]):
            waiting = Enrolment.objects.filter(state="active", next_at__lte=NOW).exists()
            return not waiting and not Message.objects.filter(state="planned", due_at__lte=NOW).exists()

    finished()  # connects

    def work() -> int:
        sent, end = 0, time.monotonic() + arguments.get("seconds", 600)
        while time.monotonic() < end:
            turn = dispatch_once(now=NOW)
            sent += turn.sent
            if not turn.lanes:
                if finished():
                    break
                time.sleep(0.002)
        return sent

    return work


def hand(arguments: dict[str, Any]) -> Any:
    """The limit: MIME by string formatting, quoted-printable from the C library, smtplib."""
    import binascii

    smtp = smtplib.SMTP("127.0.0.1", arguments["port"])

    def work() -> int:
        for number in range(arguments["count"]):
            text = arguments["text"].replace("Ana", f"Ana{number}")
            html = arguments["html"].replace("Ana", f"Ana{number}")
            mail = arguments["skeleton"].format(
                number=number,
                text=binascii.b2a_qp(text.encode(), istext=True).decode(),
                html=binascii.b2a_qp(html.encode(), istext=True).decode(),
            )
            smtp.sendmail("sam@acme.example", [f"p{number}@c1.example"], mail.encode())
        return int(arguments["count"])

    return work


def django(arguments: dict[str, Any]) -> Any:
    """Django's send_messages over one open connection."""
    _setup()
    from django.core.mail import EmailMultiAlternatives
    from django.core.mail.backends.smtp import EmailBackend

    backend = EmailBackend(
        alias="bench", host="127.0.0.1", port=arguments["port"], username="", password="", use_tls=False
    )

    def work() -> int:
        mails = []
        for number in range(arguments["count"]):
            mail = EmailMultiAlternatives(
                arguments["subject"], arguments["text"], "sam@acme.example", [f"p{number}@c1.example"],
                headers=arguments["headers"],
            )  # fmt: skip
            mail.attach_alternative(arguments["html"], "text/html")
            mails.append(mail)
        return backend.send_messages(mails) or 0

    return work


def post_office(arguments: dict[str, Any]) -> Any:
    """django-post_office: mails are queued one by one and delivered by its own sender, in an SQLite-free database of its own."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.post_office_settings"
    os.environ["BENCH_SMTP_PORT"] = str(arguments["port"])
    os.environ["BENCH_DATABASE"] = arguments["database"]
    _setup()
    from post_office import mail
    from post_office.mail import send_queued
    from post_office.models import Email

    Email.objects.count()  # connects

    def work() -> int:
        # Due rows to recorded outcomes, as on our side: the texts are rendered and stored, then sent.
        mail.send_many(
            [
                {
                    "recipients": f"p{number}@c1.example", "sender": "sam@acme.example", "subject": arguments["subject"],
                    "message": arguments["text"], "html_message": arguments["html"], "headers": arguments["headers"],
                }
                for number in range(arguments["count"])
            ]
        )  # fmt: skip
        sent, failed, _requeued = (
            send_queued.__wrapped__() if hasattr(send_queued, "__wrapped__") else mail.send_queued()
        )
        assert not failed
        return sent

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
    print(job(), flush=True)

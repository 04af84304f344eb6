"""The Celery app and every periodic job, in one list. Tasks are door bells; the rows are the truth."""

import gc
import os

from celery import Celery
from celery.signals import worker_init, worker_process_init

from leadgen import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadgen.settings")

app = Celery("leadgen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Plain intervals in UTC, in seconds; a second beat does no harm, since each job leases its rows. Settings are not read yet
# when this module is: the two that the crash test shortens come from the environment.
app.conf.beat_schedule = {
    "system-mail": {"task": "accounts.send_system_mail", "schedule": 60.0},
    "api-answers": {"task": "accounts.forget_old_answers", "schedule": 3600.0},
    "imports": {"task": "prospects.run_imports", "schedule": 30.0},
    "fit": {"task": "prospects.score_fit", "schedule": 60.0},
    "segments": {"task": "prospects.refresh_segments", "schedule": 60.0},
    "feeds": {"task": "prospects.poll_feeds", "schedule": 60.0},
    "away": {"task": "prospects.end_absences", "schedule": 60.0},
    "territories": {"task": "prospects.run_territories", "schedule": 30.0},
    "retention": {"task": "prospects.run_retention", "schedule": 300.0},
    "erasures": {"task": "prospects.run_erasures", "schedule": 60.0},
    "bulk": {"task": "prospects.run_bulk", "schedule": 30.0},
    "enrichment": {"task": "prospects.run_enrichment", "schedule": 60.0},
    "finding": {"task": "prospects.run_finding", "schedule": 30.0},
    "duplicates": {"task": "prospects.find_duplicates", "schedule": 30.0},
    "verification": {"task": "prospects.verify_people", "schedule": 30.0},
    "quality": {"task": "prospects.report_quality", "schedule": 300.0},
    "titles": {"task": "prospects.read_titles", "schedule": 60.0},
    "dispatch": {"task": "campaigns.dispatch", "schedule": env.integer("DISPATCH_SECONDS", 5)},
    "sweep-lanes": {"task": "campaigns.sweep_lanes", "schedule": env.integer("SWEEP_SECONDS", 60)},
    "hits": {"task": "campaigns.classify_hits", "schedule": 5.0},
    "signal-lines": {"task": "campaigns.enrol_from_line", "schedule": 60.0},
    "domains": {"task": "campaigns.check_domains", "schedule": 60.0},
    "mail": {"task": "campaigns.read_due_mailboxes", "schedule": 60.0},
    "sweep-mail": {"task": "campaigns.sweep_mail", "schedule": 60.0},
    "heartbeat": {"task": "core.heartbeat", "schedule": 20.0},
}


@worker_init.connect
def refuse_unbound_role(**kwargs: object) -> None:
    """A worker does not start as a role that could see every workspace."""
    from django.core.exceptions import ImproperlyConfigured

    from leadgen.core import database

    try:
        database.refuse_unbound_role()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # Celery logs other exceptions of a receiver and goes on


@worker_init.connect
def notice_restore(**kwargs: object) -> None:
    """A worker that finds its database restored from a backup holds all sending before it takes its first task."""
    from django.db import DatabaseError, connection

    from leadgen.core import clock, restore
    from leadgen.core.logging import log

    try:
        restore.check(now=clock.now())
    except DatabaseError as error:  # not up yet, or not migrated: each turn of the dispatcher asks again
        log.warning("restore_check_failed", error=type(error).__name__)
    finally:
        connection.close()  # before any fork


@worker_process_init.connect
def leave_code_alone(**kwargs: object) -> None:
    """What is loaded when a child starts stays loaded: the collector need not walk it again while batches come and go."""
    gc.collect()
    gc.freeze()

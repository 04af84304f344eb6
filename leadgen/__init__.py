import gc

# First of all, for every program of ours begins here: a start makes hundreds of thousands of objects that stay, and Python's collector
# would look through them again and again meanwhile (a fifth of each start). Garbage in cycles waits a little longer.
gc.set_threshold(50_000, 20, 20)

from leadgen.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]

"""Fixtures around the test services of tests/database.py; a pytest plugin."""

from collections.abc import Iterator

import pytest
import redis

from tests import database


@pytest.fixture(scope="session")
def services(django_db_setup: None) -> database.TestServices:
    """Addresses by role of this worker's database (app, owner, superuser, bypass) and of its number in Valkey.

    A process started by a test needs none of them: they are in its environment already.
    """
    return database.urls()


@pytest.fixture
def valkey(services: database.TestServices) -> Iterator[redis.Redis]:
    """A client of this worker's own number in Valkey, empty before and after."""
    client = redis.Redis.from_url(services.redis)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()

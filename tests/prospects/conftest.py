"""Fixtures of the prospect database's tests."""

from collections.abc import Iterator

import pytest

from tests.web_server import WebServer, web_server


@pytest.fixture
def server() -> Iterator[WebServer]:
    """A web server on loopback, whose pages a test sets."""
    with web_server() as found:
        yield found

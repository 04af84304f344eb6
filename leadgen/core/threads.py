"""The same work several times at once in one process, each with a database connection of its own.

For work that mostly waits (for a server on the network, for the disk): while one thread waits, another goes on.
"""

import threading
from collections.abc import Callable

from django.db import connection, connections


def side_by_side(work: Callable[[], None], count: int) -> None:
    """Run `work` in this thread and in `count` - 1 others, and return when all of them ended.

    Inside a transaction (a test's) it runs once, because other connections could not see what that transaction wrote.
    Raises the first error, after all others came to their end: none is left running and none is swallowed.
    """
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  raised below, in the thread that asked
            errors.append(error)

    def elsewhere() -> None:
        try:
            guarded()
        finally:
            connections.close_all()  # of this thread: nobody else will

    threads = [threading.Thread(target=elsewhere) for _ in range(0 if connection.in_atomic_block else count - 1)]
    for thread in threads:
        thread.start()
    guarded()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]

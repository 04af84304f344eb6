"""Time-ordered keys made outside PostgreSQL, for rows whose id must be known before they are written.

Python 3.13 has no uuid7; the layout is RFC 9562 section 5.7: 48 bits of Unix milliseconds, a 12-bit counter (section 6.2,
method 1), then random bits.
"""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = [0, 0]  # milliseconds and counter of the key made last
# Random bytes for the next keys, drawn many at a time: a call to the kernel gives the interpreter away, and a thread that
# makes a key for each of many rows would wait for it each time.
_random = bytearray()
os.register_at_fork(after_in_child=_random.clear)  # a child must not make its parent's keys


def uuid7() -> uuid.UUID:
    """A fresh UUIDv7: greater than every one this process made before, unguessable in its 62 random bits."""
    with _lock:
        milliseconds = time.time_ns() // 1_000_000
        if milliseconds > _last[0]:
            _last[:] = [milliseconds, 0]
        elif _last[1] < 0xFFF:
            _last[1] += 1
        else:  # more than 4,096 in a millisecond: borrow from the next
            _last[:] = [_last[0] + 1, 0]
        milliseconds, counter = _last
        if not _random:
            _random.extend(os.urandom(8 * 128))
        drawn = int.from_bytes(_random[-8:])
        del _random[-8:]
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | counter << 64
    value |= 0b10 << 62 | drawn & (1 << 62) - 1
    return uuid.UUID(int=value)

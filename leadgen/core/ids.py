"""Time-ordered keys made outside PostgreSQL, for rows whose id must be known before they are written.

Python 3.13 has no uuid7; the layout is RFC 9562 section 5.7: 48 bits of Unix milliseconds, then random bits.
"""

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """A fresh UUIDv7. Ordered to the millisecond, unguessable in its 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | random & (1 << 62) - 1
    return uuid.UUID(int=value)

"""An SMTP sink that costs little: `python -m tests.bench.mail_sink` prints its port and serves until its input ends.

A process a connection, blocking reads of 64 kB, no copy of the mail. The same sink serves value and reference. It offers
PIPELINING, as every mail server of this century does.
"""

import os
import signal
import socket
import sys

HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
END = b"\r\n.\r\n"


def serve(connection: socket.socket) -> None:
    """One conversation; commands may come several in a packet."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"220 sink\r\n")
    buffer, in_mail = b"", False
    while True:
        chunk = connection.recv(65536)
        if not chunk:
            return
        buffer += chunk
        replies = b""
        while buffer:
            if in_mail:
                end = buffer.find(END)
                if end < 0:
                    break
                buffer, in_mail = buffer[end + 5 :], False
                replies += b"250 queued\r\n"
                continue
            line, found, rest = buffer.partition(b"\r\n")
            if not found:
                break
            buffer = rest
            word = line[:4].upper()
            if word == b"DATA":
                in_mail = True
                replies += b"354 go on\r\n"
            elif word == b"QUIT":
                connection.sendall(replies + b"221 bye\r\n")
                return
            else:
                replies += HELLO if word == b"EHLO" else b"250 ok\r\n"
        if replies:
            connection.sendall(replies)


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print(listener.getsockname()[1], flush=True)
    if os.fork() == 0:
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                serve(connection)
                os._exit(0)
            connection.close()
    listener.close()
    sys.stdin.read()
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main()

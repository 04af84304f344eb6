"""A TCP proxy with the faults of a network: latency, silence, reset, a cut after so many bytes (after Toxiproxy)."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass

LINGER_RESET = struct.pack("ii", 1, 0)  # close() then sends RST


@dataclass(frozen=True, slots=True)
class Toxic:
    """`kind`: latency (seconds `amount` before each chunk), timeout (nothing passes any more, the line stays open),
    reset_peer (RST after `amount` bytes of an answer), limit_data (close after `amount` bytes towards the server)."""

    kind: str
    amount: float = 0


class Proxy:
    """Listens on `port` for `target`; each new connection draws one of `toxics`, or none, with `odds`."""

    def __init__(self, *, target: tuple[str, int], seed: int, name: str) -> None:
        self.target, self.name = target, name
        self.port = 0
        self.odds = 0.0
        self.toxics: list[Toxic] = []
        self.used: Counter[str] = Counter()
        self._random = random.Random(f"{seed}:{name}")
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{name}", daemon=True)

    def start(self) -> "Proxy":
        self._thread.start()
        self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))  # transports say good-bye in the next round
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        toxic = self._random.choice(self.toxics) if self.toxics and self._random.random() < self.odds else None
        if toxic:
            self.used[toxic.kind] += 1
        try:
            server_reader, server_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        up = asyncio.create_task(self._pipe(reader, server_writer, toxic, upward=True))
        down = asyncio.create_task(self._pipe(server_reader, writer, toxic, upward=False))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hang_up(writer, server_writer, toxic)
            for task in (up, down):
                task.cancel()

    def _hang_up(self, writer: asyncio.StreamWriter, server_writer: asyncio.StreamWriter, toxic: Toxic | None) -> None:
        if toxic and toxic.kind == "reset_peer":
            sock: socket.socket | None = writer.get_extra_info("socket")
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        for end in (writer, server_writer):
            with contextlib.suppress(OSError):
                end.close()

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, toxic: Toxic | None, *, upward: bool
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                passed += len(data)
                if toxic is not None:
                    if toxic.kind == "latency":
                        await asyncio.sleep(toxic.amount)
                    if toxic.kind == "timeout" and upward and passed > toxic.amount:
                        # Silent for good: what comes is swallowed until the client hangs up. Held back and passed on an hour
                        # later (as it was) a mail would arrive that its sender has long since called unknown.
                        while await reader.read(65536):
                            pass
                        return
                    if toxic.kind == "reset_peer" and not upward and passed > toxic.amount:
                        return
                    if toxic.kind == "limit_data" and upward and passed > toxic.amount:
                        writer.write(data[: max(0, len(data) - (passed - int(toxic.amount)))])
                        await writer.drain()
                        return
                writer.write(data)
                await writer.drain()


SMTP_TOXICS = [
    Toxic("latency", 0.05),
    Toxic("timeout", 0),
    Toxic("timeout", 400),
    Toxic("reset_peer", 60),
    Toxic("reset_peer", 300),
    Toxic("reset_peer", 500),
    Toxic("limit_data", 200),
    Toxic("limit_data", 1500),
    Toxic("limit_data", 9000),
]
IMAP_TOXICS = [Toxic("latency", 0.05), Toxic("reset_peer", 200), Toxic("reset_peer", 2000), Toxic("limit_data", 300)]

"""Ask name servers, with a time limit; every failure is an answer in words, never an exception."""

import time
from collections.abc import Callable
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
import dns.resolver
import idna
from django.conf import settings

TIMEOUT = 3.0  # one server's answer
LIFETIME = 6.0  # one question, all servers and retries
BUDGET = 60.0  # one domain's whole check


class DnsAnswer(NamedTuple):
    """`status`: found, none, nxdomain or error, as campaigns.rules.findings.Answer has it."""

    status: str
    records: tuple[str, ...] = ()
    words: str = ""


class DnsLookup:
    """Callable (name, type) -> DnsAnswer; remembers what it asked. One for each check, so that nothing old is reported.

    `settings.DNS_SERVERS` ("address" or "address:port") are asked; where it is empty, those of the machine.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory: dict[tuple[str, str], DnsAnswer] = {}
        self._clock, self._until = clock, clock() + BUDGET
        self._resolver: dns.resolver.Resolver | None = None
        self._problem = ""
        try:
            self._resolver = _resolver(settings.DNS_SERVERS)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            self._problem = f"this server has no name server to ask ({error})"

    def __call__(self, name: str, kind: str) -> DnsAnswer:
        key = (name.lower().rstrip("."), kind.upper())
        if key not in self._memory:
            self._memory[key] = self._ask(*key)
        return self._memory[key]

    def _ask(self, name: str, kind: str) -> DnsAnswer:
        if self._resolver is None:
            return DnsAnswer("error", words=self._problem)
        if self._clock() > self._until:
            return DnsAnswer("error", words=f"the check took longer than {BUDGET:.0f} seconds")
        try:
            found = self._resolver.resolve(dns.name.from_text(name), kind, search=False, raise_on_no_answer=True)
        except dns.resolver.NXDOMAIN:
            return DnsAnswer("nxdomain")
        except dns.resolver.NoAnswer:
            return DnsAnswer("none")
        except dns.resolver.LifetimeTimeout:
            return DnsAnswer("error", words=f"no answer within {LIFETIME:.0f} seconds")
        except dns.resolver.NoNameservers as error:
            codes = {str(entry[3]) for entry in error.kwargs.get("errors", ()) if len(entry) > 3}
            return DnsAnswer(
                "error", words=f"the name server failed ({', '.join(sorted(codes)) or 'no reason given'})"[:200]
            )
        except (dns.exception.DNSException, idna.IDNAError, OSError, UnicodeError) as error:
            return DnsAnswer("error", words=f"{type(error).__name__}: {error}"[:200])
        # Sorted: servers answer in any order, and a stored record should only differ where it changed.
        return DnsAnswer("found", tuple(sorted(_text(row) for row in found)))


def _resolver(servers: list[str]) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        addresses = [server.rpartition(":") if server.count(":") == 1 else ("", "", server) for server in servers]
        resolver.nameservers = [host or port for host, _, port in addresses]
        ports = {int(port) for host, _, port in addresses if host}
        if ports:
            resolver.port = ports.pop()
    resolver.timeout, resolver.lifetime = TIMEOUT, LIFETIME
    resolver.use_edns(0, 0, 1232)  # a DKIM key needs more than 512 bytes; what is larger still comes over TCP
    return resolver


def _text(row: dns.rdata.Rdata) -> str:
    if row.rdtype == dns.rdatatype.TXT:
        # One record may be split into strings of 255 bytes: they are joined without anything between them.
        return b"".join(row.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]  # of TXT
    if row.rdtype == dns.rdatatype.MX:
        return f"{row.preference} {str(row.exchange).rstrip('.') or '.'}"  # type: ignore[attr-defined]  # of MX
    return row.to_text().rstrip(".")

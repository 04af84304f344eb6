"""Where the server may connect to. A host typed by a user must be public, on a mail port (on 80 or 443 for the web: `web`),
or on the operator's allow list.

Otherwise a mailbox form would be a scanner of the operator's own network (ASVS 1.3.6).
"""

import ipaddress
import socket

from django.conf import settings

from leadgen.core.errors import Invalid

MAIL_PORTS = {25, 465, 587, 2525, 143, 993}
WEB_PORTS = {80, 443}


def is_allowed(host: str) -> bool:
    """Whether the operator named this host as usable although it is not public."""
    return host.lower() in {allowed.lower() for allowed in settings.MAIL_HOST_ALLOW}


def is_public(address: str) -> bool:
    """Global unicast, with IPv4 inside IPv6 (mapped, 6to4, NAT64) unwrapped."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.sixtofour is not None:
            ip = ip.sixtofour
        elif ip in ipaddress.ip_network("64:ff9b::/96"):
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


def check_mail_name(host: str, port: int) -> None:
    """What can be said about a host without the network: raises Invalid for a port that carries no mail, or a private
    address typed as such. Its name is looked up when a connection is made (`open_connection`)."""
    if is_allowed(host):
        return
    if port not in MAIL_PORTS:
        raise Invalid(f"Port {port} is not a mail port. Use 587, 465 or 25.", field="port")
    try:
        private = not is_public(host)
    except ValueError:  # a name, not an address
        private = host.lower().rstrip(".").rpartition(".")[2] in {"localhost", "internal", "local", ""}
    if private:
        raise _inside(host)


def check_mail_host(host: str, port: int) -> None:
    """Raises Invalid unless every address of `host` is public and `port` is a mail port, or the operator allows the host.

    Asks the name server: never inside a transaction.
    """
    _public_addresses(host, port)


def open_connection(host: str, port: int, timeout: float | None) -> socket.socket:
    """A TCP connection to an address that was checked: a name that changes its answer between two look-ups gains nothing.

    Raises Invalid as check_mail_host does, OSError where no address answers.
    """
    if is_allowed(host):
        return socket.create_connection((host, port), timeout)
    return _connect(host, _public_addresses(host, port), port, timeout)


def is_web_allowed(host: str, port: int) -> bool:
    """Whether the operator named this web server ("host" or "host:port") as usable although it is not public."""
    allowed = {entry.lower() for entry in settings.WEB_HOST_ALLOW}
    return host.lower() in allowed or f"{host.lower()}:{port}" in allowed


def check_web_name(host: str, port: int) -> None:
    """What can be said about a web server without the network: raises Invalid for a port that is none of the web's, or a
    private address typed as such."""
    if is_web_allowed(host, port):
        return
    if port not in WEB_PORTS:
        raise Invalid(f"Port {port} is not a port of the web. Use https without a port.", field="url")
    if _sounds_private(host):
        raise _inside_web(host)


def open_web_connection(host: str, port: int, timeout: float | None) -> socket.socket:
    """As `open_connection`, to a web server: `web.fetch` is the one caller."""
    check_web_name(host, port)
    if is_web_allowed(host, port):
        return socket.create_connection((host, port), timeout)
    found = _look_up(host, port, field="url")
    if not all(is_public(address) for address in found):
        raise _inside_web(host)
    return _connect(host, found, port, timeout)


def _connect(host: str, addresses: list[str], port: int, timeout: float | None) -> socket.socket:
    error: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as failed:
            error = failed
    raise error or OSError(f"{host} has no address")


def _sounds_private(host: str) -> bool:
    """Whether a host is a private address, or a name that can only be one."""
    try:
        return not is_public(host)
    except ValueError:  # a name, not an address
        return host.lower().rstrip(".").rpartition(".")[2] in {"localhost", "internal", "local", ""}


def _public_addresses(host: str, port: int) -> list[str]:
    check_mail_name(host, port)
    if is_allowed(host):
        return []
    found = _look_up(host, port, field="host")
    if not all(is_public(address) for address in found):
        raise _inside(host)
    return found


def _look_up(host: str, port: int, *, field: str) -> list[str]:
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise Invalid(f"{host} has no address: {error.strerror or error}. Check the spelling.", field=field) from error
    return list(dict.fromkeys(found))


def _inside(host: str) -> Invalid:
    return Invalid(
        f"{host} is inside a private network. Your operator can allow it with MAIL_HOST_ALLOW.", field="host"
    )


def _inside_web(host: str) -> Invalid:
    return Invalid(f"{host} is inside a private network. Your operator can allow it with WEB_HOST_ALLOW.", field="url")

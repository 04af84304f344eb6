"""Where the server may connect to. A host typed by a user must be public, on a mail port, or on the operator's allow list.

Otherwise a mailbox form would be a scanner of the operator's own network (ASVS 1.3.6).
"""

import ipaddress
import socket

from django.conf import settings

from leadgen.core.errors import Invalid

MAIL_PORTS = {25, 465, 587, 2525, 143, 993}


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


def check_mail_host(host: str, port: int) -> None:
    """Raises Invalid unless every address of `host` is public and `port` is a mail port, or the operator allows the host."""
    if is_allowed(host):
        return
    if port not in MAIL_PORTS:
        raise Invalid(f"Port {port} is not a mail port. Use 587, 465 or 25.", field="port")
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise Invalid(f"{host} has no address: {error.strerror or error}. Check the spelling.", field="host") from error
    if not all(is_public(address) for address in found):
        raise Invalid(
            f"{host} is inside a private network. Your operator can allow it with MAIL_HOST_ALLOW.", field="host"
        )

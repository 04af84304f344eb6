"""Mail providers as data: their servers, how one logs in there, and what has to be switched on before it works.

Facts of the providers' own help pages as of 2026-11; a server's answer always counts more than this table.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """`security` is none, starttls or tls."""

    host: str
    port: int
    security: str


@dataclass(frozen=True, slots=True)
class Provider:
    """`auth`: ways to log in, the best first. `copies`: it puts mail sent over SMTP into the Sent folder itself.

    `login_hint` says what is needed where the account's own password does not work; `hosts` are further names under
    which its servers answer, to which one of its passwords or tokens may go.
    """

    key: str
    label: str
    smtp: Server
    imap: Server
    auth: tuple[str, ...] = ("password",)
    domains: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    copies: bool = False
    login_hint: str = ""
    imap_hint: str = ""


APP_LOGIN = "The account’s own password does not work here. Make an app password: "

PROVIDERS: dict[str, Provider] = {
    provider.key: provider
    for provider in (
        Provider(
            "google", "Gmail, Google Workspace",
            Server("smtp.gmail.com", 587, "starttls"), Server("imap.gmail.com", 993, "tls"),
            auth=("google", "password"), domains=frozenset({"gmail.com", "googlemail.com"}), copies=True,
            hosts=frozenset({"smtp-relay.gmail.com"}),
            login_hint=APP_LOGIN + "Google account › Security › 2-Step Verification › App passwords. "
            "Or connect with Google instead.",
            imap_hint="In a Workspace the administrator must allow IMAP: Admin console › Apps › Gmail › End User Access.",
        ),
        Provider(
            "microsoft", "Microsoft 365, Outlook",
            Server("smtp.office365.com", 587, "starttls"), Server("outlook.office365.com", 993, "tls"),
            auth=("microsoft", "password"), copies=True,
            domains=frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"}),
            hosts=frozenset({"smtp-mail.outlook.com", "imap-mail.outlook.com"}),
            login_hint="Microsoft switches log-in by password off. Connect with Microsoft instead; authenticated SMTP must be "
            "allowed for the mailbox: Microsoft 365 admin center › Users › Mail › Manage email apps › Authenticated SMTP.",
            imap_hint="IMAP must be allowed for the mailbox: Microsoft 365 admin center › Users › Mail › Manage email apps.",
        ),
        Provider(
            "yahoo", "Yahoo, AOL",
            Server("smtp.mail.yahoo.com", 465, "tls"), Server("imap.mail.yahoo.com", 993, "tls"),
            domains=frozenset({"yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "ymail.com", "aol.com"}), copies=True,
            login_hint=APP_LOGIN + "Yahoo account › Security › Generate app password.",
        ),
        Provider(
            "fastmail", "Fastmail",
            Server("smtp.fastmail.com", 465, "tls"), Server("imap.fastmail.com", 993, "tls"),
            domains=frozenset({"fastmail.com", "fastmail.fm"}),
            login_hint=APP_LOGIN + "Fastmail › Settings › Privacy & Security › Manage app passwords.",
        ),
        Provider(
            "zoho", "Zoho Mail",
            Server("smtppro.zoho.com", 465, "tls"), Server("imappro.zoho.com", 993, "tls"),
            domains=frozenset({"zoho.com", "zohomail.com"}), copies=True,
            hosts=frozenset({"smtp.zoho.com", "imap.zoho.com", "smtp.zoho.eu", "imap.zoho.eu", "smtppro.zoho.eu", "imappro.zoho.eu"}),
            login_hint="With two-factor log-in an app password is needed: Zoho account › Security › App passwords. Accounts in "
            "Europe use smtppro.zoho.eu and imappro.zoho.eu.",
            imap_hint="IMAP is off until it is allowed: Zoho Mail › Settings › Mail Accounts › IMAP.",
        ),
        Provider(
            "icloud", "iCloud Mail",
            Server("smtp.mail.me.com", 587, "starttls"), Server("imap.mail.me.com", 993, "tls"),
            domains=frozenset({"icloud.com", "me.com", "mac.com"}),
            login_hint=APP_LOGIN + "account.apple.com › Sign-In and Security › App-Specific Passwords.",
        ),
        Provider(
            "ionos", "IONOS",
            Server("smtp.ionos.com", 587, "starttls"), Server("imap.ionos.com", 993, "tls"),
            hosts=frozenset({"smtp.ionos.de", "imap.ionos.de", "smtp.ionos.co.uk", "imap.ionos.co.uk", "smtp.ionos.fr", "imap.ionos.fr"}),
            login_hint="The user name is the whole address, and the password that of the mailbox, not that of the contract.",
        ),
    )
}  # fmt: skip

OWN = "own"
CHOICES = [("", "By the address"), *((p.key, p.label) for p in PROVIDERS.values()), (OWN, "Another server")]


def provider_of_address(address: str) -> Provider | None:
    """The provider an address shows by itself; a company's own domain shows none."""
    domain = address.rpartition("@")[2].strip().lower()
    return next((p for p in PROVIDERS.values() if domain in p.domains), None)


def provider_of_host(host: str) -> Provider | None:
    """Whose server this is, or None."""
    name = host.strip().lower().rstrip(".")
    return next((p for p in PROVIDERS.values() if name in {p.smtp.host, p.imap.host} | p.hosts), None)


def same_house(one: str, other: str) -> bool:
    """Whether two hosts are one, or servers of one known provider: a password given for one may be used with the other."""
    left, right = one.strip().lower().rstrip("."), other.strip().lower().rstrip(".")
    if left == right:
        return True
    provider = provider_of_host(left)
    return provider is not None and provider is provider_of_host(right)


def preset(provider: Provider, address: str) -> dict[str, object]:
    """What the mailbox form starts with for this provider."""
    return {
        "provider": provider.key, "route": "smtp", "auth": provider.auth[0], "username": address,
        "host": provider.smtp.host, "port": provider.smtp.port, "security": provider.smtp.security,
        "sync": "imap", "imap_host": provider.imap.host, "imap_port": provider.imap.port,
        "imap_security": provider.imap.security, "copy_to_sent": not provider.copies,
    }  # fmt: skip

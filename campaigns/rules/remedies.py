"""What to do about a connection that failed, out of the server's words and whose server it is."""

import re

from campaigns.rules.providers import provider_of_host

# (pattern in the words, remedy), the first that fits. `host` None: anybody's server.
WORDS: list[tuple[str, str]] = [
    (
        r"5\.7\.139|SmtpClientAuthentication is disabled|basic authentication is disabled",
        "Microsoft 365 has switched log-in by password off for this mailbox. Choose “Microsoft (OAuth)”, and have Authenticated "
        "SMTP allowed for it: Microsoft 365 admin center › Users › Active users › Mail › Manage email apps.",
    ),
    (
        r"5\.7\.9\b|application-specific password|app(lication)? password (is )?required",
        "The provider wants an app password instead of the account’s own.",
    ),
    (
        r"must issue a STARTTLS|5\.7\.0 .*STARTTLS|requires? (TLS|encryption|a secure)",
        "The server wants encryption first. Choose STARTTLS with port 587, or TLS with port 465.",
    ),
    (
        r"wrong version number|WRONG_VERSION_NUMBER|does not speak TLS",
        "This port does not begin with TLS. Choose STARTTLS with port 587 (IMAP: 143), or TLS with port 465 (IMAP: 993).",
    ),
    (
        r"STARTTLS",
        "The server offers no STARTTLS on this port. Choose TLS with port 465 (IMAP: 993).",
    ),
    (r"not enabled|IMAP access (is )?disabled|IMAP is disabled", "IMAP is switched off for this account. Switch it on at the provider."),
    (r"too many|rate|try again later|4\.7\.0", "The server asks to wait. Test again in a quarter of an hour."),
]  # fmt: skip
STEPS = {
    "name": "Check the spelling of the server’s name. A server inside your own network has to be allowed by your operator "
    "(MAIL_HOST_ALLOW).",
    "connection": "Check the port: 587 (STARTTLS) or 465 (TLS) to send, 993 (TLS) to read. Many networks block port 25.",
    "tls": "Use the server’s name as your provider gives it: the certificate is made out to that name.",
    "login": "Check user name and password. The user name is often the whole address.",
    "folders": "The log-in works, but the folders cannot be listed. Ask your provider whether IMAP is allowed for this account.",
    "consent": "Press “Connect” again and agree with the account of this very address.",
    "key": "Copy the key again from the service, and check that it may send for this domain.",
}


def remedy(*, step: str, words: str, host: str, by_token: bool = False) -> str:
    """What a person should do. `step`: name, connection, tls, login, folders, consent or key."""
    text = " ".join(words.split())
    if step in {"login", "tls", "connection"}:
        for pattern, advice in WORDS:
            # What is said about encryption at the log-in is no matter of the certificate, and the other way round.
            if re.search(pattern, text, re.IGNORECASE):
                return _with_hint(advice, host) if "app password" in advice else advice
    if step == "login" and by_token:
        return (
            "Press “Connect” again and agree with the account of this very address. Its administrator must allow SMTP and IMAP "
            "for it."
        )
    if step == "login":
        return _with_hint(STEPS["login"], host)
    return STEPS[step]


def _with_hint(advice: str, host: str) -> str:
    provider = provider_of_host(host)
    return provider.login_hint if provider and provider.login_hint else advice

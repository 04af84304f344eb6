"""OAuth 2 with a mail provider: consent by authorization code with PKCE, tokens, refresh, and the XOAUTH2 log-in line.

Requests go to the addresses in settings only (https; http on loopback for tests), without redirects and proxies of the
environment. Nothing here knows of rows.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from leadgen.core import egress

TIMEOUT = (10.0, 20.0)
# The grant is gone or was never good: only a person can give a new one (RFC 6749 section 5.2, OpenID Connect core 3.1.2.6).
GONE = {"invalid_grant", "interaction_required", "consent_required", "login_required", "access_denied"}


class GrantRefused(Exception):
    """The provider no longer takes this consent: somebody has to connect the mailbox again."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ProviderUnavailable(Exception):
    """No usable answer now, or the operator's client is set up wrongly: worth another try, the consent still stands."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """This installation as the provider knows it. `extra` are parameters of the consent page."""

    provider: str
    label: str
    client_id: str
    client_secret: str
    authorize_url: str
    token_url: str
    scope: str
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tokens:
    """`refresh_token` '' where the provider keeps the old one; `expires_in` in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str = ""
    scope: str = ""


def xoauth2_string(user: str, token: str) -> str:
    """The SASL XOAUTH2 initial response, not yet base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def new_verifier() -> str:
    """A PKCE code verifier (RFC 7636 section 4.1): 43 characters."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """Its S256 challenge."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def consent_url(client: OAuthClient, *, redirect_uri: str, state: str, verifier: str, address: str) -> str:
    """Where the browser goes so that the mailbox's owner may agree."""
    query = {
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": client.scope,
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "login_hint": address,
        **client.extra,
    }
    return f"{client.authorize_url}?{urlencode(query)}"


def exchange_code(client: OAuthClient, *, code: str, verifier: str, redirect_uri: str) -> Tokens:
    """Tokens for a consent that was just given. Raises GrantRefused and ProviderUnavailable."""
    return _ask(
        client,
        {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": redirect_uri},
    )


def refresh(client: OAuthClient, *, refresh_token: str) -> Tokens:
    """A new access token; Microsoft gives a new refresh token with each. Raises GrantRefused and ProviderUnavailable."""
    return _ask(client, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def _ask(client: OAuthClient, form: Mapping[str, str]) -> Tokens:
    credentials = {"client_id": client.client_id, "client_secret": client.client_secret}
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no .netrc of the environment
            answer = session.post(
                checked_url(client.token_url),
                data={**form, **credentials},
                headers={"Accept": "application/json"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            body = _object(answer)
    except requests.RequestException as error:
        raise ProviderUnavailable(f"{client.label} did not answer: {type(error).__name__}.") from error
    if answer.status_code == 200 and body.get("access_token"):
        return Tokens(
            access_token=str(body["access_token"]),
            expires_in=_seconds(body.get("expires_in")),
            refresh_token=str(body.get("refresh_token") or ""),
            scope=str(body.get("scope") or ""),
        )
    code = str(body.get("error") or "")
    words = " ".join(str(body.get("error_description") or code or f"HTTP {answer.status_code}").split())[:200]
    if code in GONE:
        raise GrantRefused(f"{client.label} does not accept the consent any more: {words}")
    if code in {"invalid_client", "unauthorized_client"}:
        raise ProviderUnavailable(
            f"{client.label} does not accept this installation’s client: {words}. Tell your operator."
        )
    raise ProviderUnavailable(f"{client.label} gave no token: {words}")


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        body = json.loads(answer.content[:65_536])
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(value: object) -> int:
    """Lifetime of an access token; an hour where the provider does not say."""
    try:
        return max(int(str(value)), 0)
    except ValueError:
        return 3600


def checked_url(url: str) -> str:
    """The address itself if it may be asked: https, or a host the operator allows. Raises ProviderUnavailable."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and egress.is_allowed(parts.hostname or "")):
        raise ProviderUnavailable(f"{url} is not an https address.")
    return url

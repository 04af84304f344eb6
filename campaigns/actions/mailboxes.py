"""Mailboxes: create, change and the inbound key; their states are in actions.health, their test in mailbox_checks."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.permissions import refuse_owner
from campaigns.actions.health import begin_ramp, pace_changed
from campaigns.actions.inbound import new_key
from campaigns.actions.mailbox_secrets import opened_dict, sealed_for
from campaigns.actions.mailsync import reading_changed
from campaigns.actions.oauth import client_problem
from campaigns.models import Mailbox
from campaigns.rules.mailboxes import clean_mailbox
from campaigns.rules.providers import same_house
from campaigns.rules.tokens import public_token
from campaigns.transports.esp_proof import check_key
from campaigns.transports.services import check_settings, service_of
from leadgen.core import secrets
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import current_workspace_id

SMTP_FIELDS = ("route", "auth", "host", "port", "security", "username", "esp")
IMAP_FIELDS = ("sync", "imap_host", "imap_port", "imap_security", "imap_username", "copy_to_sent")
PACE_FIELDS = (
    "daily_cap", "min_gap_seconds", "gap_jitter_seconds", "domain_cap", "weight",
    "window_start", "window_end", "window_weekdays", "time_zone",
)  # fmt: skip
FIELDS = ("address", "from_name", "member", *SMTP_FIELDS, *IMAP_FIELDS, "signature", *PACE_FIELDS)
# What goes in and never comes out; None keeps the stored one.
SECRETS = ("password", "imap_password", "esp_key", "esp_secret", "webhook_key")
ESP_SETTINGS = ("esp_domain", "esp_region")  # sealed with the key, but shown
CONNECTION = {*SMTP_FIELDS, *IMAP_FIELDS, *SECRETS, *ESP_SETTINGS} - {"copy_to_sent", "webhook_key"}
AGAIN = "Type the password again: it is only used with the server it was given for."


def create_mailbox(*, by: Actor, now: datetime, warmed_up: str = "", **values: Any) -> Mailbox:
    """A new sending identity out of FIELDS, SECRETS and ESP_SETTINGS; its secrets are sealed, its inbound key made.

    It starts warming up at 5 a day, unless `warmed_up` says how one knows that it needs no ramp: audited. Raises Invalid
    and Conflict (field named).
    """
    fields, given = _split(values)
    mailbox = Mailbox(id=uuid4(), workspace_id=current_workspace_id(), created_at=now)
    for name, value in clean_mailbox({name: getattr(mailbox, name) for name in FIELDS} | fields).items():
        setattr(mailbox, name, value)
    refuse_owner(mailbox.member, field="member")
    _check_auth(mailbox, True)
    mailbox.password_sealed = sealed_for(mailbox, "password", given.get("password") or "")
    mailbox.imap_password_sealed = sealed_for(mailbox, "imap_password", given.get("imap_password") or "")
    mailbox.inbound_sealed = sealed_for(mailbox, "inbound", new_key())
    _service(mailbox, given, changed=True)
    warmed_up = " ".join(warmed_up.split())[:250]
    if warmed_up:
        mailbox.ramp_reason = f"warmed up elsewhere: {warmed_up}"
    else:
        begin_ramp(mailbox=mailbox, now=now)
    _save(mailbox, force_insert=True)
    detail = {"host": mailbox.host or mailbox.esp, "route": mailbox.route, "auth": mailbox.auth}
    detail |= {"warmed_up": warmed_up} if warmed_up else {}
    write_audit(by=by, action="mailbox.created", now=now, target=mailbox, detail=detail)
    reading_changed(mailbox=mailbox, changed=set(), now=now)
    return mailbox


def update_mailbox(
    *, mailbox: Mailbox, changes: Mapping[str, Any], by: Actor, now: datetime, **secrets_given: str | None
) -> list[str]:
    """Change FIELDS and what is sealed; a secret that is None or missing keeps the old one. Returns names of what changed."""
    fields, given = _split(dict(changes) | secrets_given)
    before = {name: getattr(mailbox, name) for name in FIELDS}
    columns = mailbox._meta.concrete_fields
    row = {column.attname: getattr(mailbox, column.attname) for column in columns}
    cleaned = clean_mailbox(before | fields)
    changed = [name for name, value in cleaned.items() if before[name] != value]
    refuse_owner(cleaned.get("member"), had=mailbox.member_id, field="member")
    keeps = _passwords_kept(mailbox, cleaned, given)
    for name in changed:
        setattr(mailbox, name, cleaned[name])
    _check_auth(mailbox, "auth" in changed)
    if "auth" in changed and mailbox.oauth_sealed:
        mailbox.oauth_sealed, mailbox.oauth_expires_at = "", None
    for column in ("password", "imap_password"):
        typed = given.get(column)
        if typed is not None:
            setattr(mailbox, f"{column}_sealed", sealed_for(mailbox, column, typed))
            changed.append(column)
        elif column not in keeps and getattr(mailbox, f"{column}_sealed"):
            setattr(mailbox, f"{column}_sealed", "")
            changed.append(column)
    changed += _service(mailbox, given, changed="esp" in changed)
    if changed:
        if CONNECTION & set(changed):
            # The last test told of another server or log-in.
            mailbox.check_ok, mailbox.check_words, mailbox.checked_at, mailbox.check_steps = None, "", None, []
        # Only what was changed: a sender counts on this row meanwhile, and a token may be renewed.
        _save(mailbox, update_fields=[c.name for c in columns if getattr(mailbox, c.attname) != row[c.attname]])
        write_audit(by=by, action="mailbox.changed", now=now, target=mailbox, detail={"fields": changed})
        pace_changed(mailbox=mailbox, changed=set(changed), now=now)
        reading_changed(mailbox=mailbox, changed=set(changed), now=now)
    return changed


def _split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    unknown = set(values) - {*FIELDS, *SECRETS, *ESP_SETTINGS}
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    sealed = {*SECRETS, *ESP_SETTINGS}
    return (
        {name: value for name, value in values.items() if name not in sealed},
        {name: value for name, value in values.items() if name in sealed and value is not None},
    )


def _passwords_kept(mailbox: Mailbox, new: Mapping[str, Any], given: Mapping[str, Any]) -> set[str]:
    """Which stored passwords still go only where they were given for. Raises Invalid where one in use would go elsewhere.

    Otherwise whoever may edit a mailbox could have its password sent to a server of their own.
    """
    by_password = new["auth"] == Mailbox.Auth.PASSWORD
    reads = new["sync"] == Mailbox.Sync.IMAP
    kept = {"password", "imap_password"}
    if mailbox.imap_password_sealed and given.get("imap_password") is None:
        moved = not same_house(mailbox.imap_host, new["imap_host"]) or mailbox.imap_username != new["imap_username"]
        if moved and by_password and reads:
            raise Invalid(AGAIN, field="imap_password")
        if moved:
            kept.discard("imap_password")
    own = bool(given.get("imap_password", "imap_password" in kept and mailbox.imap_password_sealed))
    if not mailbox.password_sealed or given.get("password") is not None:
        return kept
    if not same_house(mailbox.host, new["host"]) or mailbox.username != new["username"]:
        if by_password and (new["route"] == Mailbox.Route.SMTP or (reads and not own)):
            raise Invalid(AGAIN, field="password")
        kept.discard("password")
    # Without a password of its own, IMAP is read with that of SMTP: its server must be known to go with it.
    was_read = (
        mailbox.sync == Mailbox.Sync.IMAP and mailbox.auth == Mailbox.Auth.PASSWORD and not mailbox.imap_password_sealed
    )
    before = (mailbox.imap_host, mailbox.imap_username) if was_read else None
    goes_there = before == (new["imap_host"], new["imap_username"]) or same_house(new["host"], new["imap_host"])
    if by_password and reads and not own and not goes_there:
        raise Invalid(
            "Type the password again: it will be used with this IMAP server too. Or give IMAP one of its own.",
            field="password",
        )
    return kept


def _check_auth(mailbox: Mailbox, is_new: bool) -> None:
    problem = client_problem(mailbox.auth) if is_new and mailbox.auth != Mailbox.Auth.PASSWORD else ""
    if problem:
        raise Invalid(problem, field="auth")


def _service(mailbox: Mailbox, given: Mapping[str, Any], *, changed: bool) -> list[str]:
    """Seal the settings of its sending service; another service needs its own key. Returns names of what changed."""
    if mailbox.route != Mailbox.Route.ESP:
        return []
    service = service_of(mailbox.esp)
    stored = {} if changed else _stored(mailbox, "esp")
    found = dict(stored)
    for name in ("esp_key", "esp_secret", *ESP_SETTINGS):
        if name in given:
            found[name.removeprefix("esp_")] = str(given[name]).strip()
    check_settings(service, found)
    names = [f"esp_{name}" for name in found if found.get(name, "") != stored.get(name, "")]
    if names:
        mailbox.esp_sealed = sealed_for(mailbox, "esp", json.dumps(found))
    hooks = {} if changed else _stored(mailbox, "webhook")
    if not hooks.get("secret") or given.get("webhook_key"):
        if given.get("webhook_key"):
            check_key(service, str(given["webhook_key"]).strip())
        # `secret` is ours and stands in the address that the service calls; `signing_key` is what the service signs with.
        hooks = {"secret": hooks.get("secret") or new_key(), "signing_key": str(given.get("webhook_key") or "").strip()}
        mailbox.webhook_sealed = sealed_for(mailbox, "webhook", json.dumps(hooks))
        names += ["webhook_key"] if given.get("webhook_key") else []
    return names


def _stored(mailbox: Mailbox, column: str) -> dict[str, str]:
    """What is sealed there; {} where no key opens it, so that it can be typed again."""
    try:
        return opened_dict(mailbox, column)
    except secrets.SealedElsewhere:
        return {}


def rotate_inbound_key(*, mailbox: Mailbox, by: Actor, now: datetime) -> str:
    """A new key for the inbound endpoint; the old one stops working at once. Returned in clear this once."""
    key = new_key()
    mailbox.inbound_sealed = sealed_for(mailbox, "inbound", key)
    Mailbox.objects.filter(pk=mailbox.pk).update(inbound_sealed=mailbox.inbound_sealed)
    write_audit(by=by, action="mailbox.inbound_key", now=now, target=mailbox)
    return key


def inbound_address(mailbox: Mailbox) -> str:
    """Where mail that came to this mailbox is posted as raw MIME, signed with its inbound key."""
    token = public_token("inbound", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    return f"{settings.SITE_URL}/p/in/{token}/"


def _save(mailbox: Mailbox, **kwargs: Any) -> None:
    try:
        with transaction.atomic():
            mailbox.save(**kwargs)
    except IntegrityError as error:
        if "mailbox_address" not in str(error):
            raise
        raise Conflict(f"{mailbox.address} is a mailbox here already.", field="address") from error

"""What a form asks, what was submitted, and where it came from. Pure: matching to people is elsewhere."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from leadgen.core.errors import Invalid
from prospects.rules import normalise
from prospects.rules.normalise_words import channel as channel_word

# Facts of people and companies a form may ask for; any other name is the form's own and stays with the submission.
PERSON_FACTS = ("email", "first_name", "last_name", "full_name", "phone", "title", "linkedin_url", "country", "city")
COMPANY_FACTS = ("company", "website")
TYPES = {
    "text": "Short text",
    "textarea": "Long text",
    "email": "E-mail",
    "tel": "Phone",
    "url": "Web address",
    "number": "Number",
    "select": "Choice",
}
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Names the request itself uses.
RESERVED = {"consent", "nonce", "referrer", "page_url", "csrfmiddlewaretoken", "fax_number", *UTM}
# A field no person sees. A plausible name, so that a program fills it in.
HONEYPOT = "fax_number"
MAX_FIELDS = 20
MAX_VALUE = 5_000
MIN_SECONDS = 2.0
NONCE_DAYS = 7

DEFAULT_FIELDS: list[dict[str, Any]] = [
    {"name": "first_name", "label": "First name", "type": "text", "required": True},
    {"name": "last_name", "label": "Last name", "type": "text", "required": True},
    {"name": "email", "label": "Work e-mail", "type": "email", "required": True},
    {"name": "company", "label": "Company", "type": "text", "required": False},
    {"name": "message", "label": "What would you like to see?", "type": "textarea", "required": False},
]
DEFAULT_CONSENT = "You may use these details to answer my request. I can object at any time."


def clean_fields(fields: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A form's fields as they are kept: [{name, label, type, required, options?}]. Raises Invalid (field "fields") in words."""
    cleaned: list[dict[str, Any]] = []
    for number, item in enumerate(fields, start=1):
        label = " ".join(str(item.get("label", "")).split())[:160]
        name = str(item.get("name") or _name_from(label)).strip().lower()
        kind = str(item.get("type") or "text")
        if not label:
            raise Invalid(f"Field {number} needs a label.", field="fields")
        if not NAME.fullmatch(name):
            raise Invalid(f"“{name}” is no field name: use a to z, digits and _, such as team_size.", field="fields")
        if name in RESERVED:
            raise Invalid(f"“{name}” is used by the form itself. Choose another name.", field="fields")
        if name in {row["name"] for row in cleaned}:
            raise Invalid(f"Two fields are named “{name}”.", field="fields")
        if kind not in TYPES:
            raise Invalid(f"Field “{label}” has no such type: {', '.join(TYPES)}.", field="fields")
        row = {
            "name": name,
            "label": label,
            "type": "email" if name == "email" else kind,
            "required": bool(item.get("required")),
        }
        if kind == "select":
            options = item.get("options") or []
            words = options.split(",") if isinstance(options, str) else options
            choices = [word for word in dict.fromkeys(" ".join(str(w).split())[:120] for w in words) if word]
            row["options"] = choices
            if len(choices) < 2:
                raise Invalid(f"The choice “{label}” needs two options or more.", field="fields")
        cleaned.append(row)
    if len(cleaned) > MAX_FIELDS:
        raise Invalid(f"A form has at most {MAX_FIELDS} fields: each one costs submissions.", field="fields")
    email = next((row for row in cleaned if row["name"] == "email"), None)
    if email is None:
        raise Invalid("A form asks for the e-mail address: a field named email.", field="fields")
    email["required"] = True
    return cleaned


def _name_from(label: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", normalise.plain(label)).strip("_")
    return words[:40].rstrip("_") if words[:1].isalpha() else f"field_{words[:30]}".rstrip("_")


@dataclass(frozen=True, slots=True)
class Reading:
    """`values` by field name as typed and trimmed; `errors` by field name, in words; `suspect` why it may be a program."""

    values: dict[str, str]
    errors: dict[str, str]
    consent: bool
    suspect: str = ""
    utm: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not any(self.values.values())


def read_submission(
    fields: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    *,
    consent_required: bool,
    opened: datetime | None,
    now: datetime,
) -> Reading:
    """What was sent, checked. `opened` is when the page was shown (None: unknown). Never raises on what people type."""
    values, errors = {}, {}
    for item in fields:
        name, text = item["name"], _text(data.get(item["name"]))
        values[name] = text
        problem = _problem(item, text)
        if problem:
            errors[name] = problem
    # What the form does not ask (any more) but somebody's page still sends is kept beside it.
    extra = [name for name in data if name not in values and name not in RESERVED and NAME.fullmatch(str(name))]
    values |= {name: text for name in extra[:MAX_FIELDS] if (text := _text(data[name]))}
    consent = str(data.get("consent", "")).strip().lower() in {"on", "true", "1", "yes"} or data.get("consent") is True
    if consent_required and not consent:
        errors["consent"] = "Tick this box, so that we may use what you typed."
    return Reading(values, errors, consent, _suspect(values, data, opened, now), read_utm(data))


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    # What PostgreSQL cannot store: NUL and lone surrogates.
    text = re.sub(r"[\x00\ud800-\udfff]", "", str(value)).replace("\r\n", "\n").strip()
    return text[:MAX_VALUE]


def _problem(item: Mapping[str, Any], text: str) -> str:
    """What is wrong with one field, in words for the visitor; '' if nothing."""
    if not text:
        return f"Please fill in: {item['label']}." if item.get("required") else ""
    kind = item.get("type")
    if kind == "email":
        try:
            normalise.email(text)
        except normalise.Unusable:
            return f"“{text[:80]}” is not a complete e-mail address. Write it like ana@example.com."
        if " " in text or "," in text or ";" in text:
            return "Give one e-mail address."
    elif kind == "number" and not re.fullmatch(r"[+-]?[0-9][0-9.,' ]*", text):
        return f"“{text[:40]}” is not a number."
    elif kind == "select" and text not in item.get("options", ()):
        return "Choose one of the list."
    elif kind == "url":
        try:
            normalise.host(text)
        except normalise.Unusable:
            return f"“{text[:80]}” is not a web address. Write it like example.com."
    return ""


def _suspect(values: Mapping[str, str], data: Mapping[str, Any], opened: datetime | None, now: datetime) -> str:
    if _text(data.get(HONEYPOT)):
        return "A field that people cannot see was filled in."
    seconds = (now - opened).total_seconds() if opened is not None else None
    if seconds is not None and seconds < MIN_SECONDS:
        return f"It was sent {max(seconds, 0):.1f} seconds after the page was opened."
    for name in ("first_name", "last_name", "full_name", "title"):
        if re.search(r"https?://|www\.", values.get(name, ""), re.IGNORECASE):
            return "A web address stands where a name belongs."
    return ""


def read_utm(data: Mapping[str, Any], *addresses: str) -> dict[str, str]:
    """UTM values, of the request itself before those in the addresses of the page and what led to it."""
    found = {name: _text(data.get(name))[:120] for name in UTM}
    for address in addresses:
        try:
            query = dict(parse_qsl(urlsplit(address).query))
        except ValueError:
            continue
        for name in UTM:
            found[name] = found[name] or _text(query.get(name))[:120]
    return {name: value for name, value in found.items() if value}


# Words of utm_medium that say more than the source: what was paid for is paid wherever it ran.
_MEDIA = {
    "paid": "cpc ppc cpm cpv cpa paid paidsearch paid_search paid_social paidsocial paid-search paid-social display banner retargeting sea ads ad sponsored",
    "email": "email e-mail mail newsletter",
    "seo": "organic seo",
    "social": "social social-media social_media organic_social social-organic",
    "webinar": "webinar",
    "event": "event conference tradeshow",
    "referral": "referral",
    "partner": "affiliate partner partners",
    "content": "content blog pdf whitepaper podcast video",
    "direct_mail": "direct_mail print post",
    "phone": "phone sms call",
}  # fmt: skip
_MEDIUM = {word: channel for channel, words in _MEDIA.items() for word in words.split()}


def channel_of(utm: Mapping[str, str], *, default: str) -> tuple[str, str, str]:
    """(channel, second level, why in words): of the UTM values, else the form's own. What is not understood stays named."""
    medium, source = utm.get("utm_medium", "").lower(), utm.get("utm_source", "")
    second = source[:80]
    if medium in _MEDIUM:
        channel = _MEDIUM[medium]
        if channel == "social" and normalise.plain(source) == "linkedin":
            channel = "linkedin"
        return channel, second, f"utm_medium {medium}{f', utm_source {source}' if source else ''}"
    if source:
        word = channel_word(source)
        if word.known and word.channel != "unknown":
            return word.channel, second, f"utm_source {source}"
        return default, second, f"the form’s channel; utm_source {source} names none"
    return default, "", "the form’s channel"


def make_nonce(*, form: str, at: datetime, random: str, key: bytes) -> str:
    """`<unix>.<random>.<signature>` for one showing of a form: it makes a double click one submission and tells its age."""
    text = f"{int(at.timestamp())}.{random}"
    return f"{text}.{_sign(form, text, key)}"


def read_nonce(nonce: str, *, form: str, key: bytes, now: datetime) -> datetime | None:
    """When the form was shown; None for what we did not make, or a week old."""
    head, _, signature = nonce.rpartition(".")
    stamp = head.partition(".")[0]
    if (
        not stamp.isdecimal()
        or len(stamp) > 12
        or not hmac.compare_digest(_sign(form, head, key).encode(), signature.encode())
    ):
        return None
    age = now.timestamp() - int(stamp)
    return datetime.fromtimestamp(int(stamp), tz=now.tzinfo) if -60 <= age <= NONCE_DAYS * 86_400 else None


def _sign(form: str, text: str, key: bytes) -> str:
    return hmac.new(key, f"{form}:{text}".encode(), hashlib.sha256).hexdigest()[:32]


def submission_key(*, nonce: str, values: Mapping[str, str], ip: str, given: str = "") -> str:
    """What makes two requests one submission: the page's nonce, the program's own key, else the same words from the
    same address (the caller keeps that one for minutes only)."""
    if nonce:
        return hashlib.sha256(f"nonce:{nonce}".encode()).hexdigest()
    if given:
        return hashlib.sha256(f"given:{given}".encode()).hexdigest()
    words = json.dumps([ip, sorted(values.items())], ensure_ascii=False)
    return hashlib.sha256(f"same:{words}".encode()).hexdigest()

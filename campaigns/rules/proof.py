"""What a mail carries as proof that it is about mail of ours, beside Message-IDs: the tokens of our links, and the
recipients a report names. Pure; whether the rows exist and belong to that mailbox is asked elsewhere."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from campaigns.rules.mail_text import parse
from campaigns.rules.tokens import read_public_token

MAX_PART = 2_000_000
MAX_TOKENS = 100
_TOKEN = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}\.[0-9a-f]{32}\.[a-z2-7]{26}(?![a-z2-7])")
# A link broken by quoted-printable, by folding or by the "> " of a quote is one link.
_BREAK = re.compile(r"=\r?\n|\r?\n[ \t]+|\r?\n>[> ]*")
_NAMED = re.compile(
    r"^[ \t>|]*(?:original-recipient|final-recipient|x-actual-recipient|x-failed-recipients|original-rcpt-to|removal-recipient)"
    r"[ \t]*:[ \t]*(?:[\w-]+[ \t]*;[ \t]*)?<?([^\s<>;,]+@[^\s<>;,]+)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Rows genuine tokens of one workspace name: messages (unsubscribe links) and tracked links."""

    messages: tuple[uuid.UUID, ...] = ()
    links: tuple[uuid.UUID, ...] = ()


def tokens_in(raw: bytes, *, workspace_id: uuid.UUID) -> Tokens:
    """The genuine tokens in a mail, in its own text or in what it returns. A guessed or scrambled one is nothing."""
    if workspace_id.hex.encode() not in raw and not _may_hide(raw):
        return Tokens()
    found = {"unsubscribe": dict[uuid.UUID, None](), "click": dict[uuid.UUID, None]()}
    seen: set[str] = set()
    for text in _texts(raw):
        for token in _TOKEN.findall(text):
            if token in seen or len(seen) >= MAX_TOKENS:
                continue
            seen.add(token)
            for kind, rows in found.items():
                read = read_public_token(kind, token)
                if read is not None and read[0] == workspace_id:
                    rows[read[1]] = None
    return Tokens(tuple(found["unsubscribe"]), tuple(found["click"]))


def named_recipients(raw: bytes) -> tuple[str, ...]:
    """Every address the machine-readable fields of a report name as its recipient, lower case, in order."""
    found: dict[str, None] = {}
    for text in _texts(raw):
        for address in _NAMED.findall(text):
            found[address.strip("\"'").lower()] = None
    return tuple(found)


def _may_hide(raw: bytes) -> bool:
    """Whether the id could stand in it in another form: encoded, or broken by a line's end."""
    lowered = raw.lower()
    return b"base64" in lowered or b"=\n" in raw or b"=\r\n" in raw or b"\n>" in raw


def _texts(raw: bytes) -> Iterator[str]:
    """The mail as it came, and each part and header of it decoded; lines joined that a mail program broke."""
    yield _joined(raw[:MAX_PART].decode("latin-1"))
    for part in parse(raw).walk():
        yield "\n".join(f"{name}: {_joined(str(value))}" for name, value in part.items())
        if part.is_multipart() or str(part.get("Content-Transfer-Encoding", "")).strip().lower() != "base64":
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield _joined(payload[:MAX_PART].decode("latin-1"))


def _joined(text: str) -> str:
    # Both readings: fields at the start of a line, and a link over two lines.
    return f"{text}\n{_BREAK.sub('', text)}" if _BREAK.search(text) else text

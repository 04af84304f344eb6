"""What tells of a person in other people's rows, as one regular expression; and which tables are looked through for it.

An address, a number and a profile page belong to one person. A name does only where nobody else has it: whoever calls says so.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from leadgen.core.erasing import MARK

# Label -> columns that say who somebody else, or something else, is. What is there once for two of them is not touched.
IDENTITY: dict[str, frozenset[str]] = {
    "accounts.ApiToken": frozenset({"secret_hash", "prefix"}),
    "accounts.Invitation": frozenset({"email"}),
    "accounts.Member": frozenset({"email", "name"}),
    "campaigns.MailDomain": frozenset({"name"}),
    "campaigns.Mailbox": frozenset({"address", "from_name", "username", "imap_username"}),
    "prospects.Company": frozenset({"name", "domain", "website", "linkedin_url", "phone"}),
    "prospects.Person": frozenset({"first_name", "last_name", "full_name", "email", "phone", "linkedin_url"}),
}
# Rows that stay as facts about nobody: these columns of them are codes others count by, or how a thing is known again.
KEPT: dict[str, frozenset[str]] = {
    "campaigns.Enrolment": frozenset({"stopped_by_type"}),
    # Its digest: the mail still lies in the mailbox and would be read in again. Intent and kind are codes.
    "campaigns.InboundMail": frozenset({"digest", "intent"}),
    "campaigns.LinkHit": frozenset({"method"}),
    "campaigns.HitVerdict": frozenset({"hit_class", "reason"}),
    "campaigns.Message": frozenset({"reason", "reason_code", "message_id", "settled_by", "bounce_type"}),
    "campaigns.StepRun": frozenset({"outcome"}),
    "campaigns.Submission": frozenset({"utm"}),
    "campaigns.TrackedLink": frozenset({"url"}),
    "prospects.Activity": frozenset({"about_type"}),
    "prospects.Handoff": frozenset({"reason"}),
    "prospects.Lead": frozenset({"subchannel", "source", "reason", "fit_grade"}),
    "prospects.StageTransition": frozenset({"reason", "source"}),
}
# What others share, too: only mentions are taken out, and nothing that hangs on it is taken for the person's.
SHARED = frozenset({"prospects.Deal", "prospects.Customer"})
# Copies and caches: a row that holds a trace goes whole.
GOES = frozenset(
    {"prospects.DirectoryPerson", "prospects.EnrichmentAnswer", "prospects.EnrichmentRow", "prospects.TitleReading"}
)
# A row is about one record: with a trace in it, all of these columns are emptied.
WHOLE: dict[str, tuple[str, ...]] = {
    "accounts.IdempotencyRecord": ("body",),
    "prospects.ImportIssue": ("value", "cells", "message"),
}
# Lists of records: those with a trace (or the person's id) are taken out, the others stay.
LISTS: dict[str, tuple[str, ...]] = {
    "campaigns.InboundMail": ("suggested",),
    "prospects.BulkAct": ("examples",),
    "prospects.Import": ("samples", "undo"),
    "prospects.ImportBatch": ("changed",),
    "prospects.MergeMove": ("rows",),
}
# By rules of their own: see actions.erasure_sweep.
APART = frozenset({"prospects.ImportFile", "prospects.SearchWord", "prospects.MailHost"})

_GAP = r"[[:space:]().\-/]*"


@dataclass(slots=True)
class Traces:
    """What to look for. `ids` are the people's, and of those that were merged into them."""

    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)  # full names nobody else has
    words: set[str] = field(default_factory=set)  # all names, for the vocabulary of the search
    ids: set[str] = field(default_factory=set)

    def add(self, column: str, value: Any) -> None:
        """A value by the name of the column it stood in; what says nothing by itself is passed over."""
        text = str(value or "").strip()
        if not text or text == MARK:
            return
        if column.endswith("email") or column in ("to_address", "from_address", "address"):
            if "@" in text:
                self.emails.add(text.casefold())
        elif column in ("phone", "number"):
            self.phones.add(text)
        elif column == "linkedin_url":
            self.pages.add(text)
        elif column == "full_name":
            self.names.add(" ".join(text.split()))
            self.words.add(text)

    def as_json(self) -> str:
        return json.dumps({name: sorted(getattr(self, name)) for name in self.__slots__})

    @classmethod
    def from_json(cls, text: str) -> "Traces":
        found = json.loads(text) if text else {}
        return cls(**{name: set(found.get(name, ())) for name in cls.__slots__})

    def pattern(self) -> str:
        """A regular expression of PostgreSQL, to be used without regard to case; '' where there is nothing to look for."""
        parts = [
            *(f"(?<![[:alnum:]._%+-]){_plain(v)}(?![[:alnum:]-]|[.][[:alnum:]])" for v in sorted(self.emails)),
            *(_number(value) for value in sorted(self.phones)),
            *filter(None, (_page(value) for value in sorted(self.pages))),
            *(_name(value) for value in sorted(self.names)),
        ]
        return "|".join(dict.fromkeys(filter(None, parts)))

    def texts(self) -> list[str]:
        """Plain forms, in lower case: what a file is searched for, and a record in a list."""
        pages = {match for value in self.pages if (match := _slug(value))}
        return sorted(
            {value.casefold() for value in (*self.emails, *self.phones, *self.names) if value}
            | {f"/in/{p}" for p in pages}
        )


def prune(value: Any, marks: Iterable[str]) -> Any:
    """JSON without the records in its lists that hold one of `marks` (lower case)."""
    wanted = tuple(marks)
    if isinstance(value, list):
        kept = []
        for item in value:
            if isinstance(item, list | dict):
                text = json.dumps(item, ensure_ascii=False).casefold()
                if any(mark in text for mark in wanted):
                    continue
            kept.append(item)
        return kept
    if isinstance(value, dict):
        return {key: prune(inner, wanted) for key, inner in value.items()}
    return value


def usable_name(name: str) -> bool:
    """Whether a name says who is meant: first and last, and not two initials."""
    return len(name.split()) > 1 and len(name) >= 6


def _plain(text: str) -> str:
    return re.sub(r"([^\w@])", r"\\\1", text, flags=re.UNICODE).replace("\\ ", " ")


def _inside_json(text: str) -> str:
    """A quote or backslash stands escaped in JSON."""
    return _plain(text).replace('\\"', '[\\\\]?"')


def _number(value: str) -> str:
    """The number as people write it: with the country or without, in groups."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return f"(?<![0-9]){_plain(value)}(?![0-9])" if sum(map(str.isdigit, value)) >= 6 else ""
    digits = str(number.national_number)
    if len(digits) < 6:
        return ""
    country = _GAP.join(str(number.country_code))
    return rf"(?<![0-9])(?:(?:\+|00)?{country}{_GAP}(?:0{_GAP})?|0{_GAP})?{_GAP.join(digits)}(?![0-9])"


def _slug(value: str) -> str:
    found = re.search(r"linkedin\.com/(?:in|pub)/([^/?#\s]+)", value, re.IGNORECASE)
    return found.group(1).casefold() if found else ""


def _page(value: str) -> str:
    slug = _slug(value)
    return rf"linkedin\.com/(?:in|pub)/{_plain(slug)}(?![[:alnum:]-])" if slug else ""


def _name(value: str) -> str:
    words = [_inside_json(word) for word in value.split()]
    gap = r"[[:space:]_.-]+"
    return f"(?<![[:alnum:]])(?:{gap.join(words)}|{words[-1]},?{gap}{gap.join(words[:-1])})(?![[:alnum:]])"


# What rows are called where they are counted.
NOUNS = {
    "accounts.AuditEntry": "audit entries", "accounts.IdempotencyRecord": "stored API answers",
    "campaigns.Enrolment": "enrolments", "campaigns.HitVerdict": "readings of clicks", "campaigns.InboundMail": "e-mails received",
    "campaigns.LinkHit": "clicks", "campaigns.Message": "e-mails sent or planned", "campaigns.StepRun": "sequence steps",
    "campaigns.Submission": "form submissions", "campaigns.TrackedLink": "links", "prospects.Activity": "activities",
    "prospects.BasisEntry": "lawful bases", "prospects.BulkAct": "bulk actions", "prospects.Company": "companies",
    "prospects.Consent": "consents", "prospects.Customer": "customers", "prospects.Deal": "deals",
    "prospects.EnrichmentAnswer": "stored enrichment answers", "prospects.EnrichmentCharge": "enrichment charges",
    "prospects.EnrichmentItem": "enrichment records", "prospects.EnrichmentRow": "rows of enrichment tables",
    "prospects.FieldOrigin": "origins of fields", "prospects.Handoff": "hand-offs", "prospects.Import": "imports",
    "prospects.ImportBatch": "undo images of imports", "prospects.ImportFile": "uploaded files",
    "prospects.ImportIssue": "rows of import reports", "prospects.Lead": "leads", "prospects.MailHost": "mail domains",
    "prospects.Meeting": "meetings", "prospects.Merge": "merges", "prospects.MergeMove": "undo images of merges",
    "prospects.Person": "people", "prospects.PhoneOutcome": "call outcomes", "prospects.PointEntry": "engagement points",
    "prospects.SearchWord": "words of the search", "prospects.SegmentChange": "entries of segment history",
    "prospects.SegmentMember": "places in lists", "prospects.Signal": "signals", "prospects.StageTransition": "stage changes",
    "prospects.Suppression": "suppression rows", "prospects.TagLink": "tags", "prospects.Task": "tasks",
    "prospects.TitleReading": "readings of titles",
}  # fmt: skip

"""Duplicates: keys that bring two rows together, and what speaks for and against their being the same. Pure.

A key is a 64-bit number; two rows that share one are compared. Comparing yields evidence: each piece has a strength
(how often such a pair is one and the same) and words. Independent pieces add up as 1 - product(1 - strength); what speaks
against multiplies. A name alone never reaches what is proposed, whatever the name.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from prospects.rules.duplicates_words import GENERATIONS, HONORIFICS, LEGAL_FORMS, ROOTS
from prospects.rules.normalise import FREE_MAIL, plain, registrable

FLOOR, MEDIUM, HIGH = 40, 60, 85
# The lowest bits of a key say its kind. More rows than this behind one key: it says nothing (a switchboard, a common name).
COMMON, NAME = 1, 0
MOST = {COMMON: 40, NAME: 6}

WORDS = {
    "email_dots": "same e-mail without dots",
    "email_tag": "same e-mail without the +tag",
    "email_known": "same e-mail address",
    "linkedin": "same LinkedIn URL",
    "phone": "same phone number",
    "name_company": "same name and company",
    "name_domain": "same name and company domain",
    "nickname_company": "nickname of the same name, same company",
    "typo_company": "names differ by one letter, same company",
    "initial_company": "initial and last name, same company",
    "partial_company": "part of the same last name, same company",
    "name": "same name",
    "nickname": "nickname of the same name",
    "typo": "names differ by one letter",
    "name_partial": "part of the same name",
    "local_part": "same part before the @",
    "city": "same city",
    "title": "same job title",
    "site": "same website",
    "people": "people write from the same domain",
    "domain_label": "same domain with another ending",
    "no_domain": "one has no domain",
    "not_name": "but: different names",
    "not_linkedin": "but: different LinkedIn URLs",
    "not_domain": "but: different domains",
    "not_country": "but: different countries",
    "not_external": "but: different external ids",
    "not_generation": "but: one is Jr. or III",
    "not_company": "but: another company",
}


@dataclass(frozen=True, slots=True)
class Human:
    """What is compared of a person. `company` is the id of their company as text."""

    first: str = ""
    last: str = ""
    email: str = ""
    linkedin: str = ""
    phone: str = ""
    title: str = ""
    company: str = ""
    domain: str = ""
    city: str = ""
    country: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Firm:
    """What is compared of a company. `mail_domains`: employers' domains its people write from."""

    name: str = ""
    domain: str = ""
    website: str = ""
    linkedin: str = ""
    phone: str = ""
    city: str = ""
    country: str = ""
    external_id: str = ""
    mail_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100 and why, as keys of WORDS, strongest first."""

    points: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _Evidence:
    against: float = 1.0
    found: list[tuple[float, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def add(self, strength: float, code: str) -> None:
        self.found.append((strength, code))

    def doubt(self, factor: float, code: str) -> None:
        self.against *= factor
        self.doubts.append(code)

    def score(self) -> Score:
        left = 1.0
        for strength, _ in self.found:
            left *= 1 - strength
        codes = [code for _, code in sorted(self.found, key=lambda pair: -pair[0])]
        return Score(min(99, round(100 * (1 - left) * self.against)), (*codes, *self.doubts))


def band(points: int) -> str:
    """high, medium or low."""
    return "high" if points >= HIGH else "medium" if points >= MEDIUM else "low"


def in_words(reasons: Iterable[str]) -> list[str]:
    """Reasons for people; a code this version does not know stands as it is."""
    return [WORDS.get(code, code) for code in reasons]


# --- normal forms


@lru_cache(maxsize=65536)
def _names(first: str, last: str) -> tuple[str, str, str, str]:
    """(first name, its root, last name, generation) of both fields, without titles."""
    words = [word for word in plain(f"{first}").split() if word not in HONORIFICS]
    ends = [word for word in plain(last).split() if word not in HONORIFICS]
    if not ends and len(words) > 1:
        words, ends = words[:-1], words[-1:]
    generation = next((word for word in ends if word in GENERATIONS), "")
    ends = [word for word in ends if word not in GENERATIONS]
    given = words[0] if words else ""
    return given, ROOTS.get(given, given), " ".join(ends), generation


def fold_email(email: str) -> str:
    """An address as its provider delivers it, and a bit more: no +tag, no dots before the @; googlemail is gmail."""
    local, at, host = email.lower().rpartition("@")
    if not at:
        return ""
    host = "gmail.com" if host == "googlemail.com" else host
    return f"{local.split('+')[0].replace('.', '')}@{host}"


def employer(human: Human) -> str:
    """The domain a person works under: their company's, else that of their address where it is no mailbox provider."""
    if human.domain:
        return human.domain
    host = human.email.rpartition("@")[2]
    name = registrable(host) if host else ""
    return "" if name in FREE_MAIL else name


def slug(url: str) -> str:
    """What identifies a LinkedIn page."""
    return url.rstrip("/").rpartition("/")[2].lower()


def digits(phone: str) -> str:
    """The digits of a number that is long enough to be one."""
    found = "".join(c for c in phone if c.isdigit()) if phone.startswith("+") else ""
    return found if len(found) >= 9 else ""


def _skeleton(word: str) -> str:
    """First letter and the consonants behind it, each once in a row: equal for most slips of vowels and doubled letters."""
    rest = re.sub(r"[aeiouyh ]", "", word[1:])
    return word[:1] + re.sub(r"(.)\1+", r"\1", rest)


@lru_cache(maxsize=65536)
def firm_name(name: str) -> str:
    """A company's name without its legal form: "The Acme Group S.A." is "acme"."""
    # Single letters belong together, with or without dots: "S. A." is "sa".
    words = re.sub(r"\b(\w) (?=\w\b)", r"\1", plain(name.replace(".", ""))).split()
    return " ".join([word for word in words if word not in LEGAL_FORMS] or words)


def label(domain: str) -> str:
    """The name in a domain: acme of acme.co.uk."""
    return domain.split(".")[0] if domain else ""


def one_slip(a: str, b: str) -> bool:
    """Whether two words of four letters or more differ by one letter: another, one missing, or two swapped."""
    if a == b or abs(len(a) - len(b)) > 1 or min(len(a), len(b)) < 4:
        return False
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[at + 1 :] == shorter[at:]


# --- keys


def key(kind: int, text: str) -> int:
    """The number of a key; equal texts of equal kind give equal numbers on every machine."""
    value = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
    return value & ~7 | kind


def human_keys(human: Human) -> list[int]:
    """What brings a person together with others."""
    _, root, last, _ = _names(human.first, human.last)
    texts = []
    folded = fold_email(human.email)
    if folded:
        texts.append(f"e{folded}")
    if human.linkedin:
        texts.append(f"l{slug(human.linkedin)}")
    if digits(human.phone):
        texts.append(f"p{digits(human.phone)}")
    if root and last:
        own = human.email.rpartition("@")[2]
        for org in dict.fromkeys([employer(human), human.company, registrable(own) if own else ""]):
            if org and org not in FREE_MAIL:
                texts += [f"t{org}|{root}|{last[:1]}", f"i{org}|{root[:1]}|{_skeleton(last)}"]
    found = [key(COMMON, text) for text in texts]
    if root and last:
        found.append(key(NAME, f"n{root}|{last}"))
    return sorted(set(found))


def firm_keys(firm: Firm) -> list[int]:
    """What brings a company together with others."""
    name = firm_name(firm.name)
    texts = [f"h{host}" for host in hosts(firm)]
    if len(label(firm.domain)) >= 4:
        texts.append(f"d{label(firm.domain)}")
    if firm.linkedin:
        texts.append(f"l{slug(firm.linkedin)}")
    if digits(firm.phone):
        texts.append(f"p{digits(firm.phone)}")
    texts += [f"h{host}" for host in firm.mail_domains]
    if name:
        texts.append(f"n{name}")
        texts.append(f"s{_skeleton(name.replace(' ', ''))}")
    return sorted({key(COMMON, text) for text in texts})


def hosts(firm: Firm) -> set[str]:
    """Domains a company calls its own: its domain and that of its website."""
    site = re.sub(r"\A\w+:/*", "", firm.website).split("/")[0].removeprefix("www.").lower()
    return {host for host in (firm.domain, registrable(site) if "." in site else "") if host and host not in FREE_MAIL}


# --- comparing


def _relation(a: str, b: str, root_a: str, root_b: str) -> str:
    if not a or not b:
        return "unknown"
    if a == b:
        return "same"
    if root_a == root_b:
        return "nickname"
    if len(a) == 1 or len(b) == 1:
        return "initial" if a[0] == b[0] else "different"
    return "typo" if one_slip(a, b) else "different"


def _last_relation(a: str, b: str) -> str:
    if not a or not b:
        return "unknown"
    if a == b or a.replace(" ", "") == b.replace(" ", ""):
        return "same"
    if set(a.split()) & set(b.split()):
        return "partial"
    if len(a) == 1 or len(b) == 1:
        return "initial" if a[0] == b[0] else "different"
    return "typo" if one_slip(a, b) else "different"


_ORDER = ("same", "nickname", "typo", "partial", "initial", "unknown", "different")


def name_relation(a: Human, b: Human) -> str:
    """How two names go together: the worse of first and last name."""
    first_a, root_a, last_a, _ = _names(a.first, a.last)
    first_b, root_b, last_b, _ = _names(b.first, b.last)
    found = (_relation(first_a, first_b, root_a, root_b), _last_relation(last_a, last_b))
    if sorted(found) == ["typo", "typo"]:
        return "different"
    return max(found, key=_ORDER.index)


_WITH_COMPANY = {"same": 0.88, "nickname": 0.82, "typo": 0.78, "partial": 0.66, "initial": 0.66}
_NAME_ALONE = {"same": 0.28, "nickname": 0.2, "typo": 0.14, "partial": 0.12}


def compare_people(a: Human, b: Human) -> Score:
    """Whether two people are one: 0 to 99 with reasons. Symmetric."""
    relation, found = name_relation(a, b), _Evidence()
    named = relation not in {"different", "unknown"}
    if a.email and b.email and fold_email(a.email) == fold_email(b.email):
        tag = ("+" in a.email) != ("+" in b.email) or a.email.split("+")[1:] != b.email.split("+")[1:]
        code = "email_known" if a.email == b.email else "email_tag" if tag else "email_dots"
        found.add(0.97 if a.email == b.email else 0.93, code)
    if a.linkedin and b.linkedin and slug(a.linkedin) == slug(b.linkedin):
        found.add(0.96, "linkedin")
    if digits(a.phone) and digits(a.phone) == digits(b.phone):
        found.add(0.6 if named else 0.1, "phone")
    same_company = bool(a.company) and a.company == b.company
    same_domain = bool(employer(a)) and employer(a) == employer(b)
    locals_ = [human.email.rpartition("@")[0] for human in (a, b)]
    if relation in _WITH_COMPANY and (same_company or same_domain):
        code = {"same": "name"}.get(relation, relation)
        name = f"{code}_{'domain' if code == 'name' and same_domain else 'company'}"
        # Common first names at a big firm: an initial proves less than a name.
        found.add(_WITH_COMPANY[relation], name)
    elif relation in _NAME_ALONE:
        code = "name_partial" if relation == "partial" else "name" if relation == "same" else relation
        found.add(_NAME_ALONE[relation], code)
        if a.city and plain(a.city) == plain(b.city) and a.country == b.country:
            found.add(0.15, "city")
        if a.title and plain(a.title) == plain(b.title):
            found.add(0.1, "title")
        if locals_[0] and locals_[0] == locals_[1] and len(locals_[0]) > 5:
            found.add(0.2, "local_part")
        if a.company and b.company and not same_company:
            found.doubts.append("not_company")
    if not found.found:
        return Score()
    if relation == "different":
        found.doubt(0.72, "not_name")
    if a.linkedin and b.linkedin and slug(a.linkedin) != slug(b.linkedin):
        found.doubt(0.5, "not_linkedin")
    if _names(a.first, a.last)[3] != _names(b.first, b.last)[3]:
        found.doubt(0.6, "not_generation")
    if a.external_id and b.external_id and a.external_id != b.external_id:
        found.doubt(0.95, "not_external")
    if a.country and b.country and a.country != b.country and not (same_company or same_domain):
        found.doubt(0.8, "not_country")
    return found.score()


def compare_companies(a: Firm, b: Firm) -> Score:
    """Whether two companies are one: 0 to 99 with reasons. Symmetric. A name alone scores 30."""
    name_a, name_b, found = firm_name(a.name), firm_name(b.name), _Evidence()
    same = bool(name_a) and name_a.replace(" ", "") == name_b.replace(" ", "")
    slip = not same and len(name_a) >= 7 and one_slip(name_a.replace(" ", ""), name_b.replace(" ", ""))
    own_a, own_b = hosts(a), hosts(b)
    ending = len(label(a.domain)) >= 4 and label(a.domain) == label(b.domain) and a.domain != b.domain
    if a.linkedin and b.linkedin and slug(a.linkedin) == slug(b.linkedin):
        found.add(0.95, "linkedin")
    if own_a & own_b:
        found.add(0.92 if same or slip else 0.8, "site")
    elif (set(a.mail_domains) | own_a) & (set(b.mail_domains) | own_b):
        found.add(0.85 if same or slip else 0.5, "people")
    if digits(a.phone) and digits(a.phone) == digits(b.phone):
        found.add(0.7 if same or slip else 0.3, "phone")
    if ending:
        found.add(0.6 if same or slip else 0.3, "domain_label")
    if same or slip:
        found.add(0.3 if same else 0.2, "name" if same else "typo")
        if a.city and plain(a.city) == plain(b.city) and a.country == b.country:
            found.add(0.2, "city")
        if bool(own_a) != bool(own_b):
            found.add(0.2, "no_domain")
    if not found.found:
        return Score()
    if own_a and own_b and not own_a & own_b and not ending:
        # A firm may have moved to a new domain, with its LinkedIn page.
        found.doubt(0.92 if found.found[0][1] == "linkedin" else 0.6, "not_domain")
    if a.country and b.country and a.country != b.country:
        found.doubt(0.75, "not_country")
    if a.linkedin and b.linkedin and slug(a.linkedin) != slug(b.linkedin):
        found.doubt(0.5, "not_linkedin")
    if a.external_id and b.external_id and a.external_id != b.external_id:
        found.doubt(0.95, "not_external")
    return found.score()

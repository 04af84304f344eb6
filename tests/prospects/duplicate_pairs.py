"""A labelled set for duplicate detection: clean people and companies, true duplicates of them made the way they come about,
and pairs that only look alike. Seeded: the same set each time.

The names are common ones on purpose, and many people share them: precision is measured where it is hard.
"""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from prospects.rules.duplicates import Firm, Human


def _list(text: str) -> list[str]:
    return text.split()


FIRST = _list(
    """Robert William Michael James Thomas Katherine Elizabeth Anna Maria Jennifer Christopher Matthew Daniel Andrew
    Joseph Patricia Susan Margaret Johannes Klaus Stefan Giovanni Francesco Jose Luis Miguel Alexandre Sophie Julien
    Camille Olga Ivan Piotr Agnieszka Lars Ingrid Mehmet Ayse Wei Yuki Priya Rahul Fatima Omar Chloe Lucas Emma Noah"""
)
LAST = _list(
    """Smith Johnson Brown Miller Davis Wilson Anderson Taylor Thomas Moore Müller Schmidt Schneider Fischer Weber Rossi
    Russo Ferrari Garcia Martinez Rodriguez Lopez Silva Santos Ferreira Dubois Martin Bernard Petit Kowalski Nowak Hansen
    Johansson Larsen Yilmaz Kaya Chen Wang Tanaka Sato Patel Sharma Khan Hassan OBrien Murphy Kelly Vandenberg"""
)
WORDS = _list(
    """Northwind Lumen Vertex Harbor Summit Orchid Falcon Cobalt Juniper Meridian Quartz Ember Willow Granite Beacon
    Cascade Pioneer Sterling Aurora Bluestone Redwood Silverline Crestview Foxglove Ironbridge Kestrel Larkspur"""
)
TRADES = _list("Logistics Systems Foods Energy Software Partners Media Health Labs Capital Robotics Textiles")
TITLES = ("VP of Sales", "Head of Marketing", "CEO", "Purchasing Manager", "Data Engineer", "CFO", "Sales Director")
CITIES = (("Berlin", "DE"), ("Lisbon", "PT"), ("Austin", "US"), ("Lyon", "FR"), ("Leeds", "GB"), ("Milan", "IT"))
SHORT = {
    "Robert": "Bob", "William": "Bill", "Michael": "Mike", "James": "Jim", "Thomas": "Tom", "Katherine": "Kate",
    "Elizabeth": "Liz", "Jennifer": "Jen", "Christopher": "Chris", "Matthew": "Matt", "Daniel": "Dan", "Andrew": "Andy",
    "Joseph": "Joe", "Patricia": "Pat", "Susan": "Sue", "Margaret": "Maggie", "Johannes": "Hans", "Francesco": "Franco",
}  # fmt: skip


@dataclass
class LabelledSet:
    """`rows` and the index pairs that are one and the same, by how the copy was made."""

    rows: list[Any] = field(default_factory=list)
    same: dict[tuple[int, int], str] = field(default_factory=dict)


def _slip(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, len(word) - 1)
    kind = rng.choice(["swap", "drop", "double", "other"])
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[:at] + word[at] + word[at:]
    return word[:at] + rng.choice("aeioulnrst") + word[at + 1 :]


def people(count: int = 4000, seed: int = 7) -> LabelledSet:
    """`count` clean people in count/12 companies, a quarter of them with one duplicate."""
    rng, made = random.Random(seed), LabelledSet()
    firms = [f"{rng.choice(WORDS)}{rng.choice(TRADES)}{n}".lower() + ".example" for n in range(count // 12)]
    rows: list[Human] = []
    taken: set[str] = set()
    for number in range(count):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        domain, (city, country) = rng.choice(firms), rng.choice(CITIES)
        plain_last = last.lower().replace("ü", "ue")
        mail = f"{first.lower()}.{plain_last}@{domain}"
        if mail in taken:
            mail = f"{first.lower()}.{plain_last}{number}@{domain}"
        taken.add(mail)
        page = f"https://www.linkedin.com/in/{first.lower()}-{plain_last}-{number}" if rng.random() < 0.7 else ""
        phone = f"+4930{rng.randrange(10**6, 10**7)}" if rng.random() < 0.5 else ""
        rows.append(Human(first, last, mail, page, phone, rng.choice(TITLES), domain, domain, city, country))
    for number in rng.sample(range(count), count // 4):
        kind = rng.choice(KINDS)
        copy = _copy(rng, rows[number], kind, firms)
        if copy is None or (copy.email and copy.email in taken):
            continue  # addresses are unique: nobody has two rows with the same
        taken.add(copy.email)
        made.same[number, len(rows)] = kind
        rows.append(copy)
    made.rows = rows
    return made


KINDS = (
    "nickname", "typo_first", "typo_last", "other_mail", "dots", "initial", "moved_linkedin", "moved_bare", "no_mail",
    "accents",
)  # fmt: skip


def _copy(rng: random.Random, one: Human, kind: str, firms: list[str]) -> Human | None:
    local, _, host = one.email.partition("@")
    bare, last, domain = replace(one, linkedin="", phone="", external_id=""), one.last.lower(), rng.choice(firms)
    short = SHORT.get(one.first, "")
    moved = {"company": domain, "domain": domain, "email": f"{local}@{domain}"}
    made: dict[str, Human | None] = {
        "nickname": replace(bare, first=short, email=f"{short.lower()}@{host}") if short else None,
        "typo_first": replace(bare, first=_slip(rng, one.first), email=f"{_slip(rng, local)}@{host}"),
        "typo_last": replace(bare, last=_slip(rng, one.last), email=f"{local[0]}{last}@{host}"),
        "other_mail": replace(bare, email=f"{local[0]}.{last}@{host}", title=rng.choice(TITLES)),
        "dots": replace(bare, email=f"{local.replace('.', '')}@{host}", first=""),
        "initial": replace(bare, first=f"{one.first[0]}.", email=f"{local[0]}{last}@{host}"),
        "moved_linkedin": replace(one, phone="", **moved) if one.linkedin else None,
        "moved_bare": replace(bare, title=rng.choice(TITLES), **moved),
        "no_mail": replace(bare, email="", title=""),
        "accents": replace(bare, last=one.last.upper().replace("U", "Ü", 1), email=f"{local[:3]}@{host}"),
    }
    return made[kind]


def companies(count: int = 1500, seed: int = 11) -> LabelledSet:
    """`count` clean companies, most of which share a name with another; a fifth with one duplicate."""
    rng, made = random.Random(seed), LabelledSet()
    rows: list[Firm] = []
    for number in range(count):
        name, (city, country) = f"{rng.choice(WORDS)} {rng.choice(TRADES)}", rng.choice(CITIES)
        domain = f"{name.replace(' ', '').lower()}{number}.com"
        slug = f"{name.replace(' ', '-').lower()}-{number}"
        page = f"https://www.linkedin.com/company/{slug}" if rng.random() < 0.6 else ""
        phone = f"+3512{rng.randrange(10**7, 10**8)}" if rng.random() < 0.6 else ""
        form = rng.choice(["Inc.", "GmbH", "Ltd", "S.A.", ""])
        rows.append(Firm(f"{name} {form}".strip(), domain, f"https://www.{domain}/", page, phone, city, country))
    for number in rng.sample(range(count), count // 5):
        one = rows[number]
        kind = rng.choice(["ending", "no_domain", "linkedin", "phone", "people", "website", "name_only"])
        name = one.name.rsplit(" ", 1)[0] if one.name.count(" ") > 1 else f"{one.name} Group"
        bare, stem = Firm(name, country=one.country), one.domain.removesuffix(".com")
        copy = {
            "ending": replace(bare, domain=f"{stem}.de", city=one.city),
            "no_domain": replace(bare, city=one.city, phone=one.phone),
            "linkedin": replace(bare, linkedin=one.linkedin, domain=f"new{stem}.io") if one.linkedin else None,
            "phone": replace(bare, phone=one.phone) if one.phone else None,
            "people": replace(bare, mail_domains=(one.domain,)),
            "website": replace(bare, website=f"http://{one.domain}/about"),
            "name_only": bare,
        }[kind]
        if copy is None:
            continue
        made.same[number, len(rows)] = kind
        rows.append(copy)
    made.rows = rows
    return made

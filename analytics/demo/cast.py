"""Who plays in the demo: eight members, a few hundred prospects at `.example` domains, eight months of history. Seeded."""

import csv
import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

SLUG = "northwind"
NAME = "Northwind Instruments"
PASSWORD = "northwind demo"  # noqa: S105  printed on purpose: the demo's people exist on this machine only
# role, e-mail, name
MEMBERS = (
    ("owner", "olivia.berg@northwind.example", "Olivia Berg"),
    ("admin", "adam.novak@northwind.example", "Adam Novak"),
    ("ops", "rita.santos@northwind.example", "Rita Santos"),
    ("marketer", "mia.keller@northwind.example", "Mia Keller"),
    ("sdr", "sam.okoro@northwind.example", "Sam Okoro"),
    ("ae", "anna.kim@northwind.example", "Anna Kim"),
    ("leader", "leo.martin@northwind.example", "Leo Martin"),
    ("viewer", "vera.lind@northwind.example", "Vera Lind"),
)
FIRST = (
    "Ana", "Tom", "Mei", "Jonas", "Priya", "Luca", "Sofia", "Omar", "Ines", "Karl", "Yara", "Noah", "Elif", "Hugo", "Agnes",
    "Bruno", "Clara", "Dario", "Edda", "Felix", "Greta", "Henrik", "Irina", "Jasper", "Katja", "Leonor", "Mateo", "Nadia",
    "Oskar", "Paula", "Rafael", "Selma", "Tiago", "Ursula", "Viktor", "Wanda",
)  # fmt: skip
LAST = (
    "Ferreira", "Okafor", "Tanaka", "Weber", "Raman", "Moretti", "Lind", "Haddad", "Costa", "Brandt", "Silva", "Dubois",
    "Aalto", "Becker", "Carvalho", "Delgado", "Eriksen", "Fontaine", "Gruber", "Hartmann", "Ivanova", "Jansen", "Kowalski",
    "Lemaire", "Marino", "Nieminen", "Oliveira", "Petrov", "Quintero", "Rossi", "Sanchez", "Thorne", "Urban", "Vasquez",
    "Winter", "Yilmaz", "Zeller",
)  # fmt: skip
STEMS = (
    "Lumen", "Brightwell", "Kite", "Stahlwerk", "Finlay", "Vela", "Nordhavn", "Cedar", "Aquila", "Tessera", "Ostwind", "Marlow",
)  # fmt: skip
TAILS = (
    "Robotics", "Health", "Logistics", "Nord", "Pay", "Energy", "Labs", "Cloud", "Foods", "Optics", "Rail", "Paper",
)  # fmt: skip
# Companies of the last eight months' leads: others than those to be written to.
PAST_STEMS = (
    "Albatros", "Bergmann", "Corvo", "Dunmore", "Elbtal", "Fjord", "Granada", "Hallmark", "Isar", "Juniper", "Kestrel", "Loire",
)  # fmt: skip
PAST_TAILS = (
    "Pumps", "Castings", "Dairy", "Freight", "Glass", "Motors", "Packaging", "Plastics", "Presses", "Steel", "Textiles", "Tools",
)  # fmt: skip
LEADS_A_COMPANY = 3
INDUSTRIES = (
    "Industrial machinery",
    "Health care",
    "Logistics",
    "Metals",
    "Financial services",
    "Energy",
    "Software",
    "Food",
)
PLACES = (
    ("DE", "Bavaria", "Munich", "Europe/Berlin"), ("PT", "Lisbon", "Lisbon", "Europe/Lisbon"),
    ("FR", "Île-de-France", "Paris", "Europe/Paris"), ("GB", "England", "Leeds", "Europe/London"),
    ("ES", "Catalonia", "Barcelona", "Europe/Madrid"), ("US", "Ohio", "Cleveland", "America/New_York"),
)  # fmt: skip
TITLES = (
    "VP Operations", "Head of Maintenance", "Plant Manager", "Chief Operating Officer", "Head of IT", "Production Engineer",
    "Purchasing Manager", "Marketing Manager",
)  # fmt: skip
CHANNELS = {
    "email": 0.27,
    "linkedin": 0.22,
    "paid": 0.16,
    "content": 0.13,
    "webinar": 0.11,
    "referral": 0.05,
    "unknown": 0.06,
}
COST = {"email": 5200, "linkedin": 6800, "paid": 9100, "content": 3900, "webinar": 4700, "referral": 800}
# The share of leads of a channel that goes on to each stage.
GOOD = {"email": 0.8, "linkedin": 1.1, "paid": 0.6, "content": 1.0, "webinar": 1.1, "referral": 1.7, "unknown": 0.5}
REASONS = ("no budget", "no need", "wrong person", "too small")


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything the demo imports, as CSV bytes; `today` ends the history."""

    today: date
    seed: int = 7
    companies: list[dict[str, object]] = field(default_factory=list)
    people: list[dict[str, object]] = field(default_factory=list)

    def fill(self) -> "Cast":
        draw = random.Random(self.seed)
        names = [f"{stem} {tail}" for stem in STEMS for tail in TAILS]
        draw.shuffle(names)
        for number, name in enumerate(names[:120]):
            country, _, city, zone = PLACES[number % len(PLACES)]
            domain = _domain(name)
            self.companies.append(_company(name, number, draw))
            for person in range(3):
                first, last = draw.choice(FIRST), LAST[(number * 3 + person) % len(LAST)]
                self.people.append(
                    {
                        "First name": first, "Last name": last, "Company": name, "Company domain": domain,
                        "Email": f"{first}.{last}{number}@{domain}".lower(), "Job title": TITLES[(number + person * 3) % len(TITLES)],
                        "Phone": f"+49 30 555 {number:03d}{person}" if draw.random() < 0.6 else "",
                        "LinkedIn": f"https://linkedin.example/in/{first}-{last}-{number}".lower(), "Country": country, "City": city,
                        "Time zone": zone,
                    }
                )  # fmt: skip
        apart = random.Random(self.seed + 3)
        self.companies.extend(_company(name, number, apart) for number, name in enumerate(_past()))
        return self

    def companies_csv(self) -> bytes:
        return as_csv(self.companies)

    def people_csv(self) -> bytes:
        return as_csv(self.people)

    def scans_csv(self) -> bytes:
        """Badges read at a fair: every second one is somebody who is there already, by another address."""
        rows = []
        for number, person in enumerate(self.people[::30]):
            initial, last = str(person["First name"])[0], person["Last name"]
            known = number % 2 == 0
            rows.append(
                {
                    "First name": person["First name"] if known else FIRST[-1 - number], "Last name": last,
                    "Company": person["Company"], "Website": person["Company domain"], "Job title": person["Job title"],
                    "Email": f"{initial}.{last}@{person['Company domain']}".lower(), "LinkedIn": person["LinkedIn"] if known else "",
                    "Phone": person["Phone"] if known else "", "Country": person["Country"], "City": person["City"],
                }
            )  # fmt: skip
        return as_csv(rows)

    def leads_csv(self, count: int = 420) -> bytes:
        """Leads of the last eight months with their dated stages; the people are others than those to be written to."""
        draw = random.Random(self.seed + 1)
        rows = []
        start = datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC) - timedelta(days=240)
        for number in range(count):
            channel = draw.choices(list(CHANNELS), weights=list(CHANNELS.values()))[0]
            opened = start + timedelta(days=draw.random() * 232, hours=draw.random() * 9)
            rows.append(self._lead(number, channel, opened, draw))
        return as_csv(rows)

    def _lead(self, number: int, channel: str, opened: datetime, draw: random.Random) -> dict[str, object]:
        past = _past()
        place = number // LEADS_A_COMPANY % len(past)
        company, first, last = past[place], draw.choice(FIRST), draw.choice(LAST)
        country, title = PLACES[place % len(PLACES)][0], TITLES[number % len(TITLES)]
        end = datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC)
        row: dict[str, object] = {
            "Lead ID": f"H-{number:04d}", "Email": f"{first}.{last}{number}@{_domain(company)}".lower(), "First name": first,
            "Last name": last, "Job title": title, "Country": country, "Company": company, "Domain": _domain(company),
            "Channel": channel,
            "Campaign": f"{channel} programme" if channel in COST else "",
            "Owner": "sam.okoro@northwind.example" if number % 3 else "anna.kim@northwind.example", "Created": opened.isoformat(),
        }  # fmt: skip
        for name in (
            "MQL at",
            "Accepted at",
            "SQL at",
            "Opportunity at",
            "Closed at",
            "Outcome",
            "Reason",
            "Deal value",
            "MRR",
            "Churned at",
        ):
            row[name] = ""
        at, good = opened, GOOD[channel]
        steps = (
            ("MQL at", 0.42 * good, 4),
            ("Accepted at", 0.8, 1),
            ("SQL at", 0.42 * good, 12),
            ("Opportunity at", 0.75, 5),
        )
        for name, chance, days in steps:
            at += timedelta(days=draw.expovariate(1 / days), hours=1)
            if at > end or draw.random() > min(chance, 0.95):
                if name in {"MQL at", "SQL at"} and at < end and draw.random() < 0.25:
                    row |= {"Closed at": at.isoformat(), "Outcome": "disqualified", "Reason": draw.choice(REASONS)}
                return row
            row[name] = at.isoformat()
        value = draw.randint(12, 70) * 1000
        row |= {"Deal value": value, "MRR": round(value / 18, 2)}
        at += timedelta(days=draw.expovariate(1 / 30), hours=3)
        if at < end and draw.random() < 0.8:
            won = draw.random() < 0.42
            row |= {
                "Closed at": at.isoformat(),
                "Outcome": "won" if won else "lost",
                "Reason": "" if won else draw.choice(REASONS),
            }
            gone = at + timedelta(days=draw.randint(40, 160))
            if won and gone < end and draw.random() < 0.2:
                row["Churned at"] = gone.isoformat()
        return row

    def spend_csv(self) -> bytes:
        """A line a channel and month, media and people."""
        draw = random.Random(self.seed + 2)
        rows = []
        month = (self.today.replace(day=1) - timedelta(days=240)).replace(day=1)
        while month <= self.today:
            following = (month + timedelta(days=32)).replace(day=1)
            for channel, amount in COST.items():
                media = round(amount * draw.uniform(0.8, 1.2))
                common = {
                    "Channel": channel,
                    "Campaign": f"{channel} programme",
                    "From": month,
                    "To": following - timedelta(days=1),
                }
                rows.append(common | {"Amount": media, "Currency": "EUR", "Kind": "media"})
                rows.append(common | {"Amount": round(media * 0.4), "Currency": "EUR", "Kind": "people"})
            month = following
        return as_csv(rows)


def _past() -> list[str]:
    """Names of the companies in the history, always in the same order."""
    return [f"{stem} {tail}" for tail in PAST_TAILS for stem in PAST_STEMS]


def _domain(company: str) -> str:
    return company.lower().replace(" ", "-") + ".example"


def _company(name: str, number: int, draw: random.Random) -> dict[str, object]:
    country, region, city, zone = PLACES[number % len(PLACES)]
    return {
        "Company": name, "Domain": _domain(name), "Industry": draw.choice(INDUSTRIES),
        "Employees": draw.choice(("", draw.randint(20, 180), draw.randint(200, 1000), draw.randint(1000, 6000))),
        "Country": country, "Region": region, "City": city, "Time zone": zone,
        "Technologies": draw.choice(("SAP; MES", "SAP", "Oracle", "", "")), "Founded": draw.randint(1950, 2019),
    }  # fmt: skip


def as_csv(rows: Sequence[dict[str, object]] | Iterable[dict[str, object]]) -> bytes:
    """Rows of one shape as UTF-8 CSV."""
    listed = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(listed[0]))
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue().encode()

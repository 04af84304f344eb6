"""What the large consumer providers ask of bulk senders, as data with its date, and how near a day's mail comes to it."""

from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 21)
WARN_FROM = 80  # per cent of the limit


@dataclass(frozen=True, slots=True)
class Rule:
    """`limit` mails a day from one primary domain to `domains` make a bulk sender; `words` say what is asked then."""

    key: str
    label: str
    limit: int
    domains: frozenset[str]
    words: str


RULES = (
    Rule(
        "google", "Gmail", 5000, frozenset({"gmail.com", "googlemail.com"}),
        "Close to 5,000 a day to personal accounts, all hosts of the domain together, make a bulk sender, for good: SPF, "
        "DKIM and an aligned DMARC record, TLS, one-click unsubscribe, under 0.3 % spam reports (aim for 0.1 %). Since "
        "November 2025 mail that misses these is refused.",
    ),
    Rule(
        "yahoo", "Yahoo, AOL", 5000,
        frozenset({
            "yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.ca", "yahoo.in", "yahoo.com.br",
            "yahoo.co.in", "yahoo.com.au", "yahoo.co.id", "yahoo.com.mx", "ymail.com", "rocketmail.com", "aol.com", "aim.com",
        }),
        "The same set as Gmail’s; an unsubscribe is honoured within two days. Yahoo names no figure; 5,000 is Gmail’s.",
    ),
    Rule(
        "microsoft", "Outlook.com, Hotmail", 5000,
        frozenset({
            "outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.it",
            "hotmail.es", "live.co.uk", "live.fr", "live.nl", "outlook.de", "outlook.fr", "outlook.es", "outlook.it",
        }),
        "Above 5,000 a day SPF, DKIM and DMARC must pass, else 550 5.7.515 (since 5 May 2025).",
    ),
)  # fmt: skip
PROVIDER_OF = {domain: rule.key for rule in RULES for domain in rule.domains}


@dataclass(frozen=True, slots=True)
class Standing:
    """`sent` mails of one primary domain to one provider in the last 24 hours."""

    rule: Rule
    domain: str
    sent: int

    @property
    def state(self) -> str:
        """fine, near (from WARN_FROM per cent) or over."""
        if self.sent >= self.rule.limit:
            return "over"
        return "near" if self.sent * 100 >= self.rule.limit * WARN_FROM else "fine"

    def __str__(self) -> str:
        """ "4,100 of 5,000 to Gmail from acme.example in 24 hours"."""
        return f"{self.sent:,} of {self.rule.limit:,} to {self.rule.label} from {self.domain} in 24 hours"

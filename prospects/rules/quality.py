"""Figures of data quality. Each is a rule, so that the number and the rows it opens to are one and the same question."""

from dataclasses import dataclass
from typing import Any, Literal

from prospects.rules.staleness import AGE

Subject = Literal["people", "companies"]
Rule = dict[str, Any]

OLD_DAYS = AGE.days
MAIL_CHECKED_DAYS = 180


def _is(field: str, op: str, value: Any = None) -> Rule:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


HAS_EMAIL = _is("person.email", "known")
# A guess is kept as invalid so that nothing is sent to it before somebody confirms it (rules.verification); nobody knows that
# it does not work, so it is a figure of its own. Who has no checks yet (they left, an import said so) is no guess.
GUESSED: Rule = {"all": [_is("person.email_status", "is", "invalid"), _is("person.email_checks", "has_any", ["guess"])]}
NO_GUESS: Rule = {"any": [_is("person.email_checks", "unknown"), _is("person.email_checks", "has_none", ["guess"])]}
BAD: Rule = {"any": [
    _is("person.email_status", "is", "bounced"),
    {"all": [_is("person.email_status", "is", "invalid"), NO_GUESS]},
]}  # fmt: skip
OLD = _is("person.confirmed_at", "older_than_days", OLD_DAYS)
NEWS = _is("person.stale_signal", "known")
STALE: Rule = {"any": [NEWS, OLD]}
NOT_CHECKED: Rule = {"all": [HAS_EMAIL, _is("person.email_status_at", "unknown")]}


@dataclass(frozen=True, slots=True)
class Figure:
    """Rows for which `rule` is true, out of those of `base` (None: all). `remedy` says what to do about them."""

    key: str
    group: str
    subject: Subject
    label: str
    rule: Rule
    remedy: str
    base: Rule | None = None
    base_label: str = ""


GROUPS: dict[str, tuple[str, str]] = {
    "completeness": ("Completeness", "What is not known"),
    "validity": ("Validity", "What the addresses are worth, of people who have one"),
    "freshness": ("Freshness", "What may no longer hold"),
}


def _missing(key: str, subject: Subject, label: str, field: str, remedy: str) -> Figure:
    return Figure(key, "completeness", subject, label, _is(field, "unknown"), remedy)


def _mail(key: str, label: str, rule: Rule, remedy: str) -> Figure:
    return Figure(key, "validity", "people", label, {"all": [HAS_EMAIL, rule]}, remedy, HAS_EMAIL, "with an address")


FIGURES: tuple[Figure, ...] = (
    Figure("no_way", "completeness", "people", "Cannot be reached at all", {"all": [
        _is("person.email", "unknown"), _is("person.phone", "unknown"), _is("person.linkedin_url", "unknown")]},
        "Find an address, or delete them."),
    _missing("no_email", "people", "Without an e-mail address", "person.email", "Find their address."),
    _missing("no_phone", "people", "Without a phone number", "person.phone", "Find a direct dial."),
    _missing("no_linkedin", "people", "Without a LinkedIn page", "person.linkedin_url", "Add the page."),
    _missing("no_title", "people", "Without a job title", "person.title", "Fit cannot see who decides."),
    _missing("no_company", "people", "Without a company", "company.name", "Fit sees no company: link one."),
    _missing("no_source", "people", "Without a source", "person.source", "Nobody can say why you have them."),
    _missing("no_basis", "people", "Without a lawful basis", "person.lawful_basis", "Note it, by import or in bulk."),
    _missing("firm_no_domain", "companies", "Companies without a domain", "company.domain", "Duplicates hide here."),
    _missing("firm_no_industry", "companies", "Companies without an industry", "company.industry", "Enrich them."),
    _missing("firm_no_size", "companies", "Companies without a headcount", "company.employees", "Enrich them."),
    _missing("firm_no_country", "companies", "Companies without a country", "company.country", "Enrich them."),
    _mail("mail_valid", "Verified", _is("person.email_status", "is", "valid"), "They answered, or mail was taken."),
    _mail("mail_unproven", "Domain takes mail, mailbox unproven", _is("person.email_checks", "has_any", ["unproven"]),
          "Normal before the first mail: nobody can know."),
    _mail("mail_guess", "Guessed, not confirmed", GUESSED, "Nothing is sent to them: confirm those that are theirs."),
    _mail("mail_risky", "Risky", _is("person.email_status", "is", "risky"), "Look before you enrol them."),
    _mail("mail_role", "Role accounts", _is("person.email_checks", "has_any", ["role"]), "Find a person there."),
    _mail("mail_free", "Free mail", _is("person.email_checks", "has_any", ["free"]), "Find the address at work."),
    _mail("mail_disposable", "Throw-away mail", _is("person.email_checks", "has_any", ["disposable"]), "Delete them."),
    _mail("mail_bad", "Do not work", BAD, "Nothing is sent to them: find the new address."),
    Figure("mail_unchecked", "validity", "people", "Not looked at yet", NOT_CHECKED, "A worker does so within minutes.",
           HAS_EMAIL, "with an address"),
    Figure("left", "freshness", "people", "Left the company", _is("person.stale_signal", "is", "left"),
           "Find where they work now, and who came after them."),
    Figure("bounced", "freshness", "people", "Address bounced", _is("person.stale_signal", "is", "bounced"),
           "Find the new address, or delete them."),
    Figure("moved", "freshness", "people", "Changed employer or role", _is("person.stale_signal", "in", ["moved", "role"]),
           "Check the address, then say that the facts hold."),
    Figure("old", "freshness", "people", "Not confirmed for a year", OLD, "Enrich them, or ask."),
    Figure("mail_old", "freshness", "people", f"Address not looked at for {MAIL_CHECKED_DAYS} days",
           _is("person.email_status_at", "older_than_days", MAIL_CHECKED_DAYS), "Verify them again.", HAS_EMAIL, "with an address"),
)  # fmt: skip
BY_KEY = {figure.key: figure for figure in FIGURES}

# The three that stand on top: each is a share of what is in order, and opens to what is not.
HEADLINES: tuple[Figure, ...] = (
    Figure("incomplete", "head", "people", "Complete", {"any": [
        _is("person.email", "unknown"), _is("person.title", "unknown"), _is("company.name", "unknown")]},
        "With an e-mail address, a job title and a company."),
    Figure("undeliverable", "head", "people", "Deliverable", {"all": [HAS_EMAIL, {"any": [
        BAD, _is("person.email_status", "is", "risky"), GUESSED]}]},
        "Of those with an address: neither known not to work, nor risky, nor only guessed.", HAS_EMAIL, "with an address"),
    Figure("stale", "head", "people", "Up to date", STALE,
           "Confirmed within a year, and no news since that makes the facts doubtful."),
)  # fmt: skip
ALL: tuple[Figure, ...] = (*HEADLINES, *FIGURES)

# What speaks against a source: a row counts once, whatever it lacks.
TROUBLES: dict[str, tuple[str, Rule]] = {
    "no_email": ("Without address", _is("person.email", "unknown")),
    "bad": ("Do not work", BAD),
    "stale": ("Out of date", STALE),
}
ANY_TROUBLE: Rule = {"any": [rule for _, rule in TROUBLES.values()]}
FEWEST = 10  # people of a source below which it is not ranked


def of_source(source: str, rule: Rule) -> Rule:
    """`rule` for the people of one source."""
    mine = _is("person.source", "is", source) if source else _is("person.source", "unknown")
    return {"all": [mine, rule]}

"""What rules may ask of companies and people: the catalogues of ICPs, segments, list filters and enrolment filters.

Two sorts. *Facts* are known before any sales effort: only these may feed fit (design.md idea 4). *Fields* add what we
did and decided (owner, last touch, stage, fit): for lists and enrolment. The same name means the same fact in both, so
a company criterion holds for a person's company too: `company.employees` is `employees` of a Company row and
`company__employees` of a Person row.

Paths that start with `x_` are annotations: `prospects.queries.related.annotated` lays on those a rule names; list pages
show the fit and stage of `with_fields`. `matching(rule, now=...)` of queries.people and queries.companies does it all.
"""

from leadgen.core.names import currency_name
from leadgen.core.rulelang import Field, FieldCatalogue
from prospects.rules.naics import naics_name
from prospects.rules.verification import CHECKS

# Values and labels of prospects.models.choices, which rules may not import; tests/prospects/test_companies.py compares.
SENIORITIES = (
    ("founder", "Founder, owner"), ("c_level", "C-level"), ("vp", "VP"), ("head", "Head"), ("director", "Director"),
    ("manager", "Manager"), ("senior", "Senior"), ("staff", "Staff"),
)  # fmt: skip
DEPARTMENTS = (
    ("executive", "Executive"), ("sales", "Sales"), ("marketing", "Marketing"), ("operations", "Operations"),
    ("engineering", "Engineering"), ("it", "IT"), ("finance", "Finance"), ("hr", "HR"), ("legal", "Legal"),
    ("product", "Product"), ("purchasing", "Purchasing"), ("support", "Support"), ("other", "Other"),
)  # fmt: skip
STAGES = (
    ("lead", "Lead"), ("mql", "MQL"), ("accepted", "Accepted"), ("sql", "SQL"), ("opportunity", "Opportunity"),
    ("customer", "Customer"), ("disqualified", "Disqualified"), ("recycled", "Recycled"), ("lost", "Lost"),
)  # fmt: skip
EMAIL_STATUSES = (
    ("unknown", "Not verified"), ("valid", "Verified"), ("risky", "Risky"), ("invalid", "Invalid"), ("bounced", "Bounced"),
)  # fmt: skip
STALE_SIGNALS = (
    ("left", "Left the company"), ("bounced", "The address bounced"), ("moved", "Changed employer"), ("role", "Changed role"),
)  # fmt: skip
GRADES = (("A", "A"), ("B", "B"), ("C", "C"), ("D", "D"), ("X", "Excluded"))
SEQUENCE_STATES = (
    ("active", "In sequence"), ("paused", "Paused"), ("finished", "Finished"), ("stopped", "Stopped"),
    ("never", "Never enrolled"),
)  # fmt: skip


def company_facts(prefix: str = "") -> list[Field]:
    """Facts of a company; `prefix` is the path to it ("company__" from a Person row)."""

    def at(column: str) -> str:
        return f"{prefix}{column}"

    return [
        Field("company.name", "company name", "text", path=at("name")),
        Field("company.domain", "domain", "text", path=at("domain")),
        Field("company.industry", "industry", "text", path=at("industry")),
        Field("company.sub_industry", "sub-industry", "text", path=at("sub_industry")),
        Field(
            "company.naics",
            "NAICS code",
            "text",
            path=at("naics"),
            names=naics_name,
            help='Of NAICS 2022; "starts with 54" is a sector.',
        ),
        Field("company.employees", "employees", "number", path=at("employees")),
        # Amounts are compared as they were given: nothing is converted, so an ICP names the currency it means.
        Field(
            "company.revenue", "revenue", "money", path=at("revenue"), help="A year, in the currency it was given in."
        ),
        Field("company.revenue_currency", "revenue currency", "text", path=at("revenue_currency"), names=currency_name),
        Field("company.country", "country", "country", path=at("country")),
        Field("company.region", "region", "text", path=at("region")),
        Field("company.city", "city", "text", path=at("city")),
        Field("company.founded", "founded", "number", path=at("founded"), help="The year."),
        Field("company.technologies", "technologies", "list", path=at("technologies")),
        Field("company.keywords", "keywords", "list", path=at("keywords")),
        Field("company.pains", "pains", "list", path=at("pains")),
        Field("company.goals", "goals", "list", path=at("goals")),
        Field("company.description", "description", "text", path=at("description")),
        Field("company.funding_stage", "funding stage", "text", path=at("funding_stage")),
        Field("company.funding_total", "funding in total", "money", path=at("funding_total")),
        Field("company.funded_on", "last funding", "date", path=at("funded_on")),
    ]


def person_facts() -> list[Field]:
    """Facts of a person, from a Person row."""
    return [
        Field("person.title", "job title", "text", path="title"),
        Field("person.seniority", "seniority", "choice", path="seniority", choices=SENIORITIES),
        Field("person.department", "department", "choice", path="department", choices=DEPARTMENTS),
        Field("person.country", "person's country", "country", path="country"),
        Field("person.region", "person's region", "text", path="region"),
        Field("person.city", "person's city", "text", path="city"),
    ]


def _company_records(prefix: str = "") -> list[Field]:
    def at(column: str) -> str:
        return f"{prefix}{column}"

    return [
        Field("company.owner", "company owner", "text", path=at("owner__email"), help="The owner's e-mail address."),
        Field("company.source", "company source", "text", path=at("source")),
        Field("company.external_id", "company external id", "text", path=at("external_id")),
        Field("company.created_at", "company added", "date", path=at("created_at"), timestamp=True),
    ]


def _related(noun: str, rows: tuple[tuple[str, str, str, str], ...]) -> list[Field]:
    """Facts that annotations count or find among related rows: (name, label, kind, help)."""
    return [
        Field(
            f"{noun}.{name}", label, kind, path=f"x_{noun}_{name}", help=words,  # type: ignore[arg-type]  # a Kind
            timestamp=kind == "date", empty_is_unknown=kind != "list",
            choices=SEQUENCE_STATES if (noun, name) == ("sequence", "state") else (),
        )
        for name, label, kind, words in rows
    ]  # fmt: skip


# Laid on by prospects.queries.related, those of sequences by campaigns.queries.related: one expression a path.
COMPANY_RELATED = (
    ("people", "people known there", "number", "Contacts we have at the company."),
    ("people_in_sequence", "people in sequence there", "number", "Contacts of the company who are in a sequence now."),
    ("open_deals", "open deals of the company", "number", ""),
    ("won_deals", "won deals of the company", "number", ""),
    ("last_reply_at", "last reply from the company", "date", "Of any of its people."),
    ("lists", "company lists", "list", "Names of the lists the company is on."),
    ("signal_at", "last signal about the company", "date", "Of any kind."),
    ("funding_signal_at", "last funding signal", "date", ""),
    ("hiring_signal_at", "last hiring signal", "date", ""),
    ("job_change_signal_at", "last job change signal at the company", "date", ""),
    ("technology_signal_at", "last signal of a technology adopted", "date", ""),
    ("news_signal_at", "last news of the company", "date", ""),
    ("usage_signal_at", "last product usage signal of the company", "date", ""),
    ("tags", "company tags", "list", "Tags of the company."),
)
PERSON_RELATED = (
    ("engagement", "engagement", "number", "Points now, under the agreement in force; 0 without any."),
    ("leads", "leads", "number", "Buying cycles there ever were."),
    ("open_tasks", "open tasks", "number", ""),
    ("meetings_held", "meetings held", "number", ""),
    ("emails_sent", "e-mails sent to them", "number", "Since ever."),
    ("calls", "calls", "number", "Since ever."),
    ("clicks", "clicks", "number", "By people; those of machines and unsure ones do not count."),
    ("forms", "forms submitted", "number", ""),
    ("lists", "lists", "list", "Names of the lists they are on."),
    ("signal_at", "last signal about them", "date", "About the person; the company's are a field of their own."),
    ("job_change_signal_at", "last job change signal about them", "date", ""),
    ("usage_signal_at", "last product usage signal about them", "date", ""),
    ("tags", "tags", "list", "Tags of the person."),
)
SEQUENCE_RELATED = (
    ("state", "sequence", "choice", "Where they stand in the sequence they are in, else in the last one."),
    ("name", "sequence name", "text", "Of the sequence they are in, else of the last one."),
    ("enrolled_at", "last enrolled", "date", ""),
    ("ended_at", "last sequence ended", "date", "Unknown while they are in one."),
    ("enrolments", "enrolments", "number", "Sequences they were ever in."),
)


# For ICP criteria over companies, and over people with their company.
COMPANY_FACTS = FieldCatalogue(company_facts())
PERSON_FACTS = FieldCatalogue([*company_facts("company__"), *person_facts()])

COMPANY_FIELDS = FieldCatalogue(
    [
        *company_facts(),
        *_company_records(),
        Field("fit.grade", "fit grade", "choice", path="x_fit_grade", choices=GRADES, help="Of the primary ICP."),
        Field("fit.score", "fit", "number", path="x_fit_score", help="0 to 100, of the primary ICP."),
        Field("company.last_touch_at", "last touch", "date", path="x_last_touch_at", timestamp=True),
        *_related("company", COMPANY_RELATED),
    ]
)
PERSON_FIELDS = FieldCatalogue(
    [
        *person_facts(),
        Field("person.name", "name", "text", path="full_name"),
        Field("person.email", "e-mail", "text", path="email"),
        Field("person.email_status", "e-mail status", "choice", path="email_status", choices=EMAIL_STATUSES),
        Field(
            "person.email_checks",
            "e-mail checks",
            "list",
            path="email_checks",
            names=lambda code: CHECKS.get(code, code),
            help="Such as role, free, unproven.",
        ),
        Field("person.email_status_at", "e-mail status since", "date", path="email_status_at", timestamp=True),
        Field("person.stale_signal", "out of date because", "choice", path="stale_signal", choices=STALE_SIGNALS),
        Field("person.confirmed_at", "facts last confirmed", "date", path="x_person_confirmed_at", timestamp=True),
        Field("person.lawful_basis", "lawful basis", "text", path="lawful_basis"),
        Field("person.lawful_basis_at", "lawful basis since", "date", path="lawful_basis_at", timestamp=True),
        Field("person.phone", "phone", "text", path="phone"),
        Field("person.linkedin_url", "LinkedIn page", "text", path="linkedin_url"),
        Field("person.linkedin_status", "LinkedIn status", "text", path="linkedin_status", names=str.capitalize),
        Field("person.time_zone", "time zone", "text", path="time_zone"),
        Field("person.owner", "owner", "text", path="owner__email", help="The owner's e-mail address."),
        Field("person.source", "source", "text", path="source"),
        Field("person.external_id", "external id", "text", path="external_id"),
        Field("person.created_at", "added", "date", path="created_at", timestamp=True),
        Field("person.last_touch_at", "last touch", "date", path="last_touch_at", timestamp=True),
        Field("person.last_reply_at", "last reply", "date", path="last_reply_at", timestamp=True),
        Field("lead.stage", "lead stage", "choice", path="x_lead_stage", choices=STAGES, help="Of the latest lead."),
        Field("fit.grade", "fit grade", "choice", path="x_fit_grade", choices=GRADES, help="Of the primary ICP."),
        Field("fit.score", "fit", "number", path="x_fit_score", help="0 to 100, of the primary ICP."),
        Field("lead.stage_at", "in the stage since", "date", path="x_lead_stage_at", timestamp=True),
        *_related("person", PERSON_RELATED),
        *_related("sequence", SEQUENCE_RELATED),
        *company_facts("company__"),
        *_company_records("company__"),
        *_related("company", COMPANY_RELATED),
    ]
)

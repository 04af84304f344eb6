"""Words shared by several tables; design.md section 1."""

from django.db import models


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    LINKEDIN = "linkedin", "LinkedIn"
    PHONE = "phone", "Phone"
    CONTENT = "content", "Content"
    SEO = "seo", "SEO"
    PAID = "paid", "Paid"
    SOCIAL = "social", "Social"
    WEBINAR = "webinar", "Webinar"
    EVENT = "event", "Event"
    DIRECT_MAIL = "direct_mail", "Direct mail"
    REFERRAL = "referral", "Referral"
    PARTNER = "partner", "Partner"
    DIRECT = "direct", "Direct"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class Stage(models.TextChoices):
    LEAD = "lead", "Lead"
    MQL = "mql", "MQL"
    ACCEPTED = "accepted", "Accepted"
    SQL = "sql", "SQL"
    OPPORTUNITY = "opportunity", "Opportunity"
    CUSTOMER = "customer", "Customer"
    DISQUALIFIED = "disqualified", "Disqualified"
    RECYCLED = "recycled", "Recycled"
    LOST = "lost", "Lost"


OPEN_STAGES = (Stage.LEAD, Stage.MQL, Stage.ACCEPTED, Stage.SQL, Stage.OPPORTUNITY)
EXITS = (Stage.DISQUALIFIED, Stage.RECYCLED, Stage.LOST)


class Seniority(models.TextChoices):
    FOUNDER = "founder", "Founder, owner"
    C_LEVEL = "c_level", "C-level"
    VP = "vp", "VP"
    HEAD = "head", "Head"
    DIRECTOR = "director", "Director"
    MANAGER = "manager", "Manager"
    SENIOR = "senior", "Senior"
    STAFF = "staff", "Staff"
    UNKNOWN = "", "Unknown"


class Department(models.TextChoices):
    EXECUTIVE = "executive", "Executive"
    SALES = "sales", "Sales"
    MARKETING = "marketing", "Marketing"
    OPERATIONS = "operations", "Operations"
    ENGINEERING = "engineering", "Engineering"
    IT = "it", "IT"
    FINANCE = "finance", "Finance"
    HR = "hr", "HR"
    LEGAL = "legal", "Legal"
    PRODUCT = "product", "Product"
    PURCHASING = "purchasing", "Purchasing"
    SUPPORT = "support", "Support"
    OTHER = "other", "Other"
    UNKNOWN = "", "Unknown"


def one_of(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """Status columns are text + CHECK: PostgreSQL enums cannot use an index under row-level security."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": choices.values}), name=name)

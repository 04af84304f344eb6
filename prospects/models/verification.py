"""Verification of addresses: what the name servers say of a domain, and when a person was last looked at.

The verdict itself stands on the person (email_status, its date and reason, email_checks): lists and senders read it there.
"""

from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel
from prospects.models.choices import one_of


class HostState(models.TextChoices):
    TAKES = "takes", "Takes mail"
    BARE = "bare", "No MX record"
    NULL = "null", "Refuses mail"
    DEAD = "dead", "No mail server"
    GONE = "gone", "Does not exist"
    SILENT = "silent", "No answer"
    UNASKED = "unasked", "Not asked"


class MailHost(TenantModel):
    """What was found about a domain's mail, good until `expires_at`: one question serves everybody there."""

    State = HostState

    domain = models.CharField(max_length=253)
    state = models.CharField(max_length=8, choices=State.choices)
    provider = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=253, blank=True)  # its first mail server, or why there was no answer
    checked_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "domain"], name="mailhost_domain"),
            one_of("state", HostState, "mailhost_state"),
        ]

    def __str__(self) -> str:
        return self.domain


class Verification(TenantModel):
    """Derived: the last look at a person. `seen_at` is their `updated_at` then, `status_at` the `email_status_at` it wrote:
    another one there means that somebody else (a bounce, an import) has spoken since."""

    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    address = models.CharField(max_length=254, blank=True)
    since = models.DateTimeField(null=True)  # when the address became theirs; what happened before says nothing of it
    seen_at = models.DateTimeField()
    checked_at = models.DateTimeField()
    status_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # null: there is no address to look at again

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="verification_person")]
        indexes = [
            models.Index(fields=["workspace", "due_at"], name="verification_due"),
            models.Index(fields=["workspace", "-seen_at"], name="verification_seen"),
        ]

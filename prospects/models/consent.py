"""Suppression and consent: what must never be sent, and what somebody agreed to."""

from django.db import models

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey
from prospects.models.choices import one_of


class SuppressionKind(models.TextChoices):
    EMAIL = "email", "E-mail address"
    DOMAIN = "domain", "Domain"
    PHONE = "phone", "Phone number"


class SuppressionAct(models.TextChoices):
    ADD = "add", "Suppressed"
    LIFT = "lift", "Lifted"


class SuppressionReason(models.TextChoices):
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    BOUNCED = "bounced", "Hard bounce"
    COMPLAINED = "complained", "Complaint"
    OBJECTED = "objected", "Asked not to be contacted"
    MANUAL = "manual", "Added by hand"
    IMPORTED = "imported", "Imported list"
    ERASED = "erased", "Erased on request"


class Suppression(AppendOnlyModel):
    """Append-only, by keyed hash (HMAC of the normalised address): survives erasure and re-import.

    The newest row of a (kind, digest) decides: `add` suppresses, `lift` frees again.
    """

    erasable = ("note", "hint")

    Kind = SuppressionKind
    Act = SuppressionAct
    Reason = SuppressionReason

    kind = models.CharField(max_length=8, choices=Kind.choices)
    digest = models.CharField(max_length=64)
    act = models.CharField(max_length=4, choices=Act.choices, default=Act.ADD)
    reason = models.CharField(max_length=12, choices=Reason.choices)
    note = models.CharField(max_length=300, blank=True)
    hint = models.CharField(max_length=60, blank=True)  # masked, for the list: "a…@lumen.example"
    at = models.DateTimeField()
    member = TenantForeignKey("accounts.Member", null=True)

    class Meta(AppendOnlyModel.Meta):
        constraints = [
            one_of("kind", SuppressionKind, "suppression_kind"),
            one_of("act", SuppressionAct, "suppression_act"),
            one_of("reason", SuppressionReason, "suppression_reason"),
        ]
        indexes = [
            models.Index(fields=["workspace", "kind", "digest", "-at", "-id"], name="suppression_key"),
            models.Index(fields=["workspace", "-at", "-id"], name="suppression_at"),
        ]


class Consent(AppendOnlyModel):
    """What a person agreed to: the words, their version, where and when."""

    movable = ("person",)
    erasable = ("text", "version", "url", "ip", "source")

    person = TenantForeignKey("prospects.Person", models.DB_CASCADE)
    text = models.TextField()
    version = models.CharField(max_length=40)
    given = models.BooleanField()
    at = models.DateTimeField()
    url = models.CharField(max_length=500, blank=True)
    ip = models.GenericIPAddressField(null=True)
    source = models.CharField(max_length=120)

    class Meta(AppendOnlyModel.Meta):
        indexes = [models.Index(fields=["workspace", "person", "-at"], name="consent_person")]

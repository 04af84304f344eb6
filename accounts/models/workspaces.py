"""Workspace and its members."""

from decimal import Decimal

from django.core.validators import RegexValidator
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel, UUIDv7


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    OPS = "ops", "RevOps"
    MARKETER = "marketer", "Marketer"
    SDR = "sdr", "SDR"
    AE = "ae", "Account executive"
    LEADER = "leader", "Sales leader"
    VIEWER = "viewer", "Viewer"


class Workspace(models.Model):
    """A tenant. Its row-level policy follows membership: see leadgen.core.policies."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    slug = models.CharField(
        max_length=48,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$", "Use a-z, 0-9 and hyphens, not at the ends.")],
    )
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")
    gross_margin = models.DecimalField(max_digits=6, decimal_places=5, default=Decimal("0.8"))
    # Used, and labelled as an assumption, while fewer than 12 customers ended (metrics.md, churn).
    assumed_churn = models.DecimalField(max_digits=7, decimal_places=6, default=Decimal("0.02"))
    postal_address = models.TextField(blank=True)
    work_start = models.TimeField(default="09:00")
    work_end = models.TimeField(default="17:00")
    # Role -> "own" or "team": whose records it sees. A role that is not named sees all (queries.visibility).
    visibility = models.JSONField(default=dict, db_default={}, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Member(TenantModel):
    """A user in a workspace, or a name an import brought (no user, inactive)."""

    user = models.ForeignKey("accounts.User", models.DO_NOTHING, null=True, blank=True, related_name="+", db_index=True)
    email = models.CharField(max_length=254, blank=True)  # lower case
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    team = models.CharField(max_length=80, blank=True)
    # Open inbound leads this member takes at most before routing passes on.
    capacity = models.PositiveSmallIntegerField(default=20)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "user"], condition=models.Q(user__isnull=False), name="member_user"
            ),
            models.UniqueConstraint(fields=["workspace", "email"], condition=~models.Q(email=""), name="member_email"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="member_role"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or "unnamed"


class Invitation(TenantModel):
    """An offer to join, sent by e-mail. The link carries the workspace id in clear and the secret, of which we keep the hash."""

    email = models.CharField(max_length=254)
    role = models.CharField(max_length=16, choices=Role.choices)
    secret_hash = models.CharField(max_length=64)
    invited_by = TenantForeignKey("accounts.Member")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_open",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role"),
        ]

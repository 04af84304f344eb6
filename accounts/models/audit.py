"""The audit log: who did what to which row, append-only."""

from django.db import models

from leadgen.core.tenancy import AppendOnlyModel, TenantForeignKey


class AuditEntry(AppendOnlyModel):
    """`action` is `<noun>.<verb>` ("person.deleted"). Mail bodies and secrets never go into `detail`."""

    erasable = ("target_label", "detail", "target_id")
    forgettable = "at"

    at = models.DateTimeField()
    member = TenantForeignKey("accounts.Member", null=True)
    token = TenantForeignKey("accounts.ApiToken", null=True)
    source = models.CharField(max_length=16)  # user, api, system, command
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=40, blank=True)
    target_id = models.UUIDField(null=True)
    target_label = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)

    class Meta(AppendOnlyModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "-at", "-id"], name="audit_at"),
            models.Index(fields=["workspace", "target_type", "target_id", "-at"], name="audit_target"),
        ]

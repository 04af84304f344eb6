"""API tokens: `lg_<workspace id>_<secret>`; only a hash of the secret is kept, it is shown once."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from leadgen.core.tenancy import TenantForeignKey, TenantModel


class ApiToken(TenantModel):
    name = models.CharField(max_length=80)
    member = TenantForeignKey("accounts.Member")
    prefix = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "secret_hash"], name="apitoken_secret")]


class IdempotencyRecord(TenantModel):
    """The stored answer to a POST that carried an Idempotency-Key; replayed for 24 h."""

    token = TenantForeignKey("accounts.ApiToken", models.DB_CASCADE)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "token", "key"], name="idempotency_key")]

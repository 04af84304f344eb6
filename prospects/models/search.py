"""The vocabulary of the global search: every word of a name once, with the keys by which slips of the hand find it."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from leadgen.core.tenancy import TenantModel


class SearchWord(TenantModel):
    """Words come with the rows and stay when these go: one that leads nowhere finds nothing and harms nobody."""

    word = models.CharField(max_length=24)  # upper case, with its accents
    keys = ArrayField(models.CharField(max_length=48))

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["workspace", "word"], name="searchword_key")]
        indexes = [GinIndex(fields=["workspace", "keys"], name="searchword_keys")]

"""django-filter over tenant models: `Meta.fields` asks for querysets while modules are imported, before any workspace."""

from typing import Any

from django.db import models
from django_filters import FilterSet, UUIDFilter
from django_filters.filterset import FILTER_FOR_DBFIELD_DEFAULTS

from leadgen.core.tenancy import nowhere


class TenantFilterSet(FilterSet):
    """Base of every API filter. A foreign key filters by the id: a list of choices would be read per request, and leak."""

    FILTER_DEFAULTS = {**FILTER_FOR_DBFIELD_DEFAULTS, models.ForeignKey: {"filter_class": UUIDFilter}}

    @classmethod
    def get_filters(cls) -> Any:
        with nowhere():
            return super().get_filters()

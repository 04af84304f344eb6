"""What the exports of people and companies share."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.downloads import XLSX, csv_stream, xlsx_download
from prospects.actions.exports import FORMATS, open_export
from prospects.forms.exports import filtered
from prospects.forms.fields import ListFilter

EXPORT_AS = [OpenApiParameter("as", str, enum=FORMATS, default="csv")]
EXPORT_ANSWER = {(200, "text/csv"): OpenApiTypes.STR, (200, XLSX): OpenApiTypes.BINARY}


def export_answer(
    request: Request, subject: str, filter_class: type[ListFilter], rows: QuerySet[Any]
) -> HttpResponseBase:
    """The file. Raises Invalid for a filter that cannot be read."""
    rows, words = filtered(request, filter_class, rows)
    file_format, now = request.query_params.get("as", "csv"), clock.now()
    made = open_export(
        by=actor_of(request), now=now, subject=subject, rows=rows, file_format=file_format, filters=words
    )
    name = f"{subject}-{now:%Y-%m-%d}"
    return (
        xlsx_download(made.workbook(), name=name) if file_format == "xlsx" else csv_stream(made.csv_parts(), name=name)
    )

"""Download the people or companies of the filtered list, as CSV or as a workbook."""

from typing import Any, cast

from django.http import HttpResponse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.downloads import csv_stream, xlsx_download
from leadgen.core.errors import AppError
from leadgen.core.htmx import refusal
from prospects.actions.exports import open_export
from prospects.forms.companies import CompanyFilter
from prospects.forms.exports import filtered
from prospects.forms.people import PersonFilter
from prospects.models import Company, Person


@member_view("people.export")
def person_list_export(request: MemberRequest) -> HttpResponse:
    """The people of the list, by its own query string; `?as=csv` or `xlsx`."""
    return _export(request, "people", PersonFilter, Person.objects.all())


@member_view("companies.export")
def company_list_export(request: MemberRequest) -> HttpResponse:
    """The companies of the list, by its own query string; `?as=csv` or `xlsx`."""
    return _export(request, "companies", CompanyFilter, Company.objects.all())


def _export(request: MemberRequest, subject: str, filter_class: Any, rows: Any) -> HttpResponse:
    file_format = request.GET.get("as", "csv")
    try:
        rows, words = filtered(request, filter_class, rows)
        made = open_export(
            by=actor_of(request), now=clock.now(), subject=subject, rows=rows, file_format=file_format, filters=words
        )
        name = f"{subject}-{clock.now():%Y-%m-%d}"
        if file_format == "xlsx":
            return cast(HttpResponse, xlsx_download(made.workbook(), name=name))
    except AppError as error:
        return refusal(request, error)
    return cast(HttpResponse, csv_stream(made.csv_parts(), name=name))

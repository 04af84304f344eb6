"""What list pages share: filters, order, one keyset page, counts, links that keep the state in the URL."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.html import format_html

from accounts.access import MemberRequest
from accounts.models import Member
from leadgen.core.counts import Count, count_up_to
from leadgen.core.errors import AppError, Conflict, Invalid
from leadgen.core.htmx import is_htmx
from leadgen.core.pagination import Order, Page, keyset, neighbours
from prospects.forms.fields import ListFilter

MAX_SELECTED = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list and everything its template needs."""

    filters: ListFilter
    form: Any
    page: Page
    count: Count
    order: Order
    chips: list[dict[str, str]]
    query: str  # the state without the cursor, to come back to

    def context(self, noun: str, export_url: str = "") -> dict[str, Any]:
        """For the template. `export_url`: where this list comes as a file."""
        query = f"&{self.query}" if self.query else ""
        return {
            "export_csv": f"{export_url}?as=csv{query}", "export_xlsx": f"{export_url}?as=xlsx{query}",
            "form": self.form, noun: self.page.rows, "page": self.page, "count": self.count, "sort": str(self.order),
            "chips": self.chips, "owners": self.filters.owners, "query": self.query, # Also of the plain list: next and previous follow its order.
            "within": f"?{urlencode({'in': self.query or f'sort={self.order}'})}",
        }  # fmt: skip


def build_listing(
    request: MemberRequest,
    filter_class: type[ListFilter],
    queryset: QuerySet[Any],
    *,
    orders: tuple[str, ...],
    nullable: tuple[str, ...],
    default: str,
    show: Any,
) -> Listing:
    """Filter, count, order and cut one page. `show(queryset)` adds what only the shown rows need (annotations, related).

    Raises Invalid for an order or cursor that does not exist.
    """
    order = Order.parse(request.GET.get("sort") or default, allowed=orders, nullable=nullable)
    filters = filter_class(request.GET, queryset=queryset, request=request)
    rows = filters.qs
    page = keyset(show(rows), order=order, cursor=request.GET.get("cursor", ""))
    query = request.GET.copy()
    query.pop("cursor", None)
    return Listing(
        filters=filters,
        form=filters.offer_owners(),
        page=page,
        count=count_up_to(rows),
        order=order,
        chips=filters.chips(),
        query=_filled(query),
    )


def neighbours_in(
    request: MemberRequest,
    row: Any,
    filter_class: type[ListFilter],
    queryset: QuerySet[Any],
    *,
    orders: tuple[str, ...],
    nullable: tuple[str, ...],
    default: str,
    show: Any,
) -> tuple[Any | None, Any | None]:
    """The rows before and after `row` in the list it was opened from (`?in=` holds that list's query string)."""
    within = QueryDict(request.GET.get("in", ""))
    if not request.GET.get("in"):
        return None, None
    try:
        order = Order.parse(within.get("sort") or default, allowed=orders, nullable=nullable)
    except Invalid:
        return None, None
    rows = show(filter_class(within, queryset=queryset, request=request).qs)
    # The row itself may have left the list (it was edited); its place in the order still stands.
    placed = show(queryset.model.objects.filter(pk=row.pk)).get()
    return neighbours(rows, order=order, row=placed)


def _filled(query: QueryDict) -> str:
    return urlencode([(key, value) for key, values in query.lists() for value in values if value])


def add_app_error(form: Any, error: AppError, link: str = "") -> None:
    """Show an action's refusal at the field it names; a duplicate links the row that is there (`link`: its page)."""
    field = error.field if error.field in form.fields else None
    if isinstance(error, Conflict) and link:
        message: Any = format_html(
            '{} <a class="link" href="{}">Open {}</a>', error.message, link, error.detail.get("name", "it")
        )
        form.add_error(field, ValidationError(message))
        return
    form.add_error(field, error.message)


def selected_ids(request: MemberRequest) -> list[str]:
    """The ids a bulk form posted. Raises Invalid for none, too many, or what is no id."""
    ids = list(dict.fromkeys(request.POST.getlist("selected")))
    if not ids:
        raise Invalid("Select some rows first.")
    if len(ids) > MAX_SELECTED:
        raise Invalid(f"Select at most {MAX_SELECTED} rows at a time.")
    try:
        return [str(UUID(value)) for value in ids]
    except ValueError as error:
        raise Invalid("The selection cannot be read. Reload the page.") from error


def chosen_owner(request: MemberRequest) -> Member | None:
    """The member a bulk form names, None for nobody. Raises Invalid for an id that is nobody's here."""
    text = request.POST.get("owner", "")
    if not text:
        return None
    try:
        found = Member.objects.filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        raise Invalid("Choose an owner from the list.", field="owner")
    return found


def sheet_or_page(request: MemberRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """`template#sheet` into a dialog for htmx, else the whole page: the same form with and without JavaScript."""
    name = f"{template}#sheet" if is_htmx(request) else template
    response = render(request, name, context, status=status)
    response["Vary"] = "HX-Request"
    return response

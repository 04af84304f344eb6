"""Pages of customers: list, page, and the day on which one ends."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.errors import AppError
from leadgen.core.htmx import refusal, render_page
from prospects.actions.customers import end_customer
from prospects.forms.deals import CustomerFilter, EndForm
from prospects.models import Customer, Deal
from prospects.queries.deals import with_worth
from prospects.queries.panels import contact_panel
from prospects.views.deals import deal_tabs
from prospects.views.leads import moment
from prospects.views.listing import build_listing
from prospects.views.stages import form_act, posted

LIST: dict[str, Any] = {
    "orders": ("name", "started_at", "ended_at"), "nullable": ("started_at", "ended_at"), "default": "-started_at",
}  # fmt: skip


@member_view("customers.view")
def customer_list(request: MemberRequest) -> HttpResponse:
    """Customers, newest first, with what they are worth."""
    try:
        listing = build_listing(request, CustomerFilter, Customer.objects.all(), show=with_worth, **LIST)
    except AppError as error:
        return refusal(request, error)
    context = listing.context("customers") | deal_tabs(request, "customers")
    words = f"{listing.count} customers match"
    return render_page(request, "prospects/customer_list.html", context, partial="results", announce=words)


@member_view("customers.view")
def customer_detail(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """One customer: its deals, since when, until when and why."""
    customer = get_object_or_404(with_worth(Customer.objects.all()), pk=customer_id)
    deals = list(Deal.objects.filter(customer=customer).select_related("owner", "lead").order_by("-closed_at"))
    person = customer.person or next((deal.person for deal in deals if deal.person_id), None)
    context = {
        "customer": customer, "deals": deals, "contact": contact_panel(person, clock.now()) if person else None,
        "since": f"Customer since {moment(customer.started_at) or 'an unknown day'}", "nav_active": "deals", "list_url": reverse("customer_list", args=[request.workspace.slug]),
    }  # fmt: skip
    return render(request, "prospects/customer_detail.html", context)


@member_view("customers.view", post="customers.edit")
def customer_end(request: MemberRequest, customer_id: UUID) -> HttpResponse:
    """Record that a customer left."""
    customer = get_object_or_404(Customer.objects.all(), pk=customer_id)
    now, zone = clock.now(), request.workspace.time_zone

    def do(values: dict[str, Any]) -> str:
        end_customer(
            customer=customer,
            at=start_of_day(values["on"], zone),
            reason=values["reason"],
            by=actor_of(request),
            now=now,
        )
        return f"{customer} ended on {values['on']:%d %b %Y}."

    return form_act(
        request, EndForm(posted(request), today=local_date(now, zone)), title="End this customer", subject=str(customer),
        label="Record the end", back=reverse("customer_detail", args=[request.workspace.slug, customer.pk]), do=do, danger=True,
        nav="deals", note="The recurring part of its deals ends that day. It counts in churn.",
    )  # fmt: skip

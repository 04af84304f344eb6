"""Pages of finding's providers and directories, and the finders of addresses and numbers."""

import json
import uuid
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid, NotFound
from leadgen.core.htmx import hx_redirect, refusal
from prospects.actions.enrichment_providers import create_provider, delete_provider, update_provider
from prospects.actions.finding_directory import fields_of, read_upload, upload
from prospects.actions.finding_finders import WORDS, confirm_guess, quote, start_finder
from prospects.forms.finding import EXAMPLES, DirectoryColumnsForm, DirectoryForm, FindingProviderForm
from prospects.models import FINDING_KINDS, Company, DirectoryUpload, EnrichmentProvider, Person
from prospects.queries import finding as queries
from prospects.queries.enrichment import costs
from prospects.rules.finding import price_words
from prospects.rules.imports_fields import CATALOGUE
from prospects.views.finding import chosen, finding_tabs, posted_ids
from prospects.views.listing import add_app_error, selected_ids, sheet_or_page

Kind = EnrichmentProvider.Kind
KIND_WORDS = {
    Kind.SEARCH: "Any data provider with a JSON API: where it is searched, what comes back, what it costs.",
    Kind.DIRECTORY: "A list you license or build yourself: companies, people or both, searched like any other.",
    Kind.PATTERN: "Reads off known addresses how a company writes them. Free; what it finds is a guess until confirmed.",
}  # fmt: skip


@member_view("finding.view")
def finding_provider_list(request: MemberRequest) -> HttpResponse:
    """Who can be searched, what they offer and cost."""
    cost = costs(clock.now())
    rows = [
        {
            "provider": one, "offers": queries.operations_of(one), "spent": cost.get((one.pk, one.currency), Decimal(0)),
            "before": [(paid, code) for (key, code), paid in cost.items() if key == one.pk and code != one.currency and paid],
            "prices": [
                f"{name} {price_words(price)} {one.currency} a {what}"
                for name in queries.operations_of(one)
                for what, price in (("request", queries.cost(one, name).request), ("result", queries.cost(one, name).result))
                if price
            ],
        }
        for one in queries.providers(active=False)
    ]  # fmt: skip
    context = {
        "rows": rows, "kinds": [(kind, kind.label, KIND_WORDS[kind]) for kind in FINDING_KINDS],
        "finding_tabs": finding_tabs(request), "finding_tab": "providers",
    }  # fmt: skip
    return render(request, "prospects/finding_providers.html", context)


@member_view("finding.manage")
def finding_provider_create(request: MemberRequest) -> HttpResponse:
    """A new provider of `?kind=`."""
    kind = Kind(request.GET["kind"]) if request.GET.get("kind") in FINDING_KINDS else Kind.SEARCH
    initial = {"name": "" if kind == Kind.SEARCH else kind.label.partition(" (")[0]}
    form = FindingProviderForm(request.POST or None, kind=kind, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            provider = create_provider(by=actor_of(request), now=clock.now(), kind=kind, **form.values())
        except AppError as error:
            add_app_error(form, error)
        else:
            if kind == Kind.DIRECTORY:
                return hx_redirect(request, _edit(request, provider), toast="Now upload its file.")
            return hx_redirect(request, _list(request), toast=f"{provider} is added.")
    return _form(request, form, kind, None)


@member_view("finding.manage")
def finding_provider_edit(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """Change a provider; of a directory, upload its files."""
    provider = _provider(enrichmentprovider_id)
    form = FindingProviderForm(request.POST or None, kind=provider.kind, provider=provider)
    if request.method == "POST" and form.is_valid():
        try:
            update_provider(provider=provider, changes=form.values(), by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    return _form(request, form, provider.kind, provider)


@member_view("finding.manage")
def finding_provider_delete(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """Delete a provider with its searches and files."""
    provider = _provider(enrichmentprovider_id)
    if request.method == "POST":
        name = provider.name
        delete_provider(provider=provider, by=actor_of(request), now=clock.now())
        return hx_redirect(request, _list(request), toast=f"{name} is deleted.")
    context = {
        "title": f"Delete {provider}?", "button_words": "Delete the provider", "back": _list(request),
        "words": "Its searches, its files and the record of what it cost go too. What was added from it stays.",
        "action_url": reverse("finding_provider_delete", args=[request.workspace.slug, provider.pk]),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/signal_delete.html", context)


@member_view("finding.manage")
@require_POST
def directory_upload(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """Take a directory's file in."""
    provider = _provider(enrichmentprovider_id)
    form = DirectoryForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = upload(
                provider=provider, subject=form.cleaned_data["subject"], name=file.name, content=file.read(),
                by=actor_of(request), now=clock.now(),
            )  # fmt: skip
        except AppError as error:
            add_app_error(form, error)
        else:
            url = reverse("directory_columns", args=[request.workspace.slug, row.pk])
            return hx_redirect(request, url, toast="Check which column holds what.")
    return _form(
        request, FindingProviderForm(kind=provider.kind, provider=provider), provider.kind, provider, files=form
    )


@member_view("finding.manage")
def directory_columns(request: MemberRequest, directoryupload_id: UUID) -> HttpResponse:
    """Which column holds what; then the file is read in the background."""
    row: DirectoryUpload = get_object_or_404(
        DirectoryUpload.objects.select_related("provider").defer("content"), pk=directoryupload_id
    )
    labels = {spec.name: spec.label for spec in CATALOGUE["companies" if row.subject == "companies" else "people"]}
    labels = {name: labels[name] for name in fields_of(row.subject) if name in labels}
    form = DirectoryColumnsForm(request.POST or None, upload=row, labels=labels)
    if request.method == "POST" and form.is_valid():
        try:
            read_upload(row=row, columns=form.cleaned_data, by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _edit(request, row.provider), toast="It is being read; it takes its place once it is whole.")  # fmt: skip
    context = {"form": form, "row": row, "back": _edit(request, row.provider)}
    return render(request, "prospects/directory_columns.html", context, status=422 if form.errors else 200)


# --- finders


@member_view("finding.run")
@require_POST
def finder_ask(request: MemberRequest) -> HttpResponse:
    """How many of the selected people (or of a company's: `company`) can be asked about, and what it costs at most."""
    want = request.POST.get("want", "email")
    try:
        ids = _people(request)
        found = quote(want=want, ids=ids)
    except AppError as error:
        return refusal(request, error)
    context = {
        "want": want, "words": WORDS[want], "quote": found, "token": uuid.uuid4().hex, "ids": found.people,
        "finders": [(name, price_words(price) if price else "") for name, price in found.finders],
        "amount": price_words(found.amount), "back": _came_from(request),
    }  # fmt: skip
    return render(request, "prospects/finder_ask.html", context)


@member_view("finding.run")
@require_POST
def finder_start(request: MemberRequest) -> HttpResponse:
    """Ask, for the number of people and at the price that were shown."""
    try:
        run = start_finder(
            by=actor_of(request), now=clock.now(), want=request.POST.get("want", ""), ids=posted_ids(request),
            count=int(request.POST.get("count") or 0), confirmed=Decimal(request.POST.get("amount") or "0"),
            token=request.POST.get("token", ""), write_at_once=request.POST.get("write_at_once") == "on",
        )  # fmt: skip
    except (ValueError, ArithmeticError):
        return refusal(request, Invalid("The form cannot be read. Go back and begin again."))
    except AppError as error:
        return refusal(request, error)
    url = reverse("enrichment_run_detail", args=[request.workspace.slug, run.pk])
    return hx_redirect(request, url, toast="Finders are asked, one after the other.")


@member_view("people.edit")
@require_POST
def person_guess_confirm(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """A guessed address is right, says a person."""
    person: Person = get_object_or_404(Person.objects.all(), pk=person_id)
    try:
        confirm_guess(person=person, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    url = reverse("person_detail", args=[request.workspace.slug, person.pk])
    return hx_redirect(request, url, toast=f"{person.email} counts as theirs now.")


def _people(request: MemberRequest) -> list[Any]:
    if request.POST.get("company"):
        company = chosen(Company.objects.all(), request.POST["company"])
        if company is None:
            raise NotFound("There is no such company.")
        return list(Person.objects.filter(company=company).values_list("pk", flat=True)[:900])
    return selected_ids(request)


def _came_from(request: MemberRequest) -> str:
    """The company whose people are asked about, which `_people` has looked up; else the list."""
    slug = request.workspace.slug
    if request.POST.get("company"):
        return reverse("company_detail", args=[slug, request.POST["company"]])
    return reverse("person_list", args=[slug])


def _provider(key: UUID) -> EnrichmentProvider:
    found: EnrichmentProvider = get_object_or_404(EnrichmentProvider.objects.filter(kind__in=FINDING_KINDS), pk=key)
    return found


def _list(request: MemberRequest) -> str:
    return reverse("finding_provider_list", args=[request.workspace.slug])


def _edit(request: MemberRequest, provider: EnrichmentProvider) -> str:
    return reverse("finding_provider_edit", args=[request.workspace.slug, provider.pk])


def _form(
    request: MemberRequest, form: FindingProviderForm, kind: str, provider: EnrichmentProvider | None, files: Any = None
) -> HttpResponse:  # fmt: skip
    wrong = form.errors or (files is not None and files.errors)
    uploads = queries.uploads(provider) if provider is not None and kind == Kind.DIRECTORY else []
    context = {
        "form": form, "provider": provider, "kind": kind, "kind_label": Kind(kind).label, "words": KIND_WORDS[Kind(kind)],
        "kinds": [{"key": one.value, "label": one.label.partition(" (")[0], "url": f"?kind={one.value}"} for one in FINDING_KINDS],
        "back": _list(request), "files": files or (DirectoryForm() if provider is not None and kind == Kind.DIRECTORY else None),
        "uploads": uploads, "reading": any(one.state == DirectoryUpload.State.WAITING for one in uploads),
        # An upload that was refused answers under its own address: what else is on the page is saved under this one.
        "edit_url": _edit(request, provider) if provider is not None else "",
        "examples": [(name, json.dumps(EXAMPLES[name], indent=1)) for name in EXAMPLES] if kind == Kind.SEARCH else [],
    }  # fmt: skip
    return render(request, "prospects/finding_provider_form.html", context, status=422 if wrong else 200)

"""Settings: an overview of every page of settings, those of other apps included, and the workspace's own facts."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.actions.workspaces import update_workspace
from accounts.context import mounted
from accounts.forms.workspaces import WorkspaceEditForm
from accounts.permissions import member_allows
from accounts.rules.visibility import SEEN, level_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect

# Heading, then (title, words, icon, URL name, permission). Pages of other apps are named, not imported: what is not
# mounted is left out.
SECTIONS: list[tuple[str, list[tuple[str, str, str, str, str]]]] = [
    (
        "Workspace",
        [
            (
                "General",
                "Name, time zone, currency, postal address, margin",
                "settings",
                "workspace_edit",
                "workspace.edit",
            ),
            ("Members", "Who works here, in which role; invitations", "users", "member_list", "members.view"),
            (
                "Record visibility",
                "Which roles see all records, their team's or their own",
                "eye",
                "visibility_edit",
                "workspace.edit",
            ),
            ("Territories", "Whose new companies and people are, by rule", "map", "territory_list", "territories.view"),
            ("Absences", "Who is away, and who has their rows", "calendar", "absence_list", "absences.view"),
            ("Audit log", "Who changed what, and when", "scroll-text", "audit_list", "audit.view"),
        ],
    ),
    (
        "Sales and marketing",
        [
            (
                "Agreement",
                "What counts as a lead, an MQL and an SQL",
                "handshake",
                "agreement_detail",
                "agreements.view",
            ),
            ("Offers", "What you sell to whom, and the channels that suit it", "package", "offer_list", "offers.view"),
            ("Campaigns", "Goals, budgets and what they brought", "megaphone", "campaign_list", "campaigns.view"),
            ("Spend", "What each channel and campaign cost", "coins", "spend_list", "spend.view"),
        ],
    ),
    (
        "Sending",
        [
            ("Mailboxes", "Sending identities, their limits and health", "mail", "mailbox_list", "mailboxes.view"),
            ("Domains", "SPF, DKIM, DMARC and what your mail goes from", "globe", "domain_list", "domains.view"),
            (
                "Click tracking",
                "Whose clicks were people’s, and the host of links",
                "mouse-pointer-click",
                "tracking",
                "tracking.view",
            ),
            ("Suppressions", "People and domains nobody may contact", "ban", "suppression_list", "suppressions.view"),
        ],
    ),
    (
        "Data and integration",
        [
            ("Imports", "Files of people, companies and history", "upload", "import_list", "imports.view"),
            (
                "Enrichment",
                "Who fills in what is missing, and what it costs",
                "database",
                "enrichment_list",
                "enrichment.view",
            ),
            (
                "Finding",
                "Who can be searched for companies, people, addresses and numbers",
                "search",
                "finding_provider_list",
                "finding.view",
            ),
            ("Signals", "News that says why now: feeds, webhooks, triggers", "rss", "signal_list", "signals.view"),
            ("Data quality", "What is missing, wrong, old or there twice", "gauge", "quality_page", "people.view"),
            ("Privacy", "Erasures, and what goes once it is old", "shield", "privacy_settings", "privacy.view"),
            ("Custom fields", "What you know beyond the usual facts", "list-plus", "custom_field_list", "fields.view"),
            ("Tags", "Your own words for people and companies", "tag", "tag_list", "tags.view"),
            ("Bulk actions", "What was done to many at once", "list-checks", "bulk_list", "bulk.view"),
            ("API tokens", "Let other programs in, with scopes", "key-round", "token_list", "tokens.view"),
            ("API reference", "Every call, tried in the browser", "book-open", "api_docs", "workspace.view"),
        ],
    ),
]
WITHOUT_WORKSPACE = {"api_docs"}


@member_view("workspace.view")
def settings(request: MemberRequest) -> HttpResponse:
    """The overview."""
    slug, sections = request.workspace.slug, []
    for heading, pages in SECTIONS:
        cards: list[dict[str, Any]] = []
        for title, words, icon, name, permission in pages:
            if mounted(name) and member_allows(request.member, permission):
                url = reverse(name) if name in WITHOUT_WORKSPACE else reverse(name, args=[slug])
                cards.append({"title": title, "words": words, "icon": icon, "url": url})
        if cards:
            sections.append({"heading": heading, "cards": cards})
    workspace = request.workspace
    facts = [
        ("Address", f"/w/{slug}/"),
        ("Time zone", workspace.time_zone),
        ("Currency", workspace.currency),
        ("Working day", f"{workspace.work_start:%H:%M} to {workspace.work_end:%H:%M}"),
        ("Postal address", workspace.postal_address or None),
        ("Your role", request.member.get_role_display()),
        ("You see", dict(SEEN)[level_of(workspace.visibility, request.member.role)]),
    ]
    return render(request, "accounts/settings.html", {"sections": sections, "facts": facts})


@member_view("workspace.edit")
def workspace_edit(request: MemberRequest) -> HttpResponse:
    """Change the workspace's own facts."""
    form = WorkspaceEditForm.of(request.workspace, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            update_workspace(by=actor_of(request), workspace=request.workspace, now=clock.now(), **form.cleaned_data)
        except AppError as error:
            form.add_error(error.field or None, error.message)
            request.workspace.refresh_from_db()  # the frame shows what is stored, not what was refused
        else:
            return hx_redirect(request, reverse("settings", args=[request.workspace.slug]), toast="Saved.")
    return render(request, "accounts/workspace_edit.html", {"form": form}, status=422 if form.errors else 200)

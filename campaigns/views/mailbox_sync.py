"""The part of a mailbox's page that tells how far its answers were read: read now, and which folders."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.mailsync import ask_sync, choose_folder
from campaigns.models import Mailbox, MailFolder
from campaigns.queries.mailsync import reading_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page

TEMPLATE = "campaigns/mailbox_folders.html"


@member_view("mailboxes.edit")
@require_POST
def mailbox_sync(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Ask a worker to read it now; the part polls until it was."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    now = clock.now()
    try:
        ask_sync(mailbox=mailbox, now=now)
    except AppError as error:
        return refusal(request, error)
    return _answer(request, mailbox, "A worker reads the mailbox now.")


@member_view("mailboxes.edit")
@require_POST
def mailbox_folder(request: MemberRequest, mailbox_id: UUID, mail_folder_id: UUID) -> HttpResponse:
    """Read a folder, or leave it out."""
    folder = get_object_or_404(MailFolder.objects.select_related("mailbox"), pk=mail_folder_id, mailbox=mailbox_id)
    is_read = request.POST.get("is_read") == "yes"
    try:
        choose_folder(folder=folder, is_read=is_read, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return _answer(request, folder.mailbox, "The folder is read from now on." if is_read else "The folder is left out.")


def _answer(request: MemberRequest, mailbox: Mailbox, words: str) -> HttpResponse:
    if not request.htmx:
        back = reverse("mailbox_detail", args=[request.workspace.slug, mailbox.pk])
        return hx_redirect(request, back, toast=words)
    context = {"mailbox": mailbox, "reading": reading_of(mailbox, clock.now())}
    return render_page(request, TEMPLATE, context, partial="folders", announce=words)

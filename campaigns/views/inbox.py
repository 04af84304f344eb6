"""The inbox: folders, list, thread with the contact beside it; correct, answer, take back, done."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import allows
from campaigns.actions import inbox as actions
from campaigns.actions.suggestions import accept_suggestion, sequence_for
from campaigns.forms.inbox import ReplyForm
from campaigns.models import InboundMail, Message
from campaigns.queries import inbox as queries
from campaigns.queries.verdicts import block_of_person
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.models import Person
from prospects.queries.panels import contact_panel
from prospects.queries.suppressions import suppressions_of

ORDER = Order("received_at", descending=True)
SIZE = 40


@member_view("inbox.view")
def inbox(request: MemberRequest) -> HttpResponse:
    """A folder's mail, newest first; what needs a reply unless `?folder=` says another."""
    try:
        context = _list(request, request.GET.get("folder") or queries.NEEDS_REPLY)
    except AppError as error:
        return refusal(request, error)
    return render(request, "campaigns/inbox.html", context)


@member_view("inbox.view")
def inbox_mail(request: MemberRequest, inbound_mail_id: UUID) -> HttpResponse:
    """One mail in its thread, beside its folder's list and the contact. htmx asks for the thread alone."""
    mail = get_object_or_404(queries.with_related(InboundMail.objects.all()), pk=inbound_mail_id)
    actions.mark_read(mail=mail, now=clock.now())
    if request.htmx:
        return render_page(request, "campaigns/inbox_mail.html", _thread(request, mail), partial="thread")
    return _page(request, mail, ReplyForm())


@member_view("inbox.view", post="messages.send")
@require_POST
def inbox_reply(request: MemberRequest, inbound_mail_id: UUID) -> HttpResponse:
    """Answer; it leaves eight seconds later unless it is taken back."""
    mail = get_object_or_404(queries.with_related(InboundMail.objects.all()), pk=inbound_mail_id)
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            actions.send_reply(mail=mail, by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return hx_redirect(request, _url(request, mail))
    return _page(request, mail, form, status=422)


@member_view("inbox.view", post="messages.send")
@require_POST
def inbox_undo(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """Take an answer back before it leaves; its text returns into the field."""
    message = get_object_or_404(Message.objects.exclude(answers=None), pk=message_id, kind=Message.Kind.REPLY)
    mail = queries.with_related(InboundMail.objects.all()).get(pk=message.answers_id)
    try:
        actions.undo_reply(message=message, by=actor_of(request), now=clock.now())
    except AppError as error:
        return hx_redirect(request, _url(request, mail), toast=error.message, tone="warning")
    mail.refresh_from_db()
    form = ReplyForm()
    form.initial["text"] = message.text
    return _page(request, mail, form)


@member_view("inbox.view", post="inbox.edit")
@require_POST
def inbox_correct(request: MemberRequest, inbound_mail_id: UUID) -> HttpResponse:
    """Say what it wants; one click."""
    mail = get_object_or_404(InboundMail.objects.all(), pk=inbound_mail_id)
    try:
        mail = actions.correct_intent(
            mail=mail, intent=request.POST.get("intent", ""), by=actor_of(request), now=clock.now()
        )
    except AppError as error:
        return refusal(request, error)
    words = f"Read as {queries.INTENT_LABELS[mail.intent].lower()}. What the first reading caused stays."
    return hx_redirect(request, _url(request, mail), toast=words)


@member_view("inbox.view", post="inbox.edit")
@require_POST
def inbox_done(request: MemberRequest, inbound_mail_id: UUID) -> HttpResponse:
    """Done with it (or, `undo`, not after all); then the next one of the folder."""
    mail = get_object_or_404(InboundMail.objects.all(), pk=inbound_mail_id)
    by, now = actor_of(request), clock.now()
    if request.POST.get("undo"):
        actions.mark_undone(mail=mail, by=by, now=now)
        return hx_redirect(request, _url(request, mail), toast="It needs an answer again.")
    actions.mark_done(mail=mail, by=by, now=now)
    folder = _folder_name(request)
    rows = InboundMail.objects.filter(queries.in_folder(folder), received_at__lt=mail.received_at)
    following = rows.order_by("-received_at", "-id").first()
    if following is not None:
        return hx_redirect(request, _url(request, following, folder), toast="Done.")
    url = reverse("inbox", args=[request.workspace.slug])
    return hx_redirect(request, f"{url}?{urlencode({'folder': folder})}", toast="Done.")


@member_view("inbox.view", post="people.edit")
@require_POST
def inbox_suggestion(request: MemberRequest, inbound_mail_id: UUID, number: int) -> HttpResponse:
    """Add somebody the mail names; then the look before enrolling them in the same sequence, which is a click of its own."""
    mail = get_object_or_404(InboundMail.objects.all(), pk=inbound_mail_id)
    try:
        taken = accept_suggestion(mail=mail, number=number, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    slug, person = request.workspace.slug, taken.person
    words = f"{person} is added: {person.source}." if taken.is_new else f"{person} was here already."
    sequence = sequence_for(mail)
    if not allows(request.member.role, "enrolments.create"):
        return hx_redirect(request, reverse("person_detail", args=[slug, person.pk]), toast=words)
    query = {"person": person.pk} | ({"sequence": sequence.pk} if sequence else {})
    return hx_redirect(request, f"{reverse('enrolment_preview', args=[slug])}?{urlencode(query)}", toast=words)


def _folder_name(request: MemberRequest) -> str:
    name = request.GET.get("folder") or queries.NEEDS_REPLY
    if name not in queries.LABELS:
        raise Http404("There is no such folder.")
    return name


def _list(request: MemberRequest, folder: str, mail: InboundMail | None = None) -> dict[str, Any]:
    """Folders and one page of the open one. Raises Invalid for a broken cursor."""
    if folder not in queries.LABELS:
        raise Http404("There is no such folder.")
    counts = queries.folder_counts()
    url = reverse("inbox", args=[request.workspace.slug])
    rows = queries.with_related(InboundMail.objects.filter(queries.in_folder(folder)))
    page = keyset(rows, order=ORDER, cursor=request.GET.get("cursor", ""), size=SIZE)
    return {
        "nav_active": "inbox",
        "folders": [
            {
                "key": key,
                "label": label,
                "icon": icon,
                "count": counts[key],
                "url": f"{url}?{urlencode({'folder': key})}",
            }
            for key, label, icon in queries.FOLDERS
        ],
        "folder": folder,
        "folder_label": queries.LABELS[folder],
        "folder_query": urlencode({"folder": folder}),
        "rows": queries.previews(page.rows),
        "next_url": f"{url}?{urlencode({'folder': folder, 'cursor': page.next})}" if page.next else "",
        "previous_url": f"{url}?{urlencode({'folder': folder, 'cursor': page.previous})}" if page.previous else "",
        "mail": mail,
    }


def _thread(request: MemberRequest, mail: InboundMail) -> dict[str, Any]:
    """The thread, and whether it should be asked for again soon: an answer is on its way."""
    now = clock.now()
    entries = queries.thread_of(mail)
    on_the_way = [
        entry.message
        for entry in entries
        if entry.message is not None
        and entry.message.kind == Message.Kind.REPLY
        and entry.message.state in {Message.State.PLANNED, Message.State.UNKNOWN}
        and now - entry.message.created_at < timedelta(minutes=2)
    ]
    return {"mail": mail, "entries": entries, "again": bool(on_the_way), "folder_query": _query(request, mail)}


def _page(request: MemberRequest, mail: InboundMail, form: ReplyForm, *, status: int = 200) -> HttpResponse:
    waits = queries.needs_reply(mail)
    folder = request.GET.get("folder", "")
    if folder not in queries.LABELS:
        folder = queries.NEEDS_REPLY if waits else queries.folder_of(mail.kind, mail.intent)
    try:
        context = _list(request, folder, mail)
    except AppError as error:
        return refusal(request, error)
    person = mail.person
    # Whoever wrote gets the answer; the panel shows whom the thread is with.
    sender = Person.objects.filter(email=mail.from_address.lower()).first() if mail.from_address else None
    blocked = block_of_person(sender, address=sender.email) if sender is not None else None
    proven = mail.kind in actions.FIXED
    context |= _thread(request, mail) | {
        "form": form,
        "chip": queries.chip_of(mail),
        "waits": waits,
        "contact": contact_panel(person, clock.now()) if person is not None else None,
        "can_answer": bool(mail.from_address) and not proven and mail.kind != InboundMail.Kind.AUTO_REPLY,
        "blocked": blocked.reason if blocked else "",
        "suppression": suppressions_of([sender.email]).get(sender.email) if blocked and sender is not None else None,
        "suggestions": queries.suggestions_of(mail),
        "unsure": mail.kind == InboundMail.Kind.REPLY and mail.intent == "unsure",
        "intents": []
        if proven
        else [(key, label) for key, label in queries.INTENT_LABELS.items() if key != mail.intent],
        "other_sender": not proven
        and person is not None
        and bool(mail.from_address)
        and mail.from_address.lower() != person.email,
    }
    return render(request, "campaigns/inbox_mail.html", context, status=status)


def _query(request: MemberRequest, mail: InboundMail) -> str:
    folder = request.GET.get("folder", "")
    return urlencode({"folder": folder}) if folder in queries.LABELS else ""


def _url(request: MemberRequest, mail: InboundMail, folder: str = "") -> str:
    folder = folder or request.GET.get("folder", "")
    url = reverse("inbox_mail", args=[request.workspace.slug, mail.pk])
    return f"{url}?{urlencode({'folder': folder})}" if folder in queries.LABELS else url

"""The work queue: lanes, one ranked list, the open item, and what is done with it."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import allows, member_allows
from campaigns.actions import queue as actions
from campaigns.actions.queue_mail import send_from_task, take_back_mail
from campaigns.forms.queue import CALL, SNOOZES, ItemForm, state_of, who_choices
from campaigns.queries.queue import LANE_LABELS, Queue, State, build_queue
from campaigns.queries.queue_item import Item, item_of
from campaigns.rules.queue import next_morning
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid, Refused
from leadgen.core.htmx import is_htmx, notify, refusal
from prospects.actions.handoffs import accept_handoff
from prospects.actions.tasks import snooze_task, unsnooze_task
from prospects.models import Campaign, Handoff, Task
from prospects.queries.panels import contact_panel

PAGE = "campaigns/queue.html"
RELATED = (
    "person__company", "person__owner", "company", "lead", "owner", "claimed_by", "closed_by", "handoff", "campaign", "deal",
)  # fmt: skip


@member_view("tasks.view")
def work(request: MemberRequest) -> HttpResponse:
    """Lanes and the ranked list; an item opens beside it. To htmx: both anew, for search, lanes and the minute's refresh."""
    state, now = _state(request), clock.now()
    queue = build_queue(member=request.member, workspace=request.workspace, state=state, now=now)
    context = _around(request, queue, state)
    if is_htmx(request):
        return _fragment(request, "around", context)
    return render(request, PAGE, context)


@member_view("tasks.view", post="tasks.work")
def work_task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """One item: look (which claims it where it is nobody's), or do it."""
    task = get_task(task_id)
    state, now = _state(request), clock.now()
    if request.method == "POST":
        return _act(request, task, state, now)
    context = _pane(request, task, state, now)
    if is_htmx(request):
        return _fragment(request, "opened", context)
    queue = build_queue(member=request.member, workspace=request.workspace, state=state, now=now)
    return render(request, PAGE, context | _around(request, queue, state))


@member_view("tasks.view", post="tasks.work")
def work_claim(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """The open page says every minute and a half that somebody is still at it."""
    task = get_task(task_id)
    if request.method != "POST":
        return HttpResponseRedirect(_url(request, task.pk, State()))
    other = actions.open_item(task=task, by=actor_of(request), now=clock.now())
    return refusal(request, Refused(other)) if other else HttpResponse(status=204)


@member_view("tasks.view", post="tasks.work")
def work_undo(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Take back what was just done: `what` is mail, snooze or task."""
    task = get_task(task_id)
    state, now, by = _state(request), clock.now(), actor_of(request)
    if request.method != "POST":
        return HttpResponseRedirect(_url(request, task.pk, state))
    try:
        match request.POST.get("what", ""):
            case "mail":
                take_back_mail(task=task, by=by, now=now)
            case "snooze":
                unsnooze_task(by=by, now=now, task=task)
            case _:
                actions.reopen_task(task=task, by=by, now=now)
    except AppError as error:
        return refusal(request, error)
    return _moved(request, get_task(task_id), state, now, notice="Taken back.")


@member_view("tasks.view", post="tasks.work")
def work_linkedin(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """They accepted or answered on LinkedIn."""
    task = get_task(task_id)
    state, now = _state(request), clock.now()
    if request.method != "POST" or task.person is None:
        return HttpResponseRedirect(_url(request, task.pk, state))
    try:
        actions.note_linkedin(person=task.person, news=request.POST.get("news", ""), by=actor_of(request), now=now)
    except AppError as error:
        return refusal(request, error)
    return _moved(request, get_task(task_id), state, now, notice="Noted on their timeline.")


def get_task(task_id: UUID) -> Task:
    """The task with what its pane shows; 404 outside this workspace."""
    found: Task = get_object_or_404(Task.objects.select_related(*RELATED), pk=task_id)
    return found


def _act(request: MemberRequest, task: Task, state: State, now: datetime) -> HttpResponse:
    item = item_of(task, member=request.member, workspace=request.workspace, now=now, posted=True)
    form = ItemForm(request.POST, item=item)
    if not form.is_valid():
        return _again(request, task, state, now, form)
    do = form.cleaned_data["do"]
    try:
        notice, undo = _do(request, task, item, form, now)
    except AppError as error:
        if error.status != 400:
            return refusal(request, error)
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _again(request, task, state, now, form)
    if do == "done":
        return _moved(request, get_task(task.pk), state, now, notice=notice, undo=(task.pk, undo))
    return _next(request, task, state, now, notice=notice, undo=undo)


def _do(request: MemberRequest, task: Task, item: Item, form: ItemForm, now: datetime) -> tuple[str, str]:
    """Carry out the pressed button. Returns the notice and what may be taken back ('' nothing, mail, task, snooze)."""
    data, by = form.cleaned_data, actor_of(request)
    do, note = data["do"], data["note"]
    if do.startswith("snooze"):
        until = _until(do, data["until"], now, request.workspace.time_zone)
        snooze_task(by=by, now=now, task=actions.take_item(task, by, now), until=until)
        return f"Snoozed until {_said(until, request.workspace.time_zone)}.", "snooze"
    if do == "skip":
        actions.skip_item(task=task, by=by, now=now, note=data["skip_note"] or note)
        return f"Skipped: {task.title}.", "task"
    if do.startswith(CALL):
        outcome = do.removeprefix(CALL)
        actions.log_call(task=task, by=by, now=now, outcome=outcome, note=note, callback_at=data["callback_at"])
        words = f"{actions.CALL_OUTCOMES[outcome]}: {task.person or task.title}."
        if outcome == "callback":
            words = f"Call back {_said(data['callback_at'], request.workspace.time_zone)}: {task.person or task.title}."
        return f"{words} {actions.STOPS.get(outcome, '') and 'The sequence ends.'}".strip(), ""
    if do in ("sent", "could_not"):
        actions.log_linkedin(task=task, by=by, now=now, sent=do == "sent", note=note or data["skip_note"])
        return f"{'Sent' if do == 'sent' else 'Could not be sent'}: {task.person or task.title}.", ""
    if do == "send":
        if not allows(request.member.role, "messages.send"):
            raise Refused("Your role may not send e-mail.")
        box = form.boxes.get(data["mailbox"])
        if item.is_open and box is None:
            raise Invalid(item.mail.get("blocked") or "Choose a mailbox.", field="mailbox")
        if box is not None:
            send_from_task(
                task=task, by=by, now=now, mailbox=box, subject=data["subject"], text=data["text"], key=data["key"]
            )
        return f"E-mail to {task.person} leaves in {actions.UNDO_SECONDS} s.", "mail"
    if do == "accept":
        return _accept(request, task, now), ""
    outcome = "no_answer_needed" if task.kind == Task.Kind.REPLY else ""
    actions.finish_item(task=task, by=by, now=now, outcome=outcome, note=note)
    return f"Done: {task.title}.", "task"


def _accept(request: MemberRequest, task: Task, now: datetime) -> str:
    """Accept a marketing hand-off with one click; one to an AE asks for the deal first."""
    if task.handoff is None:
        raise Invalid("There is no hand-off to accept.", field="do")
    if not member_allows(request.member, "handoffs.decide"):
        raise Refused("Your role may not decide on hand-offs.")
    actions.take_item(task, actor_of(request), now)
    _, deal = accept_handoff(handoff=task.handoff, by=actor_of(request), now=now)
    return f"Accepted: the deal {deal} is open." if deal else f"Accepted: {task.person or task.title} is yours."


def _until(do: str, picked: datetime | None, now: datetime, zone: str) -> datetime:
    if do == "snooze_hour":
        return now + timedelta(hours=1)
    if do in ("snooze_tomorrow", "snooze_monday"):
        return next_morning(now, zone, monday=do == "snooze_monday")
    if picked is None:
        raise Invalid("Choose a time.", field="until")
    return picked


def _said(at: datetime, zone: str) -> str:
    from zoneinfo import ZoneInfo

    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b, %H:%M}"


def _state(request: MemberRequest) -> State:
    # Who cannot work tasks has none: they look at everybody's.
    default = "" if allows(request.member.role, "tasks.work") else "all"
    return state_of(request.GET, default_who=default)


def _query(state: State, **changes: Any) -> str:
    """The list's state as a query string with its "?", without what is the default."""
    values = {
        "lane": state.lane,
        "sort": state.sort,
        "q": state.q,
        "who": state.who,
        "campaign": state.campaign,
    } | changes
    said = {name: value for name, value in values.items() if value and (name, value) != ("lane", "all")}
    return f"?{urlencode(said)}" if said else ""


def _url(request: MemberRequest, task_id: UUID | None, state: State) -> str:
    slug = request.workspace.slug
    path = reverse("work_task", args=[slug, task_id]) if task_id else reverse("work", args=[slug])
    return path + _query(state)


def _around(request: MemberRequest, queue: Queue, state: State) -> dict[str, Any]:
    """Context of lanes and list."""
    work_url = reverse("work", args=[request.workspace.slug])
    who = who_choices(request.member)
    campaign = Campaign.objects.filter(pk=state.campaign).first() if _is_uuid(state.campaign) else None
    chips = []
    if state.who:
        chips.append({"label": dict(who).get(state.who, "Somebody’s"), "url": work_url + _query(state, who="")})
    if state.campaign:
        chips.append({"label": campaign or "A campaign", "url": work_url + _query(state, campaign="")})
    for lane in queue.lanes:
        lane["url"] = work_url + _query(state, lane=lane["key"])
    return {
        "queue": queue, "state": state, "query": _query(state), "work_url": work_url, "who": who, "chips": chips,
        "lane_label": LANE_LABELS[state.lane], "is_ranked": state.lane not in ("done", "snoozed", "later"),
        "sort_url": work_url + _query(state, sort="" if state.sort else "due"),
        "more_url": f"{work_url}{_query(state, shown=min(state.shown + 100, 500))}" if queue.cut and state.shown < 500 else "",
        "nav_active": "work",
    }  # fmt: skip


def _pane(
    request: MemberRequest, task: Task, state: State, now: datetime, form: ItemForm | None = None
) -> dict[str, Any]:
    """Context of the open item and the contact panel. Opening claims what is nobody's."""
    by = actor_of(request)
    may = member_allows(request.member, "tasks.work")
    taken = actions.open_item(task=task, by=by, now=now) if may else actions.claimed_by_other(task, by, now)
    item = item_of(task, member=request.member, workspace=request.workspace, now=now)
    to_ae = item.handoff is not None and item.handoff.kind == Handoff.Kind.SDR_TO_AE
    return {
        "task": task, "item": item, "taken": taken, "form": form or ItemForm(item=item), "query": _query(state),
        "may_work": may and item.is_open and not taken, "to_ae": to_ae, "state": state,
        "waits": item.handoff is not None and item.handoff.state == Handoff.State.PENDING,
        "may_reopen": not item.is_open and may and actions.may_reopen(task) and task.closed_by_id == request.member.pk
        and task.closed_at is not None and now - task.closed_at <= actions.UNDO_GRACE,
        "outcomes": list(actions.CALL_OUTCOMES.items()), "snoozes": list(SNOOZES.items()),
        "linkedin_news": actions.LINKEDIN_NEWS, "work_url": reverse("work", args=[request.workspace.slug]),
        "list_url": _url(request, None, state), "is_due_today": task.due_at <= now,
        "contact": contact_panel(task.person, now) if task.person else None, "nav_active": "work",
    }  # fmt: skip


def _again(request: MemberRequest, task: Task, state: State, now: datetime, form: ItemForm) -> HttpResponse:
    """The same item with what is wrong."""
    context = _pane(request, task, state, now, form)
    if is_htmx(request):
        return _fragment(request, "opened", context, status=422)
    queue = build_queue(member=request.member, workspace=request.workspace, state=state, now=now)
    return render(request, PAGE, context | _around(request, queue, state), status=422)


def _next(
    request: MemberRequest, done: Task, state: State, now: datetime, *, notice: str, undo: str = ""
) -> HttpResponse:
    """After an item: the one that followed it in the list as filtered."""
    queue = build_queue(member=request.member, workspace=request.workspace, state=state, now=now, after=done)
    if not is_htmx(request):
        return notify(request, HttpResponseRedirect(_url(request, queue.following, state)), notice)
    context: dict[str, Any] = {"task": None, "contact": None, "list_url": _url(request, None, state)}
    if queue.following is not None:
        context |= _pane(request, get_task(queue.following), state, now)
    context |= _around(request, queue, state) | {"notice": notice, "undo": undo, "undo_task": done.pk}
    response = _fragment(request, "after", context)
    response["HX-Push-Url"] = _url(request, queue.following, state)
    return response


def _moved(
    request: MemberRequest,
    task: Task,
    state: State,
    now: datetime,
    *,
    notice: str,
    undo: tuple[UUID, str] | None = None,
) -> HttpResponse:
    """The same item after something changed, and the list with it."""
    if not is_htmx(request):
        return notify(request, HttpResponseRedirect(_url(request, task.pk, state)), notice)
    queue = build_queue(member=request.member, workspace=request.workspace, state=state, now=now)
    context = _pane(request, task, state, now) | _around(request, queue, state) | {"notice": notice}
    if undo:
        context |= {"undo_task": undo[0], "undo": undo[1]}
    response = _fragment(request, "after", context)
    response["HX-Push-Url"] = _url(request, task.pk, state)
    return response


def _fragment(request: MemberRequest, partial: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = render(request, f"{PAGE}#{partial}", context, status=status)
    response["Vary"] = "HX-Request"
    response["Cache-Control"] = "no-store"
    return response


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""Questions asked beside an open item: a meeting, a rejection, the deal of a hand-off, giving on, a new task."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.forms.queue import GiveForm, TaskForm
from campaigns.views.queue import get_task
from leadgen.core import clock
from leadgen.core.clock import local_date
from leadgen.core.errors import NotFound
from leadgen.core.htmx import refusal
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.handoffs import accept_handoff, reject_handoff
from prospects.actions.meetings import book_meeting, settle_meeting
from prospects.actions.routing import lead_label
from prospects.actions.tasks import create_task, reassign
from prospects.forms.handoffs import AcceptDealForm, RejectForm
from prospects.forms.meetings import MeetingForm
from prospects.models import Meeting, Task
from prospects.views.stages import form_act, posted


def _item_url(request: MemberRequest, task: Task) -> str:
    return reverse("work_task", args=[request.workspace.slug, task.pk])


@member_view("meetings.view", post="meetings.edit")
def work_meeting(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Book a meeting with the person of this item, or log one that was held."""
    task, now = get_task(task_id), clock.now()
    about: dict[str, Any] = {"lead": task.lead} if task.lead else {"person": task.person}
    if task.lead is None and task.person is None:
        return refusal(request, NotFound("This task names nobody to meet."))
    initial = {"state": "held" if request.GET.get("state") == "held" else "booked"}
    form = MeetingForm(posted(request), about=True, initial=initial)

    def do(values: dict[str, Any]) -> str:
        state = values.pop("state")
        meeting = book_meeting(by=actor_of(request), now=now, **{**values, **about})
        if state != Meeting.State.BOOKED:
            settle_meeting(meeting=meeting, state=state, by=actor_of(request), now=now)
        return f"{meeting.get_state_display()}: {meeting.title}."

    return form_act(
        request, form, title="Meeting", subject=str(task.person or lead_label(task.lead)), label="Save",  # type: ignore[arg-type]  # one of them is there
        back=_item_url(request, task), do=do, nav="work",
    )  # fmt: skip


@member_view("handoffs.view", post="handoffs.decide")
def work_accept(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Accept a hand-off to an AE: the form opens the deal with it."""
    task, now = get_task(task_id), clock.now()
    handoff = task.handoff
    if handoff is None:
        return refusal(request, NotFound("This task is no hand-off."))
    form: forms.Form = AcceptDealForm(posted(request), initial={"currency": request.workspace.currency})

    def do(values: dict[str, Any]) -> str:
        terms = {name: value for name, value in values.items() if value not in (None, "")}
        _, deal = accept_handoff(handoff=handoff, by=actor_of(request), now=now, deal=terms)
        return f"Accepted. The deal {deal} is open." if deal else "Accepted."

    return form_act(
        request, form, title="Accept and open the deal", subject=str(task.person or task.title), label="Accept",
        back=reverse("work", args=[request.workspace.slug]), do=do, nav="work", columns=2,
        note="What is not known yet may stay empty.",
    )  # fmt: skip


@member_view("handoffs.view", post="handoffs.decide")
def work_reject(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Send a hand-off back, with one of the agreement's reasons."""
    task, now = get_task(task_id), clock.now()
    handoff = task.handoff
    if handoff is None:
        return refusal(request, NotFound("This task is no hand-off."))
    today = local_date(now, request.workspace.time_zone)
    form = RejectForm(posted(request), version=handoff.version or ensure_first_agreement(now), today=today)

    def do(values: dict[str, Any]) -> str:
        until = values.pop("until")
        rests = values["outcome"] == "recycled"
        reject_handoff(handoff=handoff, by=actor_of(request), now=now, until=until if rests else None, **values)
        return f"Rejected: {values['reason']}."

    return form_act(
        request, form, title="Reject", subject=str(task.person or task.title), label="Reject", danger=True,
        back=reverse("work", args=[request.workspace.slug]), do=do, nav="work",
    )  # fmt: skip


@member_view("tasks.view", post="tasks.assign")
def work_give(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Give an open task to somebody else."""
    task = get_task(task_id)

    def do(values: dict[str, Any]) -> str:
        reassign(by=actor_of(request), now=clock.now(), task=task, owner=values["owner"])
        return f"Given to {values['owner'] or 'whoever takes it'}."

    initial = {"owner": str(task.owner_id or "")}
    return form_act(
        request, GiveForm(posted(request), initial=initial), title="Give to somebody else", subject=task.title, label="Give",
        back=reverse("work", args=[request.workspace.slug]), do=do, nav="work",
    )  # fmt: skip


@member_view("tasks.view", post="tasks.work")
def work_create(request: MemberRequest) -> HttpResponse:
    """A task of one's own."""
    form = TaskForm(posted(request))

    def do(values: dict[str, Any]) -> str:
        task = create_task(by=actor_of(request), now=clock.now(), owner=request.member, **values)
        return f"In your queue: {task.title}."

    return form_act(
        request, form, title="New task", subject="", label="Add",
        back=reverse("work", args=[request.workspace.slug]), do=do, nav="work",
    )  # fmt: skip

"""The part of `/api/v1/mailboxes/` about pace: room this moment, ramp, bounces, providers' rules; rest, ramp, moving people."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from campaigns.actions import health
from campaigns.actions.moves import move_unwritten, unwritten
from campaigns.actions.pacing import rooms_of
from campaigns.models import Mailbox
from campaigns.queries.mailboxes import usage_of
from campaigns.queries.pace import bounce_rates, ramp_of, standings
from campaigns.rules.bulk_senders import AS_OF
from leadgen.core import clock
from prospects.api.fields import TenantKeyField

PERMISSIONS = {
    "pace": "mailboxes.view",
    "rest": "mailboxes.edit",
    "end_ramp": "mailboxes.edit",
    "start_ramp": "mailboxes.edit",
    "move_people": "mailboxes.edit",
}


class RampSerializer(serializers.Serializer[Any]):
    cap = serializers.IntegerField(help_text="E-mails today.")
    target = serializers.IntegerField(help_text="The daily cap it grows to.")
    days = serializers.IntegerField(help_text="Good days until then.")
    reason = serializers.CharField(help_text="The evidence of the last step.")
    next_at = serializers.DateTimeField(allow_null=True, help_text="When it is weighed again.")


class StandingSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    domain = serializers.CharField(help_text="The primary domain; all its mailboxes count.")
    sent = serializers.IntegerField(help_text="To personal accounts there in the last 24 hours.")
    limit = serializers.IntegerField(help_text="From which on its rules for bulk senders hold.")
    state = serializers.ChoiceField(choices=["fine", "near", "over"])
    words = serializers.CharField()
    as_of = serializers.DateField(help_text="When the rule was read.")


class PaceSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=Mailbox.State.choices)
    state_code = serializers.CharField(
        help_text="person, log_in, bounces, policy, oauth, domain, system, released or empty."
    )
    state_reason = serializers.CharField()
    state_at = serializers.DateTimeField(allow_null=True)
    used = serializers.IntegerField(help_text="Handed over in the last 24 hours.")
    cap = serializers.IntegerField(help_text="Of any 24 hours, today: the ramp's until it is over.")
    left = serializers.IntegerField()
    free_at = serializers.DateTimeField(allow_null=True, help_text="When the next may go; null: now, or nobody knows.")
    code = serializers.CharField(help_text="What it waits for: mailbox, window, cap or gap; empty: nothing.")
    reason = serializers.CharField()
    ramp = RampSerializer(allow_null=True)
    hard_bounces = serializers.IntegerField(help_text="Among the last `bounces_of` sends.")
    bounces_of = serializers.IntegerField(help_text="At most 200.")
    unwritten = serializers.IntegerField(help_text="People inside who got no e-mail from it yet.")
    providers = StandingSerializer(many=True)


class RestSerializer(serializers.Serializer[Any]):
    until = serializers.DateTimeField(help_text="It goes on by itself then; within a year.")
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class EndRampSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=250, help_text="How you know that it is warmed up.")


class MovePeopleSerializer(serializers.Serializer[Any]):
    to = TenantKeyField(Mailbox, help_text="The mailbox they go on with.")


class MovedSerializer(serializers.Serializer[Any]):
    moved = serializers.IntegerField()


class PaceMixin:
    """Actions of the mailbox viewset. `state_code` and the like stand on the mailbox itself too."""

    get_object: Any

    @extend_schema(summary="A mailbox's pace", responses=PaceSerializer)
    @action(detail=True, methods=["get"])
    def pace(self, request: Request, pk: str) -> Response:
        """Room this moment, the ramp with its evidence, hard bounces, and how near the providers' rules are."""
        return Response(pace_body(self.get_object()))

    @extend_schema(summary="Let a mailbox rest", request=RestSerializer, responses=PaceSerializer)
    @action(detail=True, methods=["post"])
    def rest(self, request: Request, pk: str) -> Response:
        """Nothing is sent until then; it goes on by itself. `release` ends it earlier."""
        mailbox, data = self._given(request, RestSerializer)
        health.rest_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now(), **data)
        return Response(pace_body(mailbox))

    @extend_schema(summary="End a mailbox's ramp", request=EndRampSerializer, responses=PaceSerializer)
    @action(detail=True, methods=["post"], url_path="end-ramp")
    def end_ramp(self, request: Request, pk: str) -> Response:
        """From now on the daily cap alone counts; the reason stands in the audit log."""
        mailbox, data = self._given(request, EndRampSerializer)
        health.end_ramp(mailbox=mailbox, by=actor_of(request), now=clock.now(), **data)
        return Response(pace_body(Mailbox.objects.get(pk=mailbox.pk)))

    @extend_schema(summary="Start a mailbox's ramp again", request=None, responses=PaceSerializer)
    @action(detail=True, methods=["post"], url_path="start-ramp")
    def start_ramp(self, request: Request, pk: str) -> Response:
        """From 5 a day, as after a long rest."""
        mailbox, _ = self._given(request, None)
        health.start_ramp(mailbox=mailbox, by=actor_of(request), now=clock.now())
        return Response(pace_body(Mailbox.objects.get(pk=mailbox.pk)))

    @extend_schema(summary="Move people to another mailbox", request=MovePeopleSerializer, responses=MovedSerializer)
    @action(detail=True, methods=["post"], url_path="move-people")
    def move_people(self, request: Request, pk: str) -> Response:
        """Only people inside who got no e-mail from it yet; who was written to stays."""
        mailbox, data = self._given(request, MovePeopleSerializer)
        moved = move_unwritten(source=mailbox, target=data["to"], by=actor_of(request), now=clock.now())
        return Response({"moved": moved})

    def _given(self, request: Request, kind: Any) -> tuple[Mailbox, dict[str, Any]]:
        mailbox: Mailbox = self.get_object()
        if kind is None:
            return mailbox, {}
        serializer = kind(data=request.data)
        serializer.is_valid(raise_exception=True)
        return mailbox, dict(serializer.validated_data)


def pace_body(mailbox: Mailbox) -> dict[str, Any]:
    """What PaceSerializer shows."""
    now = clock.now()
    used = usage_of([mailbox], now)[mailbox.pk].used
    room = rooms_of([mailbox], used={mailbox.pk: used}, now=now)[mailbox.pk]
    rate = bounce_rates([mailbox.pk])[mailbox.pk]
    people: QuerySet[Any] = unwritten(mailbox)
    providers = [
        {
            "provider": row.rule.label, "domain": row.domain, "sent": row.sent, "limit": row.rule.limit, "state": row.state,
            "words": row.rule.words, "as_of": AS_OF,
        }
        for row in standings(now, domain=mailbox.domain)
    ]  # fmt: skip
    facts = {
        "state": mailbox.state, "state_code": mailbox.state_code, "state_reason": mailbox.state_reason,
        "state_at": mailbox.state_at, "used": room.used, "cap": room.cap, "left": room.left, "free_at": room.free_at,
        "code": room.code, "reason": room.reason, "ramp": ramp_of(mailbox), "hard_bounces": rate.hard,
        "bounces_of": rate.of, "unwritten": people.count(), "providers": providers,
    }  # fmt: skip
    return dict(PaceSerializer(facts).data)

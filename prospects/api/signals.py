"""`/api/v1/signals/`, `/api/v1/signal-sources/`, `/api/v1/signal-triggers/`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from leadgen.core.public_tokens import public_token
from prospects.actions.signals import (
    MAX_AT_ONCE,
    dismiss_signals,
    match_signal,
    match_waiting,
    record_many,
    record_signal,
    restore_signal,
)
from prospects.actions.signals_enrolling import MAX_PER_DAY, Enrolling, enroller
from prospects.actions.signals_sources import create_source, delete_source, new_secret, poll_now, update_source
from prospects.actions.signals_triggers import create_trigger, delete_trigger, update_trigger
from prospects.api.fields import TenantKeyField
from prospects.api.signals_line import TriggerLine
from prospects.forms.signals import SignalFilter
from prospects.models import Company, Person, Segment, Signal, SignalSource, SignalTrigger
from prospects.queries import signals as queries
from prospects.rules.signals import freshness


class SignalSerializer(serializers.ModelSerializer[Signal]):
    """A signal. To tell one: `kind`, `title`, and about whom: `company` or `person` by id, or what you know of them."""

    company = TenantKeyField(Company, required=False, allow_null=True)
    person = TenantKeyField(Person, required=False, allow_null=True)
    domain = serializers.CharField(source="about_domain", max_length=253, required=False, allow_blank=True)
    company_name = serializers.CharField(
        source="about_company", max_length=200, required=False, allow_blank=True,
        help_text="Kept and proposed; a name alone never matches.",
    )  # fmt: skip
    email = serializers.CharField(source="about_email", max_length=254, required=False, allow_blank=True)
    person_name = serializers.CharField(source="about_person", max_length=250, required=False, allow_blank=True)
    external_id = serializers.CharField(
        write_only=True, max_length=150, required=False, allow_blank=True,
        help_text="Your id of it: told twice it is one signal.",
    )  # fmt: skip
    at = serializers.DateTimeField(required=False, help_text="When it happened; now, where it is left out.")
    freshness = serializers.SerializerMethodField(help_text="From 1 (today) towards 0, by the half-life of its kind.")

    class Meta:
        model = Signal
        fields = [
            "id", "kind", "title", "text", "url", "at", "company", "person", "domain", "company_name", "email",
            "person_name", "external_id", "state", "match", "origin", "source", "received_at", "freshness",
        ]  # fmt: skip
        read_only_fields = ["id", "state", "match", "origin", "source", "received_at"]

    def get_freshness(self, signal: Signal) -> float:
        return round(freshness(signal.kind, signal.at, clock.now()), 4)


NAMES = {
    "about_domain": "domain",
    "about_company": "company_name",
    "about_email": "email",
    "about_person": "person_name",
}


def _told(data: dict[str, Any]) -> dict[str, Any]:
    return {NAMES.get(name, name): value for name, value in data.items()}


class SignalBatchSerializer(serializers.Serializer[Any]):
    signals = serializers.ListField(child=SignalSerializer(), allow_empty=False, max_length=MAX_AT_ONCE)


class SignalMatchSerializer(serializers.Serializer[Any]):
    company = TenantKeyField(Company, required=False, allow_null=True)
    person = TenantKeyField(Person, required=False, allow_null=True)


@extend_schema_view(list=extend_schema(summary="List signals"), retrieve=extend_schema(summary="One signal"))
class SignalViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Signal]):
    """Dated news about companies and people: funding, hiring, job change, technology, news, product usage."""

    model = Signal
    permissions = {
        "list": "signals.view",
        "retrieve": "signals.view",
        "create": "signals.edit",
        "batch": "signals.edit",
        "match": "signals.edit",
        "dismiss": "signals.edit",
        "restore": "signals.edit",
        "match_waiting": "signals.edit",
    }
    serializer_class = SignalSerializer
    filterset_class = SignalFilter
    orders = queries.ORDERS
    default_order = "-at"

    def get_queryset(self) -> QuerySet[Signal]:
        if getattr(self, "swagger_fake_view", False):
            return Signal.unscoped.none()
        return Signal.objects.all()

    @extend_schema(summary="Tell a signal")
    def create(self, request: Request) -> Response:
        """201 where it is new, 200 where it was told before: then it stays as it is. Matched by id, e-mail address or domain."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        signal, new = record_signal(by=actor_of(request), now=clock.now(), **_told(serializer.validated_data))
        return Response(self.get_serializer(signal).data, status=status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    @extend_schema(
        summary="Tell many signals", request=SignalBatchSerializer,
        responses=inline_serializer("SignalBatchResult", {
            "received": serializers.IntegerField(), "new": serializers.IntegerField(), "unmatched": serializers.IntegerField(),
        }),
    )  # fmt: skip
    @action(detail=False, methods=["post"], filterset_class=None)
    def batch(self, request: Request) -> Response:
        """Up to 500, all or none; the error names the place."""
        body = SignalBatchSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        items = [_told(dict(item)) for item in body.validated_data["signals"]]
        new = record_many(by=actor_of(request), now=clock.now(), items=items)
        unmatched = sum(row.state == Signal.State.UNMATCHED for row in new)
        return Response({"received": len(items), "new": len(new), "unmatched": unmatched})

    @extend_schema(summary="Say whom a signal is about", request=SignalMatchSerializer)
    @action(detail=True, methods=["post"])
    def match(self, request: Request, pk: str) -> Response:
        """For one that waits. Others that wait under the same company name and nothing else follow."""
        body = SignalMatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        company, person = body.validated_data.get("company"), body.validated_data.get("person")
        if company is None and person is None:
            raise Invalid("Send a company or a person.", field="company")
        signal = self.get_object()
        match_signal(signal=signal, by=actor_of(request), now=clock.now(), company=company, person=person)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Dismiss a signal", request=None)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """It counts nowhere any more; the same news is not taken in again."""
        dismiss_signals(signals=[self.get_object()], by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Take a dismissal back", request=None)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """409 where it was not dismissed."""
        signal = restore_signal(signal=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(signal).data)

    @extend_schema(
        summary="Match what waits", request=None,
        responses=inline_serializer("SignalsMatched", {"matched": serializers.IntegerField()}),
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="match-waiting", filterset_class=None)
    def match_waiting(self, request: Request) -> Response:
        """To companies that came since, by domain. A worker does so every hour too."""
        return Response({"matched": match_waiting(now=clock.now())})


class SignalSourceSerializer(serializers.ModelSerializer[SignalSource]):
    company = TenantKeyField(Company, required=False, allow_null=True)
    address = serializers.SerializerMethodField(
        help_text="Of a webhook: where to POST to, below this server's address."
    )
    secret = serializers.SerializerMethodField(help_text="Of a new webhook, shown this once: `whsec_...`.")

    class Meta:
        model = SignalSource
        fields = [
            "id", "kind", "name", "signal_kind", "company", "words", "is_active", "url", "every_minutes", "polled_at",
            "next_poll_at", "failures", "error", "received_at", "created_at", "address", "secret",
        ]  # fmt: skip
        read_only_fields = ["id", "polled_at", "next_poll_at", "failures", "error", "received_at", "created_at"]
        validators: list[Any] = []
        extra_kwargs = {
            name: {"required": False} for name in ("words", "url", "every_minutes", "signal_kind", "is_active")
        }

    def get_address(self, source: SignalSource) -> str:
        if source.kind != SignalSource.Kind.WEBHOOK:
            return ""
        return f"/p/signals/{public_token('signals', workspace_id=source.workspace_id, row=source.pk)}/"

    def get_secret(self, source: SignalSource) -> str:
        return str(getattr(source, "x_secret", ""))


class SignalSourceFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=SignalSource.Kind.choices)


@extend_schema_view(
    list=extend_schema(summary="List sources of signals"), retrieve=extend_schema(summary="One source of signals")
)
class SignalSourceViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SignalSource]
):
    """Feeds that are polled and webhooks that are called."""

    model = SignalSource
    permissions = {
        "list": "signals.view",
        "retrieve": "signals.view",
        "create": "signals.manage",
        "partial_update": "signals.manage",
        "destroy": "signals.manage",
        "poll": "signals.manage",
        "secret": "signals.manage",
    }
    serializer_class = SignalSourceSerializer
    filterset_class = SignalSourceFilter
    orders = ("created_at",)
    default_order = "created_at"

    def get_queryset(self) -> QuerySet[SignalSource]:
        if getattr(self, "swagger_fake_view", False):
            return SignalSource.unscoped.none()
        return SignalSource.objects.all()

    @extend_schema(summary="Add a source of signals")
    def create(self, request: Request) -> Response:
        """A feed is read at once. A webhook's secret stands in this one answer and nowhere else."""
        data = self._read(request)
        source, secret = create_source(by=actor_of(request), now=clock.now(), **data)
        shown: Any = source
        shown.x_secret = secret
        return Response(self.get_serializer(shown).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a source of signals")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays; a source stays a feed or a webhook."""
        source, data = self.get_object(), self._read(request, partial=True)
        if data.pop("kind", source.kind) != source.kind:
            raise Invalid("A source stays what it is. Add another.", field="kind")
        update_source(source=source, changes=data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(source).data)

    @extend_schema(summary="Delete a source of signals")
    def destroy(self, request: Request, pk: str) -> Response:
        """Its signals stay."""
        delete_source(source=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Read a feed now", request=None)
    @action(detail=True, methods=["post"])
    def poll(self, request: Request, pk: str) -> Response:
        """A worker does it; look at `polled_at` and `error` afterwards."""
        source = self.get_object()
        poll_now(source=source, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(source).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Make a new secret", request=None)
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: str) -> Response:
        """For a webhook; the one before ends at once."""
        source: Any = self.get_object()
        source.x_secret = new_secret(source=source, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(source).data)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class TriggerEnrolsSerializer(serializers.Serializer[Any]):
    sequence = serializers.UUIDField()
    name = serializers.CharField()
    per_day = serializers.IntegerField(help_text="People enrolled a day, at most.")
    enrolled = serializers.IntegerField(help_text="So far.")
    note = serializers.CharField(help_text="Why the last signal enrolled nobody at all; empty: it went well.")
    waiting = serializers.IntegerField(help_text="People in line because a day's cap was reached: `line/` says who.")


class SignalTriggerSerializer(serializers.ModelSerializer[SignalTrigger]):
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=Signal.Kind.choices), allow_empty=False)
    grades = serializers.ListField(child=serializers.ChoiceField(choices=list("ABCD")), required=False)
    segment = TenantKeyField(Segment, required=False, allow_null=True)
    owner = TenantKeyField(Member, required=False, allow_null=True)
    sequence = serializers.UUIDField(
        required=False, allow_null=True, write_only=True,
        help_text="Enrols people of `segment` whom the news is about; null: to-dos only.",
    )  # fmt: skip
    per_day = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_PER_DAY, write_only=True, help_text="People enrolled a day, at most; 20."
    )  # fmt: skip

    class Meta:
        model = SignalTrigger
        fields = [
            "id", "name", "kinds", "segment", "grades", "owner", "is_active", "sequence", "per_day", "enrols", "made", "fired_at",
            "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "made", "fired_at", "created_at"]
        validators: list[Any] = []
        extra_kwargs = {"is_active": {"required": False}}

    enrols = serializers.SerializerMethodField(
        help_text="Into which sequence, and how it fares; null: it makes to-dos only."
    )

    @cached_property
    def _enrolling(self) -> Mapping[UUID, Enrolling]:
        return enroller().enrolling()

    @extend_schema_field(TriggerEnrolsSerializer(allow_null=True))
    def get_enrols(self, trigger: SignalTrigger) -> dict[str, Any] | None:
        found = self._enrolling.get(trigger.pk)
        return TriggerEnrolsSerializer(found).data if found is not None else None


@extend_schema_view(
    list=extend_schema(summary="List triggers of signals"), retrieve=extend_schema(summary="One trigger of signals")
)
class SignalTriggerViewSet(
    IdempotentMixin,
    TriggerLine,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[SignalTrigger],
):
    """News of these kinds about who is in a segment makes a to-do in an SDR's queue, at most one open one a company,
    or enrols the people it is about into a sequence."""

    model = SignalTrigger
    permissions = {
        "list": "signals.view",
        "retrieve": "signals.view",
        "create": "signals.manage",
        "partial_update": "signals.manage",
        "destroy": "signals.manage",
        "line": "signals.view",
        "out_of_line": "signals.view",
    }
    serializer_class = SignalTriggerSerializer
    orders = ("created_at",)
    default_order = "created_at"

    def get_queryset(self) -> QuerySet[SignalTrigger]:
        if getattr(self, "swagger_fake_view", False):
            return SignalTrigger.unscoped.none()
        return SignalTrigger.objects.all()

    @extend_schema(summary="Add a trigger of signals")
    def create(self, request: Request) -> Response:
        """It looks at signals that come from now on."""
        trigger = create_trigger(by=actor_of(request), now=clock.now(), **self._read(request))
        return Response(self.get_serializer(trigger).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a trigger of signals")
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not sent stays."""
        trigger = self.get_object()
        update_trigger(
            trigger=trigger, changes=self._read(request, partial=True), by=actor_of(request), now=clock.now()
        )
        return Response(self.get_serializer(trigger).data)

    @extend_schema(summary="Delete a trigger of signals")
    def destroy(self, request: Request, pk: str) -> Response:
        """The to-dos it made stay, and who is in a sequence stays there; who waits in its line is not enrolled."""
        delete_trigger(trigger=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

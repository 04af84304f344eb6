"""`/api/v1/domains/`: domains, their roles, and what the deliverability check found."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from campaigns.actions import domains as actions
from campaigns.actions.seeds import paste_seed
from campaigns.models import DomainCheck, MailDomain
from campaigns.models.mailboxes import DomainCheckState
from campaigns.queries.domains import RESULTS, DomainCheckResult, states_of
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin


class DomainSerializer(serializers.ModelSerializer[MailDomain]):
    dkim_selectors = serializers.ListField(child=serializers.CharField(max_length=63), required=False, max_length=20)
    state = serializers.SerializerMethodField(
        help_text="The worst of the last findings: fail, warning, unknown or pass; unknown before the first check."
    )
    words = serializers.SerializerMethodField(help_text="What is not right, in one line.")

    class Meta:
        model = MailDomain
        fields = [
            "id", "name", "role", "hold_cold", "dkim_selectors", "tracking_target", "verified_at", "state", "words",
            "check_asked_at", "checked_at", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "tracking_target", "verified_at", "check_asked_at", "checked_at", "created_at"]
        # The action refuses a second domain of a name; a unique validator would read a table of no workspace.
        validators: list[Any] = []

    @extend_schema_field(serializers.ChoiceField(choices=DomainCheckResult.choices))
    def get_state(self, domain: MailDomain) -> str:
        return RESULTS[DomainCheckState(self.context["states"][domain.pk].state)].value

    def get_words(self, domain: MailDomain) -> str:
        return str(self.context["states"][domain.pk].words)


class DomainCheckSerializer(serializers.ModelSerializer[DomainCheck]):
    mailbox = serializers.UUIDField(source="mailbox_id", allow_null=True, read_only=True)
    state = serializers.SerializerMethodField()

    class Meta:
        model = DomainCheck
        fields = ["id", "kind", "name", "state", "words", "fix", "raw", "detail", "mailbox", "at"]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=DomainCheckResult.choices))
    def get_state(self, check: DomainCheck) -> str:
        return RESULTS[DomainCheckState(check.state)].value


class SeedSerializer(serializers.Serializer[Any]):
    raw = serializers.CharField(max_length=2_000_000, help_text="Source of a mail from this domain, as it arrived.")


@extend_schema_view(retrieve=extend_schema(summary="One domain"))
class DomainViewSet(IdempotentMixin, viewsets.GenericViewSet[MailDomain]):
    """Domains with their role: primary, sending or tracking. Findings are appended by a worker, each day and when asked."""

    model = MailDomain
    permissions = {
        "list": "domains.view",
        "retrieve": "domains.view",
        "create": "domains.edit",
        "partial_update": "domains.edit",
        "destroy": "domains.edit",
        "check": "domains.edit",
        "checks": "domains.view",
        "seed": "domains.edit",
    }
    serializer_class = DomainSerializer
    orders = ("name", "created_at")
    default_order = "name"

    def get_queryset(self) -> QuerySet[MailDomain]:
        if getattr(self, "swagger_fake_view", False):
            return MailDomain.unscoped.none()
        rows: QuerySet[MailDomain] = MailDomain.objects.all()
        return rows

    @extend_schema(summary="List domains", responses=DomainSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        states = states_of(rows)
        return self.get_paginated_response([self._body(row, states) for row in rows])

    def retrieve(self, request: Request, pk: str) -> Response:
        """With the worst of its last findings."""
        return Response(self._body(self.get_object()))

    @extend_schema(summary="Add a domain")
    def create(self, request: Request) -> Response:
        """A worker checks it; read `checks` for what it found."""
        data = self._read(request)
        domain = actions.add_domain(by=actor_of(request), now=clock.now(), **data)
        return Response(self._body(domain), status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a domain's role, hold or selectors")
    def partial_update(self, request: Request, pk: str) -> Response:
        """The name stays. `hold_cold` holds sequence e-mails of a primary domain's mailboxes."""
        domain, data = self.get_object(), self._read(request, partial=True)
        data.pop("name", None)
        actions.update_domain(domain=domain, changes=data, by=actor_of(request), now=clock.now())
        return Response(self._body(domain))

    @extend_schema(summary="Remove a domain")
    def destroy(self, request: Request, pk: str) -> Response:
        """409 while a mailbox is of it."""
        actions.remove_domain(domain=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Check it now", request=None, responses={202: DomainSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """A worker asks the name servers; `checked_at` later than `check_asked_at` says that it is done."""
        domain = self.get_object()
        actions.ask_domain_check(domain=domain, by=actor_of(request), now=clock.now())
        return Response(self._body(domain), status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Its last findings", responses=DomainCheckSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def checks(self, request: Request, pk: str) -> Response:
        """Each with the raw record and the fix in words; `detail.record` is what to publish."""
        domain = self.get_object()
        return Response(DomainCheckSerializer(states_of([domain])[domain.pk].checks, many=True).data)

    @extend_schema(
        summary="Give a delivered mail as evidence", request=SeedSerializer, responses={201: DomainCheckSerializer}
    )
    @action(detail=True, methods=["post"])
    def seed(self, request: Request, pk: str) -> Response:
        """Its DKIM signature shows whether one-click unsubscribe is signed (RFC 8058)."""
        domain, serializer = self.get_object(), SeedSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = paste_seed(domain=domain, raw=serializer.validated_data["raw"], by=actor_of(request), now=clock.now())
        return Response(DomainCheckSerializer(row).data, status=status.HTTP_201_CREATED)

    def _read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = DomainSerializer(data=request.data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _body(self, domain: MailDomain, states: Any = None) -> dict[str, Any]:
        context = dict(self.get_serializer_context()) | {"states": states or states_of([domain])}
        return dict(DomainSerializer(domain, context=context).data)

"""`/api/v1/agreements/`: versions, drafting, proposing, signing."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.authentication import scope_allows
from accounts.models import ApiToken, Member
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.actions.agreements import (
    draft_agreement,
    edit_draft,
    ensure_first_agreement,
    propose_agreement,
    sign_agreement,
    withdraw_proposal,
)
from prospects.api.fields import TenantKeyField
from prospects.models import AgreementVersion, Icp
from prospects.queries.agreements import TERMS, terms_of
from prospects.rules.agreements import in_words


class AgreementSerializer(serializers.ModelSerializer[AgreementVersion]):
    icp = TenantKeyField(Icp, required=False, allow_null=True)
    proposed_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    marketing_signed_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    sales_signed_by = serializers.PrimaryKeyRelatedField[Member](read_only=True)
    words = serializers.SerializerMethodField(help_text="Every clause in English, by heading.")

    class Meta:
        model = AgreementVersion
        fields = [
            "id", "number", "state", "icp", *TERMS, "note", "words", "created_at", "proposed_at", "proposed_by",
            "marketing_signed_at", "marketing_signed_by", "sales_signed_at", "sales_signed_by", "effective_at", "replaced_at",
        ]  # fmt: skip
        read_only_fields = [name for name in fields if name not in (*TERMS, "note", "icp")]
        validators: list[Any] = []

    def get_words(self, version: AgreementVersion) -> dict[str, list[str]]:
        return dict(in_words(terms_of(version)))


class SignSerializer(serializers.Serializer[Any]):
    side = serializers.ChoiceField(choices=["marketing", "sales"])


@extend_schema_view(
    list=extend_schema(summary="List versions of the agreement"), retrieve=extend_schema(summary="One version")
)
class AgreementViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[AgreementVersion]
):
    """What lead, MQL and SQL mean. A version takes effect when marketing and sales have signed it, and never changes then."""

    model = AgreementVersion
    permissions = {
        "list": "agreements.view",
        "retrieve": "agreements.view",
        "current": "agreements.view",
        "create": "agreements.edit",
        "partial_update": "agreements.edit",
        "propose": "agreements.edit",
        "withdraw": "agreements.edit",
        "sign": "agreements.view",
    }
    serializer_class = AgreementSerializer
    orders = ("number",)
    default_order = "-number"

    def get_queryset(self) -> QuerySet[AgreementVersion]:
        if getattr(self, "swagger_fake_view", False):
            return AgreementVersion.unscoped.none()
        rows: QuerySet[AgreementVersion] = AgreementVersion.objects.all()
        return rows

    @extend_schema(summary="The agreement in force")
    @action(detail=False, methods=["get"])
    def current(self, request: Request) -> Response:
        """Every workspace has one from its first day."""
        return Response(self.get_serializer(ensure_first_agreement(clock.now())).data)

    @extend_schema(summary="Draft a new version")
    def create(self, request: Request) -> Response:
        """From the terms in force, with the terms sent in their place; goes on with the draft under way."""
        by, now = actor_of(request), clock.now()
        version = draft_agreement(by=by, now=now)
        return self._edit(version, request, code=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a draft")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Only a draft; `field` of a refusal names the clause."""
        return self._edit(self.get_object(), request)

    @extend_schema(summary="Propose", request=None)
    @action(detail=True, methods=["post"])
    def propose(self, request: Request, pk: str) -> Response:
        """Its terms are fixed until it is signed or withdrawn."""
        version = propose_agreement(version=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(version).data)

    @extend_schema(summary="Withdraw", request=None)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Signatures given so far fall away."""
        version = withdraw_proposal(version=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(version).data)

    @extend_schema(summary="Sign", request=SignSerializer, responses=AgreementSerializer)
    @action(detail=True, methods=["post"])
    def sign(self, request: Request, pk: str) -> Response:
        """Needs the scope and role of `agreements.sign_marketing` or `agreements.sign_sales`."""
        body = SignSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        side = body.validated_data["side"]
        if isinstance(request.auth, ApiToken) and not scope_allows(request.auth, f"agreements.sign_{side}"):
            self.permission_denied(request, message=f"The token lacks the scope agreements.sign_{side}.")
        version = sign_agreement(version=self.get_object(), side=side, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(version).data)

    def _edit(self, version: AgreementVersion, request: Request, code: int = status.HTTP_200_OK) -> Response:
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        if changes:
            version = edit_draft(version=version, changes=changes, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(version).data, status=code)

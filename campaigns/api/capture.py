"""`/api/v1/forms/` and `/api/v1/submissions/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from campaigns.actions import capture as actions
from campaigns.forms.capture import SubmissionFilter
from campaigns.models import Form, Submission
from campaigns.queries import capture as queries
from campaigns.rules import capture as rules
from leadgen.core import clock
from leadgen.core.idempotency import IdempotentMixin
from prospects.api.fields import TenantKeyField
from prospects.models import Campaign, Company, Lead, Person


class FormFieldSerializer(serializers.Serializer[Any]):
    label = serializers.CharField(max_length=160)  # type: ignore[assignment]  # a field of the form named like DRF's own
    name = serializers.CharField(
        max_length=40, required=False, allow_blank=True,
        help_text=f"A fact ({', '.join((*rules.PERSON_FACTS, *rules.COMPANY_FACTS))}) or the form's own; empty: from the label.",
    )  # fmt: skip
    type = serializers.ChoiceField(choices=list(rules.TYPES.items()), default="text")
    required = serializers.BooleanField(default=False)  # type: ignore[assignment]  # as above
    options = serializers.ListField(child=serializers.CharField(max_length=120), required=False)


class FormSerializer(serializers.ModelSerializer[Form]):
    fields = FormFieldSerializer(many=True, required=False)  # type: ignore[assignment]  # the form's, not the serializer's
    campaign = TenantKeyField(Campaign, required=False, allow_null=True)
    default_owner = TenantKeyField(Member, required=False, allow_null=True)
    url = serializers.SerializerMethodField(help_text="The hosted page; a plain POST goes to the same address.")

    class Meta:
        model = Form
        fields = ["id", *actions.FIELDS, "consent_version", "url", "created_at"]
        read_only_fields = ["id", "consent_version", "created_at"]
        extra_kwargs = {"consent_text": {"required": False}}
        validators: list[Any] = []

    def get_url(self, form: Form) -> str:
        return queries.hosted_url(form)


class SubmissionSerializer(serializers.ModelSerializer[Submission]):
    form = TenantKeyField(Form, read_only=True)
    person = TenantKeyField(Person, read_only=True)
    company = TenantKeyField(Company, read_only=True)
    lead = TenantKeyField(Lead, read_only=True)
    accepted_by = TenantKeyField(Member, read_only=True)

    class Meta:
        model = Submission
        fields = [
            "id", "form", "at", "state", "reason", "data", "utm", "referrer", "url", "consent_given", "consent_text",
            "consent_version", "person", "company", "lead", "routing", "accepted_by", "accepted_at",
        ]  # fmt: skip
        read_only_fields = fields


class TakeInSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254, required=False, help_text="In place of a mistyped address.")


@extend_schema_view(list=extend_schema(summary="List forms"), retrieve=extend_schema(summary="One form"))
class FormViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Form]):
    """Inbound forms, hosted at `url`."""

    model = Form
    permissions = {
        "list": "forms.view",
        "retrieve": "forms.view",
        "create": "forms.edit",
        "partial_update": "forms.edit",
    }
    serializer_class = FormSerializer
    orders = ("created_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Form]:
        if getattr(self, "swagger_fake_view", False):
            return Form.unscoped.none()
        rows: QuerySet[Form] = Form.objects.select_related("campaign", "default_owner")
        return rows

    @extend_schema(summary="Make a form")
    def create(self, request: Request) -> Response:
        """Without `fields`: name, work e-mail, company and a message."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        form = actions.create_form(by=actor_of(request), now=clock.now(), **serializer.validated_data)
        return Response(self.get_serializer(form).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a form")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another `consent_text` is its next version; submissions keep the words they saw."""
        form = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        actions.update_form(form=form, changes=serializer.validated_data, by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(form).data)


@extend_schema_view(
    list=extend_schema(summary="List submissions"),
    retrieve=extend_schema(summary="One submission"),
)
class SubmissionViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Submission]
):
    """What came through forms, with the receipt of what followed. Nothing is discarded."""

    model = Submission
    permissions = {"list": "forms.view", "retrieve": "forms.view", "accept": "leads.edit"}
    serializer_class = SubmissionSerializer
    filterset_class = SubmissionFilter
    orders = ("at",)
    default_order = "-at"

    def get_queryset(self) -> QuerySet[Submission]:
        if getattr(self, "swagger_fake_view", False):
            return Submission.unscoped.none()
        return queries.with_related(Submission.objects.all())

    @extend_schema(summary="Take in a suspect or incomplete submission", request=TakeInSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """From here it goes the way of every submission: person, lead, owner, queue. Accepting twice is once."""
        serializer = TakeInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = actions.accept_submission(
            submission=self.get_object(),
            by=actor_of(request),
            now=clock.now(),
            email=serializer.validated_data.get("email"),
        )
        return Response(self.get_serializer(row).data)

"""What is held about a person, and their consents: `/api/v1/people/{id}/copy/`, `/api/v1/people/{id}/consents/`."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from prospects.actions.privacy import export_person, record_consent
from prospects.models import BasisEntry, Consent, Person


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    class Meta:
        model = Consent
        fields = ["id", "given", "text", "version", "source", "at", "url"]
        read_only_fields = ["id", "url"]
        extra_kwargs = {
            "at": {"required": False, "help_text": "Default: now."},
            "version": {"required": False, "allow_blank": True},
        }


class BasisEntrySerializer(serializers.ModelSerializer[BasisEntry]):
    class Meta:
        model = BasisEntry
        fields = ["id", "basis", "note", "at", "recorded_at", "member", "source"]
        read_only_fields = fields


class PrivacyMixin(viewsets.GenericViewSet[Person]):
    """Actions of the viewset of people."""

    @extend_schema(summary="Everything held about a person", request=None, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def copy(self, request: Request, pk: str) -> Response:
        """Every row that names them, whole: `person`, `company`, `tables`, `suppressions`. The audit log says who took it."""
        person = self.get_object()
        return Response(export_person(person=person, by=actor_of(request), now=clock.now()))

    @extend_schema(summary="Consents of a person", responses=ConsentSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def consents(self, request: Request, pk: str) -> Response:
        """The latest first; they are never changed."""
        rows = Consent.objects.filter(person=self.get_object()).order_by("-at", "-id")[:200]
        return Response(ConsentSerializer(rows, many=True).data)

    @extend_schema(summary="Write a consent down", request=ConsentSerializer, responses={201: ConsentSerializer})
    @consents.mapping.post
    def write_consent(self, request: Request, pk: str) -> Response:
        """`given` false: they took it back, and their address is suppressed."""
        body: Any = ConsentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        person = self.get_object()
        row = record_consent(person=person, by=actor_of(request), now=clock.now(), **body.validated_data)
        return Response(ConsentSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Lawful bases of a person", responses=BasisEntrySerializer(many=True))
    @action(detail=True, methods=["get"], url_path="lawful-bases", pagination_class=None, filter_backends=[])
    def lawful_bases(self, request: Request, pk: str) -> Response:
        """What was said, since when it holds, by whom; the latest first. Set with the person's `lawful_basis`."""
        rows = BasisEntry.objects.filter(person=self.get_object()).order_by("-recorded_at", "-id")[:200]
        return Response(BasisEntrySerializer(rows, many=True).data)

"""Verifying and confirming people: `/api/v1/people/verify/`, `/api/v1/people/{id}/confirm/`."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import Invalid
from prospects.actions.verification import MAX_AT_ONCE, ask_verification, confirm_person
from prospects.models import Person


class VerifySerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(child=serializers.UUIDField(), help_text=f"Of people, at most {MAX_AT_ONCE:,}.")


class VerifiedSerializer(serializers.Serializer[Any]):
    asked = serializers.IntegerField(help_text="How many of them have an address; a worker looks within a minute.")


class VerificationMixin(viewsets.GenericViewSet[Person]):
    """Actions of the viewset of people."""

    @extend_schema(summary="Verify addresses anew", request=VerifySerializer, responses={202: VerifiedSerializer})
    @action(detail=False, methods=["post"])
    def verify(self, request: Request) -> Response:
        """New and changed addresses are verified by themselves. No mailbox is asked for: only name servers."""
        body = VerifySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = ask_verification(ids=body.validated_data["ids"], by=actor_of(request), now=clock.now())
        return Response({"asked": asked}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Say that the facts still hold", request=None)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """The person is no longer out of date; the timeline says who looked."""
        if request.data:
            raise Invalid("Send no body: confirming says that everything holds.")
        person = confirm_person(person=self.get_object(), by=actor_of(request), now=clock.now())
        return self._answer(person)  # type: ignore[attr-defined]  # of the viewset of people

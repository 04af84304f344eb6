"""`/api/v1/imports/`: files, their dry runs and runs."""

import json
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.audit import actor_of
from accounts.models import Member
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.idempotency import IdempotentMixin
from leadgen.core.pagination import KeysetPagination
from prospects.actions.imports import cancel_import, create_import, file_of, request_check, resume_import, start_import
from prospects.actions.imports_fates import plan_file
from prospects.actions.imports_setup import options_from_json
from prospects.actions.imports_templates import find_template, offers_for, use_template
from prospects.actions.imports_undo import count_undo, request_undo
from prospects.api.fields import TenantKeyField
from prospects.models import Import, ImportIssue
from prospects.queries import imports as queries
from prospects.rules.imports import Handling, parse_options

OPTIONS = (
    'JSON: {"map": {field: column}, "set": {field: value}, "values": {field: {word: value}}, "dates": "dmy", "sheet": name, '
    '"match": [key], "policy": "overwrite | fill | newest", "policies": {field: policy}, "as_of": "2026-11-21"}; the words of '
    "the import commands. What is not said is guessed; people and companies alone take the last four."
)


class ImportSerializer(serializers.ModelSerializer[Import]):
    """`plan` holds the dry run's counts. created + updated + unchanged + invalid = done_rows.

    `undo`: {"plan": counts} once counted, the counts themselves once undone: `deleted` and `restored` by kind of record,
    `partly` (given back but for fields that were changed since), `untagged` (tags taken off again), `kept` by reason, `gone`, `examples` of what is kept.
    """

    member = TenantKeyField(Member, read_only=True)
    created = serializers.IntegerField(source="created_count", read_only=True)
    updated = serializers.IntegerField(source="updated_count", read_only=True)
    unchanged = serializers.IntegerField(source="unchanged_count", read_only=True)
    invalid = serializers.IntegerField(source="invalid_count", read_only=True)
    conflicts = serializers.SerializerMethodField(
        help_text="Of the invalid ones: rows whose keys name different records."
    )
    suppressed = serializers.SerializerMethodField(help_text="Rows imported with an address nobody may write to.")
    match = serializers.SerializerMethodField(help_text="The keys rows are matched by, in order; empty: the standard.")
    policies = serializers.SerializerMethodField(
        help_text="What happens where a field is filled already; `*` is the policy of all others."
    )
    as_of = serializers.SerializerMethodField(help_text="How old a list without a column of dates counts as.")

    def get_conflicts(self, run: Import) -> int:
        return int(run.settings.get("conflicts", 0))

    def get_suppressed(self, run: Import) -> int:
        return int(run.settings.get("suppressed", 0))

    def get_match(self, run: Import) -> list[str]:
        return list(self._handling(run).match)

    def get_policies(self, run: Import) -> dict[str, str]:
        handling = self._handling(run)
        return ({"*": handling.policy} if handling.policy else {}) | dict(handling.policies)

    def get_as_of(self, run: Import) -> str:
        return self._handling(run).as_of

    def _handling(self, run: Import) -> Handling:
        return options_from_json(run.settings).handling

    class Meta:
        model = Import
        fields = [
            "id", "kind", "state", "file_name", "file_size", "encoding", "delimiter", "header", "mapping", "findings",
            "plan", "total_rows", "done_rows", "created", "updated", "unchanged", "invalid", "conflicts",
            "suppressed", "match", "policies", "as_of", "error", "undo", "member",
            "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class UploadSerializer(serializers.Serializer[Any]):
    """A file and how to read it."""

    kind = serializers.ChoiceField(choices=Import.Kind.choices)
    file = serializers.FileField(allow_empty_file=True)
    options = serializers.CharField(required=False, allow_blank=True, help_text=OPTIONS)
    template = serializers.CharField(
        required=False, allow_blank=True, max_length=80, help_text="Name or id of a template to read it by; `options` are then left aside."
    )  # fmt: skip
    run = serializers.BooleanField(required=False, default=False, help_text="Start at once, without a dry run.")


class TemplateOfferSerializer(serializers.Serializer[Any]):
    """`same`: the very same set of columns."""

    template = serializers.UUIDField(source="template.pk")
    name = serializers.CharField(source="template.name")
    why = serializers.CharField()
    same = serializers.BooleanField()


class TemplateChoiceSerializer(serializers.Serializer[Any]):
    template = serializers.CharField(max_length=80, help_text="Name or id.")


class ImportIssueSerializer(serializers.ModelSerializer[ImportIssue]):
    """`row` is the line in the file. error: the row was refused; warning: it was imported all the same."""

    class Meta:
        model = ImportIssue
        fields = ["id", "row", "column", "value", "message", "remedy", "severity", "cells"]
        read_only_fields = fields


class ImportFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=Import.Kind.choices)
    state = django_filters.ChoiceFilter(choices=Import.State.choices)


@extend_schema_view(list=extend_schema(summary="List imports"), retrieve=extend_schema(summary="One import"))
class ImportViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Import]):
    """Upload, look at the dry run, run, read what was refused. Runs go on in the background: ask again for their state."""

    permissions = {
        "list": "imports.view",
        "retrieve": "imports.view",
        "issues": "imports.view",
        "errors": "imports.view",
        "create": "imports.run",
        "check": "imports.run",
        "run": "imports.run",
        "cancel": "imports.run",
        "resume": "imports.run",
        "rows": "imports.view",
        "undo_plan": "imports.run",
        "undo": "imports.run",
        "templates": "imports.view",
        "use_template": "imports.run",
    }
    model = Import
    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    orders = ("created_at",)
    default_order = "-created_at"

    def get_queryset(self) -> QuerySet[Import]:
        if getattr(self, "swagger_fake_view", False):
            return Import.unscoped.none()
        return Import.objects.all()

    def get_parsers(self) -> list[Any]:
        if getattr(self, "action_map", None) and self.action_map.get("post") == "create":
            return [MultiPartParser()]
        return super().get_parsers()

    @extend_schema(
        summary="Upload a file", request={"multipart/form-data": UploadSerializer}, responses={201: ImportSerializer}
    )
    def create(self, request: Request) -> Response:
        """Reads the file and guesses what its columns are. With `run` it starts at once, unless something must be said
        first (400, code `ambiguous_dates` or `no_column`); then nothing is kept."""
        serializer = UploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        now, by = clock.now(), actor_of(request)
        run = create_import(
            by=by, now=now, kind=data["kind"], file_name=data["file"].name, source=data["file"].read(),
            options=_options(data["kind"], data.get("options", "")),
        )  # fmt: skip
        if data.get("template"):
            run = use_template(run=run, template=find_template(run.kind, data["template"]), now=now)
        if data["run"]:
            run = start_import(run=run, by=by, now=now)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Templates that fit the file", responses=TemplateOfferSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def templates(self, request: Request, pk: str) -> Response:
        """Remembered mappings of files with these columns, the best first, each with why."""
        offers = offers_for(self.get_object())
        return Response(TemplateOfferSerializer(offers, many=True).data)

    @extend_schema(summary="Read the file by a template", request=TemplateChoiceSerializer, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    def use_template(self, request: Request, pk: str) -> Response:
        """What the template left out stays out; columns it has never seen are guessed. 409 once the import has begun."""
        run = self.get_object()
        body = TemplateChoiceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        run = use_template(run=run, template=find_template(run.kind, body.validated_data["template"]), now=clock.now())
        return Response(self.get_serializer(run).data)

    @extend_schema(summary="Dry run", request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Counts what the run would do, in the background; nothing is written."""
        run = request_check(run=self.get_object(), now=clock.now())
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Run an import", request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Starts in the background; started twice it runs once."""
        run = start_import(run=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Cancel an import", request=None, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stops after the batch in hand; rows imported before stay."""
        run = cancel_import(run=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data)

    @extend_schema(summary="The file row by row, as CSV", responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], filterset_class=None)
    def rows(self, request: Request, pk: str) -> HttpResponse:
        """Each row of the file: create, update, unchanged, conflict (its keys name two records) or invalid; by which key its
        record was found; whether its address is suppressed; what is wrong; its cells. After a dry run what would become
        of it, after the run what did. 409, code `not_checked`, where neither was."""
        run = self.get_object()
        text = "".join(plan_file(run, file_of(run)))
        return HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")

    @extend_schema(summary="Go on with a stopped import", request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Where a run was cancelled or failed half way: rows settled before stay. 409 where there is nothing to go on with."""
        run = resume_import(run=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Count what an undo would do", request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def undo_plan(self, request: Request, pk: str) -> Response:
        """Exactly which records would be deleted, given back, or kept and why: in `undo.plan`. A large import is counted in
        the background (state `undoing`, then the one before). 409, code `not_undoable`, where it cannot be undone."""
        run = count_undo(run=self.get_object(), now=clock.now())
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Undo an import", request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Within 30 days, imports of people and companies: deletes what it made, gives back what it overwrote, keeps what
        somebody changed or used since. In the background; `undo` says what was done, the state ends as `undone`."""
        run = request_undo(run=self.get_object(), by=actor_of(request), now=clock.now())
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="What was wrong with rows", responses=ImportIssueSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None)
    def issues(self, request: Request, pk: str) -> Response:
        """In file order; `cells` are those of refused rows."""
        self.orders, self.default_order = ("row",), "row"
        paginator = KeysetPagination()
        rows = paginator.paginate_queryset(queries.issues_of(self.get_object()), request, self)
        return paginator.get_paginated_response(ImportIssueSerializer(rows, many=True).data)

    @extend_schema(summary="Refused rows as CSV", responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], filterset_class=None)
    def errors(self, request: Request, pk: str) -> HttpResponse:
        """Each refused row once, with what was wrong, then its cells, to be mended and uploaded again."""
        text = "".join(queries.error_file(self.get_object()))
        return HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")


def _options(kind: Any, text: str) -> Any:
    if not text.strip():
        return options_from_json({})
    try:
        said = json.loads(text)
    except ValueError as error:
        raise Invalid("options is not JSON.", field="options") from error
    if not isinstance(said, dict) or not all(isinstance(said.get(key, {}), dict) for key in ("map", "set", "values")):
        raise Invalid(OPTIONS, field="options")
    unknown = set(said) - {"map", "set", "values", "dates", "sheet", "match", "policy", "policies", "as_of"}
    if unknown:
        raise Invalid(f"options has no {', '.join(sorted(unknown))}. {OPTIONS}", field="options")
    match, policies = said.get("match") or [], said.get("policies") or {}
    if not isinstance(match, list) or not isinstance(policies, dict):
        raise Invalid(OPTIONS, field="options")
    words = said.get("values", {})
    if not all(isinstance(table, dict) for table in words.values()):
        raise Invalid(OPTIONS, field="options")
    return parse_options(
        kind,
        maps=[f"{name}={column}" for name, column in said.get("map", {}).items()],
        sets=[f"{name}={value}" for name, value in said.get("set", {}).items()],
        values=[f"{name}:{word}={value}" for name, table in words.items() for word, value in table.items()],
        dates=said.get("dates") or None,
        sheet=str(said.get("sheet") or ""),
        match=[str(key) for key in match],
        policies=[*([str(said["policy"])] if said.get("policy") else []), *(f"{n}={p}" for n, p in policies.items())],
        as_of=str(said.get("as_of") or ""),
    )

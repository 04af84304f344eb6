"""Who is in a segment, and how many: always an answer within a third of a second, the exact one after it.

A rule may ask anything, so no index serves them all. Whatever is asked gets a limit of time (`within`); what does not come
in time is answered from a sample of the table's blocks with its interval, or from the members the worker last found.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from psycopg.errors import QueryCanceled

from leadgen.core.counts import EXACT_UP_TO, planned_rows
from leadgen.core.pagination import Order, Page, keyset
from leadgen.core.rulelang import leaves, parse
from leadgen.core.tenancy import current_workspace_id
from leadgen.core.visibility import current_viewer
from prospects.models import Company, Person, Segment, SegmentMember
from prospects.queries import companies, people
from prospects.queries.fit import local_now
from prospects.rules.segments import CATALOGUES, FEW, Measure, estimate, proportion

PILOT_MS = 60  # for the first, small sample
COUNT_MS = 75  # for the exact count, where the small sample says that there may be few
SAMPLE_MS = 60  # for the larger sample, where it says that there are many
PAGE_MS = 120  # for a page by the rule itself
STORED_MS = 100  # for a page of the members the worker found
KNOWN_FOR = 600  # seconds for which the number of all rows is good enough to take a proportion to
EXACT_MS = 30_000  # for the exact figure that follows an estimate
PILOT = 1_000  # rows of the table the small sample looks at
SAMPLED = 8_000  # rows the larger one looks at, fewer where each costs more


class TooSlow(Exception):
    """A statement did not end in the time it was given."""


@contextmanager
def within(milliseconds: int) -> Iterator[None]:
    """Statements of the block have so long each; then TooSlow, with the transaction as it was before the block."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            before = cursor.fetchone()[0]
            cursor.execute(f"SET LOCAL statement_timeout = {int(milliseconds)}")
            yield
            cursor.execute(f"SET LOCAL statement_timeout = '{before}'")  # as the server wrote it
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow from error
        raise


def rows_of(subject: str) -> QuerySet[Any]:
    """All people, or all companies."""
    return Person.objects.all() if subject == Segment.Subject.PEOPLE else Company.objects.all()


def matching(subject: str, rule: Any, *, now: datetime) -> QuerySet[Any]:
    """Rows for which a rule is true, days being the workspace's. Raises Invalid for a rule that cannot be read."""
    node = parse(rule, CATALOGUES[subject])
    at = local_now(now) if any(leaf.field.kind == "date" for leaf in leaves(node)) else now
    if subject == Segment.Subject.PEOPLE:
        return people.filter_by_rule(Person.objects.all(), node, now=at)
    return companies.filter_by_rule(Company.objects.all(), node, now=at)


def stored(segment: Segment) -> QuerySet[Any]:
    """The rows its members name: a list's own, or those the worker last found."""
    column = "person" if segment.of_people else "company"
    return rows_of(segment.subject).filter(
        pk__in=SegmentMember.objects.filter(segment=segment, **{f"{column}__isnull": False}).values(f"{column}_id")
    )


def members_of(segment: Segment, *, now: datetime) -> QuerySet[Any]:
    """Who is in it at this moment."""
    if segment.is_dynamic:
        return matching(segment.subject, segment.rule, now=now)
    return stored(segment)


def people_in(queryset: QuerySet[Person], segment: Segment, *, now: datetime) -> QuerySet[Person]:
    """People of a segment; of one of companies, those who work there."""
    found = members_of(segment, now=now).values("pk")
    return queryset.filter(pk__in=found) if segment.of_people else queryset.filter(company__in=found)


def measure(queryset: QuerySet[Any]) -> Measure:
    """How many rows: exact up to 10,000, else from a sample, else the planner's guess. About a quarter of a second at most.

    A small sample goes first: it costs little whatever is asked, and says whether an exact count or a larger sample is
    worth its time. What runs out of time falls back on it.
    """
    plain = queryset.order_by()
    started = time.perf_counter()
    pilot: Measure | None = None
    try:
        with within(PILOT_MS):
            pilot = _sampled(plain, PILOT)
        if pilot.exact:
            return pilot
    except TooSlow:
        pass
    took = time.perf_counter() - started
    if pilot is None or (pilot.low or 0) <= EXACT_UP_TO:
        try:
            with within(COUNT_MS):
                found = plain[: EXACT_UP_TO + 1].count()
            if found <= EXACT_UP_TO:
                return Measure.of(found)
        except TooSlow:
            pass
    rows = min(int(PILOT * 0.6 * SAMPLE_MS / 1000 / max(took, 0.001)), SAMPLED)
    if pilot is not None and rows > 3 * PILOT:
        try:
            with within(SAMPLE_MS):
                return _sampled(plain, rows)
        except TooSlow:
            pass
    if pilot is not None:
        return pilot
    try:
        with within(PILOT_MS):
            return _sampled(plain, PILOT // 5)
    except TooSlow:
        return Measure.guess(max(planned_rows(plain), EXACT_UP_TO))


def exactly(queryset: QuerySet[Any]) -> Measure | None:
    """The exact number, None where it takes more than half a minute."""
    try:
        with within(EXACT_MS):
            return Measure.of(queryset.order_by().count())
    except TooSlow:
        return None


class _Block(Func):
    """The number of the table's block a row lies in."""

    output_field = IntegerField()

    def __init__(self, table: str) -> None:
        super().__init__(template=f"(({table}.ctid::text::point)[0]::bigint)")


def _sampled(queryset: QuerySet[Any], rows: int) -> Measure:
    """From about so many rows of the table, in whole blocks."""
    table = connection.ops.quote_name(queryset.model._meta.db_table)
    with connection.cursor() as cursor:
        # Of the whole table, not of the workspace: blocks are drawn before anybody looks into them.
        cursor.execute(
            "SELECT greatest(reltuples, 1), pg_relation_size(oid) / current_setting('block_size')::int"
            " FROM pg_class WHERE oid = %s::regclass",
            [table],
        )
        tuples, blocks = cursor.fetchone()
    share = min(max(rows / max(tuples, 1), 64 / max(blocks, 1)), 1.0)
    everybody = queryset.model.objects.order_by()
    # The same seed draws the same blocks twice: with the rule, and without, which costs next to nothing.
    clause = f"TABLESAMPLE SYSTEM ({100 * share:.6f}) REPEATABLE ({secrets.randbelow(2**31)})"
    parts, params = [], []
    for rows_of_blocks in (everybody, queryset):
        sql, values = rows_of_blocks.annotate(x_block=_Block(table)).values("x_block").query.sql_with_params()
        # Django writes the main table first; every other place that reads the table stands in a subquery behind it.
        drawn = sql.replace(f"FROM {table}", f"FROM {table} {clause}", 1)
        parts.append(f"(SELECT x_block, count(*) AS n FROM ({drawn}) AS drawn GROUP BY x_block)")  # noqa: S608
        params += values
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT coalesce(sum(hit.n), 0)::bigint, coalesce(sum(hit.n * hit.n), 0)::bigint, count(hit.n),
                coalesce(sum(hit.n * seen.n), 0)::bigint, coalesce(sum(seen.n), 0)::bigint,
                coalesce(sum(seen.n * seen.n), 0)::bigint, count(*)
            FROM {parts[0]} AS seen LEFT JOIN {parts[1]} AS hit USING (x_block)
            """,  # noqa: S608  Django's SQL and our names; values are parameters
            params,
        )
        hits, hits_squared, hit_blocks, products, seen, seen_squared, all_blocks = cursor.fetchone()
    total = _everybody(queryset.model) if hit_blocks >= FEW and share < 1 else None
    if total is None:
        return estimate(hits=hits, squares=hits_squared, blocks=hit_blocks, share=share)
    return proportion(
        hits=hits, hits_squared=hits_squared, products=products, rows=seen, rows_squared=seen_squared, blocks=all_blocks,
        share=share, total=total,
    )  # fmt: skip


def _everybody(model: Any) -> int | None:
    """How many rows the workspace has, as counted within the last ten minutes; None where that takes too long just now."""
    key = _known_as(model)
    found: int | None = cache.get(key)
    if found is None:
        try:
            with within(PILOT_MS):
                found = model.objects.order_by().count()
        except TooSlow:
            found = -1  # nobody tries again for a minute; the worker, who has time, may fill it in
        cache.set(key, found, KNOWN_FOR if found >= 0 else 60)
    return found if found >= 0 else None


def know_everybody(model: Any) -> None:
    """Count all rows, for estimates of the next minutes: the worker does so while it is there."""
    cache.set(_known_as(model), model.objects.order_by().count(), KNOWN_FOR)


def _known_as(model: Any) -> str:
    viewer = current_viewer()  # "everybody" is whom they may see
    return f"everybody:{current_workspace_id()}:{model._meta.model_name}:{viewer.member if viewer else ''}"


@dataclass(frozen=True, slots=True)
class Members:
    """A page of members. `as_of`: they are those the worker found then, because the rule itself takes longer than a page
    may; None: they are in it now. `pending`: it takes longer, and the worker has not been there yet."""

    page: Page
    as_of: datetime | None = None
    pending: bool = False


NOBODY = Page(rows=[], next="", previous="", size=50)


def member_page(
    segment: Segment,
    *,
    now: datetime,
    cursor: str = "",
    size: int = 50,
    narrow: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None,
    show: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows,
) -> Members:
    """One page of who is in it, the newest rows first; of a list, and of what the worker found, the latest to join first.

    `narrow` filters, `show` adds what only the shown rows need. A cursor goes on where it came from. Raises Invalid for
    one that is broken.
    """
    if segment.is_dynamic and not cursor.startswith(_STORED):
        try:
            with within(PAGE_MS):
                rows = members_of(segment, now=now)
                # The keys first, by the rule alone; what is shown of them afterwards, for these rows only.
                found = keyset(narrow(rows) if narrow else rows, order=_NEWEST, cursor=cursor, size=size)
            return Members(_shown(segment, found, [row.pk for row in found.rows], show, ""))
        except TooSlow:
            if segment.counted_at is None:
                return Members(NOBODY, pending=True)
    column = "person" if segment.of_people else "company"
    members = SegmentMember.objects.filter(segment=segment)
    if narrow:
        members = members.filter(**{f"{column}__in": narrow(rows_of(segment.subject)).order_by().values("pk")})
    as_of = segment.counted_at if segment.is_dynamic else None
    try:
        with within(STORED_MS if segment.is_dynamic else EXACT_MS):
            found = keyset(members, order=_LATEST, cursor=cursor.removeprefix(_STORED), size=size)
    except TooSlow:
        return Members(NOBODY, as_of=as_of, pending=True)
    return Members(
        _shown(segment, found, [getattr(row, f"{column}_id") for row in found.rows], show, _STORED), as_of=as_of
    )


_NEWEST, _LATEST = Order("created_at", descending=True), Order("id", descending=True)
_STORED = "m."  # before cursors over members: the rule's own go by another order


def _shown(segment: Segment, found: Page, keys: list[Any], show: Any, mark: str) -> Page:
    known = show(rows_of(segment.subject)).in_bulk(keys)
    rows = [known[key] for key in keys if key in known]
    return Page(
        rows, mark + found.next if found.next else "", mark + found.previous if found.previous else "", found.size
    )


def sample_rows(subject: str, queryset: QuerySet[Any], *, count: int = 8) -> list[Any]:
    """A few who match, whoever is found in time; none where nobody was."""
    try:
        with within(PAGE_MS):
            keys = list(queryset.order_by().values_list("pk", flat=True)[:count])
    except TooSlow:
        return []
    rows = rows_of(subject).filter(pk__in=keys)
    return list(rows.select_related("company") if subject == Segment.Subject.PEOPLE else rows)


def with_seen(rows: QuerySet[Segment]) -> QuerySet[Segment]:
    """Where not everything may be seen: `x_seen`, how many of its members are, as the worker last found them."""
    if current_viewer() is None:
        return rows
    members = SegmentMember.objects.filter(segment=OuterRef("pk")).order_by().values("segment")
    return rows.annotate(x_seen=Coalesce(Subquery(members.annotate(n=Count("pk")).values("n")), 0))


def count_of(segment: Segment) -> int | None:
    """How many are in it, as the viewer sees it; None where it was not counted yet."""
    return segment.count if segment.count is None else int(getattr(segment, "x_seen", segment.count))


def listed(*, subject: str = "", text: str = "", archived: bool = False, kind: str = "") -> QuerySet[Segment]:
    """Segments of a list page and of the API."""
    rows = Segment.objects.filter(is_archived=archived).select_related("owner")
    if subject:
        rows = rows.filter(subject=subject)
    if kind:
        rows = rows.filter(kind=kind)
    for word in text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
    return with_seen(rows)


__all__ = [
    "Members", "TooSlow", "count_of", "exactly", "listed", "matching", "measure", "member_page", "members_of", "people_in",
    "rows_of", "sample_rows", "stored", "with_seen", "within",
]  # fmt: skip

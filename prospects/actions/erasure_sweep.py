"""The last step of an erasure: rows of others that name whoever was erased, table by table.

Each table is one transaction and told on the certificate, so a worker that dies goes on where it was. Looking twice finds
nothing the second time.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DataError, connection, transaction

from accounts.actions.audit import Actor, write_audit
from leadgen.core.erasing import emptied, holds_words, is_key, redacted
from leadgen.core.lanes import Lane
from leadgen.core.secrets import unseal
from leadgen.core.tenancy import AppendOnlyModel, TenantModel, current_workspace_id, tenant_models, workspace_scope
from prospects.actions.erasure import AGAIN, PURPOSE, empty_rows, go_on
from prospects.models import Company, Erasure, Import, ImportFile, MailHost, Person, SearchWord
from prospects.models.locks import lock_row
from prospects.queries.erasure import noun_of
from prospects.rules.erasure import APART, GOES, IDENTITY, LISTS, WHOLE, Traces, prune
from prospects.rules.search import words_in

MOST_UNPACKED = 300 * 1024 * 1024
_BUSY = (Import.State.QUEUED, Import.State.RUNNING, Import.State.CHECKING, Import.State.UNDOING)


def run_lane(lane: Lane, *, clock: Callable[[], datetime]) -> datetime | None:
    """Go on with the erasure this lane names, a table a transaction; when it is due again."""
    while True:
        now = clock()
        with workspace_scope(lane.workspace_id):
            erasure = Erasure.objects.filter(pk=lane.key).first()
            if erasure is None or erasure.state == Erasure.State.DONE:
                return None
            if erasure.state == Erasure.State.WAITING:
                if not go_on(erasure=erasure, now=now):
                    return now + AGAIN
                continue
            if not sweep_next(erasure=erasure, now=now):
                return None if erasure.state == Erasure.State.DONE else now + AGAIN


def sweep_next(*, erasure: Erasure, now: datetime) -> bool:
    """Look through the next table; False where none is left (then it is done) or one must wait for an import that runs."""
    lock_row(erasure)
    traces = Traces.from_json(unseal(erasure.sealed, purpose=f"{PURPOSE}:{erasure.pk}"))
    model = next((m for m in tenant_models() if m._meta.db_table > erasure.position), None)
    if model is None:
        _finish(erasure, now)
        return False
    found = _sweep(model, traces)
    if found is None:
        return False
    if found:
        noun = noun_of(model)
        erasure.mentions[noun] = erasure.mentions.get(noun, 0) + found
    erasure.position = model._meta.db_table
    erasure.save(update_fields=["mentions", "position"])
    return True


def _finish(erasure: Erasure, now: datetime) -> None:
    erasure.state, erasure.done_at, erasure.sealed = Erasure.State.DONE, now, ""
    erasure.save(update_fields=["state", "done_at", "sealed"])
    write_audit(
        by=Actor(member=erasure.member, source=erasure.source), action="erasure.done", now=now, target=erasure,
        detail={"people": erasure.people, "removed": erasure.removed, "emptied": erasure.emptied, "mentions": erasure.mentions},
    )  # fmt: skip


def _sweep(model: type[TenantModel], traces: Traces) -> int | None:
    """Rows of one table that named them; None where it cannot be looked through yet."""
    label = model._meta.label
    if label in APART:
        return {"prospects.ImportFile": _files, "prospects.SearchWord": _words, "prospects.MailHost": _hosts}[label](
            traces
        )
    pruned = _prune_lists(model, traces) if label in LISTS else 0
    pattern = traces.pattern()
    skip = IDENTITY.get(label, frozenset())
    fields = [f for f in model._meta.concrete_fields if holds_words(f) and f.name not in skip]
    if issubclass(model, AppendOnlyModel):
        fields = [f for f in fields if f.name in getattr(model, "erasable", ())]
    if model is Erasure:
        fields = [f for f in fields if f.name != "sealed"]
    if not pattern or not fields:
        return pruned
    ids = _matching(model, fields, pattern)
    if not ids:
        return pruned
    if label in GOES:
        model.objects.filter(pk__any=list(ids)).delete()
    elif label in WHOLE:
        empty_rows(model, ids, only=WHOLE[label])
        _redact(model, [f for f in fields if f.name not in WHOLE[label]], ids, pattern)
    else:
        _redact(model, fields, ids, pattern)
    return max(pruned, len(ids))


def _matching(model: type[TenantModel], fields: list[Any], pattern: str) -> set[UUID]:
    words = ", ".join(f'"{f.column}"::text' for f in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {model._meta.db_table} WHERE workspace_id = %s AND concat_ws(chr(10), {words}) ~* %s",  # noqa: S608  names of our own tables
            [current_workspace_id(), pattern],
        )
        return {row[0] for row in cursor.fetchall()}


def _redact(model: type[TenantModel], fields: list[Any], ids: set[UUID], pattern: str) -> None:
    """Take what matches out of these columns. A key that two rows may not share is replaced whole."""
    table = model._meta.db_table
    for f in fields:
        hit = _matching_of(model, f, ids, pattern)
        if not hit:
            continue
        with connection.cursor() as cursor:
            if issubclass(model, AppendOnlyModel):
                cursor.execute("SELECT leadgen_erase(%s, %s, %s, %s)", [table, f.column, hit, pattern])
                continue
            change = redacted(f, "%s").replace("%", "%%").replace("%%s", "%s")
            keyed = is_key(f)
            try:
                with transaction.atomic():
                    cursor.execute(
                        f'UPDATE {table} SET "{f.column}" = {change} WHERE workspace_id = %s AND id = ANY(%s)',  # noqa: S608  the same
                        [*([] if keyed else [pattern]), current_workspace_id(), hit],
                    )
            except DataError:
                # What matched was more than words inside the JSON: then all of it goes.
                cursor.execute(
                    f'UPDATE {table} SET "{f.column}" = {emptied(f).replace("%", "%%")} WHERE workspace_id = %s AND id = ANY(%s)',  # noqa: S608  the same
                    [current_workspace_id(), hit],
                )


def _matching_of(model: type[TenantModel], field: Any, ids: set[UUID], pattern: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT id FROM {model._meta.db_table} WHERE workspace_id = %s AND id = ANY(%s) AND "{field.column}"::text ~* %s',  # noqa: S608  the same
            [current_workspace_id(), list(ids), pattern],
        )
        return [row[0] for row in cursor.fetchall()]


def _prune_lists(model: type[TenantModel], traces: Traces) -> int:
    """Records in lists that are theirs go whole: a row of a sample has more of somebody than the address."""
    marks = [*traces.texts(), *(key.casefold() for key in traces.ids)]
    columns = LISTS[model._meta.label]
    words = " || ".join(f"coalesce(lower(\"{name}\"::text), '')" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {model._meta.db_table} WHERE workspace_id = %s"  # noqa: S608  the same
            f" AND EXISTS (SELECT FROM unnest(%s::text[]) AS mark WHERE strpos({words}, mark) > 0)",
            [current_workspace_id(), marks],
        )
        ids = [row[0] for row in cursor.fetchall()]
    done = 0
    for row in model.objects.filter(pk__any=ids):
        changes = {name: prune(getattr(row, name), marks) for name in columns}
        if any(changes[name] != getattr(row, name) for name in columns):
            model.objects.filter(pk=row.pk).update(**changes)
            done += 1
    return done


def _files(traces: Traces) -> int | None:
    """Uploaded files that hold them go whole: bytes cannot be mended. One that waits to be imported is refused from then on."""
    marks = [form for text in traces.texts() for form in _encoded(text)]
    done = 0
    runs = ImportFile.objects.order_by("pk").values_list("pk", "import_run_id")
    for key, run_id in list(runs):
        content = bytes(ImportFile.objects.values_list("content", flat=True).get(pk=key))
        if not _holds(content, marks):
            continue
        run = Import.objects.get(pk=run_id)
        if run.state in _BUSY:
            return None
        ImportFile.objects.filter(pk=key).delete()
        if run.state in (Import.State.UPLOADED, Import.State.CHECKED):
            run.state = Import.State.CANCELLED
            run.error = "The file held somebody who was erased, so it was removed. Upload it again without them."
            run.save(update_fields=["state", "error"])
        done += 1
    return done


def _encoded(text: str) -> set[bytes]:
    found = set()
    for codec in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
        try:
            found.add(text.encode(codec))
        except UnicodeEncodeError:
            continue
    return found


def _holds(content: bytes, marks: list[bytes]) -> bool:
    """Whether a file holds one of these; one that cannot be unpacked is taken to."""
    try:
        return any(mark in part for part in _parts(content) for mark in marks)
    # What gzip and zipfile raise: a damaged file (OSError, EOFError, BadZipFile, zlib.error), one locked by a password
    # (RuntimeError), one packed in a way they do not know (NotImplementedError); ValueError also from here.
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
        return True


def _parts(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes in lower case (as ASCII has it), and those of what is packed inside."""
    yield content.lower()
    if depth > 2:
        return
    if content[:2] == b"\x1f\x8b":
        inner = gzip.GzipFile(fileobj=io.BytesIO(content)).read(MOST_UNPACKED + 1)
        if len(inner) > MOST_UNPACKED:
            raise ValueError("too large to be looked through")
        yield from _parts(inner, depth + 1)
    elif content[:4] == b"PK\x03\x04":
        left = MOST_UNPACKED
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    inner = file.read(left + 1)
                left -= len(inner)
                if left < 0:
                    raise ValueError("too large to be looked through")
                yield from _parts(inner, depth + 1)


def _words(traces: Traces) -> int:
    """Words of their names leave the vocabulary of the search, where nobody else has them."""
    words = {word for name in (*traces.words, *traces.names) for word in words_in(name)}
    gone = [
        word
        for word in words
        if not Person.objects.filter(full_name__icontains=word).exists()
        and not Company.objects.filter(name__icontains=word).exists()
    ]
    return int(SearchWord.objects.filter(word__any=gone).delete()[0])


def _hosts(traces: Traces) -> int:
    """What is known of a mail domain goes with the last who had an address there."""
    domains = {email.rpartition("@")[2] for email in traces.emails}
    gone = [
        domain
        for domain in domains
        if not Person.objects.filter(email__iendswith=f"@{domain}").exists()
        and not Company.objects.filter(domain=domain).exists()
    ]
    return int(MailHost.objects.filter(domain__any=gone).delete()[0])

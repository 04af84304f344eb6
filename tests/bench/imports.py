"""Import of people: file to rows, against a bare COPY + INSERT ... ON CONFLICT of the same prepared rows.

The value does all an import does: reads and converts each cell, looks up, links companies, remembers what it made and
tells each row's fate, as the app role under row-level security. The reference (by the owner role, which may COPY) only
writes the rows the import made, as text that is ready, into the same emptied tables with all their indexes.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, connections

from accounts.actions.audit import Actor
from leadgen.core.tenancy import workspace_scope
from prospects.actions.imports import create_import, run_import, start_import
from prospects.models import Import
from tests.bench.figures import Figure, rate
from tests.bench.imports_killed import rows_once
from tests.bench.world import analyze, make_workspace

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PEER_ROWS = 600  # django-import-export saves row by row
MEMORY = 300  # MB a run may take, whatever the size of its file
REFERENCE = "COPY to a temporary table + INSERT ... ON CONFLICT of the same prepared rows, owner role"

HEADER = "First Name,Last Name,Title,Company,Email,Phone,Person Linkedin Url,City,Country,Website\n"
FIRST = ("Ana", "Björn", "Chloé", "David", "Elif", "Fatima", "Giulia", "Hans", "Inès", "José", "Katarzyna", "Lars")
LAST = ("Müller", "Rossi", "García", "Smith", "Öztürk", "Nowak", "Dubois", "Jensen", "Silva", "O'Brien", "van Dijk")
TITLES = (
    "VP Operations", "Head of IT", "Chief Financial Officer", "Sales Manager", "Einkaufsleiter", "Directeur Marketing",
    "Software Engineer", "Account Executive", "Owner", "Procurement Specialist", "HR Business Partner",
)  # fmt: skip
PLACES = (("Berlin", "Germany"), ("Paris", "France"), ("Austin", "United States"), ("Leeds", "UK"), ("Porto", "PT"))


def write_file(path: Path, count: int) -> None:
    """People as sales programs export them: capitals, web addresses, national names; one in 500 with a bad address."""
    firms = max(count // 10, 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        for n in range(count):
            first, last, firm = FIRST[n % 12], LAST[n % 11], n % firms
            city, country = PLACES[n % 5]
            email = f"P{n}@C{firm}.example" if n % 500 else "not an address"
            file.write(
                f'{first},{last}{n},{TITLES[n % 11]},"Company {firm}, Inc.",{email},+49 30 {1_000_000 + n},'
                f"http://www.linkedin.com/in/person-{n}/,{city},{country},https://www.c{firm}.example/about\n"
            )


def run(*, full: bool) -> Iterator[Figure]:
    count = 1_000_000 if full else 20_000
    with tempfile.TemporaryDirectory(prefix="leadgen-bench-") as folder:
        path = Path(folder) / "people.csv"
        write_file(path, count)
        workspace = make_workspace()
        _forget_peak()
        ours = rate(count, lambda: _import(workspace.pk, path, created=count - (count + 499) // 500))
        peak = _peak()
        analyze("prospects_company", "prospects_person")
        before = _dead()
        again = rate(count, lambda: _import(workspace.pk, path, created=0))
        dead = _dead() - before
        reference, unchanged = _reference(workspace.pk, Path(folder), count)
        yield Figure("import_new_people", ours, "rows/s", reference, REFERENCE, 0.6)
        yield Figure("import_unchanged_people", again, "rows/s", reference, REFERENCE + ", new rows", 1.5)
        yield Figure("import_unchanged_against_itself", again, "rows/s", unchanged, REFERENCE + ", all known already")
        yield Figure("import_dead_rows", 1, "allowed", 1 + dead, "1 + dead rows of an unchanged import", 1.0)
        if peak:
            yield Figure("import_memory", MEMORY, "MB allowed", peak, "MB at the peak of the run", 1.0)
        kills, rows = (20, 200_000) if full else (2, 20_000)
        write_file(path, rows)
        once, hits = rows_once(make_workspace().pk, path, kills=kills)
        yield Figure(f"import_rows_once_after_{hits}_kills", once, "rows", rows, "rows of the file", 1.0)
        peer = _peer(path)
        yield Figure("import_against_import_export", ours, "rows/s", peer, "django-import-export with look-up", 20)


def _import(workspace_id: Any, path: Path, *, created: int) -> None:
    by = Actor(source="command")
    with workspace_scope(workspace_id):
        made = create_import(by=by, now=NOW, kind="people", file_name=path.name, source=path)
        start_import(run=made, by=by, now=NOW, ring_workers=False)
    run_import(workspace_id=workspace_id, run_id=made.pk, now=NOW, source=path)
    with workspace_scope(workspace_id):
        done = Import.objects.get(pk=made.pk)
    found = (done.state, done.created_count, done.updated_count)
    assert found == ("done", created, 0), (found, done.error)


def _reference(workspace_id: Any, folder: Path, count: int) -> tuple[float, float]:
    """Rows a second: into the emptied tables, and once more where nothing differs."""
    tables = {"prospects_company": ("domain", folder / "companies"), "prospects_person": ("email", folder / "people")}
    owner = connections["owner"]
    with owner.cursor() as cursor:
        # The owner is bound by the policies too; it reads the rows of this workspace.
        cursor.execute(f"SET leadgen.workspace = '{workspace_id}'; SET leadgen.\"user\" = ''")
        for table, (_, file) in tables.items():
            with file.open("wb") as out, cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:
                for block in copy:
                    out.write(block)
        cursor.execute("TRUNCATE prospects_company, prospects_person CASCADE")

    def write() -> None:
        with owner.cursor() as cursor:
            cursor.execute("BEGIN")
            for table, (key, file) in tables.items():
                cursor.execute(f"CREATE TEMP TABLE new (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP")
                with cursor.copy("COPY new FROM STDIN") as copy, file.open("rb") as rows:
                    while block := rows.read(1 << 20):
                        copy.write(block)
                cursor.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                    [table],
                )
                names = [
                    name
                    for (name,) in cursor.fetchall()
                    if name not in ("id", "workspace_id", key, "created_at", "updated_at")
                ]
                sets = ", ".join(f"{name} = excluded.{name}" for name in names)
                old, new = (", ".join(f"{source}.{name}" for name in names) for source in ("t", "excluded"))
                cursor.execute(
                    f"INSERT INTO {table} AS t SELECT * FROM new ON CONFLICT (workspace_id, {key}) WHERE {key} <> '' "
                    f"DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})"
                )
                cursor.execute("DROP TABLE new")
            cursor.execute("COMMIT")

    found = rate(count, write)
    same = rate(count, write)
    owner.close()
    return found, same


def _dead() -> int:
    """Updates and deletes of people and companies so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables WHERE relname IN ('prospects_person', 'prospects_company')"
        )
        return int(cursor.fetchone()[0])


def _peer(path: Path) -> float:
    """django-import-export: looks each row up, compares and saves it, one transaction."""
    import tablib  # type: ignore[import-untyped]  # no types published
    from import_export import resources  # type: ignore[import-untyped]  # no types installed

    from prospects.models import Person

    workspace = make_workspace()

    class People(resources.ModelResource):
        class Meta:
            model = Person
            import_id_fields = ("email",)
            fields = (
                "email",
                "first_name",
                "last_name",
                "title",
                "phone",
                "linkedin_url",
                "city",
                "created_at",
                "updated_at",
            )
            use_transactions = True
            skip_unchanged = True

        def before_import_row(self, row: Any, **kwargs: Any) -> None:
            row |= {"workspace_id": workspace.pk, "created_at": NOW, "updated_at": NOW}

        def init_instance(self, row: Any = None) -> Any:
            return Person(workspace_id=workspace.pk)

        def get_queryset(self) -> Any:
            return Person.objects.all()

    rows = tablib.Dataset(
        headers=[
            "first_name",
            "last_name",
            "title",
            "company",
            "email",
            "phone",
            "linkedin_url",
            "city",
            "country",
            "website",
        ]
    )
    with path.open(encoding="utf-8") as file:
        import csv

        reader = csv.reader(file)
        next(reader)
        for n, cells in enumerate(reader):
            if n == PEER_ROWS:
                break
            if "@" in cells[4]:
                rows.append(cells)

    def act() -> None:
        with workspace_scope(workspace.pk):
            result = People().import_data(rows, dry_run=False, raise_errors=True)
            assert result.totals["new"] == len(rows), result.totals

    return rate(len(rows), act)


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """The most memory this process took since `_forget_peak`, in MB; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0

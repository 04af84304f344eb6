"""Workspaces full of rows, written by the app role under row-level security."""

import uuid

from django.db import connection

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope


def make_workspace() -> Workspace:
    key = uuid.uuid4()
    with workspace_scope(key):
        return Workspace.objects.create(
            id=key, slug=f"bench-{key.hex[:8]}", name="Bench", postal_address="1 Bench Road"
        )


def fill_people(workspace: Workspace, count: int) -> None:
    """`count` people at `count` / 10 companies, with the spread of facts an ICP asks for."""
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO prospects_company (workspace_id, name, domain, website, linkedin_url, phone, description, industry,
                sub_industry, employees, revenue_currency, country, region, city, time_zone, technologies, keywords, pains,
                goals, funding_stage, funding_currency, external_id, source, created_at, updated_at)
            SELECT %s, 'Company ' || n, 'c' || n || '.example', '', '', '', '',
                (array['Industrials', 'Information Technology', 'Health Care', 'Financials', ''])[1 + n %% 5], '',
                CASE WHEN n %% 7 = 0 THEN NULL ELSE (n * 37) %% 5000 END, '',
                (array['DE', 'FR', 'US', 'GB', ''])[1 + n %% 5], '', '', '',
                CASE WHEN n %% 3 = 0 THEN array['SAP'] ELSE array[]::varchar[] END, '{}', '{}', '{}', '', '', '', '', now(), now()
            FROM generate_series(1, %s) n
            """,
            [workspace.pk, max(count // 10, 1)],
        )
        cursor.execute(
            """
            INSERT INTO prospects_person (workspace_id, first_name, last_name, full_name, email, email_status,
                email_status_reason, phone, linkedin_url, linkedin_status, title, seniority, department, company_id, country,
                region, city, time_zone, external_id, source, lawful_basis, created_at, updated_at)
            SELECT %s, 'Ana' || n, 'Test', 'Ana' || n || ' Test', 'p' || n || '@c' || (1 + n %% %s) || '.example', 'unknown', '',
                '', '', '', (array['VP Operations', 'Head of IT', 'Clerk'])[1 + n %% 3],
                (array['vp', 'head', 'staff'])[1 + n %% 3], (array['operations', 'it', 'other'])[1 + n %% 3], c.id, '', '', '',
                '', '', '', '', now(), now()
            FROM generate_series(1, %s) n
            JOIN prospects_company c ON c.workspace_id = %s AND c.domain = 'c' || (1 + n %% %s) || '.example'
            """,
            [workspace.pk, max(count // 10, 1), count, workspace.pk, max(count // 10, 1)],
        )
        cursor.execute("SELECT count(*) FROM prospects_person WHERE workspace_id = %s", [workspace.pk])
        assert cursor.fetchone()[0] == count


def analyze(*tables: str, vacuum: bool = False) -> None:
    """Statistics, as autovacuum would have made them: by the owner. With `vacuum` also what it does after many inserts: words
    wait in a list beside a trigram index, which every search reads whole, until it puts them in."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        for table in tables:
            cursor.execute(f"{'VACUUM ' if vacuum else ''}ANALYZE {table}")
    connections["owner"].close()

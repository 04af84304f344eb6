"""After a merge, what the row that went was known by leads to the one that stayed; whose it is today comes first."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.companies import find_or_create_company
from prospects.actions.merges import merge_rows
from prospects.actions.merges_undo import undo_merge
from prospects.models import Company, Merge, Person
from prospects.queries.duplicates import COMPANIES, PEOPLE
from prospects.queries.merges import record_by
from tests.factories.prospects import make_company, make_person
from tests.prospects.imports import NOW, counts, issues, run

pytestmark = pytest.mark.django_db
OLD = "Email,Job Title,City\nana@old.example,CEO,Faro\n"


@pytest.fixture
def merged(acme: Workspace, by_alice: Actor) -> Merge:
    """Ana of two addresses, who keeps the newer one."""
    with workspace_scope(acme.pk):
        firm = make_company("Lumen", domain="new.example")
        kept = make_person("Ana Silva", firm, email="ana@new.example", email_status="valid")
        gone = make_person("Ana Silva", firm, email="ana@old.example", external_id="crm-7")
        return merge_rows(
            subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=NOW, chosen={"email": "kept", "external_id": "kept"}
        )


def test_a_list_that_brings_the_old_address_means_the_person_who_stayed(
    acme: Workspace, merged: Merge, by_alice: Actor
) -> None:
    made = run(acme, "people", OLD)
    assert counts(made) == (0, 1, 0, 0)
    words = "ana@old.example became part of Ana Silva by a merge on 04 Mar 2026, which keeps ana@new.example"
    assert [message for _, _, message in issues(acme, made)] == [words]
    with workspace_scope(acme.pk):
        ana = Person.objects.get()
        assert (ana.email, ana.email_status, ana.title, ana.city) == ("ana@new.example", "valid", "CEO", "Faro")
        assert Merge.objects.get().known_by == [("email", "ana@old.example"), ("external_id", "crm-7")]
        assert Company.objects.get().domain == "new.example"
    assert counts(run(acme, "people", OLD)) == (0, 0, 1, 0)
    assert counts(run(acme, "people", "External id,Email,City\ncrm-7,,Beja\n")) == (0, 1, 0, 0)
    # A lead of hers, too.
    run(acme, "leads", "external_id,email,opened_at\nL1,ana@old.example,2026-01-01\n")
    with workspace_scope(acme.pk):
        assert Person.objects.get().email == "ana@new.example"


def test_forms_and_the_merge_tell_it_too(
    acme: Workspace, merged: Merge, by_alice: Actor, alice: Any, as_: Any, api: Any
) -> None:
    answer = api(alice).get(f"/api/v1/merges/{merged.pk}/").json()
    assert answer["known_by"] == {"email": ["ana@old.example"], "external_id": ["crm-7"]}
    assert "ana@old.example" in as_(alice).get(f"/w/acme/merges/{merged.pk}/").content.decode()
    with workspace_scope(acme.pk):
        found = record_by(PEOPLE, "email", "ana@old.example")
        assert found == Person.objects.get() and record_by(PEOPLE, "email", "nobody@old.example") is None


def test_an_undone_merge_and_a_new_owner_of_the_address_end_it(acme: Workspace, merged: Merge, by_alice: Actor) -> None:
    with workspace_scope(acme.pk):
        other = make_person("Ana Old", email="ana@old.example")
    assert counts(run(acme, "people", OLD)) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        other.refresh_from_db()
        assert other.title == "CEO" and Person.objects.get(email="ana@new.example").title == ""
        other.delete()
        undo_merge(merge=merged, by=by_alice, now=NOW + timedelta(days=1))
        merged.refresh_from_db()
        assert merged.known_by == []
    assert counts(run(acme, "people", OLD)) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        assert Person.objects.get(pk=merged.gone_id).title == "CEO"


def test_people_of_a_domain_that_was_merged_work_at_the_company_that_stayed(acme: Workspace, by_alice: Actor) -> None:
    with workspace_scope(acme.pk):
        kept, gone = (
            make_company("Lumen", domain="lumen.example"),
            make_company("Lumen Iberia", domain="lumen-ib.example"),
        )
        merge_rows(subject=COMPANIES, kept=kept, gone=gone, by=by_alice, now=NOW, chosen={"domain": "kept"})
    assert counts(run(acme, "people", "Email,First Name\nbea@lumen-ib.example,Bea\n")) == (1, 0, 0, 0)
    firms: Any = "Name,Domain,Employees\nLumen Iberia,lumen-ib.example,500\n"
    assert counts(run(acme, "companies", firms))[:2] == (0, 1)
    with workspace_scope(acme.pk):
        firm = Company.objects.get()
        assert (firm.domain, firm.employees) == ("lumen.example", 500)
        assert Person.objects.get().company == firm
        assert find_or_create_company(by=by_alice, now=NOW, domain="lumen-ib.example") == firm
        # That one goes on: its former domains go with it.
        last = make_company("Lumen Group", domain="group.example")
        merge_rows(subject=COMPANIES, kept=last, gone=firm, by=by_alice, now=NOW, chosen={"domain": "kept"})
        assert find_or_create_company(by=by_alice, now=NOW, domain="lumen-ib.example") == last
        assert find_or_create_company(by=by_alice, now=NOW, domain="lumen.example") == last


def test_chosen_match_rules_ask_it_too_and_the_record_keeps_what_it_has(acme: Workspace, by_alice: Actor) -> None:
    page, old_page = "https://www.linkedin.com/in/ana", "https://www.linkedin.com/in/ana-old"
    with workspace_scope(acme.pk):
        firm, old = make_company("Lumen", domain="new.example"), make_company("Lumen Iberia", domain="old.example")
        kept = make_person("Ana Silva", firm, email="ana@new.example", linkedin_url=page)
        gone = make_person("Ana Silva", old, email="ana@old.example", external_id="crm-7", linkedin_url=old_page)
        stays = {"email": "kept", "external_id": "kept", "linkedin_url": "kept"}
        merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=NOW, chosen=stays)
        merge_rows(subject=COMPANIES, kept=firm, gone=old, by=by_alice, now=NOW, chosen={"domain": "kept"})
    kept_page = "became part of Ana Silva by a merge on 04 Mar 2026, which keeps https://www.linkedin.com/in/ana"
    for number, (header, row, match, remark) in enumerate(
        (
            ("LinkedIn,First Name,Last Name", "linkedin.com/in/ana-old,Ana,Silva", ["linkedin_url"], f"{old_page} {kept_page}"),
            ("Website,First Name,Last Name", "old.example,Ana,Silva", ["domain_name"], ""),
            # A key that comes first and says the old address does not speak against her.
            ("Email,Website,First Name,Last Name", "ana@old.example,old.example,Ana,Silva", ["email", "domain_name"], "ana@old.example"),
            ("External id,LinkedIn", "crm-7,linkedin.com/in/ana-old", ["linkedin_url", "external_id"], "crm-7"),
        )
    ):  # fmt: skip
        made = run(acme, "people", f"{header},City\n{row},Town {number}\n", match=match)
        assert counts(made) == (0, 1, 0, 0), header
        assert any(remark in message for _, _, message in issues(acme, made)) or not remark, header
        with workspace_scope(acme.pk):
            ana = Person.objects.get()
            assert (ana.city, ana.email, ana.linkedin_url) == (f"Town {number}", "ana@new.example", page)
            assert ana.company == firm == Company.objects.get()
        assert counts(run(acme, "people", f"{header},City\n{row},Town {number}\n", match=match)) == (0, 0, 1, 0)
    # Whose page it is today comes first; an undone merge ends it.
    text = "LinkedIn,First Name,City\nlinkedin.com/in/ana-old,Ana,Faro\n"
    with workspace_scope(acme.pk):
        other = make_person("Ana Old", linkedin_url=old_page)
    assert counts(run(acme, "people", text, match=["linkedin_url"])) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        other.refresh_from_db()
        assert other.city == "Faro"
        other.delete()
        undo_merge(merge=merge, by=by_alice, now=NOW + timedelta(days=1))
    assert counts(run(acme, "people", text, match=["linkedin_url"])) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        assert Person.objects.get(linkedin_url=old_page).pk == merge.gone_id


def test_a_company_is_found_by_the_page_or_domain_it_had(acme: Workspace, by_alice: Actor) -> None:
    page, old_page = "https://www.linkedin.com/company/lumen", "https://www.linkedin.com/company/lumen-ib"
    with workspace_scope(acme.pk):
        kept = make_company("Lumen", domain="lumen.example", linkedin_url=page)
        gone = make_company("Lumen Iberia", domain="lumen-ib.example", linkedin_url=old_page)
        stays = {"domain": "kept", "linkedin_url": "kept"}
        merge_rows(subject=COMPANIES, kept=kept, gone=gone, by=by_alice, now=NOW, chosen=stays)
    made = run(
        acme, "companies", "Name,LinkedIn,City\nLumen,linkedin.com/company/lumen-ib,Bern\n", match=["linkedin_url"]
    )
    assert counts(made) == (0, 1, 0, 0) and [words for _, _, words in issues(acme, made)] == [
        f"{old_page} became part of Lumen by a merge on 04 Mar 2026, which keeps {page}"
    ]
    text = "Name,Domain,LinkedIn,City\nLumen,lumen-ib.example,linkedin.com/company/lumen,Genf\n"
    assert counts(run(acme, "companies", text, match=["linkedin_url", "domain"])) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        firm = Company.objects.get()
        assert (firm.city, firm.domain, firm.linkedin_url) == ("Genf", "lumen.example", page)

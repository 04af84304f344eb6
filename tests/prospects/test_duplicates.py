"""Duplicates: keys, scores with reasons, the background look, what is remembered. Judged by a labelled set."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadgen.core import lanes
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions import duplicates
from prospects.actions.companies import create_company
from prospects.actions.duplicates import compare_all, look, write_keys
from prospects.actions.people import create_person, update_person
from prospects.models import Company, CompanyPair, Person, PersonKeys, PersonPair
from prospects.queries.duplicates import COMPANIES, PEOPLE, look_alikes
from prospects.rules import duplicates as rules
from prospects.rules.duplicates import Firm, Human, compare_companies, compare_people
from prospects.tasks import find_duplicates
from tests.factories.prospects import make_company, make_person
from tests.prospects import duplicate_pairs

ANA = Human("Ana", "Ferreira", "ana.ferreira@lumen.example", company="1", domain="lumen.example")
REAL_LIST = Path("/work/shared/data/companies/sp500_constituents.csv")


@pytest.mark.parametrize(
    ("other", "reason", "band"),
    [
        (replace(ANA, email="anaferreira@lumen.example"), "same e-mail without dots", "high"),
        (replace(ANA, email="ana.ferreira+demo@lumen.example"), "same e-mail without the +tag", "high"),
        (replace(ANA, email="af@lumen.example"), "same name and company domain", "high"),
        (Human("Ana", "Ferreira", "ana@gmail.com"), "same name", "low"),
        (replace(ANA, last="Fereira", email="ana@lumen.example"), "names differ by one letter, same company", "medium"),
        (replace(ANA, first="A.", email="a@lumen.example"), "initial and last name, same company", "medium"),
    ],
)
def test_people_are_compared_with_reasons_in_words(other: Human, reason: str, band: str) -> None:
    score = compare_people(ANA, other)
    assert reason in rules.in_words(score.reasons)
    assert rules.band(score.points) == band
    assert compare_people(other, ANA) == score


def test_what_speaks_against_is_said_and_counts() -> None:
    """A LinkedIn page copied to a colleague's row is no proof by itself; two pages are two people."""
    shared = replace(ANA, linkedin="https://www.linkedin.com/in/ana")
    colleague = Human("Bruno", "Costa", "bruno@lumen.example", shared.linkedin, company="1", domain="lumen.example")
    score = compare_people(shared, colleague)
    assert score.points < rules.HIGH and "but: different names" in rules.in_words(score.reasons)
    namesake = replace(ANA, email="ana2@lumen.example", linkedin="https://www.linkedin.com/in/ana-2")
    assert compare_people(shared, namesake).points < rules.MEDIUM
    assert compare_people(replace(ANA, last="Ferreira Jr"), ANA).points < compare_people(ANA, ANA).points


def test_a_company_name_alone_is_never_proposed() -> None:
    plain = Firm("Acme Inc.", "acme.com")
    assert compare_companies(plain, Firm("ACME GmbH", "acme-tools.de")).points < rules.FLOOR
    assert compare_companies(plain, Firm("Acme")).points < rules.MEDIUM
    assert compare_companies(plain, Firm("Acme", "acme.de")).points >= rules.MEDIUM
    assert compare_companies(plain, Firm("The Acme Group", website="https://www.acme.com/")).points >= rules.HIGH
    assert rules.firm_name("Acme S. A.") == rules.firm_name("acme SA") == rules.firm_name("The Acme Group") == "acme"


def test_the_labelled_set_of_people() -> None:
    """What is proposed with high confidence is right; what is found at all is nearly all there is."""
    found, same = _found(duplicate_pairs.people(), rules.human_keys, compare_people)
    high, medium = {p for p, n in found.items() if n >= rules.HIGH}, {p for p, n in found.items() if n >= rules.MEDIUM}
    assert len(high & same) / len(high) >= 0.98 and len(high & same) / len(same) >= 0.48
    assert len(medium & same) / len(medium) >= 0.97 and len(medium & same) / len(same) >= 0.82
    assert len(found.keys() & same) / len(same) >= 0.94


def test_the_labelled_set_of_companies() -> None:
    found, same = _found(duplicate_pairs.companies(), rules.firm_keys, compare_companies)
    medium = {p for p, n in found.items() if n >= rules.MEDIUM}
    assert medium <= same and len(medium) / len(same) >= 0.72
    assert len(found.keys() & same) / len(same) >= 0.99


@pytest.mark.skipif(not REAL_LIST.exists(), reason="the real list is not on this machine")
def test_a_real_list_of_different_companies_yields_no_pair_to_merge() -> None:
    import csv

    with REAL_LIST.open(newline="") as lines:
        rows = [Firm(name=row["Security"], city=row["Headquarters Location"]) for row in csv.DictReader(lines)]
    made = duplicate_pairs.LabelledSet(rows)
    found, _ = _found(made, rules.firm_keys, compare_companies)
    assert len(rows) > 400 and not [pair for pair, points in found.items() if points >= rules.MEDIUM]


def _found(
    made: duplicate_pairs.LabelledSet, keys_of: Any, compare: Any
) -> tuple[dict[tuple[int, int], int], set[Any]]:
    blocks: dict[int, list[int]] = {}
    for number, row in enumerate(made.rows):
        for key in keys_of(row):
            blocks.setdefault(key, []).append(number)
    near = {
        (a, b)
        for key, members in blocks.items()
        if len(members) <= rules.MOST[key & 7]
        for a in members
        for b in members
        if a < b
    }
    points = {pair: compare(made.rows[pair[0]], made.rows[pair[1]]).points for pair in near}
    return {pair: value for pair, value in points.items() if value >= rules.FLOOR}, set(made.same)


@pytest.mark.django_db(transaction=True)
def test_a_worker_finds_what_was_added_and_forgets_what_was_mended(acme: Any, by_alice: Any, now: Any) -> None:
    with workspace_scope(acme.pk):
        create_company(by=by_alice, now=now, name="Lumen", domain="lumen.example")
        one = create_person(by=by_alice, now=now, name="Robert Silva", email="robert.silva@lumen.example")
        create_person(by=by_alice, now=now, name="Bob Silva", email="bob@lumen.example")
        create_person(by=by_alice, now=now, name="Olga Brandt", email="olga@lumen.example")
    assert Lane.objects.filter(workspace_id=acme.pk, kind="duplicates", next_due__isnull=False).exists()
    _run(acme, now + timedelta(minutes=1))
    with workspace_scope(acme.pk):
        pair = PersonPair.objects.select_related("first", "second").get()
        assert {pair.first.first_name, pair.second.first_name} == {"Robert", "Bob"}
        assert rules.in_words(pair.reasons) == ["nickname of the same name, same company"]
        assert PersonKeys.objects.count() == 3
        update_person(by=by_alice, now=now + timedelta(minutes=2), person=one, changes={"last_name": "Meyer"})
    _run(acme, now + timedelta(minutes=3))
    with workspace_scope(acme.pk):
        assert not PersonPair.objects.exists()


def _run(workspace: Any, at: Any) -> None:
    lane = lanes.take(kind="duplicates", now=at)
    assert lane is not None and lane.workspace_id == workspace.pk
    lanes.move_on(lane, next_due=duplicates.run_lane(lane, now=at))


@pytest.mark.django_db(transaction=True)
def test_one_pass_finds_what_single_looks_find(acme: Any, now: Any, monkeypatch: Any) -> None:
    made = duplicate_pairs.people(count=240)
    with workspace_scope(acme.pk):
        firms = {domain: make_company(domain=domain) for domain in {row.domain for row in made.rows} - {""}}
        for row in made.rows:
            make_person(
                f"{row.first} {row.last}", firms.get(row.domain), email=row.email, linkedin_url=row.linkedin,
                phone=row.phone, title=row.title, city=row.city, country=row.country,
            )  # fmt: skip
    look(acme.pk, PEOPLE, now=now)
    with workspace_scope(acme.pk):
        single = set(PersonPair.objects.values_list("first", "second", "score"))
        PersonPair.objects.all().delete()
        compare_all(PEOPLE, now=now)
        assert set(PersonPair.objects.values_list("first", "second", "score")) == single
        assert len(single) > 30
        PersonPair.objects.all().delete()
        PersonKeys.objects.all().delete()
    monkeypatch.setattr(duplicates, "AT_ONCE", 100)
    lanes.mark(workspace_id=acme.pk, kind="duplicates", due=now)
    monkeypatch.setattr("prospects.tasks.clock.now", lambda: now)
    find_duplicates()
    with workspace_scope(acme.pk):
        assert set(PersonPair.objects.values_list("first", "second", "score")) == single


def test_not_a_duplicate_is_remembered(in_acme: Any, by_alice: Any, now: Any) -> None:
    one = make_person("Ana Ferreira", email="ana.ferreira@lumen.example")
    other = make_person("Ana Ferreira", email="anaferreira@lumen.example")
    ids = [one.pk, other.pk]
    write_keys(PEOPLE, ids)
    duplicates.compare(PEOPLE, ids, now=now)
    pair = PersonPair.objects.get()
    duplicates.dismiss(pair=pair, by=by_alice, now=now)
    Person.objects.filter(pk=one.pk).update(first_name="Anna")
    write_keys(PEOPLE, ids)
    duplicates.compare(PEOPLE, ids, now=now)
    duplicates.compare_all(PEOPLE, now=now)
    assert list(PersonPair.objects.values_list("state", flat=True)) == ["dismissed"]
    duplicates.reconsider(pair=pair, by=by_alice, now=now)
    assert PersonPair.objects.get().state == "open"


def test_a_common_name_or_switchboard_brings_nobody_together(in_acme: Any, now: Any) -> None:
    people = [make_person("John Smith", email=f"j{n}@firm{n}.example", phone="+493012345678") for n in range(45)]
    ids = [person.pk for person in people]
    write_keys(PEOPLE, ids)
    assert duplicates.compare(PEOPLE, ids, now=now).compared == 0
    assert duplicates.compare_all(PEOPLE, now=now).compared == 0


def test_companies_are_found_by_the_addresses_of_their_people(in_acme: Any, now: Any) -> None:
    right = make_company("Lumen Ltd", domain="lumen.example")
    bare = make_company("Lumen", domain="")
    make_person("Ana Ferreira", bare, email="ana@lumen.example")
    ids = [right.pk, bare.pk]
    write_keys(COMPANIES, ids)
    duplicates.compare(COMPANIES, ids, now=now)
    pair = CompanyPair.objects.get()
    assert rules.band(pair.score) == "high" and "people write from the same domain" in rules.in_words(pair.reasons)
    assert Company.objects.count() == 2


def test_a_draft_that_looks_like_somebody_is_noticed(in_acme: Any, now: Any) -> None:
    lumen = make_company("Lumen", domain="lumen.example")
    ana = make_person("Ana Ferreira", lumen, email="ana.ferreira@lumen.example")
    write_keys(PEOPLE, [ana.pk])
    found = look_alikes(PEOPLE, Human("Ana", "Ferreira", "anaferreira@lumen.example"))
    assert [like.row for like in found] == [ana] and found[0].band == "high"
    assert look_alikes(PEOPLE, Human("Ana", "Ferreira", "ana@gmail.com")) == []
    assert look_alikes(PEOPLE, Human("Ana", "Ferreira", ana.email, domain="lumen.example"), but=ana.pk) == []

"""Keyset pages: forward and back over every row once, whatever is written meanwhile."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry, Member
from leadgen.core.errors import Invalid
from leadgen.core.pagination import Order, keyset
from leadgen.core.tenancy import workspace_scope
from tests.conftest import NOW


def member(name, **fields):
    return Member.objects.create(name=name, email=f"{name}-{Member.objects.count()}@acme.example", role="sdr", **fields)


def walk(queryset, order, size=2):
    """All pages forward, then all back from the last one; the names of each."""
    pages, cursor = [], ""
    while True:
        page = keyset(queryset, order=order, cursor=cursor, size=size)
        pages.append([row.name for row in page])
        if not page.next:
            break
        cursor = page.next
    back, cursor = [], page.previous
    while cursor:
        page = keyset(queryset, order=order, cursor=cursor, size=size)
        back.insert(0, [row.name for row in page])
        cursor = page.previous
    return pages, back


@pytest.mark.parametrize("descending", [False, True])
def test_every_row_comes_once_forward_and_back(in_acme, descending):
    for name in "cabeda":  # a stands twice
        member(name)
    pages, back = walk(Member.objects.all(), Order("name", descending=descending))
    expected = [["a", "a"], ["b", "c"], ["d", "e"]]
    if descending:
        expected = [["e", "d"], ["c", "b"], ["a", "a"]]
    assert pages == expected
    assert back == expected[:-1]


@pytest.mark.parametrize("descending", [False, True])
def test_unknown_values_come_last_in_both_directions(in_acme, descending):
    for name, days in (("a", 2), ("b", None), ("c", 1), ("d", None), ("e", 3)):
        member(name, left_at=NOW + timedelta(days=days) if days else None)
    pages, back = walk(Member.objects.all(), Order("left_at", descending=descending, nullable=True))
    known = ["e", "a", "c"] if descending else ["c", "a", "e"]
    unknown = ["d", "b"] if descending else ["b", "d"]
    flat = [name for page in pages for name in page]
    assert flat == known + unknown
    assert [name for page in back for name in page] == flat[:4]


def test_a_row_written_while_somebody_pages_shifts_nothing(in_acme):
    for name in "bcd":
        member(name)
    first = keyset(Member.objects.all(), order=Order("name"), size=2)
    member("a")
    second = keyset(Member.objects.all(), order=Order("name"), cursor=first.next, size=2)
    assert [row.name for row in second] == ["d"]
    assert second.next == ""


def test_a_cursor_of_another_order_or_a_broken_one_is_refused(in_acme):
    for name in "abc":
        member(name)
    cursor = keyset(Member.objects.all(), order=Order("name"), size=1).next
    for order, text in ((Order("name", descending=True), cursor), (Order("name"), "x"), (Order("name"), cursor[:-4])):
        with pytest.raises(Invalid, match="Start from the first page"):
            keyset(Member.objects.all(), order=order, cursor=text)


def test_a_column_the_list_cannot_be_sorted_by_is_refused():
    with pytest.raises(Invalid, match=r"Cannot sort by “secret_hash”\. Use one of: name, role\."):
        Order.parse("-secret_hash", allowed=("name", "role"))


def test_the_api_walks_the_same_pages(api, alice, acme, by_alice):
    from accounts.actions.audit import write_audit

    with workspace_scope(acme.pk):
        for minute in range(5):
            write_audit(by=by_alice, action="member.updated", now=NOW + timedelta(minutes=minute), label=f"m{minute}")
    client = api(alice, "audit.view")
    seen, url = [], "/api/v1/audit/?limit=2"
    while url:
        body = client.get(url).json()
        seen.append([row["target_label"] for row in body["results"]])
        url = f"/api/v1/audit/?limit=2&cursor={body['next']}" if body["next"] else ""
    assert seen == [["m4", "m3"], ["m2", "m1"], ["m0"]]
    back = client.get(f"/api/v1/audit/?limit=2&cursor={body['previous']}").json()
    assert [row["target_label"] for row in back["results"]] == ["m2", "m1"]
    oldest = client.get("/api/v1/audit/?sort=at&limit=1").json()
    assert oldest["results"][0]["target_label"] == "m0"
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.count() == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "sort=ip", "cursor=nonsense"])
def test_the_api_refuses_what_it_cannot_page_by(api, alice, query):
    response = api(alice, "audit.view").get(f"/api/v1/audit/?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["field"] == query.split("=")[0]

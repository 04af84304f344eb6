"""An address that only takes POST, opened as a page by a browser, by htmx and by a program."""

from typing import Any

import pytest

from leadgen.core.tenancy import workspace_scope
from prospects.models import AgreementVersion

pytestmark = pytest.mark.django_db
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
DRAFT = "/w/acme/agreement/draft/"


def versions(acme: Any) -> int:
    with workspace_scope(acme.pk):
        return AgreementVersion.objects.count()


def test_what_only_takes_post_says_so_in_words_and_changes_nothing(acme: Any, alice: Any, as_: Any) -> None:
    before = versions(acme)
    answer = as_(alice).get(DRAFT, headers=PAGE)
    assert (answer.status_code, answer["Allow"], answer["Content-Type"]) == (405, "POST", "text/html; charset=utf-8")
    html = answer.content.decode()
    assert "This is not a page" in html
    assert "Nothing was changed" in html
    assert 'href="/"' in html
    assert "Content-Security-Policy" in answer.headers
    assert versions(acme) == before


@pytest.mark.parametrize("headers", [PAGE | {"HX-Request": "true"}, {"Accept": "*/*"}], ids=["htmx", "a program"])
def test_whoever_wants_no_page_gets_the_bare_answer(acme: Any, alice: Any, as_: Any, headers: dict[str, str]) -> None:
    answer = as_(alice).get(DRAFT, headers=headers)
    assert (answer.status_code, answer["Allow"], answer.content) == (405, "POST", b"")


def test_it_gives_nothing_away_to_those_who_may_not_come_in(acme: Any, bob: Any, charlie: Any, as_: Any) -> None:
    assert as_(charlie).get(DRAFT, headers=PAGE).status_code == 404
    assert as_(bob).get(DRAFT, headers=PAGE).status_code == 403


def test_the_api_keeps_its_one_error_shape(acme: Any, alice: Any, api: Any) -> None:
    answer = api(alice).delete("/api/v1/activities/", headers=PAGE)
    assert answer.status_code == 405
    assert answer.json()["error"]["code"]

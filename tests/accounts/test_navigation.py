"""Which entry of the rail a page lights."""

import pytest

from accounts.context import NAVIGATION, _active

NAV = [{"key": key, "url": f"/w/acme/{key}/"} for key, *_ in NAVIGATION]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/w/acme/people/", "people"),
        ("/w/acme/quality/", "people"),
        ("/w/acme/duplicates/people/", "people"),
        ("/w/acme/duplicates/companies/", "companies"),
        ("/w/acme/imports/0194/", "people"),
        ("/w/acme/spend/new/", "sequences"),
        ("/w/acme/fields/", "settings"),
        ("/w/acme/nothing/", ""),
        ("/w/acme/", ""),
    ],
)
def test_a_page_lights_the_entry_it_belongs_to(path: str, key: str) -> None:
    assert _active(NAV, path) == key


def test_an_entry_that_the_member_may_not_see_is_not_lit() -> None:
    assert _active([entry for entry in NAV if entry["key"] != "people"], "/w/acme/quality/") == ""

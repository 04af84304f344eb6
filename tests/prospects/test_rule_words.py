"""Rules as people read them: owners by name, in chips of a list, in segments and in the audit log; JSON keeps codes."""

from accounts.models import AuditEntry
from leadgen.core.rulelang import parse
from leadgen.core.tenancy import workspace_scope
from prospects.actions.segments import create_segment, words_of
from prospects.queries.rule_words import rule_words, words_of_json
from prospects.rules.segments import CATALOGUES

IN_SPAIN = {"field": "company.country", "op": "in", "value": ["ES"]}
OURS = {"all": [IN_SPAIN, {"field": "person.owner", "op": "in", "value": ["bob@acme.example", "gone@acme.example"]}]}


def test_a_rule_without_owners_asks_no_database() -> None:
    rule = parse(
        {"all": [IN_SPAIN, {"field": "person.seniority", "op": "is", "value": "c_level"}]}, CATALOGUES["people"]
    )
    assert rule_words(rule) == "country is one of Spain and seniority is C-level"
    assert (
        words_of_json({"field": "seniority", "op": "is", "value": "c_level"}) == "seniority is C-level"
    )  # an agreement's
    assert words_of_json({"field": "nothing", "op": "is", "value": "x"}) is None
    assert words_of_json({"cover": "x"}) is None


def test_owners_are_called_by_name_wherever_a_rule_is_told(acme, alice, bob, by_alice, as_, api, now) -> None:
    with workspace_scope(acme.pk):
        bob.member.name, bob.member.email = "Bob Reyes", "bob@acme.example"
        bob.member.save()
        segment = create_segment(by=by_alice, now=now, name="Spain", subject="people", kind="dynamic", rule=OURS)
        words = words_of(segment)
        entry = AuditEntry.objects.get(action="segment.created")
        entry_id = entry.pk
    assert words == "country is one of Spain and owner is one of Bob Reyes, “gone@acme.example”"
    answer = api(alice).get(f"/api/v1/segments/{segment.pk}/").json()
    assert (answer["words"], answer["rule"]) == (words, OURS)
    assert words in as_(alice).get(f"/w/acme/segments/{segment.pk}/").content.decode()
    log = as_(alice).get("/w/acme/settings/audit/").content.decode()
    assert words in log
    assert "person.owner" not in log
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.get(pk=entry_id).detail == {"rule": OURS}

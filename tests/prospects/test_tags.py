"""Tags: a vocabulary, on people and companies, in lists, filters, rules and the API; put on by many and taken off."""

import json

import pytest

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.segments import create_segment
from prospects.actions.tags import create_tag, delete_tag, set_tags, tag_rows, tags_named, untag_rows, update_tag
from prospects.models import Activity, Tag, TagLink
from prospects.queries.segments import members_of
from prospects.queries.tags import counted, tags_of
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


def test_a_tag_is_put_on_found_by_rule_renamed_and_cannot_go_while_a_rule_names_it(in_acme, by_alice, now) -> None:
    ana, tom = make_person("Ana Ferreira", make_company("Lumen")), make_person("Tom Okafor")
    vip = create_tag(by=by_alice, now=now, name=" VIP ", colour="teal")
    with pytest.raises(Conflict, match="There is a tag “vip” already"):
        create_tag(by=by_alice, now=now, name="vip")
    for wrong in ("", "a,b", "none", "x" * 41):
        with pytest.raises(Invalid):
            create_tag(by=by_alice, now=now, name=wrong)
    done = tag_rows(by=by_alice, now=now, subject="people", ids=[ana.pk, tom.pk], tags=[vip])
    assert (len(done.changed), done.same) == (2, 0)
    again = tag_rows(by=by_alice, now=now, subject="people", ids=[ana.pk, tom.pk], tags=[vip])
    assert (again.changed, again.same) == ([], 2)
    assert Activity.objects.filter(person=ana).get().summary == "Tagged: VIP"
    gone = untag_rows(by=by_alice, now=now, subject="people", ids=[tom.pk, ana.pk][:1], tags=[vip])
    assert (gone.changed, gone.same) == ([tom.pk], 0)
    set_tags(by=by_alice, now=now, row=ana.company, tags=tags_named(["Fair", "vip"], by=by_alice, now=now, create=True))
    assert {tag.name: (tag.people, tag.companies) for tag in counted()} == {"Fair": (0, 1), "VIP": (1, 1)}

    rule = {"field": "person.tags", "op": "has_any", "value": ["VIP"]}
    segment = create_segment(by=by_alice, now=now, name="Important", kind="dynamic", subject="people", rule=rule)
    assert list(members_of(segment, now=now)) == [ana]
    update_tag(by=by_alice, now=now, tag=vip, name="Top")
    segment.refresh_from_db()
    assert segment.rule == rule | {"value": ["Top"]}
    assert list(members_of(segment, now=now)) == [ana]
    with pytest.raises(Conflict, match="stands in the rule of Important"):
        delete_tag(by=by_alice, now=now, tag=vip)
    assert TagLink.objects.filter(tag=vip).count() == 2
    fair = Tag.objects.get(name="Fair")
    assert delete_tag(by=by_alice, now=now, tag=fair) == 1
    assert tags_of("companies", [ana.company.pk])[ana.company.pk] == [vip]
    assert list(AuditEntry.objects.filter(action="tag.deleted").values_list("target_label", flat=True)) == ["Fair"]


def test_what_others_carry_is_renamed_by_who_looks_after_the_words(acme, alice, bob, as_, api, now) -> None:
    """Bob, an SDR, made both words; somebody else's company has one of them by now."""
    with workspace_scope(acme.pk):
        marketer = make_member(acme, "marketer", "mara@acme.example")
        mine, shared = (create_tag(by=Actor(member=bob.member), now=now, name=name) for name in ("Mine", "Shared"))
        own = make_person("Own", owner=bob.member).pk
        tag_rows(by=SYSTEM, now=now, subject="people", ids=[own, make_person("Nobody's").pk], tags=[mine, shared])
        theirs = make_company("Lumen", owner=alice.member)
        tag_rows(by=SYSTEM, now=now, subject="companies", ids=[theirs.pk], tags=[shared])
    client, program = as_(bob), api(bob)
    page = client.get("/w/acme/tags/").content.decode()
    assert page.count("on records of others") == 1 and f"/tags/{mine.pk}/" in page and f"/tags/{shared.pk}/" not in page
    refused = client.post(f"/w/acme/tags/{shared.pk}/", {"name": "Taken", "colour": "teal"})
    assert refused.status_code == 422 and "Records of others carry" in refused.content.decode()
    client.post(f"/w/acme/tags/{shared.pk}/delete/")
    assert program.delete(f"/api/v1/tags/{shared.pk}/").status_code == 403
    assert program.patch(f"/api/v1/tags/{shared.pk}/", {"name": "Taken"}, "application/json").status_code == 403
    with workspace_scope(acme.pk):
        assert Tag.objects.get(pk=shared.pk).name == "Shared" and TagLink.objects.filter(tag=shared).count() == 3
    assert program.patch(f"/api/v1/tags/{mine.pk}/", {"name": "My own"}, "application/json").status_code == 200
    assert program.delete(f"/api/v1/tags/{mine.pk}/").status_code == 204
    mara = as_(marketer)
    assert mara.post(f"/w/acme/tags/{shared.pk}/", {"name": "Ours", "colour": "teal"}).status_code == 302
    assert mara.post(f"/w/acme/tags/{shared.pk}/delete/").status_code == 302
    with workspace_scope(acme.pk):
        assert not Tag.objects.exists()


def test_pages_and_api(bob, charlie, as_, api, acme, globex) -> None:
    client = as_(bob)
    with workspace_scope(acme.pk):
        ana, tom = make_person("Ana Ferreira"), make_person("Tom Okafor")
    url = f"/w/acme/people/{ana.pk}/tags/"
    assert client.post(url, {"new": "VIP, met at the fair"}).status_code == 302
    with workspace_scope(acme.pk):
        vip = Tag.objects.get(name="VIP")
        fair = Tag.objects.get(name="met at the fair")
    assert 'class="word word-grey">VIP' in client.get(f"/w/acme/people/{ana.pk}/").content.decode()
    # Somebody took "fair" off and put nothing on; what was not touched on this sheet stays.
    client.post(url, {"had": [str(vip.pk)], "tags": []})
    with workspace_scope(acme.pk):
        assert tags_of("people", [ana.pk])[ana.pk] == [fair]
    for query in (f"tag={fair.pk}", "tag=Met At The Fair", "tag=nobody has this,met at the fair"):
        html = client.get(f"/w/acme/people/?{query}").content.decode()
        assert "Ana Ferreira" in html
        assert "Tom Okafor" not in html
    assert "Tom Okafor" in client.get("/w/acme/people/?tag=none").content.decode()
    assert client.post(f"/w/acme/people/{ana.pk}/tags/", {"new": "x" * 41}).status_code == 422
    outsider = as_(charlie)
    assert outsider.post(f"/w/globex/people/{ana.pk}/tags/", {"new": "mine"}).status_code == 404

    rest = api(bob)
    made = rest.post("/api/v1/tags/", json.dumps({"name": "Later", "colour": "blue"}), content_type="application/json")
    assert made.status_code == 201, made.content
    sent = json.dumps({"tags": ["later", "VIP"]})
    answer = rest.patch(f"/api/v1/people/{tom.pk}/", sent, content_type="application/json").json()
    assert answer["tags"] == ["Later", "VIP"]
    wrong = rest.patch(f"/api/v1/people/{tom.pk}/", json.dumps({"tags": ["Nope"]}), content_type="application/json")
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "tags")
    assert [row["full_name"] for row in rest.get("/api/v1/people/?tag=later").json()["results"]] == ["Tom Okafor"]
    assert rest.get("/api/v1/people/?tag=later").json()["results"][0]["tags"] == ["Later", "VIP"]
    assert rest.delete(f"/api/v1/tags/{vip.pk}/").status_code == 204
    with workspace_scope(globex.pk):
        assert Tag.objects.count() == 0

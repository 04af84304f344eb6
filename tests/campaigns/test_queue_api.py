"""The work queue through the API: made again by its external id, claimed, done, reassigned, and who may."""

from typing import Any

from tests.campaigns.test_queue import frozen, world

__all__ = ["frozen", "world"]  # fixtures


def test_the_api_of_tasks(world: Any, api: Any, bob: Any, alice: Any, charlie: Any) -> None:
    agent = api(bob)
    base = "/api/v1/tasks/"
    json = {"content_type": "application/json"}
    due = {"title": "Call them", "kind": "call", "due_at": "2026-03-04T12:00:00Z"}
    made = agent.put(f"{base}by-external-id/x-1/", due, **json)
    assert made.status_code == 201 and made.json()["external_id"] == "x-1"
    moved = agent.put(f"{base}by-external-id/x-1/", {"title": "Call them back"}, **json)
    assert (
        moved.status_code == 200
        and moved.json()["title"] == "Call them back"
        and moved.json()["id"] == made.json()["id"]
    )
    one = f"{base}{made.json()['id']}/"
    assert agent.post(f"{one}complete/", {}, **json).json()["error"]["field"] == "outcome"
    assert agent.post(f"{one}claim/", {}, **json).json()["claimed_by"] == str(bob.member.pk)
    done = agent.post(f"{one}complete/", {"outcome": "voicemail", "note": "left one"}, **json)
    assert (done.json()["state"], done.json()["outcome"]) == ("done", "voicemail")
    assert agent.post(f"{one}skip/", {}, **json).status_code == 409
    assert agent.put(f"{base}by-external-id/x-1/", {"title": "Again"}, **json).status_code == 409
    assert agent.post(f"{one}reassign/", {"owner": None}, **json).status_code == 403
    todo = f"{base}{world['todo'].pk}/"
    assert api(alice).post(f"{todo}reassign/", {"owner": str(bob.member.pk)}, **json).json()["owner"] == str(
        bob.member.pk
    )
    assert agent.post(f"{todo}snooze/", {"until": "2026-03-05T08:00:00Z"}, **json).json()["snoozed_until"] == "2026-03-05T08:00:00Z"  # fmt: skip
    assert agent.post(f"{base}{world['handoff'].pk}/skip/", {}, **json).status_code == 400
    listed = agent.get(f"{base}?owner=me&kind=reply").json()["results"]
    assert [row["title"] for row in listed] == ["Reply to Mei"]
    assert agent.post(base, {**due, "kind": "handoff"}, **json).status_code == 400
    assert agent.post(base, {**due, "owner": str(charlie.member.pk)}, **json).status_code == 400
    assert api(charlie).get(one).status_code == 404
    assert api(bob, "tasks.view").post(base, due, **json).status_code == 403

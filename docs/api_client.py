#!/usr/bin/env python3
"""A small client of the Leadgen API: the standard library only, to copy from.

    python docs/api_client.py --url http://localhost:8000 --token lg_... demo

`Client` knows what every caller needs (the token, one error shape, pages, retries); `demo` walks once through the
journey of a lead. Everything it writes has an id of its own or an Idempotency-Key, so a second run makes nothing twice.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
RETRIED = {429, 502, 503, 504}


class ApiError(Exception):
    """An answer >= 400: `code` is for programs, the text for people, `field` names the input at fault."""

    def __init__(self, status: int, code: str, message: str, field: str = "", detail: Any = None) -> None:
        super().__init__(f"{status} {code}: {message}" + (f" (field {field})" if field else ""))
        self.status, self.code, self.field, self.detail = status, code, field, detail or {}


class Client:
    """One token, one workspace. `wait` is called with the seconds to wait before another attempt."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        attempts: int = 5,
        timeout: float = 30,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.base = url.rstrip("/") + "/api/v1/"
        self.token, self.attempts, self.timeout, self.wait = token, attempts, timeout, wait

    def call(self, method: str, path: str, body: Row | None = None, *, key: str = "", **query: Any) -> Any:
        """The decoded answer (None for 204). Raises ApiError.

        A request is tried again only where a second effect is impossible: it reads, it puts, it carries an
        Idempotency-Key (`key`), or the server says that it did nothing (429).
        """
        url = self.base + path + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        repeatable = method in {"GET", "PUT"} or bool(key)
        for attempt in range(1, self.attempts + 1):
            pause = min(2.0**attempt, 30.0)
            try:
                request = urllib.request.Request(url, data=data, headers=headers, method=method)
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                problem = self._problem(error)
                again = error.code == 429 or (
                    repeatable and (error.code in RETRIED or problem.code == "idempotency_in_flight")
                )
                if not again or attempt == self.attempts:
                    raise problem from error
                told = error.headers.get("Retry-After", "")
                pause = float(told) if told.isdigit() else pause
            except (urllib.error.URLError, http.client.HTTPException, TimeoutError):
                # The line broke: nobody knows whether the server did it.
                if not repeatable or attempt == self.attempts:
                    raise
            self.wait(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def rows(self, path: str, **query: Any) -> Iterator[Row]:
        """Every row of a list, page after page: `next` is an opaque cursor, null on the last page."""
        while True:
            page = self.call("GET", path, **query)
            yield from page["results"]
            if not page["next"]:
                return
            query["cursor"] = page["next"]

    def upsert(self, resource: str, external_id: str, **values: Any) -> Row:
        """Make or change the row that carries your own id; what is not sent stays."""
        row: Row = self.call("PUT", f"{resource}/by-external-id/{urllib.parse.quote(external_id, safe='')}/", values)
        return row

    @staticmethod
    def _problem(error: urllib.error.HTTPError) -> ApiError:
        try:
            told = json.loads(error.read())["error"]
            return ApiError(error.code, told["code"], told["message"], told["field"], told["detail"])
        except (ValueError, KeyError, TypeError):  # a proxy's page, not ours
            return ApiError(error.code, "http", error.reason)


def demo(api: Client, say: Callable[[str], object] = print) -> Row:
    """One lead from nothing to a deal. Returns what was made, by name."""
    made: Row = {"workspace": api.call("GET", "workspace/")}
    say(f"Workspace {made['workspace']['name']}, currency {made['workspace']['currency']}")

    made["company"] = company = api.upsert(
        "companies",
        "crm-c-1",
        name="Lumen Freight",
        domain="lumen.example",
        industry="Logistics",
        employees=240,
        country="DE",
    )
    made["person"] = person = api.upsert(
        "people", "crm-p-1", first_name="Ada", last_name="Mohr", email="ada.mohr@lumen.example",
        title="Head of Operations", company=company["id"],
    )  # fmt: skip
    say(f"Company {company['name']}; person {person['full_name']}, {person['email']}")

    made["touch"] = api.call("POST", "activities/", {
        "kind": "note", "person": person["id"], "summary": "Asked for a price list at the fair", "external_key": "crm-a-1",
    })  # fmt: skip
    say(f"Activity {made['touch']['id']}: told twice, it is one")

    made |= outreach(api, person, say)
    made["lead"] = lead = api.upsert(
        "leads",
        "crm-l-1",
        person=person["id"],
        channel="event",
        source="Fair in Hamburg",
        campaign=made["campaign"]["id"],
    )
    made["deal"] = deal = api.upsert(
        "deals",
        "crm-d-1",
        name="Lumen Freight, 12 months",
        lead=lead["id"],
        value="24000.00",
        mrr="2000.00",
        term_months=12,
    )
    stage = api.call("GET", f"leads/{lead['id']}/")["stage"]
    say(f"Lead at stage {stage}; deal of {deal['value']} {deal['currency']}")
    made["spend"] = spend = api.upsert(
        "spend", "crm-s-1", channel="event", campaign=made["campaign"]["id"], kind="media", amount="1200.00",
        starts_on=datetime.now(UTC).date().isoformat(), note="Stand at the fair",
    )  # fmt: skip
    say(f"Spend of {spend['amount']} {spend['currency']} on {spend['channel']}")

    open_deals = list(api.rows("deals/", outcome="open", limit=50))
    open_tasks = list(api.rows("tasks/", state="open", sort="due_at"))
    say(f"{len(open_deals)} open deals, {len(open_tasks)} open tasks")

    today = datetime.now(UTC).date()
    asked: Row = {"from": today - timedelta(days=30), "to": today + timedelta(days=1), "by": "channel"}
    made["funnel"] = funnel = api.call("GET", "funnel/", **asked)
    period = funnel["period"]
    say(
        f"Funnel of 30 days: {period['leads']} leads, {period['opportunities']} opportunities, pipeline {period['pipeline_value']}, spend {period['spend']}"
    )
    return made


def outreach(api: Client, person: Row, say: Callable[[str], object]) -> Row:
    """A campaign with a sequence that a person goes through, and a task by hand."""
    campaign = api.upsert("campaigns", "crm-k-1", name="Fair follow-up", channel="event", budget="5000.00")
    if campaign["state"] == "draft":
        campaign = api.call("POST", f"campaigns/{campaign['id']}/start/", key=f"start-{campaign['id']}")
    sequence = api.upsert(
        "sequences", "crm-q-1", name="After the fair", campaign=campaign["id"],
        steps=[
            {"kind": "call", "body": "Ask {{ person.first_name | default: 'them' }} what they plan for next year."},
            {"kind": "linkedin_message", "delay_days": 2, "body": "Thank you for the talk at the fair."},
        ],
    )  # fmt: skip
    if sequence["draft"] and not sequence["problems"]:
        sequence = api.call("POST", f"sequences/{sequence['id']}/publish/")
    say(
        f"Campaign {campaign['name']} is {campaign['state']}; sequence {sequence['name']}, version {sequence['published']['number']}"
    )

    # Look first: who is blocked says why. By your own id, the second call is the first enrolment again.
    preview = api.call("POST", "enrolments/preview/", {"sequence": sequence["id"], "people": [person["id"]]})
    say(f"Eligible: {preview['eligible']}; blocked: {[row['reason'] for row in preview['blocked']]}")
    enrolment = api.upsert("enrolments", "crm-e-1", sequence=sequence["id"], person=person["id"])
    say(f"Enrolment is {enrolment['state']}: {enrolment['next_step']}")
    due = (datetime.now(UTC) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    task = api.upsert(
        "tasks", "crm-t-1", kind="todo", title="Send the price list", person=person["id"], due_at=due.isoformat()
    )
    return {"campaign": campaign, "sequence": sequence, "enrolment": enrolment, "task": task}


def main(words: list[str] | None = None) -> int:
    """The command line; exit status 1 with the API's own words where it refuses."""
    parser = argparse.ArgumentParser(description="An example client of the Leadgen API.")
    parser.add_argument("--url", default="http://localhost:8000", help="where Leadgen is")
    parser.add_argument("--token", required=True, help="Settings, API tokens; begins with lg_")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="walk one lead from company to deal")
    rows = commands.add_parser("list", help="every row of a resource as JSON lines")
    rows.add_argument("resource", help="people, companies, leads, deals, ...")
    options = parser.parse_args(words)
    api = Client(options.url, options.token)
    try:
        if options.command == "demo":
            demo(api)
        else:
            for row in api.rows(f"{options.resource}/", limit=200):
                print(json.dumps(row))
    except (ApiError, urllib.error.URLError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

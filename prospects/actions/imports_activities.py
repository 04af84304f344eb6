"""Importing activities: facts joined to a lead by its external id, or to a person by e-mail; each once, however often told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from prospects.actions.activities import REPLIES, TOUCHES
from prospects.actions.imports_context import Campaigns, Context, Ordinals, Owners, at_of
from prospects.actions.imports_store import Row, RowRefused, Rows, Unit
from prospects.models import Activity, ActivityKind, Lead, Person
from prospects.rules.imports import ConvertedRow


class ActivitiesImport:
    """A fact is known by its own id, else by lead, moment, channel, class and kind, numbered among equal rows of the file."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.owners = Owners(unit, context)
        self.campaigns = Campaigns(unit, context)
        self.leads = Rows(Lead, unit, ("external_id",))
        self.people = Rows(Person, unit, ("email",))
        self.facts = Rows(Activity, unit, ("key",))
        self._ordinals = Ordinals("import:")
        self._cycles: dict[UUID, list[Row]] = {}

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return [self._name(row.values) for row in rows]

    def _name(self, values: dict[str, Any]) -> str:
        if "activity_id" in values:
            return f"import-id:{values['activity_id']}"
        who = values.get("external_id") or values.get("email")
        said = (values.get("channel", ""), values.get("class", "human"), values.get("kind", "touch"))
        return self._ordinals.key(who, at_of(values, "at"), *said)

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        if not self.unit.keep:
            self._cycles = {}
        if any("owner" in row.values for row in rows):
            self.owners.prepare()
        self.campaigns.prepare([row.values.get("campaign") for row in rows])
        self.leads.fetch("external_id", [row.values.get("external_id") for row in rows])
        self.people.fetch("email", [row.values.get("email") for row in rows if "external_id" not in row.values])
        wanted = {row["id"] for row in self.people.known()} - self._cycles.keys()
        for lead in self.leads.load(Lead.objects.filter(person__in=wanted)) if wanted else ():
            self._cycles.setdefault(lead["person_id"], []).append(lead)
        self.people.load(
            Person.objects.filter(pk__in={row["person_id"] for row in self.leads.known() if row["person_id"]})
        )
        self.facts.fetch("key", keys)

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        at = at_of(values, "at")
        if at is None:
            raise RowRefused("the row has no date", "Fill it in.")
        lead, person = self._about(values, at)
        found = self.facts.by("key", key)
        if found is not None:
            return False, found
        kind = str(values.get("kind", ActivityKind.TOUCH))
        channel = str(values.get("channel", lead["channel"] if lead else ""))
        member = self.owners.of(values.get("owner"))
        fact = self.facts.add(
            at=at, recorded_at=self.context.now, kind=kind, hit_class=values.get("class", "human"), channel=channel,
            person_id=person["id"] if person else None,
            company_id=(lead["company_id"] if lead else None) or (person["company_id"] if person else None),
            lead_id=lead["id"] if lead else None, member_id=member,
            campaign_id=self.campaigns.of(values.get("campaign"), channel) or (lead["campaign_id"] if lead else None),
            summary=str(values.get("summary") or ActivityKind(kind).label)[:300], detail={"source": self.context.source},
            key=key,
        )  # fmt: skip
        self._maintain(fact, lead, person)
        return True, fact

    def complete(self) -> None:
        pass

    def _about(self, values: dict[str, Any], at: datetime) -> tuple[Row | None, Row | None]:
        """The lead, and the person it is of. By e-mail: the cycle that was open then, else the last one before."""
        if "external_id" in values:
            lead = self.leads.by("external_id", values["external_id"])
            if lead is None:
                raise RowRefused(
                    f"there is no lead with the external id {values['external_id']}", "Import the leads first.",
                    column="external_id", value=str(values["external_id"]),
                )  # fmt: skip
            return lead, self.people.get(lead["person_id"])
        person = self.people.by("email", values.get("email"))
        if person is None:
            raise RowRefused(
                f"nobody here has the address {values.get('email', '')}", "Import the people first.", column="email",
                value=str(values.get("email", "")),
            )  # fmt: skip
        cycles = [lead for lead in self._cycles.get(person["id"], ()) if lead["opened_at"] and lead["opened_at"] <= at]
        return max(cycles, key=lambda lead: lead["opened_at"], default=None), person

    def _maintain(self, fact: Row, lead: Row | None, person: Row | None) -> None:
        """Account facts that lists filter by, as record_activity keeps them."""
        if fact["hit_class"] != Activity.HitClass.HUMAN:
            return
        for kinds, column in ((TOUCHES, "last_touch_at"), (REPLIES, "last_reply_at")):
            if person is not None and fact["kind"] in kinds and (not person[column] or person[column] < fact["at"]):
                self.people.put(person, {column: fact["at"]})
        if (
            lead is not None and fact["kind"] in TOUCHES and fact["member_id"] and lead["opened_at"]
            and lead["opened_at"] <= fact["at"] and (not lead["first_touch_at"] or fact["at"] < lead["first_touch_at"])
        ):  # fmt: skip
            self.leads.put(lead, {"first_touch_at": fact["at"]})

"""Importing spend: one row is money on a channel or campaign over days; the same line again is the same row."""

from collections.abc import Sequence
from typing import Any

from prospects.actions.imports_context import Campaigns, Context, Ordinals, money
from prospects.actions.imports_store import Row, RowRefused, Rows, Unit
from prospects.models import Spend
from prospects.rules.imports import ConvertedRow


class SpendImport:
    """Lines are known by their external id, else by channel, campaign, kind, purpose and days: a changed amount updates."""

    def __init__(self, unit: Unit, context: Context) -> None:
        self.unit, self.context = unit, context
        self.campaigns = Campaigns(unit, context)
        self.spend = Rows(Spend, unit, ("external_id",))
        self._ordinals = Ordinals("row:")

    def name_rows(self, rows: Sequence[ConvertedRow]) -> list[str]:
        return [self._name(row.values) for row in rows]

    def _name(self, values: dict[str, Any]) -> str:
        if "external_id" in values:
            return str(values["external_id"])
        said = [values.get(name) for name in ("channel", "subchannel", "campaign", "from", "to")]
        return self._ordinals.key(*said, values.get("kind", "media"), values.get("purpose", "leads"))

    def prepare(self, rows: Sequence[ConvertedRow], keys: Sequence[str]) -> None:
        self.campaigns.prepare([row.values.get("campaign") for row in rows])
        self.spend.fetch("external_id", keys)

    def apply(self, row: ConvertedRow, key: str) -> tuple[bool, Row]:
        values: dict[str, Any] = dict(row.values)
        if "amount" not in values or "from" not in values:
            raise RowRefused("the row has no amount or no day", "Fill in both.")
        channel = str(values.get("channel", "unknown"))
        wanted: dict[str, Any] = {
            "channel": channel, "starts_on": values["from"], "ends_on": values.get("to", values["from"]),
            "amount": money(values["amount"]),
        }  # fmt: skip
        wanted |= {
            name: values[name] for name in ("subchannel", "kind", "purpose", "note", "currency") if name in values
        }
        found = self.spend.by("external_id", key)
        if "campaign" in values:
            wanted["campaign_id"] = self.campaigns.of(values["campaign"], channel)
        if found is not None:
            self.spend.put(found, wanted)
            return False, found
        made = self.spend.add(
            **{"currency": self.context.currency, **wanted}, external_id=key, created_at=self.context.now,
            import_id=self.context.import_id,
        )  # fmt: skip
        return True, made

    def complete(self) -> None:
        pass

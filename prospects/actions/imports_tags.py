"""Tags that a file gives: added, never taken away; a word nobody has yet enters the vocabulary."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from leadgen.core.errors import Invalid
from prospects.actions.imports_context import Context, warn
from prospects.actions.imports_store import Row, Rows, Unit
from prospects.actions.tags import MAX_TAGS, clean_name
from prospects.models import Tag, TagLink
from prospects.rules.imports import ConvertedRow


class Tags:
    """Of one batch of people, or of companies. `column`: of TagLink."""

    def __init__(self, unit: Unit, context: Context, column: str) -> None:
        self.tags, self.links = Rows(Tag, unit), Rows(TagLink, unit)
        self._context, self._column = context, column
        self._names: dict[str, Row] = {}
        self._held: set[tuple[UUID, UUID]] = set()
        self._asked: set[UUID] = set()

    def prepare(self, keys: Iterable[UUID]) -> None:
        """Look up the vocabulary, and which tags these records have."""
        self.tags.load(Tag.objects.all())
        self._names = {row["name"].casefold(): row for row in self.tags.known()}
        wanted = set(keys) - self._asked
        if not self.links.unit.keep:
            self._held = set()
        else:
            self._asked |= wanted  # a dry run forgets nothing of what it was told
        links = TagLink.objects.filter(**{f"{self._column}__any": wanted}) if wanted else TagLink.objects.none()
        self._held |= set(links.values_list(self._column, "tag_id"))

    def give(self, row: ConvertedRow, record: Row, words: Any) -> None:
        """Those of a row. What can be no tag is left out and told."""
        for word in words:
            try:
                name = clean_name(word)
            except Invalid as error:
                warn(row, f"a tag was left out: {error.message}", "Give it another name.", value=str(word))
                continue
            tag = self._names.get(name.casefold())
            if tag is None:
                if len(self._names) >= MAX_TAGS:
                    warn(
                        row,
                        f"a tag was left out: there are {MAX_TAGS} tags already",
                        "Delete one that is not used.",
                        value=name,
                    )
                    continue
                tag = self.tags.add(name=name, colour=Tag.Colour.GREY, created_at=self._context.now)
                self._names[name.casefold()] = tag
                self._context.tally["{n} unknown tags were made"] += 1
            if (record["id"], tag["id"]) not in self._held:
                self._held.add((record["id"], tag["id"]))
                given = {"person_id": None, "company_id": None, self._column: record["id"]}
                self.links.add(tag_id=tag["id"], added_at=self._context.now, **given)

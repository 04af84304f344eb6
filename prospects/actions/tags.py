"""Tags as business events: words of the vocabulary, and who gets or loses one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.permissions import member_allows
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import bulk_insert
from prospects.models import Activity, ActivityKind, Company, Person, Segment, Tag, TagLink
from prospects.queries.tags import carried_by_others, column_of, vocabulary
from prospects.rules.normalise_text import clean_text

MAX_TAGS = 300
MODELS: dict[str, Any] = {"people": Person, "companies": Company}
RULE_FIELDS = ("person.tags", "company.tags")


@dataclass(frozen=True, slots=True)
class Tagged:
    """Who got a tag (or lost one) by this act: `changed` rows; `same` had (or lacked) all of them already."""

    changed: list[UUID]
    same: int


def create_tag(*, by: Actor, now: datetime, name: str, colour: str = "") -> Tag:
    """A new word. Upper and lower case are one word. Raises Invalid or Conflict naming `name` or `colour`."""
    if Tag.objects.count() >= MAX_TAGS:
        raise Invalid(f"There are {MAX_TAGS} tags already. Delete one that is not used.", field="name")
    tag = Tag(name=clean_name(name), colour=_colour(colour or Tag.Colour.GREY), created_at=now)
    _save(tag)
    write_audit(by=by, action="tag.created", now=now, target=tag, detail={"colour": tag.colour})
    return tag


def update_tag(*, by: Actor, now: datetime, tag: Tag, name: str | None = None, colour: str | None = None) -> Tag:
    """Another name or colour. Segments whose rule names it go on meaning it. Raises Refused where others' records carry it."""
    _may(by, tag)
    before = {"name": tag.name, "colour": tag.colour}
    if name is not None:
        tag.name = clean_name(name)
    if colour is not None:
        tag.colour = _colour(colour)
    after = {"name": tag.name, "colour": tag.colour}
    if after == before:
        return tag
    _save(tag)
    rewritten = _rename_in_rules(before["name"], tag.name, now) if tag.name != before["name"] else []
    write_audit(
        by=by, action="tag.changed", now=now, target=tag,
        detail={"before": before, "after": after, "segments": rewritten},
    )  # fmt: skip
    return tag


def delete_tag(*, by: Actor, now: datetime, tag: Tag) -> int:
    """Take a word out of the vocabulary, and off everybody; returns how many had it. Raises Refused where
    others' records carry it, Conflict where a rule names it."""
    _may(by, tag)
    using = [segment.name for segment in _segments_naming(tag.name)]
    if using:
        raise Conflict(
            f"“{tag}” stands in the rule of {', '.join(using[:3])}. Change the rule first.", code="in_use", field="tag"
        )
    count = TagLink.objects.filter(tag=tag).count()
    write_audit(by=by, action="tag.deleted", now=now, target=tag, detail={"colour": tag.colour, "rows": count})
    tag.delete()
    return count


def tags_named(names: Iterable[str], *, by: Actor, now: datetime, create: bool = False) -> list[Tag]:
    """The tags of these names. With `create` a new word enters the vocabulary; else Invalid names what is none."""
    known = {tag.name.casefold(): tag for tag in vocabulary()}
    found: dict[UUID, Tag] = {}
    for text in names:
        name = clean_name(text)
        tag = known.get(name.casefold())
        if tag is None and create:
            tag = create_tag(by=by, now=now, name=name)
            known[name.casefold()] = tag
        if tag is None:
            raise Invalid(f"There is no tag “{name}”. Make it first, under Settings, Tags.", field="tags")
        found[tag.pk] = tag
    return list(found.values())


def set_tags(*, by: Actor, now: datetime, row: Person | Company, tags: Sequence[Tag]) -> tuple[list[Tag], list[Tag]]:
    """Give one row exactly these tags; returns those that came and those that went."""
    subject = "people" if isinstance(row, Person) else "companies"
    held = {link.tag_id: link.tag for link in _links(subject, [row.pk]).select_related("tag")}
    wanted = {tag.pk: tag for tag in tags}
    came = [tag for key, tag in wanted.items() if key not in held]
    went = [tag for key, tag in held.items() if key not in wanted]
    if came:
        tag_rows(by=by, now=now, subject=subject, ids=[row.pk], tags=came)
    if went:
        untag_rows(by=by, now=now, subject=subject, ids=[row.pk], tags=went)
    return came, went


def tag_rows(*, by: Actor, now: datetime, subject: str, ids: Sequence[UUID], tags: Sequence[Tag]) -> Tagged:
    """Give these rows the tags. One line on the timeline of each that had not all of them."""
    column = column_of(subject)
    held = set(_links(subject, ids).filter(tag__in=tags).values_list(f"{column}_id", "tag_id"))
    rows = dict(
        MODELS[subject].objects.filter(pk__any=ids).values_list("pk", "pk" if column == "company" else "company_id")
    )
    links: list[TagLink] = []
    changed: list[UUID] = []
    for key in rows:
        new = [tag for tag in tags if (key, tag.pk) not in held]
        if new:
            changed.append(key)
            links += [TagLink(tag=tag, added_at=now, added_by=by.member, **{f"{column}_id": key}) for tag in new]
    # Two who tag the same row at the same time: one link.
    bulk_insert(TagLink, links, ignore_conflicts=True)
    words = ", ".join(tag.name for tag in tags)
    _tell(by, now, column, {key: rows[key] for key in changed}, f"Tagged: {words}")
    return Tagged(changed, len(rows) - len(changed))


def untag_rows(*, by: Actor, now: datetime, subject: str, ids: Sequence[UUID], tags: Sequence[Tag]) -> Tagged:
    """Take the tags off these rows."""
    column = column_of(subject)
    links = _links(subject, ids).filter(tag__in=tags)
    changed = list(dict.fromkeys(links.order_by("pk").values_list(f"{column}_id", flat=True)))
    links.delete()
    rows = dict(
        MODELS[subject].objects.filter(pk__any=changed).values_list("pk", "pk" if column == "company" else "company_id")
    )
    _tell(by, now, column, rows, f"No longer tagged: {', '.join(tag.name for tag in tags)}")
    return Tagged(changed, len(set(ids)) - len(changed))


def _links(subject: str, ids: Sequence[UUID]) -> Any:
    return TagLink.objects.filter(**{f"{column_of(subject)}__any": ids})


def _tell(by: Actor, now: datetime, column: str, rows: dict[UUID, UUID | None], words: str) -> None:
    bulk_insert(
        Activity,
        [
            Activity(
                at=now, recorded_at=now, kind=ActivityKind.EDITED, person_id=key if column == "person" else None,
                company_id=company, member=by.member, summary=words[:300],
            )
            for key, company in rows.items()
        ],
    )  # fmt: skip


def _may(by: Actor, tag: Tag) -> None:
    """A word on somebody else's records is theirs too."""
    if by.member is None or member_allows(by.member, "tags.edit") or not carried_by_others(by.member, [tag]):
        return
    raise Refused(
        f"Records of others carry “{tag}”. Ask RevOps, marketing or your lead to rename or delete it.", code="not_yours"
    )


def clean_name(text: Any) -> str:
    """A name as the vocabulary keeps it. Raises Invalid."""
    name = " ".join(clean_text(str(text or "")).split())
    if not name:
        raise Invalid("Give the tag a name.", field="name")
    if len(name) > 40:
        raise Invalid("A tag has at most 40 characters.", field="name")
    if "," in name or name.casefold() == "none":
        raise Invalid("A tag has no comma, and is not called “none”: lists of tags are split by commas.", field="name")
    return name


def _colour(text: str) -> str:
    if text not in Tag.Colour.values:
        raise Invalid(f"Choose one of: {', '.join(Tag.Colour.values)}.", field="colour")
    return text


def _save(tag: Tag) -> None:
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError:
        raise Conflict(f"There is a tag “{tag.name}” already.", code="duplicate", field="name") from None


def _segments_naming(name: str) -> list[Segment]:
    """Live segments whose rule asks for the tag by name."""
    return [segment for segment in Segment.objects.filter(kind=Segment.Kind.DYNAMIC) if _names(segment.rule, name)]


def _names(node: Any, name: str) -> bool:
    return _swapped(node, name, "") != node


def _rename_in_rules(old: str, new: str, now: datetime) -> list[str]:
    found = []
    for segment in _segments_naming(old):
        segment.rule, segment.updated_at = _swapped(segment.rule, old, new), now
        segment.save(update_fields=["rule", "updated_at"])
        found.append(segment.name)
    return found


def _swapped(node: Any, old: str, new: str) -> Any:
    """The rule with one tag's name in place of another; who is in the segment stays the same."""
    if isinstance(node, list):
        return [_swapped(item, old, new) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("field") in RULE_FIELDS and isinstance(node.get("value"), list):
        return node | {"value": [new if item == old else item for item in node["value"]]}
    return {key: _swapped(value, old, new) for key, value in node.items()}

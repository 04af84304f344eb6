"""Dates written by other programs: the format is found over the whole column and stated, never guessed cell by cell."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

Order = Literal["iso", "dmy", "mdy", "ymd", "named", "epoch", "serial"]
NUMERIC_ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
_WITHOUT_SIGN: tuple[Order, ...] = ("iso", "epoch", "serial", "named")
MAX_EXAMPLES = 3
YEARS = range(1900, 2101)  # anything else is a typing error, not a business date

_TIME = (
    r"(?:[T ,]+(?:at |um |à )?(?P<h>[0-9]{1,2})[:.](?P<mi>[0-9]{2})(?:[:.](?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?"
    r"(?: ?(?P<ap>[AaPp])\.?[Mm]\.?)?(?: ?Uhr)?"
    r"(?: ?(?P<z>Z|z|(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2}|[A-Z]{3,4})(?: \([^)]*\))?)?)?"
)
_YEAR_FIRST = re.compile(r"(?P<y>[0-9]{4})(?P<sep>[-/.])(?P<m>[0-9]{1,2})(?P=sep)(?P<d>[0-9]{1,2})" + _TIME)
_COMPACT = re.compile(
    r"(?P<y>(?:19|20)[0-9]{2})(?P<m>[01][0-9])(?P<d>[0-3][0-9])(?:T(?P<h>[0-9]{2})(?P<mi>[0-9]{2})(?P<s>[0-9]{2})(?P<z>Z)?)?"
)
_NUMERIC = re.compile(r"(?P<a>[0-9]{1,2})(?P<sep>[-/ ]|\. ?)(?P<b>[0-9]{1,2})(?P=sep)(?P<c>[0-9]{4}|[0-9]{2})" + _TIME)
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,? )?"
_MONTH = r"(?P<m>[^\W\d_]{3,10})\.?"
_DAY_FIRST = re.compile(
    _WEEKDAY
    + r"(?P<d>[0-9]{1,2})(?:\.|st|nd|rd|th|er|º)?(?:[ -]| de | of )+"
    + _MONTH
    + r",?(?:[ -]| de | of )+'?(?P<y>[0-9]{4}|[0-9]{2})"
    + _TIME
)
_MONTH_FIRST = re.compile(_WEEKDAY + _MONTH + r"[ -](?P<d>[0-9]{1,2})(?:st|nd|rd|th)?,?[ -](?P<y>[0-9]{4})" + _TIME)
_EPOCH = re.compile(r"(?P<s>[0-9]{10})(?P<ms>[0-9]{3})?(?:\.[0-9]+)?")
_EPOCH_RANGE = range(946_684_800, 4_102_444_800)  # the years 2000 to 2099
_SERIAL = re.compile(r"[2-6][0-9]{4}(?:\.[0-9]+)?")
_SERIAL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  # a serial has no zone

_MONTH_NAMES = """
january february march april may june july august september october november december
januar februar marz april mai juni juli august september oktober november dezember
janner feber maerz april mai juno julei august september oktober november dezember
janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
"""
# Only names that mean one offset in business use; IST or AST would be a guess.
_ZONE_HOURS = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip


def _month_table() -> dict[str, int]:
    """Every month name and every beginning of one (three letters or more) that can mean only one month."""
    meanings: dict[str, set[int]] = {}
    for line in _MONTH_NAMES.split("\n"):
        for number, name in enumerate(line.split(), start=1):
            for length in range(3, len(name) + 1):
                meanings.setdefault(name[:length], set()).add(number)
    return {name: months.pop() for name, months in meanings.items() if len(months) == 1}


_MONTHS = _month_table()


class Moment(NamedTuple):
    """An instant in UTC. `bare`: the cell was a date without a time; `at` is then midnight in the workspace's zone."""

    at: datetime
    bare: bool


class Unreadable(ValueError):
    """A cell that the column's format does not read; the message says why."""


@dataclass(frozen=True, slots=True)
class DateFormat:
    """How a column writes its dates. `words` is what the user reads: "day.month.year, 312 of 312 values"."""

    order: Order
    separator: str = ""
    words: str = ""
    matched: int = 0
    total: int = 0
    not_matched: tuple[str, ...] = ()  # up to MAX_EXAMPLES cells that have another form

    def parse(self, text: str, zone: ZoneInfo) -> Moment:
        """The instant a cell means. A bare date or a time without a zone is one of `zone`. Raises Unreadable."""
        when = self._read(text)
        if not isinstance(when, datetime):
            return Moment(datetime(when.year, when.month, when.day, tzinfo=zone).astimezone(UTC), bare=True)
        return Moment((when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC), bare=False)

    def parse_date(self, text: str) -> date:
        """The calendar date as written, whatever its time. Raises Unreadable."""
        when = self._read(text)
        return when.date() if isinstance(when, datetime) else when

    def _read(self, text: str) -> date | datetime:
        text = " ".join(text.split())
        when = _fast_iso(text) if self.order == "iso" and self.separator == "-" else None
        if when is None:
            when = _read(self.order, self.separator, text)
        if when is None or when.year not in YEARS:
            raise Unreadable(f'"{text[:60]}" is not a date written {order_words(self.order, self.separator)}')
        return when


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The column can be read in several ways (`formats`, one for each); a human must say which."""

    formats: tuple[DateFormat, ...]
    examples: tuple[str, ...]
    contradictory: bool = False

    @property
    def candidates(self) -> tuple[Order, ...]:
        """The orders to choose from."""
        return tuple(f.order for f in self.formats)

    @property
    def message(self) -> str:
        """In words, with the option that settles it."""
        ways = " or ".join(order_words(f.order, f.separator) for f in self.formats)
        flags = " or ".join(f"--dates {order}" for order in self.candidates)
        seen = ", ".join(self.examples)
        if self.contradictory:
            return f"No one reading fits every value: {ways} ({seen}). Say which is right with {flags}."
        return f"The dates can be {ways} ({seen}). Say which with {flags}."


Found = DateFormat | Ambiguous | None


def order_words(order: Order, separator: str) -> str:
    """A format in words: "day.month.year", "ISO year-month-day", "with month names"."""
    if order == "iso":
        return "year-month-day (ISO)" if separator in ("", "-") else separator.join(("year", "month", "day"))
    if order in NUMERIC_ORDERS:
        names = {"d": "day", "m": "month", "y": "year"}
        return separator.join(names[letter] for letter in order)
    return {
        "named": "with a month name",
        "epoch": "as seconds or milliseconds since 1970",
        "serial": "as Excel day numbers",
    }[order]


def find_format(values: Iterable[str], *, order: str | None = None) -> Found:
    """The format of a column: pass every value of it (blank ones are skipped). None where all are blank.

    `order` (dmy, mdy, ymd) decides where digits alone do not; dates that start with a year of four digits, month names,
    timestamps and Excel day numbers need none.
    """
    column = DateColumn()
    for value in values:
        column.add(value)
    return column.found(order=order)


class _Class(NamedTuple):
    kind: str  # an Order other than dmy, mdy, ymd; or numeric; or unknown
    separator: str
    orders: tuple[Order, ...] = ()  # of a numeric date: the orders that give a real date
    same: bool = True  # ... and all of them the same one


@dataclass(slots=True)
class DateColumn:
    """Collects a column in one pass; memory does not grow with its length."""

    seen: Counter[_Class] = field(default_factory=Counter)
    examples: dict[_Class, list[str]] = field(default_factory=dict)

    def add(self, value: str) -> None:
        """Take one cell into account."""
        text = " ".join(value.split())
        if not text:
            return
        found = _classify(text)
        self.seen[found] += 1
        kept = self.examples.setdefault(found, [])
        if len(kept) < MAX_EXAMPLES and text not in kept:
            kept.append(text[:60])

    def found(self, *, order: str | None = None) -> Found:
        """The format most values have, an Ambiguous, or None without values. `order`: see find_format."""
        groups: Counter[tuple[str, str]] = Counter()
        for key, n in self.seen.items():
            if key.kind != "unknown":
                groups[key.kind, key.separator] += n
        if not self.seen:
            return None
        if not groups:
            return replace(self._format("iso", "-"), words=f"none of {self.seen.total()} values is a date")
        (kind, separator), _ = groups.most_common(1)[0]
        if kind != "numeric":
            return self._format(cast(Order, kind), separator)
        if order is not None:
            return self._format(cast(Order, order), separator)
        keys = [key for key in self.seen if key.kind == "numeric" and key.separator == separator and key.orders]
        fits = {o: sum(self.seen[key] for key in keys if o in key.orders) for o in NUMERIC_ORDERS}
        readable = sum(self.seen[key] for key in keys)
        whole = [o for o in NUMERIC_ORDERS if fits[o] == readable]
        if len(whole) == 1 or (whole and all(key.same for key in keys)):
            return self._format(whole[0], separator)
        candidates = whole or [o for o in NUMERIC_ORDERS if fits[o]]
        # The values that tell the readings apart come first.
        keys.sort(key=lambda key: len(key.orders) if not whole else -len(key.orders))
        examples = [example for key in keys for example in self.examples[key][: 1 if not whole else MAX_EXAMPLES]]
        return Ambiguous(
            tuple(self._format(o, separator) for o in candidates),
            tuple(examples[:MAX_EXAMPLES]),
            contradictory=not whole,
        )

    def _format(self, order: Order, separator: str) -> DateFormat:
        matched, others = 0, []
        for key, n in self.seen.items():
            if key.separator == separator and (key.kind == order or order in key.orders):
                matched += n
            else:
                others += self.examples[key]
        total = self.seen.total()
        words = f"{order_words(order, separator)}, {matched:,} of {total:,} values"
        return DateFormat(order, separator, words, matched, total, tuple(others[:MAX_EXAMPLES]))


def settle(columns: Mapping[str, Found]) -> dict[str, Found]:
    """Let the columns of one file help each other: where one column proves an order, an ambiguous column with the same
    separator is read in that order too, and says so. Contradictory columns stay for a human."""
    proofs: dict[str, set[Order]] = {}
    for found in columns.values():
        if isinstance(found, DateFormat) and found.order in NUMERIC_ORDERS and found.matched:
            proofs.setdefault(found.separator, set()).add(found.order)
    settled: dict[str, Found] = {}
    for name, found in columns.items():
        settled[name] = found
        if not isinstance(found, Ambiguous) or found.contradictory:
            continue
        proved = proofs.get(found.formats[0].separator, set())
        fitting = [f for f in found.formats if f.order in proved]
        if len(proved) == 1 and fitting:
            settled[name] = replace(fitting[0], words=f"{fitting[0].words} (as another date column of the file proves)")
    return settled


_MONTH_FORMS = (
    re.compile(r"(?P<y>(?:19|20)[0-9]{2})[-/.](?P<m>[0-9]{1,2})"),
    re.compile(r"(?P<m>[0-9]{1,2})[-/.](?P<y>(?:19|20)[0-9]{2})"),
    re.compile(r"(?P<m>[^\W\d_]{3,10})\.?[ -]+'?(?P<y>(?:19|20)[0-9]{2})"),
)


def whole_month(text: str) -> tuple[date, date] | None:
    """First and last day of a cell that names a month: "2025-03", "03/2025", "März 2025". None for anything else."""
    text = " ".join(text.split())
    match = next((m for form in _MONTH_FORMS if (m := form.fullmatch(text))), None)
    if not match:
        return None
    month = int(match["m"]) if match["m"].isdigit() else _MONTHS.get(_plain(match["m"]), 0)
    if not 1 <= month <= 12:
        return None
    first = date(int(match["y"]), month, 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


_ISO_DASH = _Class("iso", "-")


def _classify(text: str) -> _Class:
    if text[4:5] == "-" and _fast_iso(text) is not None:
        return _ISO_DASH
    if match := _YEAR_FIRST.fullmatch(text):
        return (
            _Class("iso", match["sep"]) if _build(match, match["d"], match["m"], match["y"]) else _Class("unknown", "")
        )
    if match := _NUMERIC.fullmatch(text):
        readings = {o: _numeric(match, o) for o in NUMERIC_ORDERS}
        orders = tuple(o for o in NUMERIC_ORDERS if readings[o])
        same = len({readings[o] for o in orders}) < 2
        return _Class("numeric", match["sep"].strip() or " ", orders, same)
    for order in _WITHOUT_SIGN:
        if _read(order, "", text) is not None:
            return _Class(order, "")
    return _Class("unknown", "")


def _read(order: Order, separator: str, text: str) -> date | datetime | None:
    """What `text` means in this format, or None. Time zones are kept, naive stays naive."""
    if order in NUMERIC_ORDERS:
        match = _NUMERIC.fullmatch(text)
        return _numeric(match, order) if match and (match["sep"].strip() or " ") == separator else None
    if order == "iso":
        match = _YEAR_FIRST.fullmatch(text) if separator else _COMPACT.fullmatch(text)
        if not match or (separator and match["sep"] != separator):
            return None
        return _build(match, match["d"], match["m"], match["y"])
    if order == "named":
        match = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
        month = _MONTHS.get(_plain(match["m"])) if match else None
        return _build(match, match["d"], str(month), match["y"]) if match and month else None
    if order == "epoch":
        match = _EPOCH.fullmatch(text)
        if not match or int(match["s"]) not in _EPOCH_RANGE:
            return None
        return datetime.fromtimestamp(int(match["s"]), UTC) + timedelta(milliseconds=int(match["ms"] or 0))
    if not _SERIAL.fullmatch(text):
        return None
    if "." not in text:
        return (_SERIAL_ZERO + timedelta(days=int(text))).date()
    return _SERIAL_ZERO + timedelta(seconds=round(float(text) * 86_400))


def _fast_iso(text: str) -> date | datetime | None:
    """The common case in C. None sends the text to the slower reading."""
    if text[4:5] != "-" or text[7:8] != "-":
        return None
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None


def _numeric(match: re.Match[str], order: Order) -> date | datetime | None:
    if order == "ymd":
        return _build(match, match["c"], match["b"], match["a"]) if len(match["a"]) == 2 == len(match["c"]) else None
    day, month = (match["a"], match["b"]) if order == "dmy" else (match["b"], match["a"])
    return _build(match, day, month, match["c"])


def _build(match: re.Match[str], day: str, month: str, year: str) -> date | datetime | None:
    """The date of these digits with the time of the match, or None where the calendar has no such moment."""
    full_year = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)
    parts = match.groupdict()
    try:
        if parts.get("h") is None:
            return date(full_year, int(month), int(day))
        hour = int(parts["h"])
        if parts.get("ap"):
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if parts["ap"] in "pP" else 0)
        micro = int((parts.get("f") or "0")[:6].ljust(6, "0"))
        naive = datetime(full_year, int(month), int(day), hour, int(parts["mi"]), int(parts["s"] or 0), micro)  # noqa: DTZ001  # the zone follows
        return _with_zone(naive, parts.get("z"))
    except ValueError:
        return None


def _with_zone(naive: datetime, zone: str | None) -> datetime | None:
    if not zone:
        return naive
    name = zone.upper()
    if name in _ZONE_HOURS:
        return naive.replace(tzinfo=timezone(timedelta(hours=_ZONE_HOURS[name])))
    digits = name.removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if digits[0] not in "+-":
        return None
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return naive.replace(tzinfo=timezone(-offset if digits[0] == "-" else offset))


def _plain(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))

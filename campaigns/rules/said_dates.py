"""Days as people write them in mails, in sixteen languages: 12.03., March 12th, 12 mars, 2026-03-12, 3月12日, next Monday, in two weeks.

A day without a year is the next one from the day received. What can be read in two ways (3/12/2026 in an English text) is left out.
"""

import re
from datetime import date, timedelta
from typing import NamedTuple


class Said(NamedTuple):
    """`day` said at [start, end) of the text. `kind`: day, month (its first day), weekday or span ("in two weeks")."""

    start: int
    end: int
    day: date
    kind: str


_MONTH_WORDS = (
    "january jan januar jänner jaenner janvier janv enero ene gennaio gen januari janeiro stycznia styczeń stycznia jan. leden ledna january января январь янв ocak tammikuu tammikuuta január",
    "february feb februar fév février fevrier febrero febbraio februari fevereiro fev lutego luty únor února февраля февраль фев şubat helmikuu helmikuuta február",
    "march mar märz maerz mrz mars marzo maart mrt março marca marzec březen března марта март mart maaliskuu maaliskuuta március marts",
    "april apr avril avr abril abr aprile kwietnia kwiecień duben dubna апреля апрель апр nisan huhtikuu huhtikuuta április",
    "may mai mayo maggio mag mei maio maja maj květen května мая май mayıs toukokuu toukokuuta május",
    "june jun juni juin junio giugno giu junho czerwca czerwiec červen června июня июнь июн haziran kesäkuu kesäkuuta június",
    "july jul juli juillet juil julio luglio lug julho lipca lipiec červenec července июля июль июл temmuz heinäkuu heinäkuuta július",
    "august aug août aout agosto ago augustus augusti sierpnia sierpień srpen srpna августа август авг ağustos elokuu elokuuta augusztus",
    "september sep sept septembre septiembre settembre set setembro września wrzesień září сентября сентябрь сен eylül syyskuu syyskuuta szeptember",
    "october oct oktober okt octobre octubre ottobre ott outubro out października październik říjen října октября октябрь окт ekim lokakuu lokakuuta október",
    "november nov novembre noviembre novembro listopada listopad listopadu ноября ноябрь ноя kasım marraskuu marraskuuta",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro desember grudnia grudzień prosinec prosince декабря декабрь дек aralık joulukuu joulukuuta",
)
MONTHS = {name.rstrip("."): number for number, names in enumerate(_MONTH_WORDS, start=1) for name in names.split()}
_WEEKDAY_WORDS = (
    "monday mon montag lundi lunes lunedì lunedi maandag segunda-feira segunda poniedziałek poniedziałku poniedziałek måndag mandag maanantai maanantaina pondělí понедельник понедельника pazartesi hétfő 月曜日 月曜 星期一 周一 월요일",
    "tuesday tue tues dienstag mardi martes martedì martedi dinsdag terça-feira terça wtorek wtorku tisdag tirsdag tiistai tiistaina úterý вторник вторника salı kedd 火曜日 火曜 星期二 周二 화요일",
    "wednesday wed mittwoch mercredi miércoles miercoles mercoledì mercoledi woensdag quarta-feira quarta środa środę środy onsdag keskiviikko keskiviikkona středa středu среда среду среды çarşamba szerda 水曜日 水曜 星期三 周三 수요일",
    "thursday thu thurs donnerstag jeudi jueves giovedì giovedi donderdag quinta-feira quinta czwartek czwartku torsdag torstai torstaina čtvrtek четверг четверга perşembe csütörtök 木曜日 木曜 星期四 周四 목요일",
    "friday fri freitag vendredi viernes venerdì venerdi vrijdag sexta-feira sexta piątek piątku fredag perjantai perjantaina pátek пятница пятницу пятницы cuma péntek 金曜日 金曜 星期五 周五 금요일",
    "saturday samstag sonnabend samedi sábado sabado sabato zaterdag sobota sobotę lördag lørdag lauantai sobotu суббота субботу cumartesi szombat 土曜日 星期六 周六",
    "sunday sonntag dimanche domingo domenica zondag niedziela niedzielę söndag søndag sunnuntai neděle neděli воскресенье pazar vasárnap 日曜日 星期日 周日",
)
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAY_WORDS) for name in names.split()}
_NUMBERS = {
    word: number
    for number, words in enumerate(
        ("one a an ein eine einer einem un une una uno een ein jeden jedną en ett yhden один одну", "two a.couple couple zwei deux dos due dois duas twee dwa dwie två to kahden два две", "three few drei trois tres tre três drie trzy tre kolmen три", "four vier quatre cuatro quattro quatro cztery fyra fire neljän четыре",
         "five fünf cinq cinco cinque vijf pięć fem viiden пять", "six sechs seis sei zes sześć sex seks kuuden шесть", "seven sieben sept siete sette sete zeven siedem", "eight acht huit ocho otto oito osiem", "nine neun", "ten zehn dix diez dieci dez tien dziesięć"),
        start=1,
    )
    for word in words.replace(".", " ").split()
}  # fmt: skip
_UNITS = {
    "day": r"days?|tag(?:e|en)?|jours?|d[íi]as?|giorn[oi]|dagen|dag(?:ar|er|e)?|dni|dn[íi]|дн(?:я|ей)",
    "week": r"weeks?|wks?|woche(?:n)?|semaines?|semanas?|settiman[ae]|weken|week|tygodni(?:e|u)?|tydzień|veckor|vecka|uker?|uger?|viikon|недел[юи]",
    "month": r"months?|mths?|monat(?:e|en)?|mois|mes(?:es)?|mes[ei]|m[êe]s(?:es)?|maand(?:en)?|miesi[ąe]c[ey]?|miesięcy|månad(?:er)?|måneder|kuukauden|месяц(?:а|ев)?",
    "quarter": r"quarters?|quartal(?:e|en)?|trimestres?|kwartaal|kwartał",
    "year": r"years?|jahr(?:e|en)?|ans?|années?|años?|ann[oi]|anos?|jaar|rok|lat|år|год(?:а)?",
}
_names = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_days = "|".join(sorted((re.escape(name) for name in WEEKDAYS), key=len, reverse=True))
_num = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?<![\w./-])(?:(?P<iso>\d{{4}})[-./](?P<iso_m>\d{{1,2}})[-./](?P<iso_d>\d{{1,2}})(?!\d)"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th|er|ère|º|ª|°|\.|-?го|:e|:n)?[ \t\n]*(?:of |de |di |d')?(?P<m1>{_names})\b\.?(?:,?[ \t]*(?:de |del )?(?P<y1>20\d\d))?"
    rf"|(?P<m2>{_names})\b\.?[ \t]+(?:the )?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?[ \t]*(?P<y2>20\d\d))?"
    rf"|(?P<d3>\d{{1,2}})\.[ ]?(?P<m3>\d{{1,2}})(?:\.[ ]?(?P<y3>20\d\d|\d{{2}}(?!\d))?|(?![\d.,:]))(?![\d:])"
    rf"|(?P<a>\d{{1,2}})[/-](?P<b>\d{{1,2}})[/-](?P<y4>20\d\d|\d{{2}})(?!\d)|(?P<e>\d{{1,2}})/(?P<f>\d{{1,2}})(?![\d/]))"
    rf"|(?<!\d)(?:(?:(?P<y5>20\d\d)\s?[年년]\s?)?(?P<m5>\d{{1,2}})\s?[月월]\s?(?P<d5>\d{{1,2}})\s?[日号일])",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    rf"(?<!\w)(?P<next>next |nächste[nr]? |kommende[nr]? |prochain |próximo |prossimo |volgende |przyszł\w+ |nästa |neste |næste )?(?P<day>{_days})(?!\w)(?!,?[ ]+(?:the )?\d|,? (?:{_names})\b)",
    re.IGNORECASE,
)
_WEEKDAY_CJK = re.compile(r"(?P<day>[月火水木金土日]曜日?|(?:星期|周)[一二三四五六日]|[월화수목금]요일)")
_SPAN = re.compile(
    r"(?<!\w)(?:in|after|within|dans|d'ici|en|dentro de|tra|fra|em|daqui a|over|za|om|через|about|for|for the next|another)\s+(?:about |ca\.? |around |circa |the next |another )?"
    rf"(?:a )?(?P<n>\d{{1,2}}|{_num})(?:\s+of)?\s*(?:(?P<day>{_UNITS['day']})|(?P<week>{_UNITS['week']})|(?P<month>{_UNITS['month']})|(?P<quarter>{_UNITS['quarter']})|(?P<year>{_UNITS['year']}))(?!\w)",
    re.IGNORECASE,
)
_NEXT = re.compile(
    rf"(?<!\w)(?:(?:next|coming|following|nächste[ns]?|kommende[ns]?|volgend[e]?|kolejn\w+|przyszł\w+|nästa|neste|næste|příští|следующ\w+|в следующ\w+)\s+(?:(?P<week>{_UNITS['week']}|неделе)|(?P<month>{_UNITS['month']}|месяце)|(?P<quarter>{_UNITS['quarter']})|(?P<year>{_UNITS['year']}|roku|году))"
    r"|(?P<week2>semaine prochaine|próxima semana|semana que viene|prossima settimana|settimana prossima|semana que vem)|(?P<month2>mois prochain|próximo mes|mes que viene|prossimo mese|mese prossimo|próximo mês|mês que vem)"
    r"|(?P<quarter2>trimestre prochain|prochain trimestre|próximo trimestre|prossimo trimestre)|(?P<year2>année prochaine|an prochain|próximo año|año que viene|anno prossimo|prossimo anno|próximo ano|ano que vem)"
    r"|(?P<tomorrow>tomorrow|demain|mañana(?! por)|domani|amanhã|jutro|imorgon|i morgen|huomenna|zítra|завтра|明日|明天|내일)|(?P<q>q[1-4])(?:\s*(?:of\s*)?(?P<qy>20\d\d))?|(?:the )?(?P<new>new year|nach (?:neujahr|weihnachten)|after (?:the )?(?:christmas|new year)|après les fêtes|neuen jahr|nouvel an|año nuevo|nuovo anno|ano novo))(?!\w)",
    re.IGNORECASE,
)
_MONTH = re.compile(
    rf"(?<![\w./-])(?:(?P<late>end of|ende|late|fin|finales de|fine|final de|eind|koniec|end)\s+)?(?P<name>{_names})(?!\w)(?:\s+(?P<year>20\d\d))?(?!\.?,?\s+(?:the )?\d)",
    re.IGNORECASE,
)
_SHORT = {
    "may",
    "mar",
    "mart",
    "set",
    "out",
    "gen",
    "ago",
    "mag",
    "lat",
    "dic",
    "mai",
    "jan",
    "dec",
    "sep",
    "sex",
    "mei",
    "ene",
    "lug",
    "giu",
    "nov",
    "oct",
    "feb",
    "fev",
    "апр",
    "mars",
    "march",
    "august",
}
_TIME = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}


def days_in(text: str, received: date, *, day_first: bool, loose: bool = False) -> list[Said]:
    """The days said in `text`, in order. `day_first`: read 3/12/2026 as 3 December. `loose` adds weekdays, spans and bare months."""
    found: list[Said] = []
    for match in _DATE.finditer(text):
        day = _full(match, received, day_first)
        if day is not None:
            found.append(Said(match.start(), match.end(), day, "day"))
    if loose:
        found += [
            item for item in _loose(text, received) if not any(s.start < item.end and item.start < s.end for s in found)
        ]
    return sorted(found)


_DAY_FIRST = re.compile(
    r"[äöüßéèêáíóúñçãõłąężśćåøæčřěž]|\b(?:und|nicht|pas|ahora|adesso|agora|nie|inte|ikke)\b", re.IGNORECASE
)


def asked_for(text: str, received: date) -> date | None:
    """The day somebody asks to be written to again ("try me in March", "next quarter", "not this year"); None if not said."""
    said = days_in(text[:5_000], received, day_first=bool(_DAY_FIRST.search(text)), loose=True)
    later = [item.day for item in said if received < item.day <= received + timedelta(days=730)]
    if later:
        return later[0]
    period = re.search(
        r"\bthis (year|quarter|month)|\b(?:in )?diese[sm] (jahr|quartal|monat)|\bcette (année)|\beste (año|trimestre|mes)|\bquest'?o? ?(anno)|\beste (ano)|\bdit (jaar)",
        text,
        re.IGNORECASE,
    )
    if period is None:
        return None
    word = next(word for word in period.groups() if word).lower()
    if word in ("month", "monat", "mes"):
        return month_later(received, 1)
    if word in ("quarter", "quartal", "trimestre"):
        return month_later(date(received.year, (received.month - 1) // 3 * 3 + 1, 1), 3)
    return date(received.year + 1, 1, 1)


def month_later(day: date, months: int) -> date:
    """The first day of the month `months` after that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _full(match: "re.Match[str]", received: date, day_first: bool) -> date | None:
    part = match.groupdict()
    if part["iso"]:
        return _day(part["iso"], int(part["iso_m"]), int(part["iso_d"]), received)
    for number in ("1", "2"):
        if part["m" + number]:
            name = part["m" + number].lower()
            return _day(part["y" + number], MONTHS[name], int(part["d" + number]), received)
    for number in ("3", "5"):
        if part["m" + number]:
            return _day(part["y" + number], int(part["m" + number]), int(part["d" + number]), received)
    first, second = int(part["a"] or part["e"]), int(part["b"] or part["f"])
    if first != second and first <= 12 and second <= 12 and not day_first:
        return None
    if part["e"] and not day_first and first <= 12 and second <= 12:
        return None  # 3/3 or 1/1 without a year: a ratio as likely as a day
    day, month = (first, second) if first > 12 or day_first else (second, first)
    if month > 12 and day <= 12:
        day, month = month, day
    return _day(part["y4"], month, day, received)


def _day(year: str | None, month: int, day: int, received: date) -> date | None:
    try:
        if year:
            return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
        this_year = date(received.year, month, day)
        # Early in January a mail may still speak of December's days; elsewhere a passed day means next year's.
        return this_year if this_year >= received else date(received.year + 1, month, day)
    except ValueError:  # a month or day that does not exist
        return None


def _loose(text: str, received: date) -> list[Said]:
    out = []
    for match in (*_WEEKDAY.finditer(text), *_WEEKDAY_CJK.finditer(text)):
        number = WEEKDAYS.get(match["day"].lower())
        if number is None:
            number = WEEKDAYS.get(match["day"] + "日", -1)
        if number >= 0:
            day = received + timedelta(days=(number - received.weekday() - 1) % 7 + 1)
            out.append(Said(match.start(), match.end(), day, "weekday"))
    for match in _SPAN.finditer(text):
        unit = next(name for name in _TIME if match[name])
        count = int(match["n"]) if match["n"].isdigit() else _NUMBERS[match["n"].lower()]
        day = received + timedelta(days=min(count * _TIME[unit], 3_660))
        out.append(Said(match.start(), match.end(), day, "span"))
    out += [Said(match.start(), match.end(), _next(match, received), "span") for match in _NEXT.finditer(text)]
    for match in _MONTH.finditer(text):
        name = match["name"].lower()
        if re.search(r"\d(?:st|nd|rd|th|\.|er)?\s*(?:of |de )?\Z", text[: match.start()], re.IGNORECASE):
            continue  # a day that does not exist
        if (
            name in _SHORT
            and not match["late"]
            and not re.search(
                r"\b(?:in|until|till|from|by|of|after|early|mid|im|ab|bis|en|à partir de|a partir de|in|a|em|od|w|i|до|в|с)[ -]\Z",
                text[: match.start()],
                re.IGNORECASE,
            )
        ):
            continue  # "may" and "march" are words too
        first = (
            date(int(match["year"]), MONTHS[name], 1)
            if match["year"]
            else month_later(date(received.year, MONTHS[name], 1), 0 if MONTHS[name] > received.month else 12)
        )
        out.append(Said(match.start(), match.end(), month_later(first, 1) if match["late"] else first, "month"))
    return out


def _next(match: "re.Match[str]", received: date) -> date:
    if match["tomorrow"]:
        return received + timedelta(days=1)
    if match["week"] or match["week2"]:
        return received + timedelta(days=7 - received.weekday())
    if match["month"] or match["month2"]:
        return month_later(received, 1)
    if match["quarter"] or match["quarter2"]:
        return month_later(date(received.year, (received.month - 1) // 3 * 3 + 1, 1), 3)
    if match["q"]:
        year = int(match["qy"]) if match["qy"] else received.year
        start = date(year, 3 * int(match["q"][1]) - 2, 1)
        return start if match["qy"] or start > received else date(year + 1, start.month, 1)
    return date(received.year + 1, 1, 7 if match["new"] else 1)

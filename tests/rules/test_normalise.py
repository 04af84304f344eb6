"""Cells of other programs into the one form kept here."""

import random
from contextlib import suppress
from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prospects.rules import normalise, normalise_words, titles
from prospects.rules.names import split_name
from prospects.rules.normalise import Unusable
from prospects.rules.normalise_places import Location, country, location


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("A.Cruz@Acme.EXAMPLE", "a.cruz@acme.example"),
        ("Ana Cruz <Ana@Bücher.example>", "ana@xn--bcher-kva.example"),
        ("mailto:ana@acme.example", "ana@acme.example"),
        ("o'brien+x@acme.co.uk", "o'brien+x@acme.co.uk"),
        (" ana@acme.example; ", "ana@acme.example"),
    ],
)
def test_addresses(cell: str, address: str) -> None:
    assert normalise.email(cell) == (address, "")


def test_the_first_of_several_addresses_with_a_note() -> None:
    assert normalise.email("a@x.example; b@y.example") == ("a@x.example", "took a@x.example of 2 addresses")


@pytest.mark.parametrize(
    "cell",
    ["ana", "ana@", "@x.example", "a b@x.example", "a..b@x.example", "a@localhost", "ä@x.example", "a@-.example"],
)
def test_what_is_no_address(cell: str) -> None:
    with pytest.raises(Unusable, match="is not an e-mail address"):
        normalise.email(cell)


@pytest.mark.parametrize(
    ("cell", "domain"),
    [
        ("https://www.Acme.co.uk/team?x=1", "acme.co.uk"),
        ("blog.acme.com", "acme.com"),
        ("ana@mail.acme.example", "acme.example"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("acme.github.io", "acme.github.io"),
        ("http://acme.example:8000/", "acme.example"),
    ],
)
def test_domains(cell: str, domain: str) -> None:
    assert normalise.domain(cell) == domain


def test_no_domain_and_mailbox_providers() -> None:
    for cell in ("acme", "-", "n/a", "two words.com x", "1.2.3.4"):
        with pytest.raises(Unusable):
            normalise.domain(cell)
    assert normalise.company_domain("ana@gmail.com") == ""
    assert normalise.company_domain("ana@mail.acme.example") == "acme.example"


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("51-200", 125),
        ("1,556,000", 1_556_000),
        ("1.556", 1556),
        ("10,001+", 10_001),
        ("5k", 5000),
        ("250 employees", 250),
        ("11 – 50", 30),
        ("0", 0),
    ],
)
def test_counts(cell: str, count: int) -> None:
    assert normalise.whole_number(cell) == count


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("$357.80K", "357800", "USD"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("€1,234", "1234", "EUR"),
        ("1 234,56", "1234.56", ""),
        ("CHF 1'200.-", "1200", "CHF"),
        ("2,5 Mio. €", "2500000", "EUR"),
        ("USD 5m", "5000000", "USD"),
        ("(500)", "-500", ""),
        ("3106.08", "3106.08", ""),
        ("US$ 3,000.50", "3000.50", "USD"),
        ("12,34,567", "1234567", ""),
    ],
)
def test_money(cell: str, amount: str, currency: str) -> None:
    assert normalise.money(cell) == (Decimal(amount), currency)


@pytest.mark.parametrize("cell", ["five", "5 apples", "1.2.3", "1,23,4", "€", "--", "12e5"])
def test_what_is_no_money(cell: str) -> None:
    with pytest.raises(Unusable):
        normalise.money(cell)


def test_the_decimal_sign_is_found_over_the_column() -> None:
    german = normalise.find_number_format(["1.234", "12,5", "3.000"])
    assert (german.decimal, german.sure) == (",", True)
    assert normalise.money("1.234", german).amount == 1234
    english = normalise.find_number_format(["1.234", "12.5"])
    assert normalise.money("1.234", english).amount == Decimal("1.234")
    unproved = normalise.find_number_format(["1.234", "3.000"])
    assert (unproved.decimal, unproved.sure) == (",", False)
    assert "thousands" in unproved.words
    mixed = normalise.find_number_format(["1.5", "2.5", "1,5"])
    assert (mixed.decimal, mixed.sure) == (".", False)
    with pytest.raises(Unusable, match="is not a number"):
        normalise.money("1,5", mixed)


def test_phones_need_a_country_or_a_plus() -> None:
    assert normalise.phone("030 123456", "DE") == "+4930123456"
    assert normalise.phone("+1 (212) 555-0100") == "+12125550100"
    assert normalise.phone("'+49 30 123456") == "+4930123456"
    with pytest.raises(Unusable) as refused:
        normalise.phone("030 123456")
    assert "country code" in refused.value.remedy


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("USA", "US"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("de", "DE"),
        ("GBR", "GB"),
        ("England", "GB"),
        ("Korea", "KR"),
        ("Vereinigte Staaten", "US"),
        ("Suisse", "CH"),
        ("Côte d’Ivoire", "CI"),
        ("NA", "NA"),
    ],
)
def test_countries(cell: str, code: str) -> None:
    assert country(cell) == (code, "")


def test_a_misspelt_country_is_read_with_a_note_and_nonsense_is_not() -> None:
    assert country("Philipines") == ("PH", '"Philipines" read as PH')
    with pytest.raises(Unusable):
        country("Atlantis")


def test_places() -> None:
    assert location("Saint Paul, Minnesota") == Location("Saint Paul", "Minnesota", "US")
    assert location("Dublin, Ireland") == Location("Dublin", "", "IE")
    assert location("Toronto, Ontario, Canada") == Location("Toronto", "Ontario", "CA")
    assert location("Austin, TX") == Location("Austin", "Texas", "US")
    assert location("Kenya") == Location("", "", "KE")
    assert location("Berlin") == Location("Berlin", "", "")
    assert location("Philipines").note


@pytest.mark.parametrize(
    ("cell", "channel", "second"),
    [
        ("E-Mail", "email", ""),
        ("Cold Email", "email", "Cold Email"),
        ("Google Ads", "paid", "Google Ads"),
        ("LinkedIn", "linkedin", ""),
        ("Messe", "event", "Messe"),
        ("direct_mail", "direct_mail", ""),
        ("Direct", "direct", ""),
        ("Paid / Facebook", "paid", "Facebook"),
        ("Recommandation", "referral", ""),
        ("", "unknown", ""),
    ],
)
def test_channel_words(cell: str, channel: str, second: str) -> None:
    assert normalise_words.channel(cell) == (channel, second, True)


def test_an_unknown_channel_is_other_and_its_word_is_kept() -> None:
    assert normalise_words.channel("Carrier pigeon") == ("other", "Carrier pigeon", False)
    assert all(normalise_words.channel(name) == (name, "", True) for name in normalise_words.CHANNELS)


def test_outcomes_and_stages() -> None:
    words = {
        "Closed Won": "won",
        "verloren": "lost",
        "Unqualified": "disqualified",
        "Nurturing": "recycled",
        "open": "",
    }
    assert {word: normalise_words.outcome(word).outcome for word in words} == words
    assert normalise_words.outcome("Engaging") == ("", "opportunity")
    assert normalise_words.outcome("Prospecting") == ("", "lead")
    assert normalise_words.stage("Sales Qualified Lead") == "sql"
    assert normalise_words.stage("Won") == "customer"
    with pytest.raises(Unusable) as refused:
        normalise_words.outcome("Martian")
    assert '--value "outcome:Martian=won"' in refused.value.remedy


def test_no_word_has_two_meanings_by_accident() -> None:
    for table in (normalise_words._OUTCOMES, normalise_words._STAGES, normalise_words._ACTIVITIES):
        words = [word for line in table.values() for word in line.split("|")]
        assert sorted({word for word in words if words.count(word) > 1}) == []
    lines = [line for pair in normalise_words._CHANNELS.values() for line in pair]
    words = [word for line in lines for word in line.split("|") if word]
    assert sorted({word for word in words if words.count(word) > 1}) == []
    assert [word for word in words if normalise.plain(word) != word] == []


@pytest.mark.parametrize(
    ("title", "seniority", "department"),
    [
        ("CEO & Co-Founder", "founder", "executive"),
        ("VP of Sales", "vp", "sales"),
        ("Chief Technology Officer", "c_level", "engineering"),
        ("CFO", "c_level", "finance"),
        ("Head of Marketing", "head", "marketing"),
        ("Director of IT Infrastructure", "director", "it"),
        ("Product Owner", "staff", "product"),
        ("Account Executive", "staff", "sales"),
        ("Assistant to the CEO", "staff", "executive"),
        ("Cargo Manager", "manager", ""),
        ("Senior Software Engineer", "senior", "engineering"),
        ("Geschäftsführerin", "c_level", "executive"),
        ("Leiterin Einkauf", "head", "purchasing"),
        ("Teamleiter Vertrieb", "manager", "sales"),
        ("Directeur général", "c_level", "executive"),
        ("Responsable marketing", "manager", "marketing"),
        ("Director de ventas", "director", "sales"),
        ("Amministratore delegato", "c_level", "executive"),
        ("Diretora de Recursos Humanos", "director", "hr"),
        ("Magician", "", ""),
    ],
)
def test_titles(title: str, seniority: str, department: str) -> None:
    assert titles.role(title) == (seniority, department)


def test_words_of_exports_for_levels_and_departments() -> None:
    assert [titles.seniority_word(w) for w in ("C suite", "Entry", "Owner", "Vp")] == [
        "c_level",
        "staff",
        "founder",
        "vp",
    ]
    assert [titles.department_word(w) for w in ("Information Technology", "Sales, Marketing", "Zoology")] == [
        "it",
        "sales",
        "other",
    ]
    assert [titles.is_honorific(w) for w in ("Mr.", "Prof. Dr.", "Herr", "CTO", "")] == [True, True, True, False, False]


def test_names_are_split() -> None:
    assert split_name("Ana Maria de la Cruz") == ("Ana Maria", "de la Cruz")
    assert split_name("Cruz, Ana") == ("Ana", "Cruz")
    assert split_name("Dr. Jürgen von Thun") == ("Jürgen", "von Thun")
    assert split_name("Cher") == ("Cher", "")


def test_other_values() -> None:
    assert normalise.words_list("Python; django ;python;  ") == ["Python", "django"]
    assert normalise.words_list("a, b") == ["a", "b"]
    assert (normalise.boolean("Ja"), normalise.boolean("non")) == (True, False)
    assert normalise.linkedin("http://de.linkedin.com/in/Ana-Cruz/?x=1") == "https://www.linkedin.com/in/ana-cruz"
    assert (normalise.year("2013 (1888)"), normalise.year("1902")) == (2013, 1902)
    assert normalise.currency_code("€") == normalise.currency_code("eur") == "EUR"
    assert normalise.currency_code("XQQ") == ""


def test_cells_lose_what_only_disarmed_them() -> None:
    assert [normalise.clean_text(c) for c in ("'+49 30", "'=1+1", "'s Hertogenbosch", " a\u200b\u00a0b ")] == [
        "+49 30",
        "=1+1",
        "'s Hertogenbosch",
        "a b",
    ]


@settings(deadline=None)
@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'")]),
)
def test_an_amount_is_read_back_in_every_style(amount: Decimal, style: tuple[str, str]) -> None:
    decimal, thousands = style
    written = f"{amount:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    fmt = normalise.find_number_format([written])
    assert normalise.money(f"{written} EUR", fmt) == (amount, "EUR")


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_a_count_is_read_back(count: int) -> None:
    assert normalise.whole_number(f"{count:,}") == normalise.whole_number(f"{count:,}".replace(",", ".")) == count


@settings(deadline=None)
@given(st.emails(domains=st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]\.example", fullmatch=True)))
def test_normalising_an_address_twice_changes_nothing(address: str) -> None:
    with suppress(Unusable):
        once = normalise.email(address).address
        assert normalise.email(once).address == once == address.lower()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_breaks_a_reader(text: str) -> None:
    cleaned = normalise.clean_text(text)
    assert normalise.clean_text(cleaned) == cleaned or cleaned[:1] == "'"
    for read in (
        normalise.email,
        normalise.domain,
        normalise.money,
        normalise.whole_number,
        normalise.year,
        country,
        normalise.linkedin,
        normalise.url,
        normalise_words.outcome,
    ):
        with suppress(Unusable):
            read(text)
    location(text)
    titles.role(text)
    split_name(text)
    normalise_words.channel(text)
    normalise.words_list(text)


def test_numbers_read_without_the_library_are_read_as_it_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(7)
    codes = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    written = [
        f"+{draw.choice(codes)}{draw.choice(['', ' ', '-', ' (0)'])}{draw.randrange(10 ** draw.randint(4, 12))}"
        for _ in range(4000)
    ]
    for region in phonenumbers.SUPPORTED_REGIONS:
        number = phonenumbers.example_number(region)
        written += [phonenumbers.format_number(number, style) for style in (0, 1)]
    quick = {text: found for text in written if (found := normalise._international(text))}
    assert len(quick) > 500
    monkeypatch.setattr(normalise, "_international", lambda text: "")
    assert quick == {text: normalise.phone.__wrapped__(text) for text in quick}

"""Whom a mail names instead of its writer."""

import pytest

from campaigns.rules.suggestions import suggestions
from tests.rules.mails import THREAD, read

OURS = frozenset({"ana@leadgen.example", "bob@acme.example"})
CASES =[
("Bob is no longer with Acme. Please write to carl@acme.example.",[("","carl@acme.example")]),
("Please contact Maria Lopez at maria@acme.example for this.",[("Maria Lopez","maria@acme.example")]),
("You should talk to our CTO Jim.",[("Jim","")]),
("I'm not the right person, please reach out to Maria (maria.lopez@acme.example).",[("Maria","maria.lopez@acme.example")]),
("In urgent cases please contact my colleague Anna Meier <anna.meier@acme.example>.",[("Anna Meier","anna.meier@acme.example")]),
("In dringenden Fällen wenden Sie sich bitte an meine Kollegin Frau Anna Meier (anna.meier@acme.example).",[("Anna Meier","anna.meier@acme.example")]),
("Bob arbeitet nicht mehr bei uns. Ihr neuer Ansprechpartner ist Carl Weber, carl.weber@acme.example.",[("Carl Weber","carl.weber@acme.example")]),
("Je ne fais plus partie de la société. Merci de contacter Paul Durand : paul.durand@acme.example",[("Paul Durand","paul.durand@acme.example")]),
("Ya no trabajo aquí. Por favor contacte con Luis Pérez en luis@acme.example",[("Luis Pérez","luis@acme.example")]),
("Non lavoro più qui, rivolgersi a Marco Rossi (marco@acme.example)",[("Marco Rossi","marco@acme.example")]),
("Não trabalho mais na empresa. Fale com João Silva: joao@acme.example",[("João Silva","joao@acme.example")]),
("Ik werk hier niet meer. Neem contact op met Jan de Vries via jan@acme.example",[("Jan de Vries","jan@acme.example")]),
("Już tu nie pracuję. Proszę skontaktować się z Janem Kowalskim: jan.kowalski@acme.example",[("Janem Kowalskim","jan.kowalski@acme.example")]),
("Kontakta Erik Berg istället: erik@acme.example",[("Erik Berg","erik@acme.example")]),
("Обратитесь к Ивану Петрову: ivan@acme.example",[("Ивану Петрову","ivan@acme.example")]),
("Sarah handles this, not me.",[("Sarah","")]),
("Anna Smith has taken over my role. Her address is anna.smith@acme.example",[("Anna Smith","anna.smith@acme.example")]),
("Thanks, but I don't need it. My other address is bob@acme.example.",[]),
("Please send the details to me next Monday.",[]),
("Please contact me in March.",[]),
("I have forwarded your mail to Peter Jones.",[("Peter Jones","")]),
("For sales: contact sales@acme.example",[("","sales@acme.example")]),
("Looping in Sarah Connor who runs procurement.",[("Sarah Connor","")]),
("後任の田中様にご連絡ください: tanaka@acme.example",[("田中","tanaka@acme.example")]),
("Could you ask for a demo on Monday?",[]),
("Let's talk with Zoom. I will call you.",[]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), CASES, ids=range(len(CASES)))
def test_people_are_named(text, wanted):
    found = suggestions(text, ours=OURS)
    assert [(item.name, item.address) for item in found] == wanted
    assert all(item.why in " ".join(text.split()) for item in found)


def test_our_own_address_is_never_suggested():
    found = read(
        "Wrong person. Please contact Eve Stone at eve@acme.example, not ana@leadgen.example or bob@acme.example.",
        extra=THREAD,
    )
    assert found.intent.intent == "referral"
    assert [(item.name, item.address) for item in found.suggestions] == [("Eve Stone", "eve@acme.example")]


def test_an_absence_note_suggests_only_whom_one_can_write_to():
    found = read("I am out of office. Call Anna Meier in urgent cases.", extra=("Auto-Submitted: auto-replied",))
    assert found.suggestions == ()
    assert found.as_json()["suggestions"] == []


def test_the_json_names_the_suggested():
    line = read("Please talk to our CTO Jim.", extra=THREAD).as_json()
    assert line["suggestions"] == [{"name": "Jim", "address": "", "why": "Please talk to our CTO Jim."}]

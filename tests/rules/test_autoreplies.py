"""Automatic answers, and the day an absent person is back, in many languages."""

from datetime import date

import pytest

from campaigns.rules.autoreplies import return_date
from campaigns.rules.said_dates import asked_for
from tests.rules.mails import THREAD, read

RECEIVED = date(2026, 11, 21)
SAID =[("I will be back on 3 December.", date(2026,12,3)),("I am away until December 3rd, 2026.", date(2026,12,4)),("I return on Monday, 30 November 2026", date(2026,11,30)),
("Ich bin bis zum 03.12.2026 nicht im Büro.", date(2026,12,4)),("Ich bin ab dem 4. Januar wieder erreichbar", date(2027,1,4)),("Je suis de retour le 7 décembre", date(2026,12,7)),("Out of office until 2026-12-01", date(2026,12,2)),
("Back on 3 January", date(2027,1,3)),("Back on 03/12/2026", None),("Back on 13/12/2026", date(2026,12,13)),("Back on 31 February", None),("I was back on 3 December 2019", None),("Back soon", None),
("I am out of the office from December 1st to December 12th and will respond on my return.", date(2026,12,13)),
("I'm on vacation 1 - 12 December.", date(2026,12,13)),
("vom 23.11. bis 27.11. bin ich im Urlaub", date(2026,11,28)),
("Ich bin vom 1. bis 12. Dezember nicht erreichbar.", date(2026,12,13)),
("Ich bin am 12.12. wieder im Büro.", date(2026,12,12)),
("Je suis absent du 1er au 12 décembre inclus.", date(2026,12,13)),
("Je serai absente jusqu'au 05/12/2026.", date(2026,12,6)),
("Estoy de vacaciones hasta el 10 de diciembre de 2026.", date(2026,12,11)),
("Volveré el 7 de diciembre.", date(2026,12,7)),
("Sono in ferie fino al 6 dicembre.", date(2026,12,7)),("Rientrerò il 9 dicembre.", date(2026,12,9)),
("Estou de férias até 15 de dezembro.", date(2026,12,16)),("Estarei de volta no dia 4 de janeiro de 2027", date(2027,1,4)),
("Ik ben afwezig tot en met 4 december.", date(2026,12,5)),("Ik ben maandag 7 december weer terug.", date(2026,12,7)),
("Jestem na urlopie do 4 grudnia.", date(2026,12,5)),("Wracam 7 grudnia 2026", date(2026,12,7)),
("Jag är tillbaka den 7 december.", date(2026,12,7)),("Jag är på semester till och med 4 december", date(2026,12,5)),
("Jeg er tilbage den 7. december", date(2026,12,7)),("Jeg er på ferie til og med 4. desember.", date(2026,12,5)),
("Olen lomalla 4.12. asti.", date(2026,12,5)),("Palaan töihin 7.12.2026", date(2026,12,7)),
("Jsem mimo kancelář do 4. prosince.", date(2026,12,5)),
("Я в отпуске до 4 декабря.", date(2026,12,5)),("Вернусь 7 декабря 2026", date(2026,12,7)),
("12月4日まで休暇をいただいております。", date(2026,12,5)),("12月7日（月）より出社いたします。", date(2026,12,7)),
("我将于12月7日返回办公室", date(2026,12,7)),("我休假至2026年12月4日", date(2026,12,5)),
("I'll be back next Monday.", date(2026,11,23)),("I am out until Friday.", date(2026,11,28)),("I will return in two weeks", date(2026,12,5)),("Back tomorrow", date(2026,11,22)),
("I will be out of the office starting 11/23/2026 and will not return until 11/30/2026.", date(2026,12,1)),
("I am out of the office until January 4.", date(2027,1,5)),("Ich bin ab Montag wieder da", date(2026,11,23)),
("I am currently away, returning Thursday, December 3.", date(2026,12,3)),
("I am on parental leave until the end of March 2027.", date(2027,4,1)),
("Thank you for your message. I'm away from 23rd Nov - 27th Nov. In urgent cases call +49 30 1234567 or 12.30-14.00.", date(2026,11,28)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "day"), SAID, ids=range(len(SAID)))
def test_the_day_of_return_is_read(words, day):
    assert return_date(words, RECEIVED) == day


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 2, 28), date(2026, 12, 31), date(2028, 2, 29)])
@pytest.mark.parametrize(
    "words",
    ["Back on 1 March.", "Zurück am 31.12.", "until Friday", "De retour le 29 février", "back tomorrow", "до 3 января"],
)
def test_a_return_is_never_in_the_past_nor_beyond_a_year(words, day):
    found = return_date(words, day)
    assert found is None or 0 <= (found - day).days <= 366


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("Not now, try me again in March.", date(2027, 3, 1)), ("Maybe next quarter.", date(2027, 1, 1)), ("Get back to me in six months.", date(2027, 5, 20)), ("No budget this year.", date(2027, 1, 1)),
        ("Melden Sie sich im Februar wieder.", date(2027, 2, 1)), ("Recontactez-moi en septembre.", date(2027, 9, 1)), ("Escríbame en enero.", date(2027, 1, 1)), ("Please check back in Q2.", date(2027, 4, 1)), ("in zwei Wochen", date(2026, 12, 5)),
        ("Not a priority.", None),
    ],
)  # fmt: skip
def test_the_day_to_write_again_is_read(words, day):
    assert asked_for(words, RECEIVED) == day


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        ({"subject": subject}, "Hi")
        for subject in (
            "Automatic reply: Hello", "Auto: Re: Hello", "Out of Office Re: Hello", "OOO: Hello", "Autoreply", "[Auto-Reply] Hello", "Automatische Antwort: Hallo", "Abwesenheitsnotiz: Hallo", "Réponse automatique : Bonjour", "Absence du bureau", "Respuesta automática: Hola", "Fuera de la oficina", "Risposta automatica: Ciao", "Fuori sede",
            "Resposta automática: Olá", "Ausência temporária", "Automatisch antwoord: Hallo", "Afwezig: Hallo", "Autosvar: Hej", "Fraværende: Hej", "Automaattinen vastaus: Hei", "Odpowiedź automatyczna: Cześć".replace("Odpowiedź automatyczna", "Automatyczna odpowiedź"), "Automatická odpověď: Ahoj", "Автоответ: Привет", "Otomatik yanıt: Merhaba", "自動応答: こんにちは", "自动回复: 你好", "자동 회신: 안녕",
        )
    ]
    + [
        ({"extra": (line,)}, "Hi")
        for line in (
            "Auto-Submitted: auto-replied (vacation)", "Auto-Submitted: auto-generated", "X-Autoreply: yes", "X-Autorespond: 1", "Precedence: auto_reply", "X-Mailer: vacation 1.2", "X-Vacation: yes", "Return-Path: <>", "X-Loop: autoresponder",
        )
    ]
    + [
        ({"subject": "Re: Hello", "extra": THREAD}, body)
        for body in (
            "Hi,\n\nI am currently out of the office with limited access to email.", "Thank you for your message. I'm on annual leave until Monday.", "Guten Tag,\n\nich bin derzeit im Urlaub und ab dem 7.12. wieder da.", "Bonjour,\n\nJe suis en congés jusqu'au 5 décembre.", "Hola:\n\nEstoy de vacaciones hasta el lunes.", "Buongiorno,\n\nsono in ferie fino al 6 dicembre.", "Olá,\n\nestou de férias até 15 de dezembro.",
            "Beste,\n\nIk ben momenteel niet op kantoor.", "Dzień dobry,\n\njestem na urlopie do 4 grudnia.", "Hej!\n\nJag är på semester till måndag.", "Hei,\n\nolen lomalla 4.12. asti.", "Здравствуйте!\n\nЯ сейчас в отпуске.", "お世話になっております。\n\n休暇のため不在にしております。", "您好，我正在休假。",
        )
    ],
)  # fmt: skip
def test_a_machine_is_told_from_a_person(parts, body):
    found = read(body, **parts)
    assert (found.kind, found.intent) == ("auto_reply", None)
    assert found.reason.startswith("automatic answer by ")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            "We received your request and will get back to you shortly.",
            {"subject": "[Ticket #4711] Hello", "sender": "Acme <support@acme.example>"},
        ),
        (
            "Thank you for contacting us. We will respond within two business days.",
            {"subject": "Re: Hello", "sender": "Acme <info@acme.example>"},
        ),
        (
            "Vielen Dank für Ihre Anfrage. Wir melden uns schnellstmöglich.",
            {"subject": "Re: Hallo", "sender": "Acme <service@acme.example>"},
        ),
        (
            "Please click the link to confirm that you are human; your mail is held until then.",
            {"subject": "Re: Hello"},
        ),
    ],
)
def test_receipts_and_challenges_are_machines_too(body, parts):
    assert read(body, **parts).kind == "auto_reply"


@pytest.mark.parametrize(
    "body",
    [
        "Thank you for your email. We will get back to you as soon as our budget is clear.",
        "I will be out of stock soon, can we talk?",
        "My colleague is away until Monday, but I can talk.",
        "Do you offer automatic replies?",
        "I am back from vacation, let's talk.",
    ],
)
def test_a_person_is_not_taken_for_a_machine(body):
    assert read(body, extra=THREAD).kind == "reply"


@pytest.mark.parametrize(
    "body",
    [
        "Bob is no longer with the company. Please contact Carl Weber at carl@acme.example.", "Bob Smith has left Acme. Please contact Carl Weber, carl@acme.example.", "I no longer work at Acme. Please write to Carl Weber (carl@acme.example).", "Herr Müller arbeitet nicht mehr bei uns. Bitte wenden Sie sich an Carl Weber (carl@acme.example).", "Bob ne fait plus partie de la société. Merci de contacter Carl Weber : carl@acme.example",
        "Bob ya no trabaja en la empresa. Por favor contacte con Carl Weber en carl@acme.example", "Bob non lavora più qui. Rivolgersi a Carl Weber (carl@acme.example)", "Bob não trabalha mais na empresa. Fale com Carl Weber: carl@acme.example", "Bob werkt niet meer bij ons. Neem contact op met Carl Weber via carl@acme.example", "Bob już nie pracuje w firmie. Proszę skontaktować się z Carl Weber: carl@acme.example",
        "Bob arbetar inte längre här. Kontakta Carl Weber istället: carl@acme.example", "Боб больше не работает в компании. Обратитесь к Carl Weber: carl@acme.example",
    ],
)  # fmt: skip
def test_who_has_left_is_said_with_the_successor(body):
    found = read(body, extra=("Auto-Submitted: auto-replied",))
    assert found.kind == "left_company"
    assert [(item.name, item.address) for item in found.suggestions] == [("Carl Weber", "carl@acme.example")]
    assert found.suggestions[0].why

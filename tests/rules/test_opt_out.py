"""Who asks to be left alone is left alone, in any words; nobody else is."""

import pytest

from campaigns.rules.intent_sentences import SENTENCES
from campaigns.rules.opt_out import wish
from tests.rules.mails import DATA, THREAD, needs_data, read, rows_of

WISHES = [
    "remove", "REMOVE ME", "stop", "STOP!!!", "unsub", "unsubscribe pls", "Unsuscribe", "take me off", "take us off this list asap", "no more emails pls", "opt out", "opt-out please", "leave me alone", "pls dont email me again", "Do not contact me", "never write to me again", "Stop writing to me.", "stop spaming me!!", "quit emailing",
    "Not interested. Please stop.", "Thanks, but remove me from your database", "delete my data", "I have asked you to stop three times", "This is harassment", "I will report you to the ICO", "cease and desist", "My lawyer will contact you", "Under GDPR I request that you erase my data.", "I withdraw my consent", "I never gave you permission to mail me", "Reported as spam", "fuck off", "go away",
    "Get me off your list", "We do not wish to receive further emails", "I don't want to hear from you", "kindly refrain from contacting us", "please unsubscribe my address", "Lose my number", "how many times do I have to say no, stop", "Add me to your do not contact list, and stop sending mails",
    "Bitte austragen", "Abmelden!", "Nehmen Sie mich bitte aus dem Verteiler", "Bitte keine weiteren E-Mails", "Schreiben Sie mir nie wieder", "Lassen Sie mich in Ruhe", "Ich widerspreche der Nutzung meiner Daten", "Löschen Sie bitte meine E-Mail-Adresse", "Bitte kontaktieren Sie uns nicht mehr.",
    "Désabonnez-moi", "Merci de me retirer de votre liste", "Ne m'écrivez plus", "Arrêtez de m'envoyer des mails", "Veuillez supprimer mes données", "Ne me contactez plus jamais", "Laissez-moi tranquille", "No me escriba más", "Denme de baja", "Bórreme de su lista", "Dejen de enviarme correos", "No quiero recibir más correos", "Non scrivetemi più", "Cancellatemi", "Rimuovetemi dalla lista", "Basta email!",
    "Não quero receber mais e-mails", "Remova meu e-mail da lista", "Parem de me enviar mensagens", "Verwijder mij uit uw lijst", "Graag uitschrijven", "Geen mails meer aub", "Proszę nie pisać więcej", "Proszę o usunięcie moich danych", "Wypiszcie mnie", "Ta bort mig från listan", "Sluta maila mig", "Slet mig fra listen", "Ikke flere mails, tak", "Poistakaa minut listalta", "Älkää lähettäkö enää viestejä",
    "Odhlaste mě", "Už mi nepište", "Отпишите меня", "Не пишите мне больше", "Удалите меня из рассылки", "Beni listeden çıkarın", "Bir daha yazmayın", "配信停止をお願いします", "今後メールを送らないでください", "请退订", "不要再给我发邮件了", "수신거부", "더 이상 연락하지 마세요",
]  # fmt: skip
OTHERS = [
    "Not interested, thanks.", "No thanks", "We have no need for this.", "Please send me more information.", "How do you handle unsubscribe links?", "Our unsubscribe rate is high, can you help?", "Is it GDPR compliant?", "Can you stop by on Monday?", "Your mail was in my spam folder, sorry for the late answer.", "We don't use email marketing.", "Please don't hesitate to call.", "Could you remove the watermark in the demo?",
    "We stopped sending newsletters last year.", "Don't send the contract to me but to Anna.", "Get back to me in March", "Drop me a line next week", "Let me know if I can opt for the small plan", "I did not get your mail, send it again", "Kein Interesse", "Pas intéressé", "No me interesa", "Non mi interessa", "Geen interesse", "Nie jestem zainteresowany", "Inte intresserad", "興味がありません", "不感兴趣", "Wir haben keine Zeit", "Schicken Sie mir die Unterlagen",
]  # fmt: skip


@pytest.mark.parametrize("text", WISHES)
def test_the_wish_is_heard(text):
    assert wish(text)
    found = read(f"Hi,\r\n\r\n{text}\r\n\r\nBob", extra=THREAD)
    assert (found.kind, found.intent.intent) == ("unsubscribe", "opt_out")


@pytest.mark.parametrize("text", OTHERS)
def test_nobody_else_is_opted_out(text):
    assert wish(text) == ""


@pytest.mark.parametrize(
    "old",
    [
        "On Fri, 20 Nov 2026 at 09:00, Ana <ana@leadgen.example> wrote:\r\n> Hi Bob\r\n> To stop these mails: unsubscribe https://t.example/u/1",
        "From: Ana <ana@leadgen.example>\r\nSent: Friday, November 20, 2026\r\nTo: Bob\r\nSubject: Hello\r\n\r\nHi\r\n\r\nUnsubscribe | Reply STOP to be removed",
        "Am 20.11.2026 um 09:00 schrieb Ana <ana@leadgen.example>:\r\n\r\n> Abmelden: https://t.example/u/1",
        "-----Original Message-----\r\nplease remove me from your list",
        "--\r\nBob Smith, Acme\r\nTo unsubscribe from our newsletter click here: https://acme.example/u",
        "This e-mail is confidential. If you are not the intended recipient, delete it and stop.\r\nUnsubscribe",
        "Acme Inc | +1 415 555 0100\r\nIf you no longer wish to receive our mails, unsubscribe here https://acme.example/u",
    ],
)
def test_quoted_footers_and_signatures_opt_nobody_out(old):
    found = read(f"Yes, please send me the details.\r\n\r\n{old}", extra=THREAD)
    assert found.kind == "reply"
    assert found.intent.intent in ("positive", "question")
    assert "nsubscribe" not in found.text


def test_an_html_reply_that_quotes_our_footer_is_no_wish():
    html = '<div>Sounds good, call me.</div><div class="gmail_quote"><blockquote>Hi <a href="https://t.example/u">unsubscribe</a></blockquote></div>'
    found = read(html, kind="text/html; charset=utf-8", extra=THREAD)
    assert (found.kind, found.text) == ("reply", "Sounds good, call me.")


def test_the_subject_alone_can_be_the_wish():
    assert read("", subject="unsubscribe").kind == "unsubscribe"
    assert read("Thanks, Bob", subject="Please remove me").kind == "unsubscribe"
    # Our own subject quoted back is not the writer's.
    assert read("Yes, tell me more.", subject="Re: Stop writing reports by hand", extra=THREAD).kind == "reply"


def test_the_sentences_of_the_model_are_told_apart_by_the_rules_already():
    assert [text for text in SENTENCES["opt_out"] if not wish(text)] == []
    assert [text for name, texts in SENTENCES.items() if name != "opt_out" for text in texts if wish(text)] == []


@needs_data
def test_known_replies_hold_no_false_wish():
    wishes = [row["reply"] for row in rows_of("intent/svaraai_dedup.csv") if wish(row["reply"])]
    assert len(wishes) == 5
    assert all("stop" in text.lower() or "remove" in text.lower() for text in wishes)
    lines = (DATA / "intent" / "parakweet_train.txt").read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if wish(line.partition("\t")[2])]
    assert len(found) <= 0.008 * len(lines)  # business mail: requests, footers, a few mistakes

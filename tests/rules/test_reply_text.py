"""The new text of a reply, cut from quotes and signatures in many languages."""

import time

import pytest

from campaigns.rules.reply_text import new_text
from tests.rules.mails import DATA, needs_data

CASES =[
("Danke, gerne.\n\nMit freundlichen Grüßen\nBob Müller\nGeschäftsführer\n\nAm 20.11.2026 um 09:00 schrieb Ana <ana@leadgen.example>:\n> Hallo Bob\n> abmelden","Danke, gerne."),
("Merci, pas intéressé.\n\nLe ven. 20 nov. 2026 à 09:00, Ana <ana@leadgen.example> a écrit :\n\n> Bonjour","Merci, pas intéressé."),
("Gracias.\n\nEl vie, 20 nov 2026 a las 9:00, Ana (<ana@leadgen.example>) escribió:\n\n> Hola","Gracias."),
("Va bene!\n\nIl giorno ven 20 nov 2026 alle ore 09:00 Ana <ana@leadgen.example> ha scritto:\n\n> Ciao","Va bene!"),
("Ok\n\nEm sex., 20 de nov. de 2026 às 09:00, Ana <ana@leadgen.example> escreveu:\n\n> Olá","Ok"),
("Prima.\n\nOp vr 20 nov 2026 om 09:00 schreef Ana <ana@leadgen.example>:\n\n> Hoi","Prima."),
("Dobrze.\n\npt., 20 lis 2026 o 09:00 Ana <ana@leadgen.example> napisał(a):\n\n> Cześć","Dobrze."),
("Okej\n\nDen fre 20 nov. 2026 kl 09:00 skrev Ana <ana@leadgen.example>:\n\n> Hej","Okej"),
("Fint\n\nfre. 20. nov. 2026 kl. 09.00 skrev Ana <ana@leadgen.example>:\n\n> Hei","Fint"),
("Kiitos\n\npe 20. marrask. 2026 klo 9.00 Ana (ana@leadgen.example) kirjoitti:\n\n> Hei","Kiitos"),
("Dobře\n\npá 20. 11. 2026 v 9:00 odesílatel Ana <ana@leadgen.example> napsal:\n\n> Ahoj","Dobře"),
("Хорошо\n\nпт, 20 нояб. 2026 г. в 09:00, Ana <ana@leadgen.example>:\n\n> Привет","Хорошо"),
("了解です。\n\n2026年11月20日(金) 9:00 Ana <ana@leadgen.example>:\n\n> こんにちは","了解です。"),
("好的\n\nAna <ana@leadgen.example> 于2026年11月20日周五 09:00写道：\n\n> 你好","好的"),
("네\n\n2026년 11월 20일 (금) 오전 9:00, Ana <ana@leadgen.example>님이 작성:\n\n> 안녕","네"),
("Tamam\n\nAna <ana@leadgen.example>, 20 Kas 2026 Cum, 09:00 tarihinde şunu yazdı:\n\n> Merhaba","Tamam"),
("No thanks.\n\nFrom: Ana <ana@leadgen.example>\nSent: Friday, November 20, 2026 9:00 AM\nTo: Bob <bob@acme.example>\nSubject: Hello\n\nHi Bob, unsubscribe here","No thanks."),
("Nein danke.\n\n________________________________\nVon: Ana <ana@leadgen.example>\nGesendet: Freitag, 20. November 2026 09:00\nAn: Bob\nBetreff: Hallo\n\nHallo abmelden","Nein danke."),
("Non merci\n\nDe : Ana <ana@leadgen.example>\nEnvoyé : vendredi 20 novembre 2026 09:00\nÀ : Bob\nObjet : Bonjour\n\nse désinscrire","Non merci"),
("No gracias\n\nDe: Ana <ana@leadgen.example>\nEnviado el: viernes, 20 de noviembre de 2026\nPara: Bob\nAsunto: Hola\n\nbaja","No gracias"),
("No grazie\n\nDa: Ana <ana@leadgen.example>\nInviato: venerdì 20 novembre\nA: Bob\nOggetto: Ciao\n\nx","No grazie"),
("Nee\n\nVan: Ana <ana@leadgen.example>\nVerzonden: vrijdag 20 november 2026 09:00\nAan: Bob\nOnderwerp: Hoi\n\nx","Nee"),
("Nie\n\nOd: Ana <ana@leadgen.example>\nWysłano: piątek, 20 listopada 2026 09:00\nDo: Bob\nTemat: Cześć\n\nx","Nie"),
("承知しました。\n\n差出人: Ana <ana@leadgen.example>\n送信日時: 2026年11月20日\n宛先: Bob\n件名: Hello\n\nx","承知しました。"),
("不需要\n\n发件人: Ana <ana@leadgen.example>\n发送时间: 2026年11月20日 9:00\n收件人: Bob\n主题: Hello\n\n退订","不需要"),
("Не нужно\n\nОт: Ana <ana@leadgen.example>\nОтправлено: 20 ноября 2026\nКому: Bob\nТема: Привет\n\nx","Не нужно"),
("Sure\n\nSent from my iPhone\n\nOn 20 Nov 2026, at 09:00, Ana <ana@leadgen.example> wrote:\n\n\ufeffHi Bob\nunsubscribe","Sure"),
("Ja bitte\n\nVon meinem iPhone gesendet","Ja bitte"),("Oui\n\nEnvoyé de mon iPhone","Oui"),("Sí\n\nEnviado desde mi iPhone","Sí"),("Sì\n\nInviato da iPhone","Sì"),("はい\n\niPhoneから送信","はい"),("Да\n\nОтправлено с iPhone","Да"),("好\n\n发自我的iPhone","好"),("Tak\n\nWysłane z iPhone'a","Tak"),
("Yes\n\nGet Outlook for iOS<https://aka.ms/x>","Yes"),
("Thanks, not for us.\n\nBob Smith\nHead of Sales | Acme Inc\n+1 415 555 0100\nwww.acme.example","Thanks, not for us."),
("Please call me.\n\nThis email and any attachments are confidential. If you are not the intended recipient, unsubscribe.","Please call me."),
("On Fri, 20 Nov 2026 at 09:00, Ana <ana@leadgen.example> wrote:\n> Shall we talk?\n\nYes, on Monday.\n\n> Is it you?\n\nYes it's me.","Yes, on Monday.\n\nYes it's me."),
("Thanks!\nBob","Thanks!\nBob"),
("Hi Ana,\n\nnot now.\n\nBest,\nBob","Hi Ana,\n\nnot now."),
("Hi,\n\nFrom what I see it is good: let's talk.\n\nTo me the\nsubject: is clear","Hi,\n\nFrom what I see it is good: let's talk.\n\nTo me the\nsubject: is clear"),
("-------- Original Message --------\nSubject: x\nFrom: Ana\n\nold",""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), CASES, ids=range(len(CASES)))
def test_only_what_the_writer_added_is_kept(text, wanted):
    assert new_text(text) == wanted
    assert new_text(text.replace("\n", "\r\n").replace("\r\n", "\n")) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Unsubscribe me from your list",
        "Hi,\n\nunsubscribe me please, this is confidential.",
        "One: here is what I have.\n\n- the first point, which is long\n- the second point",
        "Thanks for writing.\n\nWhat does it cost?\nAnd who is behind it?",
    ],
)
def test_what_looks_like_a_signature_but_is_said_stays(text):
    assert new_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "On " * 20_000,
        "> " * 30_000,
        "On a\n" * 12_000,
        "From: a@b\n" * 5_000,
        " " * 60_000,
        "_" * 60_000,
        "wrote:\n" * 8_000,
    ],
)
def test_long_texts_are_cut_in_bounded_time(text):
    began = time.process_time()
    new_text(text)
    assert time.process_time() - began < 2


@needs_data
def test_known_replies_keep_their_words_and_lose_their_quotes():
    def text(name):
        return new_text((DATA / "replies" / name).read_text(encoding="utf-8", errors="replace"))

    assert text("github/correct_sig.txt") == "this is an email with a correct -- signature."
    assert text("github/email_1_5.txt").endswith("It goes on and on\nfor a while.")
    assert text("github/email_1_7.txt") == ":+1:"
    assert text("zapier/email_1_8.txt") == "I will reply under this one\n\nand under this."
    assert text("zapier/email_2_1.txt") == "Outlook with a reply"
    assert text("zapier/email_2_3.txt") == "Outlook with a reply above headers using unusual format"
    assert text("zapier/email_bullets.txt").endswith("   - how about bullets\n   - and another")
    assert text("zapier/email_gmail.txt") == "This is a test for inbox replying to a github message."
    assert text("zapier/email_headers_no_delimiter.txt") == "And another reply!"
    assert text("zapier/email_multi_word_sent_from_my_mobile_device.txt") == "Here is another email"
    assert text("zapier/email_sent_from_my_not_signature.txt").endswith("easier then my mobile phone.")

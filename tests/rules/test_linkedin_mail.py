"""LinkedIn's notifications: believed only where our own provider proved them."""

import pytest

from tests.rules.mails import read

LINKEDIN = "LinkedIn <invitations@linkedin.com>"
PROVED = (
    "Authentication-Results: mx.leadgen.example; dkim=pass header.d=linkedin.com; spf=pass smtp.mailfrom=bounce.linkedin.com",
)
BODY = "Eve Stone\r\nhttps://www.linkedin.com/comm/in/eve-stone-1?trk=x\r\n"


@pytest.mark.parametrize(
    "subject",
    ["Eve Stone accepted your invitation", "Eve Stone has accepted your connection request", "You are now connected with Eve Stone", "Eve Stone hat Ihre Einladung angenommen", "Eve Stone a accepté votre invitation", "Eve Stone ha aceptado tu invitación", "Eve Stone ha accettato il tuo invito", "Eve Stone aceitou seu convite",
     "Eve Stone heeft uw uitnodiging geaccepteerd", "Eve Stone przyjął(-ęła) Twoje zaproszenie", "Eve Stone har accepterat din inbjudan", "Eve Stone har accepteret din invitation", "Eve Stone hyväksyi kutsusi", "Eve Stone принял(а) ваше приглашение", "Eve Stoneさんがあなたの招待を承認しました"],
)  # fmt: skip
def test_an_accepted_invitation_is_news(subject):
    found = read(BODY, subject=subject, sender=LINKEDIN, extra=PROVED)
    assert (found.kind, found.linkedin.event, found.linkedin.name) == ("linkedin", "accepted", "Eve Stone")
    assert found.linkedin.profile_url == "https://www.linkedin.com/in/eve-stone-1"


@pytest.mark.parametrize(
    "subject",
    ["Eve Stone sent you a message", "Eve Stone just messaged you", "Eve Stone replied to your message", "New message from Eve Stone", "Eve Stone hat Ihnen eine Nachricht gesendet", "Eve Stone vous a envoyé un message", "Eve Stone te ha enviado un mensaje", "Eve Stone ti ha inviato un messaggio", "Eve Stone enviou uma mensagem"],
)  # fmt: skip
def test_an_answer_is_news_with_its_text(subject):
    body = "Eve Stone\r\n\r\nHi Ana, yes, let's talk next week.\r\n\r\nReply: https://www.linkedin.com/comm/messaging/1\r\n\r\n----\r\nThis email was intended for Ana\r\nUnsubscribe: https://www.linkedin.com/x\r\n"
    found = read(body, subject=subject, sender="Eve Stone <messages-noreply@linkedin.com>", extra=PROVED)
    assert (found.kind, found.linkedin.event, found.linkedin.name) == ("linkedin", "answered", "Eve Stone")
    assert found.text == found.linkedin.text == "Hi Ana, yes, let's talk next week."
    line = found.as_json()
    assert (line["kind"], line["why"]) == ("other", "LinkedIn says that Eve Stone answered")


@pytest.mark.parametrize(
    ("sender", "extra"),
    [
        (LINKEDIN, ("Authentication-Results: mx.leadgen.example; dkim=fail header.d=linkedin.com; spf=softfail",)),
        (LINKEDIN, ("Authentication-Results: mx.leadgen.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example",)),
        (LINKEDIN, ("Authentication-Results: mx.leadgen.example; dkim=pass header.d=linkedin.com.evil.example",)),
        (LINKEDIN, ("Authentication-Results: mx.leadgen.example; dkim=pass header.d=notlinkedin.com",)),
        # A forger's own header stands below that of our provider.
        (LINKEDIN, ("Authentication-Results: mx.leadgen.example; dkim=none; spf=fail", PROVED[0])),
        ("LinkedIn <invitations@linkedin.com.evil.example>", PROVED),
        ("Eve <eve@linkedin.example>", PROVED),
    ],
)  # fmt: skip
def test_a_forged_notification_is_no_news(sender, extra):
    found = read(BODY, subject="Eve Stone accepted your invitation", sender=sender, extra=extra)
    assert found.linkedin is None
    assert found.kind in ("other", "reply")


def test_other_mails_of_linkedin_are_no_news():
    found = read("5 people viewed your profile", subject="You appeared in 9 searches", sender=LINKEDIN, extra=PROVED)
    assert (found.kind, found.linkedin) == ("other", None)

"""LinkedIn's notification mails in a synced mailbox: who accepted an invitation, who answered a message.

Only a mail the receiving server has proved to be LinkedIn's counts: the first Authentication-Results (that of our own
provider; a forger can only add further ones below) must say dkim=pass or spf=pass or dmarc=pass for linkedin.com. Without that
header, as in some local systems, the sender's address alone counts. Anything else is a mail that claims to be from LinkedIn.
"""

import re
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from .mail_text import addresses, html_all_text, leaves, part_text, raw_values


@dataclass(frozen=True, slots=True)
class LinkedInNews:
    """What LinkedIn reports. `name` as LinkedIn shows it, `profile_url` '' if the mail has none, `text` of the answer or ''."""

    event: Literal["accepted", "answered"]
    name: str
    profile_url: str = ""
    text: str = ""


_I = re.IGNORECASE
_WHO = r"(?P<name>[^\n:,!?]{2,80}?)"
_ACCEPTED = (
    rf"^{_WHO} (?:has )?accepted your (?:invitation|connection request|request)", rf"^{_WHO} is now (?:a|one of your) connections?\b", rf"you(?:'re| are) now connected (?:to|with) {_WHO}(?:[.!]|$)", rf"^{_WHO} (?:hat )?(?:ihre|deine) (?:einladung|kontaktanfrage)[^\n]{{0,20}} ?(?:angenommen|akzeptiert)",
    rf"^{_WHO} a accepté votre (?:invitation|demande)", rf"^{_WHO} (?:ha )?acept(?:ó|ado) tu (?:invitación|solicitud)", rf"^{_WHO} ha (?:accettato|accolto) (?:il tuo|la tua) (?:invito|richiesta)", rf"^{_WHO} aceitou (?:seu|o seu) (?:convite|pedido)", rf"^{_WHO} heeft (?:uw|je) (?:uitnodiging|connectieverzoek)[^\n]{{0,20}} (?:geaccepteerd|aanvaard)",
    rf"^{_WHO} (?:przyjął|przyjęła|zaakceptował|zaakceptowała|przyjął\(-ęła\)) (?:twoje|państwa) zaproszenie", rf"^{_WHO} (?:har accepterat|accepterade) din (?:inbjudan|förfrågan)", rf"^{_WHO} har (?:accepteret|akseptert|godtatt) din (?:invitation|invitasjon)", rf"^{_WHO} hyväksyi (?:kutsusi|verkostoitumiskutsusi)", rf"^{_WHO} přijal(?:a|\(a\))? (?:vaši|vaše) pozvánku",
    rf"^{_WHO} принял(?:а|\(а\))? ваше приглашение", rf"^{_WHO} (?:davetinizi|davetini) kabul etti", rf"^{_WHO}さんが(?:あなたの)?(?:招待|つながり申請|リクエスト)を承認", rf"^{_WHO}\s?(?:已)?接受了?您的(?:邀请|加为好友邀请)", rf"^{_WHO}님이 (?:회원님의 )?(?:초대|1촌 신청|일촌 신청)[^\n]{{0,6}}(?:수락|승낙)",
)  # fmt: skip
_ANSWERED = (
    rf"^{_WHO} (?:just )?(?:sent you a (?:new )?message|messaged you|replied(?: to (?:you|your (?:message|inmail)))?|responded to your)", rf"^(?:you have (?:a|\d+) )?new messages? from {_WHO}(?:$|[.!])", rf"^message (?:replied )?from {_WHO}(?:$|[.!])", rf"^inmail(?: response)?: {_WHO}(?:$| replied)", rf"^{_WHO} (?:hat (?:ihnen|dir) (?:eine (?:neue )?nachricht (?:gesendet|geschickt)|geschrieben|geantwortet)|hat auf (?:ihre|deine) nachricht geantwortet)",
    rf"^{_WHO} (?:vous a (?:envoyé un (?:nouveau )?message|répondu|écrit)|a répondu à votre message)", rf"^{_WHO} (?:te ha (?:enviado un (?:nuevo )?mensaje|respondido|escrito)|te envió un (?:nuevo )?mensaje|respondió a tu mensaje|ha respondido)", rf"^{_WHO} ti ha (?:inviato un (?:nuovo )?messaggio|risposto|scritto)", rf"^{_WHO} (?:enviou uma (?:nova )?mensagem|respondeu (?:à sua|a sua) mensagem|respondeu)", rf"^{_WHO} heeft (?:u|je) een (?:nieuw )?bericht gestuurd|^{_WHO.replace('name', 'name2')} heeft geantwoord",
    rf"^{_WHO} (?:wysłał(?:a|\(a\))? (?:ci )?wiadomość|odpowiedział(?:a|\(a\))?)", rf"^{_WHO} (?:har )?(?:skickat|skickade)(?: dig)? ett (?:nytt )?meddelande", rf"^{_WHO} har sendt (?:dig|deg) en (?:ny )?(?:besked|meddelelse|melding)", rf"^{_WHO} lähetti sinulle viestin", rf"^{_WHO} (?:vám )?poslal(?:a|\(a\))? (?:vám )?zprávu", rf"^{_WHO} (?:отправил(?:а|\(а\))? вам (?:новое )?сообщение|ответил(?:а|\(а\))?)", rf"^{_WHO} size (?:bir )?mesaj gönderdi",
    rf"^{_WHO}さんから(?:新しい)?メッセージ|^{_WHO.replace('name', 'name2')}さんが(?:あなたに)?(?:メッセージを送信|返信)", rf"^{_WHO}\s?(?:给您|向您)?(?:发送?了|回复了)(?:一条)?(?:新)?(?:消息|您)", rf"^{_WHO}님이 (?:메시지를 보냈|답장)",
)  # fmt: skip
_PATTERNS = tuple(
    (event, tuple(re.compile(pattern, _I | re.MULTILINE) for pattern in patterns))
    for event, patterns in (("accepted", _ACCEPTED), ("answered", _ANSWERED))
)
_PROFILE = re.compile(r"https://(?:[\w-]+\.)?linkedin\.com/(?:comm/)?in/([\w%.~-]{2,120})", _I)
_OPEN = re.compile(
    r"^\s*(?:https?://\S+|\[?(?:reply|antworten|répondre|responder|rispondi|beantwoorden|view (?:message|profile)|see message|nachricht (?:anzeigen|ansehen)|voir le message|ver (?:el )?mensaje|visualizza)\b.*|-{5,}.*|this email was (?:intended|sent).*|you are receiving.*|© .*|unsubscribe.*|abmelden.*|se désabonner.*|linkedin\b.*)\s*$",
    _I,
)


def claims_linkedin(mail: Message) -> bool:
    """Whether the From address is one of linkedin.com; no proof."""
    found = addresses(mail, "From")
    return len(found) == 1 and re.search(r"@(?:[\w-]+\.)?linkedin\.com$", found[0][1]) is not None


def is_proved(mail: Message) -> bool:
    """Whether the receiving server says the mail is LinkedIn's, or (without that header) nothing speaks against it."""
    results = raw_values(mail, "Authentication-Results")
    if not results:
        return (
            mail.get("ARC-Authentication-Results") is None
            and "fail" not in " ".join(raw_values(mail, "Received-SPF")).lower()[:40]
        )
    first = " ".join(results[0].split()).lower()
    for clause in first.split(";"):
        passed = re.match(r"\s*(dkim|spf|dmarc)\s*=\s*pass\b", clause)
        if passed and re.search(
            r"(?:header\.(?:d|i|from)|smtp\.(?:mailfrom|helo))\s*=\s*(?:\S*@)?(?:[\w-]+\.)*linkedin\.com(?![\w.-])",
            clause,
        ):
            return True
    return False


def linkedin_news(mail: Message, subject: str) -> LinkedInNews | None:
    """The news of a genuine notification; None if it is no news of a person, or not proved to be LinkedIn's."""
    if not claims_linkedin(mail) or not is_proved(mail):
        return None
    plain = "\n".join(part_text(part) for part in leaves(mail) if part.get_content_type() == "text/plain")
    rich = "\n".join(part_text(part) for part in leaves(mail) if part.get_content_type() == "text/html")
    text = (plain if plain.strip() else html_all_text(rich))[:20_000]
    for source in (subject.strip(), "\n".join(line.strip() for line in text.split("\n")[:30])):
        for event, patterns in _PATTERNS:
            for pattern in patterns:
                match = pattern.search(source)
                name = next((value for value in match.groupdict().values() if value), "") if match else ""
                if name:
                    return _news(event, name, text, plain + rich)
    return None


def _news(event: str, name: str, text: str, whole: str) -> LinkedInNews:
    profile = _PROFILE.search(whole[:200_000])
    url = f"https://www.linkedin.com/in/{profile.group(1)}" if profile else ""
    name = " ".join(name.strip(" .\"'“”").split())[:120]
    if event == "accepted":
        return LinkedInNews("accepted", name, url)
    return LinkedInNews("answered", name, url, _message(text, name))


def _message(text: str, name: str) -> str:
    """The words of the message a notification quotes: what stands between the line that announces it and the first link."""
    lines = [line.strip() for line in text.split("\n")]
    start = next((number + 1 for number, line in enumerate(lines) if name in line), 0)
    kept: list[str] = []
    for line in lines[start:]:
        if _OPEN.match(line):
            if kept:
                break
            continue
        if line and line != name and not (not kept and len(line) < 3):
            kept.append(line)
    return "\n".join(kept)[:5_000]

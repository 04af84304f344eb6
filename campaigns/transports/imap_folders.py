"""What a folder is for: by its SPECIAL-USE attribute (RFC 6154), else by the name it usually has."""

import base64
import re

ATTRIBUTES = {
    "\\sent": "sent", "\\all": "all", "\\junk": "junk", "\\drafts": "drafts", "\\trash": "trash",
    "\\spam": "junk", "\\allmail": "all",
}  # fmt: skip
# Servers without SPECIAL-USE: names that Exchange, Courier, Dovecot of old and mail programs give, in lower case.
NAMES = {
    "sent": (
        "sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente", "gesendete objekte",
        "éléments envoyés", "messages envoyés", "envoyés", "enviados", "elementos enviados", "mensajes enviados",
        "itens enviados", "posta inviata", "inviati", "verzonden", "verzonden items", "wysłane", "elementy wysłane",
        "odeslaná pošta", "odeslané", "skickat", "skickade objekt", "sendte elementer", "sendt post", "sendt",
        "lähetetyt", "отправленные", "надіслані", "送信済み", "送信済みアイテム", "已发送邮件", "已发送", "보낸 편지함",
    ),
    "junk": (
        "junk", "spam", "junk e-mail", "junk email", "bulk mail", "junk-e-mail", "spamverdacht", "courrier indésirable",
        "indésirables", "correo no deseado", "lixo eletrônico", "posta indesiderata", "ongewenste e-mail",
        "wiadomości-śmieci", "skräppost", "søppelpost", "uønsket e-mail", "roskaposti", "нежелательная почта", "спам",
        "迷惑メール", "垃圾邮件", "스팸",
    ),
    "drafts": ("drafts", "draft", "entwürfe", "brouillons", "borradores", "rascunhos", "bozze", "concepten"),
    "trash": (
        "trash", "deleted items", "deleted messages", "bin", "papierkorb", "gelöschte elemente", "corbeille", "papelera",
        "elementos eliminados", "lixeira", "cestino", "prullenbak",
    ),
}  # fmt: skip
BY_NAME = {name: role for role, names in NAMES.items() for name in names}
ENCODED = re.compile(r"&([A-Za-z0-9+,]*)-")


def display_name(name: str) -> str:
    """A folder's name as people read it: modified UTF-7 (RFC 3501 section 5.1.3) decoded, broken text left as it is."""

    def plain(match: re.Match[str]) -> str:
        text = match.group(1)
        if not text:
            return "&"
        try:
            raw = base64.b64decode(text.replace(",", "/") + "=" * (-len(text) % 4))
            return raw.decode("utf-16-be")
        except ValueError:  # of base64 and of the decoding
            return match.group()

    return ENCODED.sub(plain, name)


def role_of(name: str, flags: set[str]) -> str:
    """inbox, sent, all, junk, drafts, trash or other. `flags` in lower case."""
    if name.upper() == "INBOX":
        return "inbox"
    for flag in sorted(flags):
        if flag in ATTRIBUTES:
            return ATTRIBUTES[flag]
    last = re.split(r"[/.]", display_name(name).removeprefix("INBOX.").removeprefix("INBOX/"))[-1]
    return BY_NAME.get(last.strip().lower(), "other")

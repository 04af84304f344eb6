"""What the writer of a reply added: quotes, the lines that introduce them, signatures and disclaimers cut away, in many languages.

One pass over the lines, whatever their length. Answers below and between quoted lines are kept; what follows an Outlook
header block is all old, since nothing marks it line by line.
"""

import re

# What is new stands at the top; a mail longer than this is quotes or an article.
MAX_REPLY = 60_000
MAX_LINES = 2_000
_I = re.IGNORECASE
_QUOTE = re.compile(r"^\s{0,3}(?:>|&gt;)")
_WROTE = r"wrote|writes|schrieb|schreibt|a [ée]crit|écrit|escribi[óo]|ha scritto|scrisse|escreveu|escreva|schreef|heeft geschreven|geschreven|napisa[łl](?:a|\(a\))?|pisze|skrev|skriver|skrifaði|kirjoitti|napsal(?:a|\(a\))?|píše|пишет|написал(?:а|\(а\))?|писал(?:а)?|пише|yazdı|yazmış|ezt írta|írta|a scris|έγραψε|wrote on|写道|寫道|写到|書きました|のメール|님이 작성|작성"
# "On Mon, 3 Nov 2026, Bob <bob@x> wrote:" and its sisters; may be wrapped over a few lines.
_ATTRIBUTION = re.compile(
    rf"^[\s>*_]*(?:(?:on|am|le|el|il(?: giorno)?|em|op|w dniu|dnia|den|på|dne|v|на|в|tarihinde|\d{{1,4}}[./年 -]|(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|pn|wt|śr|cz|pt|пн|вт|ср|чт|пт|сб|вс)\w*[.,])(?![a-zа-я]).{{5,300}}?(?:{_WROTE})[^\n]{{0,80}}[:：]"
    rf"|.{{2,150}}[<(\[][^<>\s]+@[^<>\s]+[>)\]].{{0,80}}(?:{_WROTE}).{{0,60}}[:：]?|.{{2,100}}\s(?:{_WROTE})(?: on .{{4,60}}| am .{{4,60}}| le .{{4,60}})?\s?[:：])\s*$",
    _I | re.DOTALL,
)
# Any language: a time of day and an address in brackets, ending in a colon.
_ANY_ATTRIBUTION = re.compile(
    r"^(?=.{10,250}$)(?=.*\d{1,2}[:.h時시]\d{2}).*[<\[(][^<>\s]+@[^<>\s]+[>\])][^<>@]{0,40}[:：]\s*$", re.DOTALL
)
_ATTRIBUTION_START = re.compile(
    r"^[\s*_]*(?:on|am|le|el|il|em|op|w|dnia|den|på|dne|v|на|в|\d|(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|pn|wt|śr|cz|pt|пн|вт|ср|чт|пт|сб|вс)\w*[.,])(?:\b|\d|\s)",
    _I,
)
_RULED = re.compile(
    r"^[\s>*]*(?:[-_=*~]{2,}\s*|\*\s*|begin )?(?:original (?:message|e-?mail|appointment)|forwarded (?:message|by)|(?:begin )?forwarded message|reply message|ursprüngliche (?:nachricht|e-?mail|mail)|originalnachricht|weitergeleitete nachricht|anfang der weitergeleiteten|message (?:d'origine|original|transféré|initial)|courriel original|début du message|mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|mensagem original|mensagem encaminhada"
    r"|oorspronkelijk bericht|doorgestuurd bericht|oorspronkelijke? (?:e-?mail|bericht)|(?:wiadomość|treść) (?:oryginalna|przekazana)|oryginalna wiadomość|ursprungligt meddelande|originalmeddelande|vidarebefordrat|opprinnelig melding|oprindelig (?:meddelelse|besked)|alkuperäinen viesti|původní (?:zpráva|e-?mail)|исходное сообщение|пересылаемое сообщение|перенаправленное|özgün (?:ileti|mesaj)|eredeti üzenet|元のメッセージ|転送(?:された)?メッセージ|原始邮件|原始郵件|邮件原件|转发邮件|원본 (?:메시지|메일))[\s:]*(?:[-_=*~]{2,}|:|\*)?\s*[-_=*]*\s*$",
    _I,
)
_FROM = re.compile(
    r"^[\s>*_|]*(?:from|von|de|da|van|od|från|fra|lähettäjä|от|кому|差出人|送信者|发件人|寄件者|보낸 ?사람|kimden|feladó|από|expéditeur|remitente|mittente|afzender|nadawca|reply-to)\s*\**\s*[:：]\**\s*\S",
    _I,
)
_OTHER_HEADER = re.compile(
    r"^[\s>*_|]*(?:sent|date|to|cc|subject|importance|gesendet|datum|an|betreff|kopie|envoyé|à|objet|enviado(?: el)?|fecha|para|asunto|inviato|data|a|oggetto|enviada(?: em)?|assunto|verzonden|aan|onderwerp|wysłano|do|temat|dw|skickat|till|ämne|sendt|til|emne|lähetetty|vastaanottaja|aihe|odesláno|komu|předmět|отправлено|дата|кому|копия|тема|送信日時|日時|宛先|件名|发送时间|日期|收件人|抄送|主题|寄件日期|主旨|보낸 ?날짜|받는 ?사람|제목|gönderildi|kime|konu|küldve|címzett|tárgy)\s*\**\s*[:：]",
    _I,
)
_DEVICE = re.compile(
    r"^[\s*_>]*(?:sent (?:from|via|with|by|using) (?:my |the )?(?:\S+ ){0,5}\S+|get (?:outlook|bluemail|the new) .{0,30}|(?:von|aus|mit) (?:meine[mr]?|outlook|der|gmx|web\.de|samsung|android|iphone|apple)\b.{0,40}gesendet.{0,30}|gesendet (?:von|mit|über|aus) .{1,50}|diese nachricht wurde von meinem .{1,60}|envoyé (?:de(?:puis)?|à partir|avec|via) .{1,50}|(?:télécharger|obtenez|obtenir|descargar|scarica|obtener|obter|ottieni|holen sie sich|download) outlook .{0,30}|outlook (?:für|pour|para|per|voor|for) .{0,20}(?:beziehen|herunterladen)?.{0,20}"
    r"|enviado (?:desde|de|do|a partir|via|con) .{1,50}|inviato da(?:l|lla|l mio)? .{1,50}|verzonden (?:vanaf|met|via|met mijn|door) .{1,50}|wysłan[eo] z .{1,50}|wysłano z .{1,50}|skickat från .{1,50}|sendt fra .{1,50}|lähetetty .{1,50}|odesláno z .{1,50}|отправлено (?:с|из) .{1,50}|iphone(?:'?umdan|'?dan)? gönderildi.{0,20}|.{0,20}(?:iphone|ipad|android)から送信.{0,10}|(?:发自|發自|从我的).{1,20}|나의 (?:iphone|ipad|갤럭시).{0,20}|.{0,20}에서 보냄)\.?\s*$",
    _I,
)
_NO_DEVICE = re.compile(
    r"^[\s*_]*sent from (?!my|mobile|outlook|mail|yahoo|gmail|samsung|proton|iphone|ipad|blackberry|android|nokia|windows|the all|aol|spark|superhuman|front|hey)|[,;!?].*\w+.*\w+|\w\.\s+\w",
    _I,
)
_DASHES = re.compile(r"^\s*(?:--+|—+|––+|-- ?|__+|={5,}|\*{5,}|-{5,}|_{5,})\s*$")
_DASH_NAME = re.compile(r"^\s{0,3}[-–—~]{1,2}\s?[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}$")
_CLOSING = re.compile(
    r"^[\s*_]*(?:(?:kind(?:est)?|best|warm(?:est)?|many|with best|with kind|with warm) (?:regards|wishes|thanks)|regards|rgds|br|kr|best|all the best|cheers|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|respectfully|cordially|thanks(?: and| &| so much| a lot| again| in advance)?(?: (?:best|kind|and))*(?: regards)?|many thanks|thank you(?: and (?:best|kind) regards)?|thx|warmly|take care|have a (?:great|good|nice) (?:day|one|weekend|week)"
    r"|(?:mit )?(?:freundlichen?|besten?|vielen|herzlichen?|lieben?|schönen?|viele|liebe|beste|herzliche|schöne|freundliche) (?:gr[üu](?:ß|ss)(?:en?)?|dank)(?: aus .{2,20})?|mfg|vg|lg|bg|gru(?:ß|ss)|hochachtungsvoll|cordialement|bien (?:à (?:vous|toi)|cordialement)|cdlt|salutations.{0,30}|meilleures salutations|sincères salutations|amicalement|bonne (?:journée|soirée|réception)|respectueusement"
    r"|saludos(?: cordiales)?|un (?:cordial )?saludo|atentamente|atte|cordialmente|un abrazo|muchas gracias|gracias|cordiali saluti|distinti saluti|(?:un )?saluti|un saluto|a presto|grazie(?: mille)?|atenciosamente|att|abraços?|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|obrigad[oa]|met (?:vriendelijke|hartelijke) groeten?|vriendelijke groeten?|mvg|groeten|groetjes|hartelijke groeten?|(?:z )?(?:poważaniem|wyrazami szacunku|pozdrowieniami)|pozdrawiam(?: serdecznie)?|dziękuję"
    r"|(?:med )?(?:vänliga?|bästa|venlig|vennlig|de bedste|beste) h[iä]lsn?ing(?:ar|er)?|mvh|hälsningar|hilsen|med venlig hilsen|tack|ystävällisin terveisin|terveisin|s (?:pozdravem|přátelským pozdravem)|(?:hezký|pěkný) den|с уважением|с наилучшими пожеланиями|saygılarımla|iyi çalışmalar|üdvözlettel|tisztelettel|よろしくお願い(?:いた|致)?します|宜しくお願い.{0,6}|敬具|此致|顺祝商祺|谢谢|祝好|감사합니다)\s*[,.!\-–—]*\s*(?P<name>.{0,40})$",
    _I,
)
_THANKS = re.compile(
    r"^[\s*_]*(?:thanks|thank you|many thanks|gracias|muchas gracias|grazie|merci|danke|tack|dzięk|obrigad|谢谢|감사)",
    _I,
)
_DISCLAIMER = re.compile(
    r"^[\s*_>]*(?:(?:confidentiality|legal|privacy|email|e-mail|important) (?:notice|disclaimer|note)|disclaimer\b|confidential(?:ity)?\b|notice:|privileged|this (?:e-?mail|message|communication|transmission|electronic)(?: \S+){0,8}? (?:is|are|may|contains?|was|and)(?: \S+){0,12}? (?:confidential|privileged|intended|sent to|proprietary)|the (?:information|content)s?(?: \S+){0,8} (?:e-?mail|message|communication|transmission)|if you (?:are|have)(?: \S+){0,3} not the (?:intended|named)|please consider the environment|think before (?:you )?print|save a tree|you (?:are )?(?:received|receiving|got|have received) this (?:e-?mail|message|because)|to (?:unsubscribe|opt[- ]out|stop receiving|manage your|update your)\b|unsubscribe\b(?! (?:me|us|my|our|please|pls|plz|from|this|now|immediately|asap)).{0,80}(?:http|here|link|click|preferences|\|)|(?:click|reply) .{0,30}to (?:unsubscribe|opt)|if you (?:no longer|do not|don't|would|wish|want|prefer).{0,60}(?:wish|want|like|prefer|receiv).{0,80}(?:unsub|click|http|here|opt)|virus-?free|scanned by|this e-?mail (?:has been|was) (?:scanned|checked)|registered (?:office|in england)|companies house"
    r"|diese (?:e-?mail|nachricht)(?: \S+){0,8} (?:vertraulich|bestimmt)|der inhalt dieser|bitte (?:denken|prüfen) sie|geschäftsführ(?:er|ung)|sitz der gesellschaft|handelsregister|amtsgericht|ce (?:message|courriel|mail)(?: \S+){0,8} (?:confidentiel|destiné|établi)|pensez à l'environnement|avis de confidentialité|este (?:mensaje|correo)(?: \S+){0,10} (?:confidencial|destinatario|dirigid)|aviso (?:legal|de confidencialidad)|questo messaggio(?: \S+){0,8} (?:confidenzial|riservat|destinat)|le informazioni contenute|informativa|esta mensagem(?: \S+){0,10} (?:confidencia|destin)|aviso de confidencialidade|dit (?:e-?mail)?bericht(?: \S+){0,8} (?:vertrouwelijk|bestemd)|ta wiadomość(?: \S+){0,8} (?:poufn|przeznacz)|treść tej wiadomości|denna? (?:e-?post|meddelande)(?: \S+){0,8} konfiden|данное (?:сообщение|письмо)(?: \S+){0,8} конфиденц|本(?:电子)?邮件|このメール(?:には|は)?.{0,20}機密)",
    _I,
)
_CONTACT = re.compile(
    r"(?:\+?\d[\d ()/.-]{6,}\d|https?://|www\.|[\w.+-]+@[\w-]+\.\w+|\b(?:tel|phone|mobile?|fax|cell|direct|office|t|m|p|f|e|w|skype|linkedin|mobil|telefon|tél|móvil|telefono)\b\s*[.:]|\b\d{5}\b|\bgmbh\b|\bltd\b|\binc\b|\bllc\b|\bs\.?a\.?\b|\|)",
    _I,
)
_SENTENCE = re.compile(
    r"[?!]|\b(?:i|we|you|please|is|are|can|not|ich|wir|sie|bitte|nicht|je|nous|vous|no|non|nie|nicht|не)\b", _I
)


def new_text(text: str) -> str:
    """What the writer of a reply added: no quotes, no reply headers, no signature where they can be told."""
    lines = [line[:4_000].rstrip() for line in text[:MAX_REPLY].replace("\u00a0", " ").split("\n")[:MAX_LINES]]
    pieces = [piece for piece in _pieces(lines) if any(line.strip() for line in piece)]
    written = [_unsigned(piece, first=not number) for number, piece in enumerate(pieces)]
    joined = "\n\n".join("\n".join(piece).strip("\n") for piece in written if any(line.strip() for line in piece))
    return re.sub(r"\n{3,}", "\n\n", joined).strip()


def _pieces(lines: list[str]) -> list[list[str]]:
    """The runs of lines that are not quoted."""
    pieces: list[list[str]] = [[]]
    number = 0
    while number < len(lines):
        line = lines[number]
        if _QUOTE.match(line):
            pieces.append([])
            number += 1
            continue
        if _RULED.match(line) or _header_block(lines, number):
            break
        size = _attribution(lines, number)
        if size:
            rest = lines[number + size :]
            if not any(_QUOTE.match(item) for item in rest):
                break  # nothing marks the quote: all of it is old
            pieces.append([])
            number += size
            continue
        pieces[-1].append(line)
        number += 1
    return pieces


def _header_block(lines: list[str], number: int) -> bool:
    """Whether an Outlook header block ("From: ... Sent: ... To: ... Subject: ...") begins here, or the rule above one."""
    if _DASHES.match(lines[number]):
        return any(_FROM.match(line) for line in lines[number + 1 : number + 4]) and _header_block_below(lines, number)
    if not _FROM.match(lines[number]):
        return False
    others = sum(bool(_OTHER_HEADER.match(line)) for line in lines[number + 1 : number + 9])
    return others >= 2 or (others == 1 and "@" in lines[number])


def _header_block_below(lines: list[str], number: int) -> bool:
    return any(
        _FROM.match(lines[at]) and _header_block(lines, at) for at in range(number + 1, min(number + 4, len(lines)))
    )


def _attribution(lines: list[str], number: int) -> int:
    """How many lines introduce a quote here; 0 if none do."""
    first = lines[number].strip()
    if len(first) < 8 or len(first) > 400:
        return 0
    for size in (1, 2, 3, 4):
        piece = lines[number : number + size]
        if size > 1 and (not piece[-1].strip() or _QUOTE.match(piece[-1])):
            break
        if size > 1 and not (_ATTRIBUTION_START.match(first) or "@" in first):
            break
        joined = " ".join(line.strip() for line in piece)
        if len(joined) > 500 or (
            not joined.endswith((":", "：")) and not re.search(r"(?:wrote|schrieb|a écrit)$", joined, _I)
        ):
            continue
        if _ATTRIBUTION.match(joined) and _dated_or_quoted(joined, lines, number + size):
            return size
        if _ANY_ATTRIBUTION.match(joined):
            return size
    return 0


def _dated_or_quoted(joined: str, lines: list[str], after: int) -> bool:
    """ "Bob wrote:" alone introduces a quote only if one follows; with a date or an address it always does."""
    if re.search(r"\d", joined) and (
        re.search(r"@|\d{1,2}[:.h]\d{2}|\b20\d\d\b|\d{1,2}[./]\d{1,2}", joined) or "<" in joined
    ):
        return True
    return any(_QUOTE.match(line) for line in [line for line in lines[after : after + 4] if line.strip()][:1])


def _unsigned(lines: list[str], *, first: bool = True) -> list[str]:
    """The lines without signature, device line and disclaimer at their end. `first`: nothing is written above them."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    if not full:
        return []
    for number in full:
        line = lines[number]
        if _DASHES.match(line) and (number > full[0] or not first or _tail_is_contact(lines[number + 1 :])):
            return _unsigned(lines[:number]) if number > full[0] else []
        if _DISCLAIMER.match(line):
            return _unsigned(lines[:number])
        if len(line) < 90 and _DEVICE.match(line) and not _NO_DEVICE.search(line):
            return _unsigned(lines[:number])
        if number > full[0] and _closes(lines, number):
            return lines[:number]
    if len(full) > 1 and _DASH_NAME.match(lines[full[-1]]) and not lines[full[-1] - 1].strip():
        return lines[: full[-1]]
    return _without_card(lines)


def _closes(lines: list[str], number: int) -> bool:
    """Whether a signature begins here: a closing word, then nothing but a name and a card."""
    found = _CLOSING.match(lines[number])
    if not found:
        return False
    rest = [line for line in lines[number + 1 :] if line.strip()]
    name = found["name"].strip()
    if len(name.split()) > 4 or (name and name[:1].islower() and name.isascii()):
        return False
    if len(rest) > 25 or any("?" in line for line in rest[:3]):
        return False
    if not rest and not name:
        return not _THANKS.match(lines[number])
    # The first line below is a name: short, no sentence.
    return all(len(line) <= 60 and not _SENTENCE.search(line) for line in rest[:1])


def _tail_is_contact(lines: list[str]) -> bool:
    return any(_CONTACT.search(line) for line in lines[:10])


def _without_card(lines: list[str]) -> list[str]:
    """Without a last paragraph that is a business card: short lines with a phone number, a link or a company."""
    text = "\n".join(lines).strip("\n")
    above, _, last = text.rpartition("\n\n")
    card = [line for line in last.split("\n") if line.strip()]
    if (
        above.strip()
        and len(card) >= 2
        and all(len(line) <= 80 for line in card)
        and sum(bool(_CONTACT.search(line)) for line in card) >= max(1, len(card) // 3)
        and not any(_SENTENCE.search(line) or line.lstrip().startswith(("-", "*", "•")) for line in card)
    ):
        return above.split("\n")
    return lines

"""Mail written by machines (RFC 3834 and what vendors do instead), and when an absent person is back."""

import re
from datetime import date, timedelta
from email.message import Message

from .mail_text import header
from .said_dates import Said, days_in

_I = re.IGNORECASE
_PREFIX = r"^\W*(?:(?:re|aw|sv|vs|antw|odp|rif|ref|res|ynt|atb|回复|答复|返信)\s*[:：]\s*)*(?:\[[^\]]*\]\s*)*"
_SUBJECT = re.compile(
    _PREFIX
    + r"(?:auto(?:matic|mated)?[\s:-]*(?:reply|response|answer|respon[sd]er?|e-?mail|acknowledg\w+|message)|auto-?repl|autoresp|auto:|out[\s-]*of[\s-]*(?:the[\s-])?office|out of (?:town|country)|ooo\b|oof\b|on (?:vacation|holiday|leave|annual leave|maternity|paternity|parental|sick leave|pto)|vacation (?:notice|reply|message|response)|away (?:from (?:the |my )?(?:office|desk|mail)|message|until|notice)|(?:i am|i'm|currently) (?:away|out|on leave|unavailable)|absence|not (?:in (?:the )?)?(?:at my desk|in the office|available)"
    r"|automatische (?:antwort|e-?mail|abwesenheit|nachricht|r[üu]ckmeldung)|autom\. antwort|abwesen|nicht im (?:büro|haus)|au(?:ß|ss)er haus|urlaub|ich bin (?:im urlaub|abwesend|nicht)|eingangsbest[äa]tigung"
    r"|réponse (?:automatique|auto)|reponse auto|absence d|absent|message d'absence|en congés?|(?:je suis )?absent|accusé de réception|indisponible"
    r"|respuesta autom|auto-?respuesta|fuera de (?:la )?oficina|ausente|ausencia|de vacaciones|estoy (?:fuera|de vacaciones)|acuse de recibo|resposta autom|fora do escrit|ausência|ausente|de f[ée]rias|estou (?:de f|fora)"
    r"|risposta automatica|risponditore|fuori (?:ufficio|sede)|assenza|assente|in ferie|sono (?:in ferie|assente|fuori)|automatisch(?:e)? (?:antwoord|beantwoord|bericht)|afwezig|niet (?:op kantoor|aanwezig)|vakantie|ontvangstbevestiging"
    r"|auto(?:matiskt?)?[ -]?svar|automatiskt? svar|frånvar|ej på kontoret|semester|fravær|ikke (?:på|til stede)|ferie|ude af kontoret|automaattinen|poissa|lomalla|automatická odpov|mimo kancelář|nepřítomn|dovolená|automatyczna odpowied|autoodpowied|poza biurem|nieobecno|urlop|nieobecn"
    r"|автоответ|автоматический ответ|вне офиса|отсутств|в отпуске|нет на месте|otomatik (?:yanıt|cevap)|ofis dışında|automatikus válasz|szabadságon|távol|αυτόματη απάντηση|răspuns automat|自動(?:応答|返信)|不在|外出|休暇|自动(?:回复|答复)|自動回覆|外出|休假|不在办公室|자동 ?(?:회신|응답)|부재|התשובה אוטומטית|الرد التلقائي|رد تلقائي)",
    _I,
)
_TICKET = re.compile(
    r"(?:\[(?:ticket|case|request|#)[^\]]*\d[^\]]*\]|\b(?:ticket|case|request|incident|anfrage|vorgang|demande|solicitud)\s*(?:id|no|nr|number|nummer)?\.?\s*[#:]?\s*[A-Z]*-?\d{3,})",
    _I,
)
_ACKNOWLEDGED = re.compile(
    r"(?:we (?:have )?|has been |was |your (?:request|message|e-?mail|enquiry|inquiry|ticket)[^.\n]{0,40})(?:received|registered|created|opened|logged)|thank you for (?:contacting|your (?:e-?mail|message|enquiry|inquiry|request)|reaching out|getting in touch|writing)[^\n]{0,200}(?:will (?:get back|respond|reply|be in touch|contact)|as soon as|shortly|within|business (?:day|hour))"
    r"|(?:vielen dank|danke) für (?:ihre|deine) (?:anfrage|nachricht|e-?mail|mail)[^\n]{0,200}(?:schnellstmöglich|so schnell|umgehend|in kürze|melden|bearbeit|eingegangen|erhalten)|(?:ihre|deine) (?:anfrage|nachricht|e-?mail)[^.\n]{0,40}(?:eingegangen|erhalten)|nous avons bien reçu|merci (?:pour|de) votre (?:message|e-?mail|mail|demande)[^\n]{0,160}(?:dans les|plus brefs|meilleurs délais|répondr)"
    r"|hemos recibido su|gracias por (?:contactar|escribir|su (?:mensaje|correo))[^\n]{0,160}(?:brevedad|pronto|responder)|abbiamo ricevuto|grazie per (?:averci|il (?:suo|tuo))[^\n]{0,160}(?:presto|possibile|rispond)|recebemos (?:a )?su[ao]|wij hebben uw|bedankt voor (?:uw|je) (?:bericht|e-?mail|mail)[^\n]{0,160}(?:zo spoedig|zo snel|binnen)|dziękujemy za (?:kontakt|wiadomość)|tack för ditt (?:mail|meddelande)[^\n]{0,120}(?:så snart|inom)|tak for din (?:mail|henvendelse)|мы получили ваш|ваше? (?:письмо|обращение|запрос)[^\n]{0,30}(?:получен|зарегистр)|お問い合わせ(?:いただき|を)[^\n]{0,40}(?:ありがとう|受け付け)|已收到您的",
    _I,
)
_CHALLENGE = re.compile(
    r"(?:confirm|verify) (?:that )?(?:you are (?:a )?(?:human|real)|your (?:e-?mail|message|address|identity|delivery))|(?:click|follow) (?:on )?(?:the |this )?link[^\n]{0,60}(?:deliver|release|approved|sender)|sender (?:verification|confirmation)|boxbe|spamarrest|added to (?:my|the) (?:approved|guest) list|waiting list|to prove (?:that )?(?:you|your)|not (?:yet )?on (?:my|the) (?:approved|allowed|safe) (?:sender|list)|pending your (?:verification|confirmation)",
    _I,
)
_GREETING = r"^\W{0,10}(?:(?:hi|hello|dear|hey|good|greetings|hallo|guten|liebe[rs]?|sehr|moin|bonjour|cher|chère|hola|estimad\w+|buenos|buenas|ciao|buongiorno|salve|gentile|olá|ola|prezad\w+|bom dia|beste|geachte|dag|goedendag|dzień|szanown\w+|witam|hej|hei|tere|dobrý|vážen\w+|здравствуйте|добрый|уважаем\w+|thank|thanks|danke|vielen|merci|gracias|grazie|obrigad\w+|bedankt|dank|dziękuj\w+|tack|tak|takk|kiitos|děkuj\w+|спасибо|お世話|您好|你好|안녕|merhaba|sayın|tisztelt)[^\n]{0,160}\n+){0,3}"
_BODY = re.compile(
    _GREETING
    + r"[^\n]{0,200}?(?:i(?:'m| am| will be|'ll be)(?: currently| now| presently| still)? (?:out of (?:the |my )?(?:office|town|country)|away(?: from| until| on| for| with|,|\.)|on (?:annual |parental |maternity |paternity |sick |medical |a )?(?:leave|vacation|holidays?|pto|business trip)|travel(?:l)?ing (?:until|with|and|from)|not in the office|unavailable (?:until|from|and|with)|off (?:work|until|sick))"
    r"|(?:this is|you have received|you are receiving) an? (?:automat(?:ic|ed)|auto)|this mailbox is (?:not|no longer)|out of (?:the )?office (?:until|from|and|with)|currently out of (?:the )?office|(?:limited|no|intermittent) access to (?:my )?e-?mail"
    r"|ich bin (?:derzeit |zurzeit |zur zeit |momentan |aktuell |leider |noch |vom [^\n]{0,30}|bis [^\n]{0,30}|ab [^\n]{0,30}|in der zeit [^\n]{0,40})?(?:nicht (?:im (?:büro|haus)|erreichbar|am platz)|abwesend|außer haus|im urlaub|in elternzeit|in mutterschutz|auf (?:dienstreise|geschäftsreise|reisen)|erst (?:wieder )?ab)|dies ist eine automatische|diese nachricht wurde automatisch"
    r"|je (?:suis|serai) (?:actuellement |absente? |en ce moment )?(?:absent|en congé|en vacances|en déplacement|indisponible|hors du bureau|du \d|jusqu)|ceci est (?:un|une) (?:message|réponse) automatique|estoy (?:actualmente )?(?:fuera de|de vacaciones|ausente|de baja)|estaré (?:fuera|ausente|de vacaciones)|(?:me encuentro|estaré) (?:fuera|ausente|de vacaciones)|(?:este|esta) es (?:un|una) (?:mensaje|respuesta) automátic"
    r"|(?:sono|sarò) (?:attualmente |al momento )?(?:fuori (?:ufficio|sede)|assente|in ferie|in trasferta)|questo è un messaggio automatico|(?:estou|estarei) (?:atualmente )?(?:fora do escrit|ausente|de férias|em viagem)|(?:esta|este) é uma? (?:mensagem|resposta|e-?mail) automátic|ik ben (?:momenteel |tot |van |op dit moment |op vakantie)?[^\n]{0,30}(?:afwezig|niet op kantoor|op vakantie|niet aanwezig|met vakantie|met verlof|niet bereikbaar)|dit is een automatisch"
    r"|(?:jestem|będę) (?:obecnie |aktualnie )?(?:poza biurem|na urlopie|nieobecn\w+|niedostępn\w+)|przebywam na urlopie|to jest (?:wiadomość|odpowiedź) (?:wygenerowana )?automatyczn|jag är (?:just nu |för närvarande )?(?:inte på kontoret|på semester|borta|bortrest|ledig|föräldraledig)|jeg er (?:for tiden |i øjeblikket |ikke )?(?:på ferie|ikke (?:på|til)|bortrejst|ute av|fraværende|på kontoret)|olen (?:lomalla|poissa|vapaalla)|jsem (?:momentálně |nyní )?(?:mimo kancelář|na dovolené|nepřítom)"
    r"|я (?:сейчас |в настоящее время )?(?:нахожусь )?(?:в отпуске|вне офиса|отсутствую|в командировке)|(?:şu anda|halen) (?:ofis|izin)|ofis dışındayım|izindeyim|(?:休暇|出張|外出|不在)(?:中|のため|にして|を)|不在にして|お休みをいただ|我(?:目前|现在|正在)?(?:不在办公室|休假|出差|在度假)|(?:本|该)?邮件为自动|휴가 ?(?:중|로)|부재 ?중)",
    _I,
)
LEFT = re.compile(
    r"(?:no longer (?:with (?!us\b)|with us|at\b|works?|working|employed|part of|be with|in this (?:role|position)|an employee)|(?:has|have|had|'ve|'s) (?:now |recently |since |already )?(?:left (?:the (?:company|organi[sz]ation|team|business|firm|group|agency|university)|[A-Z][\w&]+|us\b|our)|departed|retired|moved on (?:from|to)|resigned)|left (?:the (?:company|organi[sz]ation|business|firm)) (?:on|in|as of|at)|is (?:not|n't) (?:with|working (?:at|for|here)|employed)|moved on from|my last (?:working )?day (?:at|was|with|here)|(?:i|he|she|they) (?:am |is |are )?no longer (?:work|here|monitor)|has changed (?:jobs|employer)|as of [^.\n]{1,40} i (?:am|have|no longer|will no longer)"
    r"|(?:arbeite[t]?|bin|ist|sind) nicht (?:mehr|länger) (?:bei|im unternehmen|für|in unserem|teil|hier|tätig|mitarbeiter)|nicht mehr (?:bei|im unternehmen|für|in unserem (?:haus|unternehmen)|tätig|beschäftigt|unter dieser|erreichbar unter)|(?:hat|habe|haben) (?:unser|das|die) (?:unternehmen|firma|haus|gesellschaft)[^.\n]{0,40}verlassen|aus dem unternehmen ausgeschieden|ausgeschieden|(?:im|in den) (?:wohlverdienten )?ruhestand"
    r"|ne (?:fait|fais) plus partie|n'est plus (?:chez|employé|au sein|parmi|salarié|en poste)|ne travaille plus|(?:a|ai|ont) quitté (?:l'entreprise|la société|notre|le groupe|ses fonctions|mes fonctions|l'équipe|[A-Z])|ya no (?:trabaj[ao]|forma parte|está (?:en|con)|pertenece|labora)|dejó (?:de trabajar|la (?:empresa|compañía))|ha dejado (?:de trabajar|la empresa)|non (?:lavora|lavoro|fa|è) più (?:per|con|in|presso|parte|qui)?|non lavora più|ha lasciato (?:l'azienda|la società|il gruppo)"
    r"|(?:já )?n[ãa]o (?:trabalha|faz|está|integra)[^.\n]{0,20}mais|já não (?:trabalha|faz parte|está)|deixou (?:a empresa|de trabalhar)|n[ãa]o faz mais parte|werkt? niet (?:meer|langer)|niet (?:meer|langer) werkzaam|is uit dienst|heeft (?:ons|het) (?:bedrijf|organisatie)[^.\n]{0,20}verlaten|nie (?:pracuje|jest)[^.\n]{0,12} już|już nie pracuje|nie pracuje już|odszedł z firmy|odeszła z firmy|(?:arbetar|jobbar) inte längre|har slutat|har lämnat|arbeider ikke lenger|arbejder ikke længere|er stoppet|har sluttet|ei (?:enää )?(?:työskentele|ole) enää|ei ole enää|již (?:u nás )?nepracuje|už nepracuje|больше не работает|уволил|покинул[аи]? компанию|artık[^.\n]{0,40}çalışm|már nem dolgozik|退職(?:い?たし|し)|異動(?:いた|し|にな)|已(?:经)?离职|不再(?:任职|在|担任)|퇴사)",
    _I,
)

_BACK = re.compile(
    r"(?:\bback\b|\breturn(?:ing|s|ed)?\b|\bavailable again\b|\bagain (?:on|from)\b|\bin the office (?:again )?(?:on|from)\b|\bresum\w+|\breachable (?:again )?(?:on|from)\b|zurück|\bwieder\b|\berst (?:wieder )?(?:am|ab)\b|\bab (?:dem )?\Z|erreichbar ab|\bde retour\b|\bretour\b|\breprend\w*|\breviens\b|\bà partir du\b|\bregres\w+|\bvuelv\w+|\bvolver\w*|\breincorpor\w+|\bvuelta\b|\ba partir d(?:el|e|o|al)\b|\brientr\w+|\bsarò (?:di nuovo|di ritorno|nuovamente)|\bdi ritorno\b|\btorn\w+|\bretorn\w+|\bvolto\b|\bvoltar\w*|\bde volta\b|\bestarei disponível\b|\bdisponib\w+ (?:a partir|dal|à partir)|\bterug\b|\bweer (?:aanwezig|bereikbaar|op)|\bvanaf\b|\bwrac\w+|\bwróc\w+|\bz powrotem\b|\bponownie\b|\btillbaka\b|\båter\b|\btilbake\b|\btilbage\b|\bigjen\b|\bigen\b|\btakaisin\b|\bpalaan\b|\bzpět\b|\bvrát\w+|\bзавтра\b|\bверн\w+|\bвыйду\b|\bбуду (?:на месте|доступ|в офисе)|\bdön\w+|\bvissza\w*|より(?:出社|復帰)|復帰|出社|戻|返回|回来|上班|복귀)",
    _I,
)
_BACK_AFTER = re.compile(
    r"^\s*(?:[(（][^)）]{1,12}[)）]\s*)?(?:に|より|から|には)?\s*(?:戻|復帰|出社|出勤|業務を再開)|^[^.\n]{0,12}(?:wieder|zurück|weer|terug|tillbaka|tilbage|tilbake|igen\b|igjen|z powrotem|de retour|back\b|返回|回来|恢复|回到|上班|복귀|takaisin|dön)|^[^.\n]{0,25}\bI(?:'ll| will) (?:be back|return)",
    _I,
)
_UNTIL = re.compile(
    r"(?:\b(?:until|till|til|through|thru|up to|including|inclusive|bis(?: einschlie(?:ß|ss)lich| inklusive| inkl\.?| und mit)?(?: zum| am)?|jusqu(?:'|’)?(?:au|à|en)?|hasta(?: el)?(?: día)?|fino (?:al|a|all')|até(?: (?:o|ao|a))?(?: dia)?|tot(?: en met| aan)?|t/m|do(?: dnia)?|till(?: och med)?|t\.?\s?o\.?\s?m\.?|til(?: og med)?|fram til|до|по|včetně|kadar|to|au|al|ao|an|and|a)|[-–—~～至到])(?:\s+(?:the|den|dem|le|el|il|o|dia|dnia|incl\.?|einschließlich))?[\s,]*(?:\(?\w{2,12}\)?\.?,?\s+(?:the |den |dem |le |el |il )?)?\Z",
    _I,
)
_STRONG_UNTIL = re.compile(
    r"\b(?:until|till?|through|thru|including|bis|jusqu|hasta|fino|até|tot|t/m|til og med|fram til|до|do|kadar|up to)\b|[至到]",
    _I,
)
_UNTIL_AFTER = re.compile(
    r"^\s*(?:[(（][^)）]{1,12}[)）]\s*)?(?:まで|迄|까지|asti|saakka|-?ig\b|'?(?:y?[ea]|n[ea])? kadar|之前|inclusive|inklusive|inclus|compris|incluido|compreso|inkl)",
    _I,
)
_DAY_FIRST = re.compile(
    r"\b(?:ich|und|bin|nicht|je|suis|vous|estoy|usted|para|sono|ufficio|estou|você|ik|ben|kantoor|jestem|jag|jeg|olen|jsem|я|до|hasta|jusqu|fino|tot|bis|até|absence|congé|favourite|organisation|annual leave|colour|kind regards|many thanks|mobile|bank holiday)\b",
    _I,
)


def why_automatic(mail: Message, subject: str, text: str) -> str:
    """Why this mail is an automatic answer, in words; '' if a person seems to have written it."""
    submitted = header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted}"
    for name in (
        "X-Autoreply",
        "X-Autorespond",
        "X-Autoresponder",
        "X-Auto-Reply-From",
        "X-Mail-Autoreply",
        "X-Autogenerated",
        "X-Vacation",
        "X-FC-MachineGenerated",
        "X-AutoReply-From",
        "X-Amazon-Auto-Reply",
    ):
        if mail.get(name) is not None and header(mail, name).lower() not in ("no", "false", "none", "0"):
            return f"the header {name}"
    precedence = header(mail, "Precedence").lower() or header(mail, "X-Precedence").lower()
    if precedence in ("auto_reply", "auto-reply", "autoreply", "vacation"):
        return f"Precedence: {precedence}"
    if (
        "vacation" in header(mail, "X-Mailer").lower()
        or "auto" in header(mail, "X-Loop").lower()
        or header(mail, "X-POST-MessageClass").startswith("9;")
    ):
        return "the header of a vacation program"
    found = _SUBJECT.search(subject)
    if "oof" in header(mail, "X-Auto-Response-Suppress").lower().split(", ") and found:
        return "an out-of-office answer of Exchange"
    if header(mail, "X-MS-Exchange-Inbox-Rules-Loop") or "vacation" in header(mail, "X-Zimbra-Forwarded").lower():
        return "a rule of the mail server"
    if found and _fits(subject, text):
        return f"the subject “{subject[:80]}”"
    if header(mail, "Return-Path").replace(" ", "") == "<>":
        return "the empty return path"
    said = _BODY.search(text[:1_000])
    if said:
        return f"the words “{' '.join(said.group().split())[-80:]}”"
    for pattern, what in ((_CHALLENGE, "a challenge that wants the sender confirmed"), (_ACKNOWLEDGED, "a receipt")):
        words = pattern.search(text[:1_500])
        if words and (what != "a receipt" or _machine_like(mail, subject)):
            return f"{what}: “{' '.join(words.group().split())[:80]}”"
    return ""


def _fits(subject: str, text: str) -> bool:
    """ "Re: Urlaub" may be a person's: a subject that only begins like an absence counts if the mail does not ask or talk back."""
    plain = re.match(r"^\W*(?:re|aw|sv|antw|odp|rif)\s*[:：]", subject, _I)
    sure = re.search(
        r"auto|out of (?:the )?office|abwesen|nicht im büro|fuera de la oficina|fuori ufficio|hors du bureau|afwezig|poza biurem|自動|自动|автоответ",
        subject,
        _I,
    )
    return not plain or bool(sure) or bool(_BODY.search(text[:1_000])) or not text


def _machine_like(mail: Message, subject: str) -> bool:
    """Whether the sender is a desk or a program rather than a person: a receipt from a person is a reply."""
    sender = header(mail, "From")
    return bool(
        _TICKET.search(subject)
        or re.search(r"\b(?:no-?reply|do-?not-?reply|support|help(?:desk)?|service|info|contact|kontakt|sales|office|hello|team|tickets?|customer\w*|care|kundenservice|recruit\w*|jobs|careers|billing|admin|enquiries|inquiries|servicedesk|sekretariat)(?:[+.-]?\w*)?@", sender, _I)
        or any(mail.get(name) is not None for name in ("X-Zendesk-Priority-Mail", "X-Mailer-Zendesk", "X-JIRA-FingerPrint", "X-Freshdesk-Ticket", "X-OTRS-Loop", "X-RT-Ticket", "RT-Ticket", "X-HubSpot-Ticket", "X-Intercom-Id", "X-Auto-Response-Suppress"))
    )  # fmt: skip


def return_date(text: str, received: date) -> date | None:
    """The first day the person is back, within a year of `received`; None if not said or not sure.

    "until 3 December" means back the day after; of "away from 1 to 3 December, back on the 6th" the last counts. A day
    that can be read in two ways (3/12/2026 in an English text) is no answer.
    """
    text = text[:5_000]
    said = days_in(text, received, day_first=bool(_DAY_FIRST.search(text)), loose=True)
    back, until = [], []
    for number, item in enumerate(said):
        before = text[max(0, item.start - 70) : item.start]
        before = re.split(r"[.!?;](?=\s)|\n\s*\n", before)[-1]
        after = text[item.end : item.end + 30]
        role = _role(before, after, item, said[number - 1] if number else None, text)
        if role == "back":
            back.append(item.day)
        elif role == "until":
            until.append(item.day if item.kind == "month" else item.day + timedelta(days=1))
    return next((day for day in (*back, *until) if received <= day <= received + timedelta(days=366)), None)


def _role(before: str, after: str, item: Said, previous: Said | None, text: str) -> str:
    flat = " ".join(before.split(" "))
    until = _UNTIL.search(flat)
    if until and not _STRONG_UNTIL.search(until.group()):
        # "1 - 3 December", "du 1 au 3", "from the 1st to the 3rd": the weak words count behind another day only.
        between = text[previous.end : item.start] if previous else ""
        day_before = previous is not None and len(between) <= 25
        number_before = re.search(
            r"\d{1,2}(?:st|nd|rd|th|\.)?\s*(?:[-–—]|to|bis|au|al|ao|a|and|till|tot|do)\s*\Z", flat, _I
        )
        until = until if day_before or number_before else None
    if _UNTIL_AFTER.search(after):
        return "until"
    last_back = max((match.end() for match in _BACK.finditer(flat)), default=-1)
    if until and until.start() >= last_back:
        return "until"
    if last_back >= 0 or _BACK_AFTER.search(after):
        return "back"
    return "until" if until else ""

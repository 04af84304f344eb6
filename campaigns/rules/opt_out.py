"""The wish to be left alone, in words, in twenty languages. Recall first: who asks to be left alone is left alone.

It reads the *new* text only: the word "unsubscribe" in a quoted mail, a footer or a disclaimer is nobody's wish.
"""

import re

_I = re.IGNORECASE
_MAIL = r"(?:e-?mails?|mails?|mailing|messag\w*|messages?|contact\w*|writ\w*|spam\w*|send\w*|reach\w*|communicat\w*|correspond\w*|newsletters?|call\w*|text\w*|bother\w*|harass\w*|pester\w*|pitch\w*|solicit\w*|bug+ing|annoy\w*|following up)"
_ENGLISH = (
    r"\bun-?\s?sub?scri?(?:b|be|bed me|ption|bing)?\b(?!r)|\bunsubs?\b|\bunsuscribe\b|\bunsubcribe\b|\bun ?subscribe\b|\bde-?(?:list|register|subscribe)\b",
    r"\b(?:remove|delete|take|drop|scratch|strike|exclude|erase|scrub|purge)\b[^.\n]{0,12}\b(?:me|us|my (?:e-?mail|address|name|data|details|info\w*|contact|number|profile|record)|our (?:e-?mail|address|name|data|company|details)|this (?:address|account|inbox|e-?mail (?:address|from|off)))\b(?! (?:a |some )?(?:line|note|time|moment|day|look|notes?)\b| (?:to|through|up|on (?:a|the) call|an?\b|some|more|the|with|started|in touch|know|involved|excited|interested|what|where|how|if|when)\b)|\bget me off\b",
    r"^\W*(?:please |pls |plz |kindly |just )?(?:remove|unsubscribe|stop|delete|opt[- ]?out|quit|cease|end|cancel|no more|enough|off|leave)(?: (?:please|pls|plz|now|it|this|already|me|thanks?|thx|immediately))*\W*$",
    rf"(?<!we )(?<!they )(?<!had to )(?<!n't )(?<!not )(?<!i )(?<!can )\b(?:stop(?! by)|quit|cease|refrain from|desist from|halt|discontinue)\b[^.\n?]{{0,25}}\b{_MAIL}",
    r"(?:[,.;!]|\band\b|\bplease|\bpls|\bplz|\bjust|\bkindly|\byou to|\bmust|\bneed to)\s+(?:stop|cease|desist)\s*(?:now|it|this|please|thanks?|immediately)?\s*(?:[.!,]|$)",
    r"\bopt(?:ing|ed)?[ -]?(?:me |us )?out\b(?! of (?:the (?:contract|deal|trial)|our))|\btake (?:me|us|my \w+|this)(?: \w+){0,3} off\b|\b(?:me|us|address|email|name) off (?:of )?(?:your|this|the|any)\b|\boff (?:of )?(?:your|this|the) (?:\w+ )?(?:mailing |distribution |contact |e-?mail )?lists?\b|\bfrom (?:your|this|the|all|any) (?:\w+ )?(?:mailing |distribution |contact |e-?mail(?:ing)? |marketing |future |mail )?(?:lists?|database|crm|emails|mailings|communications?|correspondence)\b",
    r"\b(?:do ?n[o']?t|don't|dont|never|do not|no longer|not|nor do (?:i|we)) (?:ever )?(?:really )?(?:want|wish|need|like|care)(?:ing)? (?:to )?(?:receive|get|be (?:contacted|e-?mailed|on (?:this|your))|hear from|(?:any|your|more|these|further) (?:\w+ )?(?:e-?mails?|mails?|messages?|spam|newsletters?))|\b(?:do ?n[o']?t|don't|dont|never|do not|not to) (?:ever )?(?:e-?mail|contact|message|write|spam|call|send(?: me| us)?(?: any| anymore| more| these| this| such| further| e-?mails?| mails?| messages?| anything))\b(?! (?:a |the |you (?:the|a|more)|back (?:in|next|later|to)|me (?:the|a) |until|before|till|with questions))",
    r"\bno (?:more|further|additional|future) (?:\w+ )?(?:e-?mails?|mails?|messages?|contact|correspondence|communications?|solicitations?|spam|newsletters?|calls|outreach)\b|\bnever (?:e-?mail|contact|write|message)\b|\bno longer (?:wish|want) to (?:receive|be|hear|get)",
    r"\bleave (?:me|us) (?:the (?:hell|f\w+) )?alone\b|\bgo away\b|\bget lost\b|\bf\W?[u*c]\w* off\b|\bfuck(?: you\b|\W*$)|\bpiss off\b|\bbugger off\b|\blose (?:my|this) (?:number|address|e-?mail|contact)|\bforget (?:my|this) (?:address|e-?mail)|\bstop (?:it|this)\b|\bi (?:have |'ve )?(?:already )?(?:asked|told) you (?:\w+ ){0,3}(?:to stop|not to|to remove)|\bhow many times\b[^.\n]{0,60}\b(?:stop|tell|ask|say|no\b)",
    r"\b(?:mark|report|flag)(?:ed|ing)?\b[^.\n]{0,30}\b(?:spam|junk|abuse|ico|phishing|authorit\w+|fcc|ftc|scam)\b|\b(?:report|block)(?:ed|ing)? (?:you|your|this sender|this domain)\b|\bthis is (?:spam|harassment|unsolicited)\b|\bunsolicited (?:e-?mail|mail|commercial|message)|\bspammers?\b|\bstop spamm|\bharass(?:ing|ment)\b|\bcan-?spam\b",
    r"\bright to (?:erasure|be forgotten|object)\b|\bart(?:icle|\.)? ?(?:17|21)\b|\bgdpr\b[^.\n]{0,60}\b(?:request|delete|erase|remove|object|breach|violat|complain)|\b(?:delete|erase|remove)\b[^.\n]{0,25}\b(?:my|our)\b[^.\n]{0,20}\b(?:data|information|details|records?)\b|\b(?:withdraw|revoke|never (?:gave|given)|did ?n[o']?t give|no) (?:my |you |any )?(?:consent|permission)|\bcease and desist\b|\blegal action\b|\b(?:my|our) (?:lawyers?|attorneys?|solicitors?|legal (?:team|counsel|department)) (?:will|is|are)|\bsue you\b|\bi(?:'ll| will) report\b|\bdata protection (?:authority|officer|commissioner|request|complaint)|\bccpa\b[^.\n]{0,40}\b(?:delete|request|opt)|\bdo not (?:sell|process) my\b|\bdid(?: not|n'?t) (?:sign up|subscribe|opt[- ]in|ask for|consent|request)\b",
)
_OTHER = (
    # German
    r"\b(?:abmelden|abbestellen|austragen|abmeldung|austragung)\b|\b(?:meld\w*|trag\w*|nehm\w*|nimm|streich\w*|l[öo]e?sch\w*|entfern\w*|h?erausnehm\w*)\b[^.\n]{0,50}\b(?:ab|aus|verteiler|liste|adresse|daten|newsletter|datenbank|mich|uns|e-?mail-?adresse)\b|\bkeine (?:weiteren?|mehr)?\s?(?:e-?mails?|mails?|nachrichten|werbung|werbemails?|newsletter|post|anfragen|kontaktaufnahme\w*)\b(?: mehr)?"
    r"|\b(?:schreib\w*|kontaktier\w*|bel[äa]stig\w*|mail\w*|schick\w*|send\w*|anschreib\w*|zu schicken)\b[^.\n]{0,30}\b(?:nicht|nie|keine)\b ?(?:mehr|wieder|weiter\w*)\b|\b(?:nicht|nie) (?:mehr|wieder|weiter) (?:an|kontakt|schreib|bel[äa]stig|angeschrieben|mail)\w*|\blass\w* (?:sie )?(?:mich|uns) (?:bitte )?in ruhe\b|\bwidersprech\w*\b[^.\n]{0,60}|\bwiderspruch\b|\bunterlass\w*\b|\b(?:abmahn\w*|rechtsanwalt|anwalt|datenschutzbeh[öo]rde|dsgvo)\b|\bh[öo]r\w* (?:sie )?(?:bitte )?(?:endlich )?auf\b|\baus (?:ihrem|eurem|deinem|dem) (?:e-?mail-?)?verteiler\b",
    # French
    r"\bd[ée]sabonn\w*|\bd[ée]sinscri\w*|\bne (?:me|nous|m'|plus) ?(?:\w+ )?(?:contact\w*|[ée]cri\w*|envoy\w*|sollicit\w*|d[ée]rang\w*|recontact\w*|relanc\w*)[^.\n]{0,12}\b(?:plus|pas|jamais)?\b|\bne plus (?:me |nous |m'|recevoir|[êe]tre)\w*|\b(?:retir|supprim|enlev|effac|ray)(?:ez|er|e)?\b[^.\n]{0,30}(?:moi|nous|liste|adresse|donn[ée]es|coordonn[ée]es|base|fichier)|\barr[êe]te[zr]?\b[^.\n]{0,40}\b(?:mail\w*|e-?mails?|messages?|spam\w*|[ée]crire|contacter|envo\w+|harc\w+)|\bplus (?:de|aucun) (?:mails?|e-?mails?|messages?|courriels?|publicit\w+)|\b(?:laissez|fichez|foutez)(?:-| )(?:moi|nous)\b[^.\n]{0,15}(?:tranquille|paix)|\brgpd\b|\bcnil\b|\bdroit (?:d'opposition|à l'effacement|à l'oubli)|\bharc[èe]lement\b|\bm'oppose\b",
    # Spanish, Portuguese, Italian
    r"\bd(?:ar|e|en|é|eme|enme|adme|arme|arnos|enos)(?:me|nos)? (?:\w+ )?de baja\b|\bbaja\b\W*$|\b(?:b[oó]rr|elim[ií]n|qu[ií]t|s[aá]qu|ret[ií]r|supr[ií]m)\w*(?:me|nos|e|en|ar)?\b[^.\n]{0,30}\b(?:lista|base|correos?|datos|direcci[óo]n|env[íi]os|mailing)|\bdej(?:e|en|a|ad|ar)\b (?:de )[^.\n]{0,25}(?:escrib|envia|enviar|mandar|contact|molest)\w*|\bno (?:me |nos )?(?:vuelva[ns]? a |quiero |deseo |queremos |deseamos )?(?:escrib\w*|env[íi]\w*|mand\w*|contact\w*|molest\w*|recibir|seguir recib\w*)\b(?:[^.\n]{0,20}\b(?:m[áa]s|correos?|mails?|mensajes?)\b)?|\bno m[áa]s (?:correos?|e-?mails?|mails?|mensajes)|\bcancel(?:ar|en|e) (?:mi |la )?suscripci[óo]n|\bd[ée]j\w*(?:me|nos) en paz\b|\brgpd\b|\blopd\w*|\bno autori[zc]\w+",
    r"\b(?:remov|retir|exclu|apag|elimin|tir)\w*[- ]?(?:me|nos|o meu|meu|os meus|meus|minha)?\b[^.\n]{0,30}\b(?:lista|base|dados|e-?mails?|mailing|contactos?|cadastro|endereço)|\bdescadastr\w*|\bdesinscrev\w*|\bcancelar (?:a )?(?:inscri|subscri)\w*|\bpar(?:e|em|ar)\b (?:de )?[^.\n]{0,20}(?:envi|mand|escrev|contact|e-?mail)\w*|\bn[ãa]o (?:me |nos )?(?:quero |desejo |queremos )?(?:enviem?|mandem?|escrevam?|contact\w+|receber|incomod\w+)\b|\bn[ãa]o (?:quero|desejo)[^.\n]{0,20}(?:receber|e-?mails?)|\bdeix\w+[- ](?:me|nos) em paz\b|\blgpd\b|\bsem mais e-?mails\b",
    r"\b(?:cancell|rimuov|elimin|tog[lt])\w*\b[^.\n]{0,30}\b(?:mi\b|lista|mailing|database|dati|indirizzo|contatt\w+|newsletter|iscrizione)|\b(?:cancellatemi|cancellami|rimuovetemi|rimuovimi|disiscri\w*|disiscrivetemi|toglietemi|toglimi|eliminatemi)\b|\bnon (?:mi |ci )?(?:voglio|vogliamo|desidero)?\s?(?:pi[ùu] )?(?:scriv\w*|contatt\w*|invi\w*|mand\w*|disturb\w*|ricevere)\b[^.\n]{0,15}(?:pi[ùu]|mail|email|messaggi|comunicazioni)?|\bbasta (?:e-?mail|mail|messaggi|spam)\b|\bsmett\w+(?:la|tela)?\b[^.\n]{0,25}(?:scriv|mand|invi|mail|spam|disturb)\w*|\blasci\w+(?:mi|ci) in pace\b|\bnessun(?:a)? (?:altra|ulteriore) (?:e-?mail|mail|comunicazione)|\bgarante (?:della )?privacy\b",
    # Dutch, Polish, Czech
    r"\b(?:uitschrijven|afmelden|schrijf (?:me|mij|ons)[^.\n]{0,10} uit|meld (?:me|mij|ons)[^.\n]{0,10} af)\b|\b(?:verwijder|haal|schrap|wis)\w*\b[^.\n]{0,30}\b(?:mij|me|ons|lijst|adres|gegevens|bestand|mailinglijst)|\bgeen (?:e-?mails?|mails?|berichten|nieuwsbrieven)\b(?: meer)?|\b(?:schrijf|mail|stuur|benader|contacteer)\w*\b[^.\n]{0,15}\bniet (?:meer|langer)\b|\bniet (?:meer|langer) (?:mailen|schrijven|benader\w*|contact\w*|lastig)|\bstop (?:met|hiermee|ermee)\b|\blaat (?:me|mij|ons) met rust\b|\bavg\b[^.\n]{0,40}(?:verwijder|verzoek)",
    r"\bwypisa\w*\b|\bwypisz\w*\b|\b(?:usu[nń]\w*|skasow\w*|wykre[śs]l\w*)\b[^.\n]{0,40}\b(?:mnie|nas|list\w*|adres\w*|dan\w+|baz\w*)|\b(?:mnie|nas|adres\w*|dan\w+)\b[^.\n]{0,15}\busun\w*|\bnie (?:pisa\w*|pisz\w*|wysy[łl]a\w*|kontaktow\w*|przysy[łl]a\w*)\b|\b(?:prosz[ęe] )?(?:ju[żz] )?(?:wi[ęe]cej )?(?:do mnie |do nas )?nie (?:pisać|pisz|pisz\w+|wysyłać)|\bnie (?:życz[ęe]|chc[ęe]|chcemy) (?:sobie )?(?:otrzymywa\w*|wi[ęe]cej|wiadomo\w*|maili)|\b(?:prosz[ęe] )?(?:przesta[nń]\w*|zaprzesta\w*)\b|\bdajcie mi spok[óo]j\b|\brodo\b|\bkoniec z mailami",
    r"\b(?:odhl[áa]s\w*|vy[řr]a[ďd]\w*|vyma[žz]\w*|odstra[ňn]\w*)\b|\bu[žz] (?:mi |n[áa]m )?nepi[šs]\w*|\bnepi[šs]te (?:mi|n[áa]m)\b|\bneposílejte\b|\bnekontaktujte\b|\b[žz][áa]dn[ée] (?:dal[šs][íi] )?(?:e-?)?maily\b|\bp[řr]esta[ňn]te\b|\bnechte m[ěe] (?:b[ýy]t|na pokoji)",
    # Scandinavian, Finnish, Hungarian, Romanian, Turkish, Greek
    r"\b(?:avregistrer\w*|avprenumerer\w*|avanm[äa]l\w*|avsluta prenumeration)\b|\b(?:ta|tag|radera|stryk|plocka)\b[^.\n]{0,25}\b(?:bort|mig|min|lista\w*|adress|uppgifter)\b|\b(?:sluta|upph[öo]r)\b[^.\n]{0,25}(?:skick\w*|mejl\w*|maila?\w*|kontakt\w*|skriv\w*|spam\w*)|\binga (?:fler |mer )?(?:mejl|mail|e-?post\w*|utskick)|\b(?:kontakta|mejla|maila|skriv|skicka)\b[^.\n]{0,15}\b(?:inte|aldrig)\b[^.\n]{0,10}(?:mer|igen|l[äa]ngre)?|\bvill inte (?:ha|f[åa])\b[^.\n]{0,15}(?:mejl|mail|utskick)|\bl[äa]mna mig i fred\b",
    r"\b(?:afmeld\w*|frameld\w*|avmeld\w*|meld (?:mig|meg|os|oss) (?:af|fra|av))\b|\b(?:slet|fjern|slett|stryk)\w*\b[^.\n]{0,25}\b(?:mig|meg|min|mine|liste\w*|adresse|data|os|oss)\b|\b(?:stop|stopp|slutt)\b[^.\n]{0,20}(?:med|å|at|skriv|send|mail|kontakt)\w*|\bikke (?:flere|mere|mer) (?:mails?|e-?mails?|e-?poster?|henvendelser)|\bingen flere (?:mails?|e-?poster?|e-?mails?)|\b(?:skriv|kontakt|mail|send)\b[^.\n]{0,20}\bikke\b[^.\n]{0,10}(?:mere|mer|igen|lenger)|\blad mig v[æe]re i fred\b|\bla meg v[æe]re i fred\b",
    r"\b(?:poistakaa|poista)\b[^.\n]{0,30}|\blopet(?:a|takaa)\b[^.\n]{0,40}|\bperu(?:kaa|uta)?\b[^.\n]{0,15}tilau\w*|\b[äa]lk[äa]{2} (?:en[äa]{2} )?(?:l[äa]hett|kirjoit|ottako|l[äa]hest)\w*|\b[äa]l[äa] (?:en[äa]{2} )?(?:l[äa]het|kirjoi|ota)\w*|\bei en[äa]{2} (?:viestej|s[äa]hk[öo]post|posti)\w*|\bleiratkoz\w*|\bt[öo]r[öo]lj\w*\b[^.\n]{0,30}|\bne [íi]rj\w*\b|\bne k[üu]ldj\w*|\bdezabon\w*|\bnu (?:îmi |imi |m[ăa] )?(?:mai )?(?:scrie|trimite|contacta)\w*|\b[șs]terge\w*\b[^.\n]{0,20}(?:list|date|adres)"
    r"|\babonelikten\b[^.\n]{0,15}|\blisteden (?:ç[ıi]kar\w*|sil\w*)|\b(?:bir daha|art[ıi]k)\b[^.\n]{0,20}(?:yazma|g[öo]nderme|ula[şs]ma|rahats[ıi]z etme)\w*|\b(?:e-?posta|mail|mesaj) (?:g[öo]ndermeyin|atmay[ıi]n|istemiyorum)|\bkvkk\b|\bdiagr[áa]ψτε\b|διαγρ[άα]ψτε|μην? (?:μου )?(?:ξανα)?(?:στ[έε][ίι]λ|γρ[άα]ψ)\w*|απεγγραφ",
    # Russian, Ukrainian
    r"\bотпи(?:с|ш)\w*|\b(?:удал|убер|исключ|вычеркн)\w*\b[^.\n]{0,40}(?:меня|нас|рассылк|адрес|данн|список|списк|баз)\w*|\b(?:больше )?не (?:пишите|присылайте|шлите|отправляйте|беспокойте|связывайтесь|звоните|надо (?:мне )?писать)\b|\bне (?:хочу|желаю|хотим) (?:больше )?(?:получать|ваш)\w*|\bпрекрат\w+\b|\bперестан\w+\b|\bхватит\b[^.\n]{0,20}|\bоставьте (?:меня|нас) в покое|\bспам\b|\bвидаліть\b|\bне пишіть\b|\bвідпишіть\b",
    # Japanese, Chinese, Korean, Arabic, Hebrew
    r"(?:配信|送信|メール|連絡|ご連絡|営業).{0,12}(?:停止|不要|お断り|やめて|止めて|中止|解除|お控え|送らないで|しないで)|(?:もう|今後|二度と).{0,16}(?:送らないで|連絡しないで|送信しないで|メールしないで|不要です|お控え|ご遠慮)|(?:リスト|名簿|メーリング).{0,8}(?:削除|外して|除外)|登録.{0,4}(?:解除|削除)|退会|迷惑(?:メール|です)",
    r"退订|退訂|取消订阅|取消訂閱|(?:不要|别|勿|請勿|请勿|停止|不想).{0,8}(?:再|继续)?.{0,6}(?:发|發|寄|联系|聯繫|打扰|打擾|骚扰|收到|邮件|郵件)|(?:从|把|將|将).{0,14}(?:名单|名單|列表|邮件列表).{0,6}(?:删|移|刪)|(?:删除|移除|刪除).{0,10}(?:我|邮箱|信息|数据|地址)|骚扰|垃圾邮件",
    r"(?:수신|구독).{0,4}(?:거부|취소|해지)|(?:더 ?이상|다시는|앞으로).{0,14}(?:보내지|연락하지|메일하지)|(?:메일|연락|이메일).{0,8}(?:보내지 ?마|그만|하지 ?마|중단)|(?:명단|목록|리스트).{0,8}(?:삭제|제외|빼)|إلغاء الاشتراك|أوقف\w*|لا ترسل\w*|הסר\w*|תסיר\w*|אל תשלח\w*",
)  # fmt: skip
_COMPILED = tuple(re.compile(pattern, _I | re.MULTILINE) for pattern in (*_ENGLISH, *_OTHER))
# What looks like the wish and is none: speaking of one's own lists, offering more, asking about the product.
_NOT_MEANT = re.compile(
    r"\b(?:our|my|their|your product's?) (?:own )?(?:unsubscribe|opt[- ]?out|unsubscribes?) (?:rate|link|process|list|page|flow)|\bunsubscribe (?:rate|link|management|feature|handling|page|flow)s?\b|\bhow (?:do|does) (?:you|your|it)\b[^.\n]{0,40}\b(?:unsubscribe|opt[- ]?out|gdpr|dsgvo|rgpd|spam)|\b(?:is|are) (?:it|you|this|the \w+) (?:gdpr|dsgvo|rgpd|ccpa)|\b(?:gdpr|dsgvo|rgpd|avg|rodo|kvkk|lgpd)[- ]?(?:compliant|compliance|konform\w*|conform\w*|ready|zgodn\w*)|\b(?:spam|junk) (?:folder|filter|box|ordner)|\bdon't (?:stop|hesitate)|\bin (?:my|the) spam\b|\bdossier spam\b|\bcarpeta de spam\b",
    _I,
)
# The footer of somebody's own mailings, addressed to its reader.
_FOOTER = re.compile(
    r"\bif you(?:'d| would|'ve)? ?(?:(?:do not|don't|no longer|wish|want|like|prefer|would|feel|have received|believe|decide)\b)[^.!\n]{0,60}\b(?:wish|want|like|prefer|receiv\w*|unsub\w*|stop|hear|opt)|\byou (?:can|may) (?:always |also |easily |safely )?(?:unsub|opt|stop)|\b(?:click|tap|visit|follow)\b[^.\n]{0,40}\b(?:to|here|link)\b[^.\n]{0,30}\b(?:unsub|opt|stop|remove)|\bto (?:unsubscribe|opt[- ]out|stop receiving)\b[^.\n]{0,40}\b(?:click|visit|reply|send|follow|go|use|please)|\bunsubscribe\b\W{0,4}(?:https?:|www\.|\$link|\||preferences)|\bwe(?:'d| would|'ll| will)? (?:be happy to |gladly )?remove you",
    _I,
)
_DATA_LAW = re.compile(r"^\W*(?:dsgvo|rgpd|lgpd|rodo|kvkk|lopd\w*|spam|спам|avg)\W*$", _I)


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence around [start, end) of the text, at most 200 letters each way."""
    before = re.split(r"[.!?\n](?=\s)|\n", text[max(0, start - 200) : start])[-1]
    return before + text[start:end] + re.split(r"[.!?\n](?:\s|$)", text[end : end + 200])[0]


def wish(text: str) -> str:
    """The words by which `text` (new text of a reply, in one line or many) asks to be left alone; '' if it does not."""
    text = " ".join(text.replace("’", "'").replace("`", "'").split(" "))[:5_000]
    for pattern in _COMPILED:
        for found in pattern.finditer(text):
            around = text[max(0, found.start() - 40) : found.end() + 40]
            words = found.group()
            if _FOOTER.search(_sentence(text, found.start(), found.end())):
                continue
            if _NOT_MEANT.search(around) or ("?" in around and _DATA_LAW.match(words)):
                continue
            return " ".join(words.split())[:80]
    return ""

"""What a reply wants, by words: few rules, each with its confidence and its reason; what none fits is `unsure`.

The strongest statement wins: a refusal or a wish to be left alone counts before any politeness around it.
"""

import re
from typing import NamedTuple

INTENTS = ("positive", "meeting", "question", "referral", "not_now", "not_interested", "opt_out", "unsure")


class Intent(NamedTuple):
    intent: str
    confidence: float  # 0 to 1; how often such words mean this, not a promise
    why: str


# (intent, confidence, pattern), strongest first. Spelling is that of hurried people: missing apostrophes, "plz", "u".
_RULES: tuple[tuple[str, float, str], ...] = (
    (
        "opt_out", 0.97,
        r"\bunsub(?:scribe)?\b(?!d)|\b(?:pl(?:ease|z|s) )?(?:remove|delete|take|drop) (?:me|us|my (?:e-?mail|address|name|data)|this address)\b(?! (?:to|through|up))"
        r"|\b(?:stop|quit|cease)\b[^.\n]{0,20}\b(?:e-?mail|mail|contact|messag|send|writ|spam|reach)\w*|\bopt(?:ing)?[ -]?(?:me )?out\b"
        r"|\b(?:do ?n[o']?t|don’t|never|do not)\b (?:ever )?(?:e-?mail|contact|message|write|spam)(?: to)? (?:me|us)\b|\bno more (?:e-?)?mails?\b|\btake me off\b|\boff (?:your|this|the) (?:mailing )?list\b"
        r"|\babmelden\b|\baustragen\b|keine (?:weiteren )?(?:e-?)?mails|\bd[ée]sabonne|\bd[ée]sinscri|ne (?:me|nous) (?:contactez|écrivez) plus|\bdar(?:me)? de baja|\bcancell?(?:ami|atemi)\b|\buitschrijven\b",
    ),
    (
        "referral", 0.85,
        r"\b(?:wrong|not the right|not the best|not the correct) (?:person|contact|department)\b|\b(?:please |plz )?(?:contact|reach out to|speak (?:to|with)|talk to|get in touch with|write to|ask) "
        r"(?:my (?:colleague|boss|manager|team)|our (?:cto|ceo|cfo|cmo|head|vp|director|team)|[A-Z][a-z]+ (?:[A-Z][a-z]+|instead|at|in|from))|\b(?:i(?:'ve|'ll| have| will)? ?)?(?:cc'?d|cc'?ing|looping in|copying in|(?<!look )(?<!looking )forward(?:ed|ing)?)\b[^.\n]{0,40}\b(?:to|my|our|colleague|team|[A-Z][a-z]+)"
        r"|\b(?:i )?(?:do ?n.?t|no longer) handle (?:this|that)|\b(?:handles|responsible for|in charge of) (?:this|that|these)\b|\bpass(?:ed|ing)? (?:this|it) (?:on )?to\b"
        r"|\bnicht (?:der|die) richtige ansprech|\bzuständig ist|\bwenden sie sich|\badressez-vous|\bcontacte con",
    ),
    (
        "not_now", 0.85,
        r"\bnot (?:right now|now|at (?:this|the) (?:time|moment|point|stage)|currently a priority|a priority|this (?:year|quarter|month)|the right time|yet|ready)\b"
        r"|\b(?:maybe|perhaps|try|check|reach out|contact|circle back|come back|get back|follow up|touch base|ping|talk|revisit|reconnect)\b[^.\n]{0,40}\b(?:later|next (?:quarter|year|month|fall|spring)|in (?:q[1-4]|a few|(?:two|three|six|\d+) (?:weeks|months)|january|february|march|april|may|june|july|august|september|october|november|december))\b"
        r"|\b(?:bad|not (?:a )?good) tim(?:e|ing)\b|\bno budget (?:this|until|right now|currently|for now)|\bbudget (?:is )?(?:frozen|freeze)|\btoo (?:busy|early)\b|\bin the future\b|\bnext (?:quarter|year)\b"
        r"|\b(?:momentan|derzeit|aktuell|zurzeit) (?:kein|nicht)|\bpas (?:pour l'instant|maintenant|le moment)|\bahora no\b|\bpor ahora no",
    ),
    (
        "not_interested", 0.9,
        r"\b(?:not|no|isn'?t|aren'?t|doesn'?t|don'?t|never|no longer) (?:really |at all |currently |a |an )?(?:be )?(?:int(?:e?re?)?st(?:ed|s)?\b|open to|pursuing|align|meet|fit\b|priority|something we|looking|seeking|shopping|relevant|(?:a )?(?:good )?(?:fit|match)|needed|useful|for us|for me|keen|considering|exploring|in (?:the )?market|going to)"
        r"|\bno(?:t)? (?:thanks?|thank you|thx|need|interest|plans?|desire|use)\b|^\W*no\W*$|\bno,? thanks?\b|\b(?:we|i)(?:'re| are|'m| am|re|'ve|ve| have)? (?:very |quite |perfectly )?(?:happy|satisfied|fine|good|set|covered|sorted|com+it+ed|locked in(?:to)?)\b(?! to)"
        r"|(?<!what we )(?<!what i )(?<!which we )(?<!that we )(?<!tools we )\balr[e]?[a]?dy (?:have|has|got|use|using|work(?:ing)? with|signed|cho(?:se|osen)|commit)|\b(?:do ?n[o']?t|don’t|do not|wont|won't|will not|cannot|cant|can't) (?:really )?(?:need|want|have (?:the |any |a )?(?:budget|need|use)|see (?:a|the|any|value)|require|think (?:this|it)|be (?:able|needing|moving|proceeding)|move|proceed|use|consider|fit|pursue)"
        r"|\b(?:we(?:'ll| will)? |i(?:'ll| will)? )?pass\b(?! (?:this|it|along|on))|\bgo(?:ing)? (?:in )?(?:a different|another) direction|\bchose(?:n)? (?:a|another|someone)|\bout of (?:our )?(?:budget|price)|\btoo expensive"
        r"|\bkein(?:en)? (?:interesse|bedarf)|\bnicht interessiert|\bpas intéress|\bno (?:me|nos) interesa|\bnon (?:sono|siamo) interessat|\bgeen interesse",
    ),
    (
        "meeting", 0.88,
        r"\b(?:let.?s|lets,*|can we|could we|shall we|happy to|want to|would like to|i.?d like to|love to|we could|pl(?:ease|z|s)|ready to)\b[^.\n?]{0,30}\b(?:meet|call|chat|sch?e?du?le?|book|set up|hop on|jump on|talk|speak|catch up|connect|demo|discuss)"
        r"|\b(?:book|schedu?le?|schdule|arrange|set ?up|have|do|see|get|join) (?:a |an |the |some |live |another )*(?:quick |short |brief |product |live |intro )*(?:meeting|call|demo|chat|time|session|discussion|walkthrough)\b"
        r"|\b(?:i(?:'m| am)|we(?:'re| are)) (?:free|available)\b|\b(?:works|suits) (?:for|me|us)\b|\bwhat time|\bwhen (?:are you|can we|could we|works)|\bsend (?:me |us |over )?(?:a |an |the |your )?(?:calendar|invite|slots?|availability)"
        r"|\b(?:monday|tuesday|wednesday|thursday|friday|tomorrow|next week|this week)\b[^.\n]{0,40}\b(?:at \d|\d ?(?:am|pm)|works|free|call|meet|morning|afternoon)|\blook(?:ing)? forward to (?:the |our |your |a )?(?:demo|call|meeting|talk|chat)"
        r"|\btermin (?:vereinbaren|machen)|\btelefonieren\b|\brendez-vous\b|\breuni[óo]n\b",
    ),
    (
        "positive", 0.85,
        r"\b(?:very |really |definitely |quite |i.?m |im |we.?re |am |are |be )(?:very )?(?:int(?:e?re?)?s?ted|intrigued|keen|excited|eager|curious|on board|sold|impressed|thrilled)\b|\b(?:sounds?|looks?|seems?|is|this) (?:very |really |super |so )?(?:good|great|interesting|intresting|amazing|perfect|promising|awesome|fantastic|excellent|exciting|valuable|impressive|useful|like a (?:great |good )?fit)"
        r"|\b(?:tell me|send (?:me|us|over)?|share|want|like|love|need|learn|know) (?:\w+ ){0,3}more\b|\b(?:pl(?:ease|z|s) )?send (?:me |us |over |the |your |a |more )*(?:details|info\w*|contract|proposal|quote|pricing|specs|deck|materials?|brochure|case stud\w+|over)"
        r"|\bgame.?changer\b|\b(?:count me|count us|i.?m|we.?re|im) in\b|\bexactly what (?:we|i)|\blet.?s (?:do it|proceed|move forward|go ahead|get started|start|go|explore|try)|\byes\b|\bsure\b|\b(?:would|id|i'd|we'd) (?:love|like) (?:to|it)"
        r"|\blook(?:ing)? forward\b|\bgerne\b|\binteressiert\b|\bklingt (?:gut|interessant|spannend)|\b(?:très )?intéress|\bme interesa\b|\binteressant\b",
    ),
    (
        "question", 0.8,
        r"\?|\b(?:can|could|would|will) (?:you|u|ya) (?:please |pls |plz |kindly )?(?:send|share|explain|clarify|provide|tell|give|confirm|describe|elaborate|help)|^\W*(?:how|what|which|who|where|when|why|does|do you|is there|are there|is it|pl(?:ease|z|s) (?:clarify|explain|provide|share|confirm|advise))\b"
        r"|\b(?:wondering|curious) (?:if|how|what|whether|about)|\bhow (?:much|does|do|long|many)\b|\bquestions? (?:about|on|regarding)",
    ),
)  # fmt: skip
_COMPILED = tuple((name, sure, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for name, sure, pattern in _RULES)
_UNDECIDED = re.compile(
    r"\b(?:check|review|discuss|confirm|consult|talk|run)\b[^.\n]{0,20}\b(?:with|w/|by|past)\b|\bget back to (?:you|u)\b|\bneed (?:more )?time\b|\bthink (?:about|it over)\b|\blet (?:you|u) know\b",
    re.IGNORECASE,
)


def classify_reply(text: str, subject: str = "") -> Intent:
    """The intent of the *new* text of a reply. A short subject counts only where there is no text."""
    words = " ".join((text.strip() or subject).replace("’", "'").split())[:5_000]
    if not words:
        return Intent("unsure", 0.0, "the reply has no text of its own")
    found = [(name, sure, match) for name, sure, pattern in _COMPILED if (match := pattern.search(words))]
    if not found:
        if _UNDECIDED.search(words):
            return Intent("unsure", 0.5, "they will come back after talking to others")
        return Intent("unsure", 0.2, "no rule fits the words")
    name, sure, match = found[0]
    if name in ("meeting", "positive") and words.rstrip().endswith("?") and not _offers(words, found):
        name, sure, match = next((item for item in found if item[0] == "question"), found[0])
    against = {other for other, _, _ in found[1:]} & (_OPPOSED.get(name, set()))
    if against:
        sure = round(sure - 0.25, 2)
    return Intent(name, sure, f"the words “{' '.join(match.group().split())[:80]}”")


_OPPOSED = {
    "positive": {"not_interested", "not_now", "opt_out"},
    "not_interested": {"positive", "meeting"},
    "not_now": {"positive", "meeting"},
    "referral": {"positive"},
}


def _offers(words: str, found: list[tuple[str, float, "re.Match[str]"]]) -> bool:
    """Whether a sentence that ends in "?" still proposes a meeting or says yes ("shall we talk on Monday?")."""
    return any(name == "meeting" for name, _, _ in found) or bool(
        re.search(r"\byes\b|\binterested\b|sounds (?:good|great)", words, re.IGNORECASE)
    )

"""What a reply wants: rules, each with its confidence and its reason, and a local embedding model where no rule is sure.

The strongest statement wins: a wish to be left alone counts before everything (opt_out.py), a refusal before the politeness
around it. What neither rules nor model can tell is `unsure`, and a person decides.
"""

import re
from typing import NamedTuple

from . import intent_model
from .opt_out import wish

INTENTS = ("positive", "meeting", "question", "referral", "not_now", "not_interested", "opt_out", "unsure")


RULES, MODEL, PERSON = "rules", "model", "person"


class Intent(NamedTuple):
    intent: str
    confidence: float  # 0 to 1; how often such words mean this, not a promise
    why: str
    by: str = RULES  # who decided: RULES (also where the model agrees) or MODEL


# (intent, confidence, pattern), strongest first. Spelling is that of hurried people: missing apostrophes, "plz", "u".
_RULES: tuple[tuple[str, float, str], ...] = (
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
        r"|\bnot\b[^.\n]{0,30}\b(?:before|until|till) (?:q[1-4]|next|january|february|march|april|may|june|july|august|september|october|november|december|the (?:new|end|summer|fall|autumn|spring)|spring|summer|autumn|fall|20\d\d)|\b(?:ping|try|contact|e-?mail|write|call|ask|reach|catch|drop|note|talk|look|revisit|back|touch|note|us|me|again)\b[^.\n]{0,40}\b(?:in|after|from|next) (?:a (?:month|few)|(?:early |mid |late )?(?:january|february|march|april|may|june|july|august|september|october|november|december)|(?:the )?(?:spring|summer|autumn|fall|winter|new year|holidays))\b|\b(?:bad|not (?:a )?good) tim(?:e|ing)\b|\bno budget (?:this|until|right now|currently|for now)|\bbudget (?:is )?(?:frozen|freeze)|\btoo (?:busy|early)\b|\bin the future\b|\bnext (?:quarter|year)\b"
        r"|\b(?:momentan|derzeit|aktuell|zurzeit) (?:kein|nicht)|\bpas (?:pour l'instant|maintenant|le moment)|\bahora no\b|\bpor ahora no",
    ),
    (
        "not_interested", 0.9,
        r"\b(?:not|no|isn'?t|aren'?t|doesn'?t|don'?t|never|no longer) (?:really |at all |currently |a |an )?(?:be )?(?:int(?:e?re?)?st(?:ed|s)?\b|open to|pursuing|align|meet|fit\b|priority|something we|looking|seeking|shopping|relevant|(?:a )?(?:good )?(?:fit|match)|needed|useful|for us|for me|keen|considering|exploring|in (?:the )?market|going to)"
        r"|\bno(?:t)? (?:thanks?|thank you|thx|need|interest|plans?|desire|use)\b|^\W*no\W*$|\bno,? thanks?\b|\b(?:we|i)(?:'re| are|'m| am|re|'ve|ve| have)? (?:very |quite |perfectly )?(?:happy|satisfied|fine|good|set|covered|sorted|com+it+ed|locked in(?:to)?)\b(?! to)"
        r"|(?<!what we )(?<!what i )(?<!which we )(?<!that we )(?<!tools we )\balr[e]?[a]?dy (?:have|has|got|use|using|work(?:ing)? with|signed|cho(?:se|osen)|commit)|\b(?:do ?n[o']?t|don’t|do not|wont|won't|will not|cannot|cant|can't) (?:really )?(?:need|want|have (?:the |any |a )?(?:budget|need|use)|see (?:a|the|any|value)|require|think (?:this|it)|be (?:able|needing|moving|proceeding)|move|proceed|use|consider|fit|pursue)"
        r"|\b(?:went|gone|going|go) with (?:a competitor|another|someone else|a different|one of your competitors)|\bgot (?:this|it|that) (?:covered|sorted|handled)|\b(?:covered|handled|done|do (?:this|that|it|all this)|manage this) (?:internally|in[- ]house|ourselves)|\bwasn'?t (?:for us|a fit|right for us)|\b(?:we(?:'ll| will)? |i(?:'ll| will)? )?pass\b(?! (?:this|it|along|on))|\bgo(?:ing)? (?:in )?(?:a different|another) direction|\bchose(?:n)? (?:a|another|someone)|\bout of (?:our )?(?:budget|price)|\btoo expensive"
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
        "question", 0.86,
        r"^\W*(?:(?:hi|hello|hey|thanks|thank you|ok(?:ay)?|great|sure)[^.!?\n]{0,20}[,.!] ?)?(?:(?:pl(?:ease|z|s)|kindly|can you|could you|can u|could u|would you) )*(?:send|share|provide|forward|give|e-?mail|submit|attach)(?: (?:me|us|over|across|through|the|a|an|your|some|any|more|full|latest|us the|me the|me a|us a))* (?:\w+ ){0,3}(?:pric\w+|costs?|quot\w+|estimate\w*|rates?|case stud\w+|references?|testimonials?|documentation|documents?|docs|spec\w*|guide\w*|manuals?|brochures?|datasheets?|data sheets?|roadmap\w*|comparison\w*|terms|breakdown|tiers?|plans?|timeline\w*|features?|videos?|recording\w*|samples?|sla|white ?papers?|links?|one.?pager|catalog\w*|credentials|certificat\w+|structure|list)\b"
        r"|\b(?:i(?:'ll|ll| will)?|we(?:'ll|ll| will)?) (?:would )?need (?:\w+ ){0,2}(?:details|info\w*|clarification|data|specifics|clarity)\b",
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
    """The intent of the *new* text of a reply by rules alone. A short subject counts only where there is no text."""
    return _by_rules(_words(text, subject))[0]


def understand(text: str, subject: str = "") -> tuple[Intent, dict[str, float]]:
    """(intent, the model's scores or {}) of the *new* text of a reply: by rules where they are sure, else with the model."""
    words = _words(text, subject)
    ruled, families = _by_rules(words)
    if not words or ruled.intent == "opt_out" or (ruled.confidence >= _SURE and len(families) == 1):
        return ruled, {}
    scores = intent_model.scores(words)
    if not scores:
        return ruled, {}
    return _weighed(ruled, families, scores), scores


def _words(text: str, subject: str) -> str:
    return " ".join((text.strip() or subject).replace("’", "'").split())[:5_000]


def _by_rules(words: str) -> tuple[Intent, set[str]]:
    """(what the rules say, every intent some rule speaks for)."""
    if not words:
        return Intent("unsure", 0.0, "the reply has no text of its own"), set()
    leave = wish(words)
    if leave:
        return Intent("opt_out", 0.97, f"the words “{leave}”"), {"opt_out"}
    found = [(name, sure, match) for name, sure, pattern in _COMPILED if (match := pattern.search(words))]
    families = {name for name, _sure, _match in found}
    if not found:
        if _UNDECIDED.search(words):
            return Intent("unsure", 0.5, "they will come back after talking to others"), families
        return Intent("unsure", 0.2, "no rule fits the words"), families
    name, sure, match = found[0]
    if name in ("meeting", "positive") and words.rstrip().endswith("?") and not _offers(words, found):
        name, sure, match = next((item for item in found if item[0] == "question"), found[0])
    if families & _OPPOSED.get(name, set()):
        sure = round(sure - 0.25, 2)
    return Intent(name, sure, f"the words “{' '.join(match.group().split())[:80]}”"), families


def _weighed(ruled: Intent, families: set[str], scores: dict[str, float]) -> Intent:
    """Rules and model together: they agree, one of them speaks, or nobody is sure."""
    weight = {
        name: share + _RULE_WEIGHT * (name == ruled.intent) * ruled.confidence + _HINT * (name in families)
        for name, share in scores.items()
    }
    best = max(scores, key=lambda name: (weight[name], name))
    share = scores[best]
    leave, kinder = scores["opt_out"], families - {"not_interested", "not_now"}
    if leave >= _OPT_OUT_CERTAIN or (
        not kinder and (leave >= _OPT_OUT_SURE or (best == "opt_out" and leave >= _MODEL_SURE))
    ):
        return Intent("opt_out", leave, f"it reads like a wish to be left alone ({leave:.0%})", MODEL)
    if leave >= _OPT_OUT_NEAR and best != "not_interested":
        return Intent("unsure", 0.4, f"it may be a wish to be left alone ({leave:.0%})", MODEL)
    if best == ruled.intent:
        sure = round(min(0.98, 1 - (1 - ruled.confidence) * (1 - share)), 2) if share >= 0.3 else ruled.confidence
        return Intent(best, sure, f"{ruled.why}, and the model agrees ({share:.0%})" if share >= 0.3 else ruled.why)
    if share < _MODEL_SURE and not (best in families and share >= 0.35):
        return Intent(
            "unsure",
            round(share, 2),
            f"the model would say {best} ({share:.0%}), which is too little"
            + (f"; {ruled.why}" if ruled.intent != "unsure" else ""),
            MODEL,
        )
    against = f", against {ruled.why}" if ruled.intent != "unsure" else ""
    sure = round(share * (0.85 if against else 0.95), 2)
    return Intent(best, sure, f"the model says {best} ({share:.0%}){against}", MODEL)


_SURE = 0.9  # rules at or above this, alone, need no second opinion
_RULE_WEIGHT, _HINT = 0.35, 0.1
_MODEL_SURE = 0.5
_OPT_OUT_CERTAIN, _OPT_OUT_SURE, _OPT_OUT_NEAR = 0.9, 0.6, 0.25
_WELCOME = {"positive", "meeting"}
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

"""Words of other CRMs for channels, outcomes, stages, kinds: one table each, in several languages."""

import re
from functools import lru_cache
from typing import NamedTuple

from prospects.rules.normalise import Unusable, plain

# First line of each: names of the channel itself. Second: narrower words, kept as the second level beside it.
_CHANNELS: dict[str, tuple[str, str]] = {
    "email": (
        "email|e mail|mail|emails|e mails|emailing|email marketing|e mail marketing|courriel|correo|correo electronico",
        "cold email|cold mail|cold emails|cold outreach|outbound email|email outreach|email campaign|newsletter|mailing|"
        "mailshot|drip|email sequence|kaltmail|kaltakquise e mail|inbound email|outbound",
    ),
    "linkedin": (
        "linkedin|linked in|li",
        "linkedin outreach|linkedin message|linkedin messages|linkedin inmail|inmail|sales navigator|linkedin organic|"
        "linkedin post|social selling|linkedin connection",
    ),
    "phone": (
        "phone|telephone|telefon|telefono|tel|call|calls|calling|phone call|appel|anruf",
        "cold call|cold calls|cold calling|outbound call|outbound calling|telemarketing|telesales|phone inquiry|inbound call|"
        "kaltakquise|llamada|hotline",
    ),
    "content": (
        "content|content marketing|contenu|inhalte",
        "blog|blog post|whitepaper|white paper|ebook|e book|download|downloads|gated content|guide|lead magnet|case study|"
        "podcast|video|report|content download|resource",
    ),
    "seo": (
        "seo|organic search|organic|search|natural search",
        "google organic|google|bing|search engine|organisch|organique|naturel|google search|suchmaschine",
    ),
    "paid": (
        "paid|ppc|ads|advertising|paid media|advertisement|paid ads|werbung|anzeigen|publicite|publicidad|anzeige",
        "sem|sea|adwords|google ads|google adwords|paid search|paid social|facebook ads|meta ads|linkedin ads|bing ads|"
        "microsoft ads|display|display ads|retargeting|remarketing|cpc|sponsored|banner|online ads|search ads|print ad",
    ),
    "social": (
        "social|social media|organic social|reseaux sociaux|soziale medien|redes sociales|social networks",
        "facebook|twitter|x|instagram|tiktok|youtube|reddit|xing|whatsapp|telegram|quora",
    ),
    "webinar": (
        "webinar|webinars|webinaire|webinario",
        "online event|virtual event|webcast|online seminar|online demo",
    ),
    "event": (
        "event|events|veranstaltung|evenement|evento",
        "trade show|tradeshow|trade fair|conference|fair|messe|expo|exhibition|salon|meetup|booth|seminar|seminar internal|"
        "seminar partner|in person event|feria|fiera|kongress|congress|workshop|roadshow|dinner",
    ),
    "direct_mail": (
        "direct mail|postal mail|letter|brief|post|courrier",
        "postcard|mailer|gift|gifting|parcel|print mailing",
    ),
    "referral": (
        "referral|referrals|referred|empfehlung|recommandation|recommendation|referencia|weiterempfehlung",
        "word of mouth|wom|customer referral|employee referral|external referral|parrainage|referred by customer|"
        "friend|network|networking|mundpropaganda|bouche a oreille|existing customer",
    ),
    "partner": (
        "partner|partners|partnership|partenaire|socio",
        "channel partner|reseller|affiliate|affiliates|agency partner|alliance|distributor|marketplace|integration partner",
    ),
    "direct": (
        "direct|direct traffic|direkt",
        "website|web|web site|site web|webseite|homepage|web form|webform|contact form|contact us|form|typed in|inbound|"
        "online|chat|live chat|demo request|landing page|kontaktformular|formulaire|trial|free trial|product signup|web demo",
    ),
    "other": (
        "other|others|misc|miscellaneous|sonstige|sonstiges|autre|autres|otro|otros|andere",
        "purchased list|list|pr|public relations|import|csv|tv|radio|list purchase",
    ),
    "unknown": ("unknown|n a|na|none|not set|unbekannt|inconnu|desconocido|null|not specified|undefined|tbd", ""),
}
CHANNELS = tuple(_CHANNELS)
_CHANNEL_OF = {word: (channel, narrow) for channel, (own, narrower) in _CHANNELS.items()
               for narrow, line in ((False, own), (True, narrower)) for word in line.split("|") if word}  # fmt: skip

_OUTCOMES: dict[str, str] = {
    "won": "won|closed won|close won|closedwon|win|deal won|gewonnen|gagne|gagnee|ganado|vinto|ganho|customer|client|kunde|signed|"
    "success|successful|converted|abgeschlossen gewonnen|conclu|yes",
    "lost": "lost|closed lost|close lost|closedlost|loss|deal lost|verloren|perdu|perdue|perdido|perso|failed|no decision|cancelled",
    "disqualified": "disqualified|disqualify|unqualified|not qualified|closed not converted|bad fit|no fit|not a fit|junk|spam|invalid|rejected|"
    "disqualifiziert|nicht qualifiziert|disqualifie|non qualifie|descalificado|dq|disq|bad timing disqualified|duplicate",
    "recycled": "recycled|recycle|nurture|nurturing|to nurture|back to nurture|back to marketing|returned to marketing|on hold|"
    "postponed|later|parked|zuruckgestellt|recycle e|recyclee|reciclado",
    "": "open|in progress|pending|active|none|n a|offen|ouvert|en cours|en curso|abierto|in bearbeitung|working|running|ongoing|null",
}
_STAGES: dict[str, str] = {
    "lead": "lead|new|new lead|raw|raw lead|subscriber|open|open not contacted|prospecting|prospect|contacted|attempted to contact|working|"
    "working contacted|cold|neu|nouveau|nuevo|unworked|inbound|connected|in progress|open deal|bad timing|assigned",
    "mql": "mql|marketing qualified lead|marketing qualified|marketingqualifiedlead|marketing qualifiziert|engaged lead",
    "accepted": "accepted|sal|sales accepted|sales accepted lead|salesacceptedlead|akzeptiert|accepte|aceptado",
    "sql": "sql|sales qualified lead|sales qualified|salesqualifiedlead|qualified|qualification|vertriebsqualifiziert|qualifiziert|qualifie|cualificado",
    "opportunity": "opportunity|opp|deal|engaging|engaged|proposal|proposal price quote|proposal sent|quote|quote sent|negotiation|"
    "negotiation review|negotiating|demo|demo scheduled|discovery|evaluation|evaluating|pilot|poc|verbal|contract sent|contract|"
    "appointment scheduled|appointmentscheduled|qualified to buy|qualifiedtobuy|presentation scheduled|presentationscheduled|"
    "decision maker bought in|decisionmakerboughtin|contractsent|needs analysis|value proposition|id decision makers|"
    "perception analysis|angebot|verhandlung|verkaufschance|opportunite|oportunidad|negociacion|negociation|meeting|commit",
    "customer": "customer|won|closed won|closedwon|win|kunde|client|cliente|gewonnen|gagne|ganado|evangelist|signed",
    "disqualified": "disqualified|unqualified|not qualified|closed not converted|bad fit|junk|spam|disqualifiziert|disqualifie|rejected",
    "recycled": "recycled|nurture|nurturing|recycle|on hold|back to marketing",
    "lost": "lost|closed lost|closedlost|loss|verloren|perdu|perdido",
}
_CLASSES = {
    "human": "human|person|real|manual|mensch|humain|true|valid",
    "automated": "automated|bot|machine|automatic|auto|scanner|crawler|automatisch|automatique|system|proxy",
    "unsure": "unsure|unknown|suspect|suspected|unclear",
}
_ACTIVITIES = {
    "touch": "touch|touchpoint|interaction|kontakt|contact|email|e mail|linkedin|ad|ads|content|social",
    "sent": "sent|email sent|e mail sent|send|outgoing email|outbound email|gesendet|envoye",
    "delivered": "delivered|email delivered|zugestellt",
    "opened": "opened|open|email open|email opened|geoffnet|ouvert",
    "clicked": "clicked|click|email click|email clicked|link click|geklickt|ad click|clic",
    "replied": "replied|reply|email reply|response|answered|incoming email|antwort|reponse|email replied",
    "bounced": "bounced|bounce|email bounce|email bounced",
    "unsubscribed": "unsubscribed|unsubscribe|opt out|optout|abgemeldet|desinscription",
    "complained": "complained|complaint|spam report|spam",
    "form_submitted": "form submitted|form|form submission|form fill|submission|demo request|formular|formulaire|download|signup|sign up",
    "page_viewed": "page viewed|page view|pageview|visit|website visit|session|besuch|visite|view|impression",
    "called": "called|call|phone call|phone|anruf|appel|llamada|outbound call",
    "linkedin_requested": "linkedin requested|linkedin request|connection request|invitation sent|linkedin invite",
    "linkedin_accepted": "linkedin accepted|connection accepted|connected|invitation accepted",
    "linkedin_sent": "linkedin sent|linkedin message|inmail|linkedin message sent|message",
    "linkedin_replied": "linkedin replied|linkedin reply|linkedin response",
    "meeting_booked": "meeting booked|meeting scheduled|booking|demo booked|termin gebucht",
    "meeting_held": "meeting held|meeting|demo|meeting attended|termin|rendez vous|reunion|webinar attended|attended|event",
    "meeting_missed": "meeting missed|no show|noshow|missed meeting",
    "note": "note|notes|comment|notiz|remarque",
}
_SPEND_KINDS = {
    "media": "media|ads|ad spend|advertising|paid media|media spend|werbung|publicite|medien|campaign|working",
    "people": "people|salary|salaries|staff|personnel|personal|labour|labor|headcount|wages|payroll|gehalter|salaires|team",
    "tools": "tools|tool|software|saas|tech|technology|licences|licenses|subscription|subscriptions|werkzeuge|outils|platform",
    "data": "data|lists|list purchase|enrichment|daten|donnees|databases|database",
    "content": "content|creative|production|design|copywriting|inhalte|contenu|translation",
    "agency": "agency|agencies|consulting|consultants|freelancer|freelancers|agentur|agence|services|contractor",
}
_PURPOSES = {
    "leads": "leads|lead generation|lead gen|demand|demand generation|performance|acquisition|demand gen|conversion",
    "awareness": "awareness|brand|branding|brand awareness|pr|image|marke|notoriete",
}


def _table(words: dict[str, str]) -> dict[str, str]:
    return {word: value for value, line in words.items() for word in line.split("|")}


OUTCOME_WORDS = _table(_OUTCOMES)
STAGE_WORDS = _table(_STAGES)
ACTIVITY_WORDS = _table(_ACTIVITIES)
CLASS_WORDS = _table(_CLASSES)
SPEND_KIND_WORDS = _table(_SPEND_KINDS)
PURPOSE_WORDS = _table(_PURPOSES)
STAGE_OF_OUTCOME = {"won": "customer", "lost": "lost", "disqualified": "disqualified", "recycled": "recycled"}
OUTCOME_OF_STAGE = {stage: outcome for outcome, stage in STAGE_OF_OUTCOME.items()}


class ChannelWord(NamedTuple):
    """A channel of design.md, the second level ("" if the word was the channel's own name), and whether it was known."""

    channel: str
    second: str
    known: bool = True


@lru_cache(maxsize=4096)
def channel(text: str) -> ChannelWord:
    """ "Google Ads" is (paid, Google Ads), "E-Mail" is (email, ""), "" is unknown; other words are (other, word), not known."""
    word = plain(text)
    if not word:
        return ChannelWord("unknown", "")
    if found := _CHANNEL_OF.get(word):
        return ChannelWord(found[0], " ".join(text.split()) if found[1] else "")
    first, *rest = re.split(r"\s*(?:[/|:>»]|\s[-–—]\s)\s*", text.strip(), maxsplit=1)
    if rest and (found := _CHANNEL_OF.get(plain(first))):
        return ChannelWord(found[0], " ".join(rest[0].split()) or " ".join(first.split()))
    return ChannelWord("other", " ".join(text.split()), known=False)


class OutcomeWord(NamedTuple):
    """won, lost, disqualified, recycled or "" (still open); `stage` where the word names an open stage."""

    outcome: str
    stage: str = ""


def outcome(text: str) -> OutcomeWord:
    """The outcome a word means. A word for an open stage ("Negotiation") means no outcome yet. Raises Unusable."""
    word = plain(text)
    if word in OUTCOME_WORDS:
        return OutcomeWord(OUTCOME_WORDS[word])
    if word in STAGE_WORDS:
        named = STAGE_WORDS[word]
        return OutcomeWord(OUTCOME_OF_STAGE.get(named, ""), "" if named in OUTCOME_OF_STAGE else named)
    raise Unusable(
        f'"{text[:40]}" is no outcome known here',
        f'Say what it means: --value "outcome:{text[:40]}=won" (or lost, disqualified, recycled, or nothing for open).',
    )


def stage(text: str) -> str:
    """The stage of design.md a word means. Raises Unusable."""
    return choice(
        text, STAGE_WORDS, "stage", "lead, mql, accepted, sql, opportunity, customer, disqualified, recycled, lost"
    )


def choice(text: str, words: dict[str, str], field: str, values: str) -> str:
    """The value of `words` for a cell. Raises Unusable with the `--value` that would settle it."""
    found = words.get(plain(text))
    if found is None:
        raise Unusable(
            f'"{text[:40]}" is no {field} known here',
            f'Say what it means: --value "{field}:{text[:40]}=..." with one of {values}.',
        )
    return found

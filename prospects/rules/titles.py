"""Names and job titles. Seniority and department come from a title by rules: English, and the usual words of German, French, Spanish, Italian,
Portuguese. The values are those of models.choices; "" means the title does not say."""

import re
from functools import lru_cache
from typing import NamedTuple

from prospects.rules.normalise import plain, word_set

HONORIFICS = word_set(
    "mr mrs ms miss mx dr prof herr frau fr hr m mme mlle monsieur madame sr sra srta senor senora sig dott ing dipl"
)
_PARTICLES = word_set("von van de der den del della di da du la le dos das ten ter zu zum zur af bin ibn al el st")

# The first rule that matches decides; each is a pattern over the plain title (lower case, no accents, single spaces).
_SENIORITY: tuple[tuple[str, str], ...] = (
    # Those who work for somebody of a rank do not hold it.
    ("staff", r"assistant (?:to|of)|assistent\w* (?:der|des)|executive assistant|personal assistant|office of the"
              r"|assistante? de direction|sekretar|secretar"),
    ("staff", r"intern(?:ship)?\b|trainee|praktikant|werkstudent|stagiaire|apprenti|azubi|becario|stagista|estagiario|working student"),
    ("founder", r"(?:co ?)?founder|(?:co ?)?owner(?! ?product)|(?:mit)?(?:be)?grunder|inhaber|fondateur|fondatrice|co ?fondat|fundador"
                r"|fondatore|titolare|proprietaire|propietari|proprietari|socio|^partner$|managing partner|general partner|senior partner|equity partner|gesellschafter"),
    ("head", r"chief of staff"),
    ("manager", r"teamleit|projektleit|gruppenleit|schichtleit"),
    ("vp", r"\b[se]?vp\b|\bavp\b|vice ?president|vizeprasident|vicepresident|vice presidente"),
    ("c_level", r"\b(?:c[efotmirpdcsalbx]o|ciso|chro)\b|chief\b.*\bofficer|chief (?:executive|technology|financial|marketing|revenue|product|people|data)"
                r"|\bpresident\b|presidente\b|president directeur|\bpdg\b|\bdg\b|geschaftsfuhr|vorstand|managing director"
                r"|direct(?:eur|rice) generale?|directora? general|diret(?:or|ora) geral|direttor\w+ generale|amministrator\w+ delegat"
                r"|consejer\w+ delegad|general manager|gerente general|gerant|c level|c suite"),
    ("head", r"\bhead\b|abteilungsleit|bereichsleit|hauptabteilungsleit|leiter(?:in)?\b|leitung|\blead(?:er)? of\b"
             r"|responsable (?:du )?departement|jefe de departamento|prokurist"),
    ("director", r"director|directeur|directrice|direktor|direttor|diretor|\bdir\b"),
    ("manager", r"manager|teamleit|gruppenleit|\w+leiter|\bmgr\b|supervisor|team lead|responsable|responsabile|gerente|\bjefe|\bjefa"
                r"|chef (?:de|d)\b|capo\b|coordinat|coordenad|koordinator|encargad|partner manager"),
    ("senior", r"\bsenior\b|\bsr\b|principal|\blead\b|staff (?:engineer|software|scientist)|expert|architect|specialist senior|\bfellow\b"),
    ("staff", r"\bjunior\b|\bjr\b|associate|analyst|engineer|developer|representative|specialist|consultant|assistant|clerk|designer"
              r"|executive\b|administrator|technician|entwickler|ingenieur|berater|sachbearbeit|referent|mitarbeiter|fachkraft|kauf(?:mann|frau)"
              r"|charge|conseiller|commercial\b|developpeur|tecnic|tecnico|analista|desarrollador|ingenier|programador|impiegato|\bsdr\b|\bbdr\b"
              r"|\bae\b|recruiter|accountant|buyer|entry|agent|business partner|counsel\b|scientist"),
)  # fmt: skip
_DEPARTMENT: tuple[tuple[str, str], ...] = (
    ("finance", r"\bcfo\b|financ|finanz|account(?:ing|ant|s payable)|controll(?:er|ing)|treasur|buchhalt|comptab|contab|\btax\b|audit|steuer|rechnungswesen"),
    ("marketing", r"\bcmo\b|marketing|brand|growth|demand gen|content|\bseo\b|communicat|kommunikation|\bpr\b|public relations|social media|mercadotecnia"),
    ("hr", r"\bchro\b|human resources|\bhr\b|people (?:and|operations|ops|officer|partner|manager)|chief people|talent|recruit|personal(?:leit|wesen|abteilung|referent)"
           r"|ressources humaines|\brh\b|recursos humanos|risorse umane|\bpeople\b"),
    ("legal", r"\bclo\b|legal|counsel|lawyer|attorney|jurist|rechts(?!rat)|juridique|avocat|compliance|privacy|datenschutz"),
    ("purchasing", r"\bcpo procurement|procure|purchas|buyer|einkauf|einkaufer|achats|acheteur|compras|acquisti|sourcing|beschaffung"),
    ("support", r"support|customer (?:success|service|care|experience)|kundendienst|kundenservice|service client|atencion al cliente|help ?desk|client success"),
    ("sales", r"\bcro\b|\bsales\b|vertrieb|verkauf|account (?:executive|manager|director)|key account|business development|\bbdr\b|\bsdr\b|\bae\b|revenue"
              r"|commercial|comercial|commerciale|ventes|ventas|vendite|vendas|aussendienst|partnership|channel manager|pre ?sales"),
    ("it", r"\bcio\b|\bciso\b|\bit\b|information (?:technology|security|systems)|infrastructure|sys ?admin|system admin|network|cyber|security|informatik|informatique"
           r"|informatica|sistemas|edv|cloud|devops|database|\bdba\b|\berp\b"),
    ("product", r"\bcpo\b|product (?:manager|owner|director|lead|marketing|design|management|officer)|head of product|of product|vp product|\bux\b|\bui\b|produkt(?:manag|leit)|chef de produit|^product$"),
    ("engineering", r"\bcto\b|engineer|software|developer|entwickl|technical|technology|r ?(?:and )?d\b|research|data scien|machine learning|architect|ingenieur|technik"
                    r"|developpeur|ingenier|ingegner|desarroll|tecnic|techni|\bqa\b|konstruk|scientist|forschung"),
    ("operations", r"\bcoo\b|operat|logist|supply|production|produktion|manufactur|fertigung|werkleit|plant|quality|qualitat|facilit|project|projekt|projet|betrieb|process|warehouse|lager"),
    ("executive", r"\bceo\b|founder|owner|president|geschaftsfuhr|vorstand|inhaber|grunder|managing director|managing partner|general manager|direct(?:eur|rice) general"
                  r"|directora? general|diret(?:or|ora) geral|direttor\w+ generale|amministrator\w+ delegat|\bpdg\b|gerant|chairman|board|fondat|fundador|chief executive|c suite"
                  r"|gesellschafter|titolare|consejer\w+ delegad|chief of staff"),
)  # fmt: skip
_SENIORITY_RULES = tuple((value, re.compile(pattern)) for value, pattern in _SENIORITY)
_DEPARTMENT_RULES = tuple((value, re.compile(pattern)) for value, pattern in _DEPARTMENT)
_WORDS = {
    "owner": "founder", "partner": "founder", "founder": "founder", "c suite": "c_level", "cxo": "c_level", "c level": "c_level",
    "executive": "c_level", "vp": "vp", "head": "head", "director": "director", "manager": "manager", "senior": "senior",
    "entry": "staff", "intern": "staff", "junior": "staff", "staff": "staff", "training": "staff", "individual contributor": "staff",
}  # fmt: skip


class Role(NamedTuple):
    """What a title says: values of Seniority and Department, "" where it says nothing."""

    seniority: str
    department: str


@lru_cache(maxsize=16384)
def role(title: str) -> Role:
    """ "VP of Sales" is (vp, sales), "Leiterin Einkauf" (head, purchasing), "Account Executive" (staff, sales)."""
    text = plain(title)
    # "Product Owner" owns no company; the function of a chief comes before the rank in the department's rules.
    ranked = text.replace("product owner", "product specialist").replace("process owner", "process specialist")
    return Role(_first(_SENIORITY_RULES, ranked), _first(_DEPARTMENT_RULES, text))


def seniority_word(text: str) -> str:
    """The level an export's own seniority column names ("C suite", "Entry"); else what the words would say in a title."""
    word = plain(text)
    return _WORDS.get(word) or _first(_SENIORITY_RULES, word)


def department_word(text: str) -> str:
    """The department an export's own column names; "other" where it names one that is none of ours."""
    word = plain(text.split(",")[0].split(";")[0])
    return (_first(_DEPARTMENT_RULES, word) or "other") if word else ""


def is_honorific(text: str) -> bool:
    """Mr, Ms, Dr, Herr, Mme and their like: what some exports call a title."""
    words = plain(text).split()
    return bool(words) and all(word in HONORIFICS for word in words)


def split_name(text: str) -> tuple[str, str]:
    """First and last name: "Ana Maria de la Cruz" is (Ana Maria, de la Cruz), "Cruz, Ana" is (Ana, Cruz)."""
    if "," in text:
        last, _, first = text.partition(",")
        return " ".join(first.split()), " ".join(last.split())
    words = text.split()
    while len(words) > 1 and plain(words[0]) in HONORIFICS:
        words.pop(0)
    if len(words) < 2:
        return "".join(words), ""
    cut = len(words) - 1
    while cut > 1 and words[cut - 1].casefold() in _PARTICLES:
        cut -= 1
    return " ".join(words[:cut]), " ".join(words[cut:])


def _first(rules: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((value for value, pattern in rules if pattern.search(text)), "")

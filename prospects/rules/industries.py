"""LinkedIn's industry tree (version 2), and which of its codes the industry words of other programs mean."""

import difflib
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from prospects.rules.normalise_text import plain

_TREE = Path(__file__).with_name("industries_linkedin.txt")
# code -> words: names of LinkedIn's first version, GICS sectors and sub-industries, and what CRMs and people write.
_ALIASES: dict[int, str] = {
    4: "computer software|software|saas|application software|systems software|software development|softwareentwicklung|logiciels|"
    "information technology software|enterprise software|b2b software|desarrollo de software|software as a service",
    6: "internet|internet services|online|web|interactive media services|internet services infrastructure",
    96: "information technology and services|information technology services|it consulting|it services|it consulting other services|"
    "it|informatik|informatique|it dienstleistungen|tecnologia de la informacion|information technology services and consulting",
    1594: "technology|tech|information technology|communication services|media and technology|it and technology|technologie",
    118: "computer network security|cybersecurity|cyber security|information security|it security",
    80: "marketing and advertising|advertising|marketing|advertising agency|werbung|publicite|digital marketing|advertising services",
    98: "public relations and communications|public relations|pr",
    11: "management consulting|consulting|business consulting|unternehmensberatung|conseil|consultoria|human resource employment services",
    43: "financial services|finance|financials|fintech|finanzen|finanzdienstleistungen|services financiers|servicios financieros|"
    "transaction payment processing services|consumer finance|financial exchanges data|multi sector holdings",
    41: "banking|banks|bank|diversified banks|regional banks|banken|banque|banca",
    42: "insurance|property casualty insurance|life health insurance|multi line insurance|reinsurance|versicherung|assurance|seguros|"
    "insurance brokers",
    46: "investment management|asset management|asset management custody banks",
    45: "investment banking|investment banking brokerage",
    106: "venture capital private equity|venture capital|private equity|vc",
    47: "accounting|buchhaltung|comptabilite|contabilidad",
    14: "hospital health care|health care|healthcare|health|gesundheitswesen|sante|salud|health care services|health care facilities|"
    "managed health care|life sciences",
    12: "biotechnology|biotech|biotechnologie|life sciences tools services",
    15: "pharmaceuticals|pharma|pharmaceutical|pharmazie",
    17: "medical devices|medical device|health care equipment|health care supplies|medizintechnik|medtech",
    13: "medical practice",
    25: "manufacturing|industrials|industrial|production|produktion|fertigung|fabrication|industria|industrie|industrial conglomerates",
    55: "machinery|industrial machinery|maschinenbau|mechanical or industrial engineering|industrial machinery supplies components|"
    "construction machinery heavy transportation equipment|agricultural farm machinery",
    53: "automotive|automobile|automobile manufacturers|automobilindustrie|automobil|motor vehicles",
    1042: "automotive parts equipment|auto parts",
    52: "aviation aerospace|aerospace",
    1: "defense space|aerospace defense|defense|defence",
    7: "semiconductors|semiconductor|semiconductor materials equipment|halbleiter",
    3: "computer hardware|hardware|technology hardware storage peripherals",
    24: "electrical electronic manufacturing|electronics|electronic components|electronic equipment instruments|elektronik",
    54: "chemicals|chemical|materials|commodity chemicals|specialty chemicals|diversified chemicals|chemie|chimie|industrial gases",
    23: "food production|food|packaged foods meats|lebensmittel|agroalimentaire",
    142: "food beverages|beverages|soft drinks non alcoholic beverages|brewers|distillers vintners|soft drinks",
    60: "textiles|textile",
    19: "apparel fashion|fashion|apparel retail|apparel accessories luxury goods|mode",
    26: "furniture|mobel|meubles",
    27: "retail|einzelhandel|commerce de detail|commerce|comercio minorista|handel|broadline retail|e commerce|ecommerce|consumer discretionary|"
    "other specialty retail|consumer staples merchandise retail",
    22: "supermarkets|groceries|food retail|grocery",
    133: "wholesale|grosshandel|commerce de gros|distributors|food distributors|technology distributors",
    134: "import and export|import export|international trade and development",
    44: "real estate|immobilien|immobilier|bienes raices|inmobiliaria|real estate services|reits",
    48: "construction|bau|bauwesen|baugewerbe|btp|construccion|construction engineering|homebuilding|building",
    51: "civil engineering",
    50: "architecture planning|architecture",
    56: "mining metals|mining|steel|gold|bergbau",
    57: "oil energy|oil gas|energy|oil and energy|integrated oil gas|oil gas exploration production|energie|petroleo|"
    "oil gas storage transportation|oil gas equipment services|oil gas refining marketing",
    59: "utilities|utility|versorger|electric utilities|multi utilities|gas utilities|water utilities",
    3240: "renewables environment|renewable energy|solar|erneuerbare energien",
    116: "transportation trucking railroad|transportation|logistics and supply chain|logistics|transport|logistik|logistique|logistica|"
    "air freight logistics|supply chain",
    92: "trucking|cargo ground transportation",
    94: "airlines aviation|airlines|passenger airlines|aviation",
    93: "warehousing",
    87: "package freight delivery",
    8: "telecommunications|telecom|telekommunikation|telecoms|integrated telecommunication services|wireless telecommunication services|telco",
    1999: "education|bildung|enseignement|educacion|education management|education services|edtech",
    68: "higher education|university|hochschule",
    67: "primary secondary education|schools|k 12",
    132: "e learning|elearning|online education",
    105: "professional training coaching|training|coaching|weiterbildung",
    104: "staffing and recruiting|staffing|recruiting|personalvermittlung|personaldienstleistung|recrutement|recruitment",
    137: "human resources|hr|personalwesen|ressources humaines|recursos humanos",
    1810: "professional services|business services|dienstleistungen|services|diversified support services",
    10: "legal services|legal|recht|juridique",
    9: "law practice|law firm|law|rechtsanwalte|anwalt|avocats",
    70: "research|forschung|recherche|research consulting services",
    97: "market research|marktforschung",
    99: "design|graphic design",
    31: "hospitality|hotels|gastgewerbe|hotellerie|hoteleria|hotels resorts cruise lines|leisure travel tourism hospitality",
    32: "restaurants|restaurant|gastronomie|gastronomia|restauracion",
    30: "leisure travel tourism|travel|tourism|tourismus|tourisme|turismo",
    28: "entertainment|unterhaltung|movies entertainment|freizeit",
    126: "media production|media|medien|medios",
    36: "broadcast media|broadcasting",
    82: "publishing|verlag|edition",
    81: "newspapers",
    109: "computer games|gaming|video games|interactive home entertainment",
    33: "sports|sport",
    100: "nonprofit organization management|non profit|nonprofit|ngo|gemeinnutzig|association|non profit organization management",
    75: "government administration|government|public sector|offentliche verwaltung|offentlicher dienst|administration publique|gobierno",
    63: "farming|agriculture|landwirtschaft|agricultura|agricultural products services",
    201: "forestry|ranching",
    86: "environmental services|umwelt|environmental facilities services",
    122: "facilities services|facility management",
    121: "security and investigations|security",
    91: "consumer services|individual family services",
}


class Industry(NamedTuple):
    """A code of the tree, its label, and the labels above it, the broadest first."""

    code: int
    label: str
    above: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """ "Manufacturing > Machinery Manufacturing"."""
        return " > ".join((*self.above, self.label))


@cache
def tree() -> dict[int, Industry]:
    """Every industry by its code, in the tree's order."""
    found: dict[int, Industry] = {}
    above: list[str] = []
    for line in _TREE.read_text("utf-8").splitlines():
        if not line.startswith("#") and line.strip():
            code, _, label = line.strip().partition("|")
            above = above[: (len(line) - len(line.lstrip())) // 2]
            found[int(code)] = Industry(int(code), label, tuple(above))
            above.append(label)
    return found


def _key(text: str) -> str:
    return " ".join(word for word in plain(text).split() if word not in ("and", "und", "et", "y", "e", "the"))


@cache
def _names() -> dict[str, int]:
    names = {_key(industry.label): code for code, industry in tree().items()}
    for code, line in _ALIASES.items():
        for word in line.split("|"):
            if word and code in tree():
                names.setdefault(_key(word), code)
    return names


@lru_cache(maxsize=4096)
def industry(text: str) -> Industry | None:
    """The industry a word means: a code, a label, a name of LinkedIn's first version, a GICS sector, words of people. None
    where it is none of them: nothing is forced into the tree."""
    raw = text.strip()
    if raw.isdecimal() and len(raw) < 9:  # "²" is a digit, and no number
        return tree().get(int(raw))
    word = _key(raw.rsplit(">", 1)[-1])
    if not word:
        return None
    names = _names()
    code = names.get(word)
    if code is None and len(word) > 6:
        near = difflib.get_close_matches(word, names, n=1, cutoff=0.92)
        code = names[near[0]] if near else None
    return tree()[code] if code is not None else None

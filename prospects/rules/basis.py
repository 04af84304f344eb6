"""Words of lawful bases: what the GDPR knows (article 6), as suggestions, and other ways people write them."""

# Of article 6 (1), in its order; the first two are what sales teams mean.
SUGGESTED = (
    "Consent",
    "Legitimate interest",
    "Contract",
    "Legal obligation",
    "Public task",
    "Vital interests",
)
_ALSO = {
    "li": "Legitimate interest", "legitimate interests": "Legitimate interest", "legitimate interest": "Legitimate interest",
    "berechtigtes interesse": "Legitimate interest", "interet legitime": "Legitimate interest",
    "intérêt légitime": "Legitimate interest", "interés legítimo": "Legitimate interest",
    "interesse legittimo": "Legitimate interest", "interesse legítimo": "Legitimate interest",
    "art. 6(1)(f)": "Legitimate interest", "art 6 1 f": "Legitimate interest", "6(1)(f)": "Legitimate interest",
    "consent": "Consent", "opt-in": "Consent", "einwilligung": "Consent", "consentement": "Consent",
    "consentimiento": "Consent", "consenso": "Consent", "consentimento": "Consent", "art. 6(1)(a)": "Consent",
    "6(1)(a)": "Consent", "contract": "Contract", "vertrag": "Contract", "contrat": "Contract", "6(1)(b)": "Contract",
    "art. 6(1)(b)": "Contract", "legal obligation": "Legal obligation", "public task": "Public task",
    "vital interests": "Vital interests", "vital interest": "Vital interests",
}  # fmt: skip


def read_basis(text: str) -> str:
    """The usual word where the whole text is one way of writing it; any other text as it is, for it says more."""
    words = " ".join(text.split())
    return _ALSO.get(words.casefold(), words)

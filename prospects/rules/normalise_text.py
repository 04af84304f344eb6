"""What every reader of cells needs: words compared, texts cleaned, and the error for a cell that cannot be read."""

import unicodedata


def word_set(line: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(line.split())


class Unusable(ValueError):
    """A cell that cannot be what its column should hold. `remedy` says what the user can do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def plain(text: str) -> str:
    """Lower case, no accents, words apart by one space: the form in which names and words are compared."""
    text = text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("ł", "l")
    text = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() or c == "+" else " " for c in text if not unicodedata.combining(c))
    return " ".join(kept.split())


def clean_text(text: str) -> str:
    """Trimmed, NFC, without invisible characters, and without the ' which exports put before = + - @ to disarm them."""
    if text.isascii() and text.isprintable():
        text = text.strip()
    else:
        text = unicodedata.normalize("NFC", text)
        text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
        text = text.replace("\u00a0", " ").strip()
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t":
        return text[1:]
    return text

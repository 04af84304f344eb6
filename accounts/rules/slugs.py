"""The name of a workspace in its addresses."""

import re
import unicodedata

MAX_LENGTH = 48


def suggest_slug(name: str) -> str:
    """`Müller & Söhne GmbH` -> `muller-sohne-gmbh`; '' where nothing of the name can be written with a-z, 0-9."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].strip("-")

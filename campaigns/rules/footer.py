"""The end of every campaign mail: who sends it, from which postal address, and how to stop it."""

import html as html_lib
import re

from leadgen.core.errors import Invalid


def append_footer(text: str, html: str, *, company: str, postal_address: str, unsubscribe_url: str) -> tuple[str, str]:
    """Both parts with the footer; `html` may be empty and stays so.

    Raises Invalid without company, postal address or link: law and mailbox providers ask for all three.
    """
    for field, value, words in (
        ("company", company, "the name of the sender"),
        ("postal_address", postal_address, "a postal address"),
        ("unsubscribe_url", unsubscribe_url, "an unsubscribe link"),
    ):
        if not value.strip():
            raise Invalid(f"A mail cannot go out without {words}.", code="footer_incomplete", field=field)
    sender = f"{_one_line(company)}, {_one_line(postal_address)}"
    plain = f"{text.rstrip()}\n\n-- \n{sender}\nUnsubscribe: {unsubscribe_url}\n"
    if not html:
        return plain, ""
    footer = (
        f"<p>--<br>\n{html_lib.escape(sender, quote=False)}<br>\n"
        f'<a href="{html_lib.escape(unsubscribe_url)}">Unsubscribe</a></p>\n'
    )
    end = re.search(r"</body\s*>", html, re.IGNORECASE)
    at = end.start() if end else len(html)
    return plain, html[:at].rstrip() + "\n" + footer + html[at:]


def _one_line(value: str) -> str:
    """An address typed over several lines as one."""
    return ", ".join(part.strip(" ,") for part in value.splitlines() if part.strip(" ,"))

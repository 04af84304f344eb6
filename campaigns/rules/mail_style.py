"""How the HTML part looks: a small style sheet, inlined once a process, because mail clients drop <style>.

Restrained on purpose: a mail from a person to a person looks typed, and so it does in every client and in dark mode.
"""

from functools import cache

import css_inline

STYLE = """
body { font-family: Arial, Helvetica, sans-serif; font-size: 14px; line-height: 1.5 }
p { margin: 0 0 14px 0 }
p.footer { color: #6b6b6b; font-size: 12px; margin: 22px 0 0 0 }
p.footer a { color: #6b6b6b }
"""
_FRAME = '<html><head><style>{style}</style></head><body><p>1</p><p class="footer">2<a href="#">3</a></p></body></html>'


@cache
def _tags() -> tuple[str, str, str, str]:
    """Opening tags of body, paragraph, footer and a footer's link, with their style inside."""
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
    done = inliner.inline(_FRAME.format(style=STYLE))
    body, rest = done[done.index("<body") :].split("<p", 1)
    paragraph, rest = f"<p{rest}".split("1</p>", 1)
    footer, rest = rest.split("2<a", 1)
    return (
        body,
        paragraph,
        footer.replace(' class="footer"', ""),
        f"<a{rest.split('3</a>', 1)[0]}".replace(' href="#"', ""),
    )


def dress(html: str, footer: str = "") -> str:
    """A whole document of our own paragraphs (`<p>`, as text_to_html and append_footer make them) with styles inlined.

    `footer` is the last part of `html` that append_footer added.
    """
    body, paragraph, foot, link = _tags()
    content, small = (html[: -len(footer)], footer) if footer and html.endswith(footer) else (html, "")
    small = small.replace("<p>", foot).replace("<a ", f"{link[:-1]} ")
    return f'<!doctype html>\n<html><head><meta charset="utf-8"></head>{body}\n{content.replace("<p>", paragraph)}{small}</body></html>\n'

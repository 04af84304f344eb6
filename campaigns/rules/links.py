"""Links of a mail: found in text and HTML, replaced in both by the same tracking URLs, and text turned into HTML.

A step is written as text; `text_to_html` makes the HTML part from it, so both parts have the same links by construction.
"""

import html as html_lib
import re
from collections.abc import Collection, Mapping
from html.parser import HTMLParser

MAX_URL = 2_000
_URL = re.compile(r"https?://[^\s<>\"\x00-\x1f]+", re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n[ \t]*\n+")
_TRAILING = ".,;:!?'*_…”’"


def find_links(text: str, html: str = "") -> tuple[str, ...]:
    """Every http(s) URL of both parts, once, in order: the text's first."""
    return tuple(dict.fromkeys([url for url, _start, _end in _in_text(text)] + _Hrefs.of(html)))


def same_links(text: str, html: str) -> bool:
    """Whether both parts lead to the same URLs."""
    return set(find_links(text)) == set(_Hrefs.of(html))


def replace_links(text: str, html: str, replacements: Mapping[str, str]) -> tuple[str, str]:
    """Both parts with each URL of `replacements` replaced; a URL shown as the words of an HTML link stays readable."""
    rewriter = _Rewriter(replacements)
    rewriter.feed(html)
    rewriter.close()
    return replace_in_text(text, replacements), "".join(rewriter.out)


def replace_in_text(text: str, replacements: Mapping[str, str]) -> str:
    """The text part with each URL of `replacements` replaced."""
    if not replacements:
        return text
    out, at = [], 0
    for url, start, end in _in_text(text):
        out += [text[at:start], replacements.get(url, url)]
        at = end
    return "".join([*out, text[at:]])


def trackable(links: Collection[str], *, never: Collection[str] = ()) -> tuple[str, ...]:
    """The links to track: not those of `never` (unsubscribe, preferences) and none that is too long to store."""
    return tuple(url for url in links if url not in never and len(url) <= MAX_URL)


def text_to_html(text: str, hrefs: Mapping[str, str] | None = None) -> str:
    """Paragraphs and line breaks of `text` as HTML, its URLs as links, everything else escaped.

    A URL in `hrefs` leads to what stands there and still shows itself, as `replace_links` would have it.
    """
    paragraphs = _PARAGRAPHS.split(text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"))
    return "".join([f"<p>{_linked(paragraph, hrefs or {})}</p>\n" for paragraph in paragraphs if paragraph.strip()])


def hidden_link(url: str) -> str:
    """`url` where only programs that read the source find it: an element no mail client shows, follows or reads aloud.

    Not an `<a>`: both parts of a mail keep the same links, and a hidden anchor is what filters take for a trick.
    """
    return f'<link rel="alternate" href="{html_lib.escape(url)}">\n'


def _linked(paragraph: str, hrefs: Mapping[str, str]) -> str:
    out, at = [], 0
    for url, start, end in _in_text(paragraph):
        escaped = html_lib.escape(url)
        href = html_lib.escape(hrefs[url]) if url in hrefs else escaped
        out += [html_lib.escape(paragraph[at:start], quote=False), f'<a href="{href}">{escaped}</a>']
        at = end
    out.append(html_lib.escape(paragraph[at:], quote=False))
    return "".join(out).replace("\n", "<br>\n")


def _in_text(text: str) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    if "://" not in text:
        return found
    for match in _URL.finditer(text):
        url = match.group()
        while url and (
            url[-1] in _TRAILING or any(url.endswith(b) and url.count(a) < url.count(b) for a, b in _BRACKETS)
        ):
            url = url[:-1]
        if len(url) > len("https://"):
            found.append((url, match.start(), match.start() + len(url)))
    return found


_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag in ("a", "area") and name == "href" and value and _URL.fullmatch(value.strip()):
                self.found.append(value.strip())

    @classmethod
    def of(cls, html: str) -> list[str]:
        parser = cls()
        parser.feed(html)
        parser.close()
        return parser.found


class _Rewriter(HTMLParser):
    """Copies HTML as it is, but for the href of links that are replaced."""

    def __init__(self, replacements: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=False)
        self.replacements = replacements
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = self.get_starttag_text() or ""
        changed = [
            (name, self.replacements[value.strip()])
            if name == "href" and value and value.strip() in self.replacements
            else (name, value)
            for name, value in attrs
        ]
        if tag in ("a", "area") and changed != attrs:
            inner = "".join(
                f" {name}" if value is None else f' {name}="{html_lib.escape(value)}"' for name, value in changed
            )
            given = f"<{tag}{inner}>"
        self.out.append(given)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.out.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.out.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.out.append(f"<?{data}>")

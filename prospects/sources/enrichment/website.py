"""A company's website: its first page and what it says about itself. The network is `leadgen.core.web`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from leadgen.core import web

LIMIT = 2 * 1024 * 1024
SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Page:
    """What a first page holds: `scripts` are the addresses of its scripts, styles and images, `links` where it leads."""

    url: str
    headers: Mapping[str, str]
    title: str = ""
    description: str = ""
    site_name: str = ""
    generator: str = ""
    scripts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    inline: str = ""


def read(domain: str, *, base: str = "") -> Page:
    """The first page at a domain: https first, then with www, then http. Raises WebError where none answers with a page."""
    tried = [base] if base else [f"https://{domain}/", f"https://www.{domain}/", f"http://{domain}/"]
    failed: web.WebError | None = None
    for url in tried:
        try:
            answer = web.fetch(url, headers={"Accept": "text/html"}, redirects=5, limit=LIMIT, seconds=SECONDS)
        except web.WebError as error:
            failed = error
            continue
        if not answer.ok:
            failed = web.WebError(f"{web.host_of(url)} answered {answer.status}.")
            continue
        if "html" not in answer.headers.get("content-type", "text/html"):
            failed = web.WebError(f"{web.host_of(url)} answered with something that is no page.", permanent=True)
            continue
        return parse(answer)
    raise failed or web.WebError(f"{domain} has no website.")


def parse(answer: web.Answer) -> Page:
    """A page's own words about itself; nothing of it is run."""
    tree = LexborHTMLParser(answer.text().replace("\x00", ""))
    metas = {
        (node.attributes.get("name") or node.attributes.get("property") or "").lower(): node.attributes.get("content")
        or ""
        for node in tree.css("meta[content]")
    }
    title = tree.css_first("title")
    inline = " ".join(node.text() for node in tree.css("script:not([src])"))[:100_000]
    assets = [
        node.attributes.get("src") or node.attributes.get("href") or ""
        for node in tree.css("script[src], link[href], img[src], iframe[src]")
    ]
    return Page(
        url=answer.url,
        headers=answer.headers,
        title=_line(title.text() if title is not None else "", 300),
        description=_line(metas.get("description") or metas.get("og:description") or "", 2000),
        site_name=_line(metas.get("og:site_name", ""), 200),
        generator=_line(metas.get("generator", ""), 200),
        scripts=tuple(asset for asset in assets if asset)[:500],
        links=tuple(str(node.attributes.get("href") or "") for node in tree.css("a[href]"))[:1000],
        inline=inline,
    )


def _line(text: str, limit: int) -> str:
    return re.sub(r"\s+", " ", text).strip()[:limit]

"""What axe finds in an open page: every rule that it has switched on by itself, in a time that allows every page in both themes.

Nine tenths of a run are spent on color-contrast, once an element. Elements of the same colour, size and weight on the same
backgrounds get the same answer, so three of each such kind (first, middle, last) stand for all of them; every other rule
looks at everything.
"""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe().axe_script

# An animation in progress has colours that nobody is meant to see: wait for its end, if it has one.
_LOOK = """async (part) => {
  const root = part ? document.querySelector(part) : document;
  await Promise.all(document.getAnimations()
    .filter((one) => one.effect && one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null)));
  const kinds = new Map();
  for (const element of root.querySelectorAll("*")) {
    const holdsText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!holdsText && !element.matches("input, select, textarea")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;  // for screen readers only
    const own = getComputedStyle(element);
    const kind = [element.matches("input, select, textarea") ? element.tagName : "", own.color, own.fontSize, own.fontWeight,
      own.textShadow, !!element.closest(":disabled, [aria-disabled=true]")];
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const see = style.backgroundColor.match(/^rgba\\(.*, 0\\)$/) ? "" : style.backgroundColor;
      if (see || style.backgroundImage !== "none" || style.opacity !== "1") {
        kind.push(see, style.backgroundImage, style.opacity);
      }
    }
    const key = kind.join("|");
    kinds.has(key) ? kinds.get(key).push(element) : kinds.set(key, [element]);
  }
  for (const like of kinds.values()) {
    for (const place of [0, like.length >> 1, like.length - 1]) like[place].setAttribute("data-contrast", "");
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-contrast]" }] });
  const found = await axe.run(root, { resultTypes: ["violations"], preload: false });
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.html.slice(0, 160)}`));
}"""


def violations(page: Page, part: str | None = None) -> list[str]:
    """`rule: selector html` of each violation in the page, or within the element `part` (a CSS selector)."""
    if not page.evaluate("'axe' in window"):  # half a megabyte: once a page, however often it is looked at
        page.evaluate(_AXE)
    found: list[Any] = page.evaluate(_LOOK, part)
    return [str(one) for one in found]

// Two ways to attach behaviour: delegated events (survive every swap) and work done on each new piece of page.

/** Run `handler(event, element)` for `type` events inside elements that match `selector`. */
export function on(type, selector, handler, options) {
  document.addEventListener(
    type,
    (event) => {
      const element = event.target instanceof Element ? event.target.closest(selector) : null;
      if (element) handler(event, element);
    },
    options,
  );
}

/** Run `work(root)` for the document and then for each fragment htmx puts in. */
export function onContent(work) {
  work(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) work(event.detail.elt);
  });
}

/** Elements in `root` (itself too) that match. */
export function all(root, selector) {
  const inside = [...root.querySelectorAll(selector)];
  return root instanceof Element && root.matches(selector) ? [root, ...inside] : inside;
}

/** An icon of the sprite. */
export function icon(name, css = "size-4") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${css}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.querySelector('meta[name="icons-src"]').content}#${name}`);
  svg.append(use);
  return svg;
}

/** True while the person is typing, so that single keys are letters. */
export function isTyping(target) {
  return target instanceof Element && Boolean(target.closest("input:not([type=checkbox],[type=radio],[type=button]), textarea, select, [contenteditable=true]"));
}

/** Remember a choice for a year, readable by the server. */
export function setCookie(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${value ? 31536000 : 0}; SameSite=Lax${secure}`;
}

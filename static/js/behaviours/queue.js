// The work queue: which row is open, where the focus goes, Esc back to the list, the undo notice's eight seconds.
import { isTyping, on, onContent } from "../dom.js";

const UNDO_MS = 8000;
const queue = () => document.querySelector("[data-queue]");
const rows = () => [...document.querySelectorAll("#work-rows [data-task]")];
const openId = () => document.querySelector("[data-open-item]")?.dataset.openItem;

/** Mark the open item's row, and say to the layout whether one is open (on phones only one column shows). */
function mark() {
  const work = queue();
  if (!work) return;
  const open = openId();
  work.dataset.open = String(Boolean(open));
  for (const row of rows()) {
    if (row.dataset.task === open) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function reveal() {
  rows().find((row) => row.dataset.task === openId())?.scrollIntoView({ block: "nearest" });
}

/** Write where the writing begins: after the greeting, before the signature. */
function placeCaret() {
  const text = document.querySelector("#pane-mail textarea[name=text]");
  if (!text) return;
  const gap = text.value.indexOf("\n\n");
  if (gap >= 0) text.setSelectionRange(gap + 2, gap + 2);
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (!queue()) return;
  mark();
  if (event.detail.target?.id !== "work-pane") return;
  placeCaret();
  reveal();
  event.detail.target.scrollTop = 0;
  const wrong = event.detail.target.querySelector('[aria-invalid="true"]');
  (wrong ?? event.detail.target.querySelector("[data-item-title]"))?.focus({ preventScroll: true });
});
document.addEventListener("htmx:oobAfterSwap", mark);

// What is done leaves the list at once; it comes back if the server refuses.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.detail.elt.matches?.("[data-work-form]")) return;
  const row = rows().find((item) => item.dataset.task === openId());
  if (row) row.hidden = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt.matches?.("[data-work-form]")) return;
  for (const row of rows()) row.hidden = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !queue() || document.querySelector("dialog[open], [popover]:popover-open")) return;
  const focused = document.activeElement;
  if (isTyping(focused) && focused.closest("#work-pane")) {
    event.preventDefault();
    document.querySelector("[data-item-title]")?.focus();
    return;
  }
  const row = rows().find((item) => item.dataset.task === openId()) ?? rows()[0];
  const back = document.querySelector("[data-queue-back]");
  if (back?.checkVisibility()) back.click();
  else row?.focus();
});

on("click", "[data-queue-search]", () => document.getElementById("work-filter")?.showPopover());
// The reader picks the item first: on a wide screen the list's first one opens by itself.
addEventListener("load", () => {
  mark();
  reveal();
  if (!queue() || openId() || !matchMedia("(min-width: 48rem)").matches) return;
  rows()[0]?.click();
});

onContent((root) => {
  const found = root instanceof Element && root.matches("[data-undo-toast]") ? [root] : root.querySelectorAll("[data-undo-toast]");
  for (const toast of found) setTimeout(() => toast.remove(), UNDO_MS);
});

// Dialogs and drawers: native <dialog> keeps focus inside, Esc closes, focus returns to the opener.
import { all, on, onContent } from "../dom.js";

// Who opened it, for openings by a key: the browser only returns to what had the focus.
const openers = new WeakMap();

/** Open a dialog modally; the first field or the close button gets the focus. */
export function openDialog(dialog, opener = null) {
  if (!dialog || dialog.open) return;
  openers.set(dialog, opener);
  dialog.showModal();
  const first = dialog.querySelector("[autofocus], .dialog-body :is(input:not([type=hidden]), select, textarea, .btn-primary)");
  first?.focus();
}

on("click", "[data-dialog-open]", (event, opener) => {
  event.preventDefault();
  openDialog(document.getElementById(opener.dataset.dialogOpen), opener);
});
on("click", "[data-dialog-close]", (event, button) => button.closest("dialog")?.close());

// A press on the backdrop closes; a press that began inside (selecting text) does not.
let pressed = null;
document.addEventListener("pointerdown", (event) => {
  pressed = event.target;
});
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement && pressed === event.target && event.target.id !== "confirm") {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

// Hosts: an answer put into #dialog or #drawer opens it; an empty answer closes it.
document.addEventListener("htmx:afterSwap", (event) => {
  const host = event.detail.target;
  if (!(host instanceof HTMLDialogElement) || !("dialogHost" in host.dataset)) return;
  if (!host.textContent.trim()) return host.close();
  const title = host.querySelector("[data-dialog-title]");
  host.setAttribute("aria-label", title?.textContent.trim() || "Dialog");
  openDialog(host, event.detail.requestConfig?.elt);
});
document.addEventListener("close-dialog", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});
document.addEventListener(
  "close",
  (event) => {
    if (!(event.target instanceof HTMLDialogElement)) return;
    const now = document.activeElement;
    if (!now || now === document.body || event.target.contains(now)) openers.get(event.target)?.focus();
    // What was fetched for one opening is not kept for the next.
    if ("dialogHost" in event.target.dataset) event.target.replaceChildren();
  },
  true,
);
onContent((root) => all(root, "dialog[data-open-now]").forEach((dialog) => openDialog(dialog)));

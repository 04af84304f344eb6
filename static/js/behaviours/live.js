// Says things to screen readers: the `announce` event of a response, and failures of requests.
import { all } from "../dom.js";

/** Speak politely. The same words twice in a row are spoken twice. */
export function announce(text) {
  const region = document.getElementById("live");
  if (!region || !text) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}

document.addEventListener("announce", (event) => announce(event.detail?.message ?? event.detail?.value));

// After a form came back with errors, go to the first field at fault.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.xhr?.status !== 422) return;
  const target = event.detail.target?.isConnected ? event.detail.target : document;
  const [wrong] = all(target, '[aria-invalid="true"]');
  const alert = target.querySelector('[role="alert"]');
  if (wrong) wrong.focus();
  announce(alert?.textContent.trim() || "The form has errors. Nothing was saved.");
});

// A swap may take away what had the focus; then the page's main part gets it, not the body.
let focusedBefore = null;
document.addEventListener("htmx:beforeSwap", () => {
  focusedBefore = document.activeElement;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!focusedBefore || focusedBefore === document.body || focusedBefore.isConnected) return;
  if (document.activeElement && document.activeElement !== document.body) return;
  const target = event.detail.elt;
  const next = target?.isConnected && target.matches?.("[tabindex], a, button, input") ? target : document.getElementById("main");
  next?.focus({ preventScroll: true });
});

// A double click sends once: the second submit of a form in flight is dropped, its button says so.

const RELEASE_MS = 15000;

function busy(form, on) {
  for (const button of form.querySelectorAll('[type="submit"]')) {
    if (on) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  if (on) form.dataset.sent = "";
  else delete form.dataset.sent;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "get" || "noGuard" in form.dataset) return;
  if ("sent" in form.dataset) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  // htmx prevents the default and tells us when it is done; a plain submit leaves the page.
  busy(form, true);
  setTimeout(() => form.isConnected && busy(form, false), RELEASE_MS);
});
for (const done of ["htmx:afterRequest", "htmx:abort", "htmx:sendError"]) {
  document.addEventListener(done, (event) => {
    const form = event.target instanceof Element ? event.target.closest("form") : null;
    if (form) busy(form, false);
  });
}
// The Back button may show the page as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) busy(form, false);
});

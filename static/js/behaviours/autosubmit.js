// Filters apply themselves: at once on a choice, after a pause while typing. Empty fields stay out of the address.
import { on } from "../dom.js";

const PAUSE_MS = 300;
const timers = new WeakMap();

function send(form) {
  clearTimeout(timers.get(form));
  form.requestSubmit();
}

on("change", "form[data-autosubmit]", (event, form) => {
  if (!event.target.matches("input:not([type=checkbox],[type=radio],[type=date])")) send(form);
  else if (event.target.type === "date") send(form);
});
on("input", "form[data-autosubmit]", (event, form) => {
  if (!event.target.matches("input:not([type=checkbox],[type=radio],[type=date])")) return;
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => send(form), PAUSE_MS));
});
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches?.("form[data-autosubmit]")) return;
  const { parameters } = event.detail;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-autosubmit]:not([hx-get])")) return;
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
});

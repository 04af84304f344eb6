// The global search is a combobox: arrows choose, Enter opens, Esc closes. htmx fetches the options.
import { on } from "../dom.js";
import { announce } from "./live.js";

const input = () => document.querySelector("[data-search] [role=combobox]");
const list = () => document.getElementById("search-results");
const options = () => [...list().querySelectorAll('[role="option"]:not([aria-disabled="true"])')];

function show(open) {
  list().hidden = !open;
  input().setAttribute("aria-expanded", String(open));
  if (!open) input().removeAttribute("aria-activedescendant");
}

function choose(index) {
  const found = options();
  found.forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
  const chosen = found[index];
  if (!chosen) return input().removeAttribute("aria-activedescendant");
  input().setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

on("keydown", "[data-search] [role=combobox]", (event) => {
  const found = options();
  const at = found.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!found.length) return;
    show(true);
    choose((at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length);
  } else if (event.key === "Enter" && at >= 0 && !list().hidden) {
    event.preventDefault();
    location.assign(found[at].href);
  } else if (event.key === "Escape") {
    if (list().hidden) input().value = "";
    show(false);
  }
});
on("input", "[data-search] [role=combobox]", (event, field) => {
  if (!field.value.trim()) show(false);
});
on("focusout", "[data-search]", (event, form) => {
  if (!form.contains(event.relatedTarget)) show(false);
});
on("focusin", "[data-search] [role=combobox]", (event, field) => {
  if (field.value.trim() && list().childElementCount) show(true);
});
// An empty question needs no answer.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target === input() && !input().value.trim()) event.preventDefault();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "search-results" || document.activeElement !== input()) return;
  show(true);
  const count = options().length;
  announce(count ? `${count} results` : "No results");
});

// j and k move through the items of a [data-list]; a click on a row follows its .row-link.
import { isTyping, on } from "../dom.js";

const off = () => document.cookie.split("; ").includes("leadgen_shortcuts=off");
const handle = (item) => (item.matches("a, button, [tabindex]") ? item : item.querySelector("a, button"));

document.addEventListener("keydown", (event) => {
  if (!["j", "k"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.defaultPrevented || isTyping(event.target) || off() || document.querySelector("dialog[open]")) return;
  if (document.querySelector(`[data-shortcut="${event.key}"]`)) return; // the page has its own next and previous
  const items = [...document.querySelectorAll("[data-list] [data-list-item], tbody [data-list-item]")];
  if (!items.length) return;
  const focused = items.findIndex((item) => item.contains(document.activeElement));
  const current = focused >= 0 ? focused : items.findIndex((item) => item.matches('[aria-current], .is-current'));
  const next = Math.min(Math.max(current + (event.key === "j" ? 1 : -1), 0), items.length - 1);
  event.preventDefault();
  handle(items[next])?.focus();
  items[next].scrollIntoView({ block: "nearest" });
});

on("click", "tr:has(.row-link)", (event, row) => {
  if (event.target.closest("a, button, input, label, select, [popover]") || getSelection()?.toString()) return;
  const link = row.querySelector(".row-link");
  if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
  else link.click();
});

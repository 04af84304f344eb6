// In-page tabs: arrows move and show, panels are the elements named by aria-controls.
import { on } from "../dom.js";

function show(tab) {
  for (const other of tab.closest("[data-tabs]").querySelectorAll('[role="tab"]')) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
}

on("click", '[data-tabs] [role="tab"]', (event, tab) => show(tab));
on("keydown", '[data-tabs] [role="tab"]', (event, tab) => {
  const tabs = [...tab.closest("[data-tabs]").querySelectorAll('[role="tab"]')];
  const at = tabs.indexOf(tab);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const chosen = tabs[(next + tabs.length) % tabs.length];
  chosen.focus();
  show(chosen);
});

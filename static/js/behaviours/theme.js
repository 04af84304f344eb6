// Light, dark or the system's, at once and for the next page (cookie read by the server).
import { on, setCookie } from "../dom.js";

const NAMES = { light: "leadgen", dark: "leadgen-dark" };

on("click", "[data-theme-set]", (event, button) => {
  const choice = button.dataset.themeSet;
  setCookie("leadgen_theme", choice === "system" ? "" : choice);
  if (NAMES[choice]) document.documentElement.dataset.theme = NAMES[choice];
  else delete document.documentElement.dataset.theme;
  for (const other of document.querySelectorAll("[data-theme-set]")) {
    other.setAttribute("aria-checked", String(other.dataset.themeSet === choice));
  }
  document.dispatchEvent(new CustomEvent("theme-changed"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("theme-changed")));

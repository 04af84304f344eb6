// data-shortcut="e", "g p", "mod+enter": clicks (or focuses) the element. Single keys rest while typing and can be switched off.
import { isTyping, on, setCookie } from "../dom.js";
import { openDialog } from "./dialog.js";

const SEQUENCE_MS = 1200;
let prefix = "";
let prefixAt = 0;

const off = () => document.cookie.split("; ").includes("leadgen_shortcuts=off");
const visible = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? true;

function keyName(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key))) parts.push("shift");
  return [...parts, key].join("+");
}

/** What answers a key now: in the open dialog, else in the list item that has the focus, else the first of the page; hidden
 * ones only by rail sequences. */
function answering(name) {
  const scope = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const found = [...scope.querySelectorAll("[data-shortcut]")].filter(
    (element) => element.dataset.shortcut === name && !element.disabled && (visible(element) || name.startsWith("g ")),
  );
  const item = document.activeElement?.closest("[data-list-item]");
  return found.find((element) => item?.contains(element)) ?? found[0];
}

function act(element) {
  if (element.matches("input:not([type=checkbox],[type=radio],[type=submit],[type=button]), textarea, select")) {
    element.focus();
    element.select?.();
  } else element.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const name = keyName(event);
  const modified = name.startsWith("mod+");
  if (!modified && (isTyping(event.target) || off())) return;
  if (!modified && event.target instanceof Element && event.target.closest('[role="menu"]')) return;
  if (name === "?" || name === "shift+?") {
    event.preventDefault();
    return sheet();
  }
  const sequence = prefix && Date.now() - prefixAt < SEQUENCE_MS ? `${prefix} ${name}` : "";
  const element = (sequence && answering(sequence)) || answering(name);
  prefix = "";
  if (element) {
    event.preventDefault();
    return act(element);
  }
  if (!modified && document.querySelector(`[data-shortcut^="${CSS.escape(name)} "]`)) {
    prefix = name;
    prefixAt = Date.now();
  }
});

const WORDS = { mod: navigator.platform?.startsWith("Mac") ? "⌘" : "Ctrl", enter: "↵", shift: "⇧", escape: "Esc" };
const printed = (shortcut) => shortcut.split(" ").map((keys) => keys.split("+").map((key) => WORDS[key] ?? key).join(" ")).join(" then ");

function sheet() {
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  const seen = new Map();
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    const label = element.dataset.shortcutLabel || element.getAttribute("aria-label") || element.textContent.trim();
    if (!seen.has(element.dataset.shortcut)) seen.set(element.dataset.shortcut, label);
  }
  if (document.querySelector("[data-list]")) seen.set("j", "Next item").set("k", "Previous item");
  seen.set("?", "This sheet");
  dialog.querySelector("[data-shortcut-list]").replaceChildren(
    ...[...seen].map(([shortcut, label]) => {
      const row = document.createElement("div");
      const what = document.createElement("dt");
      const keys = document.createElement("dd");
      const kbd = document.createElement("kbd");
      what.textContent = label;
      kbd.className = "kbd-sm";
      kbd.textContent = printed(shortcut);
      keys.append(kbd);
      row.append(what, keys);
      return row;
    }),
  );
  dialog.querySelector("[data-shortcuts-switch]").checked = !off();
  openDialog(dialog);
}

on("click", "[data-shortcuts-open]", sheet);
on("change", "[data-shortcuts-switch]", (event, box) => setCookie("leadgen_shortcuts", box.checked ? "" : "off"));

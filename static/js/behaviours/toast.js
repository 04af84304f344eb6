// Notices: from the server's HX-Trigger, from django messages in the page, from failed requests. All stay in a list.
import { all, icon, on, onContent } from "../dom.js";
import { announce } from "./live.js";

const KEY = "leadgen.notices";
const KEPT = 50;
const SHOWN_MS = { success: 6000, info: 6000, warning: 12000 };
const FAILURES = {
  0: "The server cannot be reached. Nothing was changed; try again in a moment.",
  403: "You may not do this in this workspace.",
  404: "This is no longer there. Reload the page.",
  409: "Somebody else changed this first. Reload the page and look again.",
  413: "The file is too large.",
  429: "Too many requests. Wait a moment, then try again.",
};

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function remember(message, tone) {
  sessionStorage.setItem(KEY, JSON.stringify([{ message, tone, at: Date.now() }, ...remembered()].slice(0, KEPT)));
  list();
}

function list() {
  const place = document.querySelector("[data-notices]");
  if (!place) return;
  const notices = remembered();
  document.querySelector("[data-notices-empty]").hidden = notices.length > 0;
  place.replaceChildren(
    ...notices.map(({ message, at }) => {
      const item = document.createElement("li");
      const time = document.createElement("span");
      time.className = "num muted text-xs";
      time.textContent = `${new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })} `;
      item.append(time, message);
      return item;
    }),
  );
}

function arm(element) {
  const tone = element.dataset.tone;
  if (tone === "danger" || tone === "error") element.setAttribute("role", "alert");
  const stay = SHOWN_MS[tone];
  if (!stay) return;
  let timer = setTimeout(() => element.remove(), stay);
  const hold = () => clearTimeout(timer);
  const release = () => {
    timer = setTimeout(() => element.remove(), 2000);
  };
  element.addEventListener("pointerenter", hold);
  element.addEventListener("pointerleave", release);
  element.addEventListener("focusin", hold);
  element.addEventListener("focusout", release);
}

/** Show a notice; `tone` success, info, warning or danger (stays until dismissed). */
export function toast(message, tone = "info") {
  const region = document.getElementById("toasts");
  if (!region || !message) return;
  const element = document.createElement("div");
  element.className = `toast-ui toast-${tone}`;
  element.dataset.toast = "";
  element.dataset.tone = tone;
  const text = document.createElement("span");
  text.className = "grow";
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-xs btn-ghost btn-square";
  close.dataset.toastClose = "";
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("x", "size-3.5"));
  element.append(text, close);
  region.append(element);
  arm(element);
  if (tone !== "danger") announce(message);
  remember(message, tone);
}

on("click", "[data-toast-close]", (event, button) => button.closest("[data-toast]").remove());
on("click", "[data-dismiss]", (event, button) => button.closest(button.dataset.dismiss)?.remove());
document.addEventListener("toast", (event) => toast(event.detail.message, event.detail.tone));
document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  if (xhr.getResponseHeader("HX-Trigger")?.includes('"toast"')) return;
  toast(FAILURES[xhr.status] ?? `That did not work (${xhr.status}). Nothing was changed; it has been noted.`, "danger");
});
document.addEventListener("htmx:sendError", () => toast(FAILURES[0], "danger"));
onContent((root) => {
  for (const element of all(root, "#toasts [data-toast]:not([data-armed])")) {
    element.dataset.armed = "";
    const text = element.querySelector("[data-toast-text]").textContent;
    arm(element);
    announce(text);
    remember(text, element.dataset.tone);
  }
});
list();

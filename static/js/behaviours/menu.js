// Keys inside a menu: arrows, Home, End, first letters, Tab leaves; choosing closes it.
import { on } from "../dom.js";

const ITEMS = '[role="menuitem"], [role="menuitemradio"]';
let typed = "";
let typedAt = 0;

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (menu instanceof HTMLElement && menu.getAttribute("role") === "menu" && event.newState === "open") {
      menu.querySelector(ITEMS)?.focus({ preventScroll: true });
    }
  },
  true,
);

on("keydown", '[popover][role="menu"]', (event, menu) => {
  const items = [...menu.querySelectorAll(ITEMS)];
  const at = items.indexOf(document.activeElement);
  const go = (index) => {
    event.preventDefault();
    items[(index + items.length) % items.length]?.focus();
  };
  if (event.key === "ArrowDown" || event.key === "ArrowRight") return go(at + 1);
  if (event.key === "ArrowUp" || event.key === "ArrowLeft") return go(at - 1);
  if (event.key === "Home") return go(0);
  if (event.key === "End") return go(-1);
  if (event.key === "Tab") return menu.hidePopover();
  if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
    typed = Date.now() - typedAt > 700 ? event.key : typed + event.key;
    typedAt = Date.now();
    const found = items.findIndex((item) => item.textContent.trim().toLowerCase().startsWith(typed.toLowerCase()));
    if (found >= 0) go(found);
    event.stopPropagation();
  }
});
on("keydown", "[data-menu]", (event, button) => {
  if (event.key !== "ArrowDown") return;
  event.preventDefault();
  document.getElementById(button.getAttribute("popovertarget"))?.showPopover();
});
on("click", ITEMS, (event, item) => {
  if (!item.matches('[role="menuitemradio"]')) item.closest("[popover]")?.hidePopover();
});

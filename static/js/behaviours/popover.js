// Places popovers and menus beside their button (the browser opens and closes them: light dismiss, Esc, top layer).

/** Put `panel` under `opener`, or above where there is no room; `align` start or end. */
export function place(panel, opener, align = "start") {
  const box = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = align === "end" ? box.right - width : box.left;
  const below = box.bottom + 4;
  const top = below + height > innerHeight - 8 && box.top - height - 4 > 8 ? box.top - height - 4 : below;
  panel.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  panel.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}

document.addEventListener(
  "toggle",
  (event) => {
    const panel = event.target;
    if (!(panel instanceof HTMLElement) || !panel.hasAttribute("popover")) return;
    const opener = document.querySelector(`[popovertarget="${panel.id}"]`);
    if (!opener) return;
    const open = event.newState === "open";
    if (opener.hasAttribute("aria-expanded")) opener.setAttribute("aria-expanded", String(open));
    if (open) place(panel, opener, opener.dataset.menu || opener.dataset.popover);
  },
  true,
);
addEventListener("resize", () => {
  for (const panel of document.querySelectorAll("[popover]:popover-open")) panel.hidePopover();
});
// A fixed panel must not stay behind when its button scrolls away.
document.addEventListener(
  "scroll",
  (event) => {
    for (const panel of document.querySelectorAll("[popover]:popover-open")) {
      if (event.target instanceof Node && !panel.contains(event.target)) panel.hidePopover();
    }
  },
  { capture: true, passive: true },
);

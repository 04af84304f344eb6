// Check-all, Shift for a range, and the bar that shows the exact count.
import { all, on, onContent } from "../dom.js";

const rows = (table) => [...table.querySelectorAll("[data-select-row]")];
let last = null;

function refresh(table) {
  const boxes = rows(table);
  const chosen = boxes.filter((box) => box.checked);
  for (const box of boxes) box.closest("tr")?.classList.toggle("is-selected", box.checked);
  const everyone = table.querySelector("[data-select-all]");
  if (everyone) {
    everyone.checked = boxes.length > 0 && chosen.length === boxes.length;
    everyone.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
  }
  const bar = (table.closest("form") ?? document).querySelector("[data-bulkbar]");
  if (!bar) return;
  bar.hidden = chosen.length === 0;
  const whole = bar.querySelector("[data-bulk-all]");
  if (!chosen.length && whole) whole.checked = false;
  for (const act of bar.querySelectorAll("[data-bulk-exactly]")) act.hidden = whole?.checked || chosen.length !== Number(act.dataset.bulkExactly);
  bar.querySelector("[data-bulk-count]").textContent = whole?.checked ? whole.dataset.bulkAll : `${chosen.length} ${chosen.length === 1 ? bar.dataset.one : bar.dataset.noun} selected`;
}

on("change", "[data-bulk-all]", (event, box) => refresh(box.closest("form").querySelector("[data-bulk]")));

on("change", "[data-select-row], [data-select-all]", (event, box) => {
  const table = box.closest("[data-bulk]");
  if (!table) return;
  if (box.matches("[data-select-all]")) for (const row of rows(table)) row.checked = box.checked;
  refresh(table);
});
on("click", "[data-select-row]", (event, box) => {
  const boxes = rows(box.closest("table"));
  if (event.shiftKey && last?.isConnected) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((one, two) => one - two);
    if (from >= 0) for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
});
on("click", "[data-bulk-clear]", (event, button) => {
  const table = (button.closest("form") ?? document).querySelector("[data-bulk]");
  for (const box of rows(table)) box.checked = false;
  refresh(table);
  table.querySelector("[data-select-all]")?.focus();
});
onContent((root) => all(root, "[data-bulk]").forEach(refresh));

// Cells of a list edited in place: arrows move between them, Enter opens and saves, Escape leaves.
import { all, on, onContent } from "../dom.js";

const cells = (table) => [...table.querySelectorAll("[data-cell]")].filter((cell) => cell.checkVisibility?.() ?? true);

/** One stop of the Tab key a table: the cell that was last in use, else the first. */
function rove(table, current) {
  const found = cells(table);
  const stop = current ?? found.find((cell) => cell.tabIndex === 0) ?? found[0];
  for (const cell of found) cell.tabIndex = cell === stop ? 0 : -1;
}

onContent((root) => {
  for (const table of new Set(all(root, "[data-cell]").map((cell) => cell.closest("table")))) if (table) rove(table);
});
on("focusin", "[data-cell]", (event, cell) => rove(cell.closest("table"), cell));
on("keydown", "[data-cell]", (event, cell) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const row = cell.closest("tr");
  const mine = [...row.querySelectorAll("[data-cell]")];
  const at = mine.indexOf(cell);
  let next = null;
  if (event.key === "ArrowRight") next = mine[at + 1];
  else if (event.key === "ArrowLeft") next = mine[at - 1] ?? row.querySelector(".row-link");
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    next = other ? [...other.querySelectorAll("[data-cell]")][at] : null;
  } else return;
  event.preventDefault();
  next?.focus();
});
// From the name of a row to its cells.
on("keydown", ".row-link", (event, link) => {
  if (event.key !== "ArrowRight" || event.ctrlKey || event.metaKey || event.altKey) return;
  const first = link.closest("tr")?.querySelector("[data-cell]");
  if (!first) return;
  event.preventDefault();
  first.focus();
});

const save = (editor) => editor.dispatchEvent(new CustomEvent("save"));
on("click", "[data-cell-save]", (event, button) => save(button.closest("[data-cell-form]")));
on("keydown", "[data-cell-form]", (event, editor) => {
  if (event.isComposing) return;
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    editor.querySelector("[data-cell-cancel]").click();
  } else if (event.key === "Enter" && event.target.matches("[data-cell-input]")) {
    // Not the form of the list around it: that one acts on the selected rows.
    event.preventDefault();
    save(editor);
  }
});

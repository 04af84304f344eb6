// Rows of a Django formset: add from the template, remove by hiding and ticking DELETE (new rows vanish).
import { all, on, onContent } from "../dom.js";
import { announce } from "./live.js";

function total(formset) {
  return formset.querySelector(`[name="${formset.dataset.formset}-TOTAL_FORMS"]`);
}

function ready(row) {
  for (const box of row.querySelectorAll("[data-formset-delete]")) box.hidden = true;
  for (const button of row.querySelectorAll("[data-formset-remove]")) button.hidden = false;
}

on("click", "[data-formset-add]", (event, button) => {
  const formset = button.closest("[data-formset]");
  const count = total(formset);
  const holder = document.createElement("div");
  holder.append(formset.querySelector("[data-formset-template]").content.cloneNode(true));
  for (const element of holder.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      if (value.includes("__prefix__")) element.setAttribute(name, value.replaceAll("__prefix__", count.value));
    }
  }
  const row = holder.querySelector("[data-formset-row]");
  ready(row);
  formset.querySelector("[data-formset-rows]").append(row);
  count.value = String(Number(count.value) + 1);
  window.htmx?.process(row);
  row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  announce("Row added");
});

on("click", "[data-formset-remove]", (event, button) => {
  const row = button.closest("[data-formset-row]");
  const formset = row.closest("[data-formset]");
  const mark = row.querySelector('[name$="-DELETE"]');
  // The row stays in the form, marked: the numbering of the others must not change.
  if (mark) mark.checked = true;
  else for (const field of row.querySelectorAll("input, select, textarea")) field.value = "";
  row.hidden = true;
  formset.querySelector("[data-formset-add]").focus();
  row.dispatchEvent(new Event("change", { bubbles: true }));
  announce("Row removed");
});

onContent((root) => {
  for (const row of all(root, "[data-formset-row]")) {
    ready(row);
    if (row.querySelector('[name$="-DELETE"]:checked')) row.hidden = true;
  }
});

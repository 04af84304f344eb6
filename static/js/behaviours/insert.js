// data-insert="text": puts it where somebody last wrote, inside the closest [data-insert-scope].
import { on } from "../dom.js";
import { announce } from "./live.js";

const FIELDS = "textarea, input[type=text], input:not([type])";
const last = new WeakMap();

document.addEventListener("focusin", (event) => {
  const scope = event.target.closest?.("[data-insert-scope]");
  if (scope && event.target.matches(FIELDS)) last.set(scope, event.target);
});

on("click", "[data-insert]", (event, button) => {
  const scope = button.closest("[data-insert-scope]");
  const known = last.get(scope);
  const field = known?.isConnected ? known : scope.querySelector("textarea");
  if (!field) return;
  field.focus();
  // Nobody wrote here yet: at the end, not before the first word.
  const [from, to] = known ? [field.selectionStart, field.selectionEnd] : [field.value.length, field.value.length];
  field.setRangeText(button.dataset.insert, from, to, "end");
  last.set(scope, field);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  announce("Variable inserted");
});

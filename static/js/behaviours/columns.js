// Order of a list of columns: "Move up" and "Move down" change places; the order in the page is what is sent.
import { on } from "../dom.js";
import { announce } from "./live.js";

on("click", "[data-move]", (event, button) => {
  const item = button.closest("li");
  const up = button.dataset.move === "up";
  const other = up ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (up) other.before(item);
  else other.after(item);
  button.focus();
  const place = [...item.parentElement.children].indexOf(item) + 1;
  announce(`${item.textContent.trim()}: place ${place}`);
});

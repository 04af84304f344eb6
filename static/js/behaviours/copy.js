// data-copy="text": to the clipboard, and say so.
import { on } from "../dom.js";
import { toast } from "./toast.js";

on("click", "[data-copy]", async (event, button) => {
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast("Copied", "success");
  } catch {
    toast("The browser did not allow copying. Select the text and copy it by hand.", "warning");
  }
});

// data-confirm on a form, a submit button, a link or an htmx element: ask first, name the effect on the button.

/** Ask; resolves to true or false. */
export function ask(question, label) {
  const dialog = document.getElementById("confirm");
  if (!dialog) return Promise.resolve(window.confirm(question));
  dialog.querySelector("#confirm-text").textContent = question;
  const yes = dialog.querySelector("[data-confirm-yes]");
  yes.textContent = label || "Continue";
  return new Promise((resolve) => {
    const settle = (answer) => {
      yes.onclick = null;
      dialog.onclose = null;
      if (dialog.open) dialog.close();
      resolve(answer);
    };
    yes.onclick = () => settle(true);
    dialog.querySelector("[data-confirm-no]").onclick = () => settle(false);
    dialog.onclose = () => settle(false);
    dialog.showModal();
    dialog.querySelector("[data-confirm-no]").focus();
  });
}

// htmx elements.
document.addEventListener("htmx:confirm", (event) => {
  const source = event.detail.triggeringEvent?.submitter?.dataset?.confirm ? event.detail.triggeringEvent.submitter : event.detail.elt;
  const question = source.dataset?.confirm;
  if (!question) return;
  event.preventDefault();
  ask(question, source.dataset.confirmLabel).then((yes) => yes && event.detail.issueRequest(true));
});

// Plain forms and their buttons.
const agreed = new WeakSet();
document.addEventListener(
  "submit",
  (event) => {
    const { target: form, submitter } = event;
    const source = submitter?.dataset.confirm ? submitter : form;
    if (!source.dataset.confirm || form.matches("[hx-post],[hx-get],[hx-put],[hx-delete],[hx-patch]")) return;
    if (agreed.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(source.dataset.confirm, source.dataset.confirmLabel).then((yes) => {
      if (!yes) return;
      agreed.add(form);
      form.requestSubmit(submitter);
    });
  },
  true,
);

// Plain links.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-confirm]:not([hx-get],[hx-post],[hx-delete])") : null;
  if (!link) return;
  event.preventDefault();
  ask(link.dataset.confirm, link.dataset.confirmLabel).then((yes) => yes && location.assign(link.href));
});

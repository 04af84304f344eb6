// Redoc makes <style> elements at run time, and its badge asks another host for a picture. The policy refuses both:
// the styles get this page's nonce, the picture is never asked for.
(() => {
  const nonce = document.currentScript.dataset.nonce;
  const create = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const element = create(name, options);
    const kind = String(name).toLowerCase();
    if (kind === "style") element.setAttribute("nonce", nonce);
    if (kind === "img") {
      const set = element.setAttribute.bind(element);
      element.setAttribute = (key, value) => {
        if (key === "src" && new URL(value, location.href).origin !== location.origin && !String(value).startsWith("data:")) return;
        set(key, value);
      };
    }
    return element;
  };
})();

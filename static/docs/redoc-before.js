// Redoc makes <style> elements at run time, and its badge asks another host for a picture. The policy refuses both:
// the styles get this page's nonce, the picture is never asked for.
(() => {
  const nonce = document.currentScript.dataset.nonce;
  const create = document.createElement.bind(document);
  const ours = (value) => String(value).startsWith("data:") || new URL(value, location.href).origin === location.origin;

  function guard(image) {
    const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
    const set = image.setAttribute.bind(image);
    image.setAttribute = (key, value) => {
      if (key !== "src" || ours(value)) set(key, value);
    };
    Object.defineProperty(image, "src", {
      get: () => source.get.call(image),
      set: (value) => {
        if (ours(value)) source.set.call(image, value);
      },
    });
  }

  document.createElement = (name, options) => {
    const element = create(name, options);
    const kind = String(name).toLowerCase();
    if (kind === "style") element.setAttribute("nonce", nonce);
    if (kind === "img") guard(element);
    return element;
  };
})();

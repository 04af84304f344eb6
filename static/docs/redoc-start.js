const target = document.getElementById("redoc");
Redoc.init(target.dataset.schema, { disableSearch: true, hideLoading: true, nativeScrollbars: true }, target);

// ReDoc over this service's own description, in fonts that the reader's system has.
const text = 'system-ui, -apple-system, "Segoe UI", sans-serif';
Redoc.init(
  "/openapi.json",
  {
    hideDownloadButton: false,
    theme: {
      typography: {
        fontFamily: text,
        headings: { fontFamily: text },
        code: { fontFamily: "ui-monospace, Menlo, Consolas, monospace" },
      },
    },
  },
  document.getElementById("redoc"),
);

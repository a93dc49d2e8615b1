// Sends a form once if its button is pressed twice. The answer to the second would replace the first one's,
// and with it the sentence that says what was done.
"use strict";

(() => {
  // A form that downloads a file stays on the page, and may be sent again.
  const MILLISECONDS = 10_000;
  const sent = new WeakMap();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
    if (Date.now() - (sent.get(form) ?? -Infinity) < MILLISECONDS) event.preventDefault();
    else sent.set(form, Date.now());
  });

  // Coming back with the browser's back button starts afresh.
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) sent.delete(form);
  });
})();

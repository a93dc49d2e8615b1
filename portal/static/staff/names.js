// Gives Django's boxes that complete what's typed the name of their field, for screen readers.
"use strict";

(() => {
  const name = (root) => {
    for (const list of root.querySelectorAll("select.select2-hidden-accessible")) {
      const label = list.labels[0];
      const box = list.nextElementSibling;
      if (!label || !box) continue;
      const words = label.textContent.trim();
      for (const part of box.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
        part.removeAttribute("aria-labelledby");
        part.setAttribute("aria-label", words);
      }
    }
  };

  // Django makes the boxes in its own handlers of the same events.
  addEventListener("load", () => name(document));
  document.addEventListener("formset:added", (event) => setTimeout(() => name(event.target)));
})();

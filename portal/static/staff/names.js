// Gives Django's boxes that complete what's typed the name of their field, for screen readers.
"use strict";

(() => {
  const BOX = "select.select2-hidden-accessible + .select2-container";

  const name = (box) => {
    const [label] = box.previousElementSibling.labels;
    if (!label) return;
    const words = label.textContent.replace(/\s+/g, " ").trim();
    for (const part of box.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", words);
    }
  };

  // They're made once the page is ready, and with each row that's added to a form.
  new MutationObserver((changes) => {
    if (changes.some((change) => change.addedNodes.length)) document.querySelectorAll(BOX).forEach(name);
  }).observe(document, { childList: true, subtree: true });
})();

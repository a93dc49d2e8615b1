// Buttons that copy what's beside them. Without this file they're hidden, and the text can be selected.
"use strict";

const SHOWN_FOR = 2000;

function copyBySelecting(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("readonly", "");
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

async function copy(text) {
  // Browsers give the clipboard only to secure pages.
  if (!navigator.clipboard) return copyBySelecting(text);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelecting(text);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.querySelector("[data-copy-label]");
  const copied = await copy(button.dataset.copy);
  button.focus();
  label.textContent = copied ? label.dataset.copied : label.dataset.select;
  clearTimeout(button.copyTimer);
  button.copyTimer = setTimeout(() => { label.textContent = label.dataset.copyWord; }, SHOWN_FOR);
});

// Everything works without this file. It adds closing toasts, modal dialogs, and buttons that can't be pressed twice.
"use strict";

const SECONDS_SHOWN = 8;

function closeToastLater(toast) {
  // A toast in the page's flow stays: buttons must not move under a thumb.
  if (getComputedStyle(toast.parentElement).position === "static") return;
  if (toast.dataset.toast === "error" || toast.dataset.toast === "warning") return;
  let timer;
  const start = () => { timer = setTimeout(() => toast.remove(), SECONDS_SHOWN * 1000); };
  const stop = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", stop);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("pointerleave", start);
  start();
}

function openAsModal(event, dialog, button) {
  event.preventDefault();
  dialog.removeAttribute("popover");
  if (button.getAttribute("popovertargetaction") === "hide") dialog.close();
  else dialog.showModal();
}

document.querySelectorAll("[data-toast]").forEach(closeToastLater);

document.addEventListener("click", (event) => {
  const close = event.target.closest(".toast-close");
  if (close) close.closest(".toast").remove();

  const opener = event.target.closest("[popovertarget]");
  const target = opener && document.getElementById(opener.getAttribute("popovertarget"));
  if (target instanceof HTMLDialogElement) openAsModal(event, target, opener);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Coming back with the browser's back button must not find a busy form.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
});

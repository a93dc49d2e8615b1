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

// What HTMX couldn't do is said where its answer was to appear, with a way to try again.
const failures = new WeakMap();

function clearFailure(target) {
  failures.get(target)?.remove();
  failures.delete(target);
}

function kindOfFailure(status) {
  if (!status) return navigator.onLine ? "unreachable" : "offline";
  if (status === 429) return "many";
  return status >= 500 ? "server" : "stale";
}

function tryAgain(target, request, isStale) {
  clearFailure(target);
  if (isStale || !request.elt.isConnected) location.reload();
  else htmx.ajax(request.verb, request.path, { source: request.elt, values: Object.fromEntries(request.formData) });
}

function sayFailure({ detail: { target, xhr, requestConfig } }) {
  const template = document.getElementById("failure");
  if (!target?.isConnected || !template) return;
  const kind = kindOfFailure(xhr?.status);
  // A poll fails again and again: it's said once.
  if (failures.get(target)?.dataset.kind === kind && failures.get(target).isConnected) return;
  clearFailure(target);
  const notice = template.content.firstElementChild.cloneNode(true);
  const button = notice.querySelector("button");
  notice.dataset.kind = kind;
  notice.querySelector("p").textContent = template.dataset[kind];
  if (kind === "stale") button.textContent = template.dataset.reload;
  button.addEventListener("click", () => tryAgain(target, requestConfig, kind === "stale"));
  failures.set(target, notice);
  target.prepend(notice);
}

["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, sayFailure));
document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) clearFailure(detail.target); });
// The browser's back button wanted a page that HTMX couldn't load: the browser does.
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

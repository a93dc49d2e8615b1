// Everything works without this file. It adds closing toasts, modal dialogs, and buttons that can't be pressed twice.
"use strict";

const SECONDS_SHOWN = 8;

function closeToastLater(toast) {
  // A toast in the page's flow stays: buttons must not move under a thumb.
  const isInFlow = getComputedStyle(toast.parentElement).position === "static";
  if (isInFlow && !toast.matches(".toast-brief")) return;
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
// One that HTMX brought takes the place of the one before.
document.addEventListener("htmx:load", ({ target }) => {
  if (!target.matches(".toast-brief")) return;
  document.querySelectorAll(".toast-brief").forEach((other) => { if (other !== target) other.remove(); });
  closeToastLater(target);
});

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

// What was typed into a form that came too late is kept in this tab until the form is back on a page.
const DRAFT = "draft";
const DRAFT_KEPT_FOR = 60 * 60 * 1000;
const SECRET = /password|one-time-code|cc-/;
const NOT_TYPED = ["password", "hidden", "file", "submit", "button", "reset", "image"];

const here = () => location.pathname + location.search;
const isChoice = (field) => field.type === "checkbox" || field.type === "radio";
const isFilled = (field) => (isChoice(field) ? field.checked : field.type.startsWith("select") ? false : field.value !== "");

function isTyped(field) {
  if (!field.name || field.name === "code" || field.disabled || NOT_TYPED.includes(field.type)) return false;
  return field.matches("input, select, textarea") && !SECRET.test(field.autocomplete);
}

function typedFields(forms) {
  const seen = {};
  return [...forms].flatMap((form) => [...form.elements].filter(isTyped).map((field) => {
    const name = [form.getAttribute("action") || location.pathname, field.name, isChoice(field) ? field.value : ""].join(" ");
    seen[name] = (seen[name] || 0) + 1;
    return [`${name} ${seen[name]}`, field];
  }));
}

function valueOf(field) {
  return isChoice(field) ? field.checked : field.type === "select-multiple" ? [...field.selectedOptions].map((one) => one.value) : field.value;
}

// Returns whether anything was worth keeping. isAsked: it's filled in again only where a message says that it wasn't sent.
function keepDraft(forms, isAsked = false) {
  const fields = typedFields(forms);
  const user = document.body.dataset.user;
  if (!user || !fields.some(([, field]) => isFilled(field))) return false;
  const values = Object.fromEntries(fields.map(([name, field]) => [name, valueOf(field)]));
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify({ user, values, isAsked, at: Date.now() }));
  } catch {
    // Some browsers allow no storage, or theirs is full: then nothing is promised.
    return false;
  }
  return true;
}

function takeDraft() {
  let draft;
  try {
    draft = JSON.parse(sessionStorage.getItem(DRAFT));
    sessionStorage.removeItem(DRAFT);
  } catch {
    return null;
  }
  return draft && draft.user === document.body.dataset.user && Date.now() - draft.at < DRAFT_KEPT_FOR ? draft : null;
}

function fillIn(field, value) {
  if (JSON.stringify(valueOf(field)) === JSON.stringify(value)) return;
  if (isChoice(field)) field.checked = value;
  else if (field.type === "select-multiple") [...field.options].forEach((one) => { one.selected = value.includes(one.value); });
  else field.value = value;
  if (field.type === "radio" && !value) return;
  ["input", "change"].forEach((name) => field.dispatchEvent(new Event(name, { bubbles: true })));
}

function restoreDraft() {
  // The pages of signing in come in between.
  if (!document.body.dataset.user) return;
  const draft = takeDraft();
  const says = document.querySelector("[data-restores]");
  if (!draft || (draft.isAsked && !says)) return;
  const fields = typedFields(document.forms).filter(([name]) => name in draft.values);
  fields.forEach(([name, field]) => fillIn(field, draft.values[name]));
  if (says || !fields.length) return;
  const toast = document.getElementById("restored").content.firstElementChild.cloneNode(true);
  document.getElementById("toasts").append(toast);
  closeToastLater(toast);
}

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.target.getAttribute("method") === "post") keepDraft([event.target], true);
});
// By then HTMX listens, too.
document.addEventListener("DOMContentLoaded", restoreDraft);

// What HTMX couldn't do is said where its answer was to appear, with a way to try again.
const failures = new WeakMap();

function clearFailure(target) {
  failures.get(target)?.remove();
  if (failures.has(target)) showFresh(target, true);
  failures.delete(target);
}

function kindOfFailure(xhr) {
  if (!xhr?.status) return navigator.onLine ? "unreachable" : "offline";
  if (xhr.status === 401) return "signedOut";
  if (xhr.status === 429) return "many";
  if (xhr.status >= 500) return "server";
  return xhr.getResponseHeader("Portal-Failure") || "stale";
}

function loadAgain() {
  keepDraft(document.forms);
  location.reload();
}

function tryAgain(target, request) {
  clearFailure(target);
  if (!request.elt.isConnected) loadAgain();
  else htmx.ajax(request.verb, request.path, { source: request.elt, values: Object.fromEntries(request.formData) });
}

function signInLink(template, button) {
  const link = document.createElement("a");
  link.className = button.className;
  link.textContent = template.dataset.signIn;
  link.href = `${template.dataset.login}?next=${encodeURIComponent(here())}`;
  // What's typed while the notice is there is kept, too.
  link.addEventListener("click", () => keepDraft(document.forms));
  return link;
}

function sayFailure({ detail: { target, xhr, requestConfig } }) {
  const template = document.getElementById("failure");
  if (!target?.isConnected || !template) return;
  const kind = kindOfFailure(xhr);
  // A poll fails again and again: it's said once.
  if (failures.get(target)?.dataset.kind === kind && failures.get(target).isConnected) return;
  clearFailure(target);
  const notice = template.content.firstElementChild.cloneNode(true);
  const button = notice.querySelector("button");
  notice.dataset.kind = kind;
  const isKept = ["signedOut", "expired"].includes(kind) && keepDraft(document.forms);
  notice.querySelector("p").textContent = template.dataset[isKept ? `${kind}Kept` : kind];
  if (kind === "signedOut") button.replaceWith(signInLink(template, button));
  else if (kind === "stale" || kind === "expired") {
    button.textContent = template.dataset.reload;
    button.addEventListener("click", loadAgain);
  } else button.addEventListener("click", () => tryAgain(target, requestConfig));
  failures.set(target, notice);
  // What was asked for isn't known, so what's shown of it may be wrong.
  showFresh(target, false);
  // Behind an open dialog, nothing could be read or pressed.
  requestConfig.elt.closest("dialog[open]")?.close();
  target.prepend(notice);
  // What was pressed may be far below; what's typed or polled moves nothing.
  if (requestConfig.elt.matches("form, button")) notice.scrollIntoView({ block: "nearest" });
}

function showFresh(part, isFresh) {
  const target = part.closest("form") ?? part;
  target.querySelectorAll("[data-fresh]").forEach((part) => { part.hidden = !isFresh; });
  target.querySelectorAll("[data-stale]").forEach((part) => { part.hidden = isFresh; });
}

// A form that came back with something wrong leads to the first field that has to change.
function focusFirstWrong({ detail: { elt, requestConfig } }) {
  if (requestConfig?.verb === "post") elt.querySelector?.('[aria-invalid="true"]')?.focus();
}

["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, sayFailure));
document.addEventListener("htmx:afterSettle", focusFirstWrong);
document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) clearFailure(detail.target); });
// The browser's back button wanted a page that HTMX couldn't load: the browser does.
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());
// Someone who sent a form with a mistake goes on at the mistake.
document.addEventListener("htmx:afterSettle", ({ detail: { elt, requestConfig } }) => {
  if (requestConfig?.triggeringEvent?.type === "submit") elt.querySelector('[aria-invalid="true"]')?.focus();
});

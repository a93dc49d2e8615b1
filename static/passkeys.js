// Asks the browser for a passkey when a form with data-passkey is sent, and sends its answer along.
// Without this file these forms are hidden, and the page's other ways work. See templates/components/passkey.html.
"use strict";

const SAYS_FOR = {
  NotAllowedError: "canceled",
  AbortError: "canceled",
  InvalidStateError: "known",
  SecurityError: "elsewhere",
  NotSupportedError: "unable",
  ConstraintError: "unable",
};

class Refused extends Error {}

// Returns nothing if the page is out of date: it's loaded again, which leads to the sign-in.
async function challenge(form) {
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.action, { headers, cache: "no-store", redirect: "manual" });
  if (answer.type === "opaqueredirect") { window.location.reload(); return null; }
  if (answer.status === 429) throw new Refused("many");
  if (!answer.ok) throw new Refused("offline");
  return answer.json();
}

function say(form, what) {
  form.querySelectorAll(".passkey-said > .error").forEach((line) => {
    line.hidden = line.dataset.passkeySays !== what;
  });
}

async function run(form, button) {
  say(form, null);
  button.setAttribute("aria-busy", "true");
  try {
    const options = await challenge(form);
    if (!options) return;
    const credential = await window.webauthnJSON[form.dataset.passkey](options);
    form.elements.credential.value = JSON.stringify(credential);
    form.dataset.sent = "yes";
    form.submit();
  } catch (error) {
    button.removeAttribute("aria-busy");
    say(form, error instanceof Refused ? error.message : SAYS_FOR[error.name] || "offline");
    button.focus();
  }
}

if (window.webauthnJSON?.supported()) {
  document.querySelectorAll("[data-passkey]").forEach((form) => { form.hidden = false; });
  document.querySelectorAll("[data-passkey-missing]").forEach((text) => { text.hidden = true; });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-passkey]")) return;
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  if (!button.hasAttribute("aria-busy")) run(form, button);
});

// Coming back with the browser's back button must not find an answer that was used.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("[data-passkey]").forEach((form) => { form.elements.credential.value = ""; });
});

// Shows how far a bank's file is, and sends it. Without this, the forms work by themselves.
"use strict";

(() => {
  const part = (form, name) => form.querySelector(`[data-${name}]`);

  const refuse = (form, sentence) => {
    part(form, "progress").hidden = true;
    part(form, "problem").textContent = sentence;
    part(form, "problem").hidden = false;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  };

  const answered = (form, request) => {
    let said = {};
    try {
      said = JSON.parse(request.responseText);
    } catch {
      // A page instead: signed out, or an error of the server's, which its log has.
    }
    if (said.url) window.location.assign(said.url);
    else refuse(form, said.problem || "That didn't work. Reload the page, and try again.");
  };

  const send = (form, working) => {
    const request = new XMLHttpRequest();
    const bar = part(form, "progress").querySelector("progress");
    const says = part(form, "says");
    part(form, "problem").hidden = true;
    part(form, "progress").hidden = false;
    says.textContent = working;
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable || !bar.max || event.loaded === event.total) return;
      bar.value = (100 * event.loaded) / event.total;
      says.textContent = `Sending: ${Math.round(bar.value)}%`;
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      says.textContent = working;
    });
    request.addEventListener("load", () => answered(form, request));
    request.addEventListener("error", () => refuse(form, "The connection broke. Try again."));
    request.open("POST", form.action || window.location.href);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.send(new FormData(form));
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  };

  const upload = document.querySelector("form[data-upload]");
  if (upload) {
    const file = upload.querySelector("input[type=file]");
    const drop = file.closest(".staff-drop");
    file.addEventListener("dragenter", () => drop.classList.add("is-over"));
    for (const kind of ["dragleave", "drop"]) {
      file.addEventListener(kind, () => drop.classList.remove("is-over"));
    }
    upload.addEventListener("submit", (event) => {
      if (!file.files.length) return;
      event.preventDefault();
      if (file.files[0].size > 10 * 1024 * 1024) {
        refuse(upload, "The file is larger than 10 MB. Export fewer months at a time.");
        return;
      }
      send(upload, "Reading the file…");
    });
  }

  const store = document.querySelector("form[data-import]");
  if (store) {
    store.addEventListener("submit", (event) => {
      event.preventDefault();
      send(store, "Importing: all of it, or nothing…");
    });
  }
})();

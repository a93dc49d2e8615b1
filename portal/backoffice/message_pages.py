"""Messages on the staff site: their log, and the gallery of all kinds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from emails import samples, wording
from emails.admin import MessageAdmin
from emails.catalog import Kind
from emails.models import Message
from emails.names import name_of
from members.access import current_user
from members.languages import own
from portal.backoffice import gallery, message_statistics, message_words
from portal.backoffice.gallery import Exhibit
from portal.backoffice.message_words import WordsForm

MAY_EDIT = "emails.add_editedtext"
OVERTAKEN = "Not saved: someone else saved these words meanwhile. Open the page again to see them."


@admin.register(Message)
class MessagePages(MessageAdmin):
    """The message log, with the pages about messages as such."""

    def get_urls(self) -> list[Any]:
        """Add the pages."""
        guarded = self.admin_site.admin_view
        own = [
            path("gallery/", guarded(self.gallery), name="emails_message_gallery"),
            path("gallery/words/", guarded(self.words), name="emails_message_words"),
            path("gallery/message/", guarded(self.exhibit), name="emails_message_exhibit"),
        ]
        own.append(path("statistics/", guarded(self.statistics), name="emails_message_statistics"))
        return [*own, *super().get_urls()]

    def gallery(self, request: HttpRequest) -> HttpResponse:
        """Answer with every kind. Template: `admin/messages/gallery.html`."""
        self._check_may_view(request)
        return self._page(request, "gallery", "Gallery", {"shelves": gallery.shelves()})

    def statistics(self, request: HttpRequest) -> HttpResponse:
        """Answer with what became of a month's. Template: `admin/messages/statistics.html`."""
        self._check_may_view(request)
        month = message_statistics.month_of(request.GET.get("month", ""))
        page = message_statistics.words(message_statistics.read(month))
        return self._page(request, "statistics", "Statistics", {"page": page})

    def exhibit(self, request: HttpRequest) -> HttpResponse:
        """Answer with one sample, or send it. Template: `admin/messages/exhibit.html`."""
        self._check_may_view(request)
        kind = gallery.found(request.GET.get("kind", ""))
        if kind is None:
            raise Http404("There is no such message.")
        number = request.GET.get("sample", "")
        exhibit = gallery.exhibit(kind, int(number) if number.isdecimal() else 1)
        if request.method == "POST":
            return self._send(request, exhibit)
        facts = {
            "exhibit": exhibit,
            "may_send": self._may_send(request),
            "words_url": message_words.address(kind) if self._may_edit(request, kind) else "",
            "words_link": message_words.link(kind),
        }
        return self._page(request, "exhibit", name_of(kind), facts)

    def words(self, request: HttpRequest) -> HttpResponse:
        """Edit a kind's subject, opening, and text. Template: `admin/messages/words.html`."""
        if not request.user.has_perm(MAY_EDIT):
            raise PermissionDenied
        kind = gallery.found(request.GET.get("kind", ""))
        language = request.GET.get("language") or own()
        offered = message_words.languages()
        if kind is None or not message_words.may_edit(kind) or language not in dict(offered):
            raise Http404("There is no such message.")
        row = message_words.newest(kind, language)
        typed = {"subject": row.subject, "lead": row.lead, "sms": row.sms} if row else {}
        form = WordsForm(
            request.POST if request.method == "POST" else None,
            kind=kind,
            language=language,
            initial={**typed, "based_on": row.version if row else 0},
        )
        shown = None
        if form.is_bound and form.is_valid():
            if request.POST.get("step") == "preview":
                shown = message_words.preview(form.row())
            elif self._saved(request, form):
                return redirect(message_words.address(kind, language))
        original = message_words.originals(kind)
        facts = {
            "form": form,
            "preview": shown,
            "original": original,
            "lead": wording.lead_of(original.text),
            "names": [f"{{{name}}}" for name in sorted(form.known)],
            "links": [f"{{{name}}}" for name in sorted({*form.known_in_texts} - {*form.known})],
            "history": message_words.history(kind, language),
            "languages": [
                (name, message_words.address(kind, code), code == language)
                for code, name in offered
            ],
            "back": gallery.address(kind),
        }
        return self._page(request, "words", f"Words of {name_of(kind)}", facts)

    def _saved(self, request: HttpRequest, form: WordsForm) -> bool:
        """Save what was typed, or the original; return whether nobody was faster."""
        row = form.row()
        if request.POST.get("step") == "original":
            row.subject, row.lead, row.sms, row.days = "", "", "", []
        based_on = form.cleaned_data["based_on"]
        if message_words.is_unchanged(row, based_on=based_on):
            messages.info(request, "Nothing was changed: these words are in force already.")
            return True
        if not message_words.save(row, current_user(request), based_on=based_on):
            form.add_error(None, OVERTAKEN)
            return False
        parts = {"subject": row.subject, "opening": row.lead, "text": row.sms}
        said = [f"{name} “{words}”" for name, words in parts.items() if words]
        words = ", ".join(said) or "back to the original"
        self.log_done(request, f"Changed the words of {message_words.title(row)}: {words}.")
        messages.success(request, "Saved. It’s in force now, and everywhere within ten seconds.")
        return True

    def _may_edit(self, request: HttpRequest, kind: Kind) -> bool:
        return request.user.has_perm(MAY_EDIT) and message_words.may_edit(kind)

    def _send(self, request: HttpRequest, exhibit: Exhibit) -> HttpResponse:
        """Send a sample to whoever asks for it."""
        if not (self._may_send(request) and exhibit.mail):
            raise PermissionDenied
        user = current_user(request)
        sent = samples.put(user, exhibit.sample.context)
        if sent is None:
            words = f"You’ve sent yourself {samples.SAMPLES_AN_HOUR} samples this hour. Wait a bit."
            messages.error(request, words)
        else:
            self.log_change(request, sent, f"Sent a sample to themselves: {exhibit.name}.")
            messages.success(request, f"The sample is on its way to {sent.recipient}.")
        return redirect(gallery.address(exhibit.kind, exhibit.number))

    def _check_may_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _may_send(self, request: HttpRequest) -> bool:
        """Whether they may have a sample sent, and have an address."""
        return self.has_resend_permission(request) and bool(current_user(request).email)

    def _page(
        self, request: HttpRequest, template: str, title: str, facts: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "model_admin": self,
            "title": title,
            "content_title": title,
            **facts,
        }
        return TemplateResponse(request, f"admin/messages/{template}.html", context)

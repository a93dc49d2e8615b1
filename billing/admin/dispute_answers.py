"""The pages on which staff answer a dispute: the draft, the last look, and its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.dataclasses import UnfoldAction
from unfold.forms import BaseDialogForm

from billing.admin import dispute_answer_facts as facts
from billing.admin.dispute_answer_form import AnswerForm
from billing.core.dispute_evidence import FILES, TEXTS, TYPES
from billing.core.statuses import AnswerState
from billing.disputes import answering, answers, files
from billing.disputes.answering import AnswerError
from billing.models import Dispute, DisputeAnswer, EvidenceFile
from common import documents
from common.staff import changes, show
from common.staff.parts import button, column, page_button, row_of_buttons
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there, recently_signed_in

LOOK = "billing_dispute_look"
ANSWER, ACCEPT = "answer", "accept"
SAVED = "The draft is saved. Nothing has been sent to the bank."
SENT = "Sent to the bank. It decides, which can take up to three months."
ACCEPTED = "Accepted. The money stays with the card’s owner."
GONE = "There’s no answer to look at yet."
NOT_YET = "Nothing was sent yet: first confirm that it’s you, then press the button again."
EMPTY = changes.EMPTY


class AcceptForm(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """The question whether to give in, with what that means above it."""

    form_before_template = "admin/billing/memberships/now.html"

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        """Say whose it is and how much is lost."""
        row = _rows().filter(pk=object_id).first() if str(object_id).isdecimal() else None
        if row is None:
            return {"lines": []}
        name = show.name_of(row.customer.user)
        return {"lines": [f"{name}: {row.money}, and Stripe’s fee for the dispute."]}


class AnswersDisputes:
    """The buttons and pages, for the list of disputes."""

    admin_site: Any
    opts: Any
    log_change: Callable[..., Any]
    has_view_permission: Callable[..., bool]
    # On a phone, the buttons above are in a menu.
    change_form_before_template = "admin/billing/disputes/start.html"

    def get_urls(self) -> list[Any]:
        """Add the last look, and the files."""
        guarded = self.admin_site.admin_view
        return [
            path("<int:pk>/answer/look/", guarded(self.look), name=LOOK),
            path("<int:pk>/answer/files/<int:file>/", guarded(self.file), name=facts.FILE_PAGE),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Show the buttons as long as there's something to answer."""
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        row = row_of_buttons(request, Dispute, str(object_id))
        if row is not None and not answers.why_not(row) and _is_open_to_change(row):
            return actions
        return [one for one in actions if one.path not in (ANSWER, ACCEPT)]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Lead to the form of the answer, if there's one to write."""
        context |= {"answer_url": "", "answer_words": ""}
        row: Dispute | None = context.get("original")
        if row is not None and self.has_draft_permission(request) and not answers.why_not(row):
            answer = answers.answer_to(row)
            if answer is None or answer.is_draft:
                words = "Continue the answer" if answer else "Answer this dispute"
                context |= {"answer_url": answer_of(row), "answer_words": words}
        response: HttpResponse = super().render_change_form(  # type: ignore[misc]
            request, context, *args, **kwargs
        )
        return response

    def has_draft_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may write an answer."""
        return self.has_view_permission(request) and request.user.has_perm(answering.MAY_DRAFT)

    def has_accept_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may give in, and the bank has the money."""
        if not request.user.has_perm(answering.MAY_SEND):
            return False
        row = row_of_buttons(request, Dispute, str(object_id))
        return row is None or not row.is_inquiry

    @page_button("Answer this dispute", icon="edit_document", path=ANSWER, permission="draft")
    def answer_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Write the answer, and keep it as a draft."""
        row = _row_or_404(object_id)
        answer = answers.answer_to(row)
        sentence = answers.why_not(row)
        if sentence or (answer and not answer.is_draft):
            if not (answer and not answer.is_draft):
                messages.error(request, sentence)
            return redirect(look_at(row) if answer else show.page_of(row))
        if request.method != "POST":
            return self._form_page(request, row, AnswerForm(row, answer))
        form = AnswerForm(row, answer, request.POST, request.FILES)
        if form.is_valid():
            before = _words_of(answer)
            try:
                saved = answering.save(
                    row,
                    form.draft(timezone.now()),
                    form.cleaned_data["version"],
                    current_user(request),
                )
            except AnswerError as error:
                form.add_error(None, str(error))
            else:
                self._log_draft(request, row, before, _words_of(saved))
                if "_look" in request.POST:
                    return redirect(look_at(row))
                messages.success(request, SAVED)
                return redirect(answer_of(row))
        return self._form_page(request, row, form, status=422)

    def _form_page(
        self, request: HttpRequest, row: Dispute, form: AnswerForm, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Answer this dispute",
            "case": facts.case_of(row),
            "answer": form.answer,
            "form": form,
            "may_send": request.user.has_perm(answering.MAY_SEND),
            "back": show.page_of(row),
        }
        template = "admin/billing/disputes/answer.html"
        return TemplateResponse(request, template, context, status=status)

    def _log_draft(
        self,
        request: HttpRequest,
        row: Dispute,
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        """Log what a draft said before and says now; what it began with is only named."""
        if not before:
            self.log_change(request, row, f"Answer drafted: {', '.join(after) or EMPTY}.")
            return
        values = [
            (label, *(_short(words.get(label, EMPTY)) for words in (before, after)))
            for label in dict.fromkeys([*before, *after])
            if before.get(label) != after.get(label)
        ]
        if values:
            labels = [label for label, _, _ in values]
            self.log_change(request, row, [{"changed": {"fields": labels, "values": values}}])

    def look(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show exactly what goes to the bank, or went; on yes, send it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = _row_or_404(str(pk))
        answer = answers.answer_to(row)
        if request.method == "POST":
            return self._send(request, row, answer)
        if answer is None:
            messages.warning(request, answers.why_not(row) or GONE)
            return redirect(show.page_of(row))
        user = request.user
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Last look" if answer.is_draft else "Our answer",
            "case": facts.case_of(row),
            "answer": answer,
            "state": facts.state_of(answer),
            "story": list(facts.story_of(answer)),
            "contents": facts.contents_of(answer),
            "why_not": answers.why_not(row) if answer.is_draft else "",
            "replaces": answer.is_draft and row.has_evidence,
            "may_send": user.has_perm(answering.MAY_SEND),
            "edit": answer_of(row) if user.has_perm(answering.MAY_DRAFT) else "",
            "back": show.page_of(row),
        }
        return TemplateResponse(request, "admin/billing/disputes/look.html", context)

    def _send(
        self, request: HttpRequest, row: Dispute, answer: DisputeAnswer | None
    ) -> HttpResponse:
        if not request.user.has_perm(answering.MAY_SEND):
            raise PermissionDenied
        if asked := ask_who_is_there(request, look_at(row)):
            messages.warning(request, NOT_YET)
            return asked
        shown = request.POST.get("version", "")
        try:
            if answer and answer.is_under_way:
                done = answering.finish(answer)
            else:
                number = int(shown) if shown.isascii() and shown.isdecimal() else -1
                done = answering.send(row, number, current_user(request))
        except AnswerError as error:
            messages.error(request, str(error))
        else:
            self._log_done(request, row, done)
        return redirect(look_at(row) if answer else show.page_of(row))

    @recently_signed_in
    @button(
        "Accept the dispute",
        icon="flag",
        path=ACCEPT,
        permission="accept",
        question="Accept this dispute?",
        explanation=(
            "You tell the bank that its customer is right. The money stays with them, the dispute"
            " is lost, and nobody can undo that. A draft of an answer isn’t sent."
        ),
        form=AcceptForm,
        is_primary=False,
    )
    def accept_it(self, request: HttpRequest, form: AcceptForm, object_id: str) -> HttpResponse:
        """Give in."""
        row = _row_or_404(object_id)
        try:
            done = answering.accept(row, current_user(request))
        except AnswerError as error:
            messages.error(request, str(error))
        else:
            self._log_done(request, row, done)
        return redirect(show.page_of(row))

    def _log_done(self, request: HttpRequest, row: Dispute, done: DisputeAnswer) -> None:
        said = "Accepted." if done.accepts else "Answer sent to the bank."
        self.log_change(request, row, said)
        self.log_change(request, row.customer.user, f"{row}: {said}")
        messages.success(request, ACCEPTED if done.accepts else SENT)

    def file(self, request: HttpRequest, pk: int, file: int) -> HttpResponse:
        """Download a file of an answer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(EvidenceFile, pk=file, answer__dispute=pk)
        content = bytes(row.content)
        kind = TYPES[files.kind_of(content)]
        response = documents.download(content, row.name, content_type=kind)
        response["X-Content-Type-Options"] = "nosniff"
        return response

    @column("Our answer")
    def our_answer(self, row: Dispute) -> SafeString | str:
        """Its state, with a link to what it says."""
        answer = answers.answer_to(row)
        if answer is None:
            return show.NOTHING
        name = facts.NAMES[AnswerState(answer.state)]
        if answer.state == AnswerState.SENT:
            name = f"{name} on {show.day(answer.done_at)} by {show.name_of(answer.asked_by)}"
        return show.anchor(look_at(row), name)


def look_at(row: Dispute) -> str:
    """Return the address of the last look."""
    return reverse(f"admin:{LOOK}", args=[row.pk])


def answer_of(row: Dispute) -> str:
    """Return the address of the draft."""
    return reverse("admin:billing_dispute_answer_it", args=[row.pk])


def _rows() -> Any:
    return Dispute.objects.select_related("customer__user", "payment__invoice__subscription")


def _row_or_404(object_id: str) -> Dispute:
    if not (object_id.isascii() and object_id.isdecimal()):
        raise Http404("There is no such dispute.")
    row: Dispute = get_object_or_404(_rows(), pk=object_id)
    return row


def _is_open_to_change(row: Dispute) -> bool:
    answer = answers.answer_to(row)
    return answer is None or answer.is_draft


def _words_of(answer: DisputeAnswer | None) -> dict[str, str]:
    """Return what a draft says, by label, for the log."""
    return dict(_said(answer)) if answer else {}


def _said(answer: DisputeAnswer) -> Iterator[tuple[str, str]]:
    for name, text in TEXTS.items():
        if said := answer.texts.get(name):
            yield text.label, said
    for file in answer.files.named():
        yield FILES[file.field], f"{file.name} ({file.size:,} bytes)"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= changes.LONGEST else f"{line[: changes.LONGEST - 1]}…"

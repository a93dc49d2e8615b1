"""Every page that people other than staff see, by the name of its address.

`portal/tests/test_every_page_is_walked.py` holds the list to the URLs: whoever adds an address says
here which page it is, or why it's none. `e2e/walk.py` opens each page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Person(Enum):
    """Who looks at a page. `e2e/walk.py` brings them there."""

    VISITOR = "nobody is signed in"
    ADA = "a member who has everything: payments, refund, cards, passkey, app"
    NELL = "signed up today, and has nothing yet; her name is very long"
    FAY = "a payment failed, and the bank refused again"
    CLEO = "closes her account"
    EVE = "was a member"
    WAITING = "in the middle of signing in or up"


@dataclass(frozen=True)
class Place:
    """A page: the name of its address, what's in the address, and who looks at it.

    `arguments` are the names of what `walk.World` knows: an ID, a token, or a year. `query` is the
    rest of the address. `seen_by` are people for whom the page differs.
    """

    name: str
    arguments: tuple[str, ...] = ()
    seen_by: tuple[Person, ...] = (Person.ADA,)
    query: str = ""

    def __str__(self) -> str:
        return f"{self.name} {' '.join(self.arguments)} {self.query}".strip()


V, ADA, NELL, FAY = (Person.VISITOR,), (Person.ADA,), (Person.NELL,), (Person.FAY,)


def _p(name: str, *arguments: str, by: tuple[Person, ...] = ADA, query: str = "") -> Place:
    return Place(name, arguments, by, query)


# Those that ask for a recent sign-in come first.
PLACES = [
    _p("account_email"),
    _p("account_change_phone"),
    _p("account_change_password"),
    _p("mfa_index", by=(Person.ADA, Person.NELL)),
    _p("mfa_activate_totp", by=NELL),
    _p("mfa_deactivate_totp"),
    _p("mfa_view_recovery_codes"),
    _p("mfa_generate_recovery_codes"),
    _p("mfa_add_webauthn"),
    _p("mfa_edit_webauthn", "passkey"),
    _p("mfa_remove_webauthn", "passkey"),
    _p("selfservice:data"),
    _p("selfservice:close", by=(Person.ADA, Person.NELL, Person.CLEO)),
    _p("home", by=(Person.ADA, Person.NELL, Person.FAY, Person.CLEO, Person.EVE)),
    _p("billing:join", by=(Person.VISITOR, Person.NELL, Person.EVE)),
    _p("billing:join", by=NELL, query="chosen_price"),
    _p("billing:membership", by=(Person.ADA, Person.NELL, Person.FAY, Person.EVE)),
    _p("billing:checkout-return", query="session_of_joining"),
    _p("billing:cancel"),
    _p("billing:switch", "yearly"),
    _p("billing:cards", by=(Person.ADA, Person.NELL, Person.FAY)),
    _p("billing:details", by=(Person.ADA, Person.NELL)),
    _p("billing:payments", by=(Person.ADA, Person.NELL, Person.FAY)),
    _p("billing:payments", query="nothing_found"),
    _p("billing:statement", "year"),
    _p("billing:pay-amount", by=(Person.ADA, Person.NELL)),
    _p("billing:payment-result", query="session_of_paying"),
    _p("billing:payment", "single"),
    _p("billing:request-refund", "payment"),
    _p("billing:refund", "refund"),
    _p("billing:invoice", "invoice"),
    _p("billing:invoice", "unpaid_invoice", by=FAY),
    _p("billing:pay", "open_link", by=(Person.VISITOR, Person.ADA)),
    _p("billing:pay", "closed_link", by=V),
    _p("billing:pay", "no_link", by=V),
    _p("billing:pay-result", "paid_link", by=V, query="session_of_guest"),
    _p("billing:zelle", "zelle"),
    _p("members:account", by=(Person.ADA, Person.NELL)),
    _p("members:activity", by=(Person.ADA, Person.NELL)),
    _p("members:notifications", by=(Person.ADA, Person.NELL)),
    _p("members:unsubscribe", "unsubscribe", by=V),
    _p("members:unsubscribe", "broken", by=V),
    _p("members:confirm-email", "broken", by=V),
    _p("selfservice:help", by=(Person.VISITOR, Person.ADA, Person.NELL)),
    _p("selfservice:close-undo-link", "closing", by=V),
    _p("selfservice:close-undo-link", "broken", by=V),
    _p("staff-invitation", "invited", by=(Person.VISITOR, Person.ADA, Person.NELL)),
    _p("staff-invitation", "broken", by=V),
    _p("usersessions_list"),
    _p("account_logout"),
    _p("account_reauthenticate"),
    _p("mfa_reauthenticate"),
    _p("mfa_reauthenticate_webauthn"),
    _p("account_login", by=V),
    _p("account_signup", by=V),
    _p("account_request_login_code", by=V),
    _p("account_login_link", "sign_in", by=V),
    _p("account_login_link", "broken", by=V),
    _p("account_reset_password", by=V),
    _p("account_reset_password_from_key", "broken", "broken", by=V),
    _p("account_inactive", by=V),
    _p("account_confirm_login_code", by=(Person.WAITING,)),
    _p("account_confirm_password_reset_code", by=(Person.WAITING,)),
    _p("account_email_verification_sent", by=(Person.WAITING,)),
    _p("account_verify_phone", by=(Person.WAITING,)),
    _p("mfa_authenticate", by=(Person.WAITING,)),
    _p("styleguide", by=V),
    # Error pages, as the setting DEBUG serves them for review.
    *(_p("error-page", str(code), by=V) for code in (400, 403, 404, 405, 413, 429, 500)),
]


@dataclass(frozen=True)
class NoPage:
    """Addresses without a page of their own, and why."""

    why: str
    names: frozenset[str] = field(default_factory=frozenset)


# They take forms and answer by leading elsewhere, or with a part of the page that they belong to.
POSTED = NoPage(
    "takes a form only; whoever opens it is led back",
    frozenset(
        {
            *("billing:subscribe", "billing:manage-card", "billing:use-card", "billing:stay"),
            *("billing:resume", "billing:change-way", "billing:add-card", "billing:default-card"),
            *("billing:keep-price", "billing:remove-card", "billing:pay-again"),
            "billing:pay-with-another",
            *("billing:add-tax-id", "billing:remove-tax-id", "billing:email-receipt"),
            *("billing:pay-item", "billing:withdraw-refund", "billing:pay-invoice-by-zelle"),
            *("billing:pay-membership-by-zelle", "billing:zelle-sent", "billing:zelle-cancel"),
            *("selfservice:close-undo", "members:profile", "members:text-messages"),
            "members:email-works",
            *("members:phone-remove", "members:phone-skip", "usersessions_end"),
            *("google_login", "apple_login", "apple_callback", "social_disconnect"),
            *("connect_google", "connect_apple"),
        }
    ),
)
FILES = NoPage(
    "a file or a picture",
    frozenset(
        {
            *("billing:payments-csv", "billing:statement-pdf", "billing:statement-zip"),
            *("billing:receipt", "billing:invoice-pdf", "billing:credit-note-pdf"),
            *("billing:zelle-receipt", "billing:zelle-code", "selfservice:data-download"),
            *("mfa_download_recovery_codes", "brand-css", "brand-picture"),
        }
    ),
)
LEADS_ELSEWHERE = NoPage(
    "leads to another page",
    frozenset(
        {
            *("billing:join-choose", "billing:card-added", "billing:invoice-hosted"),
            "short-link",
            *("mfa_list_webauthn", "mfa_login_webauthn", "account_set_password"),
            # From Google and Apple back to where one was, or to the sign-in page with what's wrong.
            *("google_callback", "apple_finish_callback", "socialaccount_signup"),
            # Codes are entered where they're asked for.
            *("account_complete_password_reset", "account_password_reset_completed"),
        }
    ),
)
MACHINES = NoPage(
    "called by machines",
    frozenset({"stripe-webhook", "sms-status", "sms-inbound", "email-events", "healthz"}),
)
NO_PAGES = [POSTED, FILES, LEADS_ELSEWHERE, MACHINES]

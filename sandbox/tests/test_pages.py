"""The hosted pages and the control panel, used as a browser without JavaScript uses them."""

import html
import re
from typing import Any

import httpx
import pytest
import stripe
import typst

from sandbox.pages import cards, pdf
from sandbox.rendering import interval, money
from sandbox.tests.conftest import (
    DECLINED,
    FAILS_LATER,
    MONTHLY,
    SECURE,
    VISA,
    YEARLY,
    Member,
    Server,
    open_session,
    subscribe,
)

NO_FUNDS = "4000000000009995"


def card_form(number: str, **changes: str) -> dict[str, str]:
    return {"number": number, "expiry": "12 / 34", "cvc": "123", "name": "Alice Adams"} | changes


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its tags."""
    body = re.sub(r"<head>.*?</head>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(body).split())


def invoice_of(member: Member, status: str) -> stripe.Invoice:
    return next(invoice for invoice in member.invoices if invoice.status == status)


def portal_of(api: stripe.StripeClient, member: Member, **params: Any) -> str:
    """The path of a new billing-portal session."""
    wanted: Any = {"customer": member.id, "return_url": "http://portal.example/membership/"}
    session = api.v1.billing_portal.sessions.create(wanted | params)
    return f"/portal/{session.id}"


class TestPayer:
    """Address and tax id on the page of a session with Stripe Tax."""

    @pytest.fixture
    def session(self, api: stripe.StripeClient) -> stripe.checkout.Session:
        api.v1.prices.update(MONTHLY, {"tax_behavior": "exclusive"})
        customer = api.v1.customers.create({"email": "alice@example.com"})
        taxed: Any = {
            "automatic_tax": {"enabled": True},
            "tax_id_collection": {"enabled": True},
            "customer_update": {"address": "auto", "name": "auto"},
        }
        return open_session(api, customer=customer.id, **taxed)

    def send(
        self, server: Server, session: stripe.checkout.Session, **changes: str
    ) -> httpx.Response:
        """Send the form as the page that is open shows it, with some fields filled."""
        path = f"/checkout/{session.id}"
        shown = re.search(r'name="total" value="(\d+)"', server.http.get(path).text)
        assert shown
        fields = {"country": "US", "postal_code": "10001", "total": shown[1]}
        return server.http.post(path, data=card_form(VISA, **fields, **changes))

    def test_the_tax_is_shown_before_it_is_paid(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        page = server.http.get(f"/checkout/{session.id}")
        assert "Tax Enter your address" in text_of(page)
        for name in ("country", "postal_code", "business_name", "tax_type", "tax_value"):
            assert f'name="{name}"' in page.text
        assert 'name="line1"' not in page.text
        first = self.send(server, session)
        assert "With tax at your address the total is $30.16. Pay again" in text_of(first)
        assert "Tax $1.16" in text_of(first)
        assert self.send(server, session).status_code == 303
        assert api.v1.checkout.sessions.retrieve(session.id).amount_total == 3016

    def test_the_total_can_be_asked_for(
        self, server: Server, session: stripe.checkout.Session
    ) -> None:
        assert self.send(server, session, reckon="1").status_code == 303
        assert "$30.16" in text_of(server.http.get(f"/checkout/{session.id}"))
        assert self.send(server, session).status_code == 303

    def test_a_business_names_itself(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        german = {"country": "DE", "postal_code": "", "tax_type": "eu_vat"}
        refused = server.http.post(
            f"/checkout/{session.id}",
            data=card_form(VISA, **german, tax_value="DE123456789"),
        )
        assert (refused.status_code, "your business name" in text_of(refused)) == (400, True)
        wrong = card_form(VISA, **german, tax_value="12", business_name="Beispiel GmbH")
        refused = server.http.post(f"/checkout/{session.id}", data=wrong)
        assert (refused.status_code, "Invalid value for eu_vat" in text_of(refused)) == (400, True)
        right = wrong | {"tax_value": "DE123456789"}
        assert server.http.post(f"/checkout/{session.id}", data=right).status_code == 303
        details = api.v1.checkout.sessions.retrieve(session.id).customer_details
        assert details
        assert details.business_name == "Beispiel GmbH"
        assert details.tax_ids
        assert details.tax_ids[0].value == "DE123456789"

    def test_a_place_that_is_not_enough_is_asked_for(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        path = f"/checkout/{session.id}"
        nowhere = card_form(VISA, country="US", postal_code="")
        answer = server.http.post(path, data=nowhere)
        assert (answer.status_code, "ZIP or postal code" in text_of(answer)) == (400, True)
        answer = server.http.post(path, data=card_form(VISA, country="US", postal_code="00000"))
        assert "We need your address to calculate tax." in text_of(answer)
        assert api.v1.checkout.sessions.retrieve(session.id).status == "open"

    def test_a_required_address_is_asked_for_in_full(
        self, server: Server, api: stripe.StripeClient
    ) -> None:
        session = open_session(api, billing_address_collection="required")
        path = f"/checkout/{session.id}"
        assert 'name="line1"' in server.http.get(path).text
        some = card_form(VISA, email="bob@example.com", country="DE", city="Berlin")
        answer = server.http.post(path, data=some)
        assert (answer.status_code, "your billing address" in text_of(answer)) == (400, True)
        whole = some | {"line1": "Hauptstr. 1", "postal_code": "10115"}
        assert server.http.post(path, data=whole).status_code == 303
        address = api.v1.checkout.sessions.retrieve(session.id).customer_details.address  # type: ignore[union-attr]
        assert address
        assert (address.country, address.line1, address.state) == ("DE", "Hauptstr. 1", None)

    def test_tax_inside_of_the_price_is_not_added_up(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        api.v1.prices.update(YEARLY, {"tax_behavior": "inclusive"})
        taxed: Any = {
            "automatic_tax": {"enabled": True},
            "line_items": [{"price": YEARLY, "quantity": 1}],
        }
        other = open_session(api, **taxed)
        self.send(server, other, reckon="1", email="bob@example.com")
        shown = text_of(server.http.get(f"/checkout/{other.id}"))
        assert "Tax (included)" in shown
        assert "Tax $" not in shown


class TestCheckout:
    @pytest.fixture
    def session(self, api: stripe.StripeClient) -> stripe.checkout.Session:
        customer = api.v1.customers.create({"email": "alice@example.com"})
        return open_session(api, customer=customer.id)

    def path(self, session: stripe.checkout.Session) -> str:
        return f"/checkout/{session.id}"

    def pay(
        self, server: Server, session: stripe.checkout.Session, number: str, **changes: str
    ) -> httpx.Response:
        return server.http.post(self.path(session), data=card_form(number, **changes))

    def test_says_what_is_bought_by_whom_and_that_it_is_a_sandbox(
        self, server: Server, session: stripe.checkout.Session
    ) -> None:
        page = server.http.get(self.path(session))
        said = text_of(page)
        assert "Sandbox: no real money" in said
        assert "Subscribe to Membership $29.00 per month" in said
        assert "Total due today $29.00" in said
        assert 'value="alice@example.com"' in page.text
        assert 'href="http://portal.example/"' in page.text
        assert "<script" not in page.text

    def test_a_picked_test_card_fills_the_form(
        self, server: Server, session: stripe.checkout.Session
    ) -> None:
        page = server.http.get(self.path(session), params={"card": SECURE}).text
        assert 'value="4000 0025 0000 3155"' in page
        assert 'value="12 / 34"' in page

    def test_paying_leads_to_the_success_url(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        answer = self.pay(server, session, VISA)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"http://portal.example/done?session={session.id}"
        paid = api.v1.checkout.sessions.retrieve(session.id)
        assert (paid.status, paid.payment_status) == ("complete", "paid")

    def test_a_card_is_good_as_long_as_it_says(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        server.http.post(self.path(session), data=card_form(VISA, expiry="07/2031"))
        method = api.v1.customers.payment_methods.list(str(session.customer)).data[0]
        assert method.card
        assert (method.card.exp_month, method.card.exp_year) == (7, 2031)

    @pytest.mark.parametrize(
        ("number", "message"),
        [
            (DECLINED, "Your card was declined."),
            (NO_FUNDS, "Your card has insufficient funds."),
            ("4242424242424241", "Your card number is invalid."),
            ("4111111111111111", "used a non test card"),
        ],
    )
    def test_a_refused_card_is_explained_and_may_be_changed(
        self, server: Server, session: stripe.checkout.Session, number: str, message: str
    ) -> None:
        answer = self.pay(server, session, number)
        assert answer.status_code == 402
        assert message in text_of(answer)
        assert self.pay(server, session, VISA).status_code == 303

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"expiry": "12 / 20"}, "in the past"),
            ({"expiry": "13 / 34"}, "incomplete"),
            ({"cvc": ""}, "security code"),
        ],
    )
    def test_an_incomplete_form_is_not_sent_to_the_bank(
        self,
        server: Server,
        session: stripe.checkout.Session,
        changes: dict[str, str],
        message: str,
    ) -> None:
        answer = self.pay(server, session, VISA, **changes)
        assert answer.status_code == 402
        assert message in text_of(answer)

    def test_3d_secure_asks_and_obeys(
        self, server: Server, session: stripe.checkout.Session
    ) -> None:
        asked = self.pay(server, session, SECURE)
        assert asked.status_code == 200
        assert "The bank of the card ending in 3155 asks for a confirmation of $29.00" in text_of(
            asked
        )
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
        failed = server.http.post(self.path(session), data=fields | {"authenticate": "false"})
        assert failed.status_code == 402
        assert "We are unable to authenticate your payment method." in text_of(failed)
        approved = server.http.post(self.path(session), data=fields | {"authenticate": "true"})
        assert approved.status_code == 303

    def test_a_trial_costs_nothing_today(self, server: Server, api: stripe.StripeClient) -> None:
        session = open_session(
            api, customer_email="bob@example.com", subscription_data={"trial_period_days": 14}
        )
        said = text_of(server.http.get(self.path(session)))
        assert "14 days free Then $29.00 per month from" in said
        assert "Total due today $0.00" in said
        assert "Start trial" in said
        assert self.pay(server, session, VISA).status_code == 303

    @pytest.mark.parametrize(
        ("balance", "says"),
        [
            (-1200, "Applied balance −$12.00 Total due today $17.00"),
            (-9000, "Applied balance −$29.00 Total due today $0.00"),
            (500, "Open balance $5.00 Total due today $34.00"),
        ],
    )
    def test_the_balance_is_in_the_total_that_is_charged(
        self, server: Server, api: stripe.StripeClient, balance: int, says: str
    ) -> None:
        customer = api.v1.customers.create({"email": "bob@example.com", "balance": balance})
        session = open_session(api, customer=customer.id)
        assert says in text_of(server.http.get(self.path(session))).replace("-$", "−$")
        assert self.pay(server, session, VISA).status_code == 303
        invoice = api.v1.invoices.list({"customer": customer.id}).data[0]
        assert f"${invoice.amount_paid / 100:.2f}" in says

    def test_a_single_payment_needs_an_email(
        self, server: Server, api: stripe.StripeClient
    ) -> None:
        item = {
            "price_data": {
                "currency": "usd",
                "unit_amount": 4500,
                "product_data": {"name": "Guest day pass"},
            },
            "quantity": 2,
        }
        session = open_session(api, mode="payment", line_items=[item])
        said = text_of(server.http.get(self.path(session)))
        assert "Guest day pass × 2 $90.00" in said
        assert "Pay $90.00" in said
        assert self.pay(server, session, VISA, email="carol@example.com").status_code == 303

    def test_a_paid_session_can_not_be_paid_again(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        self.pay(server, session, VISA)
        assert "You have already paid" in text_of(server.http.get(self.path(session)))
        assert "You have already paid" in text_of(self.pay(server, session, VISA))
        assert len(api.v1.subscriptions.list().data) == 1

    def test_an_expired_session_leads_back(
        self, server: Server, api: stripe.StripeClient, session: stripe.checkout.Session
    ) -> None:
        api.v1.checkout.sessions.expire(session.id)
        for answer in (server.http.get(self.path(session)), self.pay(server, session, VISA)):
            assert answer.status_code == 410
            assert "This checkout has expired" in text_of(answer)
            assert 'href="http://portal.example/"' in answer.text

    def test_an_unknown_session_is_not_found(self, server: Server) -> None:
        assert server.http.get("/checkout/cs_test_unknown").status_code == 404


class TestPortal:
    def test_shows_plan_card_and_invoices(self, server: Server, api: stripe.StripeClient) -> None:
        alice = subscribe(server, api)
        said = text_of(server.http.get(portal_of(api, alice)))
        assert "Membership active $29.00 per month renews on" in said
        assert "visa •••• 4242" in said
        assert str(alice.invoices[0].number) in said

    def test_cancels_at_the_period_end_and_takes_it_back(
        self, server: Server, api: stripe.StripeClient
    ) -> None:
        alice = subscribe(server, api)
        path = portal_of(api, alice)
        form = {"subscription": alice.subscription.id}
        answer = server.http.post(f"{path}/cancel", data=form)
        assert alice.subscription.cancel_at_period_end
        assert "Your plan ends with this period." in text_of(
            server.http.get(answer.headers["Location"])
        )
        server.http.post(f"{path}/keep", data=form)
        assert not alice.subscription.cancel_at_period_end

    def test_touches_nobody_elses_plan(self, server: Server, api: stripe.StripeClient) -> None:
        alice, charlie = subscribe(server, api), subscribe(server, api)
        form = {"subscription": alice.subscription.id}
        answer = server.http.post(f"{portal_of(api, charlie)}/cancel", data=form)
        assert answer.status_code == 404
        assert not alice.subscription.cancel_at_period_end

    def test_saves_another_card(self, server: Server, api: stripe.StripeClient) -> None:
        path = portal_of(api, subscribe(server, api))
        refused = server.http.post(f"{path}/card", data=card_form(DECLINED))
        assert refused.status_code == 402
        assert "Your card was declined." in text_of(refused)
        assert f'href="{path}?card={VISA}#' in refused.text
        server.http.post(f"{path}/card", data=card_form("5555555555554444"))
        assert "mastercard •••• 4444" in text_of(server.http.get(path))

    def test_asks_the_bank_before_it_saves_a_secured_card(
        self, server: Server, api: stripe.StripeClient
    ) -> None:
        path = portal_of(api, subscribe(server, api))
        assert "Is this you?" in text_of(server.http.post(f"{path}/card", data=card_form(SECURE)))
        assert "visa •••• 4242" in text_of(server.http.get(path))
        server.http.post(f"{path}/card", data=card_form(SECURE, authenticate="false"))
        assert "visa •••• 4242" in text_of(server.http.get(path))
        server.http.post(f"{path}/card", data=card_form(SECURE, authenticate="true"))
        assert "visa •••• 3155" in text_of(server.http.get(path))

    def test_a_flow_for_the_card_shows_only_that_and_returns(
        self, server: Server, api: stripe.StripeClient
    ) -> None:
        home = "http://portal.example/home/"
        flow = {
            "type": "payment_method_update",
            "after_completion": {"type": "redirect", "redirect": {"return_url": home}},
        }
        path = portal_of(api, subscribe(server, api), flow_data=flow)
        assert "Cancel plan" not in text_of(server.http.get(path))
        answer = server.http.post(f"{path}/card", data=card_form(VISA))
        assert answer.headers["Location"] == home


class TestInvoice:
    @pytest.fixture
    def unpaid(self, server: Server, api: stripe.StripeClient) -> Member:
        """A member whose renewal failed."""
        member = subscribe(server, api, FAILS_LATER)
        server.advance("renewal")
        return member

    def test_an_open_invoice_is_paid_with_another_card(
        self, server: Server, unpaid: Member
    ) -> None:
        path = f"/invoice/{invoice_of(unpaid, 'open').id}"
        assert "Pay $29.00" in text_of(server.http.get(path))
        refused = server.http.post(path, data=card_form(DECLINED))
        assert "Your card was declined." in text_of(refused)
        answer = server.http.post(path, data=card_form(VISA))
        said = text_of(server.http.get(answer.headers["Location"]))
        assert "Thank you, it is paid." in said
        assert "Pay this invoice" not in said
        assert unpaid.subscription.status == "active"

    def test_paying_may_ask_for_3d_secure(self, server: Server, unpaid: Member) -> None:
        path = f"/invoice/{invoice_of(unpaid, 'open').id}"
        assert "Is this you?" in text_of(server.http.post(path, data=card_form(SECURE)))
        failed = server.http.post(path, data=card_form(SECURE, authenticate="false"))
        assert failed.status_code == 402
        server.http.post(path, data=card_form(SECURE, authenticate="true"))
        assert unpaid.subscription.status == "active"

    def test_the_pdf_is_one(self, server: Server, api: stripe.StripeClient) -> None:
        invoice = subscribe(server, api).invoices[0]
        answer = server.http.get(f"/invoice/{invoice.id}/pdf")
        assert answer.headers["Content-Type"] == "application/pdf"
        assert f"Invoice {invoice.number}".encode() in answer.content

    def test_an_unknown_invoice_is_not_found(self, server: Server) -> None:
        assert server.http.get("/invoice/in_unknown").status_code == 404
        assert server.http.get("/invoice/in_unknown/pdf").status_code == 404


def test_a_pdf_holds_any_text_and_shows_no_boxes() -> None:
    said = r"Kayak (2 × \ 3) für Łukasz #[x] *Żółw* 王小明 Иван สมชาย ศรี 😀"
    lines = [(said, "−€5.00")] * 100
    sheet = pdf.Sheet("Invoice A-1", [("Billed to", said)], lines, [], "x")
    assert pdf.render(sheet, refuses_boxes=True).startswith(b"%PDF-")
    unknown = pdf.Sheet("Invoice A-1", [("Billed to", "\U0001aff0")], [], [], "x")
    with pytest.raises(typst.TypstError):
        pdf.render(unknown, refuses_boxes=True)
    assert pdf.render(unknown).startswith(b"%PDF-")


class TestPanel:
    def test_lists_customers_with_subscription_and_card(
        self, server: Server, api: stripe.StripeClient
    ) -> None:
        subscribe(server, api)
        said = text_of(server.http.get("/"))
        assert "Alice Adams alice@example.com active renews on" in said
        assert "visa •••• 4242" in said
        assert "Nobody matches." in text_of(server.http.get("/", params={"q": "bob"}))

    def test_moves_the_clock(self, server: Server) -> None:
        before = server.get("clock")["now"]
        assert server.http.post("/clock", data={"advance": "day"}).status_code == 303
        assert server.get("clock")["now"] == pytest.approx(before + 86_400, abs=10)
        refused = server.http.post("/clock", data={"advance": "renewal"})
        assert refused.status_code == 400
        assert "There is no subscription that could renew." in text_of(refused)

    def test_sets_and_clears_the_switches(self, server: Server) -> None:
        form = {"duplicate": "on", "api_latency": "0.25", "twilio_fail": "0.5"}
        server.http.post("/switches", data=form)
        switches = server.get("switches")
        assert (switches["duplicate"], switches["lose"]) == (True, False)
        assert (switches["api_latency"], switches["twilio_fail"]) == (0.25, 0.5)
        server.http.post("/switches", data={**form, "calm": "1"})
        calm = server.get("switches")
        assert calm.pop("payload_version") == "current"
        assert calm.pop("bank_forged") == "none"
        assert calm.pop("twilio_registration") == "verified"
        assert calm.pop("twilio_replies") == "number"
        assert not any(calm.values())

    def test_refuses_a_share_above_one(self, server: Server) -> None:
        answer = server.http.post("/switches", data={"api_fail": "2"})
        assert answer.status_code == 400
        assert "a share between 0 and 1" in text_of(answer)

    def test_changes_a_customers_card(self, server: Server, api: stripe.StripeClient) -> None:
        alice = subscribe(server, api)
        server.http.post(f"/customers/{alice.id}/card", data={"card": FAILS_LATER})
        assert "visa •••• 0341" in text_of(server.http.get("/"))
        refused = server.http.post(f"/customers/{alice.id}/card", data={"card": DECLINED})
        assert "Your card was declined." in text_of(refused)

    def test_shows_events_and_resends_them(self, server: Server, receiver: Any) -> None:
        receiver.answers = [500]
        subscribe(server, server.client())
        server.post("deliver")
        server.post("idle", timeout=20)
        page = server.http.get("/", params={"type": "customer.created"})
        assert "customer.created Alice Adams delivered after 2 tries" in text_of(page)
        (path,) = set(re.findall(r'href="(/events/evt_\w+)"', page.text))
        shown = text_of(server.http.get(path))
        assert "500 in" in shown
        assert "alice@example.com" in shown
        heard = len(receiver.received)
        assert server.http.post(f"{path}/resend").status_code == 303
        server.post("idle", timeout=20)
        assert len(receiver.received) == heard + 1
        assert "sent 2 times" in text_of(server.http.get(path))

    def test_long_lists_have_pages(self, server: Server, api: stripe.StripeClient) -> None:
        for number in range(13):
            api.v1.customers.create({"email": f"member{number:02}@example.com"})
        first, last = (
            text_of(server.http.get("/", params={"type": "price.created", "customers": number}))
            for number in ("1", "9")
        )
        assert "member12@example.com" in first
        assert "member00@example.com" not in first
        assert "Page 2 of 2" in last
        assert "member00@example.com" in last


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (2900, "usd", "$29.00"),
        (-500, "eur", "−€5.00"),
        (1234567, "chf", "12,345.67 CHF"),
        (500, "jpy", "¥500"),
        (1500, "kwd", "1.500 KWD"),
    ],
)
def test_money_is_written_by_its_currency(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_intervals_are_counted() -> None:
    assert interval({"interval": "month", "interval_count": 1}) == "month"
    assert interval({"interval": "month", "interval_count": 3}) == "3 months"


def test_every_offered_card_passes_the_forms_own_checks() -> None:
    for card in (*cards.TEST_CARDS, *cards.RARE_CARDS):
        assert cards.problem(cards.picked({"card": card.number}), 1_795_000_000) is None

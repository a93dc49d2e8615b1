"""The control panel: clock, faults, customers, events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from sandbox.bank import transfers
from sandbox.mail import store as mails
from sandbox.pager import paginate
from sandbox.pages import collecting, dashboard, disputing, paying_out, refunding, warning
from sandbox.pages.cards import RARE_CARDS, TEST_CARDS
from sandbox.pages.events import listed, types
from sandbox.pages.people import living, person
from sandbox.rendering import (
    ACCOUNT_COOKIE,
    Form,
    Visit,
    endpoint,
    moment,
    page,
    see_other,
)
from sandbox.stripe import clock, customers
from sandbox.stripe.disputes import REASONS
from sandbox.stripe.errors import ApiError
from sandbox.stripe.fraud_warnings import FRAUD_TYPES
from sandbox.switches import FORGERIES, PAYLOAD_VERSIONS, REGISTRATIONS, REPLIES, Switches
from sandbox.twilio import store as texts
from sandbox.world import World

CUSTOMERS_A_PAGE = 12
EVENTS_A_PAGE = 20


@dataclass(frozen=True)
class Toggle:
    """A switch that's on or off."""

    name: str
    label: str
    effect: str
    value: bool = False


@dataclass(frozen=True)
class Gauge:
    """A switch with a number: seconds, or a share of all requests."""

    name: str
    label: str
    share: bool = False
    value: str = "0"


@dataclass(frozen=True)
class Pick:
    """A switch that's one of several."""

    name: str
    label: str
    choices: tuple[str, ...]
    value: str = ""


TOGGLES = (
    Toggle("webhooks_paused", "Hold webhooks", "They wait until this is off"),
    Toggle("duplicate", "Duplicate webhooks", "Every one arrives twice"),
    Toggle("reorder", "Reorder webhooks", "They leave in random order"),
    Toggle("bank_debit", "Bank debit", "Checkout offers it; it pays or fails days later"),
    Toggle("retry_set_later", "Set retries later", "A minute after a payment failed"),
    Toggle("invoice_automations", "Invoice automations", "Tell of invoices due and overdue"),
    Toggle("portal_not_set_up", "No customer portal", "Its settings were never saved"),
    Toggle("tax_inactive", "No Stripe Tax", "It was never activated"),
    Toggle("late_balance", "Late balance", "A payment’s balance entry and fee come a minute later"),
    Toggle("automatic_payouts", "Automatic payouts", "At midnight UTC, what became available"),
    Toggle("refunds_ask", "Ask about refunds", "The member has to say where the money goes"),
    Toggle("mail_ascii_only", "Mail without SMTPUTF8", "No ü before the @ of an address"),
    Toggle("lose", "Lose webhooks", "None leaves; resend them below"),
    Toggle("bank_no_memo", "Zelle without memo", "Payers leave it empty"),
    Toggle("bank_wrong_memo", "Zelle with a wrong memo", "Payers write something else"),
    Toggle("bank_wrong_amount", "Bank’s mail: wrong amount", "It says $10.00 more than came"),
    Toggle("twilio_advanced_opt_out", "Twilio: Advanced Opt-Out", "Webhooks name the keyword"),
    Toggle("bank_no_mail", "Bank’s mail: none", "Only the account’s activity tells"),
    Toggle("bank_doubled_mail", "Bank’s mail: doubled", "Every one arrives twice"),
    Toggle("bank_late_file", "Bank’s file: late", "New transfers are missing until this is off"),
)
GAUGES = (
    Gauge("webhook_delay", "Webhook delay, seconds"),
    Gauge("api_latency", "Stripe API latency, seconds"),
    Gauge("api_fail", "Stripe API failures, share 0–1", share=True),
    Gauge("api_rate_limited", "Stripe API answers 429, share 0–1", share=True),
    Gauge("api_lock_timeout", "Stripe API lock timeouts, share 0–1", share=True),
    Gauge("api_answer_lost", "Stripe did it, answer lost, share 0–1", share=True),
    Gauge("twilio_fail", "Twilio failures, share 0–1", share=True),
    Gauge("twilio_answer_lost", "Twilio sent it, answer lost, share 0–1", share=True),
    Gauge("mail_busy", "Mail refused for now, share 0–1", share=True),
    Gauge("mail_answer_lost", "Mail kept, answer lost, share 0–1", share=True),
)
PICKS = (
    Pick("bank_forged", "Forged mail instead of Zelle", FORGERIES),
    Pick("twilio_registration", "US carriers and our texts", REGISTRATIONS),
    Pick("twilio_replies", "Where replies to texts go", REPLIES),
    Pick("payload_version", "API version of the account", PAYLOAD_VERSIONS),
)


def panel(visit: Visit) -> Response:
    return _page(visit)


def _page(visit: Visit, *, trouble: str = "", status: int = 200) -> Response:
    world = visit.world
    search, kind = visit.query.get("q", "").strip(), visit.query.get("type", "")
    people = living(world, search)
    happened = world.objects.list("event", **({"type": kind} if kind else {}))
    shown_people, people_pager = paginate(people, visit, size=CUSTOMERS_A_PAGE, key="customers")
    shown_events, events_pager = paginate(happened, visit, size=EVENTS_A_PAGE, key="events")
    return page(
        visit,
        "panel.html",
        status,
        trouble=trouble,
        account=world.account,
        accounts=world.accounts(),
        ahead=_ahead(world),
        told=_told(visit),
        toggles=[*_toggles(world.switches)],
        gauges=[*_gauges(world.switches)],
        picks=[*_picks(world.switches)],
        faulty=world.switches != Switches(),
        mail_count=len(mails.newest_first(world)),
        bank_count=len(transfers.newest_first(world)),
        text_count=len(texts.newest_first(world)),
        q=search,
        customers=[person(world, customer) for customer in shown_people],
        customer_count=len(people),
        customer_pager=people_pager,
        cards=(*TEST_CARDS, *RARE_CARDS),
        kinds=dashboard.KINDS,
        prices=dashboard.recurring_prices(world),
        behaviors=collecting.BEHAVIORS,
        unpaid=collecting.open_invoices(world),
        **_money_back(world),
        events=[listed(world, event) for event in shown_events],
        event_count=len(happened),
        event_pager=events_pager,
        types=types(world),
        type=kind,
    )


def _money_back(world: World) -> dict[str, Any]:
    """What the panel shows of refunds, disputes, fraud warnings, and payouts."""
    return {
        "refunds": refunding.shown(world),
        "refundable": refunding.choices(world),
        "balance": refunding.balance(world),
        "payouts": paying_out.shown(world),
        "disputes": disputing.shown(world),
        "disputable": disputing.choices(world),
        "dispute_kinds": disputing.KINDS,
        "dispute_reasons": list(REASONS),
        "warnings": warning.shown(world),
        "reportable": warning.choices(world),
        "fraud_types": FRAUD_TYPES,
    }


def advance(visit: Visit) -> Response:
    """Move the clock; what becomes due on the way happens before the answer."""
    try:
        clock.advance(visit.world, visit.form.get("advance", ""))
    except ValueError as error:
        with visit.world.lock:
            return _page(visit, trouble=str(error), status=400)
    return see_other("/?told=clock")


def switch(visit: Visit) -> Response:
    """Set every switch from the form."""
    try:
        visit.world.switches.change(_wanted(visit.form))
    except ValueError as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=switches")


def choose_account(visit: Visit) -> Response:
    """Show another account from now on: one that a key has used."""
    answer, chosen = see_other("/"), visit.form.get("account", "")
    if chosen in visit.world.accounts():
        answer.set_cookie(ACCOUNT_COOKIE, chosen, httponly=True, samesite="lax")
    return answer


def change_card(visit: Visit) -> Response:
    """Give a customer another card, as they would in the billing portal."""
    try:
        customers.set_card(visit.world, visit.named("customer"), visit.form.get("card", ""))
    except ApiError as error:
        return _page(visit, trouble=str(error), status=400)
    return see_other("/?told=card")


def make(visit: Visit) -> Response:
    """Make what staff would make in Stripe's dashboard."""
    try:
        dashboard.make(visit.world, visit.form)
    except dashboard.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=made")


def pause(visit: Visit) -> Response:
    """Pause or resume a subscription's collection, as staff would in Stripe's dashboard."""
    try:
        collecting.pause(visit.world, visit.named("subscription"), visit.form)
    except collecting.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=paused")


def pay_outside(visit: Visit) -> Response:
    """Mark an invoice as paid outside of Stripe, as staff would in its dashboard."""
    try:
        collecting.pay_outside(visit.world, visit.named("invoice"))
    except collecting.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=outside#dashboard")


def refund(visit: Visit) -> Response:
    """Refund a payment, as staff would in Stripe's dashboard."""
    try:
        refunding.make(visit.world, visit.form)
    except refunding.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=refunded#refunds")


def follow_refund(visit: Visit) -> Response:
    """Let a refund arrive, or fail."""
    try:
        refunding.go_on(visit.world, visit.named("refund"), visit.form.get("step", ""))
    except refunding.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=followed#refunds")


def follow_payout(visit: Visit) -> Response:
    """Let a payout arrive, or fail."""
    try:
        paying_out.go_on(visit.world, visit.named("payout"), visit.form.get("step", ""))
    except paying_out.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=paid_out#payouts")


def set_balance(visit: Visit) -> Response:
    """Set the account's balance."""
    try:
        refunding.set_balance(visit.world, visit.form)
    except refunding.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=balance#refunds")


def dispute(visit: Visit) -> Response:
    """Dispute a payment, as the cardholder would."""
    try:
        disputing.open_one(visit.world, visit.form)
    except disputing.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=disputed#disputes")


def answer_dispute(visit: Visit) -> Response:
    """Answer a dispute in Stripe's dashboard, or let the bank decide."""
    try:
        disputing.go_on(visit.world, visit.named("dispute"), visit.form.get("step", ""))
    except disputing.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=answered#disputes")


def warn(visit: Visit) -> Response:
    """Report a payment as fraud, as the bank of its card would."""
    try:
        warning.warn(visit.world, visit.form)
    except warning.REFUSALS as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other("/?told=warned#warnings")


def _told(visit: Visit) -> str:
    told = {
        "clock": f"It is now {moment(visit.world.now())} UTC.",
        "switches": "The switches are set.",
        "card": "The card is changed.",
        "made": "It is made, as in Stripe’s dashboard.",
        "paused": "Whether payments are collected is changed, as in Stripe’s dashboard.",
        "outside": "The invoice is marked as paid outside of Stripe.",
        "refunded": "The refund is made, as in Stripe’s dashboard.",
        "followed": "The refund has gone on.",
        "balance": "The balance is set.",
        "paid_out": "The payout has gone on.",
        "disputed": "The payment is disputed.",
        "answered": "The dispute has gone on.",
        "warned": "The bank has reported the payment.",
    }
    return told.get(visit.query.get("told", ""), "")


def _ahead(world: World) -> str:
    minutes = round(world.offset / 60)
    if not minutes:
        return "In step with the real time"
    amount = f"{abs(minutes)} minutes" if abs(minutes) < 1440 else f"{abs(minutes) // 1440} days"
    return f"{amount} {'ahead of' if minutes > 0 else 'behind'} the real time"


def _toggles(switches: Switches) -> Iterator[Toggle]:
    for toggle in TOGGLES:
        yield Toggle(toggle.name, toggle.label, toggle.effect, bool(getattr(switches, toggle.name)))


def _gauges(switches: Switches) -> Iterator[Gauge]:
    for gauge in GAUGES:
        value = float(getattr(switches, gauge.name))
        yield Gauge(gauge.name, gauge.label, gauge.share, f"{value:g}")


def _picks(switches: Switches) -> Iterator[Pick]:
    for pick in PICKS:
        yield Pick(pick.name, pick.label, pick.choices, str(getattr(switches, pick.name)))


def _wanted(form: Form) -> dict[str, bool | float | str]:
    """The switches of a sent form, where unchecked boxes are missing. Raises ValueError."""
    if "calm" in form:
        return Switches().as_dict()
    boxes = {toggle.name: toggle.name in form for toggle in TOGGLES}
    numbers = {gauge.name: float(form.get(gauge.name) or 0) for gauge in GAUGES}
    picked = {pick.name: form.get(pick.name) or getattr(Switches(), pick.name) for pick in PICKS}
    return {**boxes, **numbers, **picked}


routes = [
    Route("/", endpoint(panel)),
    Route("/clock", endpoint(advance, locked=False), methods=["POST"]),
    Route("/switches", endpoint(switch), methods=["POST"]),
    Route("/account", endpoint(choose_account), methods=["POST"]),
    Route("/dashboard", endpoint(make), methods=["POST"]),
    Route("/subscriptions/{subscription}/pause", endpoint(pause), methods=["POST"]),
    Route("/invoices/{invoice}/outside", endpoint(pay_outside), methods=["POST"]),
    Route("/refunds", endpoint(refund), methods=["POST"]),
    Route("/refunds/{refund}", endpoint(follow_refund), methods=["POST"]),
    Route("/balance", endpoint(set_balance), methods=["POST"]),
    Route("/payouts/{payout}", endpoint(follow_payout), methods=["POST"]),
    Route("/disputes", endpoint(dispute), methods=["POST"]),
    Route("/disputes/{dispute}", endpoint(answer_dispute), methods=["POST"]),
    Route("/warnings", endpoint(warn), methods=["POST"]),
    Route("/customers/{customer}/card", endpoint(change_card), methods=["POST"]),
]

"""The hosted invoice page, and the invoice as a PDF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from sandbox.pages import paying, pdf
from sandbox.rendering import Visit, day, endpoint, missing, money, page, see_other
from sandbox.stripe import invoices
from sandbox.world import Json, World

ABSENT = "There is no such invoice."


@dataclass(frozen=True)
class Line:
    name: str
    note: str
    amount: int


@dataclass(frozen=True)
class Bill:
    """An invoice as its page shows it. Amounts are in minor units."""

    id: str
    number: str
    status: str
    customer: str
    issued: int
    paid_at: int | None
    due: int | None
    currency: str
    lines: Sequence[Line]
    discount: int
    tax: int
    total: int
    paid: int
    remaining: int

    @property
    def payable(self) -> bool:
        return self.status == "open" and self.remaining > 0


def show(visit: Visit) -> Response:
    invoice = find(visit.world, visit.named("invoice"))
    if invoice is None:
        return missing(visit, ABSENT)
    done = "Thank you, it is paid." if "paid" in visit.query else ""
    return _page(visit, invoice, done=done)


def pay(visit: Visit) -> Response:
    """Try a card, with 3-D Secure if it requires that."""
    invoice = find(visit.world, visit.named("invoice"))
    if invoice is None:
        return missing(visit, ABSENT)
    here = f"/invoice/{invoice['id']}"
    if not bill_of(invoice).payable:
        return see_other(here)
    outcome = paying.try_card(
        visit, lambda card, yes: invoices.pay(visit.world, invoice["id"], card.typed, yes)
    )
    if outcome.status == "complete":
        return see_other(f"{here}?paid=1")
    if outcome.status == "requires_action":
        amount = money(invoice["amount_remaining"], invoice["currency"])
        return paying.ask_bank(visit, amount)
    return _page(visit, invoice, message=outcome.message, status=402)


def document(visit: Visit) -> Response:
    """The PDF."""
    invoice = find(visit.world, visit.named("invoice"))
    if invoice is None:
        return missing(visit, ABSENT)
    bill = bill_of(invoice)
    name = f'inline; filename="invoice-{bill.number}.pdf"'
    headers = {"Content-Disposition": name}
    return Response(pdf.render(_sheet(bill)), media_type="application/pdf", headers=headers)


def credit_note(visit: Visit) -> Response:
    """A credit note as a PDF."""
    note = visit.world.objects.get(visit.named("note"))
    if note is None or note["object"] != "credit_note":
        return missing(visit, "There is no such credit note.")
    sheet = pdf.Sheet(
        title=f"Credit note {note['number']}",
        facts=[("Issued", day(note["created"])), ("State", note["status"])],
        lines=[
            (line["description"] or "Credit", money(line["amount"], note["currency"]))
            for line in note["lines"]["data"]
        ],
        sums=[("Total", money(note["total"], note["currency"]))],
        footer="Made by a sandbox. No real money was given back.",
    )
    headers = {"Content-Disposition": f'inline; filename="credit-note-{note["number"]}.pdf"'}
    return Response(pdf.render(sheet), media_type="application/pdf", headers=headers)


def find(world: World, invoice_id: str) -> Json | None:
    invoice = world.objects.get(invoice_id)
    return invoice if invoice and invoice["object"] == "invoice" else None


def bill_of(invoice: Json) -> Bill:
    moments = invoice["status_transitions"]
    return Bill(
        id=invoice["id"],
        number=invoice["number"] or "draft",
        status=invoice["status"],
        customer=invoice["customer_name"] or invoice["customer_email"] or "Customer",
        issued=moments["finalized_at"] or invoice["created"],
        paid_at=moments["paid_at"],
        due=invoice["due_date"],
        currency=invoice["currency"],
        lines=[_line(line) for line in invoice["lines"]["data"]],
        discount=sum(entry["amount"] for entry in invoice["total_discount_amounts"] or []),
        tax=sum(entry["amount"] for entry in invoice["total_taxes"] or []),
        total=invoice["total"],
        paid=invoice["amount_paid"],
        remaining=invoice["amount_remaining"],
    )


def _line(line: Json) -> Line:
    start, end = line["period"]["start"], line["period"]["end"]
    note = f"{day(start)} – {day(end)}" if end > start else ""
    return Line(line["description"] or "Item", note, line["amount"])


def _page(
    visit: Visit, invoice: Json, *, message: str = "", done: str = "", status: int = 200
) -> Response:
    context = paying.card_context(visit, visit.path)
    bill = bill_of(invoice)
    return page(visit, "invoice.html", status, bill=bill, message=message, done=done, **context)


def _sheet(bill: Bill) -> pdf.Sheet:
    return pdf.Sheet(
        title=f"Invoice {bill.number}",
        facts=[*_facts(bill)],
        lines=[(_words(line), money(line.amount, bill.currency)) for line in bill.lines],
        sums=[*_sums(bill)],
        footer="Made by a sandbox. No real money was asked for or paid.",
    )


def _words(line: Line) -> str:
    return f"{line.name}, {line.note}" if line.note else line.name


def _facts(bill: Bill) -> Iterator[tuple[str, str]]:
    yield "Billed to", bill.customer
    yield "Issued", day(bill.issued)
    if bill.due:
        yield "Due", day(bill.due)
    if bill.paid_at:
        yield "Paid", day(bill.paid_at)
    yield "State", bill.status


def _sums(bill: Bill) -> Iterator[tuple[str, str]]:
    if bill.discount:
        yield "Discount", money(-bill.discount, bill.currency)
    if bill.tax:
        yield "Tax", money(bill.tax, bill.currency)
    yield "Total", money(bill.total, bill.currency)
    yield "Paid", money(bill.paid, bill.currency)
    yield "Due", money(bill.remaining, bill.currency)


routes = [
    Route("/invoice/{invoice}", endpoint(show), methods=["GET"]),
    Route("/invoice/{invoice}", endpoint(pay), methods=["POST"]),
    Route("/invoice/{invoice}/pdf", endpoint(document)),
    Route("/credit_note/{note}/pdf", endpoint(credit_note)),
]

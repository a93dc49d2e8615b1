"""The bank's page: pay by Zelle, send money back, and see what was mailed and posted."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.bank import activity, entries, imap, keys, store, transfers
from sandbox.bank.entries import Entry
from sandbox.bank.transfers import public
from sandbox.pager import paginate
from sandbox.rendering import Form, Visit, endpoint, missing, page, see_other

KINDS = {
    "QUICKPAY_CREDIT": "Chase",
    "PARTNERFI_TO_CHASE": "another bank",
}
"""Where a payer has an account."""

STATES = {
    "posted": ("good", "in the file"),
    "pending": ("wait", "pending"),
    "late": ("wait", "not in the file yet"),
    "no_money": ("bad", "forged: no money"),
}
TOLD = {
    "paid": "The money has arrived.",
    "sent": "The money is sent.",
    "released": "The transfer is in the file.",
    "mailed": "The mail is sent again.",
}
_AMOUNT = re.compile(r"\$?\s*(?P<whole>[0-9]{1,7}|[0-9]{1,3}(,[0-9]{3})+)(\.(?P<cents>[0-9]{2}))?")


def bank(visit: Visit) -> Response:
    return _page(visit)


def _page(visit: Visit, *, trouble: str = "", status: int = 200) -> Response:
    world = visit.world
    shown, pager = paginate(transfers.newest_first(world), visit)
    return page(
        visit,
        "bank.html",
        status,
        trouble=trouble,
        told=TOLD.get(visit.query.get("told", ""), ""),
        form=visit.form,
        today=entries.today(world).isoformat(),
        kinds=KINDS,
        balance=entries.balance(world),
        transfers=[_shown(entry) for entry in shown],
        pager=pager,
        file_name=activity.file_name(world),
        recipient=world.bank_recipient,
        imap=imap,
    )


def _shown(entry: Entry) -> dict[str, Any]:
    shown = public(entry)
    tone, words = STATES[shown["state"]]
    return {
        **shown,
        "tone": tone,
        "words": words,
        "is_held": shown["state"] in ("late", "no_money"),
        "told": [*zip(entry["mails"], entry["said"], strict=True)],
    }


def pay(visit: Visit) -> Response:
    """Pay as somebody who has the business's Zelle address."""
    return _move(visit, "in", "paid")


def send(visit: Visit) -> Response:
    """Send money, as the business does in its bank's app."""
    return _move(visit, "out", "sent")


def _move(visit: Visit, direction: str, told: str) -> Response:
    try:
        transfers.make(visit.world, {"direction": direction, **_wanted(visit.form)})
    except ValueError as error:
        return _page(visit, trouble=str(error), status=400)
    visit.world.save()
    return see_other(f"/bank/?told={told}")


def _wanted(form: Form) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "name": form.get("name", ""),
        "amount": _cents(form.get("amount", "")),
        "memo": form.get("memo", ""),
    }
    return wanted | {name: form[name] for name in ("day", "kind") if form.get(name)}


def _cents(text: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if not match:
        raise ValueError("The amount is written like 29.00.")
    return int(match["whole"].replace(",", "")) * 100 + int(match["cents"] or 0)


def mail_again(visit: Visit) -> Response:
    """Send a transfer's mail again."""
    try:
        transfers.tell(visit.world, transfers.find(visit.world, visit.named("transfer")))
    except LookupError as error:
        return missing(visit, str(error))
    visit.world.save()
    return see_other("/bank/?told=mailed")


def post(visit: Visit) -> Response:
    """Let a transfer that's late onto the account."""
    try:
        entries.release(visit.world, transfers.find(visit.world, visit.named("transfer")))
    except LookupError as error:
        return missing(visit, str(error))
    visit.world.save()
    return see_other("/bank/?told=released")


def mail(visit: Visit) -> Response:
    """The source of a mail."""
    uid = visit.named("uid")
    found = store.find(visit.world, int(uid)) if uid.isascii() and uid.isdecimal() else None
    if found is None:
        return missing(visit, "This mail is not in the bank’s mailbox.")
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(store.raw(found), media_type="text/plain", headers=headers)


def key(visit: Visit) -> Response:
    """The DNS records that the bank's signatures are checked against."""
    return JSONResponse(keys.records(keys.own(visit.world.directory)))


def activity_file(visit: Visit) -> Response:
    """The account's activity; `?from=` and `?to=` limit its days."""
    try:
        first, last = (_day(visit.query.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return Response("A day is written like 2026-03-28.", 400, media_type="text/plain")
    name = activity.file_name(visit.world)
    return Response(
        activity.content(visit.world, first, last),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


routes = [
    Route("/bank/", endpoint(bank)),
    Route("/bank/pay", endpoint(pay), methods=["POST"]),
    Route("/bank/send", endpoint(send), methods=["POST"]),
    Route("/bank/transfers/{transfer}/mail", endpoint(mail_again), methods=["POST"]),
    Route("/bank/transfers/{transfer}/post", endpoint(post), methods=["POST"]),
    Route("/bank/mails/{uid}", endpoint(mail)),
    Route("/bank/key", endpoint(key)),
    Route("/bank/activity.csv", endpoint(activity_file)),
]

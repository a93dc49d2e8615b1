"""The mailbox's pages: the list, one message, its HTML on its own."""

import re

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.mail import store
from sandbox.mail.store import Mail
from sandbox.pager import paginate
from sandbox.rendering import Visit, endpoint, missing, page, see_other

VIEWS = (("html", "HTML"), ("text", "Text"), ("headers", "Headers"), ("source", "Source"))

# The message must not run scripts or reach the sandbox; its links open in a new tab.
MESSAGE_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation;"
    " default-src 'none'; img-src * data:; style-src * 'unsafe-inline'; font-src * data:"
)


def mailbox(visit: Visit) -> Response:
    """All mail, newest first, every copy; `?to=` filters by part of a recipient."""
    to = visit.query.get("to", "").strip()
    mails = [
        mail for mail in store.newest_first(visit.world) if to.lower() in str(mail["to"]).lower()
    ]
    shown, pager = paginate(mails, visit)
    counts = store.counts(visit.world)
    listed = [(mail, counts[store.mark(mail)]) for mail in shown]
    return page(visit, "mailbox.html", mails=listed, pager=pager, to=to)


def message(visit: Visit) -> Response:
    """One message in one of VIEWS."""
    mail = _mail(visit)
    if mail is None:
        return missing(visit, "This message is not in the mailbox.")
    views = [view for view in VIEWS if view[0] != "html" or mail["html"]]
    wanted = visit.query.get("view", "")
    view = wanted if wanted in dict(views) else views[0][0]
    copies = store.copies(visit.world, mail)
    return page(visit, "mail.html", mail=mail, copies=copies, views=views, view=view)


def body(visit: Visit) -> Response:
    """The HTML part as it was sent, isolated from everything around it."""
    mail = _mail(visit)
    if mail is None:
        return missing(visit, "This message is not in the mailbox.")
    return HTMLResponse(
        _opening_tabs(mail["html"]), headers={"Content-Security-Policy": MESSAGE_POLICY}
    )


def clear(visit: Visit) -> Response:
    store.clear(visit.world)
    return see_other("/mailbox/")


def _opening_tabs(html: str) -> str:
    """Make links open a tab. The tag goes into the head; before the doctype it means quirks."""
    base = '<base target="_blank">'
    with_base, heads = re.subn(r"(<head\b[^>]*>)", rf"\1{base}", html, count=1, flags=re.IGNORECASE)
    return with_base if heads else base + html


def _mail(visit: Visit) -> Mail | None:
    return store.find(visit.world, visit.named("mail"))


routes = [
    Route("/mailbox/", endpoint(mailbox)),
    Route("/mailbox/clear", endpoint(clear), methods=["POST"]),
    Route("/mailbox/{mail}", endpoint(message)),
    Route("/mailbox/{mail}/html", endpoint(body)),
]

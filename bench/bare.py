"""Yardsticks for the webhook's speed: the least a Django view can do with an event.

They verify with Stripe's SDK and store the event once, with no middleware, job, model, or health
check of the connection. It's a separate WSGI application on the same database. One view does no
more than it must; the other follows Stripe's documentation.
"""

from __future__ import annotations

import json
import os

import stripe
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg.conninfo import conninfo_to_dict

from bench.bare_paths import BARE, DOCUMENTED

INSERT = "INSERT INTO bare_event (id, payload) VALUES (%s, %s::jsonb) ON CONFLICT (id) DO NOTHING"

_address = conninfo_to_dict(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="the-bare-view-has-no-secrets",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _address["dbname"],
            "USER": _address.get("user", ""),
            "PASSWORD": _address.get("password", ""),
            "HOST": _address.get("host", ""),
            "PORT": _address.get("port", ""),
            "CONN_MAX_AGE": None,
        }
    },
)
SECRET = os.environ["STRIPE_WEBHOOK_SECRETS"]


def bare(request: HttpRequest) -> HttpResponse:
    """Verify one event and store it once."""
    text = request.body.decode()
    stripe.WebhookSignature.verify_header(
        text, request.headers["Stripe-Signature"], SECRET, tolerance=300
    )
    return _store(json.loads(text)["id"], text)


def documented(request: HttpRequest) -> HttpResponse:
    """Do the same with `construct_event`, which turns the whole payload into objects."""
    event = stripe.Webhook.construct_event(
        request.body, request.headers["Stripe-Signature"], SECRET
    )
    return _store(event.id, request.body.decode())


def _store(identifier: str, text: str) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [identifier, text])
    return HttpResponse("stored")


urlpatterns = [
    path(BARE.lstrip("/"), bare),
    path(DOCUMENTED.lstrip("/"), documented),
]
application = get_wsgi_application()

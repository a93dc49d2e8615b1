"""The yardstick for page speed: the least that Django does for a signed-in user.

It has `startproject`'s settings with all their middleware, a session and its user, one query of 25
rows, and a plain template. It's a separate WSGI application on the same database.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from psycopg.conninfo import conninfo_to_dict

from bench.floor_table import FLOOR, ROWS, TABLE

_address = conninfo_to_dict(os.environ["DATABASE_URL"])
settings.configure(
    # The portal's own, so the floor can read a session that the benchmark makes.
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent],
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ],
            },
        },
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _address["dbname"],
            "USER": _address.get("user", ""),
            "PASSWORD": _address.get("password", ""),
            "HOST": _address.get("host", ""),
            "PORT": _address.get("port", ""),
            # A new connection per page would make the floor slower, and us look better.
            "CONN_MAX_AGE": None,
        }
    },
    USE_TZ=True,
    STATIC_URL="static/",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
application = get_wsgi_application()


class Row(models.Model):
    """A row as in anyone's first application."""

    name = models.CharField(max_length=100)
    amount = models.IntegerField()
    created_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Row]] = models.Manager()

    class Meta:
        app_label = "bench"
        db_table = TABLE
        managed = False

    def __str__(self) -> str:
        return self.name


def floor(request: HttpRequest) -> HttpResponse:
    """List some rows for the signed-in user."""
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    return render(request, "floor.html", {"rows": Row.objects.order_by("-created_at")[:ROWS]})


urlpatterns = [path(FLOOR.lstrip("/"), floor)]

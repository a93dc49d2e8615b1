"""Stores the pictures, and serves them at addresses that name their content."""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import timedelta
from functools import lru_cache

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from business import pictures
from business.models import BrandVersion, Picture, PictureUse

logger = logging.getLogger(__name__)

# The alias in the setting STORAGES.
UPLOADS = "uploads"
FILE = re.compile(r"[0-9a-f]{64}\.(png|webp)")
TYPES = {"png": "image/png", "webp": "image/webp"}
FOREVER = 31_536_000  # seconds
UNUSED_FOR = timedelta(days=1)


class StorageFailed(Exception):
    """Uploads can't be kept now, with a sentence for staff."""


def storage() -> Storage:
    """Return where uploads are kept."""
    return storages[UPLOADS]


def add(content: bytes, use: PictureUse, by: User | None) -> Picture:
    """Check an upload, keep what's made of it, and return its row. The same twice is one row.

    Raises:
        pictures.PictureError: it isn't a picture that we take.
        StorageFailed: it can't be kept.
    """
    made = pictures.make(content, use)
    fields = {
        "width": made.size[0],
        "height": made.size[1],
        "mail": _keep(made.mail, "png"),
        "mail_width": made.mail_size[0],
        "mail_height": made.mail_size[1],
        "icon": _keep(made.icon, "png"),
        "is_pale": made.is_pale,
        "is_dark": made.is_dark,
        "made_by": by,
    }
    file = _keep(made.file, made.extension)
    return Picture.objects.get_or_create(use=use, file=file, defaults=fields)[0]


def _keep(content: bytes, extension: str) -> str:
    """Store content under its hash; return the file's name."""
    if not content:
        return ""
    name = f"{hashlib.sha256(content).hexdigest()}.{extension}"
    place = storage()
    try:
        if not place.exists(name):
            place.save(name, ContentFile(content))
    except Exception as error:
        logger.exception("An upload can't be stored.")
        raise StorageFailed(
            _(
                "The picture can’t be stored right now, so nothing was changed. "
                "Whoever runs the portal finds the reason in its log."
            )
        ) from error
    return name


def content_of(name: str) -> bytes:
    """Return a stored file's content. Raises FileNotFoundError, or what its storage raises."""
    return _read(name, storage())


def forget_unused() -> None:
    """Delete pictures that no version shows, a day after they were uploaded to look at."""
    shown = BrandVersion.objects.values_list("logo_id", "cover_id")
    used = {number for pair in shown for number in pair}
    old = Picture.objects.filter(made_at__lt=timezone.now() - UNUSED_FOR).exclude(
        pk__in=used - {None}
    )
    for picture in old:
        names = {picture.file, picture.mail, picture.icon} - {""}
        picture.delete()
        # Another upload may have the same icon.
        rows = Picture.objects.filter(Q(file__in=names) | Q(mail__in=names) | Q(icon__in=names))
        kept = {name for row in rows for name in (row.file, row.mail, row.icon)}
        for name in names - kept:
            _delete(name)


def _delete(name: str) -> None:
    try:
        storage().delete(name)
    except Exception:
        # A file too many harms nobody.
        logger.exception("The picture %s can't be deleted.", name)


def content_or_nothing(name: str) -> bytes:
    """Return a stored file's content, or nothing if it can't be read now: that's in the log."""
    try:
        return content_of(name)
    except Exception:
        logger.exception("The picture %s can't be read.", name)
        return b""


@lru_cache(maxsize=16)
def _read(name: str, place: Storage) -> bytes:
    with place.open(name) as file:
        content: bytes = file.read()
    return content


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Serve a picture to anyone: its address can be known only from a page or a mail."""
    if not FILE.fullmatch(name):
        raise Http404("There is no such picture.")
    etag = f'"{name[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        response = _answer(name)
    if response.status_code in (200, 304):
        response["ETag"] = etag
        patch_cache_control(response, public=True, max_age=FOREVER, immutable=True)
    return response


def _answer(name: str) -> HttpResponse:
    try:
        content = content_of(name)
    except FileNotFoundError:
        return _plain(404, "There is no such picture.")
    except Exception:
        logger.exception("The picture %s can't be read.", name)
        return _plain(503, "The picture can't be read right now.")
    response = HttpResponse(content, content_type=TYPES[name.rpartition(".")[2]])
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _plain(status: int, words: str) -> HttpResponse:
    response = HttpResponse(words, status=status, content_type="text/plain")
    response["Cache-Control"] = "no-store"
    return response

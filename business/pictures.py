"""Makes the pictures that we serve from what staff upload: checked, upright, small, and new.

Nothing of an upload's bytes survives: its pixels are decoded and written again, without metadata,
trailing data, or color profiles. Sizes are read from the header before anything is decoded.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageDraw, ImageOps, UnidentifiedImageError

from business import drawing
from business.models import PictureUse
from common.brand import LIGHT_SURFACES, Rgb, contrast, parse

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
SMALLEST_LOGO, NARROWEST_COVER = 48, 600
LOGO_BOX, COVER_BOX = (960, 480), (1600, 1200)
# Longer side to shorter side.
MOST_LOGO_RATIO, MOST_COVER_RATIO = 12, 4
# A logo that's wider or taller than this would be a streak in a browser's tab.
MOST_ICON_RATIO = 2.2
ICON, ICON_MARGIN = 180, 18
MAIL_LOGO_BOX, MAIL_MARGIN, MAIL_RADIUS = (448, 80), 12, 12
FORMATS = ("PNG", "JPEG", "WEBP")
# Below this contrast, a shape is hard to see, and with fewer of its pixels above it, a logo is.
VISIBLE, VISIBLE_SHARE = 1.5, 0.12
OPAQUE = 32  # alpha from 0 to 255
PAPER, INK = "#ffffff", "#1c1b19"
READING = (OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError)


class PictureError(ValueError):
    """The upload can't be used, with a sentence for its owner."""


@dataclass(frozen=True)
class Made:
    """A picture's files, with their sizes in pixels."""

    file: bytes
    extension: str
    size: tuple[int, int]
    mail: bytes = b""
    mail_size: tuple[int, int] = (0, 0)
    icon: bytes = b""
    is_pale: bool = False
    is_dark: bool = False


def make(content: bytes, use: PictureUse) -> Made:
    """Return the files to serve for an upload.

    Raises:
        PictureError: it isn't a picture that we take.
    """
    if len(content) > MOST_BYTES:
        raise PictureError(too_large())
    if use == PictureUse.LOGO:
        return _logo(content)
    return _cover(content)


def too_large() -> str:
    """Say that a file has too many bytes."""
    return _("This file is larger than %(mb)s MB. Export a smaller picture.") % {
        "mb": MOST_BYTES // 1024 // 1024
    }


def _logo(content: bytes) -> Made:
    if drawing.is_svg(content):
        try:
            content = drawing.draw(content)
        except drawing.DrawingError as error:
            raise PictureError(str(error)) from error
    picture = _trimmed(_opened(content).convert("RGBA"))
    _check_logo(picture)
    picture.thumbnail(LOGO_BOX, Image.Resampling.LANCZOS)
    is_pale, is_dark = (_is_hard_to_see(picture, surface) for surface in (LIGHT_SURFACES[1], INK))
    back = INK if is_pale else PAPER
    mail = _on_chip(picture, back)
    return Made(
        file=_png(picture),
        extension="png",
        size=picture.size,
        mail=_png(mail),
        mail_size=mail.size,
        icon=_png(_as_icon(picture, back)) if _ratio(picture) <= MOST_ICON_RATIO else b"",
        is_pale=is_pale,
        is_dark=is_dark,
    )


def _cover(content: bytes) -> Made:
    if drawing.is_svg(content):
        raise PictureError(_("Use a photo for the cover: a PNG, JPEG, or WebP picture."))
    picture = _opened(content)
    if picture.width < NARROWEST_COVER:
        raise PictureError(
            _("This picture is %(width)s pixels wide. Use one of at least %(least)s pixels.")
            % {"width": picture.width, "least": NARROWEST_COVER}
        )
    if _ratio(picture) > MOST_COVER_RATIO:
        raise PictureError(_("This picture is too narrow for a cover. Crop it to 3:1 or less."))
    picture = _on(picture.convert("RGBA"), PAPER).convert("RGB")
    picture.thumbnail(COVER_BOX, Image.Resampling.LANCZOS)
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=80, method=5)
    return Made(file=target.getvalue(), extension="webp", size=picture.size)


def _opened(content: bytes) -> Image.Image:
    """Return an upload's picture, upright and in sRGB. Raises PictureError."""
    try:
        opened = Image.open(io.BytesIO(content), formats=FORMATS)
        _check_header(opened)
        opened.load()
        return _in_srgb(ImageOps.exif_transpose(opened))
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(_not_taken()) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(_too_many_pixels()) from error
    except (*READING, Warning) as error:
        raise PictureError(
            _("This picture is damaged, or part of it is missing. Export it again.")
        ) from error


def _not_taken() -> str:
    return _("This file isn’t a picture we can use. Upload a PNG, JPEG, or WebP, or an SVG logo.")


def _too_many_pixels() -> str:
    return _("This picture has more than %(most)s million pixels. Export a smaller one.") % {
        "most": MOST_PIXELS // 1_000_000
    }


def _check_header(opened: Image.Image) -> None:
    if opened.width * opened.height > MOST_PIXELS:
        raise PictureError(_too_many_pixels())
    if getattr(opened, "n_frames", 1) > 1:
        raise PictureError(_("This picture is animated. Upload a still one."))


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return a picture whose numbers mean what browsers take them for."""
    profile = picture.info.get("icc_profile")
    alpha = picture.convert("RGBA").getchannel("A") if "A" in picture.mode else None
    if profile and picture.mode in {"RGB", "RGBA", "CMYK", "L"}:
        try:
            plain = picture.convert("RGB") if picture.mode == "RGBA" else picture
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, *READING):
            # A profile that doesn't fit says nothing about the picture.
            converted = None
        if converted is not None:
            if alpha is not None:
                converted.putalpha(alpha)
            return converted
    return picture.convert("RGBA" if _may_be_transparent(picture) else "RGB")


def _may_be_transparent(picture: Image.Image) -> bool:
    return "A" in picture.mode or "transparency" in picture.info


def _check_logo(picture: Image.Image) -> None:
    if max(picture.size) < SMALLEST_LOGO:
        raise PictureError(
            _("This logo is only %(width)s × %(height)s pixels. Use a larger one.")
            % {"width": picture.width, "height": picture.height}
        )
    if _ratio(picture) > MOST_LOGO_RATIO:
        raise PictureError(_("This logo is too long and thin to be readable. Crop it."))


def _ratio(picture: Image.Image) -> float:
    return max(picture.size) / min(picture.size)


def _trimmed(picture: Image.Image) -> Image.Image:
    """Return a logo without transparent margins, which would make it tiny."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha >= OPAQUE else 0).getbbox()
    if box is None:
        raise PictureError(_("This logo is all transparent. Export it again."))
    return picture.crop(box)


def _is_hard_to_see(picture: Image.Image, surface: str) -> bool:
    """Whether little of a logo stands out from a surface."""
    small = picture.copy()
    small.thumbnail((64, 64))
    behind = parse(surface)
    seen = shown = 0
    for red, green, blue, alpha in _pixels(small):
        if alpha < OPAQUE:
            continue
        shown += 1
        seen += contrast(Rgb(red, green, blue), behind) >= VISIBLE
    return seen < shown * VISIBLE_SHARE


def _pixels(picture: Image.Image) -> list[tuple[int, int, int, int]]:
    raw = picture.tobytes()
    return [(raw[at], raw[at + 1], raw[at + 2], raw[at + 3]) for at in range(0, len(raw), 4)]


def _on(picture: Image.Image, color: str) -> Image.Image:
    back = Image.new("RGBA", picture.size, color)
    back.alpha_composite(picture)
    return back


def _on_chip(picture: Image.Image, color: str) -> Image.Image:
    """Return a logo on a rounded background, since mail programs turn pages dark on their own."""
    logo = picture.copy()
    logo.thumbnail(MAIL_LOGO_BOX, Image.Resampling.LANCZOS)
    # What's low because it's wide keeps the chip's height.
    height = max(logo.height, MAIL_LOGO_BOX[1])
    size = (logo.width + 2 * MAIL_MARGIN, height + 2 * MAIL_MARGIN)
    chip = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(chip).rounded_rectangle(
        (0, 0, size[0] - 1, size[1] - 1), MAIL_RADIUS, fill=color
    )
    chip.alpha_composite(logo, ((size[0] - logo.width) // 2, (size[1] - logo.height) // 2))
    return chip


def _as_icon(picture: Image.Image, color: str) -> Image.Image:
    """Return a logo in a square, as browsers and phones show it."""
    logo = picture.copy()
    room = ICON - 2 * ICON_MARGIN
    scale = min(room / logo.width, room / logo.height)
    size = (max(1, round(logo.width * scale)), max(1, round(logo.height * scale)))
    logo = logo.resize(size, Image.Resampling.LANCZOS)
    icon = Image.new("RGBA", (ICON, ICON), color)
    icon.alpha_composite(logo, ((ICON - logo.width) // 2, (ICON - logo.height) // 2))
    return icon.convert("RGB")


def _png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()

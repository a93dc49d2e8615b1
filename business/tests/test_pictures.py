"""What's made of uploads: small new pictures, or a sentence that says what's wrong."""

from __future__ import annotations

import contextlib
import io
import random

import pytest
from PIL import Image

from business import drawing, pictures
from business.models import PictureUse
from business.tests import hostile

LOGO, COVER = PictureUse.LOGO, PictureUse.COVER


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_becomes_a_png_with_an_icon_and_a_version_for_mails(kind: str) -> None:
    made = pictures.make(hostile.logo(kind=kind), LOGO)
    assert opened(made.file).format == "PNG"
    assert opened(made.file).size == made.size == (200, 100)
    assert opened(made.icon).size == (180, 180)
    assert opened(made.mail).size == made.mail_size == (184, 104)


def test_an_svg_logo_is_served_as_png_of_what_it_shows() -> None:
    made = pictures.make(hostile.EVIL_SCRIPT, LOGO)
    drawn = opened(made.file)
    assert drawn.format == "PNG"
    # Trimmed to the disc, on nothing.
    assert abs(drawn.width - drawn.height) <= 1
    assert drawn.getpixel((drawn.width // 2, drawn.height // 2)) == (0x2F, 0x5D, 0x50, 255)
    assert drawn.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert b"script" not in made.file


def test_a_cover_becomes_webp_of_at_most_1600_pixels() -> None:
    made = pictures.make(hostile.photo((3000, 2000)), COVER)
    cover = opened(made.file)
    assert cover.format == "WEBP"
    assert cover.size == made.size == (1600, 1067)
    assert len(made.file) < 100_000


def test_photos_are_turned_upright_and_lose_where_they_were_taken() -> None:
    upload = hostile.turned_photo()
    assert b"SECRET" in upload
    made = pictures.make(upload, COVER)
    assert made.size == (700, 900)
    assert b"SECRET" not in made.file


def test_what_follows_a_picture_is_dropped() -> None:
    made = pictures.make(hostile.logo() + b"<script>alert(1)</script>PK\x03\x04", LOGO)
    assert b"script" not in made.file


def test_a_logo_in_cmyk_or_with_a_palette_keeps_its_color() -> None:
    red = Image.new("RGB", (100, 100), "#d02020")
    for picture, kind in ((red.convert("CMYK"), "JPEG"), (red.convert("P"), "PNG")):
        made = pictures.make(hostile.encoded(picture, kind), LOGO)
        pixel = opened(made.file).convert("RGB").getpixel((50, 50))
        assert isinstance(pixel, tuple)
        assert pixel[0] > 190
        assert pixel[1] < 70


REFUSED = {
    "text": (b"just words", LOGO, "isn’t a picture"),
    "nothing": (b"", LOGO, "isn’t a picture"),
    "a PDF": (b"%PDF-1.7 ...", COVER, "isn’t a picture"),
    "a GIF": (hostile.animated("GIF"), LOGO, "isn’t a picture"),
    "a moving PNG": (hostile.animated("PNG"), LOGO, "animated"),
    "a moving WebP": (hostile.animated("WEBP"), LOGO, "animated"),
    "a bomb": (hostile.bomb(), LOGO, "million pixels"),
    "a bomb that Pillow only warns about": (hostile.bomb(10_000, 9_500), LOGO, "million pixels"),
    "a torn file": (hostile.photo()[:2000], COVER, "damaged"),
    "a broken one": (hostile.bomb(300, 300)[:60], LOGO, "damaged"),
    "too large": (b"\x89PNG\r\n\x1a\n" + b"x" * 6_000_000, LOGO, "larger than 5 MB"),
    "a tiny logo": (hostile.logo((20, 12)), LOGO, "20 × 12"),
    "a streak": (hostile.logo((1300, 60)), LOGO, "too long and thin"),
    "a transparent logo": (
        hostile.encoded(Image.new("RGBA", (100, 100), (0, 0, 0, 0)), "PNG"),
        LOGO,
        "transparent",
    ),
    "a small cover": (hostile.photo((500, 300)), COVER, "at least 600 pixels"),
    "a narrow cover": (hostile.photo((2000, 300)), COVER, "Crop it"),
    "an SVG cover": (hostile.svg(hostile.DISC), COVER, "a PNG, JPEG, or WebP picture"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_we_do_not_take_is_refused_in_a_sentence(name: str) -> None:
    content, use, said = REFUSED[name]
    with pytest.raises(pictures.PictureError) as refused:
        pictures.make(content, use)
    assert said in str(refused.value)


@pytest.mark.parametrize("name", hostile.HOSTILE_SVGS)
def test_a_hostile_svg_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(pictures.PictureError) as refused:
        pictures.make(hostile.HOSTILE_SVGS[name], LOGO)
    assert str(refused.value).endswith(".")


def test_the_drawing_process_itself_reads_no_files() -> None:
    """Should a reference slip through our look at it, the renderer refuses it too."""
    import subprocess
    import sys

    for address in ("/etc/passwd", "drawing.py", "../manage.py", "http://127.0.0.1:9/x.png"):
        content = hostile.svg(f'<image href="{address}" width="200" height="100"/>')
        command = [sys.executable, "-m", "business.drawing"]
        done = subprocess.run(
            command, input=content, capture_output=True, check=False, cwd=drawing.ROOT.parent
        )
        assert done.returncode or not opened(done.stdout).convert("RGBA").getbbox(), address


@pytest.mark.parametrize(
    ("color", "back", "is_pale", "is_dark"),
    [
        ("#ffffff", "", True, False),
        ("#fff6d5", "", True, False),
        ("#111111", "", False, True),
        ("#2f5d50", "", False, False),
        ("#111111", "#ffffff", False, False),
    ],
)
def test_logos_that_vanish_on_a_page_are_told(
    color: str, back: str, is_pale: bool, is_dark: bool
) -> None:
    made = pictures.make(hostile.logo(color=color, back=back), LOGO)
    assert (made.is_pale, made.is_dark) == (is_pale, is_dark)


@pytest.mark.parametrize("size", [(1100, 100), (100, 1100)])
def test_very_wide_and_very_tall_logos_fit_and_make_no_icon(size: tuple[int, int]) -> None:
    made = pictures.make(hostile.logo(size), LOGO)
    assert made.size[0] <= 960
    assert made.size[1] <= 480
    assert made.mail_size[0] <= 472
    assert made.mail_size[1] == 104
    assert not made.icon


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", range(12))
def test_broken_files_are_pictures_or_refused_and_never_an_error_of_ours(seed: int) -> None:
    chance = random.Random(seed)
    whole = [
        (hostile.logo(), LOGO),
        (hostile.logo(kind="WEBP"), LOGO),
        (hostile.turned_photo(), COVER),
        (hostile.photo((700, 500)), COVER),
    ]
    for content, use in whole * 6:
        broken = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(min(len(broken), chance.choice([64, 400, len(broken)])))
            broken[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        with contextlib.suppress(pictures.PictureError):
            pictures.make(bytes(broken), use)


@pytest.mark.parametrize("seed", range(12))
def test_broken_svgs_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    for content in [hostile.EVIL_SCRIPT, *hostile.HOSTILE_SVGS.values()]:
        broken = bytearray(content[:20_000])
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(broken))
            broken[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        with contextlib.suppress(drawing.DrawingError):
            drawing.checked(bytes(broken))

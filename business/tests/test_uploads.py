"""Pictures are kept under the hash of their content, and served to anyone, for good."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from business import uploads as stored
from business.models import BrandVersion, Picture, PictureUse
from business.tests import hostile

pytestmark = pytest.mark.django_db


def added(content: bytes | None = None) -> Picture:
    return stored.add(content or hostile.logo(), PictureUse.LOGO, None)


def test_a_picture_is_served_signed_out_and_may_be_kept_for_good(
    uploads: Path, client: Client
) -> None:
    picture = added()
    assert {one.name for one in uploads.iterdir()} == {picture.file, picture.mail, picture.icon}
    answer = client.get(f"/brand/{picture.file}")
    assert answer.status_code == 200
    assert answer.content == (uploads / picture.file).read_bytes()
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not answer.cookies
    again = client.get(f"/brand/{picture.file}", headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head(f"/brand/{picture.file}").status_code == 200
    assert client.post(f"/brand/{picture.file}").status_code == 405


def test_the_same_upload_twice_is_one_picture(uploads: Path) -> None:
    assert added() == added()
    assert added(hostile.logo(color="#aa3300")) != added()
    assert Picture.objects.count() == 2


@pytest.mark.parametrize(
    "name", ["0" * 64 + ".png", "x.png", "..%2f..%2f.env", "0" * 64 + ".svg", "0" * 64 + ".png.exe"]
)
def test_nothing_else_is_served(name: str, uploads: Path, client: Client) -> None:
    added()
    (uploads / "x.png").write_bytes(b"not ours")
    answer = client.get(f"/brand/{name}")
    assert answer.status_code == 404
    assert "immutable" not in answer.get("Cache-Control", "")


def test_pictures_that_no_version_shows_are_deleted_after_a_day(uploads: Path) -> None:
    shown, looked_at, new = (
        added(),
        added(hostile.logo(color="#aa3300")),
        added(hostile.svg(hostile.DISC)),
    )
    BrandVersion.objects.create(version=1, logo=shown)
    BrandVersion.objects.create(version=2)
    yesterday = timezone.now() - timedelta(days=2)
    Picture.objects.filter(pk__in=[shown.pk, looked_at.pk]).update(made_at=yesterday)
    stored.forget_unused()
    assert set(Picture.objects.all()) == {shown, new}
    names = {one.name for one in uploads.iterdir()}
    assert {shown.file, shown.icon, shown.mail, new.file} <= names
    assert looked_at.file not in names


def unwritable(settings: Settings) -> None:
    place = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    options = {"OPTIONS": {"location": "/proc/uploads"}}
    settings.STORAGES = {**settings.STORAGES, "uploads": {**place, **options}}


def test_a_disk_that_cannot_be_written_is_a_sentence(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    unwritable(settings)
    with caplog.at_level(logging.CRITICAL), pytest.raises(stored.StorageFailed) as failed:
        added()
    assert "nothing was changed" in str(failed.value)
    assert not Picture.objects.exists()


def test_the_deployment_check_names_a_folder_that_cannot_be_written(
    settings: Settings, capsys: pytest.CaptureFixture[str], uploads: Path
) -> None:
    settings.UPLOADS_DIR = str(uploads)
    call_command("check", deploy=True, tags=["security"])
    assert "UPLOADS_DIR can't be written" not in capsys.readouterr().err
    (uploads.parent / "file").touch()
    settings.UPLOADS_DIR = str(uploads.parent / "file" / "uploads")
    call_command("check", deploy=True, tags=["security"])
    assert "UPLOADS_DIR can't be written" in capsys.readouterr().err


@pytest.fixture
def s3(settings: Settings) -> Iterator[Any]:
    """A server on this machine that speaks S3, with a bucket, and the portal set up for it."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    access = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    bucket = boto3.resource("s3", **access, **keys).create_bucket(Bucket="harbor")
    named = {"bucket_name": "harbor", "location": "portal", "access_key": "key"}
    options: dict[str, Any] = named | {
        **access,
        "secret_key": "secret",
        "file_overwrite": True,
        "default_acl": None,
    }
    place = {"BACKEND": "common.s3.Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "uploads": place}
    yield bucket
    server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pictures_can_be_kept_at_a_service_that_speaks_s3(s3: Any, client: Client) -> None:
    picture = added()
    names = {one.key for one in s3.objects.all()}
    assert names == {f"portal/{name}" for name in (picture.file, picture.mail, picture.icon)}
    answer = client.get(f"/brand/{picture.file}")
    assert answer.content[:4] == b"\x89PNG"
    assert client.get(f"/brand/{'0' * 64}.png").status_code == 404
    assert added() == picture

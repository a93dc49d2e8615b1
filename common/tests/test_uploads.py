"""Uploaded files stay in memory, up to a limit, and a larger one is known as such."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from pytest_django import Settings

from common.uploads import MOST


@pytest.fixture(autouse=True)
def _no_disk(settings: Settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere/to/write"


def sent(*sizes: int) -> list[Any]:
    files = {
        f"file{place}": SimpleUploadedFile("x", b"y" * size) for place, size in enumerate(sizes)
    }
    request = RequestFactory().post("/", files)
    return [request.FILES[name] for name in files]


def test_a_large_file_needs_no_disk() -> None:
    [file] = sent(9 * 1024 * 1024)
    assert (file.size, len(file.read())) == (9 * 1024 * 1024, 9 * 1024 * 1024)


def test_what_is_beyond_the_limit_is_counted_and_not_kept() -> None:
    [file] = sent(MOST + 5_000_000)
    assert (file.size, len(file.read())) == (MOST + 5_000_000, MOST)


def test_many_files_have_no_more_than_one() -> None:
    files = sent(6_000_000, 6_000_000, 6_000_000)
    assert [file.size for file in files] == [6_000_000] * 3
    assert [len(file.read()) for file in files] == [6_000_000, MOST - 6_000_000, 0]

"""A file is saved under its name, in any script."""

from __future__ import annotations

from email.message import Message
from urllib.parse import unquote

import pytest
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st

from common.file_names import saved_as


def name_in(header: str) -> str:
    """Return the name that a browser reads from a header: the one in UTF-8, where there is one."""
    _, _, wide = header.partition("filename*=UTF-8''")
    message = Message()
    message["Content-Disposition"] = header.partition("; filename*")[0]
    return unquote(wide) or str(message.get_filename())


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("statement-2026.pdf", 'attachment; filename="statement-2026.pdf"'),
        ('a"b\\c;d.csv', 'attachment; filename="a-b-c;d.csv"'),
        ("../../etc/passwd", 'attachment; filename="-..-etc-passwd"'),
        ("Łódź.pdf", "attachment; filename=\"odz.pdf\"; filename*=UTF-8''%C5%81%C3%B3d%C5%BA.pdf"),
        (
            "李小龍.csv",
            "attachment; filename=\"file.csv\"; filename*=UTF-8''%E6%9D%8E%E5%B0%8F%E9%BE%8D.csv",
        ),
        ("a\r\nSet-Cookie: x=1.csv", 'attachment; filename="a Set-Cookie- x=1.csv"'),
        ("\u202egpj.exe", 'attachment; filename="gpj.exe"'),
        ("", 'attachment; filename="file"'),
    ],
)
def test_a_name_is_written_for_its_header(name: str, header: str) -> None:
    assert saved_as(name) == header


@given(st.text() | st.text("Łż\"\\;'%\r\n\0\u202e./").map(lambda name: f"{name}.pdf"))
def test_every_name_can_be_sent(name: str) -> None:
    header = saved_as(name)
    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 4000
    response = HttpResponse()
    response["Content-Disposition"] = header
    assert name_in(response["Content-Disposition"])
    assert not set(name_in(header)) & set('/\\:*?"<>|\r\n\0')

"""Takes uploaded files in memory: the disk may be read-only, and nobody may fill it."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

# What all files of a request may have together. The largest that we take has a byte less.
MOST = 10 * 1024 * 1024 + 1


class InMemory(FileUploadHandler):
    """Keeps files in memory up to a limit, which is the request's and not each file's.

    What's beyond isn't kept, but counted: so a form can tell that a file is too large.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._left = MOST
        self._file = io.BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self._file = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep as much of a chunk as the request may have."""
        kept = raw_data[: self._left]
        self._left -= len(kept)
        self._file.write(kept)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Return the file, with its true size."""
        self._file.seek(0)
        return InMemoryUploadedFile(
            file=self._file,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

"""What lists of the bank's money have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from billing.admin.records import RecordAdmin
from members.search import people

MAY_MATCH = "billing.match_bank_transfer"
MAY_IMPORT = "billing.import_bank_file"


class BankAdmin(RecordAdmin):
    """Rows that nobody edits: files, emails, and buttons make and change them.

    Searches look for any part of a column: these tables are small beside others.
    """

    def find_persons(self, term: str) -> list[Any]:
        """Find users."""
        return people(term)

    def has_match_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may match money with payments."""
        return bool(request.user.has_perm(MAY_MATCH))

    def has_import_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may import a bank's files."""
        return bool(request.user.has_perm(MAY_IMPORT))

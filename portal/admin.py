"""Where Django looks for the portal's own pages on the staff site."""

from portal.backoffice.downloads import DownloadAdmin
from portal.backoffice.groups import GroupAdmin
from portal.backoffice.jobs import JobAdmin, LogEntryAdmin, ProblemAdmin
from portal.backoffice.members import UserAdmin
from portal.backoffice.message_pages import MessagePages
from portal.backoffice.note_list import StaffNoteAdmin
from portal.backoffice.retention import RetentionVersionAdmin
from portal.backoffice.saved_view_pages import SavedViewAdmin
from portal.backoffice.support import SupportMessageAdmin
from portal.backoffice.team import StaffInvitationAdmin
from portal.backoffice.time_and_place import LocaleVersionAdmin
from portal.doctor.page import DiagnosisAdmin

__all__ = [
    "DiagnosisAdmin",
    "DownloadAdmin",
    "GroupAdmin",
    "JobAdmin",
    "LocaleVersionAdmin",
    "LogEntryAdmin",
    "MessagePages",
    "ProblemAdmin",
    "RetentionVersionAdmin",
    "SavedViewAdmin",
    "StaffInvitationAdmin",
    "StaffNoteAdmin",
    "SupportMessageAdmin",
    "UserAdmin",
]

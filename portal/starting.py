"""Starts a process with the settings, or says in a sentence why it can't.

python -m portal.starting    # only looks: what gunicorn does before it starts
"""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.postgres import PostgresError

# sysexits' EX_CONFIG: systemd doesn't retry (RestartPreventExitStatus).
EX_CONFIG = 78
# gunicorn stops completely if a worker exits with this: the next one would fail too.
WORKER_BOOT_ERROR = 3


def settings_or_exit(code: int = EX_CONFIG) -> None:
    """Load the settings, or print one line per fault and exit with `code`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        _ = settings.DEBUG
    except (ImproperlyConfigured, PostgresError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    settings_or_exit()

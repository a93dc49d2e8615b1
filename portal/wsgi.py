"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from common.encodings import utf8_only
from portal.starting import WORKER_BOOT_ERROR, settings_or_exit

# Nobody develops behind a real web server, so DEBUG is never on by default here.
os.environ.setdefault("PORTAL_SERVED", "1")
settings_or_exit(WORKER_BOOT_ERROR)

application = utf8_only(get_wsgi_application())

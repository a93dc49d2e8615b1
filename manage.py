#!/usr/bin/env python
"""Django's command line for this project."""

import sys

from django.core.management import execute_from_command_line

from portal.starting import settings_or_exit

if __name__ == "__main__":
    settings_or_exit()
    execute_from_command_line(sys.argv)

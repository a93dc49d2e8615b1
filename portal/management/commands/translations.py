"""`manage.py translations [LANGUAGE …]`: begin a language, or bring all up to date."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import locales, translations


class Command(BaseCommand):
    """Find every marked text, merge it into each language's file, and compile that."""

    help = "Update locale/…/django.po from the marked texts, and compile it to django.mo."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name new languages; those that have a file are always brought up to date."""
        parser.add_argument("languages", nargs="*", help="such as de or pt_BR")

    def handle(self, *_args: Any, languages: list[str], **_options: Any) -> None:
        """Write the files; fail if a translation would break its sentence."""
        folder = Path(settings.LOCALE_PATHS[0])
        try:
            names = {str(locales.find(name)) for name in languages}
        except ValueError as error:
            raise CommandError(str(error)) from error
        found = translations.extract(Path(settings.BASE_DIR))
        self.stdout.write(f"{len(found):,} texts are marked.")
        faults: list[str] = []
        for language in sorted({*names, *translations.languages(folder)}):
            one = translations.update(found, folder, language)
            self.stdout.write(f"{language}: {one.missing:,} of {one.texts:,} are missing.")
            faults += one.faults
        if faults:
            raise CommandError("\n".join(faults))

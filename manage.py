#!/usr/bin/env python
"""Run a management command; embedded services start by themselves where no URL is set."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadgen.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            f"Leadgen's packages are not installed here ({error}). Run `make setup`, then use .venv/bin/python."
        ) from error
    from leadgen.core import services

    services.auto_start(sys.argv)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

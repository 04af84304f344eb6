"""WSGI entry point for granian."""

import os

from django.core.wsgi import get_wsgi_application

from leadgen.core import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadgen.settings")

application = get_wsgi_application()
database.refuse_unbound_role()

"""Leadgen's settings on the services of the test run, whose addresses must be known before Django asks for them."""

from tests import database

database.enter()

from leadgen.settings import *  # noqa: E402, F403  settings modules are made of names; the environment comes first

# Argon2 is slow by design; hundreds of test users sign in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Also for processes that tests start: no collectstatic.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True  # a test client takes the file when it is asked for, not all of them whenever one is made

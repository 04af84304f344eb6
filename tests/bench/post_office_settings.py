"""Settings of the peer: django-post_office in a schema of its own of the bench database."""

import json
import os

SECRET_KEY = "bench"
INSTALLED_APPS = ["django.contrib.contenttypes", "post_office"]
DATABASES = {
    "default": json.loads(os.environ["BENCH_DATABASE"])
    | {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"options": "-c search_path=post_office"}}
}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MAILERS = {
    "default": {"BACKEND": "post_office.EmailBackend"},
    "smtp": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {"host": "127.0.0.1", "port": int(os.environ["BENCH_SMTP_PORT"]), "username": "", "password": ""},
    },
}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
POST_OFFICE = {
    "DEFAULT_MAILER": "smtp", "BATCH_SIZE": 1_000_000, "THREADS_PER_PROCESS": 5, "LOG_LEVEL": 1,
    "MESSAGE_ID_ENABLED": True, "MESSAGE_ID_FQDN": "acme.example", "BATCH_DELIVERY_TIMEOUT": 600,
}  # fmt: skip

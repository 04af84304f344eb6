"""Settings from the environment; what is missing or contradicts itself stops the start."""

import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from leadgen import env
from leadgen.core import services

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("LEADGEN_DATA_DIR", str(BASE_DIR / ".data")))
TESTING = "pytest" in sys.modules

# --- Where we are --------------------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", False)
PRODUCTION = env.boolean("LEADGEN_PRODUCTION", False)
SITE_URL = env.text("SITE_URL", "http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
# Whose X-Forwarded-For is believed (leadgen.core.client): a number of proxies, or their networks. None by default.
TRUSTED_PROXIES = env.proxies("TRUSTED_PROXIES")
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
ROOT_URLCONF = "leadgen.urls"
WSGI_APPLICATION = "leadgen.wsgi.application"

# --- Secrets: two, kept apart, so that a leaked session key opens no mailbox ------------------------------------------
SECRET_KEY = env.text("SECRET_KEY") or services.local_secret("secret_key", allowed=not PRODUCTION)
# Comma-separated Fernet keys, newest first; older ones still open what they sealed.
FIELD_KEYS = env.words("FIELD_KEYS") or [services.local_secret("field_key", allowed=not PRODUCTION)]
# The root of signatures that are out in the world (links, Message-IDs, hashes of suppressed addresses). It never rotates:
# where it is not set, it is the oldest field key, which then may not be removed.
DERIVE_KEY = env.text("DERIVE_KEY") or (
    FIELD_KEYS[-1] if PRODUCTION else services.pinned_secret("derive_key", FIELD_KEYS[-1])
)
DERIVE_KEY_IS_SET = bool(env.text("DERIVE_KEY")) or not PRODUCTION

# --- Databases and broker -------------------------------------------------------------------------------------------
_urls = services.resolve_urls()
DATABASES = {
    "default": env.database(_urls.database, "DATABASE_URL"),
    "owner": env.database(_urls.database_owner, "DATABASE_OWNER_URL"),
}
REDIS_URL = _urls.redis
# Off behind a pooler that gives each transaction another connection and does not carry prepared statements over.
DATABASE_PREPARES = env.boolean("DATABASE_PREPARES", True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_ROUTERS: list[str] = []

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = services.celery_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # safe: tasks are hints, the rows are the truth
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 1500
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 1800, "socket_keepalive": True}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = True

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "leadgen.core",
    "accounts",
    "prospects",
    "campaigns",
    "analytics",
]

MIDDLEWARE = [
    # First: it decides which host a request is for.
    "campaigns.middleware.TrackingHostMiddleware",
    "leadgen.core.logging.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionSeenMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Everything inside it runs in one transaction that knows its workspace.
    "accounts.middleware.WorkspaceMiddleware",
    "leadgen.core.error_pages.MethodMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.shell",
            ],
        },
    }
]

# --- People and log-in ----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.signup.SignupForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False  # mail scanners open links
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or second factor is told by mail
ACCOUNT_USER_DISPLAY = "accounts.models.display_name"
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]  # webauthn joins when passkeys come
MFA_TOTP_ISSUER = "Leadgen"
USERSESSIONS_TRACK_ACTIVITY = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14

# --- System mail: rows, sent after the commit (accounts.actions.system_mail) ------------------------------------------
DEFAULT_FROM_EMAIL = env.text("SYSTEM_MAIL_FROM", "Leadgen <no-reply@leadgen.example>")
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.text("SYSTEM_SMTP_HOST", "127.0.0.1"),
            "port": env.integer("SYSTEM_SMTP_PORT", 2525),
            "username": env.text("SYSTEM_SMTP_USER"),
            "password": env.text("SYSTEM_SMTP_PASSWORD"),
            "use_tls": env.boolean("SYSTEM_SMTP_TLS", False),
            "timeout": 20,
        },
    }
}

# --- The outside world ----------------------------------------------------------------------------------------------
# Hosts a mailbox may name although they are not public (the sandbox; a self-hoster's own mail server).
MAIL_HOST_ALLOW = env.words("MAIL_HOST_ALLOW", "" if PRODUCTION else "127.0.0.1,localhost")
# Web servers ("host" or "host:port") that feeds and data providers may name although they are not public.
WEB_HOST_ALLOW = env.words("WEB_HOST_ALLOW")
# Name servers of the deliverability check, "address" or "address:port"; empty: those of the machine.
DNS_SERVERS = env.words("DNS_SERVERS")
# Networks whose visitors are programs (a scanner's or data centre's ranges), for the class of a click.
SCANNER_NETWORKS = env.words("SCANNER_NETWORKS")
SANDBOX_SMTP_PORT = env.integer("SANDBOX_SMTP_PORT", 2525)
# Mailboxes that log in by consent instead of a password (docs/operations.md): the operator's client at each provider.
_TENANT = env.text("LEADGEN_MICROSOFT_TENANT", "common")
_MICROSOFT = f"https://login.microsoftonline.com/{_TENANT}/oauth2/v2.0"
MAILBOX_OAUTH = {
    "google": {
        "label": "Google",
        "client_id": env.text("LEADGEN_GOOGLE_CLIENT_ID"),
        "client_secret": env.text("LEADGEN_GOOGLE_CLIENT_SECRET"),
        "authorize_url": env.text("LEADGEN_GOOGLE_AUTHORIZE_URL", "https://accounts.google.com/o/oauth2/v2/auth"),
        "token_url": env.text("LEADGEN_GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
        "scope": "https://mail.google.com/",
        # Without both, Google gives no refresh token at a second consent.
        "extra": {"access_type": "offline", "prompt": "consent"},
    },
    "microsoft": {
        "label": "Microsoft",
        "client_id": env.text("LEADGEN_MICROSOFT_CLIENT_ID"),
        "client_secret": env.text("LEADGEN_MICROSOFT_CLIENT_SECRET"),
        "authorize_url": env.text("LEADGEN_MICROSOFT_AUTHORIZE_URL", f"{_MICROSOFT}/authorize"),
        "token_url": env.text("LEADGEN_MICROSOFT_TOKEN_URL", f"{_MICROSOFT}/token"),
        "scope": "https://outlook.office.com/SMTP.Send https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        "extra": {"prompt": "select_account"},
    },
}
# Sending service -> another address of its API, "postmark=http://127.0.0.1:9/": tests only.
ESP_API_URLS: dict[str, str] = {
    name: url for name, _, url in (pair.partition("=") for pair in env.words("ESP_API_URLS"))
}

# --- The pace of the machinery: the crash test shortens it, nobody else should -----------------------------------------
# RFC 5321 section 4.5.3.2.6 says ten minutes for the answer to the final dot: a client that gives up earlier loses
# knowledge of what was accepted. A message's lease is longer than the whole conversation. A lane's is prolonged after each batch: it
# only keeps two workers off the same work, so one that is too short costs nothing but that.
SMTP_TIMEOUT = env.integer("SMTP_TIMEOUT", 20)  # for each command before it
SMTP_FINAL_TIMEOUT = env.integer("SMTP_FINAL_TIMEOUT", 600)
SEND_LEASE_SECONDS = env.integer("SEND_LEASE_SECONDS", 900)
LANE_LEASE_SECONDS = env.integer("LANE_LEASE_SECONDS", 300)
DISPATCH_THREADS = env.integer("DISPATCH_THREADS", 4)  # mailboxes a worker process serves at once
SEND_BATCH = env.integer("SEND_BATCH", 200)  # messages claimed at once
SEND_RETRY_SECONDS = env.integer("SEND_RETRY_SECONDS", 900)  # after a temporary no, times the attempt
REPLY_FRESHNESS_SECONDS = env.integer(
    "REPLY_FRESHNESS_SECONDS", 900
)  # follow-ups of a mailbox not read for longer wait
MAIL_POLL_SECONDS = env.integer("MAIL_POLL_SECONDS", 60)  # every folder is looked at so often, beside IDLE
# Of a mailbox's reader, renewed before each mail: longer than any one answer of a server (30 s), short after a kill.
MAIL_SYNC_LEASE_SECONDS = env.integer("MAIL_SYNC_LEASE_SECONDS", 90)
IMPORT_LEASE_SECONDS = env.integer("IMPORT_LEASE_SECONDS", 120)
if SEND_LEASE_SECONDS <= SMTP_FINAL_TIMEOUT:
    raise ImproperlyConfigured("SEND_LEASE_SECONDS must be longer than SMTP_FINAL_TIMEOUT")

# --- Time, language, files ------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = "leadgen.formats"
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
STATIC_URL = "/static/"
# Only what `npm run build` wrote: the sources in static/ are no files to serve, and a manifest could not read them.
# static/docs is served as it is: the bar and the start of the API reference.
STATICFILES_DIRS = [("build", BASE_DIR / "static" / "build"), ("docs", BASE_DIR / "static" / "docs")]
STATIC_ROOT = DATA_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # uploads are rows, nothing lies on disk
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or TESTING
DATA_UPLOAD_MAX_MEMORY_SIZE = 60 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 60 * 1024 * 1024

# --- Browser security -----------------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if SITE_URL.startswith("https://"):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
elif PRODUCTION:
    raise ImproperlyConfigured("SITE_URL must be an https:// address in production")

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.HasPermission"],
    "DEFAULT_PAGINATION_CLASS": "leadgen.core.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.authentication.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": env.text("API_RATE", "600/min")},
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_SCHEMA_CLASS": "leadgen.core.schema.Schema",
    "EXCEPTION_HANDLER": "leadgen.core.api.exception_handler",
    "PAGE_SIZE": 50,
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Leadgen API",
    "VERSION": "1",
    "DESCRIPTION": "Prospects, campaigns and numbers of one workspace. Authenticate with `Authorization: Bearer lg_...`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "DEFAULT_GENERATOR_CLASS": "leadgen.core.schema.Generator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "leadgen.core.schema.add_error_component",
    ],
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
}

SILENCED_SYSTEM_CHECKS = [
    "models.W045",  # constraints with RawSQL-like expressions are the database's to check
]
LOGGING_CONFIG = None
from leadgen.core import logging as _logging  # noqa: E402  configured once the paths above are known

_logging.configure(debug=DEBUG, quiet=TESTING)

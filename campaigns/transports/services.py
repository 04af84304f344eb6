"""Sending services as data: what each needs to know, where its API stands, and how its webhooks prove themselves."""

from dataclasses import dataclass

from leadgen.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Service:
    """`hosts`: {region: API address}, the first is the default. `needs`: names of settings besides the key that must be
    given (secret, domain). `signs`: what the service calls the key it signs its events with; else our own secret proves
    them. `signs_mail`: mail that comes in is signed with it too.
    `probe`: a path that answers a working key. `tracks`: its own tracking can be switched off in each mail.
    `repeats`: a request may be repeated with the same idempotency key, so that a lost answer is not the end.
    `keeps_id`: the mail keeps our Message-ID; else the service gives it another one, which comes back as its id."""

    key: str
    label: str
    hosts: dict[str, str]
    key_label: str = "API key"
    needs: tuple[str, ...] = ()
    signs: str = ""
    signs_mail: bool = False
    probe: str = ""
    tracks: bool = True
    repeats: bool = False
    keeps_id: bool = True
    hint: str = ""


SERVICES: dict[str, Service] = {
    service.key: service
    for service in (
        Service(
            "mailgun", "Mailgun",
            {"us": "https://api.mailgun.net/v3/", "eu": "https://api.eu.mailgun.net/v3/"},
            needs=("domain",), signs="HTTP webhook signing key", signs_mail=True, probe="domains/{domain}",
            hint="The key is under Settings › API keys; the signing key under Settings › API security.",
        ),
        Service(
            "postmark", "Postmark", {"us": "https://api.postmarkapp.com/"}, key_label="server token", probe="server",
            hint="Cold mail is against Postmark’s terms: use it for replies and mail people asked for.",
        ),
        Service(
            "sendgrid", "SendGrid", {"us": "https://api.sendgrid.com/v3/", "eu": "https://api.eu.sendgrid.com/v3/"},
            signs="verification key", probe="scopes",
            hint="Switch off click and open tracking of the account too; Leadgen asks for it with every mail. The verification"
            " key stands beside the event webhook under Signature verification; mail that comes in is not signed with it.",
        ),
        Service(
            "brevo", "Brevo", {"eu": "https://api.brevo.com/v3/"}, keeps_id=False, tracks=False, probe="account",
            hint="An API key of version 3; an SMTP key does not work here. Switch its tracking off under Settings › Tracking.",
        ),
        Service(
            "resend", "Resend", {"us": "https://api.resend.com/"}, signs="signing secret (whsec_…)", signs_mail=True,
            repeats=True, keeps_id=False, tracks=False, probe="domains",
            hint="The signing secret stands on the page of the webhook. Switch tracking off for the domain. To take mail that"
            " comes in, the API key needs full access: one that may only send cannot fetch it.",
        ),
        Service(
            "mailjet", "Mailjet", {"eu": "https://api.mailjet.com/v3.1/", "us": "https://api.us.mailjet.com/v3.1/"},
            needs=("secret",), keeps_id=False, probe="/v3/REST/apikey", hint="Both keys are under Account › API key management.",
        ),
        Service(
            "sparkpost", "SparkPost",
            {"us": "https://api.sparkpost.com/api/v1/", "eu": "https://api.eu.sparkpost.com/api/v1/"},
            probe="account", hint="A key with the right “Transmissions: Read/Write”.",
        ),
    )
}  # fmt: skip

CHOICES = [("", "Choose"), *((service.key, service.label) for service in SERVICES.values())]
REGIONS = [("", "Default"), ("us", "United States"), ("eu", "European Union")]


def service_of(key: str) -> Service:
    """Raises Invalid (field esp) for a service that is not known here."""
    try:
        return SERVICES[key]
    except KeyError as error:
        raise Invalid("Choose a sending service.", field="esp") from error


def check_settings(service: Service, settings: dict[str, str]) -> None:
    """Raises Invalid (field named) where a setting is missing or of no use. `settings`: key, secret, domain, region."""
    if not settings.get("key"):
        raise Invalid(
            f"Give the {service.key_label[0].lower()}{service.key_label[1:]} of {service.label}.", field="esp_key"
        )
    if "secret" in service.needs and not settings.get("secret"):
        raise Invalid(f"{service.label} needs its secret key too.", field="esp_secret")
    if "domain" in service.needs and not settings.get("domain"):
        raise Invalid(f"Give the sending domain as it is set up at {service.label}.", field="esp_domain")
    domain = settings.get("domain", "")
    if domain and not all(part.replace("-", "").isalnum() for part in domain.split(".")):
        raise Invalid("Give a domain such as mg.acme.example.", field="esp_domain")
    region = settings.get("region", "")
    if region and region not in service.hosts:
        raise Invalid(f"{service.label} has no servers there. Leave the region at its default.", field="esp_region")


def api_url(service: Service, settings: dict[str, str]) -> str:
    """Where its API stands for these settings; ends with a slash."""
    region = settings.get("region", "")
    return service.hosts.get(region) or next(iter(service.hosts.values()))

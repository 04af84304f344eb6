from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from accounts.queries.health import HEALTH_CHECKS
        from campaigns.queries import panels
        from campaigns.queries.mailboxes import mailbox_health

        panels.register()
        HEALTH_CHECKS.append(mailbox_health)

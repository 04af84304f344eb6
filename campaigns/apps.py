from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns import actions
        from leadgen.core.visibility import open_actions

        open_actions(actions)  # before anything below takes a function out of them
        from accounts.context import register_badge
        from accounts.queries.health import HEALTH_CHECKS
        from campaigns import erasing, merging, retention
        from campaigns.actions import signals
        from campaigns.actions.mailbox_secrets import register_sealed
        from campaigns.queries import panels, related, visibility
        from campaigns.queries.mailboxes import mailbox_health
        from campaigns.queries.queue import badge_count
        from prospects.actions.signals_enrolling import register_enroller

        panels.register()
        merging.register()
        erasing.register()
        retention.register()
        related.register()
        visibility.register()
        register_sealed()
        register_enroller(signals)
        HEALTH_CHECKS.append(mailbox_health)
        register_badge("work", badge_count)

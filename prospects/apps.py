from django.apps import AppConfig


class ProspectsConfig(AppConfig):
    name = "prospects"

    def ready(self) -> None:
        from leadgen.core.visibility import open_actions
        from prospects import actions

        open_actions(actions)
        from prospects.actions import enrichment_providers, erasure, signals_sources
        from prospects.queries import visibility

        enrichment_providers.register_sealed()
        erasure.register_sealed()
        signals_sources.register_sealed()
        visibility.register()

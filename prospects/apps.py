from django.apps import AppConfig


class ProspectsConfig(AppConfig):
    name = "prospects"

    def ready(self) -> None:
        from prospects.actions import enrichment_providers, signals_sources

        enrichment_providers.register_sealed()
        signals_sources.register_sealed()

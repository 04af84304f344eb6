from django.apps import AppConfig


class ProspectsConfig(AppConfig):
    name = "prospects"

    def ready(self) -> None:
        from prospects.actions import signals_sources

        signals_sources.register_sealed()

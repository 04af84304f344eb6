from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "leadgen.core"
    label = "core"

    def ready(self) -> None:
        from leadgen.core import checks, lookups  # noqa: F401  `checks` registers the system checks

        lookups.register()

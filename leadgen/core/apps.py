from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "leadgen.core"
    label = "core"

    def ready(self) -> None:
        from leadgen.core import checks  # noqa: F401  registers the system checks

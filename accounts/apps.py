from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.actions.keys import SealedFactors
        from leadgen.core import rotation

        rotation.register(SealedFactors())

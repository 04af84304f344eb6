from django.apps import AppConfig


class ProspectsConfig(AppConfig):
    name = "prospects"

    def ready(self) -> None:
        from leadgen.core.visibility import open_actions
        from prospects import actions

        open_actions(actions)
        from accounts.queries.audit import register_namer
        from accounts.rules.audit_words import register_reader
        from prospects.actions import enrichment_providers, erasure, signals_sources
        from prospects.queries import rule_words, visibility

        enrichment_providers.register_sealed()
        erasure.register_sealed()
        signals_sources.register_sealed()
        visibility.register()
        register_reader(rule_words.words_of_json)
        register_namer(rule_words.names_of)

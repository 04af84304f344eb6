"""Addresses of prospects outside a workspace's own; each token carries its workspace and a signature."""

from django.urls import URLPattern, URLResolver, path

from prospects.views import signals_hooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("signals/<str:token>/", signals_hooks.signal_webhook, name="signal_webhook"),
]

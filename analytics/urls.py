"""Pages of analytics; mounted at /w/<slug>/ by leadgen.urls."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []

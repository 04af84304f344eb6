"""Pages of campaigns outside a workspace's own addresses; each token carries its workspace and a signature."""

from django.urls import URLPattern, URLResolver, path

from campaigns.views import hosted, public

urlpatterns: list[URLPattern | URLResolver] = [
    path("u/<str:token>/", public.unsubscribe, name="unsubscribe"),
    path("c/<str:token>/", public.click, name="click"),
    path("f/<str:token>/", hosted.hosted_form, name="hosted_form"),
    path("in/<str:token>/", public.inbound, name="inbound_mail"),
    path("tls-ask", public.tls_ask, name="tls_ask"),
]

"""Pages of campaigns outside a workspace's own addresses; each token carries its workspace and a signature."""

from django.urls import URLPattern, URLResolver, path

from campaigns.views import esp, hosted, oauth, public

urlpatterns: list[URLPattern | URLResolver] = [
    path("u/<str:token>/", public.unsubscribe, name="unsubscribe"),
    path("c/<str:token>/", public.click, name="click"),
    path("f/<str:token>/", hosted.hosted_form, name="hosted_form"),
    path("in/<str:token>/", public.inbound, name="inbound_mail"),
    path("esp/<str:token>/", esp.events, name="esp_events"),
    path("esp/<str:token>/in/", esp.inbound, name="esp_inbound"),
    path("oauth/", oauth.oauth_return, name="oauth_return"),
    path("tls-ask", public.tls_ask, name="tls_ask"),
]

"""Pages of analytics; mounted at /w/<slug>/ by leadgen.urls."""

from django.urls import path

from analytics.views import funnel, rows

urlpatterns = [
    path("analytics/", funnel.funnel_page, name="funnel"),
    path("analytics/export/", rows.funnel_export, name="funnel_export"),
    path("analytics/rows/", rows.funnel_rows, name="funnel_rows"),
    path("analytics/rows/export/", rows.funnel_rows_export, name="funnel_rows_export"),
]

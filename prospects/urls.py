"""Pages of prospects; mounted at /w/<slug>/ by leadgen.urls."""

from django.urls import path

from prospects.views import companies, notes, people, search, suppressions

urlpatterns = [
    # Companies, people, suppression, search
    path("companies/", companies.company_list, name="company_list"),
    path("companies/new/", companies.company_create, name="company_create"),
    path("companies/bulk/", companies.company_bulk, name="company_bulk"),
    path("companies/options/", companies.company_options, name="company_options"),
    path("companies/<uuid:company_id>/", companies.company_detail, name="company_detail"),
    path("companies/<uuid:company_id>/edit/", companies.company_edit, name="company_edit"),
    path("companies/<uuid:company_id>/delete/", companies.company_delete, name="company_delete"),
    path("companies/<uuid:company_id>/note/", notes.company_note, name="company_note"),
    path("companies/<uuid:company_id>/timeline/", companies.company_timeline, name="company_timeline"),
    path("people/", people.person_list, name="person_list"),
    path("people/new/", people.person_create, name="person_create"),
    path("people/bulk/", people.person_bulk, name="person_bulk"),
    path("people/<uuid:person_id>/", people.person_detail, name="person_detail"),
    path("people/<uuid:person_id>/edit/", people.person_edit, name="person_edit"),
    path("people/<uuid:person_id>/delete/", people.person_delete, name="person_delete"),
    path("people/<uuid:person_id>/note/", notes.person_note, name="person_note"),
    path("people/<uuid:person_id>/panel/", people.person_panel, name="person_panel"),
    path("people/<uuid:person_id>/timeline/", people.person_timeline, name="person_timeline"),
    path("suppressions/", suppressions.suppression_list, name="suppression_list"),
    path("suppressions/new/", suppressions.suppression_create, name="suppression_create"),
    path("suppressions/import/", suppressions.suppression_import, name="suppression_import"),
    path("suppressions/export/", suppressions.suppression_export, name="suppression_export"),
    path("suppressions/<uuid:suppression_id>/lift/", suppressions.suppression_lift, name="suppression_lift"),
    path("search/", search.search_view, name="search"),
]

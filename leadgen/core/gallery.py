"""Every component in all its states, for people writing pages, for axe and for screenshots. Mounted in debug and tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from leadgen.core import clock
from leadgen.core.htmx import render_page

NAV = [
    {"key": "work", "label": "Work", "icon": "inbox", "url": "#work", "badge": 17, "shortcut": "w"},
    {"key": "people", "label": "People", "icon": "users", "url": "#people", "shortcut": "p"},
    {"key": "companies", "label": "Companies", "icon": "building-2", "url": "#companies"},
    {"key": "sequences", "label": "Sequences", "icon": "workflow", "url": "#sequences", "shortcut": "s"},
    {"key": "capture", "label": "Capture", "icon": "magnet", "url": "#capture"},
    {"key": "deals", "label": "Deals", "icon": "handshake", "url": "#deals", "shortcut": "d"},
    {"key": "analytics", "label": "Analytics", "icon": "chart-column", "url": "#analytics", "shortcut": "a"},
    {"key": "settings", "label": "Settings", "icon": "settings", "url": "#settings", "bottom": True},
]


class SampleForm(forms.Form):
    """One of each widget."""

    name = forms.CharField(label="Name", help_text="As it stands in the sequence list.")
    email = forms.EmailField(label="E-mail")
    value = forms.DecimalField(label="Deal value", required=False)
    starts = forms.DateField(label="Starts on", required=False)
    at = forms.DateTimeField(label="Send at", required=False)
    owner = forms.ChoiceField(
        label="Owner", choices=[("", "Nobody yet"), ("ana", "Ana Ferreira"), ("tom", "Tom Okafor")]
    )
    channels = forms.MultipleChoiceField(
        label="Channels",
        choices=[("email", "E-mail"), ("phone", "Phone"), ("linkedin", "LinkedIn")],
        widget=forms.CheckboxSelectMultiple,
    )
    motion = forms.ChoiceField(
        label="Motion", choices=[("inbound", "Inbound"), ("outbound", "Outbound")], widget=forms.RadioSelect
    )
    notes = forms.CharField(label="Notes", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    file = forms.FileField(label="CSV file", required=False, help_text="At most 50 MB.")
    consent = forms.BooleanField(label="Everybody in this list agreed to be contacted")

    def clean(self) -> dict[str, Any]:
        """A non-field error, to show where it stands."""
        if self.data.get("name") == "":
            raise forms.ValidationError("The sequence was not saved: two fields need your attention.")
        return self.cleaned_data


class CriterionForm(forms.Form):
    """A row of the sample formset."""

    fact = forms.ChoiceField(label="Fact", choices=[("industry", "Industry"), ("employees", "Employees")])
    weight = forms.IntegerField(label="Weight", min_value=1, max_value=100)


class FilterForm(forms.Form):
    """The sample filter bar."""

    q = forms.CharField(label="Search people", required=False)
    grade = forms.ChoiceField(label="Fit grade", required=False, choices=[("", "Any grade"), ("A", "A"), ("B", "B")])


def _people(now: datetime) -> list[SimpleNamespace]:
    rows = [
        ("Ana Ferreira", "VP Operations", "Lumen Robotics", "A", 86, "MQL v5", "primary", Decimal(48000), 4),
        ("Tom Okafor", "Head of IT", "Brightwell Health", "B", 64, "lead", "neutral", None, 190),
        ("Mei Tanaka", "COO", "Kite Logistics", "C", 41, "accepted", "info", Decimal("12500.50"), 60 * 30),
        (
            "Jonas Weber",
            "Plant manager",
            "Stahlwerk Nord",
            "D",
            12,
            "lost: no budget",
            "danger",
            Decimal(9000),
            60 * 24 * 40,
        ),
        ("Sofia Lind", "", "Nordhavn Labs", None, None, "held: mailbox paused", "warning", None, 60 * 24 * 400),
    ]
    return [
        SimpleNamespace(
            pk=index, name=name, title=title, company=company, grade=grade, fit=fit, stage=stage, tone=tone, value=value,
            created_at=now - timedelta(minutes=age),
        )
        for index, (name, title, company, grade, fit, stage, tone, value, age) in enumerate(rows, 1)
    ]  # fmt: skip


def _timeline(now: datetime) -> list[dict[str, Any]]:
    return [
        {"at": now - timedelta(minutes=4), "icon": "file-text", "text": "Form: Demo request, “second plant goes live in January”"},
        {"at": now - timedelta(minutes=6), "icon": "eye", "text": "Viewed Pricing, 2nd time"},
        {"at": now - timedelta(days=2), "icon": "mouse-pointer-click", "text": "Clicked all five links in the newsletter",
         "actor_class": "automated", "detail": "8 s after delivery, every link"},
        {"at": now - timedelta(days=3), "icon": "mail-open", "text": "Opened step 2", "actor_class": "unsure"},
        {"at": now - timedelta(days=19), "icon": "reply", "text": "Replied to step 2: “not now, ask me after the move”", "actor": "to Ana"},
    ]  # fmt: skip


def gallery_context(now: datetime) -> dict[str, Any]:
    """What templates/components/gallery.html shows, relative to `now`."""
    formset_class: Any = forms.formset_factory(CriterionForm, extra=1, can_delete=True)
    figure = {
        "value": 0.326, "unit": "ratio", "n": 1877, "numerator": 611, "denominator": 1877, "interval": [0.305, 0.347],
        "maturity": 0.62, "definition": "Cohort leads that entered MQL / cohort leads; Wilson 95 % interval.",
        "as_of": "2026-11-21", "warnings": ["The agreement changed on 14 Sep: before and after do not compare."],
    }  # fmt: skip
    return {
        "nav": NAV, "nav_active": "analytics", "user_name": "Ana Krüger",
        "health_state": {"tone": "success", "label": "3 mailboxes, complete to 10:42", "url": "#health"},
        "workspaces": [{"name": "Northwind", "slug": "northwind", "url": "#w1", "role": "owner"},
                       {"name": "Globex", "slug": "globex", "url": "#w2", "role": "sdr"}],
        "form": SampleForm(initial={"name": "Industry v4", "starts": now.date(), "at": now, "motion": "inbound"}),
        "bad_form": SampleForm({"name": "", "email": "ana@"}, auto_id="bad_%s"),
        "money_form": SampleForm(auto_id="money_%s"),
        "filter_form": FilterForm(auto_id="filter_%s"),
        "formset": formset_class(initial=[{"fact": "industry", "weight": 25}], prefix="criteria"),
        "people": _people(now), "total": 4210, "timeline": _timeline(now), "figure": figure,
        "facts": [("Industry", "Industrial machinery"), ("Employees", "540", "company site, 12 Nov"), ("Budget", None)],
        "criteria": [("Industrial machinery", "25"), ("200 to 1,000 employees", "20"), ("Budget: unknown", "0 of 14")],
        "chips": [{"label": "Fit: A", "url": "?grade="}, {"label": "Owner: me", "url": "?owner="}],
        "link_tabs": [{"key": "all", "label": "All", "url": "#all", "count": 4210}, {"key": "mine", "label": "Mine", "url": "#mine", "count": 38}],
        "panel_tabs": [{"key": "email", "label": "E-mail", "panel": "tab-email", "icon": "mail"},
                       {"key": "call", "label": "Call", "panel": "tab-call", "icon": "phone"}],
        "stages": [("Leads", 1877, None, None, False), ("MQL", 611, 572, 652, False), ("SQL", 165, 142, 191, False), ("Customer", 34, 24, 47, True)],
        "spark": [12, 11, 14, None, 20, 26, 25, 41, 52, 72],
        "soon": now + timedelta(minutes=4, seconds=12), "later": now + timedelta(hours=3), "past": now - timedelta(minutes=6),
        "sla": timedelta(minutes=10), "day": timedelta(hours=4),
        "chart": {
            "legend": {"top": 0}, "xAxis": {"type": "category", "data": ["Aug", "Sep", "Oct"]}, "yAxis": {"type": "value"},
            "series": [{"name": "Leads", "type": "bar", "data": [580, 640, 657], "itemStyle": {"color": "primary"}},
                       {"name": "SQL", "type": "line", "data": [52, 61, 52], "itemStyle": {"color": "warning"}}],
        },
        "tones": ["neutral", "primary", "info", "success", "warning", "danger"],
        "icons": ["mail", "phone", "link", "users", "building-2", "workflow", "target", "shield-check"],
    }  # fmt: skip


def gallery_view(request: HttpRequest) -> HttpResponse:
    """The components page. `?at=2026-11-21T10:00:00` fixes its time, so that screenshots compare."""
    at = request.GET.get("at", "")
    now = datetime.fromisoformat(at).replace(tzinfo=UTC) if at else clock.now()
    if getattr(request, "workspace", None) is None:
        request.workspace = SimpleNamespace(name="Northwind", slug="northwind")  # type: ignore[attr-defined]  # set by the middleware elsewhere
    context = gallery_context(now)
    if not getattr(getattr(request, "user", None), "is_authenticated", False):
        context["user"] = SimpleNamespace(is_authenticated=True, email="ana@northwind.example")
    return render_page(request, "components/gallery.html", context, partial="results", announce="5 people match")

"""Signals from a file: matched by domain and address, each once, what cannot be used said by row; no to-dos."""

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.signals_triggers import create_trigger
from prospects.models import Signal, Task
from tests.factories.prospects import make_company, make_person
from tests.prospects.imports import NOW, counts, issues, run

FILE = """Signal type;Headline;Date;Website;Company;Email;Link
Funding;Raised 20 M EUR;2026-02-01;https://www.lumen.example/;Lumen GmbH;;https://paper.example/1
Job change;Ana joins as VP;2026-03-01;;;ana@lumen.example;
Press release;Nova opens;2026-03-02;;Nova;;
Moon landing;x;2026-03-02;lumen.example;;;
Hiring;Tomorrow's;2027-01-01;lumen.example;;;
"""


def test_signals_are_imported_once_and_matched(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        ana = make_person("Ana Ferreira", lumen, email="ana@lumen.example")
        make_company("Nova", domain="nova.example")
        create_trigger(by=Actor(source="command"), now=NOW, name="All", kinds=list(Signal.Kind.values))
    made = run(acme, "signals", FILE)
    assert counts(made) == (3, 0, 0, 2)
    assert [message for _, _, message in issues(acme, made)] == [
        "the kind of signal is not known", "the signal lies in the future",
    ]  # fmt: skip
    with workspace_scope(acme.pk):
        found = {row.title: row for row in Signal.objects.select_related("company", "person")}
        assert found["Raised 20 M EUR"].company == lumen and found["Raised 20 M EUR"].url == "https://paper.example/1"
        assert (found["Ana joins as VP"].person, found["Ana joins as VP"].kind) == (ana, "job_change")
        assert (found["Nova opens"].state, found["Nova opens"].about_company) == ("unmatched", "Nova")
        assert not Task.objects.exists()
    assert counts(run(acme, "signals", FILE)) == (0, 0, 3, 2)

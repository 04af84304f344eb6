"""A history from elsewhere: leads with stages, deals and customers; spend; activities. Every row stays, none is doubled."""

from decimal import Decimal
from typing import Any

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Campaign, Company, Customer, Deal, Lead, Person, Spend, StageTransition
from tests.prospects.imports import counts, issues, run

HEADER = "external_id,email,first_name,company,domain,channel,campaign,owner,opened_at,mql_at,sql_at,opportunity_at,closed_at,outcome,reason,deal_value,mrr,churned_at\n"
WON = "L1,ana@lumen.example,Ana,Lumen,lumen.example,paid,Spring,rita@us.example,2026-01-02,2026-01-05,,2026-01-20,2026-02-01,won,,1200.50,100,\n"
DISQUALIFIED = (
    "L2,ben@fjord.example,Ben,Fjord,fjord.example,email,,,2026-01-03,,,,2026-01-09,disqualified,no budget,,,\n"
)
OPEN = "L3,cleo@lumen.example,Cleo,Lumen,lumen.example,,,,2026-01-04,2026-01-06,,,,,,,,\n"
UNDATED = "L4,,,Vale,,referral,,,,,,,,,,,,\n"
FILE = HEADER + WON + DISQUALIFIED + OPEN + UNDATED


def moves(workspace: Workspace, external_id: str) -> list[tuple[Any, ...]]:
    with workspace_scope(workspace.pk):
        rows = StageTransition.objects.filter(lead__external_id=external_id).order_by("position")
        return [
            (row.position, row.from_stage, row.to_stage, row.at.date().isoformat() if row.at else None, row.reason)
            for row in rows
        ]


def test_stages_deal_customer_and_the_rest_follow_from_a_row(acme: Workspace) -> None:
    made = run(acme, "leads", FILE)
    assert counts(made) == (4, 0, 0, 0)
    assert moves(acme, "L1") == [
        (1, "", "lead", "2026-01-01", ""), (2, "lead", "mql", "2026-01-04", ""), (3, "mql", "opportunity", "2026-01-19", ""),
        (4, "opportunity", "customer", "2026-01-31", ""),
    ]  # fmt: skip  # midnight in Berlin
    assert moves(acme, "L2")[-1] == (2, "lead", "disqualified", "2026-01-08", "no budget")
    assert moves(acme, "L4") == [(1, "", "lead", None, "")]
    with workspace_scope(acme.pk):
        won = Lead.objects.select_related("owner", "campaign", "company").get(external_id="L1")
        assert (won.stage, won.origin, won.channel, won.campaign.name, won.owner.email, won.owner.is_active) == (
            "customer", "import", "paid", "Spring", "rita@us.example", False,
        )  # fmt: skip
        deal = Deal.objects.select_related("customer").get(lead=won)
        assert (deal.outcome, deal.value, deal.mrr, deal.currency, deal.probability) == (
            "won", Decimal("1200.50"), Decimal("100.00"), "EUR", Decimal("1.000"),
        )  # fmt: skip
        assert (deal.closed_at, deal.customer.started_at, deal.customer.ended_at) == (
            won.closed_at,
            won.closed_at,
            None,
        )
        assert deal.customer.name == "Lumen"
        assert Campaign.objects.get().state == "ended"
        # Both Lumen rows are one company; Vale has no domain and is known by name only.
        assert sorted(Company.objects.values_list("name", "domain")) == [
            ("Fjord", "fjord.example"), ("Lumen", "lumen.example"), ("Vale", ""),
        ]  # fmt: skip
        undated = Lead.objects.get(external_id="L4")
        assert (undated.opened_at, undated.person_id, undated.company.name, undated.stage) == (
            None,
            None,
            "Vale",
            "lead",
        )
        assert not StageTransition.objects.exclude(source="import").exists()
        assert not StageTransition.objects.exclude(version=None).exists()


def snapshot() -> list[Any]:
    models = (Lead, Deal, Customer, StageTransition, Person, Company, Campaign, Activity, Spend)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_a_second_run_writes_nothing(acme: Workspace) -> None:
    run(acme, "leads", FILE)
    with workspace_scope(acme.pk):
        before = snapshot()
    assert counts(run(acme, "leads", FILE)) == (0, 0, 4, 0)
    with workspace_scope(acme.pk):
        assert snapshot() == before


def test_changed_cells_apply_and_the_facts_of_before_stay(acme: Workspace) -> None:
    run(acme, "leads", FILE)
    later = FILE.replace("1200.50,100,", "1500,120,2026-03-01").replace("L3,cleo@lumen.example,Cleo,Lumen,lumen.example,,,,2026-01-04,2026-01-06,,,,,,,,", "L3,cleo@lumen.example,Cleo,Lumen,lumen.example,,,,2026-01-04,2026-01-07,,2026-02-02,2026-02-20,lost,price,300,,")  # fmt: skip
    assert counts(run(acme, "leads", later)) == (0, 2, 2, 0)
    with workspace_scope(acme.pk):
        deal = Deal.objects.select_related("customer").get(lead__external_id="L1")
        assert (deal.value, deal.mrr, deal.ended_at.date().isoformat()) == (
            Decimal("1500.00"),
            Decimal("120.00"),
            "2026-02-28",
        )
        assert deal.customer.ended_at == deal.ended_at
        lost = Lead.objects.get(external_id="L3")
        assert (lost.stage, lost.reason, Deal.objects.get(lead=lost).outcome) == ("lost", "price", "lost")
    assert moves(acme, "L3") == [
        (1, "", "lead", "2026-01-03", ""), (2, "lead", "mql", "2026-01-05", ""), (3, "lead", "mql", "2026-01-06", ""),
        (4, "mql", "opportunity", "2026-02-01", ""), (5, "opportunity", "lost", "2026-02-19", "price"),
    ]  # fmt: skip
    with workspace_scope(acme.pk):
        corrected = StageTransition.objects.get(lead__external_id="L3", position=3)
        assert corrected.facts["corrects"] == 2
    assert counts(run(acme, "leads", later)) == (0, 0, 4, 0)


def test_several_open_rows_of_one_person_are_all_leads_and_the_newest_has_the_person(acme: Workspace) -> None:
    text = "external_id,email,opened_at\nA,ana@lumen.example,2026-01-01\nB,ana@lumen.example,2026-02-01\nC,ana@lumen.example,\n"
    made = run(acme, "leads", text)
    assert counts(made) == (3, 0, 0, 0)
    with workspace_scope(acme.pk):
        found = Lead.objects.order_by("external_id").values_list(
            "external_id", "person__email", "company__domain", "stage"
        )
        assert list(found) == [
            ("A", None, "lumen.example", "lead"), ("B", "ana@lumen.example", "lumen.example", "lead"),
            ("C", None, "lumen.example", "lead"),
        ]  # fmt: skip
    warned = [(row, message) for row, severity, message in issues(acme, made) if severity == "warning"]
    assert [row for row, _ in warned] == [2, 4]
    assert "row 3" in warned[0][1]
    assert any("kept without their person" in line for line in made.findings)
    assert counts(run(acme, "leads", text)) == (0, 0, 3, 0)
    # A newer open row in a later file takes the person over; a closed one leaves it free.
    run(acme, "leads", "external_id,email,opened_at\nD,ana@lumen.example,2026-03-01\n")
    with workspace_scope(acme.pk):
        assert [lead.external_id for lead in Lead.objects.filter(person__isnull=False)] == ["D"]
    run(acme, "leads", "external_id,email,opened_at,outcome,closed_at\nD,ana@lumen.example,2026-03-01,lost,2026-03-03\nB,ana@lumen.example,2026-02-01,,\n")  # fmt: skip
    with workspace_scope(acme.pk):
        held = Lead.objects.filter(person__isnull=False).order_by("external_id")
        assert [(lead.external_id, lead.stage) for lead in held] == [("B", "lead"), ("D", "lost")]


def test_rows_without_an_id_are_known_by_person_and_opening(acme: Workspace) -> None:
    text = "Email,Created,Channel\nana@lumen.example,2026-01-01,paid\nana@lumen.example,2026-01-01,paid\nben@lumen.example,2026-01-01,email\n"
    assert counts(run(acme, "leads", text)) == (3, 0, 0, 0)
    assert counts(run(acme, "leads", text)) == (0, 0, 3, 0)
    # The same two people in another order of columns and rows, one cell changed.
    shuffled = "Channel,Email,Created\nemail,ben@lumen.example,2026-01-01\nseo,ana@lumen.example,2026-01-01\npaid,ana@lumen.example,2026-01-01\n"
    assert counts(run(acme, "leads", shuffled)) == (0, 1, 2, 0)
    with workspace_scope(acme.pk):
        assert sorted(Lead.objects.values_list("channel", flat=True)) == ["email", "paid", "seo"]


def test_words_constants_and_options_are_used(acme: Workspace) -> None:
    text = "Opp,Org,Status,Engaged,Worth\n1,Lumen,Deal Closed Happy,2026-01-02,100\n2,Lumen,Gone,2026-01-03,0\n"
    options = {
        "maps": ["external_id=Opp", "company=Org", "outcome=Status", "opened_at=Engaged", "value=Worth"],
        "values": ["outcome:Deal Closed Happy=won", "outcome:Gone=lost"], "sets": ["channel=event", "currency=USD"],
    }  # fmt: skip
    assert counts(run(acme, "leads", text, **options)) == (2, 0, 0, 0)
    with workspace_scope(acme.pk):
        found = Deal.objects.order_by("lead__external_id").values_list("outcome", "value", "currency", "channel")
        assert list(found) == [("won", Decimal("100.00"), "USD", "event"), ("lost", Decimal("0.00"), "USD", "event")]


def test_two_won_deals_of_a_company_are_one_customer_that_ends_with_the_last(acme: Workspace) -> None:
    head = "external_id,company,domain,opened_at,opportunity_at,closed_at,outcome,mrr,churned_at\n"
    one = "1,Lumen,lumen.example,2025-01-01,2025-01-02,2025-02-01,won,10,2025-09-01\n"
    two = "2,Lumen,lumen.example,2025-03-01,2025-03-02,2025-04-01,won,20,\n"
    run(acme, "leads", head + one + two)
    with workspace_scope(acme.pk):
        customer = Customer.objects.get()
        assert (customer.started_at.date().isoformat(), customer.ended_at) == ("2025-01-31", None)
    run(acme, "leads", head + one + two.replace("20,", "20,2025-10-01"))
    with workspace_scope(acme.pk):
        assert Customer.objects.get().ended_at.date().isoformat() == "2025-09-30"


def test_what_moved_here_by_hand_is_not_moved_back(acme: Workspace) -> None:
    from accounts.actions.audit import SYSTEM
    from prospects.actions.stages import move_stage
    from tests.prospects.imports import NOW

    run(acme, "leads", HEADER + OPEN)
    with workspace_scope(acme.pk):
        move_stage(lead=Lead.objects.get(), to="sql", now=NOW, by=SYSTEM)
    assert counts(run(acme, "leads", HEADER + OPEN)) == (0, 0, 1, 0)
    with workspace_scope(acme.pk):
        assert Lead.objects.get().stage == "sql"


def test_spend_is_one_row_a_line_and_a_changed_amount_updates(acme: Workspace) -> None:
    text = "channel,campaign,from,to,amount\npaid,Spring,2026-01-01,2026-01-31,100\npaid,Spring,2026-01-01,2026-01-31,100\nGoogle Ads,,2026-02-01,,7\n"
    assert counts(run(acme, "spend", text)) == (3, 0, 0, 0)
    assert counts(run(acme, "spend", text)) == (0, 0, 3, 0)
    assert counts(run(acme, "spend", text.replace(",7\n", ",8.5\n"))) == (0, 1, 2, 0)
    with workspace_scope(acme.pk):
        found = Spend.objects.order_by("starts_on", "pk").values_list(
            "channel", "subchannel", "campaign__name", "starts_on", "ends_on", "amount", "currency"
        )
        assert [(c, s, n, f.isoformat(), t.isoformat(), str(a), u) for c, s, n, f, t, a, u in found] == [
            ("paid", "", "Spring", "2026-01-01", "2026-01-31", "100.00", "EUR"),
            ("paid", "", "Spring", "2026-01-01", "2026-01-31", "100.00", "EUR"),
            ("paid", "Google Ads", None, "2026-02-01", "2026-02-01", "8.50", "EUR"),
        ]  # fmt: skip


def test_activities_join_their_lead_and_equal_rows_are_both_kept_once(acme: Workspace) -> None:
    run(acme, "leads", HEADER + WON)
    row = "L1,2026-01-15T09:00:00Z,email,human\n"
    text = (
        "external_id,at,channel,class\n"
        + row
        + row
        + "L1,2026-01-16T09:00:00Z,paid,bot\nL9,2026-01-16T09:00:00Z,paid,human\n"
    )
    made = run(acme, "activities", text)
    assert counts(made) == (3, 0, 0, 1)
    assert issues(acme, made) == [(5, "error", "there is no lead with the external id L9")]
    assert counts(run(acme, "activities", text)) == (0, 0, 3, 1)
    with workspace_scope(acme.pk):
        found = Activity.objects.order_by("at", "pk").values_list(
            "kind", "hit_class", "channel", "lead__external_id", "person__email"
        )
        assert list(found) == [
            ("touch", "human", "email", "L1", "ana@lumen.example"), ("touch", "human", "email", "L1", "ana@lumen.example"),
            ("touch", "automated", "paid", "L1", "ana@lumen.example"),
        ]  # fmt: skip


def test_an_activity_by_address_goes_to_the_cycle_it_fell_in_and_keeps_account_facts(acme: Workspace) -> None:
    run(acme, "leads", HEADER + WON)
    text = (
        "Email,When,Type,By\nana@lumen.example,2026-01-15 10:00,Call,Bob\nana@lumen.example,2025-12-01 10:00,Reply,\n"
    )
    assert counts(run(acme, "activities", text)) == (2, 0, 0, 0)
    with workspace_scope(acme.pk):
        found = Activity.objects.order_by("at").values_list("kind", "lead__external_id", "member__name")
        assert list(found) == [("replied", None, None), ("called", "L1", "Bob")]
        ana = Person.objects.get()
        assert (ana.last_touch_at.isoformat(), ana.last_reply_at.isoformat()) == (
            "2026-01-15T09:00:00+00:00", "2025-12-01T09:00:00+00:00",
        )  # fmt: skip
        assert Lead.objects.get().first_touch_at == ana.last_touch_at


def test_another_outcome_takes_the_first_one_back(acme: Workspace) -> None:
    from analytics.queries.facts import load_facts
    from tests.prospects.imports import NOW

    run(acme, "leads", HEADER + WON)
    lost = WON.replace(",won,,1200.50", ",lost,price,1200.50")
    assert counts(run(acme, "leads", HEADER + lost)) == (0, 1, 0, 0)
    assert counts(run(acme, "leads", HEADER + lost)) == (0, 0, 1, 0)
    with workspace_scope(acme.pk):
        lead = Lead.objects.get()
        assert (lead.stage, lead.reason) == ("lost", "price")
        deal = Deal.objects.get()
        assert (deal.outcome, deal.customer_id, deal.reason) == ("lost", None, "price")
        assert not Customer.objects.exists()
        facts, _ = load_facts(acme, NOW)
        (counted,) = facts.leads
        assert (counted.customer_at, counted.exit_kind, counted.exit_at) == (None, "lost", lead.closed_at)
        assert facts.customers == ()
    # And back again.
    assert counts(run(acme, "leads", HEADER + WON)) == (0, 1, 0, 0)
    with workspace_scope(acme.pk):
        lead = Lead.objects.get()
        assert (lead.stage, Deal.objects.get().outcome, Customer.objects.count()) == ("customer", "won", 1)
        facts, _ = load_facts(acme, NOW)
        assert (facts.leads[0].customer_at, facts.leads[0].exit_kind) == (lead.closed_at, None)


def test_a_corrected_date_is_what_the_funnel_counts(acme: Workspace) -> None:
    from analytics.queries.facts import load_facts
    from tests.prospects.imports import NOW

    run(acme, "leads", HEADER + OPEN)
    run(acme, "leads", HEADER + OPEN.replace("2026-01-06", "2026-02-06"))
    with workspace_scope(acme.pk):
        facts, _ = load_facts(acme, NOW)
        assert facts.leads[0].mql_at is not None
        assert facts.leads[0].mql_at.date().isoformat() == "2026-02-05"

"""The subscription sample: the generator makes it again, what is planted stands in it, and the reports say what recurs."""

from __future__ import annotations

import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from workbook_helpers.batch import rep as batch
from workbook_helpers.batch.tasks import Task
from workbook_helpers.data import open_book, prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.steps import chance, contracts, effort, goals

SUBS = ROOT / "data" / "samples" / "subscriptions"
EXPORTS = SUBS / "exports"
TRUTH = YAML(typ="safe").load((SUBS / "truth.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def subs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(tmp_path_factory.mktemp("store")))
        yield prepare(SUBS)


@pytest.fixture(scope="module")
def deals(subs):
    accounts = subs.read("accounts").set_index("account_id")
    frame = subs.read("opportunities")
    return frame.assign(plan_tier=frame["account_id"].map(accounts["plan_tier"].to_dict()), won=frame["status"].eq("won"))


@pytest.fixture(scope="module")
def closed(deals):
    return deals[deals["status"].isin(["won", "lost"])]


def test_the_generator_makes_the_same_files_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SUBS.parent))
    import generate_subscriptions

    monkeypatch.setattr(sys, "argv", ["generate", "--out", str(tmp_path)])
    generate_subscriptions.main()
    names = sorted(path.name for path in EXPORTS.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "exports").iterdir())
    for name in names:
        made, kept = tmp_path / "exports" / name, EXPORTS / name
        if name.endswith(".csv"):
            assert made.read_bytes() == kept.read_bytes(), name
        elif name.endswith(".parquet"):
            pd.testing.assert_frame_equal(pd.read_parquet(made), pd.read_parquet(kept))
        else:
            for sheet in ("Quotas", "Territories"):
                pd.testing.assert_frame_equal(*(pd.read_excel(path, sheet_name=sheet, engine="calamine") for path in (made, kept)))
    assert (tmp_path / "truth.yml").read_text(encoding="utf-8") == (SUBS / "truth.yml").read_text(encoding="utf-8")


def test_the_last_day_and_the_fiscal_year_are_as_planted(subs):
    assert subs.as_of == date.fromisoformat(TRUTH["last_day"])
    assert str(subs.company.fiscal_year(subs.as_of)) == "1 Feb 2026 to 31 Jan 2027" and subs.company.plan_year(subs.as_of) == 2027


def test_the_planted_blemishes_are_found_and_nothing_else_is_set_aside(subs):
    aside = [p for p in subs.problems if p.severity == "set_aside"]
    assert len(aside) == sum(blemish["set_aside"] for blemish in TRUTH["blemishes"])
    found = {(p.file, value) for p in subs.problems for value in (p.key, p.value)}
    assert {(b["file"], b["id"]) for b in TRUTH["blemishes"]} <= found


def test_every_way_in_is_read(subs):
    rows = TRUTH["rows"]
    assert len(subs.read("activities")) == rows["Activity"]
    assert len(subs.read("territories")) == 22 and subs.read("accounts")["plan_tier"].notna().sum() == rows["SubscriptionPlan"]
    assert set(subs.read("opportunities")["kind"]) == {"new", "renewal", "expansion"} and subs.read("contracts")["product"].notna().all()


# --- what is planted stands in the exports ---


def test_starter_customers_are_lost_twice_as_often(closed):
    lost = 1 - closed[closed["kind"] == "renewal"].groupby("plan_tier")["won"].mean()
    planted = TRUTH["customers"]["churn"]
    assert all(abs(lost[tier] - share) <= planted["tolerance"] for tier, share in planted["value"].items())


def test_a_lost_renewal_ends_the_contract_and_a_won_one_begins_the_next(subs, closed):
    last_end = subs.read("contracts").groupby("account_id")["end_date"].max()
    renewals = closed[closed["kind"] == "renewal"].sort_values(["close_date", "opportunity_id"]).drop_duplicates("account_id", keep="last")
    days = (renewals["account_id"].map(last_end) - renewals["close_date"]).dt.days
    assert days[~renewals["won"]].between(0, 30).all()
    begun = renewals["won"] & (renewals["close_date"] <= pd.Timestamp(subs.as_of) - pd.Timedelta(days=30))
    assert (days[begun] > 300).all()


def test_the_leak_the_competitor_and_the_season_of_closing_are_recovered(subs, closed):
    new = closed[closed["kind"] == "new"]
    reached = subs.read("stage_history").query("stage in ['Proposal', 'Contract']").groupby("opportunity_id")["stage"].agg(set)
    at = new["opportunity_id"].map(reached.to_dict()).dropna()
    passed = at.map(lambda stages: "Contract" in stages)
    leak, leaking = TRUTH["deals"]["stage_leak"], new.loc[at.index, "rep_id"].isin(TRUTH["deals"]["stage_leak"]["reps"])
    assert abs(passed[leaking].mean() - leak["value"]) <= leak["tolerance"] < passed[~leaking].mean() - passed[leaking].mean()
    odds = new.groupby(new["competitor"].eq("Quillbase"))["won"].mean().map(lambda p: np.log(p / (1 - p)))
    assert abs(odds[True] - odds[False] - TRUTH["deals"]["competitor"]["value"]) <= TRUTH["deals"]["competitor"]["tolerance"]
    weights = TRUTH["deals"]["closing_season"]
    share = new.groupby((new["close_date"].dt.month - 2) % 3).size() / len(new)
    assert all(abs(share[n] - weight / 3) <= weights["tolerance"] for n, weight in enumerate(weights["value"]))


def test_the_worth_of_sources_and_web_visits_up_to_the_planted_point(subs):
    leads = subs.read("leads")
    hit = leads["converted_date"].notna()
    worth = hit.groupby(leads["lead_source"]).mean()
    planted = TRUTH["leads"]["source_worth"]
    assert all(abs(worth[source] - share) <= planted["tolerance"] for source, share in planted["value"].items())
    visits, top = leads["web_visits_n"], TRUTH["leads"]["web_visits"]["value"]["saturates_at"]
    bands = hit.groupby(pd.cut(visits, [-1, 3, top - 4, top, top + 6, 999], labels=False)).mean()
    assert bands[0] < bands[1] < bands[2] and abs(bands[3] - bands[4]) < 0.08


def test_expansion_begins_after_the_planted_months(subs, deals):
    first = subs.read("contracts").groupby("account_id")["start_date"].min()
    fresh = first[first > first.min() + pd.Timedelta(days=420)]
    fresh = fresh[fresh <= pd.Timestamp(subs.as_of) - pd.Timedelta(days=300)]
    grown = deals[(deals["kind"] == "expansion") & deals["account_id"].isin(fresh.index)]
    age = (grown["created_date"] - grown["account_id"].map(fresh)).dt.days
    planted = TRUTH["customers"]["expansion"]
    after = planted["value"]["after_days"]
    assert age.min() >= after
    rate = age.between(after, after + 90).sum() / (len(fresh) * 91 / 365)
    assert abs(rate - planted["value"]["per_year"]) <= planted["tolerance"]


def test_one_changed_territory_shows_more_deals_within_its_wide_tolerance(deals, subs):
    territory = deals["account_id"].map(subs.read("accounts").set_index("account_id")["territory_id"].to_dict())
    new, cut = deals[deals["kind"] == "new"], pd.Timestamp("2025-08-01")
    lift = new["close_date"].ge(cut).groupby(territory[new.index] == "T5").mean()
    odds = lift / (1 - lift)
    planted = TRUTH["territories"]["territory_change"]
    assert abs(odds[True] / odds[False] - planted["value"]) <= planted["tolerance"]


# --- what the steps make of it ---


def test_recurring_revenue_and_both_retentions_by_hand(subs):
    book = open_book(SUBS, "A2")
    answer = contracts.summarise_recurring(contracts=book.contracts, accounts=book.accounts, columns=["plan_tier"], as_of=book.as_of)
    day, before = pd.Timestamp(book.as_of), pd.Timestamp(book.as_of) - pd.Timedelta(days=365)
    frame = book.contracts

    def running(at):
        return frame[(frame["start_date"] <= at) & (frame["end_date"] >= at)].groupby("account_id")["amount_per_year"].sum()

    then, now = running(before), running(day)
    kept = sum(min(amount, now.get(account, 0.0)) for account, amount in then.items())
    assert answer["recurring_amount"].value == pytest.approx(now.sum())
    assert answer["gross_retention"].value == pytest.approx(kept / then.sum())
    assert answer["net_retention"].value == pytest.approx(now.reindex(then.index).fillna(0).sum() / then.sum())


def estimate_flow(book, **changes):
    asked = {"account_sales": None, "contracts": book.contracts, "opportunities": book.opportunities, "retention": book.team.tables.get("retention"),
             "quota_counts": "bookings", "as_of": book.as_of, "fiscal_year": book.fiscal_year}  # fmt: skip
    return goals.estimate_flow(**asked | changes)


def test_a_contract_stands_in_flow_or_in_its_deal_and_a_decided_one_in_neither(subs):
    book = open_book(SUBS, "A2", "2026-06-30")
    flow = estimate_flow(book)
    renewals = book.opportunities[book.opportunities["kind"] == "renewal"]
    undecided = set(flow.table["account_id"])
    recent = renewals[renewals["status"].isin(["won", "lost"]) & (renewals["close_date"] > "2026-01-31")]
    assert len(undecided) >= 3
    assert not undecided & set(renewals.loc[renewals["status"] == "open", "account_id"])
    assert not undecided & set(recent["account_id"])
    due = book.contracts[book.contracts["end_date"].between("2026-07-01", "2027-01-31")].groupby("account_id")["amount_per_year"].sum()
    rate = flow["flow_amount"].value / due.reindex(sorted(undecided)).sum()
    assert rate == pytest.approx(flow.notes["ratios"]["contracts"], abs=1e-4) and 0.7 < rate < 0.9


def test_the_chance_of_a_deal_is_that_of_its_kind(subs):
    book = open_book(SUBS, "A2")
    known = {"opportunities": book.opportunities, "stage_wins": book.team.tables["stage_wins"]}
    found = chance.estimate_chances(stage_history=book.stage_history, as_of=book.as_of, fiscal_year=book.fiscal_year, **known)
    by = found.groupby(["kind", "stage"])["probability"].first()
    assert by["renewal", "Proposal"] > 0.6 > 0.5 > by["expansion", "Discovery"]
    assert chance.estimate_base_rate(**known) == pytest.approx(TRUTH["customers"]["expansion"]["value"]["won"], abs=0.08)


def test_arrivals_hold_no_renewals_where_contracts_are_known(subs):
    book = open_book(SUBS, "A2")
    asked = {"opportunities": book.opportunities, "sales": book.account_sales, "as_of": book.as_of, "days": 92}
    with_, without = (chance.summarise_arrivals(contracts=c, **asked)["amount"].sum() for c in (book.contracts, None))
    assert 0 < with_ < without


def test_open_renewals_are_expected_before_anything_is_worked_back_to_the_week(subs):
    book = open_book(SUBS, "A2")
    known = {"opportunities": book.opportunities, "stage_wins": book.team.tables["stage_wins"]}
    found = chance.estimate_chances(stage_history=book.stage_history, as_of=book.as_of, fiscal_year=book.fiscal_year, **known)
    credited = goals.summarise_credited(quota_counts="bookings", sales=None, opportunities=book.opportunities)
    goal = goals.summarise_goal(credited=credited, quotas=book.quotas, goal_amount=2e6, as_of=book.as_of, fiscal_year=book.fiscal_year)
    needs = effort.estimate_needs(
        goal=goal, flow=estimate_flow(book), opportunities=book.opportunities, activities=None, activity_rates=None, base_rate=0.5, deals=found,
        as_of=book.as_of, fiscal_year=book.fiscal_year,
    )  # fmt: skip
    renewals = found[(found["kind"] == "renewal") & found["bucket"].isin(["likely", "stretch"])]
    expected = (renewals["probability"] * renewals["amount"]).sum()
    rows = needs.table.set_index("step")["needed"]
    assert rows["of it, open renewals by their chance"] == pytest.approx(expected)
    assert rows["pipeline it takes"] == pytest.approx((rows["to bring in"] - expected) / 0.5)


def test_potential_of_prospects_is_learned_from_the_customers_of_other_roles(subs):
    spend = open_book(SUBS, "N1").team.tables["peer_spend"].set_index("label")["quantile_amount"]
    assert spend["Small"] < spend["Mid"] < spend["Large"]


# --- what the reports say ---


@pytest.fixture(scope="module")
def facts(subs, tmp_path_factory):
    """The facts of an account manager, the new hire and a manager."""
    out, paths = {}, sorted((ROOT / "notebooks").glob("0[1-9]*.ipynb"))
    for rep in ("A2", "N8", "M2"):
        place = str(tmp_path_factory.mktemp(rep))
        task = Task(rep_id=rep, as_of=subs.as_of.isoformat(), company=str(SUBS), notebooks=(), folder=place, scratch=place, store="")
        chapters = {path.stem: batch.run_notebook(path, task) for path in paths}
        out[rep] = {f["id"]: f for f in batch.collect_facts(chapters)["facts"] if f["cut"] is None}
    return out


def test_reports_of_every_role_are_made_and_say_what_recurs(facts):
    assert facts["A2"]["recurring_amount"]["value"] > 1_000_000 and 0.7 < facts["A2"]["gross_retention"]["value"] < 1
    assert facts["N8"]["gross_retention"]["withheld"] and facts["N8"]["booked_amount"]["value"] == 0
    assert facts["M2"]["recurring_amount"]["value"] == 0


def test_open_renewals_are_likely_and_not_flow_too(facts):
    assert facts["A2"]["likely_amount"]["value"] > 200_000

"""The SWOT over many made-up companies: chance makes no lines, and what is planted is found.

A company is 24 reps who differ overall (as salespeople do) and not by segment, unless one is planted. The unit is what the steps are
given: cases by cut, closed deals, accounts. Seeds are fixed; the figures found stand in the assertions' messages.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from workbook_helpers.measure import Answer
from workbook_helpers.statistics import compare_with_team, count_hits, learn_hits
from workbook_helpers.steps import swot, swot_cases, swot_outside

pytestmark = pytest.mark.proof

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
REPS = 24
CUTS = {"industry": 6, "product": 5, "lead_source": 5}
STAGES = {"Qualify": 0.82, "Discover": 0.75, "Propose": 0.65, "Close": 0.85}


def logistic(x):
    return 1 / (1 + np.exp(-x))


def label_of(rng, cut, n):
    """Labels of unequal size, as segments are."""
    shares = np.arange(CUTS[cut], 0, -1) / np.arange(1, CUTS[cut] + 1).sum()
    return np.array([f"{cut[0]}{k}" for k in range(CUTS[cut])])[rng.choice(CUTS[cut], n, p=shares)]


def make_cases(rng, rep, plant):
    """What one rep's book shows: wins, stages, customers kept, values. plant: measure -> (cut, label, effect) of this rep alone."""
    n, accounts = int(rng.integers(130, 180)), int(rng.integers(60, 80))
    skill = rng.normal(0, 0.25, 6)
    labels = {cut: label_of(rng, cut, n) for cut in CUTS}
    shift = np.zeros(n) + skill[0]
    if "win_rate" in plant:
        cut, label, effect = plant["win_rate"]
        shift += np.where(labels[cut] == label, effect, 0.0)
    won = rng.random(n) < logistic(-0.85 + shift)
    deals = [pd.DataFrame({"cut": cut, "label": names, "hit": won}) for cut, names in ({"all": np.repeat("all", n)} | labels).items()]
    reached, stages = np.ones(n, bool), []
    for stage, usual in STAGES.items():
        usual = plant["stage_conversion"][2] if plant.get("stage_conversion", ("", ""))[1] == stage else usual
        on = reached & (rng.random(n) < logistic(np.log(usual / (1 - usual)) + skill[1]))
        stages.append(pd.DataFrame({"cut": "stage", "label": stage, "hit": on[reached]}))
        reached = on
    of_accounts = {cut: label_of(rng, cut, accounts) for cut in ("industry", "lead_source")}
    rows = {"all": np.repeat("all", accounts)} | of_accounts
    keep = 2.2 + skill[2] + planted(plant, "kept_customers", of_accounts)
    kept = rng.random(accounts) < logistic(keep)
    hits = [pd.DataFrame({"measure": "kept_customers", "cut": c, "label": names, "hit": kept, "amount": 5_000.0}) for c, names in rows.items()]
    channel = np.array(["call", "visit", "email"])[rng.choice(3, n, p=[0.5, 0.3, 0.2])]
    hits.append(pd.DataFrame({"measure": "win_rate", "cut": "channel", "label": channel, "hit": won, "amount": 10_000.0}))
    values = []
    drawn = {"won_deal_amount": 9 + 0.9 * rng.normal(0, 1, accounts), "cycle_days": 4 + 0.5 * rng.normal(0, 1, accounts),
             "discount_share": np.where(rng.random(accounts) < 0.5, 0.0, rng.gamma(2, 0.04, accounts)),
             "families": 1.0 + rng.poisson(1.8, accounts)}  # fmt: skip
    for k, (measure, value) in enumerate(drawn.items()):
        spread = {"won_deal_amount": 0.8, "cycle_days": 0.6, "discount_share": 0.1, "families": 1.5}[measure]
        value = value + spread * skill[2 + k] + planted(plant, measure, of_accounts)
        values += [pd.DataFrame({"measure": measure, "cut": c, "label": names, "value": value, "base_amount": 9_000.0,
                                 "account_id": np.arange(accounts)}) for c, names in rows.items()]  # fmt: skip
    frames = {"wins": deals, "stages": stages, "hits": hits, "values": values}
    return {name: pd.concat(parts, ignore_index=True).assign(rep_id=f"R{rep:02}") for name, parts in frames.items()}


def planted(plant, measure, labels):
    if measure not in plant:
        return 0.0
    cut, label, effect = plant[measure]
    return np.where(labels[cut] == label, effect, 0.0)


def rank_company(seed, plants=()):
    """The evidence of each rep of one company; with plants, of the first reps, who have one each."""
    rng = np.random.default_rng(seed)
    books = [make_cases(rng, rep, dict(plants[rep : rep + 1])) for rep in range(REPS)]
    team = {name: pd.concat([book[name] for book in books], ignore_index=True) for name in books[0]}
    wins, stages = learn_hits(team["wins"]), learn_hits(team["stages"])
    rates = pd.concat([learn_hits(part).assign(measure=measure) for measure, part in team["hits"].groupby("measure")], ignore_index=True)
    values = swot_cases.summarise_values(team["values"])
    for book in books[: len(plants) or REPS]:
        own = compare_with_team(count_hits(book["wins"]), wins)
        own = own.assign(won_amount=own["hits_n"] * 10_000.0, main_share=0.1)
        passed = compare_with_team(count_hits(book["stages"]), stages)
        cases = swot_cases.Cases(book["hits"], book["values"], None)
        yield swot.rank_evidence(
            wins=Answer("1.5", own, notes={"years": 3.0}), stages=Answer("1.5", passed, notes={"years": 3.0}), mean_won_amount=10_000.0,
            rates=swot_cases.compare_rates(cases=cases, measure_rates=rates), values=swot_cases.compare_values(cases=cases, measure_values=values),
        )  # fmt: skip


def found(evidence):
    """The lines that both quadrants show."""
    lines = [answer.table for answer in (swot.summarise_strengths(evidence=evidence), swot.summarise_weaknesses(evidence=evidence))]
    return pd.concat(lines, ignore_index=True)


def test_reps_that_differ_without_segments_hardly_ever_see_a_line():
    seen = [set(found(evidence)["measure"]) for company in range(42) for evidence in rank_company(7_000 + company)]
    share = np.mean([bool(measures) for measures in seen])
    by = pd.Series([m for measures in seen for m in measures]).value_counts().to_dict()
    assert len(seen) >= 1_000 and share <= 0.07, f"{100 * share:.1f} % of {len(seen):,} reps see a line: {by}"


#: Planted effects, each of one rep: measure -> cut, label, size. Sizes are those that the sample companies plant, or such as a manager
#: would call large: a leak of 25 points, twice the wins of a segment, deals of three times the size, cycles of twice the days, half of the
#: customers of a source leaving, two more families.
PLANTS = {
    "stage_conversion": ("stage", "Propose", 0.40),
    "win_rate": ("industry", "i0", 1.8),
    "won_deal_amount": ("industry", "i0", 1.3),
    "cycle_days": ("industry", "i0", 0.8),
    "kept_customers": ("lead_source", "l0", -2.6),
    "families": ("industry", "i0", 2.2),
}


def test_planted_lines_are_found():
    companies, seen = 30, dict.fromkeys(PLANTS, 0)
    for company in range(companies):
        for (measure, (cut, label, _)), evidence in zip(PLANTS.items(), rank_company(9_000 + company, tuple(PLANTS.items())), strict=True):
            seen[measure] += swot.name_evidence(measure, cut, label) in set(found(evidence)["evidence"])
    assert min(seen.values()) >= 0.8 * companies, f"of {companies}: {seen}"


# --- Threats: rivals and reasons ----------------------------------------------------------------------------------------


def make_deals(rng, planted_reps=()):
    """Closed deals of 24 reps: five rivals, recorded at creation, whom reps meet unequally; one rival harms the planted reps."""
    parts = []
    for rep in range(REPS):
        n = int(rng.integers(100, 150))
        usual = 0.07 * np.exp(rng.normal(0, 0.25, 5))
        hurt = rep in planted_reps
        if hurt:
            usual[0] = 0.52
        rival = rng.choice(6, n, p=[*usual, 1 - usual.sum()])
        chance = logistic(-0.75 + rng.normal(0, 0.25) - (1.0 * (rival == 0) if hurt else 0.0))
        won = rng.random(n) < chance
        reason = np.where(won, None, np.array(["price", "timing", "fit", "bundle", "left"], object)[rng.choice(5, n, p=[0.3, 0.25, 0.2, 0.15, 0.1])])
        parts.append(pd.DataFrame({
            "opportunity_id": [f"R{rep:02}-{i:03}" for i in range(n)], "rep_id": f"R{rep:02}", "account_id": "A", "status": np.where(won, "won", "lost"),
            "amount": rng.lognormal(9, 0.8, n), "close_date": DAY - pd.to_timedelta(rng.integers(0, 1_000, n), unit="D"),
            "competitor": np.array([*"ABCDE", None], object)[rival], "loss_reason": reason,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def name_threats(deals, rep, rivals):
    nothing = Answer("x", withheld="no")
    answer = swot_outside.rank_threats(
        opportunities=deals[deals["rep_id"] == rep], accounts=None, columns=[], as_of=AS_OF, rivals=rivals, retention=nothing,
        concentration=nothing, pipeline=nothing,
    )  # fmt: skip
    return set(answer.table["label"]) if len(answer.table) else set()


def test_rivals_of_chance_are_hardly_ever_a_threat():
    seen = []
    for company in range(42):
        deals = make_deals(np.random.default_rng(11_000 + company))
        rivals = swot_outside.learn_rivals(opportunities=deals, as_of=AS_OF)
        seen += [bool(name_threats(deals, f"R{rep:02}", rivals)) for rep in range(REPS)]
    assert len(seen) >= 1_000 and np.mean(seen) <= 0.07, f"{100 * np.mean(seen):.1f} % of {len(seen):,} reps"


def test_a_rival_over_three_books_is_found_there_and_hardly_elsewhere():
    found, wrong = [], []
    for company in range(40):
        deals = make_deals(np.random.default_rng(12_000 + company), planted_reps=(0, 1, 2))
        rivals = swot_outside.learn_rivals(opportunities=deals, as_of=AS_OF)
        named = [name_threats(deals, f"R{rep:02}", rivals) for rep in range(REPS)]
        found += ["A" in labels for labels in named[:3]]
        wrong += ["A" in labels for labels in named[3:]]
    assert np.mean(found) >= 0.8 and np.mean(wrong) <= 0.05, f"{100 * np.mean(found):.0f} % found, {100 * np.mean(wrong):.1f} % wrong"


# --- Opportunities: coverage and growth ---------------------------------------------------------------------------------


def make_accounts(rng, n):
    labels = {cut: label_of(rng, cut, n) for cut in ("industry", "lead_source")}
    potential = rng.lognormal(9, 1.2, n)
    return pd.DataFrame({
        "account_id": [f"A{i:05}" for i in range(n)], "account_name": "N", "rep_id": "R", "potential_amount": potential, "white_space_amount": potential * 0.5,
        "last_date": DAY, "last_touch_date": DAY, **labels,
    })  # fmt: skip


def touch(rng, accounts, share):
    """Touches that follow the potential, loosely; the label i0 gets this share of what it would."""
    usual = accounts["potential_amount"] ** 0.6
    usual = 8 * usual / usual.mean() * np.where(accounts["industry"] == "i0", share, 1.0) * rng.gamma(2, 0.5, len(accounts))
    return pd.DataFrame({"account_id": np.repeat(accounts["account_id"].to_numpy(), rng.poisson(usual)), "activity_date": DAY})


def covered(rng, share):
    accounts = make_accounts(rng, int(rng.integers(80, 140)))
    answer = swot_outside.rank_opportunities(
        accounts=accounts, activities=touch(rng, accounts, share), columns=["industry", "lead_source"], as_of=AS_OF
    )
    return set(answer.table.loc[answer.table["kind"] == "coverage", "label"]) if len(answer.table) else set()


def test_coverage_that_follows_potential_gives_no_line_and_a_neglected_segment_one():
    seen = [bool(covered(np.random.default_rng(13_000 + k), 1.0)) for k in range(1_000)]
    found = ["i0" in covered(np.random.default_rng(14_000 + k), 0.25) for k in range(100)]
    assert np.mean(seen) <= 0.07, f"{100 * np.mean(seen):.1f} % of reps"
    assert np.mean(found) >= 0.8, f"{100 * np.mean(found):.0f} % found"


def grown(rng, more):
    accounts = make_accounts(rng, 900)
    before = accounts["potential_amount"] * rng.gamma(2, 0.5, 900) * (rng.random(900) < 0.7)
    now = before * rng.lognormal(0, 0.4, 900) * np.where(accounts["industry"] == "i1", more, 1.0)
    now = np.where(rng.random(900) < 0.1, 0.0, now) + np.where(rng.random(900) < 0.05, accounts["potential_amount"] * 0.3, 0.0)
    sales = pd.concat([
        accounts[["account_id"]].assign(sale_date=DAY - pd.Timedelta(days=720), amount=0.0), accounts[["account_id"]].assign(
            sale_date=DAY - pd.Timedelta(days=500), amount=before), accounts[["account_id"]].assign(sale_date=DAY, amount=now)])  # fmt: skip
    company = type("Settings", (), {"segments": ("industry", "lead_source")})
    table = swot_outside.learn_growth(accounts=accounts, account_sales=sales, as_of=AS_OF, period=None, company=company)
    return set(table.loc[(table["q_value"] <= 0.05) & (table["growth_share"] > table["rest_growth_share"]), "label"])


def test_growth_of_chance_gives_no_line_and_a_rising_segment_one():
    companies = 400
    seen = sum(bool(grown(np.random.default_rng(15_000 + k), 1.0)) for k in range(companies))
    found = ["i1" in grown(np.random.default_rng(16_000 + k), 1.7) for k in range(100)]
    assert seen <= binom.ppf(0.999, companies, 0.05), f"{seen} of {companies} companies"
    assert np.mean(found) >= 0.8, f"{100 * np.mean(found):.0f} % found"

"""What truth.yml says: each planted truth with its parameter, unit, place and size. No report reads it."""

from __future__ import annotations

from pathlib import Path

import field_accounts as who
import field_activities as touches
import field_deals as selling
import field_orders as buying
import field_world as w
import numpy as np
import pandas as pd
from field_accounts import HORIZON, say_day
from sample_tools import inline, truth, write_yaml


def describe_buying(accounts: pd.DataFrame, lines: pd.DataFrame) -> dict:
    """Season, 80/20, rhythm of ordering and churn."""
    last_year = lines[lines["day"] > HORIZON - 365]
    dollars = last_year["amount"] * np.where(last_year["currency"] == "CAD", 0.735, 1.0)
    spent = dollars.groupby(last_year["account_id"]).sum().sort_values(ascending=False)
    pareto = int((spent.cumsum() < 0.8 * spent.sum()).sum() + 1) / len(spent)
    buyers = accounts[accounts["first_day"].notna()]
    left = (buyers["first_day"] + buyers["lifetime_days"]).loc[lambda day: day <= HORIZON]
    churned = {buyers.at[row, "account_id"]: say_day(day) for row, day in left.items()}
    return {
        "season": truth(
            inline(list(selling.SEASON)), "index, mean 1, January to December",
            "supplies ordered and deals closed, by month",
            "from 0.75 in July to 1.25 in October, the same for every rep"),
        "growth": truth(round(buying.GROWTH_PER_YEAR - 1, 3), "share per year", "order rate of a living customer",
            "not of the company: churn eats most of it"),
        "pareto": truth(
            who.POTENTIAL_LOG_SD, "log-sd of potential inside a territory", "revenue by account",
            "a lognormal of this width is exactly 80/20; equipment and luck flatten revenue a little",
            accounts_share_that_yields_80_percent_of_last_year=round(pareto, 3)),
        "order_rate": truth(
            inline({"exponent": who.ORDER_RATE_EXPONENT, "mean_per_year": who.ORDERS_PER_YEAR,
                    "clipped": inline(list(who.ORDERS_CLIP))}),
            "orders a year, proportional to potential to the power", "orders per account",
            "order amounts have log-sd 0.4"),
        "churn": truth(
            inline({"ordinary": who.CHURN_PER_YEAR, w.CHURN_SEGMENT: who.CHURN_PER_YEAR_SEGMENT}), "hazard per year",
            "accounts that stop ordering for good, by industry",
            f"{len(churned)} customers have left by the last day"),
        "service_renewal": truth(buying.RENEWAL_RATE, "share of ending contracts", "contracts, renewal deals",
            "where the customer is still there"),
        "churned_accounts": inline(dict(sorted(churned.items()))),
    }  # fmt: skip


def describe_deals(deals: pd.DataFrame) -> dict:
    """The traits that decide a deal, the leak, the competitor and the worth of sources."""
    odds = selling.LOG_ODDS
    competing = deals[deals["kind"] != "renewal"]
    open_later = deals[(deals["closed_day"] > HORIZON)]
    return {
        "win": truth(
            inline({**odds, "rep_sd": 0.25}), "log-odds, added up", "closed new and expansion deals",
            f"base is for {selling.TYPICAL_AMOUNT:,.0f} USD and no trait; about 30 % are won in all",
            traits=inline({"competitor": f"{w.STRONG_COMPETITOR} in {', '.join(w.STRONG_REGIONS)}",
                           "referral": "lead_source Referral", "website": "lead_source Website",
                           "icp": " or ".join(w.ICP), "amount_per_e": "per e-fold of amount"}),
            average_marginal_effect=inline(marginal_effects(competing))),
        "competitor": truth(
            odds["competitor"], "log-odds",
            f"{w.STRONG_COMPETITOR} in {', '.join(w.STRONG_REGIONS)} (R07, R08, R09), recorded at creation",
            f"present in {selling.COMPETITOR_SHARE_STRONG:.0%} of the deals there and "
            f"{selling.COMPETITOR_SHARE_ELSEWHERE:.0%} elsewhere, where it does no harm"),
        "stage_leak": truth(
            selling.LEAK_PASS, "pass rate", f"deals in Propose of {', '.join(selling.LEAK_REPS)}",
            f"against {selling.PASS_RATES[selling.LEAK_STAGE]} for everybody else; lost in Propose"),
        "pass_rates": truth(inline(dict(zip(w.STAGES, selling.PASS_RATES, strict=True))), "share", "stage_history",
            "their product is 0.30"),
        "lead_source_worth": truth(
            inline(w.LEAD_CONVERSION), "converted leads as a share of leads", "leads",
            "on top of it, referrals are won more often and the website's less"),
        "dead_deals_left_open": inline(list(deals.loc[deals["is_dead"], "opportunity_id"])),
        "open_deals_that_will_be_won": inline(list(
            open_later.loc[open_later["later_won"], "opportunity_id"])),
        "open_deals": "the outcome of deals that are open on the last day was drawn, and stands only here",
    }  # fmt: skip


def marginal_effects(deals: pd.DataFrame) -> dict:
    """Mean change of the win probability by each trait, over the deals of this company."""
    odds = selling.LOG_ODDS
    has = {
        "competitor": (deals["competitor"] == w.STRONG_COMPETITOR) & deals["region"].isin(w.STRONG_REGIONS),
        "referral": deals["lead_source"] == "Referral",
        "website": deals["lead_source"] == "Website",
        "icp": deals["industry"].isin(w.ICP),
    }
    effects = {}
    for name, flags in has.items():
        without = deals["log_odds"] - odds[name] * flags
        effects[name] = round(float((1 / (1 + np.exp(-without - odds[name])) - 1 / (1 + np.exp(-without))).mean()), 3)
    return effects


def describe_territories(company: dict[str, pd.DataFrame]) -> dict:
    """Territory potential, skill, recut, under-served area and white space."""
    accounts = company["accounts"]
    per_rep = {}
    for rep, row in company["truths"].iterrows():
        effects = {name: float(row[name]) for name in ("territory_effect", "skill")}
        effects |= {"win_effect": float(row["win_effect"]), "leaks": rep in selling.LEAK_REPS}
        per_rep[rep] = inline(effects)
    buying_now = accounts["first_day"].notna() & (accounts["first_day"] + accounts["lifetime_days"] > HORIZON)
    sold = 0.65 * accounts["potential"] * accounts["wallet_share"] * buying_now
    white = (accounts["potential"] * 0.65 - sold).groupby(accounts["territory_id"]).sum().round(-3).astype(int)
    return {
        "territory_change": truth(
            selling.RECUT_LIFT, "factor on the order rate of the accounts that stayed, and on deals",
            "T03, T12, T17, T22",
            "from 2025-10-01, month 25; six small customers of each went to the house desk the same day",
            reps=inline(["R03", "R12", "R17", "R22"])),
        "underserved_area": truth(
            w.UNDERSERVED_REGION, "region", "R13's book, market table",
            "known accounts are a fifteenth of the market's spend (a third elsewhere), few of them buy, "
            "and each gets a third of the usual touches outside deals", touch_share=touches.UNDERSERVED_TOUCH_SHARE),
        "skill_and_territory": truth(
            inline({rep: inline(list(pair)) for rep, pair in who.SKILL_BY_TERRITORY.items()}),
            "log points: skill, territory potential", "share of wallet (skill) and yearly potential (territory)",
            "all four combinations; skill moves the win odds of these four by the same"),
        "clean_reps": inline(["R01", "R04", "R06", "R10", "R15"]),
        "special_reps": inline({"R18": "has no deals", "R20": "left 2026-03-31",
                                "M4": "carries R20's book until 2026-09-22",
                                "R24": "hired 2026-09-23, holds R20's book",
                                "H1": "house desk"}),
        "territory_sd": truth(who.TERRITORY_LOG_SD, "log-sd", "yearly potential of ordinary territories", "cut at 0.4"),
        "reps": per_rep,
        "white_space_by_territory": inline({key: int(value) for key, value in white.items()}),
        "potential": inline(accounts.set_index("account_id")["potential"].astype(int).sort_index().to_dict()),
        "potential_unit": "USD a year spent on what we sell, ours and competitors'; supplies are 65 % of it",
    }  # fmt: skip


def write_truth(company: dict, tables: dict, blemishes: list[dict], seed: int, path: Path) -> None:
    """The file, in a fixed order, with what is written in flow style kept short."""
    content = {
        "made_by": f"data/samples/generate_field_sales.py --seed {seed}",
        "read_by": "tests and the workshop's answer key; no report",
        "buying": describe_buying(company["accounts"], company["lines"]),
        "deals": describe_deals(company["deals"]),
        "territories": describe_territories(company),
        "causes_nothing": "activities, skills rated, web visits, next steps, reasons, discounts",
        "blemishes": [inline(entry) for entry in blemishes],
        "rows": inline({stem: len(frame) for stem, frame in tables.items()}),
    }
    write_yaml(content, path)

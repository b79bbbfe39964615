"""What truth.yml of the subscription sample says: each planted truth with its value, unit, place and tolerance. No report reads it."""

from __future__ import annotations

from pathlib import Path

import subs_around as around
import subs_life as life
import subs_world as w
from sample_tools import inline, truth, write_yaml


def describe_deals(company: dict) -> dict:
    """Winning, the leak, the competitor and the season of closing."""
    deals = company["deals"]
    later = deals[deals["is_open"] & deals["later_won"]]
    return {
        "win": truth(
            inline({**life.LOG_ODDS, "rep_sd": life.REP_SD}), "log-odds, added up", "closed new-business deals",
            "base is for 14,000 a year and no trait; a leaking rep loses more in Proposal"),
        "competitor": truth(
            life.LOG_ODDS["competitor"], "log-odds", f"new-business deals that name {w.COMPETITOR}, recorded at creation",
            f"in {life.COMPETITOR_SHARE:.0%} of them; the other competitors do no harm", tolerance=0.5),
        "stage_leak": truth(
            life.LEAK_PASS, "pass rate", f"new-business deals in Proposal of {', '.join(life.LEAK_REPS)}",
            f"against {life.PASS_RATES[life.LEAK_STAGE]} by plan for everybody else; lost in Proposal", tolerance=0.12,
            reps=inline(list(life.LEAK_REPS))),
        "closing_season": truth(
            inline(list(life.QUARTER_WEIGHTS)), "weight of the first, second and last month of a fiscal quarter",
            "closing days of new-business deals, won or lost", "the last month brings more than half of a quarter", tolerance=0.12),
        "rep_effects": inline({rep: float(value) for rep, value in company["effects"].items()}),
        "open_deals_that_will_be_won": inline(list(later["opportunity_id"])),
    }  # fmt: skip


def describe_customers() -> dict:
    """Renewal, contraction, expansion and who takes over."""
    return {
        "churn": truth(
            inline(life.CHURN), "share of ending contracts that is not renewed", "renewal deals, by plan tier",
            "Starter is lost twice as often", tolerance=0.06),
        "contraction": truth(
            inline({"share": life.CONTRACTION, "to": life.CONTRACTED_TO}), "share of renewals, and what they come down to",
            "won renewals against the contracts before", "the others stay or rise by up to 5 %", tolerance=0.05),
        "expansion": truth(
            inline({"after_days": life.EXPANSION_AFTER_DAYS, "per_year": life.EXPANSION_PER_YEAR, "won": life.EXPANSION_WON}),
            "days since the first contract began; deals created a customer and year from then on; share won",
            "expansion deals", f"none that would close in the last {life.QUIET_BEFORE_RENEWAL} days of a contract", tolerance=0.15),
        "hand_over": truth(life.HANDOVER_DAYS, "days into the first contract", "account_owners",
                           "from the new-business rep to the account manager of the same territory"),
    }  # fmt: skip


def describe_leads() -> dict:
    """What a source and a web visit are worth."""
    return {
        "source_worth": truth(inline(around.LEAD_CONVERSION), "converted leads as a share of leads", "leads",
                              "on top of it, referrals are won more often and the website's less", tolerance=0.01),
        "web_visits": truth(
            inline({"log_odds_per_visit": around.VISITS_LOG_ODDS, "saturates_at": around.VISITS_SATURATE_AT}),
            "log-odds of conversion", "leads, on top of the source", "no visit beyond the twelfth adds anything", tolerance=0.06),
    }  # fmt: skip


def describe_territories() -> dict:
    """The recut, and who is special."""
    return {
        "territory_change": truth(
            life.RECUT_LIFT, "factor on the new-business deals of T5", f"N5, from {w.RECUT.isoformat()}; the West of T5 went to N7 and A7",
            "one territory of eight: a report cannot tell it from chance, and should say so", tolerance=0.45),
        "special_reps": inline({"N4": "nearly no deals", "N8": f"hired {w.HIRED.isoformat()}, holds the leaver's territory",
                                "N9": f"left {w.LEFT.isoformat()}", "M1": "carried T8 in between", "A4": "works 60 %",
                                "H1": "customer desk"}),
    }  # fmt: skip


def write_truth(company: dict, tables: dict, blemishes: list[dict], seed: int, path: Path) -> None:
    """The file, in a fixed order."""
    content = {
        "made_by": f"data/samples/generate_subscriptions.py --seed {seed}",
        "read_by": "tests and the workshop's answer key; no report",
        "deals": describe_deals(company),
        "customers": describe_customers(),
        "leads": describe_leads(),
        "territories": describe_territories(),
        "causes_nothing": "activities, skills rated, web visits of accounts, next steps, reasons, discounts, region",
        "blemishes": [inline(entry) for entry in blemishes],
        "rows": inline({stem: len(table) for stem, table in (*tables.items(), ("Activity", company["activities"]))}),
        "last_day": str(w.AS_OF),
    }
    write_yaml(content, path)

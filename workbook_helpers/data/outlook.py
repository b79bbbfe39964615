"""Where the year stands: what steps 5 and 6 and the team's figures all begin from, put together in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from workbook_helpers.data.tables import Tables
from workbook_helpers.measure import Answer
from workbook_helpers.steps import chance, goals, tracking


@dataclass(frozen=True)
class Outlook:
    """What several answers share.

    credited: what counts towards the quota. bought: what the customers of today bought, whoever sold it.
    goal, flow, open_deals, chance: answers 5.1, 5.3, 5.4 and 5.6. base_rate: the share of created deals that are won.
    """

    credited: pd.DataFrame
    bought: pd.DataFrame
    goal: Answer
    flow: Answer
    open_deals: Answer
    base_rate: float
    chance: Answer


def project_outlook(
    books: Tables,
    learned: Mapping[str, pd.DataFrame],
    *,
    bought: pd.DataFrame,
    goal_amount: float | None = None,
    in_team: bool = False,
    left: bool = False,
    together: bool = False,
) -> Outlook:
    """The outlook of one book, or of several taken as one.

    learned: what the team teaches. bought: as in Outlook. goal_amount: the plan's goal, money; None takes the quotas. in_team: whether
    these books are among those that the team has learned from. left: the rep has left, and nothing more is sold in this book.
    together: these are the books of several reps, and what one of them inherited, another has sold.
    """
    company, year, day = books.company, books.fiscal_year, books.as_of
    credited = goals.summarise_credited(
        quota_counts=company.quota_counts, sales=books.sales, opportunities=books.opportunities, contracts=books.contracts
    )
    goal = goals.summarise_goal(credited=credited, quotas=books.quotas, goal_amount=goal_amount, as_of=day, fiscal_year=year)
    flow = goals.estimate_flow(
        account_sales=bought if company.has("orders") else None,
        contracts=books.contracts,
        opportunities=books.opportunities,
        retention=learned.get("retention"),
        quota_counts=company.quota_counts,
        as_of=day,
        fiscal_year=year,
        lapsed_after_days=company.lapsed_after_days,
    )
    open_deals = chance.estimate_chances(
        opportunities=books.opportunities,
        stage_history=books.stage_history,
        stage_wins=learned.get("stage_wins"),
        in_team=in_team,
        as_of=day,
        fiscal_year=year,
    )
    base_rate = chance.estimate_base_rate(opportunities=books.opportunities, stage_wins=learned.get("stage_wins"), in_team=in_team)
    arrivals = chance.summarise_arrivals(
        opportunities=books.opportunities,
        sales=bought.drop(columns="inherited") if together else bought,
        contracts=books.contracts,
        as_of=day,
        days=0 if left else (year.end - day).days,
        over=tracking.is_over(learned.get("rest_of_year")),
    )
    odds = chance.estimate_goal_chance(
        goal=goal,
        flow=flow,
        deals=open_deals,
        opportunities=books.opportunities,
        arrivals=arrivals,
        base_rate=base_rate,
        left=left,
        as_of=day,
        fiscal_year=year,
        seed=company.seed,
        paths=company.goal_paths,
    )
    return Outlook(credited, bought, goal, flow, open_deals, base_rate, odds)

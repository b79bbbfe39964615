"""What customers order: supplies by their own rhythm, equipment after a won deal, and service contracts.

Supplies: Poisson orders per month = yearly rate ÷ 12 × season × growth × recut lift, while the customer is alive;
order amounts lognormal around the account's order size. Equipment: every won deal becomes an order within nine days.
"""

from __future__ import annotations

import field_world as w
import numpy as np
import pandas as pd
from field_accounts import HORIZON, day_of
from field_deals import RECUT_LIFT, RECUT_TERRITORIES, SEASON, to_weekday

ORDER_LOG_SD, GROWTH_PER_YEAR = 0.4, 1.06
RENEWAL_RATE = 0.88  # of the contracts whose customer is still there


def month_table() -> pd.DataFrame:
    """The 36 months: first day, days, season, growth and whether the recut is in force."""
    starts = pd.date_range(w.START, periods=36, freq="MS")
    first = (starts - pd.Timestamp(w.START)).days
    return pd.DataFrame(
        {
            "first_day": first,
            "days": starts.days_in_month,
            "season": [SEASON[start.month - 1] for start in starts],
            "growth": GROWTH_PER_YEAR ** (np.arange(36) / 12),
            "is_recut": first >= day_of(w.RECUT),
        }
    )


def choose_supplies(account, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """The three to six supplies that one account buys from us, with their weights."""
    fits = [name for name, (_, family, _, _, who) in w.PRODUCTS.items()
            if family not in ("Equipment", "Service")
            and (who == "all" or account.industry in who.split("|"))]  # fmt: skip
    own = [name for name in fits if w.PRODUCTS[name][4] != "all"]
    kept = list(rng.choice(fits, min(len(fits), int(rng.integers(3, 7))), replace=False))
    kept = kept if set(kept) & set(own) else [*kept[1:], own[rng.integers(len(own))]]
    return kept, rng.dirichlet(np.full(len(kept), 1.5))


def order_supplies(accounts: pd.DataFrame, owners: pd.DataFrame, owner_on, seed: int) -> pd.DataFrame:
    """Order lines for supplies, one or two per order."""
    rng = w.rng_for(seed, "supplies")
    months = month_table()
    rows = []
    for account in accounts[accounts["first_day"].notna()].itertuples():
        last = min(HORIZON, account.first_day + account.lifetime_days)
        names, weights = choose_supplies(account, rng)
        stays = owner_on(account.account_id, HORIZON) == w.TERRITORIES[account.territory_id][1]
        lift = np.where(months["is_recut"] & stays & (account.territory_id in RECUT_TERRITORIES), RECUT_LIFT, 1.0)
        counts = rng.poisson(account.orders_per_year / 12 * months["season"] * months["growth"] * lift)
        for month, count in zip(months.itertuples(), counts, strict=True):
            for day in np.sort(rng.integers(month.first_day, month.first_day + month.days, count)):
                day = max(to_weekday(int(day)), month.first_day)  # an order stays in its month
                size = account.order_size * rng.lognormal(-(ORDER_LOG_SD**2) / 2, ORDER_LOG_SD)
                pick = names[rng.choice(len(names), p=weights)]
                second = names[rng.choice(len(names), p=weights)] if rng.random() < 0.16 else pick
                if not account.first_day <= day <= last:
                    continue
                parts = [(pick, size)] if second == pick else [(pick, 0.7 * size), (second, 0.3 * size)]
                rows.append((int(day), account.account_id, account.country, parts))
    rows.sort(key=lambda row: (row[0], row[1]))
    return pd.DataFrame(
        [(number, day, account_id, country, owner_on(account_id, day), product, amount, "")
         for number, (day, account_id, country, parts) in enumerate(rows) for product, amount in parts],
        columns=["order", "day", "account_id", "country", "rep_id", "product", "amount", "opportunity_id"],
    )  # fmt: skip


def order_equipment(deals: pd.DataFrame, owner_on, seed: int) -> pd.DataFrame:
    """The order that follows each won deal, for the deal's amount, credited like the deal."""
    rng = w.rng_for(seed, "equipment")
    rows = []
    for deal in deals[deals["later_won"] & ~deals["is_open"]].itertuples():
        day = max(0, to_weekday(deal.closed_day + int(rng.integers(1, 9))))
        if day <= HORIZON:
            country = "CA" if deal.currency == "CAD" else "US"
            rows.append(
                (-1, day, deal.account_id, country, deal.rep_id, deal.product, deal.amount, deal.opportunity_id)
            )
    columns = ["order", "day", "account_id", "country", "rep_id", "product", "amount", "opportunity_id"]
    return pd.DataFrame(rows, columns=columns)


def number_orders(supplies: pd.DataFrame, equipment: pd.DataFrame, seed: int) -> pd.DataFrame:
    """All lines with order numbers by day, quantities, margins and currency; amounts in the currency of the account."""
    rng = w.rng_for(seed, "order lines")
    equipment = equipment.assign(order=np.arange(len(equipment)) + supplies["order"].max() + 1)
    lines = pd.concat([supplies, equipment], ignore_index=True).sort_values(
        ["day", "order"], kind="stable", ignore_index=True
    )
    new = lines["order"] != lines["order"].shift()
    lines["order_id"] = [f"S{number:06d}" for number in 200_000 + new.cumsum()]
    price = lines["product"].map(lambda name: w.PRODUCTS[name][2])
    family = lines["product"].map(lambda name: w.PRODUCTS[name][1])
    lines["quantity"] = np.maximum(1, (lines["amount"] / price / 0.9).round()).astype(int)
    is_canadian = (lines["country"] == "CA") & (lines["opportunity_id"] == "")
    lines["amount"] = (lines["amount"] * np.where(is_canadian, 1.36, 1.0)).round(2)
    share = family.map(w.MARGIN_BY_FAMILY) + rng.normal(0, 0.03, len(lines))
    lines["margin"] = (lines["amount"] * share).round(2)
    lines["currency"] = np.where(lines["country"] == "CA", "CAD", "USD")
    return lines


def credit_orders(credits: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The credit of a split deal holds for the order it led to as well."""
    order_of = lines[lines["opportunity_id"] != ""].set_index("opportunity_id")["order_id"]
    follow = credits[credits["source_id"].isin(order_of.index)]
    follow = follow.assign(source_id=follow["source_id"].map(order_of))
    return pd.concat([credits, follow], ignore_index=True)


def draw_contracts(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Yearly service contracts of about a sixth of the customers, renewed until they leave or decline."""
    rng = w.rng_for(seed, "contracts")
    ours = accounts[
        accounts["is_customer"] & ~accounts["territory_id"].isin(["T18", "T00"]) & (accounts["country"] == "US")
    ]
    weights = ours["potential"].to_numpy() ** 0.4
    chosen = rng.choice(ours.index.to_numpy(), 175, replace=False, p=weights / weights.sum())
    rows = []
    for index in sorted(chosen):
        account = accounts.loc[index]
        start = -int(rng.integers(0, 365))
        amount = round(1300 * (account["potential"] / 12_000) ** 0.35 * rng.lognormal(0, 0.25) / 50) * 50.0
        while start <= HORIZON:
            end = start + 364
            is_renewed = bool(rng.random() < RENEWAL_RATE and account["lifetime_days"] > end)
            rows.append((index, account["account_id"], start, end, amount, is_renewed))
            if not is_renewed:
                break
            start, amount = end + 1, round(amount * rng.choice([1.0, 1.03, 1.05, 1.2]) / 10) * 10.0
    return pd.DataFrame(rows, columns=["account", "account_id", "start_day", "end_day", "amount", "is_renewed"])


def renewal_calendar(contracts: pd.DataFrame, accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A renewal deal for every contract that ends in the period or soon after it, won where the contract goes on."""
    rng = w.rng_for(seed, "renewals")
    due = contracts[contracts["end_day"].between(20, HORIZON + 75)]
    closed = (due["end_day"] - rng.integers(0, 15, len(due))).map(to_weekday)
    frame = pd.DataFrame(
        {
            "territory_id": accounts.loc[due["account"], "territory_id"].to_numpy(),
            "created_day": (closed - rng.integers(50, 85, len(due))).map(to_weekday),
            "closed_day": closed,
            "kind": "renewal",
            "account": due["account"],
            "amount": due["amount"],
            "is_renewed": due["is_renewed"],
        }
    )
    return frame[frame["created_day"] <= HORIZON]

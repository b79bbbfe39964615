"""Tamarack Clinic Supply: the sample company that sells in the field, made from a stated process and a seed.

    python data/samples/generate_field_sales.py --seed 7 --out DIR

writes DIR/exports/*.csv and DIR/truth.yml, and copies workbook.yml beside them. The same seed gives the same bytes.

The process, in the order in which it runs:

1. Every territory has a potential and every rep a skill (field_accounts.draw_rep_truths).
2. 24 books of 45 customers and 700 prospects lie in real cities. An account's yearly potential is lognormal inside its
   territory; its order rate grows with potential to the power 0.65; its share of wallet holds the rep's skill
   (field_accounts). Customers leave for good with a constant hazard, twice as high among veterinarians.
3. Deals arrive with the season; each is won with log-odds that are a sum over its traits, else lost at a stage
   (field_deals). A prospect that buys equipment orders supplies from then on.
4. Supplies are ordered by a Poisson process, equipment within nine days of the won deal (field_orders). Revenue is
   the order lines; deals and orders are never added together.
5. People are busy around accounts and deals, which causes nothing (field_activities).
6. Quotas lie between the year before and what the year brings, and follow the company's target (here).
7. A handful of blemishes is added to the exports, each listed in truth.yml; nothing else is wrong in them.

Modules: field_world (places, people, products, words), field_accounts, field_deals, field_orders, field_activities,
field_truth (what truth.yml says). Each part draws from a random stream of its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import field_accounts as who
import field_activities as touches
import field_deals as selling
import field_orders as buying
import field_truth
import field_world as w
import numpy as np
import pandas as pd
from field_accounts import say_day
from sample_tools import read_options, write_tables

HERE = Path(__file__).parent / "field_sales"
OVER_ASSIGNMENT = 0.06


def make_company(seed: int) -> dict[str, pd.DataFrame]:
    """Everything that happens, truth included: name -> frame."""
    truths = who.draw_rep_truths(seed)
    accounts = who.build_accounts(seed, truths)
    owners = who.draw_owners(accounts, seed)
    owner_on = who.owner_lookup(owners)
    contracts = buying.draw_contracts(accounts, seed)
    calendar = selling.draw_calendar(accounts, truths, seed)
    calendar = pd.concat([calendar, buying.renewal_calendar(contracts, accounts, seed)], ignore_index=True)
    calendar = calendar.sort_values(
        ["created_day", "closed_day", "territory_id", "kind"], kind="stable", ignore_index=True
    )
    deals = selling.play_deals(calendar, accounts, truths, owner_on, seed)
    accounts = selling.turn_prospects_into_customers(accounts, deals)
    history = selling.trace_stages(deals, seed)
    supplies = buying.order_supplies(accounts, owners, owner_on, seed)
    lines = buying.number_orders(supplies, buying.order_equipment(deals, owner_on, seed), seed)
    contacts = who.draw_contacts(accounts, seed)
    return {
        "truths": truths, "accounts": accounts, "owners": owners, "contracts": contracts, "deals": deals,
        "history": history, "lines": lines, "contacts": contacts,
        "opportunities": selling.export_deals(deals, history, seed),
        "credits": buying.credit_orders(selling.split_credit(deals, seed), lines),
        "leads": selling.draw_leads(deals, accounts, owner_on, seed),
        "activities": touches.draw_activities(accounts, deals, contacts, owner_on, seed),
        "market": who.draw_market(accounts, seed),
        "territories": who.list_territories(),
    }  # fmt: skip


def set_quotas(lines: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Quotas by rep and quarter: between last year's revenue and what the year brings, with some misjudgement.

    2026 is scaled so that the reps' quotas, before relief, stand 6 % above the company's target.
    """
    rng = w.rng_for(seed, "quotas")
    dollars = lines["amount"] * np.where(lines["currency"] == "CAD", 0.735, 1.0)
    year = lines["day"].map(lambda day: int(say_day(day)[:4]))
    book = lines["rep_id"].replace({"M4": w.LEAVER, w.NEW_HIRE: w.LEAVER})
    sold = dollars.groupby([book, year]).sum().unstack()
    sold[2026] /= sum(selling.SEASON[:9]) / 12  # three quarters of it are known
    reps = [rep for rep in w.REPS if rep != w.NEW_HIRE]
    rows = []
    for quota_year in (2024, 2025, 2026):
        before, coming = sold.loc[reps, max(2024, quota_year - 1)], sold.loc[reps, quota_year]
        plan = (0.35 * before + 0.65 * coming) * rng.lognormal(0, 0.07, len(reps))
        plan = 0.85 * plan + 0.15 * plan.mean()
        total = w.COMPANY_TARGET[2026] * 1.06 ** (quota_year - 2026) * (1 + OVER_ASSIGNMENT)
        given = pd.Series(1.0, index=reps)
        if quota_year == 2026:  # nobody has the quota of the leaver's territory in the second and third quarter
            given[w.LEAVER] -= sum(selling.SEASON[3:9]) / 12
        plan = plan * total / (plan * given).sum()
        for rep in reps:
            for quarter in range(4):
                share = sum(selling.SEASON[3 * quarter : 3 * quarter + 3]) / 12
                start = pd.Timestamp(quota_year, 3 * quarter + 1, 1)
                holder, relief, reason = rep, "", ""
                if rep == w.LEAVER and (quota_year, quarter) >= (2026, 1):
                    if quarter < 3:
                        continue
                    holder = w.NEW_HIRE
                quota = round(plan[rep] * share / 1000) * 1000
                if holder == w.NEW_HIRE:
                    relief, reason = round(quota * 0.6 / 1000) * 1000, "Ramp: first quarter"
                if (rep, quota_year, quarter) == ("R11", 2025, 1):
                    relief, reason = round(quota * 0.5 / 1000) * 1000, "Family leave, six weeks"
                if (rep, quota_year, quarter) == ("R15", 2026, 0):
                    relief, reason = 25_000, "Two accounts closed after the January flood"
                end = (start + pd.offsets.QuarterEnd(0)).date().isoformat()
                rows.append((holder, start.date().isoformat(), end, quota, relief, reason))
    return pd.DataFrame(rows, columns=["rep_id", "period_start", "period_end", "quota", "relief", "reason"])


def list_reps(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Reps, managers and the house desk as the CRM's user list shows them."""
    rng = w.rng_for(seed, "reps")
    homes = {rep: cities[0] for _, rep, cities in w.TERRITORIES.values()}
    homes[w.NEW_HIRE] = w.TERRITORIES["T20"][2][1]
    rows = []
    for rep, (name, role, hired, share, hours, base, earnings) in w.REPS.items():
        manager = next(key for key, card in w.MANAGERS.items() if card[3] <= int(rep[1:]) <= card[4])
        place = homes[rep]
        rows.append((rep, name, manager, role, w.MANAGERS[manager][1], hired.isoformat(),
                     "2026-03-31" if rep == w.LEAVER else "", share, round(place[2] + rng.normal(0, 0.1), 3),
                     round(place[3] + rng.normal(0, 0.1), 3), hours, base, earnings))  # fmt: skip
    for manager, (name, team, hired, *_) in w.MANAGERS.items():
        rows.append((manager, name, "", "manager", team, hired.isoformat(), "", 1.0, "", "", "", 118_000, 176_000))
    rows.append(("H1", "House desk", "", "house", "House", "2009-02-02", "", "", "", "", "", "", ""))
    columns = ["Id", "Name", "ManagerId", "Role", "Team", "HireDate", "TermDate", "full_time_share", "home_latitude",
               "home_longitude", "selling_hours_per_year", "base_salary", "on_target_earnings"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def rate_skills(truths: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Each January, levels 1 to 5 by the rep and by the manager, loosely tied to the rep's true skill."""
    rng = w.rng_for(seed, "skills")
    rows = []
    for rep in w.REPS:
        skill = truths["skill"].get(rep, 0.0)
        own = rng.normal(3.3 + 2.2 * skill, 0.8, len(w.SKILLS))
        for year in (2025, 2026):
            for source, shift in (("self", 0.25), ("manager", -0.1)):
                if rep != w.NEW_HIRE:
                    levels = np.clip(np.round(own + shift + rng.normal(0, 0.5, len(own))), 1, 5).astype(int)
                    day = f"{year}-01-{'19' if source == 'self' else '26'}"
                    rows += [(rep, name, level, source, day) for name, level in zip(w.SKILLS, levels, strict=True)]
    return pd.DataFrame(rows, columns=["rep_id", "skill", "level", "source", "rated_date"])


def list_rates(seed: int) -> pd.DataFrame:
    """US dollars for one Canadian dollar, at the first of each month."""
    rng = w.rng_for(seed, "rates")
    days = pd.date_range("2023-04-01", "2026-09-01", freq="MS")
    rates = 0.735 + np.cumsum(rng.normal(0, 0.004, len(days))) * 0.6
    return pd.DataFrame({"currency": "CAD", "rate_date": days.strftime("%Y-%m-%d"), "rate": rates.round(4)})


def list_periods() -> pd.DataFrame:
    """Calendar quarters."""
    starts = pd.date_range("2023-01-01", "2026-10-01", freq="QS")
    ends = starts + pd.offsets.QuarterEnd(0)
    names = [f"{day.year}-Q{day.quarter}" for day in starts]
    return pd.DataFrame(
        {"period": names, "period_start": starts.strftime("%Y-%m-%d"), "period_end": ends.strftime("%Y-%m-%d")}
    )


def list_products() -> pd.DataFrame:
    """The catalogue, by SKU."""
    rows = [(sku, name, family, price, solves) for name, (sku, family, price, solves, _) in w.PRODUCTS.items()]
    return pd.DataFrame(rows, columns=["Sku", "Description", "Family", "ListPrice", "solves"])


def export_tables(company: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """The exports as a CRM and an order system give them: file stem -> frame, under their own column names."""
    accounts, deals, lines = company["accounts"], company["opportunities"], company["lines"]
    days = lambda frame, *names: frame.assign(**{name: frame[name].map(say_day) for name in names})  # noqa: E731
    now = company["owners"].loc[lambda o: o["last_day"].isna()].set_index("account_id")["rep_id"]
    crm = {
        "account_id": "AccountNumber", "account_name": "Name", "rep_id": "OwnerId", "parent_account_id": "ParentNumber",
        "industry": "Industry", "employees": "Employees", "annual_revenue": "AnnualRevenue", "country": "country",
        "region": "State", "city": "City", "postal_code": "PostalCode", "latitude": "latitude",
        "longitude": "longitude",
        "lead_source": "LeadSource", "web_visits_n": "WebVisits12m", "territory_id": "Territory",
        "created_day": "CreatedDate", "buys_through": "buys_through",
    }  # fmt: skip
    people = accounts.assign(rep_id=accounts["account_id"].map(now).fillna(""))
    people["created_day"] = people["created_day"].map(lambda day: say_day(day))
    people = people.sort_values("account_id").astype({"annual_revenue": int})
    owners = days(company["owners"].sort_values(["account_id", "first_day"]), "first_day", "last_day")
    contracts = company["contracts"].sort_values(["start_day", "account_id"], kind="stable")
    order_columns = {"order_id": "OrderNo", "account_id": "Account", "day": "OrderDate", "amount": "NetAmount",
                     "rep_id": "SalesRep", "sku": "Sku", "quantity": "Qty", "margin": "Margin",
                     "currency": "Cur"}  # fmt: skip
    leads = days(company["leads"], "created_day", "event_day", "converted_day").replace({True: "yes", False: "no"})
    history = days(company["history"], "entered_day", "expected_day")
    history["stage"] = history["stage_n"].map(dict(enumerate(w.STAGES)))
    return {
        "users": list_reps(accounts, seed),
        "accounts": people[list(crm)].rename(columns=crm),
        "account_owners": owners.rename(columns={"first_day": "valid_from", "last_day": "valid_to"}),
        "opportunities": days(deals, "created_day", "close_day").rename(columns={
            "opportunity_id": "OpportunityId", "account_id": "AccountNumber", "rep_id": "OwnerId", "stage": "StageName",
            "outcome": "Status", "amount": "Amount", "created_day": "CreatedDate", "close_day": "CloseDate"}),
        "stage_history": history[
            ["opportunity_id", "stage", "entered_day", "amount", "expected_day", "probability"]].rename(
            columns={"entered_day": "entered_date", "expected_day": "close_date"}),
        "order_lines": days(lines.assign(sku=lines["product"].map(lambda name: w.PRODUCTS[name][0])), "day")[
            list(order_columns)].rename(columns=order_columns),
        "contracts": days(contracts, "start_day", "end_day").assign(product="Service plan")[
            ["account_id", "start_day", "end_day", "amount", "product"]].rename(
            columns={"start_day": "start_date", "end_day": "end_date", "amount": "amount_per_year"}),
        "credits": company["credits"],
        "products": list_products(),
        "quotas": set_quotas(lines, seed),
        "activities": days(company["activities"], "day")[
            ["day", "activity_type", "rep_id", "account_id", "opportunity_id", "contact_id", "outcome", "minutes",
             "team"]
        ].rename(columns={"day": "activity_date"}),
        "contacts": days(company["contacts"], "first_day", "last_day").rename(
            columns={"first_day": "active_from", "last_day": "active_to"}),
        "leads": leads[["lead_id", "created_day", "lead_source", "rep_id", "account_id", "web_visits_n", "wants_it",
                        "uses_it_well", "event_day", "converted_day"]].rename(
            columns={"created_day": "created_date", "event_day": "event_date", "converted_day": "converted_date"}),
        "territories": company["territories"],
        "market": company["market"],
        "rep_skills": rate_skills(company["truths"], seed),
        "rates": list_rates(seed),
        "periods": list_periods(),
    }  # fmt: skip


def add_blemishes(tables: dict[str, pd.DataFrame]) -> list[dict]:
    """Eight rows as they happen in real exports, added to clean tables; says what they are."""
    deals, orders = tables["opportunities"], tables["order_lines"]
    closed = deals[deals["Status"] != "Open"].reset_index(drop=True)
    lost = closed[closed["Status"] == "Lost"].iloc[300]
    won = closed[closed["Status"] == "Won"].iloc[200]
    extra_deals = [
        deals.iloc[1500].to_dict(),
        {**won.to_dict(), "OpportunityId": "D09001", "Amount": np.nan},
        {**lost.to_dict(), "OpportunityId": "D09002", "CreatedDate": "2025-06-18", "CloseDate": "2025-05-30"},
        {**lost.to_dict(), "OpportunityId": "D09003", "OwnerId": "R42"},
    ]
    line = orders.iloc[12_000].to_dict()
    short = next(value for value in orders["Account"] if value.startswith("0004"))
    extra_lines = [
        {**line, "OrderNo": "S900001", "Account": "009999", "NetAmount": 412.60, "Margin": 118.20},
        {**line, "OrderNo": "S900002", "OrderDate": "2025-02-30", "NetAmount": 268.75, "Margin": 80.10},
        {**line, "OrderNo": "S900003", "Account": short.lstrip("0"), "NetAmount": 931.40, "Margin": 301.00},
        {**dict.fromkeys(orders.columns, ""), "OrderNo": "Total", "NetAmount": round(orders["NetAmount"].sum(), 2)},
    ]
    tables["opportunities"] = pd.concat([deals, pd.DataFrame(extra_deals)], ignore_index=True)
    tables["order_lines"] = pd.concat([orders, pd.DataFrame(extra_lines)], ignore_index=True)
    return [
        {"file": "opportunities.csv", "id": extra_deals[0]["OpportunityId"], "what": "the same deal twice"},
        {"file": "opportunities.csv", "id": "D09001", "what": "won deal without an amount"},
        {"file": "opportunities.csv", "id": "D09002", "what": "closed before it was created"},
        {"file": "opportunities.csv", "id": "D09003", "what": "owner R42 is not in the user list"},
        {"file": "order_lines.csv", "id": "S900001", "what": "account 009999 does not exist", "amount": 412.60},
        {"file": "order_lines.csv", "id": "S900002", "what": "30 February", "amount": 268.75},
        {"file": "order_lines.csv", "id": "S900003", "amount": 931.40,
         "what": f"account {short} lost its leading zeros and reads {short.lstrip('0')}"},
        {"file": "order_lines.csv", "id": "Total", "what": "a total row at the end of the export"},
    ]  # fmt: skip


def main() -> None:
    options = read_options(__doc__, HERE)
    company = make_company(options.seed)
    tables = export_tables(company, options.seed)
    blemishes = add_blemishes(tables)
    write_tables(tables, options.out / "exports")
    field_truth.write_truth(company, tables, blemishes, options.seed, options.out / "truth.yml")
    settings = HERE / "workbook.yml"
    if settings.exists() and options.out.resolve() != HERE.resolve():
        shutil.copyfile(settings, options.out / "workbook.yml")


if __name__ == "__main__":
    main()

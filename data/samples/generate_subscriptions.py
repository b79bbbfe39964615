"""Larkspan: the sample company that sells by subscription, made from a stated process and a seed.

    python data/samples/generate_subscriptions.py --seed 7 --out DIR

writes DIR/exports and DIR/truth.yml, and copies workbook.yml beside them. The same seed gives the same company.

The process, in the order in which it runs: accounts lie in eight territories of industry × size (subs_life.build_accounts);
new-business deals arrive, close by the month of the quarter and are won by their traits (sell_new); a win begins a contract,
which grows, renews or ends (keep_customers); leads, touches, people, quotas and the market stand around it (subs_around);
a known number of rows is wrong on purpose (add_blemishes). Each part draws from a random stream of its own.

The exports look like those of another CRM than the field sample's: American dates, ids of its own making, a deal's stage and
outcome in one column, products and plans in files to be joined, quotas and territories as two sheets of a workbook,
activities as Parquet.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import subs_around as around
import subs_life as life
import subs_truth
import subs_world as w
import xlsxwriter
from sample_tools import read_options, rng_for, write_tables
from subs_life import HORIZON, say_day

HERE = Path(__file__).parent / "subscriptions"


def make_company(seed: int) -> dict:
    """Everything that happens, truth included: name -> frame."""
    accounts, effects = life.build_accounts(seed), life.draw_rep_effects(seed)
    new = life.sell_new(accounts, effects, seed)
    contracts, kept, began = life.keep_customers(accounts, new, seed)
    deals = life.number_deals(new, kept, accounts)
    contracts["account_id"] = contracts["account"].map(accounts["account_id"])
    return {
        "accounts": accounts, "effects": effects, "deals": deals, "contracts": contracts, "began": began,
        "history": life.trace_stages(deals, seed), "owners": life.draw_owners(accounts, began, seed),
        "leads": around.draw_leads(deals, accounts, seed), "contacts": around.draw_contacts(accounts, seed),
        "activities": around.draw_activities(accounts, deals, began, seed), "quotas": around.set_quotas(deals, seed),
        "territories": around.list_territories(), "market": around.draw_market(accounts, seed),
        "skills": around.rate_skills(effects, seed),
    }  # fmt: skip


def list_users() -> pd.DataFrame:
    """The CRM's users: sellers, account managers, managers and the desk."""
    rows = [
        (rep, name, manager, role, {"M1": "New business", "M2": "Customers"}.get(manager, ""), hired.strftime("%m/%d/%Y"),
         w.LEFT.strftime("%m/%d/%Y") if rep == w.LEAVER else "", share, 1400 if role not in ("manager", "house") else "", base, earnings)
        for rep, (name, role, manager, hired, share, base, earnings) in w.PEOPLE.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["Id", "Name", "ManagerId", "Sales_Role__c", "Team__c", "Start_Date__c", "End_Date__c", "FTE__c",
                                       "Selling_Hours__c", "Base__c", "OTE__c"])  # fmt: skip


def export_deals(company: dict, seed: int) -> pd.DataFrame:
    """The deals as the CRM shows them on the last day."""
    rng = rng_for(seed, "deal texts")
    latest = company["history"].groupby("opportunity_id").last()
    kinds = {"new": "New Business", "renewal": "Renewal", "expansion": "Expansion"}
    rows = []
    for deal in company["deals"].itertuples():
        seen = latest.loc[deal.opportunity_id]
        won, lost = deal.later_won and not deal.is_open, not deal.later_won and not deal.is_open
        reasons = w.CHURN_REASONS if deal.kind == "renewal" else w.LOSS_REASONS
        if deal.competitor and rng.random() < 0.5:
            reasons = w.LOST_TO_COMPETITOR
        rows.append({
            "Id": deal.opportunity_id, "AccountId": deal.account_id, "OwnerId": deal.rep_id, "Type": kinds[deal.kind],
            "StageName": "Closed Won" if won else "Closed Lost" if lost else w.STAGES[int(seen["stage_n"])],
            "Amount": deal.asked if deal.is_open else deal.amount, "CreatedDate": say_day(deal.created_day),
            "CloseDate": say_day(seen["expected_day"] if deal.is_open else deal.closed_day), "Product2Id": w.PRODUCTS[deal.product][0],
            "LeadSource": deal.lead_source, "Probability": seen["probability"] if deal.is_open else float(won),
            "ForecastCategory": "Closed" if not deal.is_open else ("Pipeline", "Pipeline", "Best Case", "Commit")[int(seen["stage_n"])],
            "Main_Competitor__c": deal.competitor, "Pain__c": deal.pain_point if rng.random() < 0.8 else "",
            "Win_Reason__c": w.WIN_REASONS[rng.integers(len(w.WIN_REASONS))] if won and rng.random() < 0.85 else "",
            "Loss_Reason__c": reasons[rng.integers(len(reasons))] if lost and rng.random() < 0.9 else "",
            "NextStep": w.NEXT_STEPS[rng.integers(len(w.NEXT_STEPS))] if deal.is_open and rng.random() < 0.7 else "",
            "Discount__c": (0.0, 0.0, 0.05, 0.1, 0.15)[rng.integers(5)] if seen["stage_n"] >= 2 else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows)


def export_tables(company: dict, seed: int) -> dict[str, pd.DataFrame]:
    """The CSV exports: file stem -> frame, under the CRM's own column names."""
    accounts, history = company["accounts"].sort_values("account_id"), company["history"]
    owners = company["owners"].sort_values(["account_id", "first_day"])
    now = owners[owners["last_day"].isna()].set_index("account_id")["rep_id"]
    signed = company["contracts"][company["contracts"]["start_day"] <= HORIZON + 21]
    signed = signed.sort_values(["start_day", "account_id", "product"], kind="stable")
    leads, contacts = company["leads"], company["contacts"]
    yes = {True: "true", False: "false"}
    ids = accounts["account_id"]
    plans = accounts[accounts.index.isin(list(company["began"]))]
    return {
        "User": list_users(),
        "Account": pd.DataFrame({
            "Id": ids, "Name": accounts["account_name"], "OwnerId": ids.map(now), "Industry": accounts["industry"],
            "NumberOfEmployees": accounts["employees"], "AnnualRevenue": accounts["annual_revenue"], "BillingCountry": "US",
            "Region__c": accounts["region"], "Size_Band__c": accounts["size_band"], "AccountSource": accounts["lead_source"],
            "Web_Visits__c": accounts["web_visits_n"], "Territory__c": accounts["territory_id"],
            "CreatedDate": accounts["created_day"].map(say_day)}),
        "SubscriptionPlan": pd.DataFrame({"Account__c": plans["account_id"], "Tier__c": plans["tier"]}),
        "AccountOwnerHistory": pd.DataFrame({
            "AccountId": owners["account_id"], "OwnerId": owners["rep_id"], "From": owners["first_day"].map(say_day),
            "To": owners["last_day"].map(say_day)}),
        "Opportunity": export_deals(company, seed),
        "OpportunityHistory": pd.DataFrame({
            "OpportunityId": history["opportunity_id"], "StageName": history["stage_n"].map(dict(enumerate(w.STAGES))),
            "CreatedDate": history["entered_day"].map(say_day), "Amount": history["amount"],
            "CloseDate": history["expected_day"].map(say_day), "Probability": history["probability"]}),
        "Contract": pd.DataFrame({
            "AccountId": signed["account_id"], "StartDate": signed["start_day"].map(say_day), "EndDate": signed["end_day"].map(say_day),
            "ARR__c": signed["amount"], "Product2Id": signed["product"].map(lambda name: w.PRODUCTS[name][0])}),
        "Product2": pd.DataFrame([(key, name, *rest) for name, (key, *rest) in w.PRODUCTS.items()],
                                 columns=["Id", "Name", "Family", "ListPrice", "Solves__c"]),
        "Lead": pd.DataFrame({
            "Id": leads["lead_id"], "CreatedDate": leads["created_day"].map(say_day), "LeadSource": leads["lead_source"],
            "OwnerId": leads["rep_id"], "AccountId": leads["account_id"], "Web_Visits__c": leads["visits"],
            "Wants_It__c": leads["wants"].map(yes), "Uses_It_Well__c": leads["uses"].map(yes),
            "Event_Date__c": leads["event_day"].map(say_day), "ConvertedDate": leads["converted_day"].map(say_day)}),
        "Contact": pd.DataFrame({
            "Id": contacts["contact_id"], "AccountId": contacts["account_id"], "Title": contacts["role"],
            "From": contacts["first_day"].map(say_day), "To": contacts["last_day"].map(say_day)}),
        "market": company["market"],
        "rep_skills": company["skills"],
    }  # fmt: skip


def add_blemishes(tables: dict[str, pd.DataFrame]) -> list[dict]:
    """Rows as they go wrong in real exports, added to clean tables; says what they are."""
    deals, contracts, leads = tables["Opportunity"], tables["Contract"], tables["Lead"]
    won, lost = (deals[deals["StageName"] == f"Closed {end}"].iloc[150].to_dict() for end in ("Won", "Lost"))
    tables["Opportunity"] = pd.concat([deals, pd.DataFrame([
        deals.iloc[900].to_dict(),
        {**won, "Id": "0065e900001", "Amount": np.nan},
        {**lost, "Id": "0065e900002", "OwnerId": "N42"},
    ])], ignore_index=True)  # fmt: skip
    tables["Contract"] = pd.concat([contracts, pd.DataFrame([
        {**contracts.iloc[300].to_dict(), "EndDate": "02/30/2026"},
        {**contracts.iloc[301].to_dict(), "AccountId": "0015e9999999"},
        {**dict.fromkeys(contracts.columns, ""), "AccountId": "Total", "ARR__c": contracts["ARR__c"].sum()},
    ])], ignore_index=True)  # fmt: skip
    wrong_lead = {**leads.iloc[700].to_dict(), "Id": "00Q5e900001", "CreatedDate": "soon"}
    tables["Lead"] = pd.concat([leads, pd.DataFrame([wrong_lead])], ignore_index=True)
    return [
        {"file": "Opportunity.csv", "id": deals.iloc[900]["Id"], "what": "the same deal twice", "set_aside": True},
        {"file": "Opportunity.csv", "id": "0065e900001", "what": "won deal without an amount", "set_aside": False},
        {"file": "Opportunity.csv", "id": "0065e900002", "what": "owner N42 is not in the user list", "set_aside": False},
        {"file": "Contract.csv", "id": contracts.iloc[300]["AccountId"], "what": "a contract that ends on 30 February", "set_aside": True},
        {"file": "Contract.csv", "id": "0015e9999999", "what": "a contract of an account that does not exist", "set_aside": False},
        {"file": "Contract.csv", "id": "Total", "what": "a total row at the end of the export", "set_aside": True},
        {"file": "Lead.csv", "id": "00Q5e900001", "what": "a lead that was created soon", "set_aside": True},
    ]


def write_plan_book(company: dict, path: Path) -> None:
    """Quotas and territories as a person keeps them: two sheets, real dates."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"created": datetime(w.AS_OF.year, w.AS_OF.month, w.AS_OF.day)})
        for name, frame in (("Quotas", company["quotas"]), ("Territories", company["territories"])):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, list(frame.columns))
            for number, row in enumerate(frame.itertuples(index=False), 1):
                for place, value in enumerate(row):
                    if isinstance(value, pd.Timestamp) and not pd.isna(value):
                        sheet.write_datetime(number, place, value.to_pydatetime())
                    elif value is not None and not pd.isna(value) and value != "":
                        sheet.write(number, place, value)


def write_activities(company: dict, path: Path) -> None:
    """The touches as Parquet, with dates as dates."""
    frame = company["activities"]
    days = pd.Timestamp(w.START) + pd.to_timedelta(frame["day"], unit="D")
    frame = frame.assign(activity_date=days.dt.date).drop(columns="day").replace({"": None})
    frame[["activity_date", *(c for c in frame if c != "activity_date")]].to_parquet(path, index=False, compression="zstd")


def main() -> None:
    options = read_options(__doc__, HERE)
    company = make_company(options.seed)
    tables = export_tables(company, options.seed)
    blemishes = add_blemishes(tables)
    exports = options.out / "exports"
    write_tables(tables, exports)
    write_plan_book(company, exports / "sales_plan.xlsx")
    write_activities(company, exports / "Activity.parquet")
    subs_truth.write_truth(company, tables, blemishes, options.seed, options.out / "truth.yml")
    settings = HERE / "workbook.yml"
    if settings.exists() and options.out.resolve() != HERE.resolve():
        shutil.copyfile(settings, options.out / "workbook.yml")


if __name__ == "__main__":
    main()

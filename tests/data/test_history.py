"""What CRMs overwrite is rebuilt from the imports that were kept."""

import random
from datetime import date, timedelta

import pyarrow.parquet as parquet
import pytest
from conftest import deal, open_deal, order, small_tables, write_company

from workbook_helpers.data import prepare

MAY, JUNE, JULY = date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)
STAGES = ["Qualify", "Develop", "Propose", "Close"]


def on(day, **more):
    """The small company as its CRM shows it on a day: the order of that day is the last thing that happened."""
    tables = small_tables()
    tables["orders"] = [order(1, order_date="2026-01-10"), order(2, order_date=day.isoformat())]
    tables["opportunities"] = [deal(1), deal(2, outcome="Lost")] + more.pop("deals", [])
    for account in tables["accounts"]:
        account["rep_id"] = more.get(account["account_id"], account["rep_id"])
    return tables


@pytest.fixture
def crm(tmp_path):
    """``crm(tables)`` writes what the CRM exports now, over what it exported before."""
    return lambda tables, **settings: write_company(tmp_path / "crm", tables, **settings)


def imported(crm, *versions):
    """The company after these exports were imported one after the other."""
    for tables in versions:
        prepare(crm(tables), teach=False)
    return crm(versions[-1])


def read(folder, table, day=None):
    return prepare(folder, as_of=day, teach=False).read(table)


def moved(stage, **more):
    return open_deal(50, created_date="2026-05-02", stage=stage, **more)


def test_a_run_for_the_day_of_an_import_sees_what_was_seen_then(crm):
    may = on(MAY, deals=[moved("Qualify", amount="500", next_step="call")], A3="R2")
    then = prepare(crm(may))
    won = moved("Close", outcome="Won", amount="900", close_date="2026-07-20", next_step="", rep_id="R2")
    folder = imported(crm, may, on(JULY, deals=[won], A3="R1"))
    now = prepare(folder, as_of=MAY)
    assert now.rep_fingerprints == then.rep_fingerprints
    assert now.reps == then.reps
    assert now.remarks == then.remarks == []
    assert prepare(folder).rep_fingerprints != then.rep_fingerprints


def test_between_two_imports_open_deals_stand_as_the_last_import_had_them(crm):
    may = on(MAY, deals=[moved("Qualify", amount="500", next_step="call", rep_id="R2")])
    july = on(JULY, deals=[moved("Close", outcome="Won", amount="900", close_date="2026-07-20"), open_deal(51, created_date="2026-06-10")])
    folder = imported(crm, may, july)
    deals = read(folder, "opportunities", JUNE).set_index("opportunity_id")
    assert deals.loc["D050", ["rep_id", "stage", "amount", "next_step", "status"]].tolist() == ["R2", "Qualify", 500.0, "call", "open"]
    assert not deals.loc["D051", "state_known"]  # created after the last import: nobody can say
    assert prepare(folder, as_of=JUNE).remarks[1:] == [
        "Open deals, reps, accounts, contacts and leads stand as the import of 31 May 2026 had them.",
        "Deals created since then show no amount, stage or date.",
    ]


def test_between_two_imports_accounts_stand_as_the_last_import_had_them(crm):
    july = on(JULY, A3="R1")
    july["accounts"] += [
        {"account_id": "A8", "account_name": "New in June", "rep_id": "R2", "created_date": "2026-06-05"},
        {"account_id": "A9", "account_name": "New in July", "rep_id": "R2", "created_date": "2026-07-05"},
    ]
    accounts = read(imported(crm, on(MAY), july), "accounts", JUNE).set_index("account_id")["rep_id"]
    assert accounts.to_dict() == {"A1": "R1", "A2": "R1", "A3": "R2", "A8": "R2"}


def test_between_two_imports_reps_stand_as_the_last_import_had_them(crm):
    july = on(JULY)
    july["reps"][0] |= {"rep_name": "Ana Ruiz-Lopez"}
    assert [rep["rep_name"] for rep in prepare(imported(crm, on(MAY), july), as_of=JUNE, teach=False).reps] == ["Ana Ruiz", "Ben Okoye"]


def test_a_change_of_owner_moves_orders_from_the_import_that_first_shows_it(crm):
    versions = [on(MAY, A1="R1"), on(JUNE, A1="R2"), on(JULY, A1="R2")]
    for tables in versions:
        for row in tables["orders"]:
            row["rep_id"] = ""
    versions[-1]["orders"] += [order(3, "", order_date="2026-05-15"), order(4, "", order_date="2026-06-30")]
    sales = read(imported(crm, *versions), "sales").set_index("sale_id")["rep_id"]
    assert sales[["O001", "O003", "O004", "O002"]].tolist() == ["R1", "R1", "R2", "R2"]


def test_an_import_of_an_older_version_that_lacks_a_column_is_still_read(crm):
    folder = imported(crm, on(MAY), on(JULY))
    old = folder / ".workbook" / (folder / ".workbook" / "imports" / MAY.isoformat()).read_text() / "checked" / "accounts.parquet"
    parquet.write_table(parquet.read_table(old).drop_columns(["web_visits_n"]), old)
    for day in (MAY, JUNE):
        assert read(folder, "accounts", day)["web_visits_n"].isna().all()


def test_one_import_tells_no_history(crm):
    prepared = prepare(crm(on(MAY)), teach=False)
    assert not prepared.company.has("stage_history")
    assert prepared.remarks == []


def test_two_imports_of_one_day_are_one_and_the_later_one_counts(crm):
    folder = imported(crm, on(MAY, deals=[moved("Qualify")]), on(MAY, deals=[moved("Develop")]))
    assert not prepare(folder, teach=False).company.has("stage_history")
    assert read(folder, "opportunities").set_index("opportunity_id").loc["D050", "stage"] == "Develop"


def test_the_order_in_which_exports_are_imported_changes_nothing(crm, tmp_path):
    versions = [on(day, deals=[moved(stage)]) for day, stage in ((MAY, "Qualify"), (JUNE, "Develop"), (JULY, "Propose"))]
    folder = imported(crm, *versions)
    backwards = imported(lambda tables: write_company(tmp_path / "other", tables), *reversed(versions), versions[-1])
    for day in (MAY, JUNE, JULY):
        assert prepare(folder, as_of=day).rep_fingerprints == prepare(backwards, as_of=day).rep_fingerprints


def test_a_later_import_changes_nothing_on_an_earlier_day(crm):
    before = imported(crm, on(MAY, deals=[moved("Qualify")]), on(JUNE, deals=[moved("Develop")]))
    days = (MAY, date(2026, 6, 15), JUNE)
    seen = [prepare(before, as_of=day) for day in days]
    marks = [(one.rep_fingerprints, one.remarks, one.team) for one in seen]
    after = imported(crm, on(JULY, deals=[moved("Close", outcome="Lost", close_date="2026-07-02")], A1="R2"))
    again = [prepare(after, as_of=day) for day in days]
    assert [(one.rep_fingerprints, one.remarks) for one in again][::2] == [mark[:2] for mark in marks][::2]
    assert again[2].team == marks[2][2]


def test_older_exports_put_back_do_not_hide_what_newer_imports_know(crm):
    may, july = on(MAY, deals=[moved("Qualify")]), on(JULY, deals=[moved("Propose")], A3="R1")
    august = date(2026, 8, 31)
    expected = prepare(imported(crm, may, july), as_of=august, teach=False)
    folder = crm(may)
    assert prepare(folder, teach=False).as_of == MAY
    again = prepare(folder, as_of=august, teach=False)
    assert (again.rep_fingerprints, again.remarks) == (expected.rep_fingerprints, expected.remarks)


def test_the_fiscal_periods_of_an_earlier_day_are_those_of_its_import(crm):
    def quarters(first):
        days = [first + timedelta(days=91 * k) for k in range(5)]
        return [
            {"period": f"Q{k + 1}", "period_start": days[k].isoformat(), "period_end": (days[k + 1] - timedelta(days=1)).isoformat()}
            for k in range(4)
        ]

    may, july = on(MAY), on(JULY)
    may["periods"], july["periods"] = quarters(date(2025, 12, 29)), quarters(date(2026, 1, 5))
    folder = imported(crm, may, july)
    assert prepare(folder, as_of=MAY, teach=False).company.fiscal_year(MAY).start == date(2025, 12, 29)
    assert prepare(folder, teach=False).company.fiscal_year(JULY).start == date(2026, 1, 5)


def test_a_companys_own_stage_history_is_not_replaced(crm):
    versions = []
    for day, stage in ((MAY, "Qualify"), (JULY, "Propose")):
        tables = on(day, deals=[moved(stage, next_step=stage)])
        tables["stage_history"] = [{"opportunity_id": "D050", "stage": "Develop", "entered_date": "2026-06-03", "amount": "700"}]
        versions.append(tables)
    folder = imported(crm, *versions)
    row = read(folder, "opportunities", JUNE).set_index("opportunity_id").loc["D050"]
    assert row[["stage", "amount", "next_step"]].tolist() == ["Develop", 700.0, "Qualify"]
    assert len(read(folder, "stage_history")) == 1


def _path(rng, first):
    """One deal's true life: day of each change, then whether and when it closes."""
    days = sorted(rng.sample(range(first, first + 80), 4))
    return {"stages": list(zip(days, STAGES, strict=True)), "closed": days[-1] + rng.randrange(5, 30) if rng.random() < 0.7 else 999}


def test_weekly_imports_rebuild_the_stages_that_a_crm_forgets(crm):
    rng, start = random.Random(5), date(2026, 1, 1)
    lives = {f"D{n:03}": _path(rng, rng.randrange(40)) for n in range(30)}
    weeks = range(6, 130, 7)
    for week in weeks:
        rows = [deal(900, created_date="2025-12-01", close_date="2025-12-20")]
        for name, life in lives.items():
            passed = [stage for day, stage in life["stages"] if day <= week]
            if passed:
                row = open_deal(0, opportunity_id=name, created_date=(start + timedelta(life["stages"][0][0])).isoformat(), stage=passed[-1])
                if life["closed"] <= week:
                    row |= {"outcome": "Won", "stage": "Close", "close_date": (start + timedelta(life["closed"])).isoformat()}
                rows.append(row)
        tables = small_tables() | {"opportunities": rows, "orders": [order(1, order_date=(start + timedelta(week)).isoformat())]}
        folder = crm(tables)
        prepare(folder, teach=False)
    prepared = prepare(folder, teach=False)
    built = prepared.read("stage_history")
    late = [
        (row.entered_date.date() - start).days - dict((s, d) for d, s in lives[row.opportunity_id]["stages"])[row.stage]
        for row in built.itertuples()
    ]
    assert len(late) > 60
    assert min(late) >= 0
    assert max(late) <= 6  # a change is dated to the next import
    for name, life in lives.items():  # and each state that stood on the day of an import is there
        held = {[s for d, s in life["stages"] if d <= week][-1] for week in weeks if life["stages"][0][0] <= week < life["closed"]}
        assert held == set(built.loc[built["opportunity_id"] == name, "stage"])
    (said,) = prepared.remarks
    assert said.startswith(f"Stages and owners on earlier days come from {len(weeks)} imports since 7 Jan 2026")

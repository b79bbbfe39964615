"""Step 2: stages, evidence against chance, and the health of the pipeline."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Answer
from workbook_helpers.steps import pipeline_health, stage_rates, swot, swot_cases, swot_outside

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
STAGES = ("Qualify", "Propose", "Close")
COMPANY = type("Settings", (), {"stages": STAGES})


def make_path(reached, rep_id="R1", days_ago=300):
    """Deals that reached these stages (won: all), and their history; entered on the day of creation and after."""
    n = len(reached)
    deals = pd.DataFrame({
        "opportunity_id": [f"{rep_id}-{i:03}" for i in range(n)], "rep_id": rep_id, "account_id": "A",
        "status": ["won" if r == "won" else "lost" for r in reached], "amount": 10.0,
        "created_date": DAY - pd.Timedelta(days=days_ago), "close_date": DAY - pd.Timedelta(days=days_ago - 30),
    })  # fmt: skip
    rows = []
    for deal, stage in zip(deals["opportunity_id"], reached, strict=True):
        for k, name in enumerate(STAGES[: len(STAGES) if stage == "won" else STAGES.index(stage) + 1]):
            rows.append((deal, name, DAY - pd.Timedelta(days=days_ago - 5 * k)))
    return deals, pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_date"])


def make_pipeline():
    return pd.DataFrame({
        "opportunity_id": ["a", "b", "c"], "account_id": ["A", "B", "C"], "status": "open", "stage": "Propose",
        "amount": [100.0, 50.0, np.nan], "created_date": DAY - pd.Timedelta(days=90), "state_known": True,
        "close_date": [DAY - pd.Timedelta(days=1), DAY, pd.NaT], "next_step": [None, "call", "call"],
    })  # fmt: skip


def test_stage_conversion_by_hand():
    deals, history = make_path(["won"] * 4 + ["Propose"] * 4 + ["Qualify"] * 2)
    answer = stage_rates.summarise_stage_conversion(opportunities=deals, stage_history=history, stages=STAGES, as_of=AS_OF)
    assert answer.table[["label", "hits_n", "cases_n"]].values.tolist() == [
        ["Qualify", 8, 10],
        ["Propose", 4, 8],
        ["Close", 4, 4],
    ]
    assert answer.table["rate_share"].tolist()[:2] == [0.8, 0.5] and np.isnan(answer.table["rate_share"].iloc[2])
    assert answer.notes["leak"] is None


def test_deals_that_skip_a_stage_passed_it_and_young_or_later_ones_do_not_count():
    deals, history = make_path(["won"] * 3 + ["Close"] * 3)
    skipped = history[history["stage"] != "Propose"]
    answer = stage_rates.summarise_stage_conversion(opportunities=deals, stage_history=skipped, stages=STAGES, as_of=AS_OF)
    assert answer.table["cases_n"].tolist() == [6, 6, 6] and answer.table["hits_n"].tolist() == [6, 6, 3]
    young, entries = make_path(["Qualify"] * 20, rep_id="R9", days_ago=29)
    later = entries.assign(entered_date=DAY + pd.Timedelta(days=1), stage="Close")
    both = stage_rates.summarise_stage_conversion(
        opportunities=pd.concat([deals, young.assign(status="open")]),
        stage_history=pd.concat([skipped, entries, later]),
        stages=STAGES, as_of=AS_OF,
    )  # fmt: skip
    pd.testing.assert_frame_equal(both.table, answer.table)


def test_without_history_or_stages_the_stage_rates_are_withheld():
    deals, history = make_path(["won"] * 9)
    given = {"opportunities": deals, "as_of": AS_OF}
    assert stage_rates.summarise_stage_conversion(**given, stage_history=None, stages=STAGES).withheld.startswith(
        "it needs table stage"
    )
    assert "stages" in stage_rates.summarise_stage_conversion(**given, stage_history=history, stages=()).withheld
    assert stage_rates.summarise_stage_rates(**given, stage_history=None, period=None, company=COMPANY).empty


def make_team(rates, n=60):
    parts = [
        make_path(["won"] * round(n * r) + ["Propose"] * (n - round(n * r)), rep_id=f"R{k}")
        for k, r in enumerate(rates)
    ]
    deals, history = (pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True))
    rates = stage_rates.summarise_stage_rates(
        opportunities=deals, stage_history=history, as_of=AS_OF, period=None, company=COMPANY
    )
    return parts, rates


def test_a_leaking_stage_becomes_a_weakness_and_an_ordinary_rep_gets_no_line():
    parts, rates = make_team([0.2, 0.6, 0.6, 0.62, 0.58, 0.6])
    nothing = Answer("1.5", withheld="no deals")
    found = []
    for deals, history in (parts[0], parts[3]):
        stages = stage_rates.summarise_stage_conversion(
            opportunities=deals, stage_history=history, stages=STAGES, as_of=AS_OF, stage_rates=rates
        )
        evidence = swot.rank_evidence(wins=nothing, stages=stages, mean_won_amount=1000.0)
        found.append(
            (stages, swot.summarise_weaknesses(evidence=evidence), swot.summarise_strengths(evidence=evidence))
        )
    (leaking, weak, strong), (_, ordinary, also) = found
    assert leaking.notes["leak"] == "Propose" and weak.table["label"].tolist() == ["Propose"]
    line = weak.measures[0]
    assert line.cut == {"measure": "stage_conversion", "stage": "Propose"} and line.value > 0 and strong.table.empty
    assert ordinary.table.empty and also.table.empty and ordinary.notes["tested_n"] > 0


def test_the_team_learns_how_long_won_deals_stay():
    _, rates = make_team([0.5] * 5)
    assert rates.set_index("label")["won_days"].to_dict() == {"Qualify": 5.0, "Propose": 5.0, "Close": 20.0}
    assert (rates["reps_n"] == 5).all()


def make_wins(hits, cases, team_hits, team_cases):
    rows = pd.DataFrame({
        "cut": ["all"] + ["industry"] * len(hits), "label": ["all", *(f"I{i}" for i in range(len(hits)))],
        "hits_n": [float(sum(hits)), *map(float, hits)], "cases_n": [float(sum(cases)), *map(float, cases)],
        "team_hits_n": [float(sum(team_hits)), *map(float, team_hits)],
        "team_cases_n": [float(sum(team_cases)), *map(float, team_cases)], "strength": 100.0, "main_share": 0.1,
    })  # fmt: skip
    rows["rate_share"], rows["team_share"] = (
        rows["hits_n"] / rows["cases_n"],
        rows["team_hits_n"] / rows["team_cases_n"],
    )
    return Answer(
        "1.5", rows.assign(won_amount=rows["hits_n"] * 100, shrunk_share=rows["rate_share"]), notes={"years": 3.0}
    )


def test_a_rep_who_wins_more_everywhere_gets_no_line_per_segment():
    stages = Answer("1.5", withheld="no history")
    wins = make_wins([60, 60, 60], [100, 100, 100], [300, 300, 300], [1000, 1000, 1000])
    evidence = swot.rank_evidence(wins=wins, stages=stages, mean_won_amount=None)
    lines = swot.summarise_strengths(evidence=evidence).table
    assert set(lines["cut"]) <= {"all"} and evidence["q_value"].between(0, 1).all()


def test_a_real_segment_strength_is_found_and_priced_by_the_shrunk_rate():
    stages = Answer("1.5", withheld="no history")
    wins = make_wins([70, 30, 30], [100, 100, 100], [300, 300, 300], [1000, 1000, 1000])
    evidence = swot.rank_evidence(wins=wins, stages=stages, mean_won_amount=None)
    assert swot.summarise_weaknesses(evidence=evidence).table.empty  # one strong segment makes the others no weaker
    row = swot.summarise_strengths(evidence=evidence).table.set_index("label").loc["I0"]
    assert row["expected_share"] < row["shrunk_share"] < row["rate_share"]
    assert row["amount"] == pytest.approx((row["shrunk_share"] - row["expected_share"]) * 100 / 3 * 100)


def test_under_shuffled_labels_hardly_any_rep_sees_a_line():
    rng = np.random.default_rng(5)
    stages, seen, reps = Answer("1.5", withheld="no history"), 0, 200
    for _ in range(reps):
        cases = rng.integers(10, 40, 12)
        wins = make_wins(rng.binomial(cases, 0.3), cases, rng.binomial(cases * 20, 0.3), cases * 20)
        seen += (swot.rank_evidence(wins=wins, stages=stages, mean_won_amount=100.0)["q_value"] <= 0.05).any()
    assert seen / reps <= 0.07


def test_without_a_team_there_is_no_evidence():
    wins = make_wins([9, 9], [20, 20], [0, 0], [0, 0])
    evidence = swot.rank_evidence(wins=wins, stages=Answer("1.5", withheld="no"), mean_won_amount=1.0)
    assert evidence.empty and "no team" in swot.summarise_strengths(evidence=evidence).withheld


def test_pipeline_by_hand():
    deals = make_pipeline()
    before = deals.copy()
    touches = pd.DataFrame(
        {
            "opportunity_id": [None, "b"],
            "account_id": ["A", "B"],
            "activity_date": [DAY - pd.Timedelta(days=30), DAY + pd.Timedelta(days=1)],
        }
    )
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, activities=touches)
    money = {m.id: m.value for m in answer.measures}
    assert money == {"open_deals": 3, "open_amount": 150.0, "overdue_amount": 100.0, "no_next_step_amount": 100.0,
                     "untouched_amount": 50.0, "old_amount": None, "pushed_amount": None}  # fmt: skip
    flags = answer.table.set_index("opportunity_id")
    assert flags.loc["a", "untouched"] == 0 and flags.loc["b", "untouched"] == 1 and np.isnan(flags.loc["c", "overdue"])
    pd.testing.assert_frame_equal(deals, before)
    assert values(pipeline_health.summarise_pipeline(opportunities=deals[::-1], as_of=AS_OF, activities=touches)) == values(answer)


def test_a_touch_of_deal_or_account_counts_and_also_where_the_creation_is_not_known():
    deals = make_pipeline().assign(created_date=[pd.NaT, pd.NaT, DAY - pd.Timedelta(days=99)])
    touches = pd.DataFrame({"opportunity_id": ["a", None, "x"], "account_id": [None, "C", None], "activity_date": DAY})
    flags = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, activities=touches).table.set_index("opportunity_id")
    assert flags["untouched"].fillna(-1).to_dict() == {"a": 0.0, "b": -1.0, "c": 0.0}


def values(answer):
    return {m.id: (m.value, m.n, m.withheld) for m in answer.measures}


def test_a_pushed_date_and_an_old_deal_are_seen_in_the_history():
    deals = make_pipeline()
    history = pd.DataFrame({
        "opportunity_id": ["a", "a", "b", "b"], "stage": ["Qualify", "Propose"] * 2,
        "entered_date": [DAY - pd.Timedelta(days=d) for d in (80, 40, 80, 5)],
        "close_date": [DAY, DAY + pd.Timedelta(days=9), DAY, DAY],
    })  # fmt: skip
    _, rates = make_team([0.5] * 5)
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, stage_history=history, stage_rates=rates)
    flags = answer.table.set_index("opportunity_id")
    assert flags["pushed"].to_dict() == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert flags.loc["a", "old"] == 1 and flags.loc["b", "old"] == 0


def test_a_past_day_claims_nothing_about_what_it_cannot_know():
    deals = make_pipeline().assign(state_known=False, close_date=pd.NaT, next_step=None)
    deals["close_date"] = pd.to_datetime(deals["close_date"])
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF)
    assert (
        answer["overdue_amount"].withheld
        and answer["no_next_step_amount"].withheld
        and answer["open_amount"].value == 150.0
    )


def test_no_open_deal_is_zero_and_no_table_a_reason():
    deals = make_pipeline().assign(status="won")
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF)
    assert [answer[i].value for i in ("open_deals", "open_amount", "overdue_amount")] == [0, 0, 0]
    assert all(m.withheld for m in pipeline_health.summarise_pipeline(opportunities=None, as_of=AS_OF).measures)


# --- Measures beside the win rate ----------------------------------------------------------------------------------------

SETTINGS = SimpleNamespace(segments=("industry",))


def make_book(rep, sizes, *, industry="Clinic", start=0):
    """Won deals of a rep, one per account, of these amounts."""
    n = len(sizes)
    names = [f"{rep}-{start + i:03}" for i in range(n)]
    deals = pd.DataFrame({"opportunity_id": names, "rep_id": rep, "account_id": names, "status": "won", "amount": np.asarray(sizes, float),
                          "created_date": DAY - pd.Timedelta(days=40), "close_date": DAY - pd.Timedelta(days=9)})  # fmt: skip
    return deals, pd.DataFrame({"rep_id": rep, "account_id": names, "industry": industry})


def compare_books(books, rep):
    """values of one rep beside the team."""
    deals, accounts = (pd.concat(frames, ignore_index=True) for frames in zip(*books, strict=True))
    given = {"account_sales": None, "products": None, "as_of": AS_OF}
    team = swot_cases.learn_measure_values(opportunities=deals, accounts=accounts, period=None, company=SETTINGS, **given)
    cases = swot_cases.list_cases(opportunities=deals[deals["rep_id"] == rep], accounts=accounts[accounts["rep_id"] == rep],
                                  activities=None, segments=SETTINGS.segments, **given)  # fmt: skip
    return team, swot_cases.compare_values(cases=cases, measure_values=team)


def sizes_of(seed, level=9.0, n=20):
    return np.random.default_rng(seed).lognormal(level, 0.4, n)


def test_the_team_beside_a_rep_is_the_team_without_the_rep():
    books = [make_book(f"R{k}", sizes_of(k)) for k in range(6)]
    _, beside = compare_books(books, "R0")
    row = beside.table[(beside.table["measure"] == "won_deal_amount") & (beside.table["cut"] == "industry")].iloc[0]
    others = np.log(np.concatenate([books[k][0]["amount"] for k in range(1, 6)]))
    assert row["team_n"] == 100 and row["team_mean"] == pytest.approx(others.mean())
    within = sum(((x := np.log(books[k][0]["amount"])) - x.mean()).pow(2).sum() for k in range(1, 6))
    assert row["team_squares"] == pytest.approx(within, abs=1e-6) and row["team_spare"] == 95


def test_larger_deals_in_one_segment_are_a_strength_there_and_not_elsewhere():
    books = [make_book(f"R{k}", sizes_of(k)) for k in range(6)]
    books += [make_book(f"R{k}", sizes_of(50 + k), industry="Lab", start=100) for k in range(1, 6)]
    books.append(make_book("R0", sizes_of(50, level=10.2), industry="Lab", start=100))
    _, beside = compare_books(books, "R0")
    none = Answer("1.5", withheld="no deals")
    evidence = swot.rank_evidence(wins=none, stages=none, mean_won_amount=None, values=beside)
    strengths = swot.summarise_strengths(evidence=evidence)
    assert set(strengths.table["evidence"]) == {"won_deal_amount", "won_deal_amount[industry=Lab]"} and strengths.measures[0].value > 0
    assert swot.summarise_weaknesses(evidence=evidence).table.empty


def test_one_account_with_many_deals_stands_as_one_case():
    books = [make_book(f"R{k}", sizes_of(k)) for k in range(6)]
    deals, accounts = books[0]
    again = pd.concat([deals, *(deals.head(1).assign(opportunity_id=f"again{i}") for i in range(30))], ignore_index=True)
    one, many = (compare_books([book, *books[1:]], "R0")[1].table for book in ((deals, accounts), (again, accounts)))
    pd.testing.assert_frame_equal(one.drop(columns="base_amount"), many.drop(columns="base_amount"))


def test_cases_do_not_hang_on_the_order_of_rows_and_change_nothing():
    deals, accounts = make_book("R0", sizes_of(1))
    touches = pd.DataFrame({"opportunity_id": deals["opportunity_id"].repeat(2).to_numpy(), "activity_type": ["call", "visit"] * len(deals),
                            "activity_date": DAY - pd.Timedelta(days=20), "team": "sales"})  # fmt: skip
    given = {"account_sales": None, "products": None, "segments": ("industry",), "as_of": AS_OF}
    before = deals.copy()
    first = swot_cases.list_cases(opportunities=deals, accounts=accounts, activities=touches, **given)
    second = swot_cases.list_cases(opportunities=deals[::-1], accounts=accounts[::-1], activities=touches[::-1], **given)
    pd.testing.assert_frame_equal(first.values, second.values)
    pd.testing.assert_frame_equal(deals, before)
    assert set(first.hits["label"]) == {"call"}  # level: the first by name


def test_customers_kept_are_those_who_bought_again():
    who = pd.DataFrame({"rep_id": "R0", "account_id": list("abc"), "industry": "X"})
    sales = pd.DataFrame({"rep_id": "R0", "account_id": ["a", "b", "c", "a"], "amount": 9.0,
                          "sale_date": [DAY - pd.Timedelta(days=d) for d in (720, 500, 500, 5)]})  # fmt: skip
    cases = swot_cases.list_cases(opportunities=None, accounts=who, account_sales=sales, activities=None, products=None,
                                  segments=("industry",), as_of=AS_OF)  # fmt: skip
    kept = cases.hits[(cases.hits["measure"] == "kept_customers") & (cases.hits["cut"] == "all")]
    assert kept["hit"].tolist() == [True, False, False]


# --- What the rep said ---------------------------------------------------------------------------------------------------


def make_line(**more):
    line = {"evidence": "win_rate[industry=X]", "own_value": 0.4, "low_value": 0.3, "high_value": 0.5, "amount": 9.0}
    return Answer("2.1", pd.DataFrame([line | more]), notes={"looked": ("win_rate[industry=X]", "win_rate[industry=Y]")})


def make_verdict(**more):
    verdict = {"quadrant": "strength", "evidence": "win_rate[industry=X]", "evidence_value": None, "verdict": "accepted", "text": "Mine"}
    return SimpleNamespace(**verdict | more)


def judge(said, lines=None):
    return swot.judge_lines(lines=lines or make_line(), value="own_value", said=said, quadrant="strength")


def test_a_rejected_line_leaves_the_table_and_is_named():
    judged = judge([make_verdict(verdict="rejected")])
    assert judged.table.empty and judged.notes["rejected"] == ("Mine",)


def test_an_edited_line_has_the_reps_words_and_an_accepted_one_ours():
    assert judge([make_verdict(verdict="edited")]).table["said"].tolist() == ["Mine"]
    assert judge([make_verdict()]).table[["verdict", "said", "mark"]].values.tolist() == [["accepted", "", ""]]


@pytest.mark.parametrize(("then", "mark"), [(0.45, ""), (0.55, "changed"), (None, "")])
def test_a_verdict_is_marked_when_its_figure_left_the_interval(then, mark):
    assert judge([make_verdict(evidence_value=then)]).table["mark"].tolist() == [mark]


@pytest.mark.parametrize(("then", "mark"), [(0.45, "changed"), (None, "not shown")])
def test_a_line_whose_evidence_no_longer_stands_is_the_reps_own_and_marked(then, mark):
    judged = judge([make_verdict(evidence="win_rate[industry=Y]", evidence_value=then)])
    own = judged.table[judged.table["origin"] == "rep"]
    assert own[["said", "cut", "label", "mark"]].values.tolist() == [["Mine", "industry", "Y", mark]]


def test_lines_of_other_quadrants_and_own_lines_without_evidence_are_kept_apart():
    judged = judge([make_verdict(quadrant="threat"), make_verdict(evidence="", text="Own")])
    assert judged.table["origin"].tolist() == ["data", "rep"] and judged.table["mark"].tolist() == ["", ""]


# --- Opportunities and threats -------------------------------------------------------------------------------------------

NOTHING = Answer("x", withheld="no")


def make_accounts(n=20):
    return pd.DataFrame({
        "account_id": [f"A{i:02}" for i in range(n)], "account_name": [f"Name {i}" for i in range(n)], "rep_id": "R0",
        "industry": ["Clinic", "Lab"] * (n // 2), "potential_amount": 100.0, "white_space_amount": 50.0, "last_date": DAY, "last_touch_date": DAY,
    })  # fmt: skip


def test_a_segment_with_fewer_touches_than_potential_is_an_opportunity():
    accounts = make_accounts()
    n = np.where(accounts["industry"] == "Clinic", 9, 1)
    touches = pd.DataFrame({"account_id": accounts["account_id"].repeat(n), "activity_date": DAY})
    answer = swot_outside.rank_opportunities(accounts=accounts, activities=touches, columns=["industry"], as_of=AS_OF)
    row = answer.table.iloc[0]
    assert answer.table["evidence"].tolist() == ["coverage[industry=Lab]"]
    assert (row["share"], row["other_share"], row["amount"]) == (0.5, 0.1, 500.0)
    even = touches.drop_duplicates().loc[lambda t: t.index.repeat(4)]
    assert swot_outside.rank_opportunities(accounts=accounts, activities=even, columns=["industry"], as_of=AS_OF).table.empty


def test_accounts_left_alone_are_an_opportunity_once():
    accounts = make_accounts().assign(city=["X", "Y"] * 10)
    accounts.loc[accounts["industry"] == "Lab", ["last_date", "last_touch_date"]] = pd.NaT
    answer = swot_outside.rank_opportunities(accounts=accounts, activities=None, columns=["industry"], as_of=AS_OF)
    assert len(answer.table) == 1 and answer.table["amount"].tolist() == [500.0] and answer["idle_white_space"].value == 500.0


def test_a_growing_segment_of_the_team_is_an_opportunity_where_the_book_has_it():
    growth = pd.DataFrame({"cut": "industry", "label": ["Lab", "Clinic", "Else"], "growth_share": [0.4, -0.1, 0.5],
                           "rest_growth_share": [0.0, 0.2, 0.0], "q_value": 0.01})  # fmt: skip
    answer = swot_outside.rank_opportunities(accounts=make_accounts(), activities=None, columns=["industry"], as_of=AS_OF, growth=growth)
    assert answer.table[["evidence", "share", "n"]].values.tolist() == [["growth[industry=Lab]", 0.4, 10]]


def make_rivalry(rates, *, on_won=True, n=100):
    """Closed deals of reps; rates: how often each meets rival Z; it wins nine in ten of those."""
    parts = []
    for rep, rate in enumerate(rates):
        named = np.arange(n) < rate * n
        won = np.where(named, (np.arange(n) % 10 == 0) & on_won, np.arange(n) % 2 == 0)
        parts.append(pd.DataFrame({"opportunity_id": [f"R{rep}-{i:03}" for i in range(n)], "rep_id": f"R{rep}", "status": np.where(won, "won", "lost"),
                                   "amount": 10.0, "account_id": f"K{rep}", "competitor": np.where(won & (not on_won), None, np.where(named, "Z", np.where(np.arange(n) % 3 == 0, "Y", None))),
                                   "close_date": DAY - pd.Timedelta(days=9)}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def rank_rivals(deals, rep):
    rivals = swot_outside.learn_rivals(opportunities=deals, as_of=AS_OF)
    who = pd.DataFrame({"account_id": [f"K{rep}"], "region": ["OH"]})
    return swot_outside.rank_threats(opportunities=deals[deals["rep_id"] == f"R{rep}"], accounts=who, columns=[], as_of=AS_OF, rivals=rivals,
                                     retention=NOTHING, concentration=NOTHING, pipeline=NOTHING)  # fmt: skip


def test_a_rival_met_far_more_often_here_is_a_threat_here_alone():
    deals = make_rivalry([0.5] + [0.08] * 9)
    row = rank_rivals(deals, 0).table.iloc[0]
    assert (row["evidence"], row["where"], row["share"], row["won_share"]) == ("competitor[Z]", "OH", 0.5, 0.1)
    assert not row["lost_only"] and row["amount"] > 0 and rank_rivals(deals, 1).table.empty


def test_a_rival_noted_on_lost_deals_only_is_told_by_how_often():
    row = rank_rivals(make_rivalry([0.5] + [0.08] * 9, on_won=False), 0).table.iloc[0]
    assert row["lost_only"] and row["value"] == pytest.approx(50 / 75)


def test_threats_gather_what_is_known():
    large = Answer("1.8", pd.DataFrame({"customer_id": ["b", "s"], "account_name": ["Big", "Small"], "share": [0.9, 0.1], "amount": [9.0, 1.0]}))
    leaving = Answer("1.9", pd.DataFrame({"customer_id": ["x"], "account_name": ["X"], "sign": "silent", "at_stake_amount": [5.0]}))
    deals = make_pipeline()
    pipeline = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF)
    threats = swot_outside.rank_threats(opportunities=deals, accounts=None, columns=[], as_of=AS_OF, rivals=None, retention=leaving,
                                        concentration=large, pipeline=pipeline)  # fmt: skip
    assert threats.table[["kind", "amount"]].values.tolist() == [["slipping", 100.0], ["dependence", 9.0], ["silent", 5.0]]
    assert [m.value for m in threats.measures] == [100.0, 9.0, 5.0]


def test_a_deal_whose_date_was_moved_since_its_last_entry_is_pushed():
    deals = make_pipeline().head(1)
    history = pd.DataFrame({"opportunity_id": ["a"], "stage": "Qualify", "entered_date": DAY - pd.Timedelta(days=80), "close_date": DAY - pd.Timedelta(days=40)})
    table = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, stage_history=history).table
    assert table["pushes_n"].tolist() == [1.0] and table["pushed"].tolist() == [1.0]

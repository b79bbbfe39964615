"""Step 1, the win model: what it may read, what it must not, and that its arithmetic is the same everywhere."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.steps import win_model

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
COMPANY = type("Settings", (), {"stages": ("Qualify", "Close"), "segments": ("industry",)})


def make_team(n=1_200, *, effect=1.2, seed=1, reps=12):
    """Deals of a team over three years; those from Referral are won more often by the effect (log-odds)."""
    rng = np.random.default_rng(seed)
    source = np.array(["Referral", "Web", "Call"], dtype=object)[rng.integers(3, size=n)]
    created = DAY - pd.to_timedelta(rng.integers(1, 1_095, n), "D")
    closed = created + pd.to_timedelta(rng.integers(20, 160, n), "D")
    won = rng.random(n) < 1 / (1 + np.exp(1.0 - effect * (source == "Referral")))
    return pd.DataFrame({
        "opportunity_id": [f"D{i:05}" for i in range(n)], "account_id": [f"A{i % 50}" for i in range(n)],
        "rep_id": [f"R{i % reps}" for i in range(n)], "created_date": created, "close_date": closed, "kind": "new", "lead_source": source,
        "status": np.where(closed > DAY, "open", np.where(won, "won", "lost")), "amount": 1_000.0,
    })  # fmt: skip


def learn(deals, history=None, accounts=None):
    given = {"opportunities": deals, "accounts": accounts, "stage_history": history, "as_of": AS_OF, "period": None, "company": COMPANY}
    return win_model.learn_win_traits(**given), win_model.learn_win_model(**given)


@pytest.fixture(scope="module")
def team():
    return make_team()


@pytest.fixture(scope="module")
def learned(team):
    return learn(team)


def check(model):
    return model[model["part"] == "check"].set_index("label")["value"]


def test_a_trait_that_goes_with_winning_is_found_and_its_model_used(learned):
    traits, model = learned
    row = traits.set_index("label").loc["Referral"]
    assert row["low_effect_share"] < 0.26 < row["high_effect_share"] and row["q_value"] < 0.01
    assert check(model)["used"] == 1 and check(model)["brier"] < check(model)["base_brier"]


def test_traits_that_mean_nothing_are_not_used():
    traits, model = learn(make_team(effect=0.0, seed=3))
    assert (traits["q_value"] > 0.05).all() and check(model)["used"] == 0


def test_the_order_of_rows_and_what_open_deals_become_change_nothing(team, learned):
    is_open = team["status"] == "open"
    changed = team.assign(close_date=team["close_date"].mask(is_open, DAY + pd.Timedelta(days=900)), amount=5.0)
    before = changed.copy()
    for table, again in zip(learned, learn(changed.sample(frac=1, random_state=2)), strict=True):
        pd.testing.assert_frame_equal(table, again)
    pd.testing.assert_frame_equal(changed, before)


def test_rows_after_the_horizon_are_left_out(team):
    deals = win_model.describe_deals(opportunities=team, accounts=None, columns=())
    rows = win_model.list_snapshots(deals, None, stages=(), as_of=AS_OF, horizon_days=100)
    assert (rows["created_date"] <= rows["snapshot_date"]).all() and (rows["close_date"] > rows["snapshot_date"]).all()
    late = rows[rows["known_date"] > DAY]
    assert len(late) and not late.merge(rows[rows["known_date"] <= DAY], on=["opportunity_id", "snapshot_date"]).size


def test_stage_and_amount_are_those_of_the_day_and_not_of_today(team):
    deals = team.head(1).assign(created_date=pd.Timestamp("2026-01-01"), close_date=pd.Timestamp("2026-08-01"), status="won")
    days = pd.to_datetime(["2026-01-01", "2026-05-01", "2026-07-15"])
    history = pd.DataFrame({"opportunity_id": "D00000", "stage": ["Qualify", "Close", "Close"], "entered_date": days, "amount": [10.0, None, 99.0]})
    history = pd.concat([history, history])  # a deal of two credited reps has its history twice
    rows = win_model.list_snapshots(
        pd.concat([win_model.describe_deals(opportunities=deals, accounts=None, columns=()),
                   win_model.describe_deals(opportunities=team.iloc[[5]].assign(close_date=pd.Timestamp("2026-01-02"), status="lost",
                                            created_date=pd.Timestamp("2026-01-01")), accounts=None, columns=())], ignore_index=True),
        history, stages=("Qualify", "Close"), as_of=AS_OF, horizon_days=60,
    )  # fmt: skip
    assert rows[["stage", "amount"]].values.tolist() == [["Qualify", 10.0], ["Close", 10.0]]
    assert rows["won"].tolist() == [False, True]


def test_a_field_that_the_end_writes_is_refused_and_said(team):
    noted = team.assign(competitor=np.where(team["status"] == "lost", "Z", None))
    _, model = learn(noted)
    refused = model[model["part"] == "refused"].set_index("cut")["label"]
    assert refused["competitor"].startswith("noted on 0 % of won, 100 % of lost") and {"stage", "amount"} <= set(refused.index)
    assert "competitor" not in set(model.loc[model["part"] == "weight", "cut"])
    accounts = pd.DataFrame({"account_id": [f"A{i}" for i in range(50)], "account_name": "x", "industry": ["I", "J"] * 25})
    _, with_accounts = learn(team, accounts=accounts)
    assert "industry" in set(with_accounts.loc[with_accounts["part"] == "weight", "cut"])


def test_firth_agrees_with_an_unpenalised_fit_where_there_are_many_deals(team):
    import statsmodels.api as sm

    decided = team[team["status"] != "open"].reset_index(drop=True)
    won = decided["status"].eq("won").to_numpy(float)
    design = np.column_stack([np.ones(len(decided)), decided["lead_source"].eq("Referral"), decided["lead_source"].eq("Web")]).astype(float)
    beta, left_out = win_model._fit_firth(design, won, pd.factorize(decided["rep_id"])[0])
    fit = sm.Logit(won, design).fit(disp=0)
    np.testing.assert_allclose(beta, fit.params, atol=0.02)
    exact = sm.Logit(won[decided["rep_id"] != "R0"], design[decided["rep_id"] != "R0"]).fit(disp=0).params
    np.testing.assert_allclose(left_out[0] - beta, exact - fit.params, atol=0.01)


def test_a_label_that_is_always_won_has_a_finite_effect():
    deals = make_team(600).assign(product=["X"] * 60 + ["Y"] * 540)
    deals.loc[deals["product"] == "X", "status"] = "won"
    decided = deals[deals["status"] != "open"].assign(won=lambda d: d["status"].eq("won"))
    row = win_model.estimate_trait_effects(decided, ["product", "lead_source"]).set_index("label").loc["X"]
    assert 0.4 < row["effect_share"] < 0.8 and np.isfinite(row[["low_effect_share", "high_effect_share"]].astype(float)).all()


def test_labels_of_few_deals_or_reps_are_taken_together():
    deals = make_team(600)
    deals["product"] = np.where(deals["rep_id"].isin(["R0", "R1"]), "two reps", np.where(deals.index < 20, "twenty deals", "common"))
    decided = deals[deals["status"] != "open"].assign(won=lambda d: d["status"].eq("won"))
    labels = win_model.estimate_trait_effects(decided, ["product"])["label"].tolist()
    assert labels == ["common"]


def test_the_chance_of_an_open_deal_is_arithmetic_on_what_the_team_stored(team, learned):
    _, model = learned
    stored = pd.DataFrame(model.astype(object).where(model.notna(), None).values.tolist(), columns=model.columns).infer_objects()
    own = team[team["rep_id"] == "R1"]
    given = {"accounts": None, "stage_history": None, "as_of": AS_OF}
    chances = win_model.estimate_win_chances(opportunities=own, win_model=stored, **given)
    assert set(chances["opportunity_id"]) == set(own.loc[own["status"] == "open", "opportunity_id"])
    assert chances["probability"].between(0, 1).all() and chances["base_probability"].nunique() == 1
    source = own.set_index("opportunity_id")["lead_source"].reindex(chances["opportunity_id"]).to_numpy()
    assert chances.loc[source == "Referral", "probability"].min() > chances.loc[source != "Referral", "probability"].max() - 0.15
    apart = win_model.rank_apart(opportunities=own, win_model=stored, **given)
    assert apart.table["apart_share"].abs().is_monotonic_decreasing and apart.withheld is None
    assert win_model.rank_apart(opportunities=own, win_model=None, **given).withheld.startswith("it takes five reps")


def test_small_teams_and_short_histories_learn_nothing(team):
    assert all(table.empty for table in learn(team[team["rep_id"].isin(["R1", "R2"])]))
    assert all(table.empty for table in learn(team.head(100)))
    assert all(table.empty for table in learn(team[team["status"] == "open"]))
    assert all(table.empty for table in learn(None))


def test_a_deal_of_two_reps_counts_once_and_renewals_not_at_all(team):
    split = pd.concat([team.assign(credit_share=0.6), team.head(300).assign(credit_share=0.4, rep_id="R0")])
    renewals = team.head(300).assign(kind="renewal", opportunity_id="N" + team["opportunity_id"], credit_share=1.0, lead_source="Web", status="won")
    for table, again in zip(learn(team.assign(credit_share=0.6)), learn(pd.concat([split, renewals])), strict=True):
        pd.testing.assert_frame_equal(table, again)

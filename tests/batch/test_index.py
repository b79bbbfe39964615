"""The index: totals that close, three talks with reasons, every rep once, sorted and filtered without a script."""

import re
from html import unescape

import pytest
from test_report import HOSTILE, check_page

from workbook_helpers.batch.index import (
    LADDER,
    SHOWS,
    SORTS,
    choose_talks,
    list_changes,
    render_index,
    summarise_ladder,
)
from workbook_helpers.measure import total

UNITS = {"goal_probability": "share", "pace": "ratio"}


def fact(id, value, **more):
    return {
        "id": id,
        "value": value,
        "unit": UNITS.get(id, "money"),
        "withheld": None if value is not None else "no goal",
        "cut": None,
    } | more


def make_rep(n, *, text=None, kind="rep", status="done", **changes):
    """A rep whose facts follow from ``n``; changes replace values of facts or keys of the rep."""
    goal = 1_000_000.0 + 12_345.67 * n
    values = {
        "booked_amount": 0.4 * goal + 0.01, "flow_amount": 0.1 * goal, "likely_amount": 0.1 * goal,
        "stretch_amount": 0.1 * goal, "unidentified_amount": 0.3 * goal, "expected_gap": 0.35 * goal,
        "goal": goal, "quota": goal, "open_amount": 0.3 * goal,
        "goal_probability": 0.6, "pace": 0.97, "revenue": 0.5 * goal,
    }  # fmt: skip
    values |= {k: v for k, v in changes.items() if k in values}
    facts = {k: fact(k, v) for k, v in values.items()}
    facts["forecast"] = fact("forecast", 0.9 * goal, low=0.8 * goal, high=goal, level=0.8)
    rep = {
        "rep_id": f"R{n:03}", "rep_name": text or f"Rep {n}", "role": text or "hunter", "team": text or "North",
        "manager": text or f"Manager {n % 3}", "kind": kind, "folder": f"rep-{n}", "status": status,
        "reason": (text or "the notebook stopped") if status == "failed" else None, "tenure_days": 90 * n,
        "plan": {"exists": True, "complete_share": 0.8, "age_days": 40, "signed_by": [text or "rep"]},
        "facts": facts if status == "done" else {},
        "card": {"question": text or "What is the next step?", "behaviours": text or "9 of 12 calls a week",
                 "promises": text or "3 of 4 promises kept"},
    }  # fmt: skip
    return rep | {k: v for k, v in changes.items() if k in rep}


def make_reps(n=12):
    kinds = {1: "house", 2: "vacant", 3: "leaver", 4: "manager"}
    reps = [make_rep(i, kind=kinds.get(i, "rep")) for i in range(n)]
    return [*reps, make_rep(n, status="failed"), make_rep(n + 1, status="not_asked")]


def make_team(text="Rep 12", **changes):
    forecast = fact("forecast", 11_000_000.0, low=10_000_000.0, high=12_000_000.0, level=0.8)
    measures = {"forecast": forecast, "goal_probability": fact("goal_probability", 0.4)}
    nobody = {"rows_n": 12, "amount": 3400.0}
    team = {"measures": measures, "target": 12e6, "over_assignment": 0.07, "nobody": nobody, "missing": [text]}
    return team | changes


def make_run(text="Harbor Supply", previous=None):
    light = {"rows_used": 123456, "set_aside_n": 30, "set_aside_amount": 9500.0, "findings_n": 4}
    return {"company": text, "currency": "USD", "as_of": "2026-09-30", "days_left": 92, "remarks": [text],
            "previous": previous, "data_light": light}  # fmt: skip


def render(reps=None, team=None, **run):
    return render_index(run=make_run(**run), reps=make_reps() if reps is None else reps, team=team or make_team())


def test_the_page_is_safe_and_in_order():
    page = render()
    check_page(page)
    places = ["30 Sep 2026</strong>", 'id="failures"', "12 rows that were set aside belong to nobody, 3,400 USD"]
    places += [f'id="{part}"' for part in ("ladder", "landing", "changes", "talks", "people")]
    found = [page.index(place) for place in places]
    assert found == sorted(found)


def test_totals_are_the_sums_of_the_facts_to_the_cent():
    reps = make_reps()
    page = render(reps)
    done = [r for r in reps if r["status"] == "done"]
    for step in [*(step for step, _ in LADDER), "goal", "quota"]:
        printed = [float(v) for v in re.findall(rf'data-sum="{step}"><data value="([^"]+)"', page)]
        assert len(printed) == 6  # reps, managers, house, vacant, leavers, together
        assert printed[-1] == round(total(r["facts"][step]["value"] for r in done), 2)
        assert abs(sum(printed[:-1]) - printed[-1]) < 0.03  # each row is itself rounded to the cent
        rows = [row["sums"][step] for row in summarise_ladder(reps)]
        assert total(rows[:-1]) == rows[-1]


def test_every_rep_has_one_line_and_a_link_to_what_there_is():
    page = render()
    body = page[page.index('<tbody class="people"') :]
    assert body.count('<tr role="row"') == 14
    assert 'href="rep-5/report.html"' in body and 'href="rep-12/failed.html"' in body and "rep-13/" not in body
    assert "report failed" in body and "not asked for in this run" in body and "House accounts" in body
    assert "11 of 14" not in page and "12 of 14 reports made; 1 report failed; 1 not asked for in this run." in page
    assert "not in them: Rep 12" in page


def test_the_default_order_is_money_at_stake_and_every_sort_ranks_every_rep():
    reps = make_reps()
    reps[7]["facts"]["expected_gap"]["value"] = 9e6
    page = render(reps)
    names = re.findall(r"<th role=\"rowheader\">.*?<bdi>(.*?)</bdi>", page)
    assert names[:2] == ["Rep 7", "Rep 11"] and names[-6:-4] == ["Rep 12", "Rep 13"]
    assert set(names[-4:]) == {"Rep 1", "Rep 2", "Rep 3", "Rep 4"}  # house, vacant, leaver, manager
    for key, _ in SORTS:
        ranks = [int(r) for r in re.findall(rf"--{key}:(\d+);", page)]
        assert sorted(ranks) == list(range(14))
        assert f'id="sort-{key}"' in page
        assert key == "stake" or f"#sort-{key}:checked" in page
    for key, _ in SHOWS[1:]:
        assert f'id="show-{key}"' in page and f"#show-{key}:checked" in page
    assert page.count('name="manager"') == 4


def test_the_order_of_the_reps_does_not_matter():
    reps = make_reps()
    assert render(reps) == render(reps[::-1])


def test_three_talks_each_for_another_reason():
    reps = [
        make_rep(5, unidentified_amount=900_000.0),
        make_rep(6, goal_probability=0.2, expected_gap=500_000.0),
        make_rep(7, plan={"exists": False, "complete_share": None, "age_days": None, "signed_by": []}),
        make_rep(8),
        make_rep(9, kind="house", unidentified_amount=9e9),
        make_rep(10, status="failed"),
    ]
    talks = choose_talks(reps, currency="USD", days_left=92)
    assert [(t["name"], t["reason"]) for t in talks] == [
        ("Rep 5", "900,000 USD of the goal has no source yet."),
        ("Rep 6", "The chance of the goal is 20 % with 92 days left; 500,000 USD is expected to be missing."),
        ("Rep 7", "There is no plan for this year. A quota of 1.09 million USD stands on it."),
    ]
    assert talks[1]["link"] == "rep-6/report.html#front-landing"
    talks = choose_talks(reps, currency="USD", days_left=0)  # too late to speak of chances
    assert [t["name"] for t in talks] == ["Rep 5", "Rep 7", "Rep 6"]


def test_no_plan_comes_before_an_old_one_before_an_unsigned_one():
    plan = {"exists": True, "complete_share": 0.8, "age_days": 40, "signed_by": []}
    lacking = {5: plan | {"exists": False}, 6: plan | {"age_days": 200}, 7: plan}
    calm = {"unidentified_amount": 0.0, "expected_gap": -5.0}
    reps = [make_rep(n, plan=p, **calm) for n, p in lacking.items()]
    for left, name in ((reps, "Rep 5"), (reps[1:], "Rep 6"), (reps[2:], "Rep 7")):
        assert [t["name"] for t in choose_talks(left, currency="USD", days_left=92)] == [name]


def test_what_is_above_goal_and_what_is_nearly_sure_is_said_so():
    page = render([make_rep(5, expected_gap=-335_000.0, goal_probability=0.9999)])
    assert "335,000 above goal" in page and "Chance above 99 %" in page and "100 %" not in page
    assert "The chance of the quotas together is 40 %" in page


def test_no_reason_no_talk():
    reps = [make_rep(5, unidentified_amount=0.0, expected_gap=-5.0, goal_probability=0.9)]
    assert choose_talks(reps, currency="USD", days_left=92) == []
    assert "No report of this run gives a reason for one." in render(reps)


def test_changes_since_the_last_run():
    reps = make_reps()
    facts = {r["rep_id"]: {k: dict(f) for k, f in r["facts"].items()} for r in reps if r["facts"]}
    assert list_changes(reps, {"as_of": "2026-08-31", "facts": facts}, currency="USD")[0]["text"].endswith("unchanged.")
    facts["R005"]["expected_gap"]["value"] -= 100_000
    facts["R900"] = facts.pop("R011")
    changes = list_changes(reps, {"as_of": "2026-08-31", "facts": facts}, currency="USD")
    about = {c.get("name"): c["text"] for c in changes}
    assert about["Rep 5"].endswith("100,000 more than then.") and about["Rep 11"] == "new since the last run."
    assert about[None] == "1 of the last run no longer here."
    page = render(reps, previous={"as_of": "2026-08-31", "facts": facts})
    assert "Against 31 Aug 2026." in page and "first run" not in page
    assert "This is the first run" in render(reps)


def test_what_is_not_known_is_said():
    rep = make_rep(5)
    rep["facts"] = {k: fact(k, None) for k in rep["facts"]}
    page = render(
        [rep],
        make_team(target=None, over_assignment=None, measures={}, missing=[], nobody={"rows_n": 0, "amount": 0.0}),
    )
    check_page(page)
    for text in (
        "target is not known",
        "it was not computed for the team",
        "Not known for anybody: effective quota, goal, no source yet, expected gap, chance, landing and pace.",
    ):
        assert text in page
    check_page(render([], make_team(target=0.0)))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text):
    reps = [make_rep(5, text=text), make_rep(6, text=text, status="failed")]
    previous = {"as_of": "2026-08-31", "facts": {}}
    page = render(reps, make_team(text), text=text, previous=previous)
    check_page(page)
    assert unescape(re.sub(r"<[^>]*>", "", page[page.index("<body") :])).count(text) >= 18


def test_a_thousand_reps_fit():
    reps = [make_rep(n, text="A name as long as names are", manager=f"Manager {n % 100}") for n in range(1000)]
    assert len(render(reps).encode()) < 3_000_000


def test_a_manager_who_carries_a_quota_is_asked_for_a_plan():
    with_quota, without = make_rep(1, kind="manager"), make_rep(2, kind="manager") | {"facts": {}}
    page = render([with_quota | {"plan": {"exists": False, "age_days": None, "signed_by": []}}, without])
    assert page.count("No plan needed") == 1 and page.count("No plan for this year yet.") == 1


def test_a_range_of_one_amount_is_no_range():
    same = fact("forecast", 5e6, low=5e6, high=5e6, level=0.8)
    rep = make_rep(1) | {"facts": make_rep(1)["facts"] | {"forecast": same}}
    page = render([rep], team=make_team(measures={"forecast": same}))
    assert "The year ends at 5 million USD: nothing more is expected" in page and "Lands at 5 million<" in page


def test_what_is_known_of_nobody_is_said_once():
    lacking = {"card": {"behaviours": "not known: it needs table activities", "promises": "", "question": ""}}
    assert render([make_rep(n) | lacking for n in (1, 2)]).count("it needs table activities") == 1
    assert render([make_rep(1) | lacking, make_rep(2)]).count("it needs table activities") == 1


def test_nobody_is_said_to_carry_a_quota_where_there_is_none():
    landing = {"value": 1.0e6, "low": 9.0e5, "high": 1.1e6, "level": 0.8}
    assert "The team lands between 900,000 and 1.1 million" in render(team=make_team(measures={"landing": landing, "quota": {"value": None}}))
    assert "Those who carry a quota land between" in render(team=make_team(measures={"landing": landing, "quota": {"value": 5.0}}))


def test_nothing_is_asked_of_who_has_left():
    asked = make_rep(5, card={"question": "What changes next month?"})
    assert "What changes next month?" in render([asked])
    assert "What changes next month?" not in render([asked | {"kind": "leaver"}])

"""Plans on disk: nothing that anybody wrote is lost, and every mistake is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers.errors import PlanInputError, RunError
from workbook_helpers.names import safe_name
from workbook_helpers.plan import (
    ManagerPlan,
    Plan,
    PlanChangedError,
    PrivatePlan,
    compare_plans,
    list_versions,
    load_manager,
    load_plan,
    load_private,
    plan_fingerprint,
    plan_path,
    save_plan,
)
from workbook_helpers.plan.model import Action, Remark, content_of
from workbook_helpers.plan.yaml_text import find_comments

WRITTEN = """\
# my plan, be kind
format: 1
rep_id: "00123"   # with its zeros
year: 2026
vision: The supplier every clinic in the valley names first
goal: {amount: 1200000, why: two new clinics groups}
assumptions: {attrition_share: 0.08, mean_won_amount: 24000, win_rate: 0.31, cycle_days: 74}
swot: [{id: s1, quadrant: strength, evidence: "win_rate[industry=clinics]", text: "…", verdict: accepted}]
buckets: {O-771: {bucket: stretch, effort: focused, note: new buyer}}
pursue: []
leave:
    # not again
    - NO
    - 010      # an area code
motto: 1e5
actions:
  # the first one
  - {id: a1, what: "…", why: gap, owner: rep, due: 2026-03-15, metric: two demos held, resource: presales, status: open}
  # the second one
  - id: a2
    what: |
      visit
      # not a comment
    colour: red
    # end of the second
reviews: [{date: 2026-04-08, promised: [a1], kept: [a1], decisions: []}]
comments: []
signed: [{who: rep, date: 2026-02-12, sha256: "…"}]
# the end
"""

HOSTILE = [
    "<script>alert(1)</script>", "=1+1", "@SUM(A1)", "NO", "010", "1e5", "~", "null", "yes", "12:30:00", "- a", "a: b",
    "a #b", "# not a comment", "{x: 1}", "[", "*alias", "&anchor", "!!python/object:os.system", "%TAG", "---", "...",
    "'", '"', "\\", "|", ">", "\t", " lead", "trail ", "two\nlines", "two\nlines\n", "\n", "a\n\n\n", "a\r\nb",
    "x" * 10_000, "שלום \u202e evil", "\u2028", "\ufeff", "\x85", "\x07", "😀", "2026-03-15", "0x1F", "1_000", ".5",
    "=", "<<", "?", ": ", "e\u0301", "a\n  # b\n", "",
]  # fmt: skip
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))


def put(company: Path, text: str | bytes, rep_id: str = "00123", name: str = "2026.yml") -> Path:
    path = plan_path(company, rep_id, 2026).with_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal_of(company: Path, text: str | bytes) -> str:
    put(company, text)
    with pytest.raises(PlanInputError) as caught:
        load_plan(company, "00123", 2026)
    return str(caught.value)


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder / "plans", ignore_errors=True)
    return folder


def test_no_file_is_an_empty_plan_and_reading_writes_nothing(tmp_path):
    plan = load_plan(tmp_path, "R01", 2026)
    assert content_of(plan) == {"rep_id": "R01", "year": 2026} and plan.hints == ()
    assert list(tmp_path.iterdir()) == []


def test_the_plan_of_the_contract_is_read_as_it_is_meant(tmp_path):
    put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    assert (plan.rep_id, plan.goal.amount, plan.assumptions.win_rate) == ("00123", 1_200_000, 0.31)
    assert plan.leave == ["NO", "010"] and plan.motto == "1e5"
    assert plan.actions[0].due == date(2026, 3, 15) and plan.actions[1].what == "visit\n# not a comment\n"
    assert plan.buckets["O-771"].bucket == "stretch" and plan.reviews[0].kept == ["a1"]


def test_a_save_touches_only_what_changed(tmp_path):
    path = put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    plan.goal.amount = 1_300_000
    save_plan(tmp_path, plan)
    assert path.read_text(encoding="utf-8") == WRITTEN.replace("amount: 1200000", "amount: 1300000")


def test_a_save_without_a_change_writes_nothing(tmp_path):
    path = put(tmp_path, WRITTEN)
    save_plan(tmp_path, load_plan(tmp_path, "00123", 2026), saved_on=date(2026, 5, 1))
    assert path.read_text(encoding="utf-8") == WRITTEN and list_versions(tmp_path, "00123", 2026) == ()


def test_comments_and_unknown_keys_survive_edits_additions_and_removals(tmp_path):
    path = put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    plan.actions[1].what = "call"
    plan.actions.append(Action(id="a3", what="write\nand wait", due=date(2026, 6, 1)))
    plan.leave = ["NO"]
    plan.swot = []
    save_plan(tmp_path, plan, saved_on=date(2026, 5, 1))
    again, text = load_plan(tmp_path, "00123", 2026), path.read_text(encoding="utf-8")
    assert content_of(again) == content_of(plan)
    assert again.saved == date(2026, 5, 1) and again.motto == "1e5" and again.actions[1].colour == "red"
    assert sorted(find_comments(text)) == sorted(find_comments(WRITTEN))


def test_a_reordered_list_keeps_what_its_entries_hold(tmp_path):
    put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    plan.actions = plan.actions[::-1]
    path = save_plan(tmp_path, plan)
    again = load_plan(tmp_path, "00123", 2026)
    assert [action.id for action in again.actions] == ["a2", "a1"] and again.actions[0].colour == "red"
    assert sorted(find_comments(path.read_text(encoding="utf-8"))) == sorted(find_comments(WRITTEN))


@settings(max_examples=15, deadline=None)
@given(vision=TEXT, remark=TEXT, key=TEXT, unknown=TEXT, entries=st.lists(TEXT, max_size=4))
def test_hostile_text_comes_back_literally_from_every_place(tmp_path_factory, vision, remark, key, unknown, entries):
    company = fresh(tmp_path_factory.getbasetemp())
    put(company, WRITTEN)
    plan = load_plan(company, "00123", 2026)
    plan.vision, plan.pursue, plan.leave = vision, entries, entries[::-1]
    plan.tipped = [Remark(about=key, text=remark)]
    plan.actions[1].what = remark
    plan.buckets = {key: {"bucket": "likely", "note": remark}}
    plan.motto = {"deep": [unknown]}
    path = save_plan(company, plan)
    again = load_plan(company, "00123", 2026)
    assert content_of(again) == content_of(plan)
    assert set(find_comments(WRITTEN)) <= set(find_comments(path.read_text(encoding="utf-8")))
    again.vision = "North"
    save_plan(company, again)
    assert content_of(load_plan(company, "00123", 2026)) == content_of(again)


NODE = st.recursive(
    TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)


@settings(max_examples=15, deadline=None)
@given(first=st.dictionaries(TEXT, NODE, max_size=4), second=st.dictionaries(TEXT, NODE, max_size=4))
def test_whatever_stands_under_unknown_keys_survives_any_change(tmp_path_factory, first, second):
    company = fresh(tmp_path_factory.getbasetemp())
    plan = Plan(rep_id="00123", year=2026, notes=first, vision="North")
    save_plan(company, plan)
    plan.notes = second
    save_plan(company, plan)
    assert load_plan(company, "00123", 2026).notes == second
    assert first == second or load_plan(company, "00123", 2026, version=1).notes == first


def test_every_failure_is_named_together_with_line_key_value_and_remedy(tmp_path):
    said = refusal_of(
        tmp_path,
        'format: 1\nyear: 2026\ngoal:\n  amount: "1,200,000"\nassumptions: {win_rate: 31}\nactions:\n'
        "- id: a1\n  due: 15/3/2026\n"
        "- what: call\nswot: all of it\nbuckets: {O-7: {bucket: perhaps}}\n",
    )
    for part in (
        "plans/00123/2026.yml cannot be used",
        "line 4, key goal, amount, value '1,200,000': is not a number; write it without thousands marks",
        "line 5, key assumptions, win_rate, value '31': is too large; the most is 1",
        "line 8, key actions, item 1, due, value '15/3/2026': is not a day; write it as 2026-03-15",
        "line 9, key actions, item 2, id: is missing",
        "line 10, key swot, value 'all of it': is not a list",
        "line 11, key buckets, O-7, bucket, value 'perhaps': is not one of 'flow', 'likely' or 'stretch'",
    ):
        assert part in said, said
    assert str(tmp_path) not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format: 1\nvision: [", "line 2"),
        ("format: 1\nvision: a\nvision: b\n", "line 3: is not YAML (found duplicate key"),
        ("- a\n- b\n", "is no list of keys"),
        ("format: 1\nbase: &b x\nvision: *b\n", "line 3: *b points elsewhere"),
        ("format: 1\nvision: !!python/name:os.system x\n", "line 2: tag:yaml.org,2002:python/name:os.system is a tag"),
        ("format: 1\nvision: " + "[" * 50, "nested too deeply"),
        ('format: 1\nvision: "a\\0b"\n', "line 2, key vision, value 'a\\x00b': holds a character"),
        ('format: 1\nnotes: "\\ud800"\n', "holds a character"),
        ("format: 1\nvision: \x00\n", "line 2: holds a character that YAML does not allow"),
        ("format: 1\n: x\n", "an empty key"),
        ("format: 7\n", "this version reads formats 0 to 1"),
        ("format: 1\nrep_id: R02\n", "line 2, key rep_id, value 'R02': the file lies where that of '00123' belongs"),
        ("format: 1\nyear: 2025\n", "line 2, key year, value '2025'"),
        ("format: 1\nactions: [{id: a1}, {id: a1}]\n", "has the id a1 more than once"),
        (b"format: 1\nvision: caf\xe9\n", "line 2: is not UTF-8"),
        (b"x" * 5_000_001, "larger than 5 MB"),
    ],
)
def test_a_broken_file_is_refused_in_words_and_left_alone(tmp_path, text, words):
    assert words in refusal_of(tmp_path, text)
    assert [path.name for path in (tmp_path / "plans" / "00123").iterdir()] == ["2026.yml"]


def test_a_file_that_breaks_while_it_is_edited_is_not_overwritten(tmp_path):
    path = put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    path.write_text("vision: [", encoding="utf-8")
    plan.vision = "North"
    with pytest.raises(PlanChangedError):
        save_plan(tmp_path, plan)
    assert path.read_text(encoding="utf-8") == "vision: ["


def test_a_slip_of_the_pen_is_a_hint_with_its_line(tmp_path):
    put(tmp_path, WRITTEN + "obstacels: [snow]\n")
    hints = load_plan(tmp_path, "00123", 2026).hints
    assert any(
        "'obstacels' is not a key of a plan; did you mean 'obstacles'?" in hint and "line 30" in hint for hint in hints
    )
    assert any("'actions, item 2, colour'" in hint for hint in hints)


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(tmp_path):
    put(tmp_path, WRITTEN)
    one, two = load_plan(tmp_path, "00123", 2026), load_plan(tmp_path, "00123", 2026)
    one.vision, two.vision = "mine", "yours"
    save_plan(tmp_path, one)
    with pytest.raises(PlanChangedError, match="changed by somebody else"):
        save_plan(tmp_path, two)
    assert load_plan(tmp_path, "00123", 2026).vision == "mine" and two.vision == "yours"
    one.vision = "mine again"
    save_plan(tmp_path, one)
    assert load_plan(tmp_path, "00123", 2026).vision == "mine again"


def test_a_plan_made_anew_does_not_overwrite_a_file(tmp_path):
    put(tmp_path, WRITTEN)
    with pytest.raises(PlanChangedError):
        save_plan(tmp_path, Plan(rep_id="00123", year=2026, vision="reset"))


def test_a_save_that_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    path = put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    plan.vision = "North"
    monkeypatch.setattr("workbook_helpers.plan.files.os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(RunError, match="could not be written"):
        save_plan(tmp_path, plan)
    assert path.read_text(encoding="utf-8") == WRITTEN and not list(path.parent.glob("*.tmp"))


def test_text_that_no_file_can_hold_is_refused_before_anything_is_written(tmp_path):
    plan = Plan(rep_id="R01", year=2026)
    plan.pursue.append("half \ud83d of a face")
    with pytest.raises(PlanInputError, match="key pursue, item 1"):
        save_plan(tmp_path, plan)
    assert not (tmp_path / "plans").exists()


def test_every_save_keeps_the_earlier_version_to_the_byte(tmp_path):
    put(tmp_path, WRITTEN)
    plan = load_plan(tmp_path, "00123", 2026)
    for vision in ("one", "two"):
        plan.vision = vision
        save_plan(tmp_path, plan)
    assert list_versions(tmp_path, "00123", 2026) == (1, 2)
    assert (tmp_path / "plans/00123/2026.v1.yml").read_text(encoding="utf-8") == WRITTEN
    changed = compare_plans(load_plan(tmp_path, "00123", 2026, version=2), load_plan(tmp_path, "00123", 2026))
    assert changed.values.tolist() == [["vision", "one", "two"]]
    with pytest.raises(PlanInputError, match="Earlier versions: 1, 2"):
        load_plan(tmp_path, "00123", 2026, version=9)


def test_an_older_format_is_read_as_todays_and_migrated_with_a_backup(tmp_path):
    old = "# draft\nrep_id: 00123\ngoal: 1200000  # bold\nactions:\n- call the clinics\nmotto: go\n"
    path = put(tmp_path, old)
    plan = load_plan(tmp_path, "00123", 2026)
    assert plan.goal.amount == 1_200_000 and plan.actions[0].what == "call the clinics"
    assert any("older format" in hint for hint in plan.hints) and path.read_text(encoding="utf-8") == old
    save_plan(tmp_path, plan)
    again = load_plan(tmp_path, "00123", 2026)
    text = path.read_text(encoding="utf-8")
    assert (
        text.startswith("format: 1\n")
        and find_comments(text) == ["# draft", "# bold"]
        and again.hints[0].endswith("reads it")
    )
    assert content_of(again) == content_of(plan)
    assert (tmp_path / "plans/00123/2026.v1.yml").read_text(encoding="utf-8") == old


def test_the_three_files_lie_apart_and_nothing_private_enters_the_shared_one(tmp_path):
    save_plan(tmp_path, PrivatePlan(rep_id="R01", year=2026, income={"this_year": 90_000}, aims=["a boat"]))
    save_plan(tmp_path, ManagerPlan(rep_id="R01", year=2026, skill_or_will="will", skills={"demo": 4}))
    save_plan(tmp_path, Plan(rep_id="R01", year=2026, vision="North"))
    names = sorted(path.name for path in (tmp_path / "plans/R01").iterdir() if path.suffix == ".yml")
    assert names == ["2026.manager.yml", "2026.private.yml", "2026.yml"]
    assert (tmp_path / "plans/R01/2026.yml").read_text() == "format: 1\nrep_id: R01\nyear: 2026\nvision: North\n"
    assert load_private(tmp_path, "R01", 2026).income.this_year == 90_000
    assert load_manager(tmp_path, "R01", 2026).skills == {"demo": 4}


def test_the_fingerprint_changes_exactly_when_one_of_the_three_files_does(tmp_path):
    seen = [plan_fingerprint(tmp_path, "R01", 2026)]
    for name in ("2026.yml", "2026.private.yml", "2026.manager.yml"):
        put(tmp_path, "format: 1\n", "R01", name)
        seen.append(plan_fingerprint(tmp_path, "R01", 2026))
    put(tmp_path, "format: 1\n", "R01", "2026.v1.yml")
    assert len(set(seen)) == 4 and plan_fingerprint(tmp_path, "R01", 2026) == seen[-1]


def test_ids_never_name_a_path_a_device_or_each_others_files(tmp_path):
    ids = [
        "../../x",
        "/etc/x",
        "CON",
        "con.txt",
        "a:b",
        "-rf",
        "x" * 300,
        "x" * 301,
        "Rep",
        "rep",
        "",
        ".",
        "..",
        "é",
        "e\u0301",
        "a b",
    ]
    names = [safe_name(one) for one in ids]
    assert len({name.lower() for name in names}) == len(ids)
    assert all(
        len(name) < 60 and name.replace("-", "").isalnum() and name[0].isalnum() and name.isascii() for name in names
    )
    for one in ids[:8]:
        path = plan_path(tmp_path, one, 2026)
        assert path.parents[2] == tmp_path and path.parts[-2] == safe_name(one)


def test_a_folder_made_by_hand_bears_the_id_and_a_hashed_one_holds_where_it_is_there(tmp_path):
    assert plan_path(tmp_path, "R01", 2026) == tmp_path / "plans/R01/2026.yml"
    (tmp_path / "plans" / safe_name("R01")).mkdir(parents=True)
    assert plan_path(tmp_path, "R01", 2026).parent.name == safe_name("R01")


def test_the_plan_room_loads_on_its_own():
    subprocess.run([sys.executable, "-c", "import workbook_helpers.plan"], check=True)

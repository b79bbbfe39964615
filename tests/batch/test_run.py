"""Every rep's report in a process of its own: what becomes of one touches no other, and nothing is done twice."""

import errno
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import filelock
import pytest
from small_company import PARAMETERS, SmallCompany, make_notebook, read_all

from workbook_helpers.batch import files
from workbook_helpers.batch.rollup import roll_up
from workbook_helpers.errors import ParameterError, RunError, UnknownRepError, WorkbookError
from workbook_helpers.measure import Definition

HERE = Path(__file__).parent

#: What goes wrong for which rep, and what the manager is told.
ACCIDENTS = {
    "R1": ("1 / 0", "a cell failed with ZeroDivisionError"),
    "R2": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed from outside"),
    "R3": ("while True: pass", "not done within 3 seconds"),
    "R4": ("import sys; sys.exit(0)", "ended the notebook before its last cell"),
    "R5": ("import os; os._exit(0)", "ended before the report was done (exit code 0)"),
    "R6": ("import ctypes; ctypes.string_at(0)", "segmentation fault"),
    "R7": ("bytearray(10**14)", "more memory"),
    "R8": (
        "from workbook_helpers.errors import PlanInputError; raise PlanInputError('The goal is no number.')",
        "The goal is no number.",
    ),
}


def test_every_rep_gets_a_whole_folder_and_the_manifest_names_its_files(tmp_path):
    company = SmallCompany(tmp_path)
    outcome = company.run()
    assert (outcome.exit_code, outcome.asked, outcome.failed) == (0, ("R1", "R2", "R3"), ())
    assert outcome.index.read_text().startswith("<!doctype html>")
    for rep_id, record in company.manifest().items():
        written = read_all(company.day / record["folder"])
        assert set(written) == {"report.html", "facts.json", "notebooks/01_first.ipynb", "tables/won_deals.csv"}
        assert record["files"] == {name: files.digest(company.place(rep_id) / name) for name in written}
        assert record["status"] == "done" and record["fingerprint"] and "said" not in record


def test_what_is_published_is_private_and_holds_no_time_path_or_warning(tmp_path):
    company = SmallCompany(tmp_path, "import warnings; warnings.warn('seen')", reps=1)
    company.run()
    for path in company.day.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    for name, content in read_all(company.day).items():
        assert str(tmp_path).encode() not in content, name
        assert b"papermill" not in content and b"UserWarning" not in content, name


def test_text_that_would_be_a_formula_is_guarded_and_negative_numbers_stay_numbers(tmp_path):
    company = SmallCompany(tmp_path, reps=1)
    company.run()
    assert (company.place("R1") / "tables/won_deals.csv").read_bytes() == b"who,amount\r\n'=1+1,-5.0\r\nof R1,2.0\r\n"
    cells = [["+1", "-1", "@x", "\tx", "\rx", "a=b", -1, -1.5, None, "−1"]]
    assert files.to_csv(["-a"], cells).decode().split("\r\n", 1) == [
        "'-a",
        "'+1,'-1,'@x,'\tx,\"'\rx\",a=b,-1,-1.5,,−1\r\n",
    ]


def test_the_same_bytes_come_out_again_and_for_any_number_of_jobs(tmp_path):
    company = SmallCompany(tmp_path, "{'b', 'a', 'c'}", reps=4)
    company.run(out=tmp_path / "one", jobs=1)
    company.run(out=tmp_path / "two", jobs=2)
    company.run(out=tmp_path / "four", jobs=4)
    assert read_all(tmp_path / "one") == read_all(tmp_path / "two") == read_all(tmp_path / "four")


def test_what_belongs_to_one_rep_appears_in_no_other_reps_files(tmp_path):
    company = SmallCompany(tmp_path, "import matplotlib as mpl\nf'canary-{rep_id}', mpl.rcParams.get('canary')", reps=3)
    company.run(jobs=1)
    for rep_id in company.reps:
        others = b"".join(
            b"".join(read_all(company.place(other)).values()) for other in company.reps if other != rep_id
        )
        assert f"canary-{rep_id}".encode() in b"".join(read_all(company.place(rep_id)).values())
        assert f"canary-{rep_id}".encode() not in others


def test_whatever_happens_to_one_rep_leaves_the_others_their_reports(tmp_path):
    accidents = "\n".join(f"if rep_id == {rep_id!r}:\n    {source}" for rep_id, (source, _) in ACCIDENTS.items())
    company = SmallCompany(tmp_path, f"secret = 'secret-of-' + rep_id\n{accidents}", reps=len(ACCIDENTS) + 2)
    outcome = company.run(seconds=3)
    assert outcome.exit_code == 3
    assert company.statuses() == {rep_id: "failed" if rep_id in ACCIDENTS else "done" for rep_id in company.reps}
    for rep_id, (_, told) in ACCIDENTS.items():
        assert told in company.manifest()[rep_id]["reason"]
        assert list(read_all(company.place(rep_id))) == ["failed.html"]
        page = (company.place(rep_id) / "failed.html").read_text()
        assert "Traceback" not in page and "secret" not in page and str(tmp_path) not in page
        assert "01_first" in page and f"--rep {rep_id}" in page
    assert "1.5 Where does it fall?" in (company.place("R1") / "failed.html").read_text()
    assert "ZeroDivisionError: division by zero" in (company.day / "run.log").read_text()
    assert not (company.day / ".run/scratch").exists()
    missing = json.loads((company.day / "team.json").read_bytes())["missing"]
    assert [rep["rep_id"] for rep in missing] == list(ACCIDENTS)


def test_what_a_rep_started_is_killed_with_it(tmp_path):
    note = f"open({str(tmp_path / 'pid')!r}, 'w')"
    source = f"import subprocess\n{note}.write(str(subprocess.Popen(['sleep', '60']).pid))\nwhile rep_id: pass"
    assert SmallCompany(tmp_path, source, reps=1).run(seconds=2).exit_code == 3
    assert not _is_alive(int((tmp_path / "pid").read_text()))


def test_a_failed_rep_is_tried_again_and_loses_its_older_report(tmp_path):
    company = SmallCompany(
        tmp_path, f"import pathlib\nassert not pathlib.Path({str(tmp_path / 'broken')!r}).exists()", reps=2
    )
    assert company.run().exit_code == 0
    (tmp_path / "broken").touch()
    company.rows["R2"] = "changed"
    assert [record.rep_id for record in company.run().failed] == ["R2"]
    assert list(read_all(company.place("R2"))) == ["failed.html"]
    (tmp_path / "broken").unlink()
    assert company.run().kept == ("R1",)
    assert company.statuses() == {"R1": "done", "R2": "done"}


@pytest.mark.parametrize(
    ("stem", "notebook", "told"),
    [("02_second", make_notebook(), "02_second: measure won_amount was recorded by 01_first already"),
     ("01_first", make_notebook(facts=False), "no notebook recorded won_amount, won_deals"),
     ("01_first", make_notebook() | {"cells": make_notebook()["cells"][:2]}, "01_first: its last cell records no")],
    ids=["twice", "none", "no bundle"],
)  # fmt: skip
def test_every_headline_measure_is_recorded_exactly_once(tmp_path, stem, notebook, told):
    company = SmallCompany(tmp_path, reps=1)
    company.write(stem, notebook)
    (failed,) = company.run().failed
    assert failed.reason.startswith(told)


def test_unchanged_reports_are_kept_and_only_what_changed_is_made_again(tmp_path):
    company = SmallCompany(tmp_path)
    company.run()
    before = read_all(company.day)
    assert company.run().kept == ("R1", "R2", "R3")
    assert read_all(company.day) == before
    company.rows["R2"] = "changed"
    assert company.run().kept == ("R1", "R3")
    plan = company.folder / "plans/R3/2026.yml"
    plan.parent.mkdir(parents=True)
    plan.write_text("format: 1\nrep_id: R3\nyear: 2026\n")
    assert company.run().kept == ("R1", "R2")
    (company.place("R1") / "report.html").write_text("touched")
    assert company.run().kept == ("R2", "R3")
    company.write("01_first", make_notebook("'new'"))
    assert company.run().kept == ()


def test_a_run_says_of_how_many_reports_what_has_changed(tmp_path, capsys):
    company = SmallCompany(tmp_path, reps=5)
    assert company.run().reasons == {"new": 5}
    assert company.run().reasons == {}
    assert "All 5 reports are unchanged.\n" in capsys.readouterr().err
    company.rows["R2"] = "changed"
    company.team = "another"
    (company.place("R3") / "report.html").write_text("touched")
    plan = company.folder / "plans/R4/2026.yml"
    plan.parent.mkdir(parents=True)
    plan.write_text("format: 1\nrep_id: R4\nyear: 2026\n")
    assert company.run().reasons == {"team figures changed": 3, "own rows changed": 1, "plan changed": 1}
    said = "To make: 5 of 5 reports (team figures changed: 3, own rows changed: 1, plan changed: 1). Unchanged: 0."
    assert said in capsys.readouterr().err and said in (company.day / "run.log").read_text()
    (company.place("R3") / "report.html").write_text("touched")
    assert company.run().reasons == {"files of it changed or lost": 1}
    company.write("01_first", make_notebook("'new'"))
    assert company.run(reps=["R1"]).reasons == {"settings or program changed": 1}


def test_what_is_compared_for_each_rep_stays_out_of_the_manifest(tmp_path):
    company = SmallCompany(tmp_path, reps=1)
    company.run()
    assert set(company.manifest()["R1"]) == {"rep_id", "folder", "status", "reason", "fingerprint", "files"}


def test_reps_not_asked_for_are_told_apart_from_stale_ones(tmp_path):
    company = SmallCompany(tmp_path)
    company.run(reps=["R1"])
    assert company.statuses() == {"R1": "done", "R2": "not_asked", "R3": "not_asked"}
    company.rows["R1"] = "changed"
    company.run(reps=["R3"])
    assert company.statuses() == {"R1": "stale", "R2": "not_asked", "R3": "done"}


def test_an_unknown_rep_is_answered_with_the_nearest_ids(tmp_path):
    with pytest.raises(UnknownRepError, match="R1"):
        SmallCompany(tmp_path).run(reps=["R1 "])


def test_a_notebook_that_cannot_take_the_parameters_stops_the_run_before_it_starts(tmp_path):
    company = SmallCompany(tmp_path)
    company.write("02_second", make_notebook(parameters=PARAMETERS.replace("rep_id", "rep")))
    with pytest.raises(ParameterError, match="02_second.ipynb: The notebook has no parameter 'rep_id'"):
        company.run()


def test_a_second_run_into_the_same_folder_is_refused(tmp_path):
    company = SmallCompany(tmp_path, reps=1)
    (company.day / ".run").mkdir(parents=True)
    with filelock.FileLock(company.day / ".run/lock"), pytest.raises(RunError, match="Another run"):
        company.run()
    assert company.run().exit_code == 0


def test_a_folder_that_cannot_be_written_is_an_error_of_the_environment(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written: Not a directory"):
        SmallCompany(tmp_path).run(out=tmp_path / "file" / "out")


def test_a_full_disk_leaves_the_old_folder_and_nothing_half_done(tmp_path, monkeypatch):
    target, scratch = tmp_path / "rep", tmp_path / "scratch"
    scratch.mkdir()
    files.write_folder(target, {"a": b"old"}, scratch=scratch)

    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        files.write_folder(target, {"a": b"new"}, scratch=scratch)
    assert read_all(target) == {"a": b"old"} and list(scratch.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_disk_that_fills_up_stops_the_run_which_is_then_resumed(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))"
    company = SmallCompany(tmp_path, f"if rep_id == 'R2':\n    {_once(tmp_path, limit, indent=4)}")
    with pytest.raises(RunError, match="File too large. Free some space"):
        company.run(jobs=1)
    assert not (company.day / "manifest.json").exists() and not list(company.day.glob("r2-*"))
    assert company.run(resume=True).kept == ("R1",)
    company.run(out=tmp_path / "undisturbed")
    assert read_all(company.out) == read_all(tmp_path / "undisturbed")


def _waiting(folder: Path) -> str:
    """A cell in which every rep but the first waits for a file."""
    there = f"pathlib.Path({str(folder / 'go')!r}).exists()"
    return f"import pathlib, time\nwhile rep_id != 'R1' and not {there}: time.sleep(0.05)"


def _once(folder: Path, statement: str, indent: int = 0) -> str:
    """Lines that only the first process to come there runs."""
    mark = f"pathlib.Path({str(folder / 'once')!r})"
    return f"import pathlib\n{' ' * indent}if not {mark}.exists(): {mark}.touch(); {statement}"


def _start(folder: Path, *options: str, **environment: str) -> subprocess.Popen:
    """``workbook run`` on the small company, in a process of its own."""
    code = f"""
import sys; sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from small_company import SmallCompany
import workbook_helpers.data, workbook_helpers.batch.run
company = SmallCompany(Path({str(folder)!r}), {_waiting(folder)!r})
workbook_helpers.data.prepare = company.prepare
workbook_helpers.data.code_fingerprint = lambda: "the source may be edited meanwhile"
workbook_helpers.batch.run.NOTEBOOKS = company.notebooks
from workbook_helpers.__main__ import main
sys.argv = ["workbook", "run", str(company.folder), "--out", str(company.out), "--jobs", "2", *sys.argv[1:]]
main()
"""
    command = [sys.executable, "-c", code, *options]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )


def _interrupt(folder: Path, number: int, code: int) -> tuple[str, str]:
    """Starts a run, sends it the signal when it is half done, and sees that every process of it is gone."""
    run = _start(folder, PYTHONHASHSEED="1")
    children = _wait_until_half_done(folder)
    run.send_signal(number)
    shown = run.communicate(timeout=20)
    assert run.returncode == code, shown
    for _ in range(100):
        if not any(map(_is_alive, children)):
            return shown
        time.sleep(0.05)
    raise AssertionError("a process outlived its run")


def _wait_until_half_done(folder: Path) -> list[int]:
    """Waits until the first rep is done and another one runs; the ids of the reps' processes."""
    began = time.monotonic()
    while time.monotonic() - began < 120:
        records = list(folder.glob("out/*/.run/records/r1-*.json"))
        groups = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _scratch_of(p) == folder]
        if records and groups:
            return groups
        time.sleep(0.05)
    raise AssertionError("the run did not come half way")


def _scratch_of(process: Path) -> Path | None:
    """The test folder that a rep's process writes its log into."""
    try:
        return Path(os.readlink(process / "fd/2")).parents[4]
    except (OSError, IndexError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_interrupted_says_so_and_leaves_no_process(tmp_path, number, code):
    _, said = _interrupt(tmp_path, number, code)
    assert "Traceback" not in said
    assert said.splitlines()[-1].endswith("Finished reports are kept; `workbook run … --resume` goes on.")
    assert not (tmp_path / "out/2026-09-30/manifest.json").exists()


def test_a_process_whose_task_never_came_says_nothing_and_any_other_crash_is_shown():
    code = """
import sys
import workbook_helpers.batch.warm
for error in (EOFError("Ran out of input"), ValueError("a real crash")):
    sys.excepthook(type(error), error, None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "ValueError: a real crash\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_run_that_is_killed_half_way_is_resumed_to_the_same_bytes(tmp_path):
    _interrupt(tmp_path, signal.SIGKILL, -signal.SIGKILL)
    (tmp_path / "go").touch()
    again = _start(tmp_path, "--resume", PYTHONHASHSEED="2")
    shown, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert "3 of 3 reports are there, 1 of them unchanged. Index: " in shown
    assert not (tmp_path / "out/2026-09-30/.run/scratch").exists()
    SmallCompany(tmp_path, _waiting(tmp_path)).run(out=tmp_path / "whole")
    resumed, whole = (read_all(tmp_path / name / "2026-09-30") for name in ("out", "whole"))
    assert {k: v for k, v in resumed.items() if k != "manifest.json"} == {
        k: v for k, v in whole.items() if k != "manifest.json"
    }


def _left_behind() -> tuple[int, int, int]:
    """Open files and processes of this process, and files in the temporary folder."""
    return len(os.listdir("/proc/self/fd")), len(multiprocessing.active_children()), len(os.listdir(tempfile.gettempdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_sixty_reps_leave_no_more_open_than_ten(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    company = SmallCompany(tmp_path, "import tempfile\nopen(tempfile.mkstemp()[1], 'w')", reps=60)
    company.run(reps=company.reps[:10])
    before = _left_behind()
    company.run()
    assert _left_behind() == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_reps_are_begun_again_when_the_warm_server_is_killed(tmp_path):
    company = SmallCompany(tmp_path, f"import os\n{_once(tmp_path, 'os.kill(os.getppid(), 9)')}")
    assert company.run(jobs=1).exit_code == 0
    whole = read_all(company.out)
    company.run(out=tmp_path / "again")
    assert read_all(tmp_path / "again") == whole


def test_a_rep_that_always_ends_as_if_its_server_were_gone_is_given_up(tmp_path):
    (failed,) = SmallCompany(tmp_path, "import os\nif rep_id == 'R2': os._exit(255)").run().failed
    assert (failed.rep_id, failed.reason) == ("R2", "01_first: its process ended before the report was done (exit code 255)")


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("records", "later"), [(n % 4, round(random.Random(n).uniform(0, 0.5 if n % 4 else 4), 3)) for n in range(20)])
def test_a_run_killed_at_any_moment_is_resumed_to_the_same_bytes(tmp_path, records, later):
    """records: how many reps were on record at the moment; later: seconds since then (0: since the run began to write)."""
    (tmp_path / "go").touch()
    run = _start(tmp_path, PYTHONHASHSEED="1")
    while run.poll() is None and not ((tmp_path / "out").exists() and len(list(tmp_path.glob("out/*/.run/records/*.json"))) >= records):
        time.sleep(0.005)
    time.sleep(later)
    run.kill()
    run.communicate()
    again = _start(tmp_path, "--resume", PYTHONHASHSEED="2")
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    whole = _start(tmp_path, "--out", str(tmp_path / "whole"))
    whole.communicate(timeout=300)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
    assert not list((tmp_path / "out").rglob("scratch"))


def test_resume_is_refused_when_the_inputs_have_changed_since(tmp_path):
    company = SmallCompany(tmp_path, reps=1)
    company.run()
    state = company.day / ".run/state.json"
    state.write_text(state.read_text().replace("true", "false"))
    assert company.run(resume=True).kept == ("R1",)
    state.write_text(state.read_text().replace("true", "false"))
    company.rows["R1"] = "changed"
    with pytest.raises(WorkbookError, match="have changed since") as caught:
        company.run(resume=True)
    assert caught.value.exit_code == 2
    company.as_of = company.as_of.replace(month=10)
    with pytest.raises(WorkbookError, match="--as-of 2026-09-30"):
        company.run(resume=True)
    assert company.run().exit_code == 0


def test_team_figures_add_up_divide_sums_or_come_from_the_teams_rows():
    won = Definition("won_amount", 1, "Won", "money", "", roll_up="sum")
    rate = Definition("win_rate", 1, "Win rate", "share", "", roll_up="ratio")
    pace = Definition("median_cycle_days", 1, "Cycle", "days", "")
    reps = [
        [won.measure(0.1, n=1), rate.ratio(1, 4, n=4), pace.measure(9.0, n=3)],
        [won.measure(0.2, n=2), rate.withhold("too few"), pace.measure(11.0, n=3)],
    ]
    facts = [[replace(m, team_value=7.0).to_fact() for m in rep] for rep in reps]
    rules = {"won_amount": "sum", "win_rate": "ratio", "median_cycle_days": "team"}
    team = {f["id"]: f for f in roll_up(facts, figures={"median_cycle_days": {"value": 10.5, "n": 6}}, rules=rules)}
    assert (team["won_amount"]["value"], team["won_amount"]["n"], team["won_amount"]["team_value"]) == (0.3, 3, None)
    assert (team["win_rate"]["value"], team["win_rate"]["numerator"], team["win_rate"]["reps_n"]) == (0.25, 1, 1)
    assert (team["median_cycle_days"]["value"], team["median_cycle_days"]["n"]) == (10.5, 6)
    assert roll_up(facts, figures={}, rules=rules)[2]["withheld"]

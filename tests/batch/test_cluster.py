"""Reps on the machines of a Dask cluster: the same bytes, whatever happens to a worker, and nothing of a stopped run stays behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_company import SmallCompany, read_all

from workbook_helpers.batch.run import run_company
from workbook_helpers.errors import RunError, WorkbookError

distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`: pip install 'territory-planning-workbook[cluster]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

HERE = Path(__file__).parent

#: A cell in which every rep but the first waits for a file.
WAIT = "import pathlib, time\nwhile rep_id != 'R1' and not pathlib.Path({!r}).exists(): time.sleep(0.05)"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two worker processes of two threads each; one that is killed is started again."""
    cache = tmp_path_factory.mktemp("cache")
    os.environ["XDG_CACHE_HOME"] = str(cache)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, local_directory=str(cache), silence_logs=50
    ) as started:
        yield started
    del os.environ["XDG_CACHE_HOME"]


@pytest.fixture
def shared(tmp_path):
    def make(*sources, reps=3):
        company = SmallCompany(tmp_path, *sources, reps=reps)
        (company.folder / ".workbook").mkdir()
        return company

    return make


def run_there(company, cluster, **options):
    return company.run(cluster=cluster.scheduler_address, jobs=None, **options)


def worker_pids(cluster):
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def reps_processes(folder):
    """Processes of reps that write their log into a folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.readlink(process / "fd/2").startswith(f"{folder}/"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def when_fetched(name):
    return [path.stat().st_mtime_ns for path in Path(os.environ["XDG_CACHE_HOME"]).rglob(name)]


def test_a_cluster_writes_what_one_machine_writes_and_keeps_what_is_current(shared, cluster, tmp_path):
    company = shared(reps=4)
    there = run_there(company, cluster)
    company.run(out=tmp_path / "here")
    assert (there.exit_code, read_all(company.out)) == (0, read_all(tmp_path / "here"))
    company.rows["R2"] = "changed"
    assert run_there(company, cluster).kept == ("R1", "R3", "R4")
    assert not (company.day / ".run/scratch").exists()


def test_a_failure_on_a_worker_is_that_reps_alone_and_reads_as_it_does_here(shared, cluster, tmp_path):
    company = shared("import os\nif rep_id == 'R1': 1 / 0\nif rep_id == 'R2': os._exit(3)")
    assert [record.rep_id for record in run_there(company, cluster).failed] == ["R1", "R2"]
    company.run(out=tmp_path / "here")
    assert read_all(company.out) == read_all(tmp_path / "here")


def test_the_reps_of_a_lost_worker_are_made_by_another_one(shared, cluster, tmp_path):
    company = shared(WAIT.format(str(tmp_path / "go")), reps=5)
    victim = worker_pids(cluster)[0]

    def kill_half_way():
        while not list(company.day.glob(".run/records/r1-*")) or len(reps_processes(company.out)) < 4:
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill_half_way)
    killer.start()
    outcome = run_there(company, cluster)
    killer.join()
    company.run(out=tmp_path / "here")
    assert (outcome.exit_code, read_all(company.out)) == (0, read_all(tmp_path / "here"))


def test_a_rep_that_kills_every_worker_it_meets_fails_alone(shared, cluster, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)  # 3 by default; each takes a worker's start
    kill = "import os, signal, multiprocessing\nif rep_id == 'R1':\n    os.kill(multiprocessing.parent_process().pid, signal.SIGKILL)\n    input()"
    company = shared(kill)
    (failed,) = run_there(company, cluster).failed
    assert (failed.rep_id, failed.reason) == ("R1", "every machine that worked on it was lost")
    assert company.statuses() == {"R1": "failed", "R2": "done", "R3": "done"}


def test_an_interrupted_run_leaves_no_process_on_the_workers_and_is_resumed(shared, cluster, tmp_path):
    company = shared(WAIT.format(str(tmp_path / "go")))
    code = f"""
import sys; sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from small_company import SmallCompany
import workbook_helpers.data, workbook_helpers.batch.run
company = SmallCompany(Path({str(tmp_path)!r}), {WAIT.format(str(tmp_path / "go"))!r})
workbook_helpers.data.prepare = company.prepare
workbook_helpers.batch.run.NOTEBOOKS = company.notebooks
from workbook_helpers.__main__ import main
sys.argv = ["workbook", "run", str(company.folder), "--out", str(company.out), "--cluster", {cluster.scheduler_address!r}]
main()
"""
    run = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not list(company.day.glob(".run/records/r1-*")) or not reps_processes(company.out):
        assert run.poll() is None, run.stderr.read()
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=30)[1]
    assert run.returncode == 130 and said.splitlines()[-1].endswith("`workbook run … --resume` goes on."), said
    for _ in range(200):
        if not reps_processes(company.out):
            break
        time.sleep(0.05)
    assert not reps_processes(company.out)
    (tmp_path / "go").touch()
    assert run_there(company, cluster, resume=True).kept == ("R1",)


def _pretend_another_version():
    import workbook_helpers.data

    workbook_helpers.data.code_fingerprint = lambda: "older"


def _be_yourself():
    import workbook_helpers.data
    from workbook_helpers.data.store import code_fingerprint

    workbook_helpers.data.code_fingerprint = code_fingerprint


def test_a_worker_of_another_version_is_refused_by_its_name(shared, cluster):
    company = shared()
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        worker = list(client.nthreads())[:1]
        client.run(_pretend_another_version, workers=worker)
        try:
            with pytest.raises(RunError, match=f"{os.uname().nodename} has another version"):
                run_there(company, cluster)
        finally:
            client.run(_be_yourself, workers=worker)
    assert not company.out.exists()


def test_an_address_where_nobody_answers_is_said_in_one_line(shared, monkeypatch):
    monkeypatch.setattr("workbook_helpers.batch.cluster.PATIENCE", 0.5)
    with pytest.raises(RunError, match="No Dask scheduler answers at tcp://127.0.0.1:9"):
        shared().run(cluster="tcp://127.0.0.1:9")


def test_without_the_extra_it_is_said_what_to_install(shared, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match=r"pip install 'territory-planning-workbook\[cluster\]'"):
        shared().run(cluster="tcp://127.0.0.1:8786")


def test_addresses_are_for_both_places_or_for_none(shared, tmp_path):
    company = shared()
    for options in ({"out": "memory://reports"}, {"cluster": "tcp://127.0.0.1:8786", "out": "memory://reports"}):
        with pytest.raises(WorkbookError, match="for both") as caught:
            company.run(**options)
        assert caught.value.exit_code == 2


OPEN = "from workbook_helpers.data import open_book\nopen_book(company, rep_id, as_of).rep.rep_name"


def test_company_and_reports_in_an_object_store_give_the_same_bytes_and_are_not_fetched_twice(cluster, company, tmp_path):
    notebooks = SmallCompany(tmp_path, OPEN).notebooks
    folder = company()
    there, out = f"file://{folder}", tmp_path / "far"
    options = {"notebooks": notebooks, "cluster": cluster.scheduler_address}
    first = run_company(there, out=f"file://{out}", **options)
    assert first.exit_code == 0
    run_company(folder, out=tmp_path / "near", notebooks=notebooks, store=tmp_path / "store")
    assert read_all(out) == read_all(tmp_path / "near")
    fetched = when_fetched("orders.csv")
    assert run_company(there, out=f"file://{out}", **options).kept == first.asked
    assert fetched and when_fetched("orders.csv") == fetched
    (next(out.glob("*/r1-*")) / "report.html").unlink()
    assert run_company(there, out=f"file://{out}", **options).reasons == {"files of it changed or lost": 1}
    assert read_all(out) == read_all(tmp_path / "near")

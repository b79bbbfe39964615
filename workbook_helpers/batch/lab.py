"""JupyterLab on a company's own copies of the notebooks, so that what they show of customers never lies among the product's files.

    COMPANY/notebooks/…ipynb          one copy of each notebook; saved outputs stay here
    COMPANY/notebooks/.copied.json    name -> fingerprint of what was copied, to tell an edited copy from an older one
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from workbook_helpers.batch.files import make_folder, private_files, to_json, write_file
from workbook_helpers.batch.manifest import fingerprint, read_json
from workbook_helpers.batch.run import NOTEBOOKS
from workbook_helpers.data import UnusableError, choice, find_rep, prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.errors import InputDataError

FIRST = "00_start_here.ipynb"
_NOTE = ".copied.json"

#: JupyterLab's own defaults as we want them: nothing leaves the machine, neither for news nor for newer versions.
_SETTINGS = Path(__file__).with_name("lab_settings")


def prepare_lab(
    company: Path, *, rep_id: str = "", as_of: date | None = None, store: Path | None = None, notebooks: Path = NOTEBOOKS
) -> tuple[Path, dict[str, str], list[str]]:
    """Everything before the server starts: the folder of the copies, what its kernels are told, and the copies kept as edited.

    Raises WorkbookError in one line where workbook.yml, the data, the rep or the day cannot be used.
    """
    try:
        prepared = prepare(company, as_of=as_of, store=store)
    except UnusableError as error:
        tables = ", ".join(dict.fromkeys(p.table for p in error.problems if p.severity == "unusable"))
        raise InputDataError(f"These tables cannot be used: {tables}.", do=f"`workbook check {company}` says why.") from None
    told = {choice.COMPANY: str(company.resolve()), choice.AS_OF: as_of.isoformat() if as_of else ""}
    told[choice.REP] = find_rep(prepared, rep_id)["rep_id"] if rep_id else ""
    if store:
        told[STORE] = str(store.resolve())
    with private_files():
        edited = copy_notebooks(notebooks, company.resolve() / "notebooks")
    return company.resolve() / "notebooks", told, edited


def copy_notebooks(source: Path, target: Path) -> list[str]:
    """Copies what is absent, and what has changed since it was copied and was not edited. Returns the names kept as edited.

    A copy counts as edited when its cells are not those that were copied; outputs do not matter.
    """
    note = read_json(target / _NOTE) or {}
    edited = []
    for path in sorted(source.rglob("*.ipynb")):
        name = path.relative_to(source).as_posix()
        if path.name.startswith("_") or ".ipynb_checkpoints" in path.parts:
            continue
        copied, ours, theirs = note.get(name), _cells(path), _cells(target / name)
        if not (target / name).exists() or copied and copied == theirs != ours:
            write_file(make_folder((target / name).parent) / path.name, path.read_bytes())
            theirs = ours
        if theirs == ours:
            note[name] = ours
        elif not copied or copied != theirs:
            edited.append(name)
    write_file(make_folder(target) / _NOTE, to_json(note))
    return edited


def lab_command(folder: Path, *, browser: bool = True, port: int | None = None) -> list[str]:
    """What starts JupyterLab, from this environment, on the first notebook."""
    options = [f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{FIRST}", f"--LabApp.app_settings_dir={_SETTINGS}"]
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # in a container; the server still answers this machine alone, and asks for its token
    if port is not None:
        options.append(f"--ServerApp.port={port}")
    return [sys.executable, "-m", "jupyterlab", *options]


def serve(command: Sequence[str], told: Mapping[str, str], folder: Path) -> int:
    """Runs the server until it ends; Ctrl-C is the server's to answer, which asks first."""
    server = subprocess.Popen(command, cwd=folder, env=os.environ | told)
    try:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return 1 if server.wait() else 0
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait()


def _cells(path: Path) -> str | None:
    """Fingerprint of a notebook's cells without what they show; None where there is no notebook."""
    try:
        cells = json.loads(path.read_bytes())["cells"]
        return fingerprint([[c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", [])] for c in cells])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

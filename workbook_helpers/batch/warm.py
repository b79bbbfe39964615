"""Imported once by the server that reps' processes are forked from: everything slow is done before the first fork.

Opens no file, database, thread or socket, because those do not survive a fork.
"""

from __future__ import annotations

import gc
import importlib
import pickle
import pkgutil
import sys
from types import TracebackType

import papermill
from nbformat.v4 import new_code_cell, new_notebook

from workbook_helpers import data, plan, present, steps
from workbook_helpers.batch import rep, report  # noqa: F401

for room in (steps, data, plan, present):
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        importlib.import_module(module.name)

_FIRST = new_notebook(
    cells=[new_code_cell("from workbook_helpers.present import look\nlook.figure(title='a', subtitle='b', alt='c')")],
    metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
)
papermill.execute_notebook(
    _FIRST, None, engine_name="workbook", progress_bar=False
)  # first cells and figures are the slow ones
report.environment().get_template("report.html")
data.code_fingerprint("data", "steps")


def say_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A process whose task never came, because the run was stopped while it was handed over, has nothing to say."""
    if not issubclass(kind, (EOFError, pickle.UnpicklingError)):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = say_crash

gc.collect()
gc.freeze()  # a collection in a child would copy every page it looks at

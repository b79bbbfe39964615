"""A papermill engine that runs a notebook's cells in this very process, without a kernel.

A kernel costs seconds before its first line of work. Here a rep's process, forked from a warm one, runs the rep's
notebooks one after another: each in a fresh IPython shell, and what it changes outside its namespace is put back.
Plain papermill can use it too: ``papermill --engine workbook in.ipynb out.ipynb``.
"""

from __future__ import annotations

import atexit
import base64
import copy
import io
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from nbformat import NotebookNode
from traitlets import Type
from traitlets.config import Config

WorkbookEngine = None  # papermill asks for this name while it is being imported, which may be in the next line
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines  # noqa: E402

from workbook_helpers.present import look  # noqa: E402


class WorkbookEngine(Engine):  # type: ignore[no-redef]  # noqa: F811
    """Runs code cells in order and stops at the first that fails, as papermill expects of an engine."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> None:
        with _put_back(), _fresh_shell() as shell:
            for index, cell in enumerate(nb_man.nb.cells):
                if cell.cell_type != "code" or not cell.source.strip():
                    continue
                nb_man.cell_start(cell, index)
                ran = shell.run(cell)
                if not ran:
                    nb_man.cell_exception(cell, index)
                nb_man.cell_complete(cell, index)
                if not ran:
                    break


papermill_engines.register("workbook", WorkbookEngine)


def unfinished_cell(notebook: NotebookNode) -> int | None:
    """Index of the first code cell that did not run, or None when the notebook ran to its end.

    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> unfinished_cell(new_notebook(cells=[new_code_cell("1", execution_count=1), new_code_cell("2")]))
    1
    """
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return index
    return None


class _Displays(DisplayPublisher):
    """What ``display`` shows goes into the cell's outputs."""

    def publish(
        self,
        data: dict,
        metadata: dict | None = None,
        *args: Any,
        transient: dict | None = None,
        update: bool = False,
        **rest: Any,
    ) -> None:
        shown = _output("display_data", data=_plain(data), metadata=metadata or {})
        name = (transient or {}).get("display_id")
        if update:
            for earlier in self.shell.named_displays.get(name, []):
                earlier.update(data=shown.data, metadata=shown.metadata)
            return
        if name:
            self.shell.named_displays.setdefault(name, []).append(shown)
        self.shell.outputs.append(shown)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear()


class _Results(DisplayHook):
    """The value of a cell's last line goes into the cell's outputs."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        shown = {"data": _plain(format_dict), "metadata": md_dict or {}, "execution_count": self.prompt_count}
        self.shell.outputs.append(_output("execute_result", **shown))

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Shell(InteractiveShell):
    """An IPython shell that notes every output in nbformat's form and never ends the process."""

    display_pub_class = Type(_Displays)
    displayhook_class = Type(_Results)
    outputs: list[NotebookNode]
    named_displays: dict[str, list[NotebookNode]]

    def run(self, cell: NotebookNode) -> bool:
        """Runs one cell, puts its outputs into it, and says whether it went well."""
        self.outputs = cell.outputs = []
        with redirect_stdout(_Stream("stdout", self)), redirect_stderr(_Stream("stderr", self)):
            cell.execution_count = self.execution_count
            result = self.run_cell(cell.source, store_history=True)
        return result.success and not any(output.output_type == "error" for output in cell.outputs)

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException | None, stb: list[str]) -> None:
        # papermill takes sys.exit(0) for success, and would never say which cells did not run.
        said = "the cell ended the notebook before its last cell" if issubclass(etype, SystemExit) else str(evalue)
        self.outputs.append(_output("error", ename=etype.__name__, evalue=said, traceback=list(stb)))

    def ask_exit(self) -> None:
        raise SystemExit

    def enable_gui(self, gui: str | None = None) -> None:
        pass


class _Stream(io.TextIOBase):
    """Printed text, joined with what was printed just before."""

    encoding = "utf-8"

    def __init__(self, name: str, shell: _Shell) -> None:
        self._name, self._shell = name, shell

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        outputs = self._shell.outputs
        if outputs and outputs[-1].get("name") == self._name:
            outputs[-1].text += text
        elif text:
            outputs.append(_output("stream", name=self._name, text=text))
        return len(text)


@contextmanager
def _fresh_shell() -> Iterator[_Shell]:
    """A shell without this user's IPython settings and without history, which shows charts as a notebook does."""
    config = Config()
    config.HistoryManager.enabled = False
    with tempfile.TemporaryDirectory() as folder, look.mpl.rc_context():
        shell = _Shell(ipython_dir=folder, config=config)
        InteractiveShell._instance = shell  # what display() and get_ipython() ask for
        shell.outputs, shell.named_displays = [], {}
        shell.enable_matplotlib("inline")
        select_figure_formats(shell, {"png"})
        try:
            yield shell
        finally:
            atexit.unregister(shell.atexit_operations)
            shell.restore_sys_module_state()


def _refill(container: Any, kept: Any) -> None:
    container.clear()
    container.update(kept) if isinstance(kept, dict) else container.extend(kept)


#: What a notebook may change outside its namespace: how it is read, and how it is put back.
_STATE: tuple[tuple[Callable[[], Any], Callable[[Any], None]], ...] = (
    (os.getcwd, os.chdir),
    (lambda: dict(os.environ), lambda kept: _refill(os.environ, kept)),
    (lambda: list(sys.path), lambda kept: _refill(sys.path, kept)),
    (lambda: (sys.displayhook, sys.excepthook), lambda kept: vars(sys).update(displayhook=kept[0], excepthook=kept[1])),
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (lambda: copy.deepcopy(pd.options.d), lambda kept: _refill(pd.options.d, kept)),
    (lambda: InteractiveShell._instance, lambda kept: setattr(InteractiveShell, "_instance", kept)),
)


@contextmanager
def _put_back() -> Iterator[None]:
    """Whatever a notebook does to that state, the next one finds it as it was; random numbers start alike in each."""
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        for read, put in _STATE:
            stack.callback(put, read())
        random.seed(0)
        np.random.seed(0)
        yield


def _output(kind: str, **content: Any) -> NotebookNode:
    """As ``nbformat.v4.new_output`` makes it, which validates each against the whole schema; a test does that for all of them."""
    return nbformat.from_dict({"output_type": kind, **content})


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Pictures as text, as notebooks store them."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value for kind, value in data.items()
    }

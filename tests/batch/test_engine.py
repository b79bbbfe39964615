"""A notebook's cells run in this process, and nothing of one notebook reaches the next."""

import os
import random
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from workbook_helpers.batch.engine import unfinished_cell

pytestmark = pytest.mark.filterwarnings("ignore:To exit:UserWarning")


def run(*sources):
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return papermill.execute_notebook(notebook, None, engine_name="workbook", progress_bar=False)


def outputs(*sources):
    return [output for cell in run(*sources).cells for output in cell.outputs]


def test_printed_text_is_joined_and_kept_apart_by_stream():
    shown = outputs("import sys\nprint('a'); print('b'); print('c', file=sys.stderr)")
    assert [(o.name, o.text) for o in shown] == [("stdout", "a\nb\n"), ("stderr", "c\n")]


def test_the_last_value_of_a_cell_is_its_result_unless_it_ends_in_a_semicolon():
    (shown,) = outputs("1 + 1", "2;", "x = 3")
    assert (shown.output_type, shown.data, shown.execution_count) == ("execute_result", {"text/plain": "2"}, 1)


def test_own_media_types_and_metadata_are_kept():
    source = """
class Shown:
    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"text/plain": "p", "image/png": b"bytes", "application/vnd.workbook.facts+json": {"a": [1]}}
        return data, {"image/png": {"alt": "bars"}}
Shown()
"""
    (shown,) = outputs(source)
    assert shown.data["application/vnd.workbook.facts+json"] == {"a": [1]}
    assert shown.data["image/png"] == "Ynl0ZXM="
    assert shown.metadata["image/png"]["alt"] == "bars"


def test_a_display_can_be_updated_and_cleared():
    head = "from IPython.display import HTML, clear_output, display\n"
    (shown,) = outputs(
        head + "h = display(HTML('a'), display_id=True)", "h.update(HTML('b'))", "print('x')\nclear_output()"
    )
    assert shown.data["text/html"] == "b"


def test_charts_of_pyplot_show_themselves_as_in_a_notebook():
    shown = outputs(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "figure, ax = plt.subplots(); plt.close(figure)", "figure"
    )
    assert ["image/png" in output.data for output in shown] == [True, True]


def test_waiting_at_top_level_and_magics_work_as_in_a_notebook():
    assert outputs("%matplotlib inline\nimport asyncio\nawait asyncio.sleep(0, 7)")[0].data["text/plain"] == "7"


@pytest.mark.parametrize(
    ("source", "kind"),
    [("1 / 0", "ZeroDivisionError"), ("x =", "SyntaxError"), ("import sys; sys.exit(0)", "SystemExit"),
     ("exit()", "SystemExit"),
     ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("get_ipython().run_cell('1 / 0')", "ZeroDivisionError")],
)  # fmt: skip
def test_the_first_cell_that_fails_ends_the_notebook(source, kind):
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run("1", source, "raise ValueError('went on')")
    assert (caught.value.ename, caught.value.cell_index) == (kind, 1)


def test_a_notebook_that_ran_has_no_unfinished_cell():
    assert unfinished_cell(run("1", "", "2")) is None


def test_nothing_of_one_notebook_reaches_the_next(tmp_path):
    canary = f"""
import os, random, sys, warnings
import matplotlib as mpl, numpy as np, pandas as pd
canary = "here"
os.environ["CANARY"] = "here"
os.environ.pop("PATH", None)
os.chdir({str(tmp_path)!r})
sys.path.insert(0, "/canary")
mpl.rcParams["font.size"] = 33
pd.set_option("display.max_rows", 3)
random.seed(99); np.random.seed(99)
warnings.simplefilter("error")
sys.displayhook = sys.excepthook = print
get_ipython().user_ns["canary_too"] = 1
"""

    def state():
        return (
            os.getcwd(), dict(os.environ), list(sys.path), mpl.rcParams["font.size"], pd.get_option("display.max_rows"),
            random.getstate(), np.random.get_state()[1].tolist(), sys.displayhook, sys.excepthook,
            sys.modules["__main__"], sys.stdout, sys.stderr,
        )  # fmt: skip

    before = state()
    run(canary)
    assert state() == before
    assert outputs("[name for name in globals() if 'canary' in name]")[0].data["text/plain"] == "[]"


def test_also_a_notebook_that_fails_leaves_nothing_behind(tmp_path):
    before = os.getcwd(), sys.modules["__main__"]
    with pytest.raises(papermill.PapermillExecutionError):
        run(f"import os; os.chdir({str(tmp_path)!r}); 1 / 0")
    assert (os.getcwd(), sys.modules["__main__"]) == before


def test_every_notebook_starts_with_the_same_random_numbers():
    source = "import random, numpy as np\n(random.random(), np.random.random())"
    assert outputs(source)[0].data == outputs(source)[0].data


def test_the_engine_reads_and_writes_no_settings_of_this_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    run("1")
    assert list(tmp_path.iterdir()) == []


def test_the_engine_can_be_imported_before_papermill():
    import subprocess

    code = """
from workbook_helpers.batch import engine
from papermill.engines import papermill_engines
assert papermill_engines.get_engine("workbook") is engine.WorkbookEngine
"""
    subprocess.run([sys.executable, "-c", code], check=True)

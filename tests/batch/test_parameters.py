"""What may be put into a notebook."""

import re

import pytest
from small_company import PARAMETERS, make_notebook

from workbook_helpers.batch.parameters import OF_A_REP, check_parameters, declared_parameters
from workbook_helpers.errors import ParameterError

GIVEN = {"company": "small", "rep_id": "00123", "as_of": "2026-09-30"}


class Text(str):
    """Text that could write itself as anything."""


DEEP: list = []
DEEP.append(DEEP)


def test_the_batch_may_give_what_every_notebook_declares():
    check_parameters(make_notebook(), GIVEN, filled=OF_A_REP)


@pytest.mark.parametrize("text", ["'); import os #", '"""', "\\", "{company}", "$(ls)", "名前", "a\nb", "NaN", "10e5"])
def test_any_text_is_a_value(text):
    check_parameters(make_notebook(), GIVEN | {"rep_id": text}, filled=OF_A_REP)


@pytest.mark.parametrize(
    "value",
    [(1,), [(1,)], {"a": (1,)}, {1: "a"}, {Text("a"): 1}, Text("a"), float("nan"), float("inf"), [float("nan")], b"a",
     2**63, {1}, 1j, object(), "\ud800", {"\ud800": 1}, DEEP, len],
    ids=lambda value: re.sub(" at 0x[0-9a-f]+", "", repr(value)),
)  # fmt: skip
def test_a_value_that_is_no_plain_data_is_refused(value):
    with pytest.raises(ParameterError, match="'rep_id'"):
        check_parameters(make_notebook(), GIVEN | {"rep_id": value})


@pytest.mark.parametrize("value", [None, True, -5, 1.5, [1, ["a", None]], {"a": {"b": [1.5]}}])
def test_plain_data_is_a_value(value):
    check_parameters(make_notebook(), {"rep_id": value})


@pytest.mark.parametrize(
    "name", ["rep", "rep_id; import os", "rep_id = 1\nx", "", "__builtins__", Text("rep_id"), 1, None]
)
def test_only_declared_names_are_taken(name):
    with pytest.raises(ParameterError, match="company, rep_id, as_of"):
        check_parameters(make_notebook(), {name: "x"})


def test_a_misspelt_name_is_answered_with_the_nearest_one():
    with pytest.raises(ParameterError, match="Did you mean 'rep_id'"):
        check_parameters(make_notebook(), {"repid": "x"})


@pytest.mark.parametrize("empty", [{"rep_id": ""}, {"as_of": "  "}, {"company": None}])
def test_company_rep_and_day_must_be_given(empty):
    with pytest.raises(ParameterError, match=f"{next(iter(empty))!r} is empty"):
        check_parameters(make_notebook(), GIVEN | empty, filled=OF_A_REP)


def test_a_notebook_without_a_parameters_cell_is_refused():
    notebook = make_notebook()
    notebook["cells"][0]["metadata"] = {}
    with pytest.raises(ParameterError, match="no cells tagged"):
        check_parameters(notebook, {})


@pytest.mark.parametrize(
    "line",
    [
        'a: str = "x=y"',
        'a: str = "x"  # one # two',
        "a: int = 1 + 1",
        "a = b",
        "a: int",
        "import os",
        "a, b = 1, 2",
        "a.b = 1",
        "a = (",
        "a == 1",
    ],
)
def test_a_line_that_hides_or_derives_a_value_is_refused(line):
    with pytest.raises(ParameterError, match="Parameters cell"):
        declared_parameters(make_notebook(parameters=f"{PARAMETERS}\n{line}"))


def test_a_parameter_declared_twice_is_refused():
    with pytest.raises(ParameterError, match="twice"):
        declared_parameters(make_notebook(parameters=f'{PARAMETERS}\nrep_id: str = "R2"'))


def test_defaults_are_read_in_order_and_comments_skipped():
    source = PARAMETERS + "\n# our own\nshare: float = -0.5  # of all\nids: list = ['a', 'b']"
    assert declared_parameters(make_notebook(parameters=source)) == {
        "company": "c", "rep_id": "R1", "as_of": "", "share": -0.5, "ids": ["a", "b"],
    }  # fmt: skip

"""What may be put into a notebook: plain values, under names that its ``parameters`` cell declares.

papermill only warns of a misspelt name, and pastes some values into the notebook as code. Here both are refused.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Mapping
from typing import Any

from workbook_helpers.errors import ParameterError

#: What the batch gives to every notebook; each must say something.
OF_A_REP = ("company", "rep_id", "as_of")

_DEEPEST = 20
_FORM = "Write each parameter as `name: type = default  # meaning`, with one `=`, at most one `#` and a plain default."


def check_parameters(
    notebook: Mapping[str, Any], parameters: Mapping[str, Any], *, filled: tuple[str, ...] = ()
) -> None:
    """Refuses parameters that the notebook does not declare, and values that are not plain data.

    notebook: nbformat 4, as a dictionary or NotebookNode. filled: names that must be given a text that is not empty.
    Allowed are exactly text, True, False, whole and finite numbers, None, lists, and dictionaries with text keys.
    Raises ParameterError.

    >>> cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": 'rep_id: str = "R01"  # whose'}
    >>> check_parameters({"cells": [cell]}, {"rep_id": "00123"}, filled=("rep_id",))
    >>> check_parameters({"cells": [cell]}, {"rep": "00123"})
    Traceback (most recent call last):
    workbook_helpers.errors.ParameterError: The notebook has no parameter 'rep'. It has: rep_id. Did you mean 'rep_id'?
    """
    known = declared_parameters(notebook)
    for name in [*filled, *parameters]:
        if type(name) is not str or name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            raise ParameterError(
                f"The notebook has no parameter {str(name)[:60]!r}.",
                allowed=f"It has: {', '.join(known) or 'none'}.",
                do=f"Did you mean {near[0]!r}?" if near else "",
            )
    for name in filled:
        if not (isinstance(parameters.get(name), str) and parameters[name].strip()):
            raise ParameterError(f"Parameter {name!r} is empty.", do="Give it a value.")
    for name, value in parameters.items():
        _check_value(name, value)


def declared_parameters(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Name and default of each parameter, in the order of the notebook's one ``parameters`` cell."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and "parameters" in c["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(
            f"The notebook has {len(cells) or 'no'} cells tagged `parameters`.",
            do="Tag exactly one code cell `parameters`.",
        )
    source = cells[0]["source"]
    known: dict[str, Any] = {}
    for line in (source if isinstance(source, str) else "".join(source)).splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, default = _read_line(line)
        if name in known:
            raise ParameterError(f"Parameter {name!r} is declared twice.", do="Keep one of the two lines.")
        known[name] = default
    return known


def _read_line(line: str) -> tuple[str, Any]:
    if line.count("=") != 1 or line.count("#") > 1:
        raise ParameterError(
            f"Parameters cell, line {line.strip()[:80]!r}: a second `=` or `#` hides the value.", do=_FORM
        )
    try:
        (statement,) = ast.parse(line).body
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]  # type: ignore[attr-defined]
        return target.id, ast.literal_eval(statement.value)  # type: ignore[attr-defined, arg-type]
    except (SyntaxError, ValueError, AttributeError):
        raise ParameterError(f"Parameters cell, line {line.strip()[:80]!r} is not a plain value.", do=_FORM) from None


def _check_value(name: str, value: Any, depth: int = 0) -> None:
    kind = type(value)  # exactly: a subclass can write itself as code
    if depth > _DEEPEST:
        raise ParameterError(
            f"Parameter {name!r} is nested more than {_DEEPEST} levels deep.", do="Give a flatter value."
        )
    if value is None or kind is bool:
        return
    if kind is str and _is_whole(value) or kind is int and abs(value) < 2**63 or kind is float and math.isfinite(value):
        return
    if kind is list:
        for inner in value:
            _check_value(name, inner, depth + 1)
    elif kind is dict and all(type(key) is str for key in value):
        for key, inner in value.items():
            _check_value(name, key, depth + 1)
            _check_value(name, inner, depth + 1)
    else:
        raise ParameterError(
            f"Parameter {name!r} holds a {kind.__name__} that cannot be put into a notebook.",
            allowed="Allowed are text, True, False, None, whole and finite numbers, lists, dicts with text keys.",
        )


def _is_whole(text: str) -> bool:
    """No half of a character, which no file can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

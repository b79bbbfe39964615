"""Plans on disk: found, read with every failure named at once, saved so that nothing anybody wrote is lost."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from workbook_helpers.errors import PlanInputError, RunError
from workbook_helpers.names import is_safe_name, safe_name
from workbook_helpers.plan.model import (
    FORMAT,
    ManagerPlan,
    Plan,
    PlanFile,
    PrivatePlan,
    Source,
    content_of,
    find_unknown_keys,
)
from workbook_helpers.plan.yaml_text import YamlTextError, find_line, known_tree, plain, read_tree, write_changes

_File = TypeVar("_File", bound=PlanFile)
_LARGEST_BYTES = 5_000_000
_WAIT_SECONDS = 10

#: What to do, by pydantic's kind of failure. {expected}: what is allowed.
_SAY = {
    "missing": "is missing; add it",
    "string_type": "is not a text; write one value, in quotes where it holds a colon",
    "string_too_short": "is empty; fill it in",
    "float_parsing": "is not a number; write it without thousands marks, units or %, as in 1200000 or 0.08",
    "int_parsing": "is not a whole number",
    "finite_number": "is not a number that can be planned with",
    "bool_parsing": "is neither yes nor no; write one of them",
    "literal_error": "is not one of {expected}",
    "list_type": "is not a list; put each line after a hyphen, as in '- first'",
    "dict_type": "is not a map; put each key and its value on an indented line of its own",
    "model_type": "is not a map; put each key and its value on an indented line of its own",
    "greater_than_equal": "is too small; the least is {ge}",
    "less_than_equal": "is too large; the most is {le} (a share of 8 % is 0.08)",
}


class PlanChangedError(PlanInputError):
    """The file changed on disk since it was read: somebody else saved, or edited it by hand. Nothing was written."""


def plan_path(company_folder: str | Path, rep_id: str, year: int) -> Path:
    """Where a rep's shared plan of a year lies, whether or not there is a file.

    The folder bears the rep's id where that is a safe name, so that people can make it by hand; else its slug and a
    short hash. A folder of the second kind holds where there is one (for ids that differ in upper and lower case only).

    >>> plan_path("my-company", "R01", 2026).as_posix()
    'my-company/plans/R01/2026.yml'
    >>> plan_path("my-company", "../../x", 2026).as_posix()
    'my-company/plans/x-9cdf6a50/2026.yml'
    """
    plans, hashed = Path(company_folder) / "plans", safe_name(rep_id)
    plain_id = is_safe_name(rep_id) and not (plans / hashed).is_dir()
    return plans / (rep_id if plain_id else hashed) / f"{year}.yml"


def _path(company_folder: str | Path, rep_id: str, year: int, kind: str, version: int | None = None) -> Path:
    shared = plan_path(company_folder, rep_id, year)
    return shared.with_name(f"{year}{kind}" + ("" if version is None else f".v{version}") + ".yml")


def _digest(raw: bytes | None) -> str | None:
    return None if raw is None else hashlib.sha256(raw).hexdigest()


def _read_bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PlanInputError(f"{_say_path(path)} cannot be read ({error.strerror}).", do="Check its rights.") from None
    if len(raw) > _LARGEST_BYTES:
        raise PlanInputError(
            f"{_say_path(path)} is larger than 5 MB.", do="A plan is text; move other things elsewhere."
        )
    return raw


def _say_path(path: Path) -> str:
    """The path from the plans folder on: the same wherever the company's folder lies."""
    return "/".join(path.parts[-3:])


def _decode(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PlanInputError(f"{_say_path(path)}, line {line}: is not UTF-8.", do="Save the file as UTF-8.") from None


def _migrate(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content in today's format. Format 0 is a plan from before there was a format line."""
    stated = "0" if raw.get("format") is None else raw["format"]
    if stated == str(FORMAT):
        return raw
    if stated != "0":
        raise PlanInputError(
            f"{_say_path(path)}, key format, value {_short(stated)}: this version reads formats 0 to {FORMAT}.",
            do="Use the newer version of the workbook that wrote the file, or correct the line to 'format: 1'.",
        )
    now = {**raw, "format": str(FORMAT)}
    if isinstance(raw.get("goal"), str):
        now["goal"] = {"amount": raw["goal"]}
    if isinstance(raw.get("actions"), list):
        now["actions"] = [
            {"id": f"a{n}", "what": action} if isinstance(action, str) else action
            for n, action in enumerate(raw["actions"], 1)
        ]
    return now


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, (dict, list)) else f"{type(value).__name__} of {len(value)}"
    return text if len(text) <= 60 else f"{text[:60]}…"


def _say_place(place: tuple[str | int, ...]) -> str:
    """("actions", 0, "due") as people say it: actions, item 1, due."""
    return ", ".join(f"item {step + 1}" if isinstance(step, int) else step for step in place)


def _say_failures(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each failure's place in the file, and what is wrong there."""
    for failure in error.errors(include_url=False):
        place = tuple(step for step in failure["loc"] if step != "[key]")
        context = failure.get("ctx", {})
        said = _SAY[failure["type"]].format(**context) if failure["type"] in _SAY else failure["msg"]
        if failure["type"] == "value_error":
            said = str(context["error"])
        value = "" if failure["type"] == "missing" else f", value {_short(failure['input'])}"
        yield place, f"key {_say_place(place) or 'of the file'}{value}: {said}"


def _refuse(path: Path, failures: list[str]) -> PlanInputError:
    listed = "".join(f"\n  {failure}" for failure in failures)
    return PlanInputError(
        f"{_say_path(path)} cannot be used:{listed}", do="\nMend the file and run again; nothing in it was changed."
    )


def _find_hints(plan: PlanFile, tree: Any, path: Path) -> list[str]:
    hints = []
    for place, near in find_unknown_keys(plan):
        meant = f"did you mean {near!r}?" if near else "it is kept, and nothing reads it"
        at = f"{_say_path(path)}, line {find_line(tree, place)}"
        hints.append(f"{at}: {_say_place(place)!r} is not a key of a plan; {meant}")
    return hints


def _parse(cls: type[_File], raw: bytes | None, path: Path, rep_id: str, year: int) -> _File:
    """The plan that a file's bytes hold; an empty one for no file. Raises PlanInputError naming every failure."""
    if raw is None:
        plan = cls(rep_id=rep_id, year=year)
        plan._source = Source(path, None)
        return plan
    try:
        tree = known_tree(_decode(raw, path))
        written = plain(tree)
    except YamlTextError as error:
        raise _refuse(path, [str(error) if error.line else error.why]) from None
    content = _migrate(written, path)
    content = {**content, "rep_id": content.get("rep_id") or rep_id, "year": content.get("year") or str(year)}
    failures: list[tuple[int, str]] = []

    def add(place: tuple[str | int, ...], said: str) -> None:
        line = find_line(tree, place)
        failures.append((line or 0, f"line {line}, {said}" if line else said))

    for key, due in (("rep_id", rep_id), ("year", str(year))):
        if content[key] != due:
            said = f"the file lies where that of {due!r} belongs; move or mend it"
            add((key,), f"key {key}, value {_short(content[key])}: {said}")
    try:
        plan = cls.model_validate(content)
    except ValidationError as error:
        for place, said in _say_failures(error):
            add(place, said)
    if failures:
        raise _refuse(path, [said for _, said in sorted(failures)])
    hints = _find_hints(plan, tree, path)
    if written and content.get("format") != written.get("format"):
        hints.append(
            f"{_say_path(path)} has an older format; the next save brings it to today's and keeps the old file"
        )
    plan._source = Source(path, _digest(raw), tuple(hints))
    return plan


def _load(cls: type[_File], company_folder: str | Path, rep_id: str, year: int, version: int | None = None) -> _File:
    path = _path(company_folder, rep_id, year, cls.kind, version)
    raw = _read_bytes(path)
    if version is not None and raw is None:
        known = ", ".join(map(str, list_versions(company_folder, rep_id, year, cls)))
        raise PlanInputError(f"{_say_path(path)} does not exist.", allowed=f"Earlier versions: {known or 'none'}.")
    return _parse(cls, raw, path, rep_id, year)


def load_plan(company_folder: str | Path, rep_id: str, year: int, *, version: int | None = None) -> Plan:
    """The shared plan of a rep and year; an empty one where there is no file.

    version: the number of an earlier version (``list_versions``) instead of today's.
    What looked like a slip of the pen stands in ``plan.hints``. An older format is read as today's; the file stays as
    it is.
    Raises PlanInputError naming file, line, key, value and remedy of every failure together.

    >>> load_plan("no-such-folder", "R01", 2026).vision
    ''
    """
    return _load(Plan, company_folder, rep_id, year, version)


def load_private(company_folder: str | Path, rep_id: str, year: int, *, version: int | None = None) -> PrivatePlan:
    """What is the rep's alone; like ``load_plan``.

    >>> load_private("no-such-folder", "R01", 2026).share_in_own_report
    False
    """
    return _load(PrivatePlan, company_folder, rep_id, year, version)


def load_manager(company_folder: str | Path, rep_id: str, year: int, *, version: int | None = None) -> ManagerPlan:
    """What is the manager's alone; like ``load_plan``.

    >>> load_manager("no-such-folder", "R01", 2026).agreed
    []
    """
    return _load(ManagerPlan, company_folder, rep_id, year, version)


def list_versions(company_folder: str | Path, rep_id: str, year: int, cls: type[PlanFile] = Plan) -> tuple[int, ...]:
    """The numbers of the earlier versions, oldest first.

    >>> list_versions("no-such-folder", "R01", 2026)
    ()
    """
    folder = plan_path(company_folder, rep_id, year).parent
    name = re.compile(re.escape(f"{year}{cls.kind}") + r"\.v([1-9][0-9]*)\.yml")
    found = (name.fullmatch(entry.name) for entry in folder.iterdir()) if folder.is_dir() else ()
    return tuple(sorted(int(match[1]) for match in found if match))


def save_plan(company_folder: str | Path, plan: PlanFile, *, saved_on: date | None = None) -> Path:
    """Writes a plan (shared, private or manager's) where it belongs, whole or not at all; returns the path.

    Comments, unknown keys and all that did not change stay as they stand in the file. What the file held before is kept
    as ``<year>.v1.yml``, v2 and so on. Where nothing changed, nothing is written. The plan can be changed and saved
    again.
    saved_on: the day to note as ``saved``; None leaves it.
    Raises PlanChangedError where the file is not the one that the plan was read from, PlanInputError for what no plan
    can hold, RunError where the disk refuses.
    """
    path = _path(company_folder, plan.rep_id, plan.year, plan.kind)
    source = plan._source if plan._source and plan._source.path == path else Source(path, None)
    try:
        checked = type(plan).model_validate(plan.model_dump(warnings=False))
    except ValidationError as error:
        raise _refuse(path, [said for _, said in _say_failures(error)]) from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_WAIT_SECONDS):
            before = _read_bytes(path)
            if _digest(before) != source.sha256:
                raise PlanChangedError(
                    f"{_say_path(path)} was changed by somebody else since it was opened here; it was not overwritten.",
                    do="Open the plan again and repeat what you changed last.",
                )
            after = _compose(checked, before, path, saved_on)
            if after != before:
                if before is not None:
                    _keep_version(company_folder, plan, before)
                _replace(path, after)
    except Timeout:
        raise RunError(f"{_say_path(path)} is being saved by another program.", do="Try again in a moment.") from None
    except OSError as error:
        raise RunError(
            f"{_say_path(path)} could not be written ({error.strerror or error}).",
            do="Make room or rights, then again.",
        ) from None
    plan._source = Source(path, _digest(after), source.hints)
    if saved_on is not None and after != before:
        plan.saved = saved_on
    return path


def _compose(plan: PlanFile, before: bytes | None, path: Path, saved_on: date | None) -> bytes:
    """The new bytes of the file; the old ones where nothing changed."""
    text = "" if before is None else _decode(before, path)
    earlier = _parse(type(plan), before, path, plan.rep_id, plan.year)
    old, new = {"format": FORMAT, **content_of(earlier)}, {"format": FORMAT, **content_of(plan)}
    written = plain(read_tree(text))
    today = _migrate(written, path) if before is not None else {}
    migrated = {key for key in today if today[key] != written.get(key)}
    if before is not None and old == new and not migrated:
        return before
    if saved_on is not None:
        new["saved"] = saved_on
    old = {key: None if key in migrated else value for key, value in old.items()} if before is not None else {}
    after = write_changes(text, old, new).encode("utf-8")
    if content_of(_parse(type(plan), after, path, plan.rep_id, plan.year)) != {
        key: new[key] for key in new if key != "format"
    }:
        raise AssertionError(f"{_say_path(path)} would not read back as it was meant; nothing was written")
    return after


def _keep_version(company_folder: str | Path, plan: PlanFile, before: bytes) -> None:
    number = max(list_versions(company_folder, plan.rep_id, plan.year, type(plan)), default=0) + 1
    kept = _path(company_folder, plan.rep_id, plan.year, plan.kind, number)
    _replace(kept, before)
    shutil.copymode(_path(company_folder, plan.rep_id, plan.year, plan.kind), kept)


def _replace(path: Path, content: bytes) -> None:
    """Writes beside the file, then takes its place: a reader sees the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def plan_fingerprint(company_folder: str | Path, rep_id: str, year: int) -> str:
    """A hash over the bytes of the three files (and over which of them exist): changes exactly when one of them does.

    >>> plan_fingerprint("no-such-folder", "R01", 2026) == plan_fingerprint("no-such-folder", "R02", 2026)
    True
    """
    kinds = (cls.kind for cls in (Plan, PrivatePlan, ManagerPlan))
    digests = (_digest(_read_bytes(_path(company_folder, rep_id, year, kind))) for kind in kinds)
    return hashlib.sha256(" ".join(digest or "none" for digest in digests).encode()).hexdigest()

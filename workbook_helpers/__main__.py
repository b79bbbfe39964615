"""The command line: ``workbook new``, ``check``, ``run`` and ``lab``. What is slow is imported by the command that needs it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbook_helpers.errors import SEVERITIES, Problem, WorkbookError, group_problems, printable

if TYPE_CHECKING:
    from datetime import date

#: Examples that ``check`` prints of each kind of problem; the file holds them all.
EXAMPLES = 10

_TERMINATED = 128 + signal.SIGTERM
_GO_ON = "Finished reports are kept; `workbook run … --resume` goes on."

_COMPANY = click.argument("company", type=click.Path(path_type=Path))
_STORE = click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for prepared data; default COMPANY/.workbook.",
)


class _Place(click.Path):
    """A folder, or the address of one in an object store, which stays as it was written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if "://" in str(value) else super().convert(value, param, ctx)


class _Day(click.ParamType):
    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        from datetime import date

        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day. Write it as YYYY-MM-DD, for example 2026-09-30.", param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Territory planning: a checked company in, a planning report for every rep out.

    \b
    Example:
      workbook check data/samples/field_sales
      workbook run data/samples/field_sales
    """


@cli.command()
@_COMPANY
@click.option(
    "--exports",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the exports lie, if not in COMPANY/exports or in COMPANY; they are read in place.",
)
def new(company: Path, exports: Path | None) -> int:
    """Reads the exports of COMPANY and writes its first workbook.yml: what is certain, and a question where it is not.

    \b
    Example:
      workbook new my-company
      workbook new my-company --exports ~/Downloads/crm-2026

    Returns 0 when `workbook check` would pass as it stands, 2 when a question must be answered first.
    """
    from workbook_helpers.draft import draft_company

    draft = draft_company(company, exports)
    for line in draft.lines:
        click.echo(printable(line))
    return 0 if draft.runs else 2


@cli.command()
@_COMPANY
@click.option("--strict", is_flag=True, help="Fail also when every problem could be set aside.")
@_STORE
def check(company: Path, strict: bool, store: Path | None) -> int:
    """Says everything that is wrong in the exports of COMPANY: file, row, column, value and what to do.

    \b
    Example:
      workbook check data/samples/field_sales --strict

    Returns 0 when the company can be planned with, 2 when a table cannot be used (--strict: when anything is wrong).
    """
    from workbook_helpers.data import UnusableError, prepare

    try:
        prepared = prepare(company, store=store, teach=False)
        problems, remarks, unusable = prepared.problems, prepared.view["remarks"], False
    except UnusableError as error:
        problems, remarks, unusable = error.problems, [], True
    whole = _write_problems(problems, store or Path(os.environ.get("WORKBOOK_STORE") or company / ".workbook"))
    for line in remarks:
        click.echo(printable(line))
    if not problems:
        click.echo("No row is wrong.")
        return 0
    for line in say_problems(problems, whole):
        click.echo(printable(line))
    return 2 if unusable or strict else 0


@cli.command()
@click.argument("company", type=_Place(path_type=Path))
@click.option(
    "--rep", "reps", multiple=True, metavar="ID", help="Only this rep, as the exports write the id; may be repeated."
)
@click.option("--as-of", type=_Day(), help="The day the reports speak from; default the last day the exports know.")
@click.option(
    "--out",
    type=_Place(file_okay=False, path_type=Path),
    help="Where reports go; default reports/<company folder name>.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Reps at a time; default one per core, on a cluster one per thread.")
@click.option("--cluster", metavar="ADDRESS", help="Hand the reps to the Dask cluster of this scheduler, as in tcp://scheduler:8786.")
@click.option("--pdf", is_flag=True, help="Also print each report, as report.pdf beside it.")
@click.option(
    "--resume", is_flag=True, help="Go on with an interrupted run; refused when exports or settings have changed since."
)
@_STORE
def run(
    company: Path | str,
    reps: tuple[str, ...],
    as_of: date | None,
    out: Path | str | None,
    jobs: int | None,
    resume: bool,
    pdf: bool,
    cluster: str | None,
    store: Path | None,
) -> int:
    """Makes every rep's planning report and the team's index for COMPANY. Reports that are still current are kept.

    \b
    Example:
      workbook run data/samples/field_sales --rep R07 --rep R11 --as-of 2026-09-30 --pdf

    Returns 0 when every report that was asked for is there, 3 when some failed, 2 when the input or the command is
    wrong, 1 when the disk or the system is at fault, 130 or 143 when interrupted.
    """
    from workbook_helpers.batch.run import run_company

    done = run_company(company, reps=reps, as_of=as_of, out=out, jobs=jobs, resume=resume, pdf=pdf, cluster=cluster, store=store)
    for record in done.failed:
        click.echo(printable(f"{record.rep_id}: no {'PDF' if record.status == 'done' else 'report'}. {record.reason}"), err=True)
    there = len(done.asked) - sum(record.status != "done" for record in done.failed)
    click.echo(
        printable(
            f"{there} of {len(done.asked)} reports are there, {len(done.kept)} of them unchanged. Index: {done.index}"
        )
    )
    if done.set_aside:
        rows = ", ".join(f"{n:,} of {table}" for table, n in done.set_aside.items())
        click.echo(printable(f"Rows that were set aside: {rows}. `workbook check {company}` names them."))
    return done.exit_code


@cli.command()
@_COMPANY
@click.option("--rep", default="", metavar="ID", help="The rep whose book opens; default the first who sells.")
@click.option("--as-of", type=_Day(), help="The day the notebooks speak from; default the last day the exports know.")
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening a browser.")
@click.option("--port", type=click.IntRange(1, 65535), help="The server's port; default the first free one from 8888.")
@_STORE
def lab(company: Path, rep: str, as_of: date | None, no_browser: bool, port: int | None, store: Path | None) -> int:
    """Opens the notebooks in JupyterLab with COMPANY chosen. They are copies, in COMPANY/notebooks.

    \b
    Example:
      workbook lab data/samples/field_sales --rep R07

    Returns 0 when JupyterLab was closed, 2 when the input or the command is wrong, 1 when the system is at fault.
    """
    from workbook_helpers.batch.lab import lab_command, prepare_lab, serve

    folder, told, edited = prepare_lab(company, rep_id=rep, as_of=as_of, store=store)
    for name in edited:
        click.echo(printable(f"{name} is kept as you edited it; rename it to get the newest one beside it."))
    return serve(lab_command(folder, browser=not no_browser, port=port), told, folder)


def say_problems(problems: Iterable[Problem], whole: Path) -> list[str]:
    """The problems in words, grouped by table and kind with a few examples of each. whole: the file that holds all.

    >>> late = Problem("finding", "orders", "o.csv", 7, "amount", "", "the amount is empty", "Fill it in.")
    >>> print(*say_problems([late] * 12, Path("all.csv"))[:3], sep="\\n")
    orders
      12 to mend: the amount is empty. Fill it in.
        o.csv, row 7, column amount, value ''
    """
    lines = []
    for table, groups in group_problems(problems).items():
        lines.append(table)
        for found in groups:
            what, fix = found[0].what, found[0].fix
            lines.append(f"  {len(found):,} {SEVERITIES[found[0].severity]}: {what}. {fix}")
            lines += [f"    {str(problem).removesuffix(f': {what}. {fix}')}" for problem in found[:EXAMPLES]]
            if len(found) > EXAMPLES:
                lines.append(f"    and {len(found) - EXAMPLES:,} more, all in {whole}")
    return [*lines, f"All of them: {whole}"]


def main() -> None:
    """Runs the command and ends with its exit code; what goes wrong is said in plain lines, never as a traceback."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(_TERMINATED))
    try:
        sys.exit(cli(standalone_mode=False))
    except SystemExit as ended:
        if ended.code == _TERMINATED:
            _stop(f"Stopped from outside (SIGTERM). {_GO_ON}", _TERMINATED)
        raise
    except (click.Abort, KeyboardInterrupt):
        _stop(f"Interrupted. {_GO_ON}", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except WorkbookError as error:
        if os.environ.get("WORKBOOK_DEBUG") == "1":
            traceback.print_exc()
        _stop(str(error), error.exit_code)
    except Exception as error:
        if os.environ.get("WORKBOOK_DEBUG") == "1":
            raise
        _stop(f"Stopped by {type(error).__name__}, which nobody expected. Details are in {_keep_traceback()}.", 1)


def _stop(text: str, code: int) -> None:
    click.echo(printable(text), err=True)
    sys.exit(code)


def _write_problems(problems: Iterable[Problem], folder: Path) -> Path:
    from dataclasses import astuple, fields

    from workbook_helpers.batch.files import make_folder, private_files, to_csv, write_file

    with private_files():
        target = make_folder(folder) / "problems.csv"
        write_file(target, to_csv([field.name for field in fields(Problem)], map(astuple, problems)))
    return target


def _keep_traceback() -> str:
    number, name = tempfile.mkstemp(prefix="workbook-", suffix=".log")
    with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        traceback.print_exc(file=file)
    return name


if __name__ == "__main__":
    main()

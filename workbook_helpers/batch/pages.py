"""What stands above the reps' folders: ``team.json`` and the index, both made from the reports that are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbook_helpers.batch.files import to_json, write_file
from workbook_helpers.batch.manifest import NAME, Record, read_json
from workbook_helpers.batch.rollup import roll_up
from workbook_helpers.measure import total

if TYPE_CHECKING:
    from workbook_helpers.data import Prepared

_CARD = ("rep_id", "rep_name", "role", "team", "kind", "tenure_days")


def write_pages(folder: Path, prepared: Prepared, records: Sequence[Record]) -> list[str]:
    """Writes ``team.json`` and ``index.html`` and returns their names."""
    from workbook_helpers.batch.index import render_index
    from workbook_helpers.data.team import list_definitions

    cards = {card["rep_id"]: card for card in prepared.reps}
    facts = {r.rep_id: _read_facts(folder / r.folder) for r in records if r.status == "done"}
    rules = {measure_id: definition.roll_up for measure_id, definition in list_definitions().items()}
    team = {
        "company": prepared.company.name,
        "as_of": prepared.as_of.isoformat(),
        "measures": roll_up(facts.values(), figures=prepared.team["company"], rules=rules),
        "nobody": list(prepared.team["nobody"].values()),
        "reps_n": len(facts),
        "missing": [
            {"rep_id": r.rep_id, "status": r.status, "reason": r.reason} for r in records if r.status != "done"
        ],
    }
    reps = [_describe_rep(record, cards, facts.get(record.rep_id, [])) for record in records]
    page = render_index(run=_describe_run(folder, prepared), reps=reps, team=_describe_team(prepared, team, cards))
    write_file(folder / "team.json", to_json(team))
    write_file(folder / "index.html", page.encode())
    return ["index.html", "team.json"]


def _read_facts(folder: Path) -> list[dict]:
    """The measures of a rep's whole book."""
    return [fact for fact in read_json(folder / "facts.json") or [] if fact["cut"] is None]


def _describe_rep(record: Record, cards: dict[str, dict], facts: Sequence[dict]) -> dict[str, Any]:
    card = cards[record.rep_id]
    manager = cards.get(card.get("manager_id") or "")
    return {
        **{key: card.get(key) for key in _CARD},
        "manager": manager["rep_name"] if manager else None,
        "folder": record.folder,
        "status": record.status,
        "reason": record.reason,
        "pdf": record.has_pdf,
        "plan": {"exists": False, "age_days": None, "signed_by": []} | dict(record.said.get("plan") or {}),
        "facts": {fact["id"]: fact for fact in facts},
        "card": dict(record.said.get("card") or {}),
    }


def _describe_run(folder: Path, prepared: Prepared) -> dict[str, Any]:
    from workbook_helpers.data.schemas import TABLES

    view, company = prepared.view, prepared.company
    return {
        "company": company.name,
        "currency": company.currency,
        "as_of": prepared.as_of.isoformat(),
        "days_left": (company.fiscal_year(prepared.as_of).end - prepared.as_of).days,
        "data_light": {
            "rows_used": sum(n for tables in view["counts"].values() for name, n in tables.items() if name in TABLES),
            "set_aside_n": sum(n for _, _, n, _, _ in view["set_aside"]),
            "set_aside_amount": total(amount for _, _, _, amount, _ in view["set_aside"]),
            "findings_n": sum(view["findings"].values()),
        },
        "remarks": view["remarks"],
        "previous": _read_previous(folder),
    }


def _describe_team(prepared: Prepared, team: dict[str, Any], cards: dict[str, dict]) -> dict[str, Any]:
    measures = {fact["id"]: fact for fact in team["measures"]}
    if "landing" in prepared.team["company"]:
        measures["landing"] = prepared.team["company"]["landing"]
    target = prepared.company.company_target.get(prepared.company.plan_year(prepared.as_of))
    quota = (prepared.team["company"].get("quota") or {}).get("value")  # of all reps, also when only some were asked for
    nobody = [(n, amount) for rep_id, _, n, amount, _ in prepared.view["set_aside"] if rep_id == ""]
    return {
        "measures": measures,
        "target": target,
        "over_assignment": quota / target - 1 if target and quota is not None else None,
        "nobody": {"rows_n": sum(n for n, _ in nobody), "amount": total(amount for _, amount in nobody), "facts": prepared.team["nobody"]},
        "missing": [cards[rep["rep_id"]]["rep_name"] for rep in team["missing"]],
    }


def _read_previous(folder: Path) -> dict[str, Any] | None:
    """The finished run of the latest earlier day beside this one, so that the index can say what changed since."""
    earlier = [
        p.parent for p in folder.parent.glob(f"*/{NAME}") if _is_day(p.parent.name) and p.parent.name < folder.name
    ]
    for place in sorted(earlier, reverse=True):
        done = [r for r in (read_json(place / NAME) or {}).get("reps", []) if r["status"] == "done"]
        facts = {r["rep_id"]: {fact["id"]: fact for fact in _read_facts(place / r["folder"])} for r in done}
        if facts:
            return {"as_of": place.name, "facts": facts}
    return None


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

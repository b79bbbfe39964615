"""Chapter 3 to look at: the market, its size, which prospects to open, and which leads are worth the time (3.1, 3.3, 3.6, 3.7)."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.present import cells, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share, say_cut

_SIZES = {"all": "All of it", "serviceable": "Serviceable", "obtainable": "To be had this year"}


def say_market(answer: Answer, currency: str) -> markup.Shown:
    """How big the market of this book is, who lives there, and how much of it we know."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    known, spend, notes = answer["known_share"], answer["market_spend"], answer.notes
    counted = "establishments" if notes["counted"] == "establishments" else "employees"
    text = "The market is known by area"
    if known.value is not None:
        text = f"The book knows {as_share(known.value)} of the {counted} in its areas"
    if spend.value is not None:
        text += f"; they spend {as_money(spend.value, currency)} a year"
    row = answer.table.iloc[0]
    unknown = row[f"{notes['counted']}_n"] - row[notes["ours"]]
    if unknown > 0:
        place = " / ".join(str(row[c]) for c in ("area", "industry") if c in answer.table)
        text += f". Most that we do not know are in {place}: {unknown:,.0f}"
    if notes["population_n"]:
        text += f". {say_number(notes['population_n'], 'money', short=True)} people live there"
        if notes["income"]:
            text += f", with a household income of {as_money(notes['income'], currency)} in the middle area"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_market(answer: Answer, currency: str) -> markup.Shown | None:
    """Areas with their establishments, or employees, beside our accounts there."""
    if answer.withheld is not None:
        return None
    columns = {
        "area": ("Area", "text"),
        "industry": ("Industry", "text"),
        "establishments_n": ("Establishments", "count"),
        "employees_n": ("Employees", "count"),
        "accounts_n": ("Our accounts", "count"),
        "customers_n": ("Customers", "count"),
        "known_share": ("Known", cells.Bar("share")),
        "spend": (f"Spend, {currency}", "money"),
    }
    columns = {name: shown for name, shown in columns.items() if name in answer.table and answer.table[name].notna().any()}
    return markup.table(answer.table, columns, caption="The market beside the book, most unknown first.", limit=10)


def say_size(answer: Answer, currency: str) -> markup.Shown:
    """How much can be served, and how much of it is to be had this year."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    served, had, notes = answer["serviceable_amount"], answer["obtainable_amount"], answer.notes
    text = "Of the serviceable market"
    if served.value is not None:
        text += f" of {as_money(served.value, currency)} a year"
    if had.value is None:
        text += f", what is to be had this year is not told: {had.withheld}"
    else:
        low, high = (say_number(amount, "money", short=True) for amount in (had.low, had.high))
        text += f", about {as_money(had.value, currency)} is to be had this year ({low} to {high})"
        text += f"; of {as_count(notes['open_n'], 'account')} that had not bought, {notes['began_n']:,} began to in the last 365 days"
    if not notes["has_market"]:
        text += ". Without spend in a market table, all of it means the accounts that we know"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_size(answer: Answer, currency: str) -> markup.Shown | None:
    """Total, serviceable and obtainable market by every way; the filters stand above it."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(name=[_SIZES[size] for size in answer.table["size"]])
    limits = table[["low_amount", "high_amount"]].to_numpy(float)
    table["range"] = [f"{low:,.0f}–{high:,.0f}" if low == low and high > low else "–" for low, high in limits]
    columns = {
        "name": ("Market a year", "text"),
        "top_down_amount": (f"Market table, {currency}", "money"),
        "bottom_up_amount": (f"Comparable customers, {currency}", "money"),
        "regression_amount": (f"Traits of the account, {currency}", "money"),
        "range": ("Range", "text"),
    }
    columns = {name: shown for name, shown in columns.items() if table[name].notna().any()}
    return markup.table(table, columns, caption=f"{_say_filters(answer.notes)}")


def _say_filters(notes: dict[str, Any]) -> str:
    filters = notes["filters"]
    said = [f"{name} {_some(filters[key])}" for key, name in (("industry", "industry"), ("area", "area")) if filters[key]]
    if filters["employees"]:
        said.append(f"{filters['employees']:,.0f} employees or more")
    where = "as the plan says" if notes["from_plan"] else "where five customers or more buy"
    keys = "market.industries, market.areas and market.smallest_employees of the plan set it"
    kept = f"{notes['kept_n']:,} of {as_count(notes['accounts_n'], 'account')}"
    return f"Serviceable, {where}: {'; '.join(said) or 'every account'} ({kept}); {keys}."


def _some(labels: list[str]) -> str:
    return ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")


def say_targets(answer: Answer) -> markup.Shown:
    """The prospect to open first, what the best customers have in common, and what such a ranking was worth a year ago."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    row = answer.table.iloc[0]
    text = f"Open {row['account_name']} first" + (f": {row['why']}" if row["why"] else "")
    profile = [
        f"{_say_trait(t['cut'], t['label'])} ({t['lift']:.1f} times as common, {t['low_lift']:.1f}–{t['high_lift']:.1f})"
        for t in answer.notes["profile"][:3]
    ]
    text += f". The best customers stand out by {as_list(profile)}" if profile else ". No trait surely sets the best customers apart"
    if answer.notes["in_work_n"]:
        n = answer.notes["in_work_n"]
        text += f". {as_count(n, 'prospect')} with an open deal {'is' if n == 1 else 'are'} left out"
    return markup.sentence(answer, text + ".", *answer.measures)


def _say_trait(cut: str, label: str) -> str:
    return label if cut == "employees_band" else say_cut(cut, label)


def say_check(answer: Answer) -> markup.Shown | None:
    """Whether such a ranking, made a year ago, would have found those that began to buy."""
    if answer.withheld is not None:
        return None
    found = answer.notes["check"]
    if found is None:
        reason = answer["target_hits"].withheld
        return markup.note(f"Whether such a ranking foretells who buys cannot be checked: {reason}.")
    counted = f"of {as_count(found['began_n'], 'account')} of the company that began to buy since, {found['found_n']:.0f}"
    limits = f"{as_share(found['low'])} to {as_share(found['high'])}"
    text = f"Ranked a year ago with what was known then, {counted} stood in the top tenth ({limits}); "
    text += f"chance would put {found['began_n'] / 10:.0f} there"
    helps = ": the ranking helps." if found["beats_chance"] else ". So it tells whom to open for money, not who will buy."
    return markup.note(text + helps)


def table_targets(answer: Answer, currency: str, limit: int = 3) -> markup.Shown | None:
    """The prospects to open first, and why."""
    if answer.withheld is not None:
        return None
    table = answer.table.head(limit)
    limits = table[["potential_low_amount", "potential_high_amount"]].to_numpy(float)
    table = answer.table.assign(
        why=[_say_why(row) for row in answer.table.itertuples()],
        range=pd.Series([f"{low:,.0f}–{high:,.0f}" for low, high in limits], index=table.index),
    )  # fmt: skip
    columns = {
        "account_name": ("Prospect", "text"),
        "range": (f"Potential a year, {currency}", "text"),
        "why": ("Why", "text"),
        "last_touch_date": ("Last touch", "date"),
    }
    return markup.table(table, columns, caption="Prospects to open.", limit=limit)


def _say_why(row: Any) -> str:
    parts = [row.why] if row.why else ["no trait sets it apart"]
    if isinstance(row.sister, str):
        parts.append(f"same parent as customer {row.sister}")
    if row.accounts_n > 1:
        parts.append(f"{row.accounts_n:,} accounts of one parent")
    return "; ".join(parts)


def say_leads(answer: Answer, currency: str) -> markup.Shown:
    """What qualified leads are worth beside the others."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    rows = answer.table[answer.table["cut"] == "qualification"].set_index("label")
    n = {label: float(rows["cases_n"].get(label, 0.0)) for label in ("qualified", "not qualified")}
    text = f"{n['qualified']:,.0f} of {as_count(sum(n.values()), 'lead')} old enough to have converted are qualified"
    shares = {label: rows["rate_share"].get(label, math.nan) for label in n}
    if not any(math.isnan(share) for share in shares.values()):
        text += f"; {as_share(shares['qualified'])} of them converted, {as_share(shares['not qualified'])} of the others"
        won = {label: rows["won_amount"].get(label, math.nan) for label in n}
        if answer.notes["has_deals"] and sum(won.values()) > 0:
            good, rest = (as_money(won[label], currency) for label in won)
            text += f". A qualified lead brought {good} in won deals, another {rest}"
    if answer.notes["asked_n"]:
        text += f". Of {as_count(answer.notes['asked_n'], 'lead')} nobody wrote down whether it is qualified"
    return markup.sentence(answer, text + ".")


def table_leads(answer: Answer, currency: str) -> markup.Shown | None:
    """Qualified leads beside the others, in all and by source."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(name=[_say_group(*row) for row in answer.table[["cut", "label"]].to_numpy()])
    table = table.sort_values("cases_n", ascending=False, kind="stable").head(10).sort_index()
    top = float(min(1.0, max(0.25, table["high_share"].max()))) if table["high_share"].notna().any() else 1.0
    columns: dict[str, tuple[str, markup.Kind]] = {
        "name": ("Leads", "text"),
        "cases_n": ("Number", "count"),
        "rate_share": ("Converted", cells.Range("low_share", "high_share", "team_share", "share", top)),
        "team_share": ("Team", "share"),
        "won_amount": (f"Won a lead, {currency}", "money"),
    }
    if table["team_share"].isna().all():
        del columns["team_share"]
    if not answer.notes["has_deals"]:
        del columns["won_amount"]
    caption = "Qualified: wants it, will use it well, has a date to act by. The stroke is the team."
    return markup.table(table, columns, caption=caption)


def _say_group(cut: str, label: str) -> str:
    return label if cut == "qualification" else f"{label}, {cut.removeprefix('lead_source, ')}"


def table_to_do(answer: Answer) -> markup.Shown | None:
    """Open leads with a date to act by, the qualified and nearest first."""
    rows = answer.notes.get("to_do")
    if rows is None or rows.empty:
        return None
    signs = {3: "qualified", 2: "two of three", 1: "date only"}
    table = rows.assign(signs=[signs[n] for n in rows["signs_n"]])
    columns = {
        "lead_id": ("Lead", "text"),
        "account_name": ("Account", "text"),
        "lead_source": ("Source", "text"),
        "signs": ("Signs", "text"),
        "event_date": ("Act by", "date"),
    }
    return markup.table(table, columns, caption="Open leads with a date to act by.", limit=5)


def say_questions(penetration: Answer, targets: Answer) -> markup.Shown:
    """Three questions to talk about, from this book's own numbers where it has them."""
    lines = []
    if penetration.withheld is None and len(penetration.table) and penetration.table["white_space_amount"].iloc[0] > 0:
        lines.append(f"What does {penetration.table['account_name'].iloc[0]} buy elsewhere, and from whom?")
    if targets.withheld is None:
        lines.append(
            f"Who can open the door at {targets.table['account_name'].iloc[0]}, and with which reason to talk?"
        )
    lines += ["Which customers should we leave to others?",
              "What does this market want now that it did not want a year ago?",
              "Which kind of customer is missing from the list?"]  # fmt: skip
    return markup.paragraphs(lines[:3])

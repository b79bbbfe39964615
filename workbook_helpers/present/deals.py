"""Chapter 1 to look at: why deals are won, what stopped the others, conversion and where it falls (1.3, 1.4, 1.5, 1.7)."""

from __future__ import annotations

import pandas as pd

from workbook_helpers.measure import Answer, say_date, say_number
from workbook_helpers.present import cells, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share, say_cut


def says_again(answer: Answer) -> bool:
    """Whether the reason of a withheld answer is that there are no deals at all, which its section has said before."""
    return (answer.withheld or "").startswith("it needs table opportunities")


_LINES = "Line: 95 % interval; stroke: rest of the team."


def say_reasons(answer: Answer) -> markup.Shown:
    """The commonest reason to buy."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    what = answer.table.sort_values("won_n", ascending=False, kind="stable")["what"].iloc[0]
    labels, share = _find_first(answer.table[answer.table["what"] == what], "won")
    if len(labels) > 1:
        text = f"{len(labels)} {what}s share first place, {as_list(labels)}: {share} each"
    else:
        text = f"The {what} named most often is {labels[0]}: {share}"
    return markup.sentence(answer, f"{text} of the won deals that name one.{_say_apart(answer.table, 'won', what)}")


def _say_apart(table: pd.DataFrame, outcome: str, what: str) -> str:
    """The reason whose interval leaves the rest of the team's share, most deals first; nothing where none does."""
    beyond = (table["team_share"] < table["low_share"]) | (table["team_share"] > table["high_share"])
    rows = table[(table["what"] == what) & beyond]
    if rows.empty:
        return ""
    row = rows.sort_values([f"{outcome}_n", "label"], ascending=[False, True]).iloc[0]
    return f" {row['label']} stands apart: {as_share(row[f'{outcome}_share'])} here, {as_share(row['team_share'])} in the rest of the team."


def _find_first(rows: pd.DataFrame, outcome: str) -> tuple[list[str], str]:
    """The labels that stand first, several where they tie, and the share of each."""
    top = rows[rows[f"{outcome}_n"] == rows[f"{outcome}_n"].max()]
    return list(top["label"]), as_share(top[f"{outcome}_share"].iloc[0])


def _say_rival(answer: Answer) -> str:
    """The win rate against the rival named most often, beside the other deals; nothing where only lost deals name one."""
    rows = answer.table[answer.table["what"] == "competitor"]
    if rows.empty or not rows["won_n"].sum():
        return ""
    row = rows.iloc[0]
    n, notes = row["won_n"] + row["lost_n"], answer.notes
    text = f"won {row['won_n']:,.0f} of {n:,.0f} against {row['label']}"
    others = notes["closed_n"] - n
    return text + (f", {notes['won_n'] - row['won_n']:,.0f} of {others:,.0f} of the other deals" if others else "")


def table_reasons(answer: Answer, currency: str) -> markup.Shown | None:
    """Win reasons and pain points, counted."""
    if answer.withheld is not None:
        return None
    columns = {
        "what": ("What", "text"),
        "label": ("As written in the deal", "text"),
        "won_n": ("Won deals", "count"),
        "won_share": ("Share of those that name one", cells.Range("low_share", "high_share", "team_share")),
        "amount": (f"Amount, {currency}", "money"),
    }
    few = answer.table.groupby("what", sort=False).head(5)
    return markup.table(few, columns, caption=f"Why they bought, {answer.notes['period']}. {_LINES}", limit=10)


def say_decisions(answer: Answer) -> markup.Shown:
    """What stopped most deals, and whether discount went with winning."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    parts = []
    rows = answer.table[(answer.table["what"] == "loss reason") & (answer.table["lost_n"] > 0)]
    if len(rows):
        labels, share = _find_first(rows, "lost")
        each = " each" if len(labels) > 1 else ""
        parts.append(f"{share}{each} of the lost deals are put down to {as_list(labels)}")
    if rival := _say_rival(answer):
        parts.append(rival)
    won, lost = answer.notes["discount_won"], answer.notes["discount_lost"]
    if won is not None and lost is not None and (won or lost):
        parts.append(f"the usual discount was {as_share(won)} on won deals and {as_share(lost)} on lost ones")
    text = "; ".join(parts) or "Neither a loss reason nor a rival is noted on the deals of the period"
    return markup.sentence(answer, text[0].upper() + text[1:] + ".")


def table_decisions(answer: Answer) -> markup.Shown | None:
    """Reasons of loss and rivals, as shares of the lost deals that name one."""
    if answer.withheld is not None:
        return None
    table = answer.table[answer.table["what"].isin(["loss reason", "competitor"]) & (answer.table["lost_n"] > 0)]
    if table.empty:
        return None
    columns: dict[str, tuple[str, markup.Kind]] = {
        "what": ("What", "text"),
        "label": ("As written in the deal", "text"),
        "lost_n": ("Lost deals", "count"),
        "lost_share": ("Share of the lost that name one", cells.Range("low_share", "high_share", "team_share")),
        "won_n": ("Won deals", "count"),
    }
    if not table["won_n"].any():
        del columns["won_n"]
    few = table.groupby("what", sort=False).head(5)
    return markup.table(few, columns, caption=f"What stopped the deals closed {answer.notes['period']}. {_LINES}", limit=10)


def say_path(answer: Answer) -> markup.Shown:
    """How many touches won and lost deals had."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    rows = answer.table.set_index("label")
    notes, every = answer.notes, rows.loc["all"]
    if not notes["touches_n"]:
        return markup.sentence(answer, "No touch is recorded on the deals of the period.")
    text = f"A won deal had {every['won']:.1f} touches before the decision, a lost one {every['lost']:.1f}"
    apart = every["won_low"] > every["lost_high"] or every["won_high"] < every["lost_low"]
    text += "." if apart else "; the two may well be alike."
    if "touches a month" in rows.index:
        month = rows.loc["touches a month"]
        longer = notes["won_days"] - notes["lost_days"]
        if abs(longer) >= 0.15 * notes["lost_days"]:
            text += f" But won deals lived {abs(longer):.0f} days {'longer' if longer > 0 else 'less'}: a month, it is"
            text += f" {month['won']:.1f} and {month['lost']:.1f} touches."
    return markup.sentence(answer, text)


def table_path(answer: Answer) -> markup.Shown | None:
    """Touches, kinds, pace, who began and the steps, won beside lost, each with its interval."""
    if answer.withheld is not None or not answer.notes["touches_n"]:
        return None
    table, notes = answer.table, answer.notes
    shown = pd.DataFrame({"label": [_say_figure(row.what, row.label) for row in table.itertuples()]})
    for status in ("won", "lost"):
        numbers = zip(table[status], table[f"{status}_low"], table[f"{status}_high"], table["unit"], strict=True)
        shown[status] = [_say_range(*row) for row in numbers]
    columns = {"label": ("Mean of a deal", "text"), "won": ("Won deals", "text"), "lost": ("Lost deals", "text")}
    caption = f"{notes['won_n']} won and {notes['lost_n']} lost deals, closed {notes['period']}; in brackets the 95 % interval."
    return markup.table(shown, columns, caption=caption, limit=10)


def _say_figure(what: str, label: str) -> str:
    if what == "touches":
        return "Touches up to the decision"
    return f"of which {label}" if what == "kind" else label[0].upper() + label[1:]


def _say_range(value: float, low: float, high: float, unit: str) -> str:
    if pd.isna(value):
        return "–"
    said, first, last = (say_number(number, unit) for number in (value, low, high))
    return f"{said} ({first.removesuffix(' %')}–{last})"


def say_conversion(answer: Answer) -> markup.Shown:
    """The win rate beside the team's, the usual deal and the sales cycle."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    rate, mean, cycle = answer["win_rate"], answer["mean_won_amount"], answer["median_cycle_days"]
    if rate.value is None:
        n = answer["won_deals"].value + answer["lost_deals"].value
        text = f"{as_count(n, 'deal')} closed in the year: too few for a win rate."
    else:
        text = f"{as_share(rate.value)} of decided deals were won ({rate.say_interval()}, {rate.n:,} decided)"
        text += f"; the team wins {as_share(rate.team_value)}." if rate.team_value is not None else "."
    renewals, renewed = answer.notes["renewals_n"], answer.notes["renewed_n"]
    others = (rate.n or 0) - renewals
    if rate.value is not None and renewals and others:
        won = answer["won_deals"].value - renewed
        text += f" Renewals apart: {renewed:,} of {renewals:,} were won, of the other deals {won:,.0f} of {others:,}."
    if mean.value is not None and cycle.value is not None:
        text += f" A won deal is worth {mean.say_value(short=True)} and takes {cycle.value:.0f} days."
    dead = answer["win_rate_with_overdue"].value
    if rate.value is not None and dead is not None and rate.value - dead >= 0.01:
        overdue = as_count(answer.notes["overdue_n"], "deal")
        text += f" With {overdue} left open past the close date it would be {as_share(dead)}."
    return markup.sentence(answer, text, *answer.measures)


def say_ends(answer: Answer) -> markup.Shown | None:
    """How long it takes until half of the deals are decided, and what has become of them by then."""
    if says_again(answer):
        return None
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    half, won = answer["half_decided_days"], answer["half_won_days"]
    if half.value is None:
        text = f"Fewer than half of the {answer.notes['deals_n']:,} deals created are decided"
    else:
        text = f"Half of the deals are decided within {half.value:.0f} days of their creation"
        text += f" (team {half.team_value:.0f})" if half.team_value is not None else ""
    text += f"; half of the wins come within {won.value:.0f}"
    text += f" (team {won.team_value:.0f})." if won.team_value is not None else "."
    if len(answer.table):
        last = answer.table.iloc[-1]
        text += f" After {last['age_days']:.0f} days {as_share(last['won_share'])} are won, {as_share(last['lost_share'])} lost and"
        text += f" {as_share(last['open_share'])} still open."
    return markup.sentence(answer, text, *answer.measures)


def table_ends(answer: Answer) -> markup.Shown | None:
    """Won, lost and still open by days since creation, beside the team."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(label=[f"{days:.0f} days" for days in answer.table["age_days"]])
    columns: dict[str, tuple[str, markup.Kind]] = {
        "label": ("After", "text"),
        "won_share": ("Won", cells.Range("low_share", "high_share", "team_share")),
        "lost_share": ("Lost", "share"),
        "open_share": ("Still open", "share"),
        "at_risk_n": ("Deals open that long", "count"),
    }
    since = say_date(answer.notes["first_date"])
    caption = f"{answer.notes['deals_n']:,} deals created since {since}, renewals apart. Line: 95 % interval; stroke: the team."
    return markup.table(table, columns, caption=caption)


def say_leads(answer: Answer) -> markup.Shown:
    """What share of the leads becomes deals, from which source most in the team, and which stands apart here."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    table = answer.table[answer.table["rate_share"].notna()]
    every = table.iloc[0]
    text = f"{as_share(every['rate_share'])} of {every['cases_n']:,.0f} leads became deals"
    sources, by, where = table[table["cut"] == "lead_source"], "rate_share", "; most"
    if pd.notna(every["team_share"]):
        text += f" (rest of the team {as_share(every['team_share'])})"
        sources, by, where = sources[sources["team_share"].notna()], "team_share", "; in the rest of the team most"
    if len(sources) > 1:
        best, least = (sources.sort_values([by, "label"], ascending=way).iloc[0] for way in (False, True))
        text += f"{where} from {best['label']} ({as_share(best[by])}), fewest from {least['label']} ({as_share(least[by])})"
    beyond = sources[(sources["team_share"] < sources["low_share"]) | (sources["team_share"] > sources["high_share"])]
    if len(beyond):
        row = beyond.sort_values(["cases_n", "label"], ascending=[False, True]).iloc[0]
        text += f"; here {row['label']} stands apart with {as_share(row['rate_share'])} of {row['cases_n']:,.0f}"
    return markup.sentence(answer, f"{text}.", *answer.measures)


def say_ageing(answer: Answer, currency: str) -> markup.Shown | None:
    """How much open business has stayed longer than won business does."""
    if says_again(answer):
        return None
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    by_stage = answer.notes["by_stage"]
    where = "at their stage longer than nine in ten won deals were" if by_stage else "open longer than nine in ten won deals were"
    n, many = len(answer.table), as_count(answer.notes["open_n"], "open deal")
    if not n:
        return markup.sentence(answer, f"None of {many} has been {where}." if answer.notes["open_n"] else "No open deal can be compared.")
    text = f"{n:,} of {many}, worth {as_money(answer.notes['amount'], currency)}, {'has' if n == 1 else 'have'} been {where}."
    return markup.sentence(answer, text)


def table_ageing(answer: Answer, currency: str, limit: int = 5) -> markup.Shown | None:
    """The largest open deals that have stayed too long."""
    if answer.withheld is not None or answer.table.empty:
        return None
    columns = {
        "opportunity_id": ("Open deal", "text"),
        "stage": ("Stage", "text"),
        "amount": (f"Amount, {currency}", "money"),
        "stay_days": ("Days there", "count") if answer.notes["by_stage"] else ("Days open", "count"),
        "usual_days": ("Half of the won within", "count"),
        "long_days": ("Nine in ten within", "count"),
    }
    return markup.table(answer.table, columns, caption="Open deals that outstay the won ones, largest first.", limit=limit)


def _table_rates(table: pd.DataFrame, first: str, rate: str, caption: str) -> markup.Shown:
    """Rates as dots with their 95 % interval, the rest of the team as a stroke."""
    columns: dict[str, tuple[str, markup.Kind]] = {
        "label": (first, "text"),
        "rate_share": (rate, cells.Range("low_share", "high_share", "team_share")),
        "team_share": ("Rest of the team", "share"),
        "cases_n": ("Deals", "count"),
    }
    return markup.table(table, columns, caption=f"{caption} Line: 95 % interval; stroke: rest of the team.", limit=10)


def _stand_out(table: pd.DataFrame, evidence: pd.DataFrame | None) -> pd.DataFrame:
    """Rows that pass the test of chapter 2, most money first."""
    if evidence is None or evidence.empty:
        return table.head(0)
    found = evidence[evidence["q_value"] <= 0.05]
    place = {key: i for i, key in enumerate(zip(table["cut"], table["label"], strict=True))}
    return table.iloc[[place[key] for key in zip(found["cut"], found["label"], strict=True) if key in place]]


def _say_segment_conversion(table: pd.DataFrame, evidence: pd.DataFrame | None) -> str:
    table = table[(table["cut"] != "all") & (table["cases_n"] >= 5)]
    if table.empty:
        return "No segment has five decided deals"
    apart = _stand_out(table, evidence)
    if len(apart):
        row = apart.iloc[0]
        where = say_cut(row["cut"], row["label"])
        own, team = as_share(row["rate_share"]), as_share(row["team_share"])
        return f"{where[0].upper()}{where[1:]}: {own} won, the rest of the team {team}"
    if table["team_share"].notna().any():
        return "No segment differs from the team by more than chance"
    top = table.sort_values(["shrunk_share", "label"], ascending=[False, True]).iloc[0]
    return f"Highest in {say_cut(top['cut'], top['label'])}: {as_share(top['rate_share'])} won; no team to compare with"


def say_segment_conversion(answer: Answer, evidence: pd.DataFrame | None = None) -> markup.Shown:
    """Where the win rate stands out from the team. evidence: ``swot.rank_evidence``, the test of chapter 2."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    text = _say_segment_conversion(answer.table, evidence) + "."
    return markup.sentence(answer, text, *answer.measures[:6])


def table_segment_conversion(
    answer: Answer, column: str | None = None, evidence: pd.DataFrame | None = None
) -> markup.Shown | None:
    """Win rate by the labels of one column, with intervals, beside the team; None where none differs."""
    if answer.withheld is not None:
        return None
    table = answer.table[(answer.table["cut"] != "all") & answer.table["rate_share"].notna()]
    table = table[table.groupby("cut")["label"].transform("size") >= 2]
    if table.empty:
        return None
    column = column if (table["cut"] == column).any() else table["cut"].iloc[0]
    table = table[table["cut"] == column]
    if table["team_share"].notna().any() and _stand_out(table, evidence).empty:
        return None
    caption = f"{_say_segment_conversion(table, evidence)}. Won ÷ decided deals, closed {answer.notes['period']}."
    return _table_rates(table, column.replace("_", " ").capitalize(), "Win rate", caption)


def has_leak(answer: Answer) -> bool:
    """Whether a stage passes fewer deals than the team's beyond what chance does to one of several stages."""
    return answer.withheld is None and answer.notes["beyond_chance"]


def _say_stages(answer: Answer) -> str:
    table = answer.table[answer.table["rate_share"].notna()]
    if table.empty:
        return "No stage has five deals old enough to have decided"
    leak, named = answer.notes["leak"], table.set_index("label")
    if leak is not None:
        row = named.loc[leak]
        beside = f"{as_share(row['rate_share'])} go on, the rest of the team {as_share(row['team_share'])}"
        if has_leak(answer):
            return f"Most ground is lost at {leak}: {beside}"
        return f"No stage leaks beyond chance; furthest below the team is {leak} ({beside})"
    if table["team_share"].notna().any():
        return "No stage passes fewer deals than the team's"
    row = table.loc[table["rate_share"].idxmin()]
    return f"Fewest deals go on from {row['label']}: {as_share(row['rate_share'])}; no team to compare with"


def say_stages(answer: Answer) -> markup.Shown:
    """At which stage deals drop, beside the team."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    text = f"{_say_stages(answer)}. Read from {as_count(answer.notes['deals_n'], 'deal')} created at least "
    text += f"{answer.notes['decided_days']:.0f} days ago, when nine in ten have decided."
    if answer.notes.get("assumed"):
        text += " There is no history of stages: a deal counts as having come as far as it stands today, which holds only where"
        text += " lost deals keep their stage."
    return markup.sentence(answer, text)


def table_stages(answer: Answer) -> markup.Shown | None:
    """Share of deals that go on from each stage, with intervals, beside the team."""
    if answer.withheld is not None or answer.table["rate_share"].isna().all():
        return None
    known = answer.table[answer.table["rate_share"].notna()]
    caption = f"Deals that went on ÷ deals that reached the stage, n = {answer.notes['deals_n']}."
    return _table_rates(known, "Stage", "Share that goes on", caption)

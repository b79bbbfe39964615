"""Chapter 1 to look at: segments, what and why they buy, conversion, who carries the book and who may leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.present import look, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share, say_cut

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


# --- 1.1 - 1.4, 1.6, 1.7, 1.11 ----------------------------------------------------------------------------------------


def say_segments(answer: Answer) -> markup.Shown:
    """How many customers, lapsed customers and prospects, and which segment brings most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    n = {m.id: m.value for m in answer.measures}
    text = f"{as_count(n['customers'], 'customer')}, {n['lapsed']:,} lapsed and {as_count(n['prospects'], 'prospect')}"
    if answer.notes["leads_n"]:
        text += f", and {as_count(answer.notes['leads_n'], 'lead')}"
    top = answer.table[answer.table["cut"] != "buying"].head(1)
    if len(top) and top["revenue_share"].notna().all() and top["revenue_share"].iloc[0] > 0:
        row = top.iloc[0]
        text += f"; {say_cut(row['cut'], row['label'])} brings {as_share(row['revenue_share'])} of the year's revenue"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_segments(answer: Answer, currency: str) -> markup.Shown | None:
    """Every segment with its customers, prospects and revenue."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(segment=[say_cut(*row) for row in answer.table[["cut", "label"]].to_numpy()])
    columns = {
        "segment": ("Segment", "text"),
        "customers_n": ("Customers", "count"),
        "lapsed_n": ("Lapsed", "count"),
        "prospects_n": ("Prospects", "count"),
        "leads_n": ("Leads", "count"),
        "revenue_amount": (f"Revenue of a year, {currency}", "money"),
        "revenue_share": ("Share", "share"),
    }
    return markup.table(table, columns, caption="Accounts by segment.")


def say_mix(answer: Answer) -> markup.Shown:
    """What sets one segment's buying apart the most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    table = answer.table[(answer.table["customers_n"] >= 5) & (answer.table["label"] != "others")]
    table = table.assign(more=table["share"] - table["others_share"]).sort_values(
        ["more", "label"], ascending=[False, True]
    )
    if table.empty or table["more"].iloc[0] < 0.05:
        return markup.sentence(answer, "The segments buy much the same.")
    row = table.iloc[0]
    text = f"{row['label']} buys {row['product']} more than the others: {as_share(row['share'])} of what it buys"
    return markup.sentence(answer, f"{text}, against {as_share(row['others_share'])} elsewhere.")


def table_mix(answer: Answer, currency: str) -> markup.Shown | None:
    """Each segment's products beside the other segments'."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": (answer.notes["column"].replace("_", " ").capitalize(), "text"),
        "product": ("Family" if answer.notes["family"] else "Product", "text"),
        "customers_n": ("Customers", "count"),
        "amount": (f"Sales, {currency}", "money"),
        "share": ("Share of what it buys", "share"),
        "others_share": ("Share elsewhere", "share"),
    }
    return markup.table(answer.table, columns, caption=f"What each segment bought, {answer.notes['period']}.")


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
    return markup.sentence(answer, f"{text} of the won deals that name one.")


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
        "won_share": ("Share", "share"),
        "amount": (f"Amount, {currency}", "money"),
    }
    return markup.table(answer.table, columns, caption=f"Why they bought, {answer.notes['period']}.", limit=10)


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
    if won is not None and lost is not None:
        parts.append(f"the usual discount was {as_share(won)} on won deals and {as_share(lost)} on lost ones")
    text = "; ".join(parts) or "Neither a loss reason nor a rival is noted on the deals of the period"
    return markup.sentence(answer, text[0].upper() + text[1:] + ".")


def table_decisions(answer: Answer) -> markup.Shown | None:
    """Reasons, rivals and sources, won beside lost."""
    if answer.withheld is not None:
        return None
    columns = {
        "what": ("What", "text"),
        "label": ("As written in the deal", "text"),
        "won_n": ("Won", "count"),
        "won_share": ("Share of won", "share"),
        "lost_n": ("Lost", "count"),
        "lost_share": ("Share of lost", "share"),
    }
    caption = f"What tipped and what stopped the deals closed {answer.notes['period']}."
    return markup.table(answer.table, columns, caption=caption, limit=15)


def say_places(answer: Answer) -> markup.Shown:
    """Where most prospects are."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    top = answer.table.head(3)
    whole = answer.table["prospects_n"].sum()
    if not whole:
        return markup.sentence(answer, "The book holds no prospect with a known place.")
    named = as_list([f"{r.label} ({r.prospects_n:,})" for r in top.itertuples() if r.prospects_n])
    return markup.sentence(answer, f"Of {as_count(whole, 'prospect')}, most are in {named}.")


def table_places(answer: Answer, currency: str) -> markup.Shown | None:
    """Places with their prospects, customers and revenue."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": (answer.notes["place"].replace("_", " ").capitalize(), "text"),
        "prospects_n": ("Prospects", "count"),
        "customers_n": ("Customers", "count"),
        "revenue_amount": (f"Revenue of a year, {currency}", "money"),
    }
    return markup.table(answer.table, columns, caption="Where prospects and customers are.", limit=10)


def say_path(answer: Answer) -> markup.Shown:
    """How many touches won and lost deals had."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    every = answer.table.set_index("label").loc["all"]
    won, lost = every["won_touches_n"], every["lost_touches_n"]
    return markup.sentence(answer, f"A won deal had {won:.1f} touches before the decision, a lost one {lost:.1f}.")


def table_path(answer: Answer) -> markup.Shown | None:
    """Touches per deal by kind, won beside lost."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": ("Kind of touch", "text"),
        "won_touches_n": ("Per won deal", "ratio"),
        "lost_touches_n": ("Per lost deal", "ratio"),
    }
    notes = answer.notes
    return markup.table(
        answer.table, columns, caption=f"Mean of {notes['won_n']} won and {notes['lost_n']} lost deals.", limit=10
    )


def say_verticals(answer: Answer) -> markup.Shown:
    """Where success could be repeated: most untouched prospects among segments that buy."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    proven = answer.table[answer.table["customers_n"] >= 5].sort_values(
        ["untouched_n", "label"], ascending=[False, True]
    )
    if proven.empty or not proven["untouched_n"].iloc[0]:
        return markup.sentence(
            answer, "No segment with five customers or more has prospects that were left alone for a year."
        )
    row = proven.iloc[0]
    text = f"{row['label']} has {as_count(row['customers_n'], 'customer')} and {as_count(row['untouched_n'], 'prospect')}"
    return markup.sentence(answer, f"{text} that nobody touched for a year.")


def table_verticals(answer: Answer, currency: str) -> markup.Shown | None:
    """Segments with their success and their untouched prospects."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": (answer.notes["column"].replace("_", " ").capitalize(), "text"),
        "customers_n": ("Customers", "count"),
        "revenue_amount": (f"Revenue per customer, {currency}", "money"),
        "shrunk_share": ("Win rate, steadied by the team's", "share"),
        "prospects_n": ("Prospects", "count"),
        "untouched_n": ("Untouched for a year", "count"),
    }
    return markup.table(answer.table, columns, caption="Where success can be repeated.", limit=10)


# --- 1.5 --------------------------------------------------------------------------------------------------------------


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


def _chart_rates(table: pd.DataFrame, *, title: str, subtitle: str, alt: str, ax: Axes | None) -> look.WorkbookAxes:
    """Rates as dots with their 95 % interval, the team's rate as a mark; first row on top."""
    table = table.iloc[::-1].reset_index(drop=True)
    height = 0.3 * max(len(table), 3)
    axes = look.figure(title=title, subtitle=subtitle, alt=alt, height=1.4 + height, ax=ax)
    rows = np.arange(len(table))
    axes.hlines(rows, table["low_share"], table["high_share"], color=look.COLOURS["own"], linewidth=2, alpha=0.5)
    axes.plot(table["rate_share"], rows, "o", color=look.COLOURS["own"], label="this book, with its 95 % interval")
    if table["team_share"].notna().any():
        axes.plot(
            table["team_share"],
            rows,
            "|",
            color=look.COLOURS["ink"],
            markersize=14,
            markeredgewidth=2.5,
            label="rest of the team",
        )
    names = [f"{look.shorten(label)} (n = {n:,.0f})" for label, n in zip(table["label"], table["cases_n"], strict=True)]
    axes.set_yticks(rows, names)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlim(0, 1)
    look.legend_below(axes)
    return axes


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


def chart_segment_conversion(
    answer: Answer, column: str | None = None, evidence: pd.DataFrame | None = None, *, ax: Axes | None = None
) -> look.WorkbookAxes | None:
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
    title = _say_segment_conversion(table, evidence)
    axes = _chart_rates(
        table.head(10), title=title, ax=ax,
        subtitle=f"Won ÷ decided deals by {column.replace('_', ' ')}, closed {answer.notes['period']}",
        alt=f"Dots with intervals: win rate by {column.replace('_', ' ')}. {title}.",
    )  # fmt: skip
    look.share_axis(axes.xaxis, "Win rate")
    return axes


def has_leak(answer: Answer) -> bool:
    """Whether a stage passes fewer deals than the team's, with the team's rate outside its interval."""
    if answer.withheld is not None or answer.notes["leak"] is None:
        return False
    row = answer.table.set_index("label").loc[answer.notes["leak"]]
    return bool(row["high_share"] < row["team_share"])


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
    return markup.sentence(answer, f"{text}{answer.notes['decided_days']:.0f} days ago, when nine in ten have decided.")


def chart_stages(answer: Answer, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """Share of deals that go on from each stage, with intervals, beside the team."""
    if answer.withheld is not None or answer.table["rate_share"].isna().all():
        return None
    title = _say_stages(answer)
    axes = _chart_rates(
        answer.table[answer.table["rate_share"].notna()], title=title, ax=ax,
        subtitle=f"Deals that went on ÷ deals that reached the stage, n = {answer.notes['deals_n']}",
        alt=f"Dots with intervals: share of deals that go on from each stage. {title}.",
    )  # fmt: skip
    look.share_axis(axes.xaxis, "Share that goes on")
    return axes


# --- 1.8 - 1.10 -------------------------------------------------------------------------------------------------------


def _say_concentration(answer: Answer) -> str:
    n, named = answer["active_customers"].value, answer.notes["named_n"]
    if not n:
        return "No customer bought in the year"
    if n < 5:
        return f"All revenue of the year comes from {as_count(n, 'customer')}"
    top = answer["top_account_share"].value
    if top >= 0.3:
        return f"{as_share(top)} of revenue comes from one customer, {answer.table['account_name'].iloc[0]}"
    return f"{named:,} of {n:,} customers bring 80 % of revenue"


def say_concentration(answer: Answer) -> markup.Shown:
    """How few customers carry the book."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    text = _say_concentration(answer)
    if answer["active_customers"].value >= 5:
        top, five = answer["top_account_share"].value, as_share(answer.notes["top_five_share"])
        text += f"; the top five {five}" if top >= 0.3 else f"; the largest {as_share(top)}, the top five {five}"
    if answer.notes["unnamed_amount"]:
        unnamed = say_number(answer.notes["unnamed_amount"], "money")
        text += f". Sales of {unnamed} name no account and are not in these shares"
    return markup.sentence(answer, text + ".", *answer.measures)


def say_origin(answer: Answer, currency: str) -> markup.Shown:
    """Inherited and created business, and what crossed the border of the book."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    by = answer.table.set_index("origin")
    inherited_n, created_n = (int(by.at[origin, "customers_n"]) for origin in ("inherited", "created"))
    others, elsewhere = answer.notes["others_amount"], answer.notes["elsewhere_amount"]
    if not inherited_n and not created_n:
        text = "This book's accounts bought nothing in the year."
    elif not inherited_n:
        text = "No customer of the year is inherited: as far back as the sales go, this book sold to each of them first."
    else:
        inherited, created = (as_money(by.at[origin, "amount"], currency) for origin in ("inherited", "created"))
        text = f"Inherited and created: {inherited} of the year came from {as_count(inherited_n, 'customer')} that somebody else"
        text += f" sold to first, {created} from {created_n:,} that this book opened."
    if others:
        text += f" Of what the accounts bought in the year, somebody else sold {as_money(others, currency)}."
    if elsewhere:
        text += f" Sales of {as_money(elsewhere, currency)} went to accounts that are not in this book now."
    return markup.sentence(answer, text, *answer.measures)


def chart_concentration(answer: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """The largest customers by name, as bars, with the share they reach together."""
    if answer.withheld is not None or answer.table.empty:
        return None
    top = answer.table.head(12).iloc[::-1]
    title = _say_concentration(answer)
    axes = look.figure(
        title=title, subtitle=f"{answer.notes['period']}, n = {len(answer.table)} customers; with running share",
        height=0.9 + 0.26 * len(top), ax=ax,
        alt=f"Bars of the {len(top)} largest customers. {title}.",
    )  # fmt: skip
    inside = top["running_share"] - top["share"] < 0.8 - 1e-9
    colours = np.where(inside, look.COLOURS["own"], look.COLOURS["team"])
    rows = np.arange(len(top))
    axes.barh(rows, top["amount"], color=colours)
    axes.set_yticks(rows, [look.shorten(name) for name in top["account_name"]])
    for row, (amount, share) in enumerate(zip(top["amount"], top["running_share"], strict=True)):
        axes.annotate(f" {as_share(share)}", (amount, row), va="center", fontsize=8, color=look.COLOURS["muted"])
    axes.margins(x=0.12)
    look.money_axis(axes.xaxis, currency, "Sales of a year")
    return axes


def say_retention(answer: Answer, currency: str) -> markup.Shown:
    """How much is at stake with customers that fall silent or buy less."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    same = answer["same_customer_sales"]
    if answer.table.empty:
        text = "No customer is silent for long against its own rhythm or buys clearly less than the year before"
        if not answer.notes["customers_n"]:
            text = "The book has no customer who bought lately, so there is none to save"
    else:
        stake = as_money(answer["at_stake_amount"].value, currency)
        known = as_count(answer.notes["customers_n"], "customer")
        verbs = "has gone silent or buys" if len(answer.table) == 1 else "have gone silent or buy"
        text = f"{len(answer.table):,} of {known} {verbs} clearly less; {stake} a year is at stake"
    if same.value is not None:
        text += f". Those who bought a year before bought {as_share(same.value)} of that this year"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_saves(answer: Answer, currency: str, limit: int = 3) -> markup.Shown | None:
    """The customers to save first: what is at stake, and the sign of it."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(why=[_say_sign(row) for row in answer.table.itertuples()])
    columns = {
        "account_name": ("Customer", "text"),
        "at_stake_amount": (f"At stake, {currency} a year", "money"),
        "why": ("Why", "text"),
        "last_date": ("Last purchase", "date"),
    }
    return markup.table(table, columns, caption="Customers to save.", limit=limit)


def _say_sign(row: object) -> str:
    if row.sign == "silent":
        return f"silent for {row.silence_days:,.0f} days; usually buys every {row.usual_gap_days:,.0f}"
    return f"bought {as_share(1 - row.revenue_amount / row.earlier_amount)} less than the year before"


def say_season(answer: Answer) -> markup.Shown:
    """The strongest and the weakest month."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    index = answer.table.set_index("month")["index"]
    high, low = index.idxmax(), index.idxmin()
    years = answer.notes["years_n"]
    text = f"Most is bought in {_MONTHS[high - 1]} ({index[high]:.1f} times a mean month), "
    text += f"least in {_MONTHS[low - 1]} ({index[low]:.1f} times)"
    text += f"; read from {as_count(years, 'year')}" + (
        ", so a single large order can make a month." if years < 3 else "."
    )
    return markup.sentence(answer, text)


def say_questions(stages: Answer, concentration: Answer, retention: Answer) -> markup.Shown:
    """Three questions to talk about, from this book's own numbers where it has them."""
    lines = ["Which deal did you win for a reason that the data does not show? What did the customer say?"]
    leak = stages.notes["leak"] if has_leak(stages) else None
    lines.append(f"What happens at {leak}, and what would you do differently there?" if leak else
                 "At which step do deals drop, and how do you notice?")  # fmt: skip
    if retention.withheld is None and len(retention.table):
        lines.append(
            f"When did you last speak with {retention.table['account_name'].iloc[0]}, and what has changed there?"
        )
    elif concentration.withheld is None and len(concentration.table):
        lines.append(f"What would the year look like without {concentration.table['account_name'].iloc[0]}?")
    else:
        lines.append("Who could be the first five customers of this book, and why them?")
    return markup.paragraphs(lines)

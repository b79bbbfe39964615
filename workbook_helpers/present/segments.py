"""Chapter 1 to look at: segments, what each buys, where they are and when they buy (1.1, 1.2, 1.6, 1.10, 1.11)."""

from __future__ import annotations

from workbook_helpers.measure import Answer
from workbook_helpers.present import markup
from workbook_helpers.present.wording import as_count, as_list, as_share, say_cut

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


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

"""What the subscription sample is made of before anything happens: people, territories, products, words. Nothing here is random."""

from __future__ import annotations

from datetime import date

START, AS_OF = date(2023, 11, 1), date(2026, 10, 30)  # first and last day of the exports
RECUT = date(2025, 8, 1)  # the West of T5 goes to T7
LEFT, HIRED = date(2026, 5, 29), date(2026, 9, 28)  # the leaver's last day, the new hire's first
STAGES = ("Discovery", "Trial", "Proposal", "Contract")

INDUSTRIES = ("Manufacturing", "Logistics", "Healthcare", "Services")
#: territory: industry, sizes that belong to it, new-business rep, account manager
TERRITORIES = {
    f"T{2 * place + band + 1}": (industry, (("Small",), ("Mid", "Large"))[band], f"N{2 * place + band + 1}", f"A{2 * place + band + 1}")
    for place, industry in enumerate(INDUSTRIES)
    for band in (0, 1)
}
NEW_BUSINESS, ACCOUNT_MANAGER = "new business", "account manager"
NEW_HIRE, LEAVER, CARRIER, FEW_DEALS, HOUSE = "N8", "N9", "M1", "N4", "H1"

#: id: name, role, manager, hired, share of full time, base salary, on-target earnings
PEOPLE = {
    "M1": ("Priya Venkataraman", "manager", "", date(2019, 3, 4), 1.0, 135_000, 220_000),
    "M2": ("Oskar Lindqvist", "manager", "", date(2020, 9, 7), 1.0, 130_000, 205_000),
    "N1": ("Delphine Marchetti", NEW_BUSINESS, "M1", date(2021, 2, 1), 1.0, 82_000, 164_000),
    "N2": ("Tomasz Wieczorek", NEW_BUSINESS, "M1", date(2022, 5, 16), 1.0, 80_000, 160_000),
    "N3": ("Abena Osei-Kufuor", NEW_BUSINESS, "M1", date(2020, 1, 13), 1.0, 85_000, 170_000),
    "N4": ("Rasmus Thorvald", NEW_BUSINESS, "M1", date(2023, 1, 9), 1.0, 80_000, 160_000),
    "N5": ("Leilani Kahale", NEW_BUSINESS, "M1", date(2021, 8, 2), 1.0, 82_000, 164_000),
    "N6": ("Gareth Pritchard", NEW_BUSINESS, "M1", date(2022, 2, 14), 1.0, 82_000, 164_000),
    "N7": ("Soledad Iriarte", NEW_BUSINESS, "M1", date(2021, 11, 1), 1.0, 82_000, 164_000),
    "N8": ("Mateo Castellanos", NEW_BUSINESS, "M1", HIRED, 1.0, 78_000, 156_000),
    "N9": ("Harriet Blackwood", NEW_BUSINESS, "M1", date(2020, 6, 15), 1.0, 85_000, 170_000),
    "A1": ("Yusuf Demirci", ACCOUNT_MANAGER, "M2", date(2020, 4, 6), 1.0, 78_000, 125_000),
    "A2": ("Ingeborg Haas", ACCOUNT_MANAGER, "M2", date(2019, 10, 7), 1.0, 80_000, 130_000),
    "A3": ("Kwame Asante", ACCOUNT_MANAGER, "M2", date(2021, 6, 7), 1.0, 76_000, 122_000),
    "A4": ("Noor Haddad", ACCOUNT_MANAGER, "M2", date(2022, 9, 5), 0.6, 47_000, 75_000),
    "A5": ("Bridget Mulcahy", ACCOUNT_MANAGER, "M2", date(2021, 1, 11), 1.0, 77_000, 123_000),
    "A6": ("Chidi Nwosu", ACCOUNT_MANAGER, "M2", date(2020, 8, 3), 1.0, 79_000, 127_000),
    "A7": ("Estelle Fontaine", ACCOUNT_MANAGER, "M2", date(2022, 3, 7), 1.0, 76_000, 122_000),
    "A8": ("Jonas Aaltonen", ACCOUNT_MANAGER, "M2", date(2021, 4, 5), 1.0, 78_000, 125_000),
    "H1": ("Customer desk", "house", "", date(2018, 5, 1), 1.0, None, None),
}

#: size: share of the accounts of a territory that has several, people, yearly amount of a first contract
SIZES = {"Small": (1.0, 60, 6_500.0), "Mid": (0.75, 380, 17_000.0), "Large": (0.25, 2_400, 46_000.0)}
#: size: how its customers divide over the plan tiers
TIERS = {"Starter": "Larkspan Starter", "Team": "Larkspan Team", "Enterprise": "Larkspan Enterprise"}
TIER_SHARES = {"Small": (0.55, 0.45, 0.0), "Mid": (0.3, 0.5, 0.2), "Large": (0.1, 0.4, 0.5)}
REGIONS = {"Northeast": 0.24, "South": 0.34, "Midwest": 0.22, "West": 0.20}

#: product: id, family, list price a year, what it solves
PRODUCTS = {
    "Larkspan Starter": ("01t01", "Plans", 4_800, "the week's roster without a spreadsheet"),
    "Larkspan Team": ("01t02", "Plans", 12_000, "shifts, absences and skills in one place"),
    "Larkspan Enterprise": ("01t03", "Plans", 36_000, "many sites, one set of rules, payroll export"),
    "Route add-on": ("01t04", "Add-ons", 3_600, "crews on the road arrive when promised"),
    "Forecast add-on": ("01t05", "Add-ons", 5_400, "staff where the work will be"),
    "Payroll add-on": ("01t06", "Add-ons", 4_200, "hours to payslip without retyping"),
}
ADD_ONS = ("Route add-on", "Forecast add-on", "Payroll add-on")

LEAD_SOURCES = {"Referral": 0.20, "Website": 0.26, "Event": 0.16, "Outbound": 0.24, "Partner": 0.14}
COMPETITOR, OTHER_COMPETITORS = "Quillbase", ("Rosterly", "Shiftwright", "TempoGrid")
PAINS = {
    "Manufacturing": ("Night shifts are filled by telephone", "Overtime is seen when it is paid", "Skills are in a binder"),
    "Logistics": ("Drivers wait for loads and loads for drivers", "Peak weeks are staffed by guess", "Depots plan alone"),
    "Healthcare": ("Sick calls empty a ward's morning", "Rules on rest times are checked by hand", "Agency staff cost too much"),
    "Services": ("Crews drive past each other", "Customers ask when somebody comes", "Hours are typed three times"),
}
WIN_REASONS = ("Fast to set up", "Trial went well", "Payroll export", "Price", "Support answers", "Trusted the rep")
LOSS_REASONS = ("No decision", "Price", "Stayed with the spreadsheet", "Budget moved to next year", "Product did not fit")
LOST_TO_COMPETITOR = ("Competitor price", "Competitor suite already in use")
CHURN_REASONS = ("Site closed", "Not used enough", "Price increase", "Moved to a suite", "Champion left")
NEXT_STEPS = ("Trial check-in with the planners", "Send the contract for signature", "Meet operations and IT together",
              "Security questionnaire", "Reference call", "Business case with finance",
              "Confirm seats for the new year", "Ask for the purchase order")  # fmt: skip
CONTACT_ROLES = ("Operations manager", "Planner", "HR lead", "IT manager", "Finance director", "Site manager")
SKILLS = ("Discovery questions", "Product demonstration", "Negotiation", "Renewal conversation", *INDUSTRIES)

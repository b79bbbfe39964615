"""What the field sample is made of before anything happens: places, people, products and words.

Nothing here is random. Cities and their coordinates are real (two decimals); every company, person and account name is
invented. Territories are whole states, so that a region belongs to one rep; only Ontario is shared by two.
"""

from __future__ import annotations

from datetime import date

from sample_tools import rng_for as rng_for  # every part of the sample draws from w.rng_for

START, AS_OF = date(2023, 10, 1), date(2026, 9, 30)  # first and last day of the exports
RECUT = date(2025, 10, 1)  # four territories were drawn anew: the first day of month 25
HANDOVER, HIRED = date(2026, 4, 1), date(2026, 9, 23)  # the leaver's book goes to M4; the new hire takes it
ERIE_MOVES = date(2025, 1, 1)  # the Erie accounts go from R06 to R04
STAGES = ("Qualify", "Discover", "Propose", "Close")
COMPANY_TARGET = {2026: 24_750_000}

#: territory: name (since the recut), rep, and cities as (city, region, latitude, longitude, post code)
TERRITORIES = {
    "T01": ("Northern New England", "R01", [
        ("Portland", "ME", 43.66, -70.26, "04101"), ("Bangor", "ME", 44.80, -68.78, "04401"),
        ("Manchester", "NH", 43.00, -71.45, "03101"), ("Burlington", "VT", 44.48, -73.21, "05401")]),
    "T02": ("Massachusetts", "R02", [
        ("Boston", "MA", 42.36, -71.06, "02108"), ("Worcester", "MA", 42.26, -71.80, "01608"),
        ("Springfield", "MA", 42.10, -72.59, "01103"), ("Lowell", "MA", 42.63, -71.32, "01852")]),
    "T03": ("Southern New England", "R03", [
        ("Hartford", "CT", 41.76, -72.69, "06103"), ("New Haven", "CT", 41.31, -72.93, "06510"),
        ("Providence", "RI", 41.82, -71.41, "02903")]),
    "T04": ("Upstate New York", "R04", [
        ("Albany", "NY", 42.65, -73.76, "12207"), ("Buffalo", "NY", 42.89, -78.88, "14202"),
        ("Rochester", "NY", 43.15, -77.62, "14604"), ("Syracuse", "NY", 43.05, -76.15, "13202"),
        ("Hamilton", "ON", 43.26, -79.87, "L8P 1A1"), ("St. Catharines", "ON", 43.16, -79.24, "L2R 3M3")]),
    "T05": ("New Jersey and Delaware", "R05", [
        ("Newark", "NJ", 40.74, -74.17, "07102"), ("Trenton", "NJ", 40.22, -74.74, "08608"),
        ("Camden", "NJ", 39.93, -75.12, "08102"), ("Wilmington", "DE", 39.75, -75.55, "19801")]),
    "T06": ("Pennsylvania", "R06", [
        ("Philadelphia", "PA", 39.95, -75.16, "19107"), ("Pittsburgh", "PA", 40.44, -80.00, "15222"),
        ("Erie", "PA", 42.13, -80.09, "16501"), ("Allentown", "PA", 40.61, -75.49, "18101"),
        ("Harrisburg", "PA", 40.27, -76.88, "17101"), ("Scranton", "PA", 41.41, -75.66, "18503")]),
    "T07": ("Ohio", "R07", [
        ("Columbus", "OH", 39.96, -83.00, "43215"), ("Cleveland", "OH", 41.50, -81.70, "44114"),
        ("Cincinnati", "OH", 39.11, -84.53, "45202"), ("Toledo", "OH", 41.66, -83.56, "43604"),
        ("Dayton", "OH", 39.76, -84.19, "45402"), ("Akron", "OH", 41.08, -81.52, "44308")]),
    "T08": ("Michigan", "R08", [
        ("Detroit", "MI", 42.33, -83.05, "48226"), ("Grand Rapids", "MI", 42.96, -85.67, "49503"),
        ("Lansing", "MI", 42.73, -84.56, "48933"), ("Flint", "MI", 43.01, -83.69, "48502"),
        ("Kalamazoo", "MI", 42.29, -85.59, "49007"), ("Windsor", "ON", 42.32, -83.04, "N9A 6T3"),
        ("London", "ON", 42.98, -81.25, "N6A 3N7")]),
    "T09": ("Indiana", "R09", [
        ("Indianapolis", "IN", 39.77, -86.16, "46204"), ("Fort Wayne", "IN", 41.13, -85.13, "46802"),
        ("South Bend", "IN", 41.68, -86.25, "46601"), ("Evansville", "IN", 37.97, -87.56, "47708")]),
    "T10": ("Illinois", "R10", [
        ("Chicago", "IL", 41.85, -87.65, "60602"), ("Peoria", "IL", 40.69, -89.59, "61602"),
        ("Springfield", "IL", 39.80, -89.64, "62701"), ("Rockford", "IL", 42.27, -89.09, "61101")]),
    "T11": ("Wisconsin", "R11", [
        ("Milwaukee", "WI", 43.04, -87.91, "53202"), ("Madison", "WI", 43.07, -89.40, "53703"),
        ("Green Bay", "WI", 44.52, -88.02, "54301")]),
    "T12": ("Upper Midwest", "R12", [
        ("Minneapolis", "MN", 44.98, -93.26, "55401"), ("Duluth", "MN", 46.78, -92.11, "55802"),
        ("Rochester", "MN", 44.02, -92.47, "55902"), ("Des Moines", "IA", 41.60, -93.61, "50309"),
        ("Cedar Rapids", "IA", 41.98, -91.67, "52401")]),
    "T13": ("Virginia and Maryland", "R13", [
        ("Richmond", "VA", 37.55, -77.46, "23219"), ("Norfolk", "VA", 36.85, -76.29, "23510"),
        ("Roanoke", "VA", 37.27, -79.94, "24011"), ("Baltimore", "MD", 39.29, -76.61, "21202"),
        ("Frederick", "MD", 39.41, -77.41, "21701")]),
    "T14": ("North Carolina", "R14", [
        ("Charlotte", "NC", 35.23, -80.84, "28202"), ("Raleigh", "NC", 35.77, -78.64, "27601"),
        ("Greensboro", "NC", 36.07, -79.79, "27401")]),
    "T15": ("Georgia and South Carolina", "R15", [
        ("Atlanta", "GA", 33.75, -84.39, "30303"), ("Savannah", "GA", 32.08, -81.10, "31401"),
        ("Augusta", "GA", 33.47, -81.97, "30901"), ("Columbia", "SC", 34.00, -81.03, "29201"),
        ("Charleston", "SC", 32.78, -79.93, "29401")]),
    "T16": ("Florida", "R16", [
        ("Jacksonville", "FL", 30.33, -81.66, "32202"), ("Tampa", "FL", 27.95, -82.46, "33602"),
        ("Miami", "FL", 25.77, -80.19, "33130"), ("Orlando", "FL", 28.54, -81.38, "32801")]),
    "T17": ("Tennessee Valley", "R17", [
        ("Nashville", "TN", 36.17, -86.78, "37203"), ("Memphis", "TN", 35.15, -90.05, "38103"),
        ("Knoxville", "TN", 35.96, -83.92, "37902"), ("Louisville", "KY", 38.25, -85.76, "40202"),
        ("Lexington", "KY", 38.05, -84.46, "40507")]),
    "T18": ("Gulf Coast", "R18", [
        ("Birmingham", "AL", 33.52, -86.80, "35203"), ("Mobile", "AL", 30.69, -88.04, "36602"),
        ("New Orleans", "LA", 29.95, -90.08, "70112"), ("Baton Rouge", "LA", 30.45, -91.15, "70801"),
        ("Shreveport", "LA", 32.51, -93.77, "71101"), ("Jackson", "MS", 32.30, -90.18, "39201")]),
    "T19": ("Texas", "R19", [
        ("Dallas", "TX", 32.78, -96.81, "75201"), ("Houston", "TX", 29.76, -95.36, "77002"),
        ("San Antonio", "TX", 29.42, -98.49, "78205"), ("Austin", "TX", 30.27, -97.74, "78701"),
        ("Fort Worth", "TX", 32.73, -97.32, "76102"), ("El Paso", "TX", 31.76, -106.49, "79901")]),
    "T20": ("Southern Plains", "R20", [
        ("Oklahoma City", "OK", 35.47, -97.54, "73102"), ("Tulsa", "OK", 36.16, -95.99, "74103"),
        ("Little Rock", "AR", 34.75, -92.29, "72201"), ("Wichita", "KS", 37.69, -97.34, "67202"),
        ("Topeka", "KS", 39.05, -95.68, "66603")]),
    "T21": ("Missouri and Nebraska", "R21", [
        ("St. Louis", "MO", 38.63, -90.20, "63101"), ("Kansas City", "MO", 39.10, -94.58, "64106"),
        ("Springfield", "MO", 37.22, -93.30, "65806"), ("Omaha", "NE", 41.26, -95.94, "68102"),
        ("Lincoln", "NE", 40.80, -96.67, "68508")]),
    "T22": ("Rocky Mountains", "R22", [
        ("Denver", "CO", 39.74, -104.98, "80202"), ("Colorado Springs", "CO", 38.83, -104.82, "80903"),
        ("Fort Collins", "CO", 40.59, -105.08, "80521"), ("Salt Lake City", "UT", 40.76, -111.89, "84101"),
        ("Provo", "UT", 40.23, -111.66, "84601")]),
    "T23": ("Desert Southwest", "R23", [
        ("Phoenix", "AZ", 33.45, -112.07, "85004"), ("Tucson", "AZ", 32.22, -110.93, "85701"),
        ("Albuquerque", "NM", 35.08, -106.65, "87102"), ("Las Vegas", "NV", 36.17, -115.14, "89101"),
        ("Reno", "NV", 39.53, -119.81, "89501")]),
    "T00": ("House desk, Pacific", "H1", [
        ("Seattle", "WA", 47.61, -122.33, "98101"), ("Spokane", "WA", 47.66, -117.43, "99201"),
        ("Portland", "OR", 45.52, -122.68, "97204"), ("Boise", "ID", 43.61, -116.20, "83702"),
        ("Sacramento", "CA", 38.58, -121.49, "95814"), ("Los Angeles", "CA", 34.05, -118.24, "90012"),
        ("San Diego", "CA", 32.72, -117.16, "92101"), ("Fresno", "CA", 36.75, -119.77, "93721")]),
}  # fmt: skip
OLD_NAMES = {"T03": "Connecticut", "T12": "Minnesota", "T17": "Tennessee", "T22": "Front Range"}
UNDERSERVED_REGION = "MD"
CITY_LIST = [(t, *city) for t, (_, _, cities) in TERRITORIES.items() for city in cities]

#: rep: name, role, hired on, full-time share, selling hours a year, base salary, on-target earnings
REPS = {
    "R01": ("Hannah Pelletier", "farmer", date(2019, 3, 4), 1.0, 1220, 72000, 128000),
    "R02": ("Declan Moriarty", "farmer", date(2020, 6, 15), 1.0, 1260, 74000, 131000),
    "R03": ("Priya Venkataraman", "farmer", date(2018, 9, 10), 1.0, 1280, 78000, 139000),
    "R04": ("Walt Kowalczyk", "farmer", date(2012, 1, 9), 1.0, 1190, 81000, 142000),
    "R05": ("Simone Baptiste", "farmer", date(2017, 5, 22), 1.0, 1300, 79000, 146000),
    "R06": ("Grant Hollister", "farmer", date(2015, 10, 5), 1.0, 1240, 80000, 141000),
    "R07": ("Tessa Lindqvist", "farmer", date(2021, 2, 1), 1.0, 1270, 71000, 126000),
    "R08": ("Marcus Oyelaran", "farmer", date(2019, 8, 19), 1.0, 1250, 74000, 132000),
    "R09": ("Beth Ann Strickler", "farmer", date(2014, 4, 7), 1.0, 1210, 78000, 137000),
    "R10": ("Joaquin Rosado", "farmer", date(2022, 1, 10), 1.0, 1290, 70000, 125000),
    "R11": ("Kirsten Aaberg", "farmer", date(2016, 11, 14), 0.8, 980, 62000, 108000),
    "R12": ("Doug Halvorsen", "farmer", date(2011, 7, 18), 1.0, 1200, 82000, 144000),
    "R13": ("Renee Whitlock", "farmer", date(2020, 2, 24), 1.0, 1230, 73000, 130000),
    "R14": ("Tyler Branscombe", "farmer", date(2022, 8, 8), 1.0, 1310, 69000, 124000),
    "R15": ("Yolanda Pruitt", "farmer", date(2013, 6, 3), 1.0, 1220, 80000, 140000),
    "R16": ("Nico Fuentes", "farmer", date(2021, 9, 13), 1.0, 1280, 71000, 127000),
    "R17": ("Caroline Maddox", "farmer", date(2018, 3, 26), 1.0, 1250, 76000, 135000),
    "R18": ("Lamar Thibodeaux", "farmer", date(2016, 5, 2), 1.0, 1240, 75000, 127000),
    "R19": ("Erin Castellanos", "hunter", date(2017, 1, 16), 1.0, 1340, 84000, 158000),
    "R20": ("Roy Tillman", "farmer", date(2010, 10, 11), 1.0, 1180, 82000, 143000),
    "R21": ("Megan Sobczak", "farmer", date(2020, 10, 19), 1.0, 1260, 73000, 129000),
    "R22": ("Aaron Whitehorse", "hunter", date(2019, 1, 7), 1.0, 1270, 76000, 138000),
    "R23": ("Paul Dressler", "farmer", date(2018, 6, 11), 1.0, 1230, 75000, 131000),
    "R24": ("Imani Caldwell", "farmer", HIRED, 1.0, 1260, 66000, 118000),
}  # fmt: skip
LEAVER, NEW_HIRE, NO_DEALS = "R20", "R24", "R18"
MANAGERS = {
    "M1": ("Elaine Forsythe", "Northeast", date(2009, 2, 2), 1, 6),
    "M2": ("Victor Janik", "Great Lakes", date(2014, 8, 4), 7, 12),
    "M3": ("Denise Rutledge", "South", date(2012, 5, 14), 13, 18),
    "M4": ("Sam Okafor", "West", date(2016, 9, 6), 19, 24),
}  # name, team, hired on, first and last rep

#: industry: share of accounts, mean potential against all, median employees, what its account names end in
INDUSTRIES = {
    "Clinic": (0.28, 1.0, 16, ["Family Medicine", "Medical Clinic", "Primary Care", "Health Center",
                               "Internal Medicine",
                               "Urgent Care", "Pediatrics", "Women's Health"]),
    "Dental": (0.24, 0.8, 11, ["Dental", "Family Dentistry", "Dental Care", "Orthodontics", "Dental Associates",
                               "Oral Surgery", "Smiles"]),
    "Veterinary": (0.17, 0.8, 12, ["Veterinary Hospital", "Animal Clinic", "Pet Care", "Animal Hospital",
                                   "Veterinary Partners", "Equine & Farm Vets"]),
    "Care home": (0.13, 1.2, 52, ["Care Center", "Senior Living", "Nursing & Rehab", "Manor", "Assisted Living"]),
    "Laboratory": (0.09, 1.3, 21, ["Diagnostics", "Pathology", "Laboratories", "Clinical Labs", "Imaging & Lab"]),
    "Surgery center": (0.09, 1.6, 30, ["Surgery Center", "Surgical Associates", "Day Surgery", "Endoscopy Center",
                                       "Eye Surgery"]),
}  # fmt: skip
ICP = ("Laboratory", "Surgery center")  # the customers whose equipment deals are won more often
CHURN_SEGMENT = "Veterinary"  # bought up by chains with central buying

PLACE_WORDS = """Cedar Ridge|Maple Grove|Stonebridge|Harlow Street|Riverbend|North Fork|Oak Hollow|Lakeview|Fairmount|
Willow Creek|Eastgate|Brookside|Highland|Summit|Old Mill|Prairie View|Bayside|Garden Street|Chestnut Hill|Union Square|
Westfield|Silver Lake|Juniper|Hawthorne|Pine Street|Cobblestone|Meadowlark|Orchard Park|Gateway|Crestwood|Foxglove|
Heritage|Southport|Sycamore|Blue Heron|Kingsley|Marlowe|Penfield|Ashbury|Tanner's Mill|Copper Canyon|Elm & Third|
Shoreline|Beacon|Larkspur|Quarry Hill|Three Rivers|Windham|Dogwood|Mill Pond|Redstone|Whitaker|Clearwater|Amberley|
Granite Falls|Rosemont|Turnpike|Magnolia|Belmont|Spring Valley|Coventry|Delancey|Founders|Harvest Lane|Ironwood|
Kestrel|Linden|Monarch|Northgate|Pembroke|Railroad Avenue|Sandhill|Trailhead|Valley Forge Road|Wexford|
Yarrow""".replace("\n", "").split("|")
GROUP_WORDS = ["Alder Point", "Brightwater", "Cornerstone", "Evergreen", "Guardian Oak", "Keystone Ridge", "Landmark",
               "Noble Creek", "Parkway", "Radiant", "Sterling Bay", "Unity", "Vantage", "Waypoint",
               "Zephyr"]  # fmt: skip

#: product: SKU, family, list price, what it solves, industries that buy it
PRODUCTS = {
    "Nitrile gloves, case": ("GLV100", "PPE", 118.0, "staff protected at every patient contact", "all"),
    "Procedure masks, case": ("MSK050", "PPE", 84.0, "staff protected at every patient contact", "all"),
    "Surface wipes, case": ("WIP160", "Infection control", 96.0, "rooms turned over faster between patients", "all"),
    "Hand sanitizer, 12 x 1 l": ("SAN012", "Infection control", 74.0, "hand hygiene that passes inspection", "all"),
    "Sterilization pouches": ("PCH200", "Infection control", 58.0, "instruments kept sterile until use",
                              "Dental|Veterinary|Surgery center|Clinic"),
    "Wound dressing kit": ("WND030", "Wound care", 132.0, "fewer dressing changes per wound",
                           "Care home|Clinic|Surgery center"),
    "Suture pack": ("SUT024", "Wound care", 146.0, "closures ready in one tray", "Surgery center|Veterinary|Clinic"),
    "Incontinence care, pallet": ("INC900", "Resident care", 640.0, "skin kept dry, fewer pressure sores", "Care home"),
    "Nutrition shakes, case": ("NUT024", "Resident care", 52.0, "weight kept up in frail residents", "Care home"),
    "Rapid strep test, 25": ("RST025", "Diagnostics", 88.0, "an answer while the patient waits", "Clinic|Laboratory"),
    "Blood collection tubes": ("TUB100", "Diagnostics", 64.0, "fewer redraws", "Laboratory|Clinic|Surgery center"),
    "Reagent pack, chemistry": ("RGT410", "Diagnostics", 410.0, "analyzers that never wait for reagent", "Laboratory"),
    "Composite resin kit": ("RES040", "Dental consumables", 162.0, "restorations that match and last", "Dental"),
    "Impression material": ("IMP012", "Dental consumables", 98.0, "fewer retakes in the chair", "Dental"),
    "Vaccine syringes, 500": ("SYR500", "Veterinary consumables", 71.0, "vaccination days without shortages",
                              "Veterinary"),
    "Parasite control, 60": ("PAR060", "Veterinary consumables", 188.0, "year-round prevention clients stay on",
                             "Veterinary"),
    "Tabletop autoclave": ("AUT700", "Equipment", 9800.0, "sterilizing that keeps up with the schedule", "equipment"),
    "Exam chair, powered": ("CHR310", "Equipment", 7400.0, "safe transfers and less strain on staff", "equipment"),
    "Digital X-ray sensor": ("XRS220", "Equipment", 11200.0, "images at once, at a lower dose", "equipment"),
    "Portable ultrasound": ("ULT900", "Equipment", 24500.0, "diagnosis in the room instead of a referral",
                            "equipment"),
    "Chemistry analyzer": ("ANL500", "Equipment", 32800.0, "results in house the same day", "equipment"),
    "Patient monitor": ("MON120", "Equipment", 5900.0, "early warning during procedures", "equipment"),
    "Vaccine refrigerator": ("REF080", "Equipment", 4300.0, "stock that survives a power cut", "equipment"),
    "Service plan": ("SVC001", "Service", 2400.0, "equipment up, inspections passed", "service"),
}  # fmt: skip
MARGIN_BY_FAMILY = {"PPE": 0.24, "Infection control": 0.33, "Wound care": 0.38, "Resident care": 0.27,
                    "Diagnostics": 0.36, "Dental consumables": 0.41, "Veterinary consumables": 0.35,
                    "Equipment": 0.22, "Service": 0.55}  # fmt: skip
EQUIPMENT_BY_INDUSTRY = {
    "Clinic": ["Exam chair, powered", "Portable ultrasound", "Vaccine refrigerator", "Patient monitor"],
    "Dental": ["Tabletop autoclave", "Digital X-ray sensor", "Exam chair, powered"],
    "Veterinary": ["Portable ultrasound", "Chemistry analyzer", "Digital X-ray sensor", "Tabletop autoclave"],
    "Care home": ["Exam chair, powered", "Patient monitor", "Vaccine refrigerator"],
    "Laboratory": ["Chemistry analyzer", "Vaccine refrigerator"],
    "Surgery center": ["Patient monitor", "Tabletop autoclave", "Portable ultrasound"],
}

LEAD_SOURCES = {"Referral": 0.20, "Website": 0.26, "Trade show": 0.16, "Outbound call": 0.24, "Partner": 0.14}
LEAD_CONVERSION = {"Referral": 0.34, "Partner": 0.26, "Trade show": 0.20, "Outbound call": 0.15, "Website": 0.09}
STRONG_COMPETITOR, STRONG_REGIONS = "Norvane Medical", ("OH", "MI", "IN")
OTHER_COMPETITORS = ["Halberd Supply", "MedPoint Direct", "Castellan Health", "OneCart Medical"]
PAINS = {
    "Clinic": ["Exam rooms stand idle while supplies are restocked", "Reorders are done by hand every Friday",
               "Two suppliers and neither delivers before ten", "Vaccines lost in last summer's power cut",
               "Patients referred out for scans we could do here"],
    "Dental": ["Autoclave fails mid-morning and the day runs late", "Retakes because impressions distort",
               "Hygienists run out of pouches", "Old sensor needs too many exposures",
               "Invoices from four suppliers to reconcile"],
    "Veterinary": ["Bloodwork goes out and owners wait two days", "Large-animal calls without imaging",
                   "Chain buying puts pressure on prices", "Dental suite sterilizing is a bottleneck"],
    "Care home": ["State survey cited the transfer equipment", "Pressure sores up over last year",
                  "Night staff cannot find stock", "Deliveries arrive when nobody can receive them"],
    "Laboratory": ["Analyzer down twice a month", "Reagent shortages stop the line", "Redraws cost us two clients",
                   "Courier cut-off forces overtime"],
    "Surgery center": ["Turnover between cases is too slow", "Monitors no longer supported by the maker",
                       "Accreditation visit in spring", "Case carts incomplete on busy days"],
}  # fmt: skip
WIN_REASONS = ["Next-day delivery", "Installation and training on site", "Service response time", "Price",
               "One invoice for everything", "Knew and trusted the rep", "Trial went well",
                "Fits what they already have",
               "Financing over 36 months"]  # fmt: skip
LOSS_REASONS = ["No decision", "Price", "Budget moved to next year", "Stayed with present supplier", "Buyer left",
                "Bought through group contract", "Product did not fit", "No time to switch"]  # fmt: skip
LOST_TO_COMPETITOR = ["Competitor price", "Competitor bundle", "Competitor already installed"]
NEXT_STEPS = ["Demo with the lead nurse", "Send revised quote", "Call office manager after payroll week",
              "Site check for power and drain", "Reference call with a neighbor practice", "Walk through financing",
              "Get the W-9 and open the account", "Meet the owner on site", "Bring a loaner unit",
              "Confirm delivery window with facilities", "Ask for the purchase order",
              "Wait for board meeting"]  # fmt: skip
CONTACT_ROLES = ["Office manager", "Owner", "Practice administrator", "Lead nurse", "Purchasing", "Medical director",
                 "Lab manager", "Director of nursing", "Accounts payable"]  # fmt: skip
SKILLS = [
    "Product knowledge",
    "Discovery questions",
    "Closing",
    "Territory routing",
    "E-mail and follow-up",
    "Negotiation",
]
MEDIAN_INCOME = {  # median household income of the state, rounded, USD
    "ME": 68000, "NH": 90000, "VT": 74000, "MA": 96000, "CT": 90000, "RI": 81000, "NY": 81000, "ON": 70000, "NJ": 97000,
    "DE": 79000, "PA": 73000, "OH": 67000, "MI": 68000, "IN": 67000, "IL": 78000, "WI": 72000, "MN": 84000, "IA": 70000,
    "VA": 87000, "MD": 98000, "NC": 66000, "GA": 71000, "SC": 64000, "FL": 67000, "TN": 64000, "KY": 60000, "AL": 59000,
    "LA": 57000, "MS": 53000, "TX": 73000, "OK": 61000, "AR": 56000, "KS": 69000, "MO": 65000, "NE": 71000, "CO": 87000,
    "UT": 86000, "AZ": 72000, "NM": 58000, "NV": 71000, "WA": 90000, "OR": 76000, "ID": 70000, "CA": 91000,
}  # fmt: skip

"""What others call our tables, columns and outcomes. To teach ``workbook new`` a name, add it to the line it belongs to.

Capitals, blanks, accents and punctuation do not count: ``CloseDate``, "Close Date" and ``close_date`` are one name.
Our own names need no line.
"""
# ruff: noqa: E501 (one line for each column, however many names it has)

from __future__ import annotations

import re
import unicodedata

#: Words in a file's name that say which table it holds.
FILES = {
    "reps": "users, owners, reps, sales reps, sales people, salespersons, sales person, employees, sellers, vertreter, verkäufer, mitarbeiter, vendeurs, vendedores",
    "accounts": "accounts, customers, companies, clients, organisations, organizations, resellers, stores, kunden, firmen, entreprises, clientes, empresas",
    "account_owners": "account owners, owner history, account history, account assignments",
    "opportunities": "opportunities, opps, deals, pipeline, verkaufschancen, affaires, oportunidades, negocios",
    "stage_history": "stage history, opportunity history, deal history, deal stage history",
    "orders": "orders, order lines, order items, order details, order header, sales orders, sales, invoices, invoice lines, transactions, bestellungen, aufträge, rechnungen, umsätze, commandes, factures, ventes, pedidos, facturas, ventas",
    "contracts": "contracts, subscriptions, agreements, verträge, contrats, contratos",
    "credits": "credits, splits, opportunity splits, credit splits",
    "products": "products, items, articles, skus, produkte, artikel, produits, productos",
    "quotas": "quotas, quota, targets, ziele, objectifs, objetivos",
    "activities": "activities, tasks, events, calls, meetings, visits, aktivitäten, besuche, activités, visites, actividades, visitas",
    "contacts": "contacts, people, ansprechpartner, kontakte, contactos",
    "leads": "leads, prospects, interessenten, prospectos",
    "territories": "territories, gebiete, territoires, territorios",
    "market": "market, market potential, markt, marché, mercado",
    "rep_skills": "rep skills, skills",
    "rates": "rates, exchange rates, currency rates, fx rates, kurse, wechselkurse",
    "periods": "periods, fiscal periods, calendar",
}

#: What a record of each kind is called. With one of the ENDINGS, or alone, it is the name of an id column.
RECORDS = {
    "rep_id": "rep, (do not modify) user, owner, user, system user, sales rep, sales person, seller, employee, emp, account owner, opportunity owner, deal owner, company owner, contact owner, lead owner, assigned to, activity assigned to, hubspot owner, verkäufer, vertreter, betreuer, mitarbeiter, vendeur, propriétaire, vendedor, propietario",
    "account_id": "account, (do not modify) account, customer, cust, client, company, organisation, organization, reseller, potential customer, associated company, kunde, kunden, cliente, empresa, entreprise",
    "opportunity_id": "opportunity, deal, opp, (do not modify) opportunity, verkaufschance, affaire, oportunidad, negocio",
    "order_id": "order, sales order, invoice, transaction, document, auftrag, auftrags, bestell, bestellung, beleg, rechnung, rechnungs, commande, facture, pedido, factura",
    "contact_id": "contact, person, (do not modify) contact, ansprechpartner, contacto",
    "lead_id": "lead, prospect, (do not modify) lead",
    "territory_id": "territory, sales territory, gebiet, gebiets, territoire, territorio",
}
ENDINGS = "id, ids, key, seq, no, nr, num, number, code, nummer, ids primary, numero, identifiant"

#: A column of such a name is the id of the file's own rows.
OWN_IDS = "id, record id, no, nr, key, nummer, id de registro, guid, uuid"

#: Column by column: table "*" holds for every table that has the column.
NAMES: dict[str, dict[str, str]] = {
    "*": {
        "parent_account_id": "parent, parent id, parent account, parent account id, parent number, parent company, parent company id, parent customer",
        "manager_id": "manager, manager id, reports to, reports to id, supervisor, parent employee key, vorgesetzter",
        "created_date": "created, created on, created at, create date, date created, creation date, record created on, opportunity created on, erstellt, erstellt am, angelegt am, erstelldatum, date de création, fecha de creación",
        "close_date": "close date, closed date, closed on, abschlussdatum, abschluss, date de clôture, fecha de cierre",
        "amount": "amount, value, deal value, betrag, wert, summe, montant, importe, monto",
        "currency": "currency, currency code, currency iso code, amount currency, cur, währung, devise, moneda",
        "product": "product, product name, item name, english product name, produkt, produktname, artikel, artikelname, produit, producto",
        "lead_source": "lead source, source, original source, original traffic source, source campaign, campaign type, herkunft, origine, origen",
        "industry": "industry, business type, sector, branche, secteur, industria, sector industrial",
        "probability": "probability, probability (%), deal probability, wahrscheinlichkeit, probabilité, probabilidad",
        "role": "role, title, job title, position, user role, funktion, rolle, fonction, cargo",
        "active_from": "hire date, start date, hired, hired on, eintritt, eintrittsdatum",
        "active_to": "term date, termination date, end date, left on, austritt, austrittsdatum",
        "valid_from": "valid from, start date, from, from date, gültig ab, von",
        "valid_to": "valid to, end date, to, until, to date, gültig bis, bis",
    },
    "reps": {
        "rep_name": "name, full name, owner, user, rep, sales rep, sales person, employee name, verkäufer, vertreter, mitarbeiter, nom, nombre",
        "team": "team, division, department name, team name, abteilung, équipe, equipo",
        "base_salary": "base salary, salary",
        "on_target_earnings": "ote, on target earnings",
    },
    "accounts": {
        "account_name": "name, account name, company, company name, customer name, customer, reseller name, organization name, client, firma, firmenname, kunde, kundenname, nom, raison sociale, entreprise, nombre, nombre de la empresa, empresa, cliente",
        "employees": "employees, number of employees, no of employees, number employees, employee count, mitarbeiter, mitarbeiterzahl, effectif, empleados",
        "annual_revenue": "annual revenue, revenue, umsatz, chiffre d'affaires, ingresos anuales",
        "country": "country, billing country, country region, address 1 country region, land, pays, país",
        "region": "region, state, state region, state or province, state province name, billing state, billing state province, address 1 state province, bundesland, région, región, provincia",
        "city": "city, billing city, address 1 city, ort, stadt, ville, ciudad",
        "postal_code": "postal code, zip, zip code, billing postal code, billing zip postal code, address 1 zip postal code, plz, postleitzahl, code postal, código postal",
        "latitude": "billing latitude, lat",
        "longitude": "billing longitude, lon, lng",
        "web_visits_n": "web visits, web visits 12m, number of sessions",
        "territory_id": "territory name",
    },
    "opportunities": {
        "stage": "stage, stage name, deal stage, sales stage, pipeline phase, phase, verkaufsphase, étape, etapa",
        "outcome": "outcome, status, status reason, state, state code, deal status, opportunity status, ergebnis, statut, estado",
        "kind": "type, deal type, opportunity type, art, typ",
        "forecast_category": "forecast category, forecast category name, forecast",
        "win_reason": "win reason, closed won reason, won reason",
        "loss_reason": "loss reason, closed lost reason, lost reason, reason lost",
        "competitor": "competitor, main competitor, main competitors, primary competitor, wettbewerber",
        "pain_point": "pain, pain point, customer need",
        "next_step": "next step, next steps, nächster schritt",
        "discount_share": "discount, discount share, discount %, rabatt",
    },
    "stage_history": {
        "stage": "stage, stage name, deal stage, to stage, new value",
        "entered_date": "entered, entered on, date entered stage, created date, last stage change date, stage date",
    },
    "orders": {
        "order_date": "order date, date, invoice date, date ordered, datum, auftragsdatum, bestelldatum, belegdatum, rechnungsdatum, date commande, date de commande, fecha, fecha de pedido",
        "amount": "net amount, net, sales amount, line total, line amount, total, total amount, revenue, sales, netto, nettobetrag, nettoumsatz, umsatz, total ht, importe neto",
        "quantity": "quantity, qty, order quantity, units, volume, menge, anzahl, stück, quantité, cantidad",
        "margin": "margin, gross margin, profit, db, deckungsbeitrag, marge, margen",
    },
    "contracts": {
        "start_date": "start, start date, contract start date, contract start, beginn, date de début, fecha de inicio",
        "end_date": "end, end date, contract end date, contract end, renewal date, ende, date de fin, fecha de fin",
        "amount_per_year": "amount per year, annual amount, arr, annual recurring revenue, acv, annual contract value, jahresbetrag",
    },
    "credits": {"credit_share": "share, percent, split, split percentage, split %", "source_id": "opportunity id, deal id, order id"},
    "products": {
        "product": "name, product, product name, english product name, description, item name, bezeichnung, nom, nombre",
        "family": "family, product family, category, category name, product category, product line, warengruppe, famille, familia",
        "list_price": "list price, unit price, price, listenpreis, preis, prix, precio",
    },
    "quotas": {
        "period_start": "start, start date, period start",
        "period_end": "end, end date, period end",
        "quota": "quota, quota amount, sales quota, sales amount quota, target, target amount, ziel, objectif, objetivo",
    },
    "activities": {
        "activity_date": "date, activity date, due date, start, start date time, actual end, datum, fecha",
        "activity_type": "type, activity type, task subtype, task type, subtype, art, tipo",
        "opportunity_id": "what id, regarding",
        "minutes": "minutes, duration, duration in minutes, dauer, durée",
    },
    "leads": {"converted_date": "converted date, converted on", "event_date": "event date"},
    "territories": {"territory_name": "name, territory, territory name, sales territory, gebiet"},
    "rates": {"rate": "rate, exchange rate, kurs", "rate_date": "date, valid from, start date, datum"},
    "periods": {"period": "period, name, fiscal period, quarter"},
    "rep_skills": {"skill": "skill, competence", "level": "level, rating, score"},
}

#: Two columns that together are one of ours: the first where it is filled, else the second.
FIRST_ELSE = {
    ("opportunities", "close_date"): ("actual close date", "est close date, estimated close date, expected close date"),
    ("opportunities", "amount"): ("actual revenue, actual value", "est revenue, estimated revenue, estimated value"),
}

#: Two columns that joined by a blank are a person's name.
FIRST_NAMES, LAST_NAMES = (
    "first name, given name, vorname, prénom, nombre",
    "last name, surname, family name, nachname, name, nom, apellidos",
)

#: Flags that say how a deal ended.
WON_FLAGS = "is won, won, is closed won"
CLOSED_FLAGS = "is closed, closed, is deal closed"

#: Values that say how a deal stands; everything else is open.
WON = "won, closed won, close won, closed (won), bought, sold, signed, gewonnen, abgeschlossen gewonnen, gagné, gagnée, ganado, ganada, cierre ganado, contrat signé"
LOST = "lost, closed lost, close lost, closed (lost), canceled, cancelled, out sold, abandoned, dropped, disqualified, no decision, verloren, abgeschlossen verloren, storniert, perdu, perdue, perdido, perdida, cierre perdido"

#: Price, quantity and discount of an order line, from which its amount would have to be computed.
PRICE, QUANTITY, DISCOUNT = (
    "unit price, price, sales price, einzelpreis, preis, prix unitaire, precio unitario",
    "quantity, qty, order quantity, menge, anzahl, quantité, cantidad",
    "discount, discount share, unit price discount, unit price discount pct, rabatt, remise, descuento",
)


def bare(name: str) -> str:
    """A name without what does not count.

    >>> bare("Est. Close Date"), bare("Währung"), bare("close_date")
    ('estclosedate', 'wahrung', 'closedate')
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in plain if c.isalnum())


def words(text: str) -> frozenset[str]:
    """The bare names of a line of this vocabulary.

    >>> sorted(words("Close Date, closed on"))
    ['closedate', 'closedon']
    """
    return frozenset(map(bare, text.split(", ")))


def table_of_file(stem: str) -> str | None:
    """The table that a file's name speaks of; what stands last counts, as the last word of "sales quota history" that is known does.

    >>> table_of_file("hubspot-crm-exports-all-deals-2026-01-07"), table_of_file("dw_FactSalesQuota"), table_of_file("report1712")
    ('opportunities', 'quotas', None)
    """
    parts = [bare(part) for part in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])", stem)]
    known = {_singular(word): table for table, line in FILES.items() for word in words(line)}
    spans = [(end, start) for end in range(len(parts), 0, -1) for start in range(max(0, end - 3), end)]  # the last, and the longest first
    return next((known[w] for end, start in spans if (w := _singular("".join(parts[start:end]))) in known), None)


def _singular(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


def names_of(table: str, column: str) -> frozenset[str]:
    """Every bare name under which this column of this table is known; our own name is one of them.

    >>> "ownerid" in names_of("opportunities", "rep_id"), "kundennr" in names_of("orders", "account_id")
    (True, True)
    """
    names = {bare(column)}
    for line in (NAMES["*"].get(column), NAMES.get(table, {}).get(column)):
        names |= words(line) if line else set()
    if column in RECORDS:
        records, endings = words(RECORDS[column]), words(ENDINGS)
        names |= records | {record + ending for record in records for ending in endings}
    return frozenset(names)

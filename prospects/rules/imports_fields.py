"""The fields an import can fill, by kind, with the names other programs give them.

`synonyms` are in order of trust: the first ones name the field beyond doubt, later ones only if nothing better is there.
They are compared in the form of `normalise.plain` (lower case, no accents or punctuation).
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["people", "companies", "leads", "spend", "activities", "signals"]
KINDS: tuple[Kind, ...] = ("people", "companies", "leads", "spend", "activities", "signals")
FieldKind = Literal[
    "text", "email", "domain", "url", "linkedin", "phone", "count", "year", "money", "date", "day", "list", "country",
    "location", "currency", "channel", "outcome", "stage", "class", "activity_kind", "spend_kind", "purpose", "seniority",
    "department", "zone", "key", "naics", "technologies",
]  # fmt: skip
OWN_ID, CHANGED_AT = "leadgen_id", "changed_at"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. `needed`: a row without it is refused. `strict`: a cell that cannot be read refuses the row; otherwise
    the cell is left out with a warning. `aliases`: other names `--map` and `--set` take (design.md names both)."""

    name: str
    label: str
    kind: FieldKind
    synonyms: tuple[str, ...]
    needed: bool = False
    strict: bool = False
    aliases: tuple[str, ...] = ()
    limit: int = 0  # characters, for texts; 0: no limit


def _field(name: str, label: str, kind: FieldKind, words: str, **more: object) -> FieldSpec:
    synonyms = tuple(word for word in words.split("|") if word)
    if kind == "text":
        more.setdefault("limit", 120)
    return FieldSpec(name, label, kind, (name.replace("_", " "), *synonyms), **more)  # type: ignore[arg-type]  # keywords of FieldSpec


_EMAIL = (
    "e mail|email address|e mail address|e mail 1 value|email 1 value|work email|business email|primary email|person email|"
    "contact email|lead email|mail|e mail adresse|email adresse|mailadresse|adresse e mail|adresse email|adresse mail|courriel|"
    "correo electronico|correo|direccion de correo|indirizzo email|posta elettronica|e mail address 1|emails|email work|"
    "email 1|e mail 1|emailaddress|prospect email|customer email|endereco de e mail"
)
_FIRST = (
    "given name|vorname|prenom|nombre|nome|forename|firstname|fname|first|christian name|contact first name|contact first|person first name|"
    "rufname|primer nombre|nome proprio"
)
_LAST = (
    "family name|surname|nachname|nom|nom de famille|apellido|apellidos|cognome|sobrenome|lastname|lname|last|familienname|"
    "zuname|contact last name|contact last|person last name|apelido|second name"
)
_FULL = "name|person name|contact name|display name|fullname|contact|lead name|person|vollstandiger name|nom complet|nombre completo|nome completo|contact person|ansprechpartner|kontakt|prospect"
_TITLE = (
    "job title|position|jobtitle|role|job role|organization 1 title|organization title|job position|stelle|berufsbezeichnung|"
    "funktion|jobbezeichnung|poste|fonction|intitule de poste|cargo|puesto|ruolo|qualifica|current title|job|headline|"
    "positionsbezeichnung|job function"
)
_COMPANY = (
    "company name|organization 1 name|organization name|organisation name|organization|organisation|account name|account|"
    "associated company|employer|firma|firmenname|unternehmen|societe|entreprise|empresa|azienda|nom de l entreprise|compania|"
    "companyname|company account|business name|current company|ragione sociale|betrieb|company 1|client|client name|"
    "customer|customer name|kunde|raison sociale|kundenname|company organization|company name for emails"
)
_DOMAIN = (
    "company domain|company domain name|website|website url|web page|homepage|web site|company website|webseite|internetseite|"
    "site web|site internet|sitio web|pagina web|sito web|url|website 1 value|web|organization website|domain name|"
    "email domain|company url|web address|internet|domaene|domaine|dominio|site"
)
_PHONE = (
    "phone number|telephone|business phone|work phone|work direct phone|first phone|phone 1 value|direct phone|telefon|"
    "telefonnummer|tel|telephone number|numero de telephone|telefono|telefone|mobile phone|mobile|handy|mobil|cell|cell phone|"
    "portable|movil|cellulare|corporate phone|company phone|person phone|main phone|rufnummer|festnetz|phone work|home phone"
)
_OWNER = (
    "contact owner|deal owner|lead owner|account owner|company owner|owner alias|owner name|owner email|sales rep|rep|"
    "sales agent|agent|salesperson|sales person|assigned to|assignee|account executive|account manager|zustandig|"
    "verantwortlich|vertriebsmitarbeiter|verkaufer|betreuer|besitzer|proprietaire|commercial|responsable|vendedor|propietario|"
    "sales owner|opportunity owner|sales representative|record owner|seller|bearbeiter|inhaber|handled by|ae|sdr|closer|"
    "owned by|user|member|venditore|responsabile|rep email|rep name|vendeur"
)
_COUNTRY = "country region|address 1 country|business country region|business country|country code|land|pays|pais|paese|nation|home country region|company country|person country|country name|staat"
_REGION = "state|province|address 1 region|business state|bundesland|departement|provincia|estado|county|home state|company state|state province|state region|kanton|etat"
_CITY = "town|address 1 city|business city|ort|stadt|ville|ciudad|citta|cidade|home city|company city|localite|locality|wohnort"
_CHANNEL = (
    "source channel|lead source|acquisition channel|marketing channel|lead channel|original source|origin|leadquelle|quelle|"
    "kanal|canal|source|utm medium|medium|traffic source|source type|canale|fuente|lead origin|touch channel|channel name|"
    "herkunft|provenance|how did you hear about us|channel group|channel grouping|first touch|via|media channel|origine|"
    "traffic channel|source medium|inbound source"
)
_CAMPAIGN = (
    "campaign name|utm campaign|kampagne|campagne|campana|campagna|campanha|marketing campaign|primary campaign|"
    "primary campaign source|campaign id|ad campaign|original campaign|kampagnenname|camp|program|programme|initiative"
)
_SOURCE = "source detail|source details|lead source detail|lead source details|utm source|sub source|subsource|source name|list|liste|lead source"
_LINKEDIN = "linkedin|person linkedin url|linkedin profile|linkedin profile url|profile url|url|linkedin link|person linkedin|li url|contact linkedin url|linkedin url person"
_NOTE = "notes|comment|comments|description|notiz|notizen|bemerkung|bemerkungen|remarques|commentaire|notas|note interne|remarks|kommentar"
_EXTERNAL_PERSON = "record id|contact id|apollo contact id|person id|id|lead id|hubspot id|salesforce id|crm id|external identifier|kontakt id|kundennummer|prospect id|customer id|contact record id|uid|reference|ref"
_CHANGED = (
    "last modified|last modified date|modified|modified at|modified on|date modified|modified date|updated|updated at|updated on|"
    "last updated|last update|update date|zuletzt geandert|geandert am|letzte anderung|derniere modification|modifie le|"
    "ultima modificacion|fecha de modificacion|ultima modifica|hs lastmodifieddate|record updated"
)
_ZONE = "timezone|tz|zeitzone|fuseau horaire|zona horaria|fuso orario"
# The first column of an export of our own: whoever has it is that record, whatever else changed.
_OWN_ID = _field(OWN_ID, "Leadgen id", "key", "")
_CHANGED_AT = _field(CHANGED_AT, "Changed on", "date", _CHANGED)
_CURRENCY = "currency code|wahrung|waehrung|devise|moneda|valuta|moeda|deal currency|ccy|curr|cur"

PEOPLE = (
    _field("email", "E-mail", "email", _EMAIL, strict=True),
    _field("first_name", "First name", "text", _FIRST),
    _field("last_name", "Last name", "text", _LAST),
    _field("full_name", "Full name", "text", _FULL, limit=250, aliases=("name",)),
    _field("title", "Job title", "text", _TITLE, limit=200, aliases=("job_title",)),
    _field("company", "Company", "text", _COMPANY, limit=200),
    _field("domain", "Company domain", "domain", _DOMAIN, aliases=("website",)),
    _field("phone", "Phone", "phone", _PHONE),
    _field("linkedin_url", "LinkedIn", "linkedin", _LINKEDIN, aliases=("linkedin",)),
    _field("seniority", "Seniority", "seniority", "seniority level|management level|job level|level|karrierestufe|hierarchie"),
    _field("department", "Department", "department", "departments|organization 1 department|organization department|abteilung|departement|service|departamento|reparto|team|job department|function|bereich"),
    _field("country", "Country", "country", _COUNTRY),
    _field("region", "Region", "text", _REGION),
    _field("city", "City", "text", _CITY),
    _field("location", "Place", "location", "place|address 1 formatted|person location|adresse complete|standort|contact location"),
    _field("owner", "Owner", "text", _OWNER),
    _field("source", "Source", "text", "lead source|data source|original source|quelle|leadquelle|herkunft|provenance|fuente|list name|" + _SOURCE),
    _field("lawful_basis", "Lawful basis", "text", "legal basis|rechtsgrundlage|base legale|gdpr basis|legal basis for processing contact s data|consent", limit=200),
    _field("lawful_basis_at", "Lawful basis since", "date", "lawful basis date|legal basis date|consent date|consent given on|date of consent|rechtsgrundlage seit|einwilligung am", strict=True),
    _field("lawful_basis_note", "Note on the lawful basis", "text", "lawful basis note|legal basis note|proof of consent", limit=300),
    _field("external_id", "External id", "text", _EXTERNAL_PERSON),
    _field("note", "Note", "text", _NOTE, limit=5000),
    _field("company_industry", "Industry of the company", "text", "industry|branche|secteur|sector|industria"),
    _field("company_employees", "Employees of the company", "count", "employees|# employees|company size|number of employees|employee count|mitarbeiter|effectif"),
    _field("company_keywords", "Keywords of the company", "list", "keywords"),
    _field("company_funding_total", "Funding of the company", "money", "total funding"),
    _field("company_linkedin_url", "LinkedIn page of the company", "linkedin", "company linkedin url|company linkedin|organization linkedin url"),
    _field("company_external_id", "External id of the company", "text", "company external id|company record id"),
    _field("time_zone", "Time zone", "zone", _ZONE),
    _field("tags", "Tags", "list", "tag|tag names|schlagworter|etiquettes|etiquetas"),
    _CHANGED_AT,
    _OWN_ID,
)  # fmt: skip

COMPANIES = (
    _field("name", "Name", "text", "company name|company|security|" + _COMPANY + "|legal name|title", needed=True, limit=200, aliases=("company",)),
    _field("domain", "Domain", "domain", _DOMAIN, aliases=("website",), strict=True),
    _field("external_id", "External id", "text", "record id|company id|account id|apollo account id|organization id|id|symbol|ticker|ticker symbol|crm id|kundennummer|customer id|siren|siret|duns|duns number|vat id|company number|ref|reference"),
    _field("industry", "Industry", "text", "gics sector|sector|branche|secteur|sektor|industria|settore|setor|primary industry|company industry|linkedin industry|secteur d activite|industries|vertical"),
    _field("sub_industry", "Sub-industry", "text", "gics sub industry|sub industry|subindustry|sub sector|subsector|sub vertical|unterbranche|sous secteur|industry group"),
    _field("naics", "NAICS", "naics", "naics code|naics codes|primary naics|primary naics code|naics 2022|naics 2017|naics primary"),
    _field("employees", "Employees", "count", "employee count|number of employees|no of employees|company size|headcount|mitarbeiter|mitarbeiterzahl|anzahl mitarbeiter|effectif|effectifs|nombre d employes|empleados|numero de empleados|dipendenti|funcionarios|size|staff count|# employees|company headcount|fte|employee range|company size range|taille"),
    _field("revenue", "Revenue", "money", "annual revenue|turnover|umsatz|jahresumsatz|chiffre d affaires|ca|ingresos|facturacion|fatturato|receita|yearly revenue|sales|estimated revenue|annual sales|revenue eur|revenue usd|arr"),
    _field("revenue_currency", "Revenue currency", "currency", "currency|" + _CURRENCY),
    _field("country", "Country", "country", _COUNTRY + "|office location|headquarters country|hq country|sitzland"),
    _field("region", "Region", "text", _REGION + "|hq state|headquarters state"),
    _field("city", "City", "text", _CITY + "|hq city|headquarters city|firmensitz"),
    _field("location", "Head office", "location", "headquarters location|headquarters|head office|hq|hq location|office location|place|sitz|siege|siege social|sede|standort|address|adresse"),
    _field("founded", "Founded", "year", "year established|founded year|year founded|established|grundungsjahr|gegrundet|annee de creation|fondee en|fundacion|ano de fundacion|founding year|inception"),
    _field("technologies", "Technologies", "technologies", "technology|tech stack|technographics|web technologies|technologien|tecnologias|software used|technologie"),
    _field("keywords", "Keywords", "list", "keyword|labels|specialties|schlagworte|mots cles|palabras clave|categories|kategorien|stichworte"),
    _field("funding_stage", "Funding stage", "text", "latest funding|last funding type|last round|funding round|finanzierungsphase|latest funding stage|last funding round|latest funding round", limit=40),
    _field("funding_total", "Funding in total", "money", "total funding|total funding amount|funding|total raised|amount raised|funding amount|finanzierung"),
    _field("funded_on", "Last funding on", "day", "last raised at|last funding date|latest funding date|funding date|last funding on|funded at"),
    _field("linkedin_url", "LinkedIn", "linkedin", "company linkedin url|linkedin|linkedin company page|company linkedin|linkedin page|linkedin company url|li url", aliases=("linkedin",)),
    _field("phone", "Phone", "phone", _PHONE),
    _field("description", "Description", "text", "short description|about|about us|summary|beschreibung|descripcion|descrizione|seo description|company description|overview|notes", limit=100_000),
    _field("owner", "Owner", "text", _OWNER),
    _field("source", "Source", "text", _SOURCE + "|data source|quelle"),
    _field("full_website", "Full website address", "url", ""),
    _field("funding_currency", "Funding currency", "currency", "currency of the funding"),
    _field("time_zone", "Time zone", "zone", _ZONE),
    _field("pains", "Pains", "list", "pain points"),
    _field("goals", "Goals", "list", ""),
    _field("tags", "Tags", "list", "tag|tag names|schlagworter|etiquettes|etiquetas"),
    _CHANGED_AT,
    _OWN_ID,
)  # fmt: skip

LEADS = (
    _field("external_id", "External id", "text", "lead id|opportunity id|deal id|record id|id|lead no|lead number|opportunity number|lead ref|reference|crm id|deal number|lead key|ref|vorgangsnummer|lead nr|uid|identifier|external ref|key|case id|numero|number|nr|lead uuid|lead identifier|salesforce id|hubspot id"),
    _field("email", "E-mail", "email", _EMAIL, strict=True),
    _field("first_name", "First name", "text", _FIRST),
    _field("last_name", "Last name", "text", _LAST),
    _field("full_name", "Full name", "text", _FULL, limit=250, aliases=("name",)),
    _field("title", "Job title", "text", _TITLE, limit=200),
    _field("phone", "Phone", "phone", _PHONE),
    _field("country", "Country", "country", _COUNTRY),
    _field("company", "Company", "text", _COMPANY, limit=200),
    _field("domain", "Company domain", "domain", _DOMAIN, aliases=("website",)),
    _field("channel", "Channel", "channel", _CHANNEL),
    _field("campaign", "Campaign", "text", _CAMPAIGN),
    _field("source", "Source", "text", _SOURCE),
    _field("owner", "Owner", "text", _OWNER),
    _field("opened_at", "Opened", "date", "created at|created|created date|create date|created on|date created|lead created|lead date|creation date|lead created at|opened|open date|opened on|date opened|received|received at|engage date|engaged on|erstellt|erstellt am|angelegt|angelegt am|eingang|eingangsdatum|date de creation|cree le|fecha de creacion|creado|data di creazione|lead in|first seen|captured|captured at|entered|entry date|inquiry date|lead creation date|became a lead|became a lead date|start date|start|date added|added on|lead opened|begin|datum|first contact|date", strict=True, aliases=("created_at",)),
    _field("mql_at", "Became MQL", "date", "mql date|mql|mql on|became mql|became a mql|marketing qualified|marketing qualified at|marketing qualified date|marketing qualified on|marketing qualified lead date|became a marketing qualified lead date|mql since|mql datum|date mql|mql time|mql timestamp|became mql on|reached mql|mql am|qualified by marketing|scored|marketing qualification", strict=True),
    _field("accepted_at", "Accepted", "date", "accepted date|accepted|accepted on|sal date|sal|sal at|sal on|sales accepted|sales accepted at|sales accepted date|sales accepted on|sales accepted lead date|date accepted|akzeptiert|akzeptiert am|angenommen|angenommen am|accepte le|became sal|picked up|handoff accepted|hand off accepted|sdr accepted|acceptance date|acceptance|assigned at|aceptado", strict=True),
    _field("sql_at", "Became SQL", "date", "sql date|sql|sql on|became sql|became a sql|sales qualified|sales qualified at|sales qualified date|sales qualified on|sales qualified lead date|became a sales qualified lead date|date sql|sql datum|sql since|sql time|sql timestamp|became sql on|reached sql|sql am|qualified by sales|qualified at|qualified on|qualified|qualified date|date qualified|qualification date|qualifiziert am|qualifie le", strict=True),
    _field("opportunity_at", "Deal created", "date", "opportunity date|opp date|opp created|opportunity created|opportunity created at|opportunity created date|opportunity created on|opportunity on|opportunity|deal created|deal created at|deal create date|deal created on|deal created date|deal date|deal opened|deal opened at|pipeline date|became an opportunity date|became opportunity|became opportunity on|opp at|opp|opp on|oppty date|opportunity opened|opportunity since|deal start|deal started|entered pipeline|into pipeline|pipeline entered|verkaufschance am|deal angelegt|deal erstellt|proposal date|opportunite le", strict=True),
    _field("closed_at", "Closed", "date", "close date|closed|closed date|closed on|closing date|date closed|deal closed|deal close date|deal closed at|deal closed on|won date|won at|won on|closed won date|close|ended at|ended on|decision date|decided on|decided|abgeschlossen|abgeschlossen am|abschluss|abschlussdatum|geschlossen am|date de cloture|cloture|fecha de cierre|cerrado|data di chiusura|end date|outcome date|outcome at|outcome on|finished|finished at|resolved|resolved at|result date|completed at|final date|closing", strict=True),
    _field("stage", "Stage", "stage", "deal stage|lead stage|lifecycle stage|pipeline stage|sales stage|opportunity stage|status|lead status|phase|stufe|etape|etapa|fase|current stage|lifecyclestage|funnel stage|statut|estado|deal status", strict=True),
    _field("outcome", "Outcome", "outcome", "result|final outcome|won lost|win loss|won or lost|ergebnis|resultat|resultado|esito|deal outcome|lead outcome|final status|disposition|closed status|status|deal status|deal result|lead result|final result|close status|ausgang|lead status|outcome status|end state|exit|final|verdict|conclusion", strict=True),
    _field("reason", "Reason", "text", "loss reason|lost reason|closed lost reason|reason lost|disqualification reason|disqualified reason|reject reason|reason code|close reason|closed reason|grund|verlustgrund|ablehnungsgrund|raison|motif|motivo|why|outcome reason|exit reason|unqualified reason|reason for loss|lost because|status reason|rejection reason|motif de perte|result reason"),
    _field("value", "Deal value", "money", "deal value|amount|deal amount|opportunity value|opportunity amount|close value|contract value|total contract value|tcv|acv|deal size|price|wert|auftragswert|betrag|volumen|summe|montant|valeur|importe|valor|importo|valore|revenue|deal revenue|worth|booking|bookings|total|won amount|total value|net value|total amount|dealsize|deal worth|order value|opp value|opp amount|contract amount|sum", strict=True, aliases=("deal_value",)),
    _field("currency", "Currency", "currency", _CURRENCY, strict=True),
    _field("mrr", "Monthly recurring", "money", "monthly recurring revenue|monthly recurring|monthly revenue|recurring revenue|recurring|recurring amount|monthly value|monthly fee|subscription value|monatlicher umsatz|revenu mensuel recurrent|revenu mensuel|mrr eur|mrr usd|recurring monthly|monthly amount|monthly price|subscription|mrr amount|per month|monthly|recurring fee|ingresos mensuales", strict=True),
    _field("churned_at", "Churned", "date", "churn date|churned|churned on|churn|churn at|cancelled|cancelled at|cancelled on|canceled|canceled at|cancellation date|customer until|customer end date|end of contract|contract end|lost customer|customer lost|gekundigt|gekundigt am|kundigung|kundigungsdatum|resilie|date de resiliation|cancelacion|left on|customer left|left at|customer lost at|customer lost on|terminated|terminated at|termination date|subscription ended|subscription end|contract ended|customer ended|churn day|churned date|offboarded|baja", strict=True),
)  # fmt: skip

SPEND = (
    _field("channel", "Channel", "channel", _CHANNEL + "|platform|plattform|network", needed=True),
    _field("campaign", "Campaign", "text", _CAMPAIGN),
    _field("from", "From", "day", "start|start date|starts on|date from|from date|period start|period from|begin|begin date|von|ab|debut|date de debut|du|desde|inizio|first day|starting|date start|day|date|datum|fecha|data|month|monat|mois|period|week|invoice date|starts|since|valid from|beginn|started|started on|reporting starts", needed=True, strict=True, aliases=("starts_on", "date")),
    _field("to", "To", "day", "end|end date|ends on|date to|to date|period end|period to|until|till|bis|fin|date de fin|au|hasta|fine|last day|through|date end|ending|ends|valid to|ende|ended|ended on|thru|reporting ends|up to", strict=True, aliases=("ends_on",)),
    _field("amount", "Amount", "money", "spend|cost|costs|spent|amount spent|total cost|total spend|spending|budget spent|kosten|betrag|ausgaben|montant|cout|depense|depenses|importe|coste|gasto|importo|costo|spesa|valor|media cost|ad spend|value|expense|expenses|net amount|price|summe|sum|total|investment|outlay|invoice amount|budget|net cost", needed=True, strict=True),
    _field("currency", "Currency", "currency", _CURRENCY + "|account currency", strict=True),
    _field("kind", "Kind", "spend_kind", "cost type|spend type|type|cost kind|spend kind|category|kostenart|art|typ|type de cout|tipo|cost category|expense type|line type", strict=True),
    _field("purpose", "Purpose", "purpose", "goal|objective|ziel|zweck|objectif|objetivo|campaign objective|aim", strict=True),
    _field("note", "Note", "text", _NOTE + "|memo|vendor|supplier|invoice|text", limit=200),
    _field("external_id", "External id", "text", "id|invoice number|invoice id|line id|record id|reference|ref|booking id|belegnummer|rechnungsnummer|spend id|cost id", limit=160),
)  # fmt: skip

ACTIVITIES = (
    _field("external_id", "External id of the lead", "text", "lead id|lead external id|lead|opportunity id|deal id|record id|id|lead ref|reference|contact id|crm id|lead number|lead key|ref|key|identifier|person id|lead nr|uid|prospect id|case id|lead uuid|lead identifier", strict=True, aliases=("lead", "lead_external_id")),
    _field("email", "E-mail of the person", "email", _EMAIL, strict=True),
    _field("at", "When", "date", "date|time|timestamp|when|datetime|date time|occurred at|occurred on|occurred|happened at|happened on|created at|created|created date|activity date|touch date|touched at|touch time|touch at|event date|event time|event timestamp|datum|zeit|zeitpunkt|uhrzeit|date heure|fecha|data|moment|activity time|on|day|logged at|start time|hit at|interaction date|touched on|seen at|ts", needed=True, strict=True),
    _field("channel", "Channel", "channel", _CHANNEL),
    _field("class", "Class of the hit", "class", "hit class|classification|actor|human|is human|human or bot|bot|is bot|klasse|classe|clase|hit type|agent type|traffic type|touch class|source of hit|actor type|made by|who|quality|nature|category", strict=True, aliases=("hit_class",)),
    _field("kind", "Kind", "activity_kind", "type|activity type|event type|event|activity|action|touch type|typ|art|interaction type|aktivitat|tipo|event name|interaction|engagement type", strict=True),
    _field("campaign", "Campaign", "text", _CAMPAIGN),
    _field("summary", "Summary", "text", "subject|title|description|note|notes|comment|text|betreff|beschreibung|objet|asunto|details", limit=300, aliases=("note",)),
    _field("owner", "By", "text", _OWNER + "|by|done by|logged by|performed by"),
    _field("activity_id", "External id of the activity", "text", "activity external id|event id|touch id|engagement id|interaction id|hit id"),
)  # fmt: skip

SIGNALS = (
    _field("kind", "Kind", "text", "signal|signal type|signal kind|type|event|event type|category|trigger", needed=True, limit=60),
    _field("title", "What happened", "text", "headline|summary|news|subject|description of event|signal title|name of signal", needed=True, limit=300),
    _field("at", "When", "date", "date|occurred at|happened on|published|published at|published on|signal date|event date|timestamp|datum|announced|announced on", strict=True),
    _field("domain", "Company domain", "domain", _DOMAIN, aliases=("website",)),
    _field("company_name", "Company name", "text", _COMPANY, limit=200, aliases=("company",)),
    _field("email", "E-mail of the person", "email", _EMAIL),
    _field("url", "Address of the news", "url", "link|source url|article|article url|source link|news url"),
    _field("text", "Text", "text", "details|body|content|note|notes|comment|description", limit=2000),
    _field("external_id", "External id", "text", "id|signal id|event id|record id|reference|ref|uid", limit=150),
)  # fmt: skip

CATALOGUE: dict[Kind, tuple[FieldSpec, ...]] = {
    "people": PEOPLE,
    "companies": COMPANIES,
    "leads": LEADS,
    "spend": SPEND,
    "activities": ACTIVITIES,
    "signals": SIGNALS,
}


def find_field(kind: Kind, name: str) -> FieldSpec | None:
    """The field of that name or alias."""
    wanted = name.strip().lower().replace("-", "_")
    return next((spec for spec in CATALOGUE[kind] if wanted == spec.name or wanted in spec.aliases), None)

"""Words of job titles: English, German, French, Spanish, Italian, Portuguese, and the usual Dutch and Scandinavian ones.

Patterns are over the plain title (lower case, no accents, single spaces), short forms written out. The first rule that
matches decides; beside it stands how sure it is, 0 to 1, judged by how often the words mean something else.
"""

# Short forms, as they are typed.
SHORT = {
    "mgr": "manager", "mngr": "manager", "mgrs": "manager", "dir": "director", "sr": "senior", "snr": "senior", "jr": "junior",
    "asst": "assistant", "assoc": "associate", "exec": "executive", "mktg": "marketing", "mkt": "marketing", "mgmt": "management",
    "ops": "operations", "eng": "engineering", "engr": "engineer", "dev": "development", "svcs": "services", "coord": "coordinator",
    "supv": "supervisor", "supt": "superintendent", "acct": "account", "admin": "administrator", "rep": "representative",
    "pres": "president", "gm": "general manager", "avp": "vice president", "svp": "vice president",
    "evp": "vice president", "rvp": "vice president", "gvp": "vice president", "sevp": "vice president", "vp": "vice president",
    "bd": "business development", "dept": "department", "gf": "geschaftsfuhrer", "leit": "leiter", "resp": "responsable",
}  # fmt: skip

# What says nothing of the rank held now, and is taken out before ranks are looked for.
BEFORE = (
    r"(?:former(?:ly)?|ex|past|previously|retired|aspiring|future|ehemalige?[rns]?|ehem|fruhere?[rns]?|ancien(?:ne)?|antigu[oa]|gia)"
    r" [^|,;/]*"
)
AFTER = (
    r"\b(?:office of|reporting to|on behalf of)\b.*|\b(?:managing director|director general|president|ceo|chairman|director) s office\b|\b(?:member of the )?board of directors\b|\bdirector (?:y|services? desk)\b"
    r"|\b(?:working|supporting) with\b.*"
)
# "Director at Partner Bank": what follows is the employer's name.
EMPLOYER = r"\s(?:@|at|bei|chez|presso)\s.*|@.*"

_CHIEF_OF = (
    r"executive|technology|technical|financial|finance|marketing|revenue|product|people|data|operating|operations|information|security"
    r"|commercial|strategy|growth|customer|digital|medical|scientific|science|innovation|sales|procurement|investment|risk|compliance"
    r"|transformation|sustainability|experience|business|legal|human|hr|talent|communications?|creative|design|analytics|ai|delivery"
    r"|supply chain|administrative|impact|privacy|merchandising|brand"
)

SENIORITY: tuple[tuple[str, float, str], ...] = (
    # Who works for somebody of a rank does not hold it.
    ("staff", 0.95,
     r"\bassistant (?:to|of)\b|\bassisten\w* (?:de[rs]|d|di|du|de la|de)\b|\b(?:executive|personal|administrative|management|office|team)"
     r" (?:assistant|assistentin|secretary)|\bassistante? (?:de|di) dire\w+"
     r"|\b(?:director|manager|president|founder|owner|partner|ceo|cfo|cto|coo|vice president|chairman|principal)(?: s)?"
     r" (?:assistant|secretary|office assistant)|\b(?:director|manager|president|founder|owner|ceo) s associate|secretar(?!y general)|sekretar|segretari|vorstandsassist"
     r"|(?:referent|trainee|assistenz)\w* (?:der )?(?:geschaftsfuhr|geschaftsleit|vorstand)|student assistant|studentische"),
    ("staff", 0.95,
     r"\bintern(?:ship)?\b|trainee|praktik|werkstudent|\bstagiaire|apprenti|\bazubi|auszubild|\bbecari[oa]|\bstagista|estagiari|working student"
     r"|\bstudent\b|alternant|tirocin|\bstagiair|\belev\b|\blehrling"),
    ("founder", 0.95,
     r"\b(?:co ?)?founder\b|\b(?:mit)?(?:be)?grunder|inhaber|\b(?:co ?)?fonda(?:teur|trice)|\b(?:co ?)?fundador|\bfondator|\bfondatrice"
     r"|\btitolare\b|\bproprietaire|\bpropietari|\bproprietari|\bsoci[oa]\b|\bgesellschafter|\boprichter|\beigenaar|\bgrundare|\bstifter\b"
     r"|\bejer\b|\bselbststandig|\bentrepreneur\b|\bduen[oa]\b|chef d entreprise"),
    ("founder", 0.9, r"(?<!product )(?<!process )(?<!system )(?<!service )(?<!data )(?<!risk )(?<!content )(?<!application )"
                     r"(?<!solution )(?<!platform )(?<!asset )(?<!portfolio )(?<!budget )\b(?:co ?)?owner\b"),
    ("founder", 0.8,
     r"\b(?:managing|general|senior|equity|founding|operating|venture|limited) partner\b(?! (?:manager|marketing|success|sales|development|account))"
     r"|^partner$|^partner (?:and|\+|\|)"),
    ("head", 0.8, r"\bchief of staff"),
    # Ranks above their own names: "president" of part of a title of vice president comes after it.
    ("vp", 0.95, r"\bvice ?pres\w*|\bviceprasident|\bvizeprasident|\bvice ?presidente|\b[sear]? ?v p\b|\b[sear]vp\b"),
    ("c_level", 0.97,
     rf"\bc[efotmirpdcsalbxghknqtv]o\b|\b(?:ciso|chro|cpto|cdao|csco|caio|cdio)\b|\bchief\b.*\bofficers?\b|\bchief (?:of )?(?:{_CHIEF_OF})\b"
     r"|\bpresident directeur|\bpdg\b|geschaftsfuhr|\bvorstand|vorstandsvorsitz|geschaftsleitung|\bdirect(?:eur|rice) generale?\b"
     r"|\bdirectora? general\b|\bdiret(?:or|ora) geral\b|\bdirettor\w+ generale\b|\bamministrat\w+ (?:delegat|unic)|\bconsejer\w+ delegad"
     r"|\bgerente general\b|\bdirectora? (?:ejecutiv|gerente)|\bdiretora? (?:executiv|presidente)|\balgemeen directeur|\bdirecteur eigenaar|\bbestuurder"
     r"|\b(?:adm|administrerende) direktor|\bverkstallande direktor|\bdaglig leder|\btoimitusjohtaja|\bc (?:level|suite)\b|\bdirigeant"),
    ("c_level", 0.9, r"\bmanaging director|\bchair(?:man|woman|person)?\b(?! of the department)|\bpresident[ea]?\b|\bgerante?\b|^administrador$|\bamministratore$|\bdga\b"),
    ("head", 0.9,
     r"\bhead\b(?! (?:chef|teacher|coach|nurse|waiter|waitress|barista|gardener|cashier|porter|cook|baker|bartender|housekeeper|master|lifeguard|hunter))"
     r"|abteilungsleit|bereichsleit|\bleitung\b|\bresponsable (?:du )?departement|\bjef[ea] de departamento|\bprokurist|\bhoofd\b|\bafdelingshoofd"
     r"|\bleiter(?:in)?\b|\b(?!team|projekt|gruppen|schicht|bau|filial|markt|restaurant|gebiets|labor|regional|sachgebiets|kuchen|kita|club|shop|store)"
     r"[a-z]+leiter(?:in)?\b"),
    ("director", 0.93,
     r"\bdirectors?\b(?! y\b)|\bdirecteur|\bdirectrice|\bdirektor|[a-z]direktor|\bdiret{1,2}(?:or|ric)|\bdirectora\b|\bdsi\b|\bdrh\b|\bdaf\b|\bdirco\b"),
    ("manager", 0.93,
     r"\b[a-z]*manager(?:in)?\b|team ?leit|gruppenleit|projektleit|schichtleit|\w+leiter|\bsupervisor|\bteam ?lead(?:er)?\b|\bteamleider|\bleidinggevende"
     r"|\bprojectleider|\bresponsa(?:ble|bile|bili|vel)\b|\bgerente|\bjef[ea]\b|\bchef (?:des?|du|d)\b(?! (?:cuisine|partie|rang))|\bcapo\b|\bcoordenador|\bcoordinador"
     r"|\bcoordinator[ei]\b|\bencargad|\bencarregad|\bsuperintendent|\bforeman|\bmanageress|\bgestor[a]?\b"
     r"|\b(?:salgs|forsaljnings|okonomi|ekonomi|marknads|marketing|produktions|personal|it|lager|inkops|indkobs|projekt|omrades)chef"),
    ("senior", 0.85, r"\bsenior\b|\bprincipal\b|\blead\b|\bstaff (?:engineer|software|scientist)|\bexpert|\barchitect|\bfellow\b|\bchief\b|\barchitekt"),
    ("staff", 0.85,
     r"\bjunior\b|\bassociate|\banalyst|\bengineer|\bdeveloper|\brepresentative|\bspecialist|\bconsultant|\bassistant|\bclerk|\bdesigner|\bcoordinator\b"
     r"|\bexecutive\b|\badministrator|\btechnician|entwickler|ingenieur|berater|sachbearbeit|\breferent|mitarbeiter|fachkraft|kauf(?:mann|frau)"
     r"|\bcharge|\bconseiller|\bcommercial\b|\bdeveloppeur|\btecnic|\banalista|\bdesarrollador|\bingenier|\bprogram(?:mer|mierer|ador)|\bimpiegat"
     r"|\bsdr\b|\bbdr\b|\bae\b|\brecruiter|\baccountant|\bbuyer|\bentry\b|\bagent|\bbusiness partner|\bcounsel\b|\bscientist|\bnurse|\bteacher|\bprofessor"
     r"|\blawyer|\battorney|\bavvocat|\babogad|\bavocat|\banwalt|\bwriter|\beditor|\bjournalist|\bdriver|\bcashier|\bauditor|\bcontroller|\bofficer\b"
     r"|\bejecutiv|\bexecutiv|\basesor|\bvendedor|\bverkoper|\binkoper|\bmedewerker|\badviseur|\bsviluppator|\bingegner|\bconsulente|\bconsultor"
     r"|\bdesenvolvedor|\bengenheir|\bfreelanc|\bcontractor|\bscrum master|(?:product|process) owner|koordinator|\bcoordinateur|\bcoordinatrice"
     r"|\bstrategist|\bplanner|\btrainer|\bcoach\b|\bangestellte|\bouvrier|\btechnolog|\btester|\bmechanic|\belectrician|\boperator|\binspector|\bprogrammer"),
)  # fmt: skip

DEPARTMENT: tuple[tuple[str, str], ...] = (
    ("finance", r"\bcfo\b|financ|finanz|account(?:ing|ant|s payable)|controll(?:er|ing)|treasur|buchhalt|comptab|contab|\btax\b|audit|steuer|rechnungswesen"),
    ("marketing", r"\bcmo\b|marketing|brand|growth|demand gen|content|\bseo\b|communicat|kommunikation|\bpr\b|public relations|social media|mercadotecnia"),
    ("hr", r"\bchro\b|human resources|\bhr\b|people (?:and|operations|ops|officer|partner|manager)|chief people|talent|recruit|personal(?:leit|wesen|abteilung|referent)"
           r"|ressources humaines|\brh\b|recursos humanos|risorse umane|\bpeople\b"),
    ("legal", r"\bclo\b|legal|counsel|lawyer|attorney|jurist|rechts(?!rat)|juridique|avocat|compliance|privacy|datenschutz"),
    ("purchasing", r"\bcpo procurement|procure|purchas|buyer|einkauf|einkaufer|achats|acheteur|compras|acquisti|sourcing|beschaffung"),
    ("support", r"support|customer (?:success|service|care|experience)|kundendienst|kundenservice|service client|atencion al cliente|help ?desk|client success"),
    ("sales", r"\bcro\b|\bsales\b|vertrieb|verkauf|account (?:executive|manager|director)|key account|business development|\bbdr\b|\bsdr\b|\bae\b|revenue"
              r"|commercial|comercial|commerciale|ventes|ventas|vendite|vendas|aussendienst|partnership|channel manager|pre ?sales"),
    ("it", r"\bcio\b|\bciso\b|\bit\b|information (?:technology|security|systems)|infrastructure|sys ?admin|system admin|network|cyber|security|informatik|informatique"
           r"|informatica|sistemas|edv|cloud|devops|database|\bdba\b|\berp\b"),
    ("product", r"\bcpo\b|product (?:manager|owner|director|lead|marketing|design|management|officer)|head of product|of product|vp product|\bux\b|\bui\b|produkt(?:manag|leit)|chef de produit|^product$"),
    ("engineering", r"\bcto\b|engineer|software|developer|entwickl|technical|technology|r ?(?:and )?d\b|research|data scien|machine learning|architect|ingenieur|technik"
                    r"|developpeur|ingenier|ingegner|desarroll|tecnic|techni|\bqa\b|konstruk|scientist|forschung"),
    ("operations", r"\bcoo\b|operat|logist|supply|production|produktion|manufactur|fertigung|werkleit|plant|quality|qualitat|facilit|project|projekt|projet|betrieb|process|warehouse|lager"),
    ("executive", r"\bceo\b|founder|owner|president|geschaftsfuhr|vorstand|inhaber|grunder|managing director|managing partner|general manager|direct(?:eur|rice) general"
                  r"|directora? general|diret(?:or|ora) geral|direttor\w+ generale|amministrator\w+ delegat|\bpdg\b|gerant|chairman|board|fondat|fundador|chief executive|c suite"
                  r"|gesellschafter|titolare|consejer\w+ delegad|chief of staff"),
)  # fmt: skip

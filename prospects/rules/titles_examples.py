"""Job titles by what they mean, in the languages our customers sell in: what a title that no rule knows is compared with.

Written for this project. After a change run `manage.py learn_titles`, which stores what the model learned from them beside this file.
"""

SENIORITY: dict[str, tuple[str, ...]] = {
    "founder": (
        "Co-founder", "Owner and founder", "Entrepreneur, company owner", "Gründer und Inhaber", "Firmeninhaberin", "Fondateur associé", "Propriétaire",
        "Fundadora", "Dueño de la empresa", "Socio fundador", "Fondatrice", "Titolare dell'azienda", "Sócio proprietário", "Dono da empresa", "Mede-oprichter",
        "Współzałożyciel", "Właściciel firmy", "Grundare och ägare", "Medstifter", "Perustaja", "Zakladatel a majitel", "Основатель", "創業者", "创始人",
        "창업자", "Kurucu ortak", "Solo founder building things", "Business owner",
    ),
    "c_level": (
        "Chief of everything finance", "Group chief executive", "Alleiniger Geschäftsführer", "Vorstandsvorsitzende", "Mitglied des Vorstands", "Président-directeur général",
        "Gérant de la société", "Consejero delegado", "Administrador único", "Presidente ejecutivo", "Amministratrice delegata", "Presidente del consiglio di amministrazione",
        "Administradora executiva", "Bestuursvoorzitter", "Prezes zarządu", "Członek zarządu", "Verkställande direktör", "Administrerende direktør", "Toimitusjohtaja",
        "Jednatel společnosti", "Generální ředitel", "Генеральный директор", "Финансовый директор", "代表取締役社長", "首席执行官", "首席技术官", "대표이사", "Genel Müdür",
        "Yönetim kurulu başkanı", "Direttore generale", "Chief people person", "Ügyvezető igazgató",
    ),
    "vp": (
        "Vice president of engineering", "Senior VP global sales", "EVP operations", "Area vice president", "Vice-président ventes", "Vicepresidenta de operaciones",
        "Vicepresidente marketing", "Vice-presidente comercial", "Vizepräsident Vertrieb", "Wiceprezes ds. sprzedaży", "Vice VD", "Varatoimitusjohtaja", "Viceprezident",
        "Вице-президент по продажам", "副社長", "副总裁", "부사장", "Başkan yardımcısı", "Group vice president", "Divisional vice president",
    ),
    "head": (
        "Head of customer happiness", "Leitung Vertrieb", "Bereichsleiterin Produktion", "Abteilungsleiter", "Ressortleitung", "Responsable de département", "Cheffe du service achats",
        "Jefa de departamento", "Responsabile ufficio acquisti", "Chefe de departamento", "Hoofd financiën", "Kierownik działu", "Avdelningschef", "Afdelingschef", "Avdelingsleder",
        "Osastopäällikkö", "Vedoucí oddělení", "Начальник отдела", "部長", "部门负责人", "부서장", "Bölüm başkanı", "Global lead of data department",
    ),
    "director": (
        "Director of supply", "Senior director partnerships", "Direktorin Einkauf", "Directrice commerciale", "Directeur des achats", "Directora de ventas", "Director de planta",
        "Direttore vendite", "Direttrice risorse umane", "Diretora de operações", "Diretor de tecnologia", "Commercieel directeur", "Dyrektor handlowy", "Dyrektor działu zakupów",
        "Försäljningsdirektör", "Salgsdirektør", "Markkinointijohtaja", "Obchodní ředitel", "Коммерческий директор", "Директор по закупкам", "本部長", "销售总监", "영업 이사",
        "Satış direktörü", "Értékesítési igazgató",
    ),
    "manager": (
        "Shift supervisor", "Team captain operations", "Teamleiterin Kundendienst", "Gruppenleiter", "Schichtführer", "Responsable de magasin", "Chef d'atelier", "Encargado de turno",
        "Supervisora de ventas", "Coordinador de equipo", "Capoturno", "Coordinatrice di progetto", "Supervisor de loja", "Gerente de contas", "Teamleider", "Ploegbaas",
        "Kierownik projektu", "Kierowniczka sklepu", "Butikschef", "Gruppchef", "Tiimipäällikkö", "Vedoucí směny", "Менеджер проекта", "Руководитель группы", "課長", "经理", "팀장",
        "Satış müdürü", "Csoportvezető",
    ),
    "senior": (
        "Senior engineer", "Principal architect", "Senior Sachbearbeiterin", "Leitender Ingenieur", "Ingénieur principal", "Consultante confirmée", "Ingeniera sénior", "Analista sénior",
        "Consulente senior", "Sviluppatore senior", "Engenheira sénior", "Senior ontwikkelaar", "Starszy specjalista", "Seniorkonsult", "Vanhempi asiantuntija", "Starší vývojář",
        "Старший инженер", "上級エンジニア", "高级工程师", "선임 연구원", "Kıdemli uzman", "Staff scientist, level 5",
    ),
    "staff": (
        "Administrative assistant", "Warehouse picker", "Front desk", "Sachbearbeiter", "Verkäuferin", "Kaufmännische Angestellte", "Werkstudentin", "Auszubildender", "Buchhalterin",
        "Acheteur", "Comptable", "Vendeuse", "Assistante commerciale", "Stagiaire", "Enfermera", "Vendedor", "Auxiliar administrativo", "Becario", "Contabile", "Addetto vendite", "Impiegata",
        "Tirocinante", "Assistente administrativo", "Estagiária", "Vendedora", "Medewerker", "Verkoper", "Księgowa", "Specjalista ds. zakupów", "Stażysta", "Handläggare", "Sælger",
        "Myyjä", "Účetní", "Prodavač", "Бухгалтер", "Специалист по закупкам", "営業担当", "销售代表", "사원", "Satın alma uzmanı", "Stajyer", "Translator", "Nurse", "Teacher", "Lawyer",
        "Photographer", "Welder", "Student of economics", "Könyvelő",
    ),
}  # fmt: skip

DEPARTMENT: dict[str, tuple[str, ...]] = {
    "executive": (
        "Managing the whole company", "Geschäftsleitung", "Vorsitz der Geschäftsführung", "Direction générale", "Dirección general", "Direzione generale", "Administração da empresa",
        "Algemeen directeur", "Zarząd spółki", "Företagsledning", "Bestyrelse", "Johtoryhmä", "Vedení společnosti", "Дирекция", "経営者", "总经理", "Yönetim kurulu", "Ügyvezető",
    ),
    "sales": (
        "Closing deals with retailers", "Territory representative", "Aussendienstmitarbeiter", "Vertriebsassistentin", "Verkaufsleitung Nord", "Technico-commercial", "Chargée de clientèle",
        "Vendedor de zona", "Asesora comercial", "Agente di commercio", "Addetta vendite", "Consultor de vendas", "Accountmanager buitendienst", "Przedstawiciel handlowy", "Säljare",
        "Kundeansvarlig", "Myyntiedustaja", "Obchodní zástupce", "Менеджер по продажам", "営業", "销售", "영업", "Satış temsilcisi", "Értékesítő",
    ),
    "marketing": (
        "Event organiser for the brand", "Copywriter", "Werbetexter", "Messe und Veranstaltungen", "Öffentlichkeitsarbeit", "Chargée de communication", "Responsable événementiel", "Redactora publicitaria",
        "Diseñador de campañas", "Addetto stampa", "Grafica pubblicitaria", "Redator publicitário", "Tekstschrijver", "Specjalista ds. promocji", "Marknadsförare", "Markedsføring",
        "Markkinoija", "Propagace a reklama", "Маркетолог", "広報", "市场推广", "마케팅", "Pazarlama uzmanı", "Community builder",
    ),
    "operations": (
        "Shift lead at the plant", "Dispatcher", "Werksleiter", "Schichtleiter", "Disponentin", "Arbeitsvorbereitung", "Responsable d'exploitation", "Chef d'atelier", "Jefe de almacén", "Encargada de tienda",
        "Capo reparto", "Magazziniere", "Encarregado de produção", "Chefe de armazém", "Magazijnmedewerker", "Kierownik produkcji", "Brygadzista", "Produktionschef", "Lagerleder",
        "Tuotantopäällikkö", "Vedoucí výroby", "Начальник производства", "生産管理", "生产经理", "생산", "Üretim müdürü", "Machine operator",
    ),
    "engineering": (
        "Mechanical designer", "Coder", "Entwicklungsleitung", "Konstrukteur", "Elektriker", "Servicetechniker", "Bureau d'études", "Technicien de maintenance", "Programadora",
        "Diseño mecánico", "Programmatore", "Progettista meccanico", "Programador", "Projetista", "Werktuigbouwkundige", "Programista", "Konstruktor", "Utvecklare", "Udvikler",
        "Ohjelmoija", "Konstruktér", "Программист", "Инженер-конструктор", "技術者", "研发", "개발자", "Yazılımcı", "Mérnök", "Data wizard building models",
    ),
    "it": (
        "Helpdesk and workstations", "Fachinformatiker Systemintegration", "Systemadministratorin", "Rechenzentrum", "DSI", "Directeur des systèmes d'information", "Administrateur réseau", "Jefe de sistemas",
        "Soporte de sistemas", "Responsabile CED", "Sistemista", "Gestor de TI", "Administrador de redes", "Systeembeheerder", "Administrator sieci", "Systemförvaltare", "Driftsansvarlig",
        "Tietohallinto", "Správce sítě", "Системный администратор", "情報システム", "信息技术部", "전산", "Bilgi işlem",
    ),
    "finance": (
        "Money and ledgers", "Billing clerk", "Lohnbuchhaltung", "Kaufmännischer Leiter", "Kreditorenbuchhalter", "Wirtschaftsprüferin", "DAF", "Directeur administratif et financier", "Trésorière", "Contador",
        "Tesorera", "Responsable de administración", "Ragioniere", "Responsabile amministrativo", "Contabilista", "Tesoureiro", "Boekhouder", "Księgowy", "Główna księgowa", "Ekonomichef",
        "Regnskabschef", "Kirjanpitäjä", "Účetní", "Бухгалтер", "経理", "财务", "회계", "Muhasebeci", "Könyvelő", "Investor relations",
    ),
    "hr": (
        "Hiring and culture", "Payroll and benefits", "Personalleiterin", "Ausbildungsbeauftragter", "DRH", "Chargée de recrutement", "Gestionnaire de paie", "Selección de personal", "Jefe de personal",
        "Direttrice del personale", "Selezione e formazione", "Departamento de pessoal", "Formação e desenvolvimento", "Personeelszaken", "Kadry i płace", "Personalchef", "Rekryterare",
        "Henkilöstöpäällikkö", "Personální oddělení", "Отдел кадров", "人事", "人力资源", "인사", "İnsan kaynakları", "Learning and development", "Wellbeing lead",
    ),
    "purchasing": (
        "Vendor contracts and spend", "Category specialist", "Einkäuferin", "Materialwirtschaft", "Warengruppenleiter", "Acheteuse", "Responsable approvisionnement", "Comprador", "Jefa de aprovisionamiento",
        "Ufficio acquisti", "Addetto agli approvvigionamenti", "Comprador industrial", "Aprovisionamento", "Inkoper", "Hoofd inkoop", "Zaopatrzeniowiec", "Specjalista ds. zakupów", "Inköpare",
        "Indkøber", "Ostaja", "Nákupčí", "Закупки", "購買", "采购", "구매", "Satın alma", "Beszerző",
    ),
    "product": (
        "Owner of the roadmap", "Interaction designer", "Produktverantwortliche", "Produktentwicklung und Roadmap", "Responsable produit", "Concepteur d'interfaces", "Jefa de producto", "Diseñadora de interfaces",
        "Responsabile di prodotto", "Gestora de produto", "Designer de produto", "Productverantwoordelijke", "Kierownik produktu", "Produktägare", "Produktejer", "Tuotepäällikkö",
        "Produktový manažer", "Продакт-менеджер", "プロダクト", "产品经理", "기획", "Ürün yöneticisi",
    ),
    "support": (
        "Complaints desk", "After-sales service", "Reklamationsbearbeitung", "Kundenbetreuerin", "Hotline", "Service après-vente", "Chargé de relation client", "Atención al cliente", "Posventa",
        "Assistenza clienti", "Servizio post vendita", "Apoio ao cliente", "Pós-venda", "Klantenservice", "Obsługa klienta", "Kundtjänst", "Kundeservice", "Asiakaspalvelu", "Zákaznická podpora",
        "Служба поддержки", "カスタマーサポート", "客服", "고객지원", "Müşteri hizmetleri", "Ügyfélszolgálat",
    ),
    "legal": (
        "Contracts and patents", "Paralegal", "Syndikusanwältin", "Rechtsabteilung", "Juriste d'entreprise", "Notaire", "Abogada", "Asesoría jurídica", "Avvocato", "Ufficio legale", "Advogada",
        "Assessoria jurídica", "Bedrijfsjurist", "Radca prawny", "Bolagsjurist", "Advokat", "Lakimies", "Právník", "Юрист", "法務", "法务", "법무", "Hukuk müşaviri", "Jogász",
    ),
    "other": (
        "Teacher", "Nurse", "Physician", "Musician", "Actor", "Pastor", "Chef de cuisine", "Barista", "Student", "Retired", "Pilot", "Photographer", "Lehrerin", "Krankenpfleger", "Koch",
        "Étudiante", "Infirmier", "Cuisinier", "Profesora", "Enfermero", "Estudiante", "Insegnante", "Cuoco", "Studentessa", "Professor", "Farmacêutica", "Docent", "Nauczyciel", "Lekarz",
        "Lärare", "Læge", "Opettaja", "Učitel", "Учитель", "Врач", "教師", "学生", "교사", "Öğretmen", "Veterinarian", "Firefighter", "Librarian", "Unemployed", "Looking for new opportunities",
    ),
}  # fmt: skip

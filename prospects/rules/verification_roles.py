"""Local parts that stand for a function, not for a person (RFC 2142, and what companies use in six languages)."""

from prospects.rules.normalise_text import word_set

ROLES = word_set(
    """abuse accounting accounts admin administration administrator ads all alle anfrage assistance backoffice bestellung
    bewerbung bewerbungen billing board booking bookings buchhaltung buero office bureau campaigns careers catering
    clientes club commercial commerciale comercial comms community compliance compras compta comptabilite contact
    contacto contactus contato contatti customercare customers customerservice customer-service customerservices
    datenschutz demo desk dev developers development digital direccion direction dispatch dns dpo dsgvo editor editorial
    einkauf empfang engineering enquiries enquiry events everyone expo export facturacion facture faktura feedback
    finance ftp gdpr general gerencia group hallo hello hello-world help helpdesk hi hola home hostmaster hq hr human-resources
    import info infos information inquiries inquiry institucional international investor investors ir it jobs kariera
    karriere kontakt kundenservice legal library list list-request logistics logistik mail mailbox
    mailer-daemon mail-daemon maintenance management manager marketing media mediarelations members membership news
    newsletter noc no-reply noreply no_reply donotreply do-not-reply nobody office online operations ops order orders
    ordini organisation partner partners partnership partnerships payroll personal personnel podatelna poczta postbox
    postmaster pr presse press privacy procurement produktion projects prensa public purchasing qa qualite quality
    reception recepcion rechnung rechnungen recruiting recruitment redaktion registration reklamation
    request reservation reservations reservas return returns rh root rrhh sac sales salesteam schedule school secretaria
    secretariat secretary security segreteria sekretariat service services servicio shipping shop soporte spam staff
    store studio subscribe suggestions support supporto sysadmin team tech technical technik tickets trade trainee
    training unsubscribe usenet uucp vendas ventas verkauf vertrieb vendite verwaltung web
    webmaster website welcome werkstatt whois www zakupy zentrale"""
)

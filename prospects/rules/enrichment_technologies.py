"""Which technologies a company uses, by what its website and its DNS show to everybody. Pure.

Each sign names one product beyond doubt: a script's host, a header, a cookie's name, a verification record. Own signs and few,
each with what it is seen by, in place of a copied catalogue of thousands whose licence forbids that (Wappalyzer's).
"""

import re
from collections.abc import Iterable, Mapping, Sequence

# Product -> what a page's asset addresses and inline scripts hold (lower case).
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "Google Analytics": ("google-analytics.com/", "googletagmanager.com/gtag/js"),
    "Google Tag Manager": ("googletagmanager.com/gtm.js", "googletagmanager.com/ns.html"),
    "HubSpot": ("js.hs-scripts.com", "js.hsforms.net", "js.hs-analytics.net"),
    "Marketo": ("munchkin.marketo.net",), "Pardot": ("pi.pardot.com", "pardot.com/pd.js"),
    "Salesforce": ("salesforceliveagent.com", "force.com/"), "Intercom": ("widget.intercom.io", "js.intercomcdn.com"),
    "Drift": ("js.driftt.com",), "Zendesk": ("static.zdassets.com", "zendesk.com/embeddable"),
    "Segment": ("cdn.segment.com",), "Mixpanel": ("cdn.mxpnl.com", "mixpanel.com/"), "Amplitude": ("cdn.amplitude.com",),
    "Hotjar": ("static.hotjar.com",), "Matomo": ("matomo.js", "piwik.js"), "Plausible": ("plausible.io/js",),
    "Stripe": ("js.stripe.com",), "PayPal": ("paypal.com/sdk/js", "paypalobjects.com"), "Adyen": ("adyen.com/checkoutshopper",),
    "Klarna": ("klarnaservices.com", "x.klarnacdn.net"), "Shopify": ("cdn.shopify.com",), "WooCommerce": ("/plugins/woocommerce/",),
    "Magento": ("/static/version", "mage/cookies"), "WordPress": ("/wp-content/", "/wp-includes/"), "Drupal": ("/sites/default/files/",),
    "TYPO3": ("/typo3temp/", "/typo3conf/"), "Webflow": ("assets.website-files.com", "cdn.prod.website-files.com"),
    "Wix": ("static.parastorage.com", "wixstatic.com"), "Squarespace": ("static1.squarespace.com", "squarespace-cdn.com"),
    "Contentful": ("ctfassets.net",), "Next.js": ("/_next/static/",), "Nuxt": ("/_nuxt/",), "Gatsby": ("___gatsby", "/page-data/"),
    "React": ("react.production.min.js", "data-reactroot"), "Vue.js": ("vue.min.js", "vue.global.prod.js"), "Angular": ("ng-version",),
    "jQuery": ("jquery.min.js", "code.jquery.com"), "Bootstrap": ("bootstrap.min.css", "bootstrap.bundle"),
    "Cookiebot": ("consent.cookiebot.com",), "OneTrust": ("cdn.cookielaw.org", "onetrust.com"), "Usercentrics": ("usercentrics.eu",),
    "LinkedIn Insight Tag": ("snap.licdn.com",), "Meta Pixel": ("connect.facebook.net",), "Calendly": ("assets.calendly.com",),
    "Typeform": ("embed.typeform.com",), "Mailchimp": ("chimpstatic.com", "list-manage.com"), "Klaviyo": ("static.klaviyo.com",),
    "ActiveCampaign": ("trackcmp.net", "activehosted.com"), "Sentry": ("browser.sentry-cdn.com", "sentry.io/api"),
    "New Relic": ("js-agent.newrelic.com",), "Optimizely": ("cdn.optimizely.com",), "VWO": ("visualwebsiteoptimizer.com",),
    "Personio": ("personio.de", "personio.com"), "Greenhouse": ("boards.greenhouse.io",), "Lever": ("jobs.lever.co",),
    "Workday": ("myworkdayjobs.com",), "Recruitee": ("recruitee.com",), "SmartRecruiters": ("smartrecruiters.com",),
}  # fmt: skip
# Header -> (what its value holds, product); an empty text: that it is there.
HEADERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "server": (("cloudflare", "Cloudflare"), ("nginx", "nginx"), ("apache", "Apache"), ("iis", "Microsoft IIS"), ("litespeed", "LiteSpeed"),
               ("vercel", "Vercel"), ("netlify", "Netlify"), ("openresty", "OpenResty"), ("cloudfront", "Amazon CloudFront")),
    "x-powered-by": (("php", "PHP"), ("asp.net", "ASP.NET"), ("express", "Express"), ("next.js", "Next.js"), ("wp engine", "WP Engine")),
    "via": (("cloudfront", "Amazon CloudFront"), ("varnish", "Varnish")), "x-amz-cf-id": (("", "Amazon CloudFront"),),
    "x-shopify-stage": (("", "Shopify"),), "x-shopid": (("", "Shopify"),), "x-drupal-cache": (("", "Drupal"),),
    "x-vercel-id": (("", "Vercel"),), "x-nf-request-id": (("", "Netlify"),), "x-akamai-transformed": (("", "Akamai"),),
    "x-wix-request-id": (("", "Wix"),), "x-hubspot-correlation-id": (("", "HubSpot"),), "x-magento-tags": (("", "Magento"),),
    "set-cookie": (("phpsessid", "PHP"), ("asp.net_sessionid", "ASP.NET"), ("jsessionid", "Java"), ("laravel_session", "Laravel"),
                   ("_shopify", "Shopify"), ("csrftoken", "Django"), ("__cf_bm", "Cloudflare"), ("frontend=", "Magento")),
}  # fmt: skip
GENERATORS = (
    "WordPress", "Drupal", "TYPO3", "Joomla", "Wix", "Webflow", "Squarespace", "Shopify", "Ghost", "Hugo", "Jekyll", "Gatsby",
    "Contao", "HubSpot", "Sitecore", "Adobe Experience Manager", "Odoo", "PrestaShop", "WooCommerce", "Elementor",
)  # fmt: skip
# Mail exchanger's ending -> mail provider.
MAIL: Mapping[str, str] = {
    "google.com": "Google Workspace", "googlemail.com": "Google Workspace", "outlook.com": "Microsoft 365",
    "pphosted.com": "Proofpoint", "ppe-hosted.com": "Proofpoint", "mimecast.com": "Mimecast", "mimecast-offshore.com": "Mimecast",
    "barracudanetworks.com": "Barracuda", "messagelabs.com": "Symantec Email Security", "iphmx.com": "Cisco Secure Email",
    "zoho.com": "Zoho Mail", "zoho.eu": "Zoho Mail", "yandex.net": "Yandex Mail", "mail.ru": "Mail.ru", "qq.com": "Tencent Exmail",
    "protonmail.ch": "Proton Mail", "messagingengine.com": "Fastmail", "secureserver.net": "GoDaddy Mail", "ovh.net": "OVH Mail",
    "kundenserver.de": "IONOS Mail", "ionos.com": "IONOS Mail", "ionos.de": "IONOS Mail", "rackspace.com": "Rackspace Email",
    "emailsrvr.com": "Rackspace Email", "hornetsecurity.com": "Hornetsecurity", "antispameurope.com": "Hornetsecurity",
    "retarus.com": "Retarus", "nospamproxy.de": "NoSpamProxy", "amazonaws.com": "Amazon SES", "icloud.com": "iCloud Mail",
    "migadu.com": "Migadu", "gandi.net": "Gandi Mail", "infomaniak.ch": "Infomaniak Mail", "strato.de": "STRATO Mail",
}  # fmt: skip
# What a TXT record of the domain begins with, or which host its SPF includes -> product.
TXT: Mapping[str, str] = {
    "google-site-verification=": "Google Search Console", "ms=": "Microsoft 365", "facebook-domain-verification=": "Meta Business",
    "atlassian-domain-verification=": "Atlassian", "docusign=": "DocuSign", "adobe-idp-site-verification=": "Adobe",
    "adobe-sign-verification=": "Adobe Sign", "zoom_verify_": "Zoom", "zoomdomainverification=": "Zoom", "slack-domain-verification=": "Slack",
    "dropbox-domain-verification=": "Dropbox", "stripe-verification=": "Stripe", "hubspot-developer-verification=": "HubSpot",
    "notion-domain-verification=": "Notion", "miro-verification=": "Miro", "asv=": "Amazon", "apple-domain-verification=": "Apple Business",
    "webexdomainverification": "Webex", "cisco-ci-domain-verification=": "Webex", "onetrust-domain-verification=": "OneTrust",
    "1password-site-verification=": "1Password", "openai-domain-verification=": "OpenAI", "canva-site-verification=": "Canva",
    "teamviewer-sso-verification=": "TeamViewer", "logmein-verification-code=": "LogMeIn", "citrix-verification-code=": "Citrix",
    "knowbe4-site-verification=": "KnowBe4", "jamf-site-verification=": "Jamf", "monday-com-verification=": "monday.com",
    "intercom-domain-validation=": "Intercom", "figma-domain-verification": "Figma", "airtable-verification=": "Airtable",
    "mongodb-site-verification=": "MongoDB Atlas", "workplace-domain-verification=": "Workplace", "segment-site-verification=": "Segment",
}  # fmt: skip
SPF: Mapping[str, str] = {
    "_spf.google.com": "Google Workspace", "spf.protection.outlook.com": "Microsoft 365", "_spf.salesforce.com": "Salesforce",
    "servers.mcsv.net": "Mailchimp", "sendgrid.net": "SendGrid", "mailgun.org": "Mailgun", "amazonses.com": "Amazon SES",
    "mail.zendesk.com": "Zendesk", "spf.mandrillapp.com": "Mailchimp Transactional", "hubspotemail.net": "HubSpot",
    "mktomail.com": "Marketo", "_spf.mailjet.com": "Mailjet", "spf.mailjet.com": "Mailjet", "spf.mtasv.net": "Postmark",
    "_spf.sendinblue.com": "Brevo", "spf.sendinblue.com": "Brevo", "spf.brevo.com": "Brevo", "helpscoutemail.com": "Help Scout",
    "email.freshdesk.com": "Freshdesk", "_spf.atlassian.net": "Atlassian", "spf.personio.de": "Personio", "zoho.com": "Zoho Mail",
    "spf.pphosted.com": "Proofpoint", "spf.mimecast.com": "Mimecast", "aspmx.pardot.com": "Pardot", "klaviyo.com": "Klaviyo",
}  # fmt: skip


def of_page(
    *, headers: Mapping[str, str], scripts: Iterable[str], inline: str, generator: str, links: Iterable[str] = ()
) -> list[str]:
    """Technologies a page shows, by name."""
    found: set[str] = set()
    addresses = "\n".join(scripts).lower() + "\n" + "\n".join(link for link in links if "://" in link).lower()
    text = addresses + "\n" + inline.lower()
    for product, signs in SCRIPTS.items():
        if any(sign in text for sign in signs):
            found.add(product)
    for header, kinds in HEADERS.items():
        if (value := headers.get(header)) is not None:
            found |= {product for sign, product in kinds if sign in value.lower()}
    found |= {name for name in GENERATORS if generator.lower().startswith(name.lower())}
    return sorted(found)


def mail_provider(exchangers: Sequence[str]) -> str:
    """Who runs a domain's mail, by its mail exchangers ("10 aspmx.l.google.com"), the preferred first; '' where unknown."""
    ranked = sorted((_preference(row), row.split()[-1].lower().rstrip(".")) for row in exchangers if row.split())
    for _, host in ranked:
        for ending, provider in MAIL.items():
            if host == ending or host.endswith("." + ending):
                return provider
    return ""


def of_dns(*, exchangers: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Technologies a domain's MX and TXT records show, by name; who runs its mail is one of them."""
    found = {mail_provider(exchangers)} - {""}
    for text in texts:
        record = text.strip().strip('"').lower()
        if record.startswith("v=spf1"):
            included = set(re.findall(r"include:(\S+)", record))
            found |= {
                product for host, product in SPF.items() if any(h == host or h.endswith("." + host) for h in included)
            }
            continue
        found |= {product for sign, product in TXT.items() if record.startswith(sign)}
    return sorted(found)


def _preference(row: str) -> int:
    first = row.split()[0]
    return int(first) if first.isdecimal() else 0

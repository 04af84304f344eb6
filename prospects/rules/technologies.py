"""Names of technologies: one name for what exports, websites and people write in many ways.

A rule "uses Salesforce" must find whoever wrote "SFDC" or "Sales Cloud (Salesforce.com)". The name is the maker's own; a product
with a market of its own keeps its name beside its maker's ("Salesforce Marketing Cloud"). What is not known here stays as it
was written.
"""

from collections.abc import Iterable
from functools import cache

from prospects.rules.normalise_text import plain

# Name, then what else it is called; plain words, without case, accents and punctuation. Case variants need no entry.
_NAMES = """
Salesforce|salesforce com|sfdc|salesforce crm|sales cloud|salesforce sales cloud|sales force
Salesforce Marketing Cloud|exacttarget|sfmc|salesforce marketing
Salesforce Pardot|pardot|account engagement|marketing cloud account engagement
Salesforce Service Cloud|service cloud
Salesforce Commerce Cloud|demandware|sfcc|commerce cloud
HubSpot|hub spot|hubspot crm|hubspot marketing hub|hubspot sales hub|hs crm
Microsoft Dynamics 365|microsoft dynamics|ms dynamics|ms dynamics 365|dynamics 365|dynamics crm|microsoft dynamics crm|d365
Microsoft Dynamics 365 Business Central|business central|dynamics nav|navision|microsoft dynamics nav
Pipedrive|pipe drive|pipedrive crm
Zoho CRM|zoho
SugarCRM|sugar crm
Freshsales|freshworks crm
Close|close io|close crm
Copper|copper crm|prosperworks
Monday.com|monday|monday sales crm
Odoo|openerp|odoo erp
SAP S/4HANA|sap s4hana|s 4hana|s4hana|s4 hana|sap s4
SAP|sap erp|sap r3|sap r 3|sap ecc
SAP Business One|sap b1
SAP SuccessFactors|successfactors|success factors
SAP Ariba|ariba
SAP Commerce Cloud|hybris|sap hybris
Oracle NetSuite|netsuite|net suite
Oracle Database|oracle db|oracle 19c
Oracle E-Business Suite|oracle ebs|e business suite
Oracle Eloqua|eloqua
Oracle Cloud Infrastructure|oci|oracle cloud
Sage Intacct|intacct
Sage|sage 100|sage 50|sage erp
Infor|infor ln|infor m3
IFS|ifs applications|ifs cloud
Epicor|epicor erp|epicor kinetic
QuickBooks|quick books|intuit quickbooks|quickbooks online
Xero|xero accounting
DATEV|datev eo
Workday|workday hcm
Personio|personio hr
BambooHR|bamboo hr|bamboohr
ADP|adp workforce now
UKG|ultipro|kronos|ukg pro
Greenhouse|greenhouse io
Lever|lever co
Marketo|adobe marketo|marketo engage|adobe marketo engage
Mailchimp|mail chimp|intuit mailchimp
ActiveCampaign|active campaign
Brevo|sendinblue|send in blue
Klaviyo|klaviyo email
Braze|appboy
Iterable|iterable com
Customer.io|customerio
Twilio|twilio sms
Twilio SendGrid|sendgrid|send grid
Twilio Segment|segment|segment io
Mailgun|mailgun sinch
Intercom|intercom io
Drift|drift chat
Zendesk|zendesk support|zen desk
Freshdesk|fresh desk
ServiceNow|service now|servicenow itsm
Jira|atlassian jira|jira software
Jira Service Management|jira service desk
Confluence|atlassian confluence
Trello|atlassian trello
Asana|asana com
Slack|slack com
Microsoft Teams|ms teams|teams
Microsoft 365|office 365|o365|m365|ms office 365|microsoft office 365|exchange online|outlook 365
Google Workspace|g suite|gsuite|google apps|google apps for business|google apps for work|gmail for business
Zoom|zoom video|zoom us
Calendly|calendly com
Outreach|outreach io
Salesloft|sales loft
Apollo.io|apollo|apollo io
ZoomInfo|zoom info
LinkedIn Sales Navigator|sales navigator|sales nav|lisn
Gong|gong io
Clari|clari revenue
6sense|6 sense
Demandbase|demand base
DocuSign|docu sign
PandaDoc|panda doc
Stripe|stripe payments
PayPal|pay pal
Adyen|adyen payments
Shopify|shopify plus
WooCommerce|woo commerce
Adobe Commerce|magento|magento 2|adobe commerce magento
BigCommerce|big commerce
PrestaShop|presta shop
Shopware|shopware 6
WordPress|word press|wordpress org
Drupal|drupal cms
TYPO3|typo 3
Joomla|joomla cms
Webflow|web flow
Wix|wix com
Squarespace|square space
Contentful|contentful cms
Adobe Experience Manager|aem
Sitecore|sitecore xp
Google Analytics|ga4|google analytics 4|universal analytics|google universal analytics
Google Tag Manager|gtm|google tag manager gtm
Google Ads|adwords|google adwords
Adobe Analytics|omniture|sitecatalyst
Matomo|piwik
Mixpanel|mix panel
Amplitude|amplitude analytics
Hotjar|hot jar
Heap|heap analytics
Optimizely|optimizely web
Tableau|tableau software
Power BI|microsoft power bi|powerbi|ms power bi
Looker|google looker
Looker Studio|google data studio|data studio
Qlik Sense|qlik|qlikview|qliksense
Snowflake|snowflake computing|snowflake data cloud
Databricks|data bricks
Google BigQuery|bigquery|big query
Amazon Redshift|redshift|aws redshift
Amazon Web Services|aws|amazon aws|amazon cloud
Amazon S3|aws s3|s3
Amazon EC2|aws ec2|ec2
Amazon CloudFront|cloudfront|aws cloudfront
Amazon SES|aws ses|amazon simple email service
Microsoft Azure|azure|ms azure|windows azure
Google Cloud|gcp|google cloud platform
Cloudflare|cloud flare
Akamai|akamai cdn
Fastly|fastly cdn
Kubernetes|k8s|kubernetes k8s
Docker|docker container
Terraform|hashicorp terraform
GitHub|git hub|github enterprise
GitLab|git lab
Jenkins|jenkins ci
Datadog|data dog
New Relic|newrelic
Splunk|splunk enterprise
Elasticsearch|elastic search|elk|elastic stack
PostgreSQL|postgres|postgre sql|postgresql db
MySQL|my sql
Microsoft SQL Server|ms sql|mssql|sql server|ms sql server
MongoDB|mongo|mongo db
Redis|redis cache
Apache Kafka|kafka
Apache HTTP Server|apache|httpd
nginx|nginx plus
React|reactjs|react js
Angular|angularjs|angular js
Vue.js|vue|vuejs
Next.js|nextjs
Node.js|node|nodejs|node js
jQuery|j query
PHP|php 8
Python|python 3
Django|django framework
Ruby on Rails|rails|ror
Java|java ee
.NET|dotnet|asp net|net framework|microsoft asp net
Okta|okta sso
Auth0|auth 0
CrowdStrike|crowd strike|crowdstrike falcon
Proofpoint|proof point
Mimecast|mimecast email security
OneTrust|one trust
Cookiebot|cookie bot
Autodesk AutoCAD|autocad
SolidWorks|solid works
Siemens NX|nx cad
Siemens Teamcenter|teamcenter
PTC Windchill|windchill
Figma|figma design
Miro|realtimeboard
Notion|notion so
Airtable|air table
Zapier|zapier automation
Make|integromat
n8n|n8n io
UiPath|ui path
"""


@cache
def _known() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _NAMES.strip().splitlines():
        name, *others = line.split("|")
        for word in (name, *others):
            found[plain(word)] = name
    return found


def technology(text: str) -> str:
    """The one name of a technology; as it was written, without needless spaces, where it is not known.

    Versions and editions behind a known name in brackets are left out: "PostgreSQL (15)" is PostgreSQL.
    """
    words = " ".join(text.split())
    known = _known()
    return known.get(plain(words)) or known.get(plain(words.partition("(")[0])) or words


def technologies(texts: Iterable[str]) -> list[str]:
    """Each technology once, by its name, in the order of `texts`."""
    found: dict[str, str] = {}
    for text in texts:
        name = technology(text)
        if name:
            found.setdefault(name.casefold(), name)
    return list(found.values())

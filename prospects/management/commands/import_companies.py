"""`manage.py import_companies FILE -w SLUG`: the import engine from the shell."""

from prospects.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import companies from a CSV file. The same file again makes nothing twice and applies changed cells."
    kind = "companies"

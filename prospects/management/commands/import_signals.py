"""`manage.py import_signals FILE -w SLUG`: the import engine from the shell."""

from prospects.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import signals (news about companies and people) from a CSV file. The same file again makes nothing twice."
    kind = "signals"

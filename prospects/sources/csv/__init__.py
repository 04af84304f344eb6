"""Reading CSV files as people have them: any encoding, any delimiter, notes above the header, and broken rows."""

from prospects.sources.csv.dialect import DELIMITERS, delimiter_name
from prospects.sources.csv.encoding import Encoding, find_encoding
from prospects.sources.csv.records import Record, read_records
from prospects.sources.csv.table import Counts, Row, Table, TableError, open_table

__all__ = [
    "DELIMITERS",
    "Counts",
    "Encoding",
    "Record",
    "Row",
    "Table",
    "TableError",
    "delimiter_name",
    "find_encoding",
    "open_table",
    "read_records",
]

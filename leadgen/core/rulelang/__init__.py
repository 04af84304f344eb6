"""The one rule language: JSON trees with an evaluator in Python and a compiler to SQL that agree in three truth values.

catalogue = FieldCatalogue([Field("company.employees", "employees", "number", path="company__employees"), ...])
rule = parse({"all": [{"field": "company.employees", "op": "gte", "value": 200}]}, catalogue)
evaluate(rule, {"company.employees": 540}, now)            # True
explain(rule, {"company.employees": 540}, now).words       # "employees 540 is at least 200"
Person.objects.filter(compile_rule(rule, catalogue, now).true)
describe(rule)                                             # "employees at least 200"
"""

from .compile import Compiled, compile_rule, folded, text_contains
from .describe import describe
from .evaluate import Explanation, Truth, evaluate, explain
from .fields import Field, FieldCatalogue, Kind
from .nodes import AllOf, AnyOf, Leaf, Node, Not, leaves, to_json
from .operators import OPERATORS, Operator, operators_of
from .parse import parse
from .text import fold

__all__ = [
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Compiled",
    "Explanation",
    "Field",
    "FieldCatalogue",
    "Kind",
    "Leaf",
    "Node",
    "Not",
    "Operator",
    "Truth",
    "compile_rule",
    "describe",
    "evaluate",
    "explain",
    "fold",
    "folded",
    "leaves",
    "operators_of",
    "parse",
    "text_contains",
    "to_json",
]

"""Which kinds of documents are there, and what may stand in each?

One model a kind; the JSON Schemas for editors and the tables in docs/documents.md are made from the same models.
"""

from documents.kinds.agency import Agency
from documents.kinds.base import Document
from documents.kinds.contract import Contract
from documents.kinds.grant import Grant
from documents.kinds.route import Route
from documents.kinds.system import Operation, System
from documents.kinds.transform import CodeList, Transform

KINDS: dict[str, type[Document]] = {
    kind.__name__: kind for kind in (Agency, System, Contract, Route, Transform, CodeList, Grant)
}

__all__ = ["KINDS", "Agency", "CodeList", "Contract", "Document", "Grant", "Operation", "Route", "System", "Transform"]

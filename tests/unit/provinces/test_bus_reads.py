"""The bus reads the model province as it is written."""

from datetime import date

from documents.check import check_folder
from documents.load import load
from provinces.model.flows import FOLDER


def test_documents_load() -> None:
    """Every document is of a kind that the bus knows, without a problem."""
    loaded = load(FOLDER)
    assert [str(problem) for problem in loaded.problems] == []
    assert {written.document.kind for written in loaded.documents} == {
        "Agency",
        "CodeList",
        "Contract",
        "Grant",
        "Route",
        "System",
        "Transform",
    }


def test_documents_check() -> None:
    """References meet, schemas and transforms compile, and every example and every route's test comes out right."""
    report = check_folder(FOLDER, date(2026, 11, 20))
    assert [str(problem) for problem in report.problems] == []

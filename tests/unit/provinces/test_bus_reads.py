"""The bus reads the model province as it is written."""

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

"""What commands find out about contracts."""

from pathlib import Path

import pytest

from bus.errors import ContractUnknown, QueryInvalid, VersionUnknown
from bus.languages import Language
from contracts.descriptions.forms import FORMS
from documents import check
from running.contracts import description_of, documents_in, subject_of

MODEL = Path(__file__).parents[3] / "provinces" / "model"
NAME = "health.patient-referral"


def test_a_folder_is_described_apart_as_it_is_here() -> None:
    """A child process writes the same page, and its errors are those that would be raised here."""
    page = FORMS["index.html"].write(subject_of(documents_in(MODEL), NAME), None, Language.VI)
    assert description_of(MODEL, NAME, "index.html", None, Language.VI) == page
    with pytest.raises(ContractUnknown):
        description_of(MODEL, "no.such", "index.html", None, Language.VI)
    with pytest.raises(VersionUnknown, match="9"):
        description_of(MODEL, f"{NAME}@9", "index.html", None, Language.VI)


def test_what_would_take_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A description that outgrows the bounds of a check ends with the reason."""
    monkeypatch.setattr(check, "MEMORY", 1024**2)
    with pytest.raises(QueryInvalid, match="describing took more than"):
        description_of(MODEL, NAME, "index.html", None, Language.VI)

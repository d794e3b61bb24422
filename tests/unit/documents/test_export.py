"""What is in force, written as documents and read back, is what is in force."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from documents.export import exported
from documents.importers.writing import write
from documents.kinds import CodeList
from documents.load import load
from documents.model import Documents, Written
from documents.plan import plan
from documents.store import writing

MODEL = Path(__file__).resolve().parents[3] / "provinces" / "model"


def read_back(documents: Documents) -> Documents:
    with TemporaryDirectory() as folder:
        write(Path(folder), exported(documents))
        loaded = load(Path(folder))
    assert loaded.problems == ()
    return loaded.documents


def test_the_model_province() -> None:
    """The model province, exported and applied: nothing to do, and every file that documents name byte for byte."""
    documents = load(MODEL).documents
    again = read_back(documents)
    assert plan(documents, again, prune=True).is_empty
    assert writing(documents, again, "user:test") is None
    assert dict(again.files) == dict(documents.files)
    assert exported(again) == exported(documents)


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12
) | st.sampled_from(
    ["0123", "12:30", "no", "~", "null", "1e5", "2027-12-31", "- a", "a: b", "#", "'", '"', " x ", "1.0", "true"]
)


@given(st.dictionaries(texts, texts, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_texts(entries: dict[str, str]) -> None:
    """Whatever a document's texts look like, they are read back as they were, in their order."""
    document = CodeList.model_validate({"kind": "CodeList", "name": "any", "entries": entries})
    written = Written(document)
    documents = Documents({written.key: written})
    assert writing(documents, read_back(documents), "user:test") is None

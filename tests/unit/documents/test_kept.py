"""Of documents that changed, only what changed is compiled again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from contracts.model import Validator
from documents.compile import Compiled, compile_documents
from documents.kinds import Contract
from documents.load import load
from documents.model import Documents
from documents.shapes import Kept
from provinces.model.flows import FOLDER
from transforms.apart.pool import Pool


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool() as made:
        yield made


@pytest.fixture(scope="module")
def documents() -> Documents:
    return load(FOLDER).documents


def compiled(documents: Documents, pool: Pool, kept: Kept) -> Compiled:
    made, problems = compile_documents(documents, pool, kept)
    assert not problems
    return made


def validators(made: Compiled) -> dict[str, Validator]:
    return {f"{each.name}@{each.version}": each.request.validator for all_ in made.contracts.values() for each in all_}


def changed(before: dict[str, Validator], after: dict[str, Validator]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] is not after[name]}


def touched(documents: Documents, path: str) -> Documents:
    """The same documents, where a file has one more space at its end."""
    return replace(documents, files={**documents.files, path: documents.files[path] + b"\n"})


def test_nothing_changed(documents: Documents, pool: Pool) -> None:
    """The same documents have the very same schemas, views and services."""
    kept = Kept()
    before, after = compiled(documents, pool, kept), compiled(documents, pool, kept)
    assert not changed(validators(before), validators(after))
    assert before.services.keys() == after.services.keys()
    assert all(before.services[each] is after.services[each] for each in before.services)


def test_a_schema_changed(documents: Documents, pool: Pool) -> None:
    """A contract whose schema changed is compiled anew, and no other."""
    kept = Kept()
    before = validators(compiled(documents, pool, kept))
    after = validators(compiled(touched(documents, "environment/schemas/air-quality.json"), pool, kept))
    assert changed(before, after) == {"environment.air-quality@1.0.0"}


def test_what_a_schema_leads_to_changed(documents: Documents, pool: Pool) -> None:
    """A file that many schemas refer to changes all of those, and no other."""
    kept = Kept()
    before = validators(compiled(documents, pool, kept))
    after = validators(compiled(touched(documents, "schemas/terms.json"), pool, kept))
    assert changed(before, after) == {
        f"{each.name}@{each.version}"
        for _, each in documents.of(Contract)
        if b"terms.json" in documents.files[each.request.schema_path]
    }


def test_what_is_gone_is_forgotten(documents: Documents, pool: Pool) -> None:
    """What was changed and is changed back is compiled anew: nothing is kept that the last documents did not have."""
    kept = Kept()
    before = validators(compiled(documents, pool, kept))
    compiled(touched(documents, "environment/schemas/air-quality.json"), pool, kept)
    again = validators(compiled(documents, pool, kept))
    assert changed(before, again) == {"environment.air-quality@1.0.0"}


def test_a_mistake_is_told_each_time(documents: Documents, pool: Pool) -> None:
    """A schema that cannot be used is no less wrong the second time, and right again when it is mended."""
    kept, path = Kept(), "environment/schemas/air-quality.json"
    broken = replace(documents, files={**documents.files, path: b'{"type": "objekt"}'})
    (_, first), (_, second) = compile_documents(broken, pool, kept), compile_documents(broken, pool, kept)
    assert first == second
    assert [each.message for each in first if "objekt" in each.message]
    assert not compile_documents(documents, pool, kept)[1]

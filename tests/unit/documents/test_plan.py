"""What applying would change."""

from collections.abc import Callable
from pathlib import Path

from documents.load import load
from documents.model import Documents, Key
from documents.plan import plan, result

Build = Callable[..., Path]
CONTRACT = Key("Contract", "civil.question", "1.0.0")


def test_the_first_plan_creates_everything(province: Build) -> None:
    """Into an empty store, every document is created."""
    wanted = load(province()).documents
    made = plan(Documents(), wanted)
    assert set(made.created) == set(wanted.by_key)
    assert not made.is_empty
    assert list(made.lines())[-1] == "12 to create, 0 to change, 0 to remove, 0 as they are."


def test_applying_twice_changes_nothing(province: Build) -> None:
    """The same documents in other files and in another order are the same documents."""
    first = load(province()).documents
    second = load(
        province({"systems.yaml": ("kind: System\nname: shop", "# moved\nname: shop\nkind: System")}, "again")
    )
    assert plan(first, second.documents).is_empty


def test_a_change_names_its_fields(province: Build) -> None:
    """The plan says what of a document would change."""
    before, after = (
        load(province()).documents,
        load(province({"agencies.yaml": ("vi: Sở", "vi: Ban")}, "after")).documents,
    )
    made = plan(before, after)
    assert dict(made.changed) == {Key("Agency", "H98.01"): ("name",)}
    assert "~ Agency H98.01: name" in made.lines()


def test_a_version_of_a_contract_is_never_changed(province: Build) -> None:
    """Neither its document nor a schema that it leads to; the plan says which version to make."""
    before = load(province()).documents
    for number, change in enumerate(
        ({"civil/exchange.yaml": ("subject: /number, ", "")}, {"schemas/terms.json": ("12", "13")})
    ):
        after = load(province(change, f"after-{number}")).documents
        (problem,) = plan(before, after).problems
        assert "make version 1.0.1" in problem.message
        assert (problem.file, problem.line) == ("civil/exchange.yaml", 3)


def test_a_version_keeps_its_files(province: Build) -> None:
    """A new version that is written in the place of the former one, with another schema under the same name, would
    change the former one, which the store still has; so would another WSDL a system that is not written here."""
    before = load(province()).documents
    changes = {"civil/exchange.yaml": ("1.0.0", "1.1.0"), "schemas/terms.json": ("12", "13")}
    made = plan(before, load(province(changes, "after")).documents)
    assert made.changed[CONTRACT] == ("schemas/terms.json",)
    (problem,) = made.problems
    assert "files of their own" in problem.message
    alone = plan(before, Documents(files={"schemas/terms.json": b"{}"}))
    assert CONTRACT in alone.changed
    assert alone.problems


def test_a_new_version_beside_the_old_one_is_no_problem(province: Build) -> None:
    """A contract goes on by its next version."""
    before = load(province())
    text = (province() / "civil" / "exchange.yaml").read_text().partition("---")[0].replace("1.0.0", "1.1.0")
    after = load(province({"civil/next.yaml": text}, "after"))
    made = plan(before.documents, after.documents)
    assert made.created == (Key("Contract", "civil.question", "1.1.0"),)
    assert made.problems == ()


def test_nothing_is_removed_without_prune(province: Build) -> None:
    """What is no longer written is told, and goes only when that is asked for."""
    before = load(province({"more.yaml": "kind: CodeList\nname: more\nentries: {a: b}\n"})).documents
    after = load(province(name="after")).documents
    more = Key("CodeList", "more")
    assert plan(before, after).kept == (more,)
    assert plan(before, after).is_empty
    assert result(before, after) == before
    assert plan(before, after, prune=True).removed == (more,)
    assert result(before, after, prune=True) == after


def test_the_result_holds_the_files_that_its_documents_name(province: Build) -> None:
    """A schema stays as long as a version leads to it."""
    before, after = (
        load(province()).documents,
        load(province({"agencies.yaml": ("vi: Sở", "vi: Ban")}, "after")).documents,
    )
    assert result(before, after).files == before.files
    assert plan(before, result(before, after)).changed == plan(before, after).changed

"""Where contract versions and grants stand, and what follows from it for those who send."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import ChangeForbidden, OwnProposal
from documents.compile import Compiled, compile_documents, newest
from documents.export import exported
from documents.importers.writing import write
from documents.load import load
from documents.model import Documents, Key
from documents.plan import plan, result
from documents.standing import (
    ACTIVE,
    TRANSITIONS,
    WAITING,
    Change,
    Standing,
    State,
    change,
    diagram,
    read_standing,
)
from identity.grants import May
from transforms.apart.pool import Pool

Build = Callable[..., Path]
CONTRACT = "civil.question"
SEND = Key("Grant", "civil.question@1/shop/send")
TODAY = date(2026, 11, 25)


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        yield pool


def key(version: str) -> Key:
    return Key("Contract", CONTRACT, version)


def versions(province: Build, *numbers: str) -> Documents:
    """The province with further versions of its contract."""
    written = (province() / "civil" / "exchange.yaml").read_text().partition("---")[0]
    more = {f"civil/{number}.yaml": written.replace("1.0.0", number) for number in numbers}
    loaded = load(province(more, "-".join(("with", *numbers))))
    assert loaded.problems == ()
    return loaded.documents


def standing(documents: Documents, **states: State) -> Documents:
    """The same with versions in other states: ``v1_0_0=State.RETIRED``."""
    standings = {key(name[1:].replace("_", ".")): Standing(state) for name, state in states.items()}
    return replace(documents, standings=standings)


def compiled(documents: Documents, pool: Pool) -> Compiled:
    made, problems = compile_documents(documents, pool)
    assert problems == ()
    return made


def order(documents: Documents, pool: Pool) -> list[str]:
    """Versions in the order in which they are meant."""
    return [each.version for each in compiled(documents, pool).contracts.get(CONTRACT, ())]


# --- the tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "state", "what"), [*product(TRANSITIONS, [None, *State], Change)])
def test_only_rows_of_the_table_happen(kind: str, state: State | None, what: Change) -> None:
    """Every other change is refused, and says what stands how."""
    before = None if state is None else Standing(state, 1, proposed_by="user:an")
    if (after := TRANSITIONS[kind].get((state, what))) is not None:
        assert change(kind, "it", before, what, "user:binh", 2).state is after
        return
    with pytest.raises(ChangeForbidden) as refused:
        change(kind, "it", before, what, "user:binh", 2)
    assert refused.value.facts == {"name": "it", "state": state or "unknown", "change": what}


@pytest.mark.parametrize("kind", sorted(TRANSITIONS))
def test_every_state_is_left_or_the_end(kind: str) -> None:
    """The drawing has every row, and from a waiting state there is a way to be approved and a way to be refused."""
    table = TRANSITIONS[kind]
    assert diagram(kind).count("-->") == len(table) + 1
    waiting = {before for before, what in table if what is Change.APPROVE}
    assert waiting == {before for before, what in table if what is Change.REJECT}


@pytest.mark.parametrize("kind", sorted(WAITING))
def test_who_proposes_does_not_approve(kind: str) -> None:
    """Whoever proposed or requested may take it back, and never approve it; anybody else may."""
    propose = next(what for before, what in TRANSITIONS[kind] if before is None)
    waiting = change(kind, "it", None, propose, "user:an", 1)
    with pytest.raises(OwnProposal):
        change(kind, "it", waiting, Change.APPROVE, "user:an", 2)
    back = change(kind, "it", waiting, Change.REJECT, "user:an", 2)
    again = change(kind, "it", back, propose, "user:binh", 3)
    assert change(kind, "it", again, Change.APPROVE, "user:an", 4) == Standing(
        State.ACTIVE, 4, None, "user:binh", "user:an"
    )


def test_another_sunset_keeps_the_day_of_deprecation() -> None:
    """Deprecated again, a version has another sunset and is deprecated since the first time."""
    first = change("Contract", "it", ACTIVE, Change.DEPRECATE, "user:an", 5, date(2027, 1, 1))
    again = change("Contract", "it", first, Change.DEPRECATE, "user:binh", 9, date(2027, 6, 1))
    assert (again.since, again.sunset) == (5, date(2027, 6, 1))
    assert change("Contract", "it", again, Change.RETIRE, "user:an", 10).sunset == date(2027, 6, 1)


@given(
    st.builds(
        Standing,
        st.sampled_from(State),
        st.integers(0, 2**53),
        st.none() | st.dates(),
        st.text('aă"\n/ ', max_size=5),
        st.text('aă"\n/ ', max_size=5),
    )
)
def test_it_is_read_back(made: Standing) -> None:
    """A standing that was kept is the same when it is read."""
    assert read_standing(made.content) == made


# --- what senders may use --------------------------------------------------------------------------------------------


def test_what_is_not_approved_is_not_there(province: Build, pool: Pool) -> None:
    """Drafts and proposals are unknown to senders, and no version that routes are made for."""
    documents = standing(versions(province, "1.1.0", "1.2.0"), v1_1_0=State.DRAFT, v1_2_0=State.PROPOSED)
    assert order(documents, pool) == ["1.0.0"]
    assert newest(documents.in_force())["civil.question@1"].version == "1.0.0"


def test_a_major_of_proposals_alone_takes_its_routes_and_grants_with_it(province: Build, pool: Pool) -> None:
    """Routes and grants of a contract that nobody has approved yet are no mistake: they wait for it."""
    made = compiled(standing(versions(province), v1_0_0=State.PROPOSED), pool)
    assert CONTRACT not in made.contracts
    assert "civil.question@1" not in made.routes
    assert not made.grants.allows("shop", "civil.question@1", May.SEND, TODAY)


def test_an_active_version_is_meant_before_a_deprecated_one(province: Build, pool: Pool) -> None:
    """Whoever leaves the version open gets the newest active one, a deprecated one where there is no other, and a
    retired one last."""
    documents = versions(province, "1.1.0", "1.2.0", "1.3.0")
    assert order(documents, pool) == ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    some = standing(documents, v1_3_0=State.RETIRED, v1_2_0=State.DEPRECATED)
    assert order(some, pool) == ["1.1.0", "1.0.0", "1.2.0", "1.3.0"]


def test_a_retired_version_names_the_one_to_use(province: Build, pool: Pool) -> None:
    """The one that is meant of the same major, else of another; none where all are retired."""
    documents = versions(province, "1.1.0", "1.2.0", "2.0.0")
    retired = standing(documents, v1_0_0=State.RETIRED, v1_2_0=State.DEPRECATED)
    (last,) = (each for each in compiled(retired, pool).contracts[CONTRACT] if each.retired)
    assert last.instead == "civil.question@1.1.0"
    gone = standing(documents, v1_0_0=State.RETIRED, v1_1_0=State.RETIRED, v1_2_0=State.RETIRED)
    assert {each.instead for each in compiled(gone, pool).contracts[CONTRACT] if each.retired} == {
        "civil.question@2.0.0"
    }
    alone = standing(versions(province), v1_0_0=State.RETIRED)
    assert [each.instead for each in compiled(alone, pool).contracts[CONTRACT]] == [""]


def test_routes_are_made_for_what_is_not_retired(province: Build, pool: Pool) -> None:
    """Where a newer version is retired, routes are made for the newest that is not; where all are, they stay."""
    documents = versions(province, "1.1.0")
    assert newest(standing(documents, v1_1_0=State.RETIRED))["civil.question@1"].version == "1.0.0"
    both = standing(documents, v1_0_0=State.RETIRED, v1_1_0=State.RETIRED)
    assert newest(both)["civil.question@1"].version == "1.1.0"
    assert compiled(both, pool).routes["civil.question@1"]


@pytest.mark.parametrize("state", [State.REQUESTED, State.REVOKED])
def test_a_grant_that_is_not_active_permits_nothing(province: Build, pool: Pool, state: State) -> None:
    """One that is requested or revoked does not count."""
    documents = versions(province)
    assert compiled(documents, pool).grants.allows("shop", "civil.question@1", May.SEND, TODAY)
    other = replace(documents, standings={SEND: Standing(state)})
    assert not compiled(other, pool).grants.allows("shop", "civil.question@1", May.SEND, TODAY)


def test_a_deprecated_version_says_since_and_until_when(province: Build, pool: Pool) -> None:
    """In a structured field's date of RFC 9745, and as an HTTP date: the first instant of the day in this country."""
    since = 1_790_000_000_000
    documents = versions(province, "1.1.0")
    old = replace(documents, standings={key("1.0.0"): Standing(State.DEPRECATED, since, date(2027, 3, 1))})
    new, former = compiled(old, pool).contracts[CONTRACT]
    assert new.headers == {}
    assert former.headers == {"Deprecation": "@1790000000", "Sunset": "Sun, 28 Feb 2027 17:00:00 GMT"}
    assert parsedate_to_datetime(former.headers["Sunset"]) == datetime.fromisoformat("2027-03-01T00:00:00+07:00")


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_draft_may_be_changed(province: Build) -> None:
    """A folder that changes a version is refused, unless that version is a draft."""
    before = versions(province)
    after = load(province({"civil/exchange.yaml": ("vi: Câu hỏi", "vi: Hỏi")}, "after")).documents
    assert plan(before, after).problems
    assert plan(standing(before, v1_0_0=State.PROPOSED), after).problems
    assert not plan(standing(before, v1_0_0=State.DRAFT), after).problems


def test_export_leaves_out_what_nobody_may_use(province: Build, tmp_path: Path) -> None:
    """What is written can be applied to any bus; applied here, also with --prune, it changes nothing and loses none."""
    documents = standing(versions(province, "1.1.0", "1.2.0"), v1_1_0=State.DEPRECATED, v1_2_0=State.PROPOSED)
    documents = replace(documents, standings={**documents.standings, SEND: Standing(State.REVOKED)})
    write(tmp_path / "out", exported(documents))
    again = load(tmp_path / "out")
    assert again.problems == ()
    assert set(documents.by_key) - set(again.documents.by_key) == {key("1.2.0"), SEND}
    assert plan(documents, again.documents, prune=True).is_empty
    assert result(documents, again.documents, prune=True) == documents


def test_what_is_removed_loses_its_standing(province: Build) -> None:
    """A version that is removed and written again begins anew."""
    documents = standing(versions(province, "1.1.0"), v1_1_0=State.DEPRECATED)
    assert result(documents, versions(province), prune=True).standings == {}

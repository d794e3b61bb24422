"""Roles, and what each may do."""

import pytest

from bus.errors import RoleMissing
from identity.roles import MEANINGS, RULES, Action, Role, may, require

CHANGES = set(Action) - {
    Action.READ_REGISTRY,
    Action.READ_STATUS,
    Action.SEARCH_MESSAGES,
    Action.READ_BODY,
    Action.READ_AUDIT,
    Action.VERIFY_AUDIT,
    Action.READ_PEOPLE,
}


def allowed(*roles: Role) -> set[Action]:
    return {action for action in Action if may(roles, action)}


def test_every_role_and_action_is_described() -> None:
    """No action is without a rule, and none that nobody may do."""
    assert set(RULES) == set(Action)
    assert set(MEANINGS) == set(Role)
    assert all(action.roles and action.meaning for action in Action)


def test_an_auditor_sees_everything_and_changes_nothing() -> None:
    """Every action that only reads is an auditor's, and no other."""
    assert allowed(Role.AUDITOR) == set(Action) - CHANGES


def test_an_administrator_may_what_a_registrar_may() -> None:
    """Whoever decides can also describe, and a registrar decides nothing."""
    assert allowed(Role.REGISTRAR) < allowed(Role.ADMINISTRATOR)
    deciding = {Action.APPROVE_CONTRACT, Action.DECIDE_GRANT, Action.ISSUE_CREDENTIAL, Action.MANAGE_PEOPLE}
    assert not deciding & allowed(Role.REGISTRAR, Role.OPERATOR, Role.AUDITOR)


def test_messages_are_for_operators_and_auditors() -> None:
    """An administrator reads and replays no messages, but as an operator as well."""
    messages = {Action.SEARCH_MESSAGES, Action.READ_BODY, Action.REPLAY, Action.PAUSE_SYSTEM}
    assert not messages & allowed(Role.ADMINISTRATOR, Role.REGISTRAR)
    assert messages <= allowed(Role.ADMINISTRATOR, Role.OPERATOR)


def test_whoever_may_not_is_told_who_may() -> None:
    """The refusal names the action and every role that is enough."""
    require([Role.OPERATOR, Role.REGISTRAR], Action.REPLAY)
    with pytest.raises(RoleMissing) as caught:
        require([Role.OPERATOR], Action.VERIFY_AUDIT)
    assert caught.value.facts == {"action": "verify-audit", "roles": "administrator, auditor"}
    with pytest.raises(RoleMissing):
        require([], Action.READ_STATUS)

"""Which function answers which operation of the description."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from management import changes, conditions, contracts, credentials, grants, messages, people
from management.documents import Kind
from management.plane import Answer

AGENCIES = Kind("Agency", lambda code: code)
SYSTEMS = Kind("System", lambda system: system)
ROUTES = Kind("Route", lambda contract, system: f"{contract}/{system}")
TRANSFORMS = Kind("Transform", lambda transform: transform)
CODE_LISTS = Kind("CodeList", lambda list_: list_)

HANDLERS: Final[Mapping[str, Callable[..., Answer]]] = MappingProxyType(
    {
        **{
            f"{name}.{what}": getattr(kind, what)
            for name, kind in (
                ("agencies", AGENCIES),
                ("systems", SYSTEMS),
                ("routes", ROUTES),
                ("transforms", TRANSFORMS),
                ("code_lists", CODE_LISTS),
            )
            for what in ("list", "get", "put", "delete")
        },
        "changes.make": changes.make,
        "contracts.list": contracts.list_,
        "contracts.get": contracts.get,
        "contracts.difference": contracts.difference,
        "contracts.similar": contracts.similar,
        "contracts.decide": contracts.decide,
        "contracts.deprecate": contracts.deprecate,
        "contracts.retire": contracts.retire,
        "grants.list": grants.list_,
        "grants.get": grants.get,
        "grants.request": grants.request,
        "grants.decide": grants.decide,
        "grants.revoke": grants.revoke,
        "credentials.list": credentials.list_,
        "credentials.issue": credentials.issue,
        "credentials.revoke": credentials.revoke,
        "conditions.show": conditions.show,
        "conditions.pause": conditions.pause,
        "conditions.resume": conditions.resume,
        "secrets.confirm": conditions.confirm,
        "messages.search": messages.search,
        "messages.show": messages.show,
        "messages.body": messages.body,
        "dead.list": messages.dead,
        "dead.replay": messages.replay,
        "audit.search": messages.events,
        "people.list": people.list_,
        "people.get": people.get,
        "people.add": people.add,
        "people.change": people.change,
        "people.set_password": people.set_password,
        "me.show": people.me,
        "me.set_password": people.set_own_password,
    }
)

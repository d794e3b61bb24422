"""What the departments' applications ask callers to show: a key in a header, basic, bearer."""

import base64
import hmac

from starlette.datastructures import Headers

from provinces.model.applications.stand_in import Lock


def same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def header(name: str, value: str) -> Lock:
    """A key in a header of its own."""

    def opens(headers: Headers) -> bool:
        return same(headers.get(name, ""), value)

    return opens


def bearer(token: str) -> Lock:
    """RFC 6750, section 2.1."""
    return header("authorization", f"Bearer {token}")


def basic(username: str, password: str) -> Lock:
    """RFC 7617, in UTF-8."""
    return header("authorization", "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())

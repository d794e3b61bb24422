"""The URL of RabbitMQ, and what the bus makes of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import ConnectionParameters, PlainCredentials

from bus.errors import SettingInvalid
from routes.rabbitmq.addresses import addresses


def where(url: str) -> list[tuple[str, int, str]]:
    return [(each.host, each.port, each.virtual_host) for each in addresses(url)]


def login(address: ConnectionParameters) -> tuple[str | None, str | None]:
    credentials = address.credentials
    assert isinstance(credentials, PlainCredentials)
    return credentials.username, credentials.password


def test_everything_has_a_default_but_the_host() -> None:
    """A bare host means port 5672, or 5671 over TLS, the virtual host / and the server's own guest."""
    assert where("amqp://one") == where("amqp://one/") == [("one", 5672, "/")]
    assert where("amqps://one") == [("one", 5671, "/")]
    assert login(addresses("amqp://one")[0]) == ("guest", "guest")


def test_several_nodes_are_a_list_of_hosts() -> None:
    """User, password and virtual host hold for each of the hosts; each may have its own port."""
    nodes = addresses("amqp://bus:a%2Cb%40c@one,two:5673,[::1]:5674/tinh?heartbeat=30")
    assert [(each.host, each.port, each.virtual_host) for each in nodes] == [
        ("one", 5672, "tinh"),
        ("two", 5673, "tinh"),
        ("::1", 5674, "tinh"),
    ]
    assert {login(each) for each in nodes} == {("bus", "a,b@c")}
    assert {each.heartbeat for each in nodes} == {30}


def test_several_nodes_are_a_list_of_urls() -> None:
    """Nodes that differ in more than host and port are written as whole URLs."""
    nodes = addresses("amqp://a:b@one/x,amqps://c:d@two/y")
    assert [(each.host, each.port, each.virtual_host) for each in nodes] == [("one", 5672, "x"), ("two", 5671, "y")]
    assert [login(each) for each in nodes] == [("a", "b"), ("c", "d")]
    assert [each.ssl_options is not None for each in nodes] == [False, True]


def test_virtual_host_is_percent_decoded() -> None:
    """A virtual host may hold a slash, written %2F."""
    assert where("amqp://one/a%2Fb") == [("one", 5672, "a/b")]
    assert where("amqp://one/%2F") == [("one", 5672, "/")]


def test_title_is_what_operators_see() -> None:
    """The connection tells its name to the server."""
    assert addresses("amqp://one", "process-1")[0].client_properties == {
        "connection_name": "process-1",
        "product": "lgsp",
    }


def test_tls_checks_the_certificate_against_the_host() -> None:
    """Over TLS the server must prove to be the host that is named."""
    options = addresses("amqps://one")[0].ssl_options
    assert options is not None
    assert options.server_hostname == "one"
    assert options.context.check_hostname


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory://",
        "http://one",
        "amqp://",
        "amqp:///vhost",
        "amqp://one,,two",
        "amqp://one,",
        "amqp://one:port",
        "amqp://one:70000",
        "amqp://one/a/b",
        "amqp://one/%ff",
        "amqp://one#x",
        "amqp://one?heartbeat",
        "amqp://one?heartbeat=often",
        "amqp://one?heartbeat=0",
        "amqp://one?heartbeat=65536",
        "amqp://one?ssl_options={}",
        "amqp://secret@one@two",
        "amqps://one?cacertfile=/nonexistent/secret.pem",
        "amqps://one?certfile=/nonexistent/secret.pem",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """What does not name a RabbitMQ is refused with a hint that holds nothing of it: it may hold a password."""
    with pytest.raises(SettingInvalid) as refused:
        addresses(url)
    assert "amqp://user:password@host" in refused.value.text
    assert "secret" not in refused.value.text


def test_certificate_authority_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file that holds no certificate is refused when the bus starts, not when it connects."""
    (tmp_path / "ca.pem").write_text(f"made {datetime.now(UTC) + timedelta(days=1)}")
    with pytest.raises(SettingInvalid):
        addresses(f"amqps://one?cacertfile={tmp_path}/ca.pem")


@given(st.text(max_size=60), st.sampled_from(["", "amqp://", "amqps://", "amqp://u:p@one/"]))
def test_any_text_is_understood_or_refused(text: str, before: str) -> None:
    """Nothing but `SettingInvalid` comes of a URL, whatever it is."""
    try:
        nodes = addresses(before + text)
    except SettingInvalid:
        return
    assert all(each.host for each in nodes)

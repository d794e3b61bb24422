"""The tables. People's queries are built from these; the hot statements of each store are written by hand.

Times are milliseconds since the epoch, UTC. Identifiers are UUIDv7, so that their order is the order of acceptance.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)

metadata = MetaData()

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("contract", String(200), nullable=False),
    Column("version", String(50), nullable=False),
    Column("exchange", String(10), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("format", String(10), nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 over salt and body; the salt goes when the body goes
    Column("subject", String(200), nullable=False),  # keyed hash of whom the message is about, or empty
    Column("traceparent", String(60), nullable=False),
    Column("waiter", String(100), nullable=False),  # the process in which the sender waited, or empty
    Column("accepted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("messages_sender", "sender", "id"),
    Index("messages_subject", "subject", sqlite_where=text("subject <> ''"), postgresql_where=text("subject <> ''")),
    sqlite_with_rowid=False,
)

# Apart from their messages, because they go earlier.
bodies = Table(
    "bodies",
    metadata,
    Column("message", Uuid, nullable=False),
    Column("part", String(100), nullable=False),  # request, or reply:DELIVERY
    Column("format", String(10), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("message", "part"),
    Index("bodies_expiry", "expires_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("message", Uuid, nullable=False),
    Column("system", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("rings", SmallInteger, nullable=False),
    Column("repeatable", Boolean, nullable=False),
    Column("order_key", LargeBinary),  # keyed hash
    Column("worker", String(100), nullable=False),
    # When the sweeper must look again: due (pending), unclaimed for too long (queued), lease ended (delivering),
    # life ended (held). NULL in the terminal states.
    Column("wake_at", BigInteger),
    Column("expires_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("deliveries_message", "message"),
    Index(
        "deliveries_wake",
        "system",
        "state",
        "wake_at",
        sqlite_where=text("wake_at IS NOT NULL"),
        postgresql_where=text("wake_at IS NOT NULL"),
    ),
    Index(
        "deliveries_dead", "system", "id", sqlite_where=text("state = 'dead'"), postgresql_where=text("state = 'dead'")
    ),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},  # it changes at least twice
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("worker", String(100), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("duration", Integer, nullable=False),  # milliseconds
    Column("result", String(20), nullable=False),
    Column("code", String(100), nullable=False),
    Column("http_status", SmallInteger),
    Column("revision", BigInteger, nullable=False),  # of the documents that were used
    Column("late", Boolean, nullable=False),  # the lease had ended before the outcome came
    PrimaryKeyConstraint("delivery", "number", "late"),
    sqlite_with_rowid=False,
)

replies = Table(
    "replies",
    metadata,
    Column("delivery", Uuid, primary_key=True),
    Column("message", Uuid, nullable=False),
    Column("kind", String(10), nullable=False),  # reply, fault, raw
    Column("fault", String(100), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("replies_message", "message"),
    sqlite_with_rowid=False,
)

once = Table(
    "once",
    metadata,
    Column("scope", String(250), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("message", Uuid, nullable=False),
    Column("digest", String(150), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
    Index("once_expiry", "expires_at"),
    sqlite_with_rowid=False,
)

# Every committing process numbers its events 1, 2, 3 … and chains each to the hash of the one before.
audit_events = Table(
    "audit_events",
    metadata,
    Column("writer", String(50), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("message", Uuid),
    Column("event", String(50), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("content", Text, nullable=False),  # JSON, the exact bytes that are hashed
    Column("hash", LargeBinary, nullable=False),  # SHA-256 over the hash before and the content
    PrimaryKeyConstraint("writer", "number"),
    Index(
        "audit_events_message",
        "message",
        sqlite_where=text("message IS NOT NULL"),
        postgresql_where=text("message IS NOT NULL"),
    ),
    Index("audit_events_at", "at"),
    sqlite_with_rowid=False,
)

revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("kind", String(20), nullable=False),
    Column("name", String(300), nullable=False),
    Column("version", String(50), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("content", LargeBinary),  # NULL: removed at this revision
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "name", "version", "revision"),
    sqlite_with_rowid=False,
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", String(50), primary_key=True),
    Column("system", String(200), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

keys = Table(
    "keys",
    metadata,
    Column("kid", String(50), primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("algorithm", String(20), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger),
)

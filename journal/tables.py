"""The tables. People's queries are built from these; the hot statements of each store are written by hand.

Times are milliseconds since the epoch, UTC. Identifiers are UUIDv7, so that their order is the order of acceptance.
In PostgreSQL the large tables are partitioned: see `journal.postgresql.partitions`.
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
    postgresql_partition_by="RANGE (id)",
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
    PrimaryKeyConstraint("message", "part", "expires_at"),
    Index("bodies_expiry", "expires_at"),
    postgresql_partition_by="RANGE (expires_at)",
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
    Column("sequence", BigInteger),  # its place among those of its order key; NULL where it has none
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
    Index(
        "deliveries_held",
        "system",
        "order_key",
        "sequence",
        sqlite_where=text("state = 'held'"),
        postgresql_where=text("state = 'held'"),
    ),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (id)",
)

# The one delivery of an order key that is on its way; every other open one is held. Whoever changes a row holds it
# until its transaction ends, so that the order of sequences is the order of commits.
orders = Table(
    "orders",
    metadata,
    Column("system", String(200), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # the last one given out; grows, not by one, and never restarts
    Column("passed", BigInteger, nullable=False),  # that of the last one that its receiver has or may have, or 0
    Column("delivery", Uuid),  # on its way; NULL: none
    Column("changed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("system", "key"),
    Index("orders_changed", "changed_at"),
    sqlite_with_rowid=False,
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
    postgresql_partition_by="RANGE (delivery)",
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
    postgresql_partition_by="RANGE (delivery)",
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

# The present condition of each system, written by whoever notices, read by every process once a second.
conditions = Table(
    "conditions",
    metadata,
    Column("system", String(200), primary_key=True),
    Column("paused_at", BigInteger),  # by a person; NULL: it is not
    Column("paused_by", String(200), nullable=False),
    Column("opened_at", BigInteger),  # the circuit; NULL: closed
    Column("code", String(100), nullable=False),  # of the attempt that opened it
    Column("trips", Integer, nullable=False),  # openings in a row without an answer in between
    Column("probe_at", BigInteger),  # when one worker may try again
    Column("probe_by", String(100), nullable=False),  # the worker that is trying
    Column("probe_until", BigInteger),  # how long that try is its own
    # Counted by the sweeper, for gateways that do not sweep.
    Column("waiting", Integer, nullable=False),  # open deliveries, whatever their state
    Column("queued", Integer, nullable=False),  # of them, in the broker
    Column("oldest", BigInteger),  # when the oldest of them was accepted
    Column("counted_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The processes of the bus that live: each writes its row again before its lease ends.
processes = Table(
    "processes",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("role", String(20), nullable=False),  # gateway, worker, both
    Column("version", String(50), nullable=False),  # of the bus
    Column("joined_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
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
    Column("sealed", LargeBinary),
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

# Who runs the bus. Nothing is known of a password but its hash.
people = Table(
    "people",
    metadata,
    Column("name", String(64), primary_key=True),  # by which they sign in
    Column("title", String(200), nullable=False),
    Column("roles", String(100), nullable=False),  # sorted, with commas between
    Column("agency", String(35)),
    Column("password_hash", String(200), nullable=False),  # argon2id, in the PHC string format
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

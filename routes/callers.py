"""Who is asking: the token of a call, held against the snapshot each time."""

from bus.clock import Clock
from bus.errors import TokenMissing
from identity.keyring import KeyRing
from identity.tokens import Caller, Verifier
from routes.model import Snapshot


class Callers:
    """Verifies tokens for one process; a revoked credential's tokens end with the next snapshot."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: KeyRing | None = None
        self._verifier = Verifier(KeyRing())

    def identify(self, snapshot: Snapshot, token: str | None) -> Caller:
        """Raises `TokenMissing`, `TokenInvalid`, `TokenExpired` or `TokenRevoked`."""
        if token is None:
            raise TokenMissing
        if snapshot.keys is not self._keys:
            self._keys = snapshot.keys
            self._verifier.use(snapshot.keys)
        now = self._clock.now()
        caller = self._verifier.verify(token, now)
        caller.require_live(snapshot.credentials, {}, now)
        return caller

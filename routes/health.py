"""What keeps this process from taking messages, as its readiness probe tells and its senders are answered."""

from dataclasses import dataclass

from bus.errors import DiskLow, Draining, JournalUnavailable


@dataclass(slots=True)
class Health:
    """Set by whoever notices. A process that is not ready still takes what it can: only a full disk, which would break
    off commits half-way, keeps messages out by itself."""

    draining: bool = False
    journal_away: bool = False
    disk_low: bool = False

    def admit(self) -> None:
        """Raises `DiskLow`."""
        if self.disk_low:
            raise DiskLow(retry_after=30)

    def check(self) -> None:
        """Raises why no load balancer should send anything here."""
        if self.draining:
            raise Draining(retry_after=5)
        if self.journal_away:
            raise JournalUnavailable(retry_after=5)
        self.admit()

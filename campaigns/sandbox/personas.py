"""What a sandbox person does with mail: decided by odds and a seed, the same on every run."""

import hashlib
from dataclasses import dataclass, field

# Behaviour -> share of people. What is left over is silent. Few bounce: at 3 % a mailbox is held, and the demo would stop.
ODDS: dict[str, float] = {
    "refused": 0.01,  # the server says 550 5.1.1 at RCPT
    "bounces": 0.01,  # accepted, then a delivery status notification comes back
    "away": 0.05,
    "positive": 0.06,
    "meeting": 0.04,
    "question": 0.03,
    "not_now": 0.03,
    "not_interested": 0.05,
    "opt_out": 0.02,  # writes "stop writing to me"
    "unsubscribes": 0.03,  # the one-click button of their mail program
    "clicks": 0.12,
    "scanner": 0.04,  # a gateway opens every link at once
}


@dataclass(frozen=True, slots=True)
class Persona:
    """`acts_on` is the number of the mail they react to (1: the first they get)."""

    address: str
    behaviour: str
    acts_on: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """All people of `.example` and `.test`, as seed and odds make them."""

    seed: int = 7
    odds: dict[str, float] = field(default_factory=lambda: dict(ODDS))

    def persona(self, address: str) -> Persona:
        """Who has this address. Raises ValueError for an address outside the domains nobody owns (RFC 2606)."""
        address = address.lower()
        domain = address.rpartition("@")[2]
        if domain.rpartition(".")[2] not in {"example", "test"}:
            raise ValueError(f"{address} is not a sandbox address")
        draw = self._fraction(address, "behaviour")
        for behaviour, share in self.odds.items():
            if draw < share:
                return Persona(address, behaviour, self._acts_on(address, behaviour))
            draw -= share
        return Persona(address, "silent", 0)

    def delay_seconds(self, address: str, fastest: float, slowest: float) -> float:
        """How long this person takes, between the two."""
        return fastest + (slowest - fastest) * self._fraction(address, "delay")

    def _acts_on(self, address: str, behaviour: str) -> int:
        if behaviour in {"refused", "bounces", "away", "scanner"}:
            return 1
        return 1 if self._fraction(address, "acts_on") < 0.6 else 2

    def _fraction(self, address: str, what: str) -> float:
        digest = hashlib.sha256(f"{self.seed}:{what}:{address}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64

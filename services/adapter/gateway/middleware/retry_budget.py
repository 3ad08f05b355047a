"""How many repeats a process may afford, so that repeats do not finish off a 1688 that struggles."""

from dataclasses import dataclass

from services.adapter.gateway.call import MonotonicClock


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """Each call earns a share of a repeat; a trickle lets a quiet process repeat too."""

    share: float = 0.2
    """Repeats earned by a call."""
    floor_per_s: float = 1.0
    """Repeats earned by a second of time."""
    reserve: float = 10.0
    """Repeats at the start."""
    most: float = 100.0
    """Repeats that can be saved up: what a calm hour earned must not feed a storm."""


class RetryBudget:
    """A purse: calls and time fill it, each repeat costs 1."""

    def __init__(self, policy: BudgetPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._balance = policy.reserve
        self._paid_at = clock()

    @property
    def balance(self) -> float:
        """How many repeats there are now."""
        return self._balance

    @property
    def affords_one(self) -> bool:
        """Whether a repeat can be paid now."""
        return self._balance >= 1

    def earn(self) -> None:
        """Note a call, repeats not counted."""
        now, policy = self._clock(), self._policy
        earned = policy.share + (now - self._paid_at) * policy.floor_per_s
        self._balance = min(policy.most, self._balance + earned)
        self._paid_at = now

    def spend(self) -> bool:
        """Pay a repeat; False where the purse is empty."""
        if not self.affords_one:
            return False
        self._balance -= 1
        return True

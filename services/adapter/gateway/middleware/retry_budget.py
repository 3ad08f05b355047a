"""How many retries a process may make, so that retries do not add much load to 1688 while it fails."""

from dataclasses import dataclass

from services.adapter.gateway.call import MonotonicClock


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudgetPolicy:
    """Calls add tokens, and so does each second, for processes with few calls. Each retry takes one."""

    tokens_per_call: float = 0.2
    tokens_per_s: float = 1.0
    initial_tokens: float = 10.0
    max_tokens: float = 100.0
    """Limits how many retries can follow a long time without retries."""


class RetryBudget:
    """A token bucket, refilled by calls and by time."""

    def __init__(self, policy: RetryBudgetPolicy, clock: MonotonicClock) -> None:
        self._policy = policy
        self._clock = clock
        self._tokens = policy.initial_tokens
        self._deposited_at = clock()

    @property
    def tokens(self) -> float:
        """How many retries are possible now."""
        return self._tokens

    @property
    def has_tokens(self) -> bool:
        """Whether a retry is possible now."""
        return self._tokens >= 1

    def deposit(self) -> None:
        """Add the tokens of one call, and of the time since the last deposit. Not called for retries."""
        now, policy = self._clock(), self._policy
        added = policy.tokens_per_call + (now - self._deposited_at) * policy.tokens_per_s
        self._tokens = min(policy.max_tokens, self._tokens + added)
        self._deposited_at = now

    def withdraw(self) -> bool:
        """Take a token for a retry; return False if there is none."""
        if not self.has_tokens:
            return False
        self._tokens -= 1
        return True

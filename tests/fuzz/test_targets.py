"""The fuzz targets accept their seeds and the inputs that once violated a property, and can fail."""

from pathlib import Path

import pytest

from tests.fuzz import TARGET_NAMES, targets
from tests.fuzz.targets import PERSONAL, TARGETS, Target

pytestmark = pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
KEPT = Path(__file__).parent / "kept"


def test_every_target_is_run() -> None:
    assert set(TARGET_NAMES) == TARGETS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_kept_inputs(name: str) -> None:
    seeds = list(TARGETS[name].seeds())
    assert len(seeds) >= 8
    assert any(PERSONAL.encode() in seed for seed in seeds) or name in {"http", "images", "pushes"}
    for data in [b"", *seeds, *(path.read_bytes() for path in sorted((KEPT / name).glob("*")))]:
        TARGETS[name].run(data)


def test_a_target_fails_for_personal_data_and_for_slow_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="personal data"):
        targets.check_text(f"cannot read {PERSONAL}")
    monkeypatch.setattr(targets, "MAX_CPU_S", 0.0)
    with pytest.raises(AssertionError, match="took"):
        Target(lambda data: None, lambda: iter(()), 1).run(b"1")


def test_a_signed_push_cut_into_another_message_fails_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(targets.push_seeds())
    monkeypatch.setattr(targets, "message_seeds", lambda: ())
    with pytest.raises(AssertionError, match="never signed"):
        targets.check_push(seed)

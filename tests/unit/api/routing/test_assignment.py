"""Routing's promises: the share follows the weight, nothing flips back, and every process says the same."""

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.routing.assignment import is_canary, position

salts = st.text(min_size=1, max_size=80)
keys = st.binary(min_size=1, max_size=80)
weights = st.floats(0, 100)


@given(salts, keys)
def test_a_position_lies_in_the_range_of_weights(salt: str, key: bytes) -> None:
    assert 0 <= position(salt, key) < 100


@given(salts, keys, weights, weights)
def test_an_assignment_never_flips_back_as_the_weight_grows(salt: str, key: bytes, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert not is_canary(salt, key, low) or is_canary(salt, key, high)


@given(salts, keys)
def test_weight_0_is_nobody_and_weight_100_everybody(salt: str, key: bytes) -> None:
    assert not is_canary(salt, key, 0)
    assert is_canary(salt, key, 100)


@given(salts, st.floats(1, 99))
def test_the_share_of_the_canary_follows_the_weight(salt: str, weight: float) -> None:
    count = 4000
    share = sum(is_canary(salt, f"study-{number}".encode(), weight) for number in range(count)) / count
    deviation = math.sqrt(weight / 100 * (1 - weight / 100) / count)
    assert abs(share - weight / 100) < 6 * deviation


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_process_says_the_same(seed: str) -> None:
    code = "from inference_api.routing.assignment import position; print([position('s', b'%d' % n) for n in range(20)])"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == str([position("s", b"%d" % number) for number in range(20)])


def test_another_salt_assigns_differently() -> None:
    """Else the same studies would be the first ones in every rollout."""
    first = [is_canary("sha256:1", b"%d" % number, 10) for number in range(2000)]
    second = [is_canary("sha256:2", b"%d" % number, 10) for number in range(2000)]
    assert sum(a and b for a, b in zip(first, second, strict=True)) < 60  # 20 expected, 200 if they were the same

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drugs_cpp.doses.seed import check_seed, fresh_seed, seed_of_call
from drugs_cpp.errors import DrugsError, SeedError


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 2, np.uint32(2**32 - 2), np.int64(7)])
def test_seeds(seed: Any) -> None:
    checked = check_seed(seed)
    assert checked == int(seed)
    assert type(checked) is int


@pytest.mark.parametrize("seed", [None, -1, np.int64(-1), 2**32 - 1, np.uint32(2**32 - 1)])
def test_asking_for_a_fresh_one(seed: Any) -> None:
    assert check_seed(seed) is None


@pytest.mark.parametrize("seed", [-2, 2**32, 10**30, 1.0, float("nan"), "7", b"7", True, np.bool_(1), [7]])
def test_what_is_no_seed(seed: Any) -> None:
    with pytest.raises(SeedError) as caught:
        check_seed(seed)
    assert repr(seed) in str(caught.value)
    assert "4294967294" in str(caught.value)


def test_a_call_without_a_seed_has_none_and_one_with_minus_one_has_a_fresh_one() -> None:
    assert seed_of_call(None) is None
    assert seed_of_call(7) == 7
    fresh = {seed_of_call(seed) for seed in (-1, -1, 2**32 - 1, np.int64(-1))}
    assert len(fresh) > 2  # this fails once in 2**60
    assert None not in fresh


def test_the_error_is_a_value_error_too() -> None:
    assert issubclass(SeedError, ValueError)
    assert issubclass(SeedError, DrugsError)


def test_fresh_seeds_are_seeds_and_differ() -> None:
    seeds = [fresh_seed() for _ in range(100)]
    assert [check_seed(seed) for seed in seeds] == seeds
    assert len(set(seeds)) > 95
    assert max(seeds) > 2**31  # all bits are used: this fails once in 2**100

"""How programs of another system are compared with this one's. `make check-arm` and `make check-windows` run them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conftest import built_by_make
from elsewhere import texts, vectors
from elsewhere.systems import here


@pytest.fixture(scope="module")
def output() -> str:
    return here().run(Path(built_by_make("DRUGS_CHECK_KERNELS")).with_name("turned-vectors")).stdout


def test_turned_vectors_are_numpys(output: str) -> None:
    found = vectors.read(output)
    assert {len(one["x"]) for one in found if one["op"] == "rows"} == {2, 3, 64, 65, 200}
    assert {(one["op"], one["d"]) for one in found if "d" in one} == {
        (op, d) for op in ("scores", "values") for d in (64, 80)
    }
    assert vectors.from_numpy(found) < vectors.FROM_NUMPY
    assert vectors.from_here(found, vectors.read(output)) == 0


def test_other_noise_is_seen(output: str) -> None:
    found, here = vectors.read(output), vectors.read(output)
    for one in found:
        one["y"] = list(np.array(one["y"]) * (1 + 2 * vectors.FROM_HERE))
    assert vectors.from_here(found, here) > vectors.FROM_HERE
    for one in found:
        one["seed"] = 1
    assert vectors.from_numpy(found) > 0.1


TEXT = texts.Text(
    [" a", " ship", " came"], [{" a": -0.5}, {" ship": -1.0, " boat": -1.05, " sh": -4.0}, {" came": -0.1}]
)


@pytest.mark.parametrize(
    ("there", "printed"),
    [
        (" a ship came", "the same"),
        (" a boat left", "0.050 nats"),
    ],
)
def test_texts_that_part_at_a_tie(there: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert texts.parting(TEXT, there) is None
    assert printed in capsys.readouterr().out


@pytest.mark.parametrize(
    ("there", "wrong"), [(" a shore", "3.000 nats"), (" the ship", "' the ship' is not likely here")]
)
def test_texts_that_part_elsewhere(there: str, wrong: str) -> None:
    fault = texts.parting(TEXT, there)
    assert fault is not None
    assert wrong in fault

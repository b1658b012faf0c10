"""Saved doses, as Python and the programs read them."""

from __future__ import annotations

import copy
import json
import pickle
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from drugs_cpp import DRUGS
from drugs_cpp.errors import DoseError, DoseWarning
from fuzz.reader import Read, read_as_programs
from fuzz.refusals import check_refusal

N_LAYER = 30

#: settings for a server's model; Python refuses them in doses
_OF_A_MODEL = ("sink", "dose_inputs", "sober_interval", "repeatable")

#: next to the current names, it is undefined which of the two counts
_OLD_NAMES = {"dose_theta", "dose_shape", "dose_multiplier"}

_FOLDER = tempfile.TemporaryDirectory(prefix="drugs-fuzz-")
_FILE = Path(_FOLDER.name) / "doses.json"


def check(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoseWarning)
        ours, theirs = _load(data), read_as_programs(data, N_LAYER)
        if ours is not None:
            _check_written(ours)
        if theirs is not None:
            _check_answer(theirs)
        if theirs is not None:
            values = json.loads(data.decode("utf-8-sig"))
            if ours is None:  # the programs accept more
                assert (
                    set(_OF_A_MODEL) & set(values)
                    or isinstance(values.get("apart"), bool)
                    or isinstance(values["seed"], float)
                )
            elif not _OLD_NAMES & set(values):
                _check_same(ours, theirs)


def _load(data: bytes) -> DRUGS | None:
    """The doses that ``DRUGS.load`` reads; None: it refuses the file, and says why."""
    _FILE.write_bytes(data)
    try:
        return DRUGS.load(_FILE)
    except DoseError as error:
        check_refusal(error)
        return None


def _check_written(drugs: DRUGS) -> None:
    """Doses that were read can be written, copied and pickled, and the programs read the same from the file."""
    drugs.save(_FILE)
    assert drugs == DRUGS.load(_FILE) == drugs.copy() == copy.deepcopy(drugs) == pickle.loads(pickle.dumps(drugs))
    theirs = read_as_programs(_FILE.read_bytes(), N_LAYER)
    assert theirs is not None
    _check_same(drugs, theirs)


def _check_answer(theirs: Read) -> None:
    """Python accepts the doses that the programs write, except for settings of their model."""
    assert read_as_programs(json.dumps(theirs.values).encode(), N_LAYER) is not None
    doses: dict[str, Any] = {name: value for name, value in theirs.values.items() if name not in _OF_A_MODEL}
    _check_same(DRUGS.from_dict(doses), theirs)


def _check_same(ours: DRUGS, theirs: Read) -> None:
    if ours.effect is None:
        np.testing.assert_array_equal(ours.table(N_LAYER), theirs.table)
    assert ours.is_sober == (set(theirs.values) <= {"repeatable"})
    if not ours.is_sober:
        assert ours.seed == theirs.values.get("seed")
        assert ours.noise == theirs.values["noise"]
        assert ours.effect == theirs.values.get("effect")

"""``python -m benchmarks verbatim``: see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import drugs_cpp
from benchmarks.report import markdown
from benchmarks.verbatim.picture import draw
from benchmarks.verbatim.regimes import ECHO, OTHER, REGIMES, SUBSTITUTION, TOLERANCE
from benchmarks.verbatim.repeating import ANGLES, repeat, shares

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchmarks.verbatim.repeating import Shares

    F64 = npt.NDArray[np.float64]

_N_DRAWS = 2000

_HALF = 0.5


def main(given: Sequence[str]) -> int:
    """Let a model repeat texts under doses, plot what became of them, and print where regimes end."""
    options = _options(given)
    model = Path(options.model or drugs_cpp.default_model())
    options.folder.mkdir(parents=True, exist_ok=True)
    store = options.folder / f"{model.stem}.db"
    repeat(model, store)
    n_texts, found = shares(store, model)
    kept = {"model": model.name, "texts": n_texts, "angles": ANGLES, "sites": found}
    (options.folder / f"{model.stem}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    draw(found, f"{model.stem}, {n_texts} texts", options.folder / f"{model.stem}.png")
    print(table(found))
    return 0


def table(found: Mapping[str, Sequence[Shares]]) -> str:
    """Return, by site, up to which angle half of the texts stay verbatim, and from which one half are lost."""
    head = ["site", "half verbatim up to", "half another text or echo from", "echo first half at", "most substitution"]
    lines = []
    for site, by_angle in found.items():
        parts = {name: np.array([one[name] for one in by_angle]) for name in REGIMES}  # each (n_angles, n_texts)
        replaced = parts[SUBSTITUTION].mean(-1)
        lines.append(
            [
                f"`{site}`",
                _angle(1 - parts[TOLERANCE]),
                _angle(parts[ECHO] + parts[OTHER]),
                _angle(parts[ECHO]),
                f"{100 * replaced.max():.0f} % at {ANGLES[int(replaced.argmax())]:g}",
            ]
        )
    return markdown(head, lines)


def _angle(rising: F64) -> str:
    """Return where a share first reaches a half, in radians, and a 95 % interval from resampled texts."""
    n_texts = rising.shape[-1]
    draws = np.random.default_rng(1).integers(0, n_texts, (_N_DRAWS, n_texts))
    low, high = np.quantile([_first_half(rising[:, some].mean(-1)) for some in draws], [0.025, 0.975], method="nearest")
    return f"{_shown(_first_half(rising.mean(-1)))} ({_shown(low)} to {_shown(high)})"


def _first_half(shares: F64) -> float:
    """Return the angle, interpolated linearly; infinite: nowhere; the first angle: there or before."""
    reached = np.flatnonzero(shares >= _HALF)
    if not len(reached):
        return np.inf
    i = int(reached[0])
    return ANGLES[0] if i == 0 else float(np.interp(_HALF, shares[i - 1 : i + 1], ANGLES[i - 1 : i + 1]))


def _shown(angle: float) -> str:
    if angle == np.inf:
        return f"> {ANGLES[-1]:g}"
    return f"≤ {ANGLES[0]:g}" if angle == ANGLES[0] else f"{angle:.2f}"


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks verbatim",
        description="Measure how much of an unseen text a model can still repeat under a dose. What was written is "
        "kept, and the same command continues from there.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model with a chat template (the default model)")
    parser.add_argument("--folder", type=Path, default=Path("build/verbatim"), help="folder for results (%(default)s)")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

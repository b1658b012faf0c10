"""``vergence``: computes a grid of doses for one text, and measures how far each moves the model."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_count
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.sites import SITES
from drugs_cpp.errors import DoseError, DoseWarning, OptionError, ResultFileError
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model.tracing import nothing_dosed
from drugs_cpp.study.grid import (
    DEFAULT_ANGLES,
    DEFAULT_SEEDS,
    DEFAULT_SITES,
    WINDOWS,
    Cell,
    Grid,
    doses_of,
    layers_of,
    make_grid,
)
from drugs_cpp.study.machine import cpu_name
from drugs_cpp.study.store import Store
from drugs_cpp.study.vergence_result import COLUMNS, Vergence, from_rows
from drugs_cpp.traces.divergence import log_softmax, vector_divergence

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.model.llama import Llama
    from drugs_cpp.traces.trace import Trace

KIND = "vergence"

#: how many likely next tokens of the sober model are followed
N_TOP = 10

#: runs computed at a time by default
MOST_TOGETHER = 32

#: called with the number of runs done, the number of all runs, and the seconds since the start
Listener = Callable[[int, int, float], None]


def vergence(
    llm: Llama,
    prompt: str | Sequence[int] | None = None,
    messages: Sequence[Any] | None = None,
    *,
    sites: Iterable[str] = DEFAULT_SITES,
    windows: Iterable[str] = WINDOWS,
    angles: Iterable[float] = DEFAULT_ANGLES,
    seeds: int | Iterable[int] = DEFAULT_SEEDS,
    dosed: str = "last",
    store: str | PathLike[str] = ":memory:",
    n_parallel: int | None = None,
    progress: Listener | None = None,
) -> Vergence:
    """Measure how far doses at each site and depth move hidden states and the output, for one text.

    Results are written to the store as they come. If it already has some for the same model and text, only the others
    are computed.

    Args:
        llm: the model. Its cache, doses and seeds stay as they are.
        prompt: text or token ids.
        messages: instead of a prompt: a conversation, for the model's chat template.
        sites: to dose, one at a time.
        windows: "near": each layer with its neighbours; "up-to": all layers up to each.
        angles: largest angles in radians.
        seeds: of the noise, or their number.
        dosed: "last": only the last position of the text, as for a new token; "all": all positions past the sink.
        store: path of an SQLite file.
        n_parallel: runs computed at a time, if that is possible.
        progress: called after each batch.

    Raises:
        DoseError, SeedError, OptionError, CountError: a grid that cannot be used, or a site that the model lacks.
        ResultFileError: the store is not a results file, or is damaged.
        PromptError, TokenError, ContextOverflowError, MemoryLimitError, BusyError: as for ``llm.trace``.
    """
    if n_parallel is not None:
        check_count("n_parallel", n_parallel, 1, "runs")
    grid = make_grid(_core.n_layer(llm.engine.session.address), sites, windows, angles, seeds, dosed)
    cells = _reachable(llm, grid)
    sober = llm.trace(prompt, messages, drugs=DRUGS(), dosed=dosed, top_k=N_TOP)
    if len(sober.tokens) <= llm.sink:
        raise nothing_dosed(len(sober.tokens), llm.sink)
    with Store(store) as results:
        study = results.study(KIND, _key(llm, sober, grid), _about(llm, sober))
        done = {Cell(*row) for row in results.rows(KIND, "site, window, layer, angle, seed", study)}
        todo = [cell for cell in cells if cell not in done]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DoseWarning)  # large angles are intended here
            _compute(llm, sober, todo, results, study, n_parallel, progress or (lambda *_: None))
        return _read(results, study, grid)


def stored_vergence(store: str | PathLike[str]) -> Vergence:
    """Return the results of the last study in a store, without computing anything.

    Raises:
        ResultFileError: no such file, or no vergence study in it.
    """
    with Store(store, must_exist=True) as results:
        study = results.last_study(KIND)
        return _read(results, study, None)


def _read(results: Store, study: int, grid: Grid | None) -> Vergence:
    """Return the results of a study, of all its runs if no grid is given.

    Raises:
        ResultFileError: the store is damaged.
    """
    try:
        key, about = results.about(study)
        rows = list(results.rows(KIND, COLUMNS, study))
        if grid is None:
            sites, windows, _, angles, seeds = (set(column) for column in list(zip(*rows))[:5])
            in_order = ([site for site in SITES if site in sites], [window for window in WINDOWS if window in windows])
            grid = make_grid(about["n_layer"], *in_order, angles, sorted(seeds), key["dosed"])
        return from_rows(grid, about, rows)
    except ResultFileError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ResultFileError(f"{results.path} is damaged: {error}") from error


def _reachable(llm: Llama, grid: Grid) -> list[Cell]:
    """Return the runs that dose something: hybrid models have layers without attention.

    Raises:
        DoseError: a site that no layer has.
    """
    has = _core.has_sites(llm.engine.session.address)
    for site in grid.sites:
        if not has[:, SITES.index(site)].any():
            raise DoseError(f"this model has no site {site}: leave it out")
    return [
        cell
        for cell in grid.cells()
        if has[list(layers_of(cell.window, cell.layer, grid.n_layer)), SITES.index(cell.site)].any()
    ]


def _compute(
    llm: Llama,
    sober: Trace,
    todo: Sequence[Cell],
    results: Store,
    study: int,
    n_parallel: int | None,
    progress: Listener,
) -> None:
    measure, start, n_done = _Measure(sober), time.monotonic(), 0
    n_layer = int(sober.layers[-1])
    progress(0, len(todo), 0.0)
    for _, same_layers in groupby(todo, key=lambda cell: cell[:3]):
        cells = list(same_layers)
        traces = llm.traces(
            list(sober.tokens),
            seeds=[cell.seed for cell in cells],
            drugs=[doses_of(cell, n_layer) for cell in cells],
            dosed=sober.dosed,
            top_k=0,
            n_parallel=_evenly(len(cells), n_parallel or MOST_TOGETHER),
        )
        for some in _batches(zip(cells, traces), n_parallel or MOST_TOGETHER):
            results.add(KIND, [(study, *cell, *measure.row(trace)) for cell, trace in some])
            n_done += len(some)
            progress(n_done, len(todo), time.monotonic() - start)


def _evenly(n: int, most: int) -> int:
    """Return the size of batches of about equal size, at most ``most``."""
    n_batches = -(-n // most)
    return -(-n // n_batches)


def _batches(items: Iterable[Any], n: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while some := list(islice(iterator, n)):
        yield some


class _Measure:
    """Compares traces with a sober one.

    KL(sober || dosed) = sum p log p - sum p x + log sum exp x, for sober probabilities p and dosed logits x.
    """

    def __init__(self, sober: Trace) -> None:
        if sober.logits is None:
            raise OptionError("this model predicts no tokens, so a dose cannot be seen in them: choose another model")
        log_p = log_softmax(sober.logits[-1])
        self._p = np.exp(log_p)
        self._entropy = float(np.dot(self._p, log_p))
        self._hidden = sober.hidden[-1]
        self._top = np.array([token.id for token in sober.top])

    def row(self, trace: Trace) -> tuple[float, int, bytes, bytes, bytes]:
        """Return KL, most likely token, and as bytes: cosine distances, relative lengths, top tokens' probabilities."""
        assert trace.logits is not None
        x = trace.logits[-1].astype(np.float64)
        top = int(x.argmax())
        log_z = float(x[top] + np.log(np.exp(x - x[top]).sum()))
        kl = max(self._entropy - float(np.dot(self._p, x)) + log_z, 0.0)
        cosine, _, relative_l2 = vector_divergence(trace.hidden[-1], self._hidden)
        probs = np.exp(x[self._top] - log_z)
        as_bytes = [array.astype("<f4").tobytes() for array in (cosine, relative_l2, probs)]
        return kl, top, as_bytes[0], as_bytes[1], as_bytes[2]


#: parameters of a context that change what it computes
_CONTEXT_PARAMS = (
    "flash_attn_type",
    "rope_freq_base",
    "rope_freq_scale",
    "rope_scaling_type",
    "type_k",
    "type_v",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
    "yarn_ext_factor",
    "yarn_orig_ctx",
)


def _key(llm: Llama, sober: Trace, grid: Grid) -> dict[str, Any]:
    """Return everything that the numbers depend on, except the runs themselves."""
    params = llm.engine.settings.context_params
    return {
        "model": sha256_of(llm.model_path),
        "adapter": None if llm.lora_path is None else [sha256_of(str(llm.lora_path)), llm.lora_scale],
        "overrides": repr(llm.kv_overrides),
        "context": {name: getattr(params, name) for name in _CONTEXT_PARAMS},
        "tokens": list(sober.tokens),
        "dosed": grid.dosed,
        "sink": llm.sink,
        "repeatable": llm.repeatable,
    }


def _about(llm: Llama, sober: Trace) -> dict[str, Any]:
    from drugs_cpp import __version__

    return {
        "model": Path(llm.model_path).name,
        "architecture": llm.metadata.get("general.architecture"),
        "n_layer": int(sober.layers[-1]),
        "pieces": list(sober.pieces),
        "top": [list(token) for token in sober.top],
        "version": __version__,
        "cpu": cpu_name(),
    }

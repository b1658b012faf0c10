"""Trace files: ``.npz`` and ``.safetensors`` hold a whole trace, ``.msgpack`` what the reference's traces hold."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.sites import SITES
from drugs_cpp.errors import MissingExtraError, OptionError, ResultFileError
from drugs_cpp.extras import extra
from drugs_cpp.traces.content import TopToken, TraceContent

if TYPE_CHECKING:
    from os import PathLike

#: identifies our files; the number is increased when older versions cannot read them
_FORMAT = "drugs_cpp trace 1"

_ARRAYS = ("positions", "layers", "hidden", "norm", "logits")

Arrays = dict[str, Any]


def save_content(trace: TraceContent, path: str | PathLike[str]) -> None:
    """Write a trace in the format given by the file name's suffix; see :meth:`drugs_cpp.Trace.save`."""
    _choose(path, {".npz": _save_npz, ".safetensors": _save_safetensors, ".msgpack": _save_msgpack})(trace, Path(path))


def load_content(path: str | PathLike[str]) -> TraceContent:
    """Read a trace; see :meth:`drugs_cpp.Trace.load`."""
    loaders = {".npz": _load_npz, ".safetensors": _load_safetensors, ".msgpack": _load_msgpack}
    load: Callable[[Path], TraceContent] = _choose(path, loaders)
    if not Path(path).is_file():
        raise ResultFileError(f"{path}: no such file")
    try:
        return load(Path(path))
    except (ResultFileError, MissingExtraError):
        raise
    except Exception as error:  # each library raises its own exceptions for files that it cannot read
        raise ResultFileError(f"{path} is damaged, or is not a trace: {error}") from error


def _choose(path: str | PathLike[str], by_ending: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    ending = Path(path).suffix
    if ending not in by_ending:
        raise OptionError(f"{path}: a trace's file ends in {', '.join(by_ending)}")
    return by_ending[ending]


#
# whole traces
#


def _save_npz(trace: TraceContent, path: Path) -> None:
    with path.open("wb") as file:  # savez would add a suffix to a name without one
        np.savez(file, about=np.array(_about(trace)), **_arrays(trace))


def _load_npz(path: Path) -> TraceContent:
    if not zipfile.is_zipfile(path):
        raise ResultFileError(f"{path} is damaged, or is not a trace: it is not an .npz file")
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    return _made_of(str(arrays.pop("about")), arrays)


def _save_safetensors(trace: TraceContent, path: Path) -> None:
    path.write_bytes(extra("safetensors.numpy").save(_arrays(trace), metadata={"about": _about(trace)}))


def _load_safetensors(path: Path) -> TraceContent:
    with extra("safetensors").safe_open(str(path), framework="np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is not a mapping
        about = (file.metadata() or {}).get("about", "{}")
    return _made_of(about, arrays)


def _arrays(trace: TraceContent) -> Arrays:
    arrays = {name: getattr(trace, name) for name in _ARRAYS}
    arrays.update({f"heads.{layer}": values for layer, values in trace.heads.items()})
    arrays.update({f"attention.{layer}": values for layer, values in trace.attention.items()})
    return {name: np.ascontiguousarray(values) for name, values in arrays.items() if values is not None}


def _about(trace: TraceContent) -> str:
    """Return everything that is not an array, as JSON."""
    return json.dumps(
        {
            "format": _FORMAT,
            "tokens": trace.tokens,
            "pieces": trace.pieces,
            "top": [[list(token) for token in top] for top in trace.tops],
            "drugs": trace.drugs,
            "seed": trace.seed,
            "dosed": trace.dosed,
            "model": trace.model,
        }
    )


def _made_of(about: str, arrays: Arrays) -> TraceContent:
    said = json.loads(about)
    if said.get("format") != _FORMAT:
        raise ResultFileError(f"the file says {said.get('format')!r}: this version reads {_FORMAT!r}")
    trace = TraceContent(
        tokens=tuple(said["tokens"]),
        pieces=tuple(said["pieces"]),
        positions=arrays["positions"],
        layers=arrays["layers"],
        hidden=arrays["hidden"],
        norm=arrays.get("norm"),
        logits=arrays.get("logits"),
        tops=[[TopToken(*token) for token in top] for top in said["top"]],
        heads=_by_layer(arrays, "heads."),
        attention=_by_layer(arrays, "attention."),
        drugs=said["drugs"],
        seed=said["seed"],
        dosed=said["dosed"],
        model=said["model"],
    )
    n = len(trace.positions)
    of_positions = [part for part in (trace.norm, trace.logits) if part is not None]
    fits = trace.hidden.ndim == 3 and trace.hidden.shape[:2] == (n, len(trace.layers))
    fits = fits and all(part.ndim == 2 and len(part) == n for part in of_positions)
    fits = fits and all(
        part.ndim == 3 and len(part) == n for part in (*trace.heads.values(), *trace.attention.values())
    )
    if not fits or any(part.dtype != np.float32 for part in (trace.hidden, *of_positions)):
        raise ResultFileError("the file is damaged: its arrays do not fit together")
    return trace


def _by_layer(arrays: Arrays, prefix: str) -> dict[int, Any]:
    return {int(name[len(prefix) :]): values for name, values in arrays.items() if name.startswith(prefix)}


#
# the layout of the reference (EGjoni/DRUGS, drugs/dgenerate.py, save_trace)
#


def _save_msgpack(trace: TraceContent, path: Path) -> None:
    n_layer = int(trace.layers[-1])
    if trace.norm is None or trace.layers.tolist() != list(range(n_layer + 1)):
        raise OptionError(f"{path}: this layout needs all layers: trace them with layers='all'")
    drugs = DRUGS() if trace.drugs is None else DRUGS.from_dict(trace.drugs)
    profiles = {site: drugs.get_dose_shape(site) for site in SITES}
    hidden = [*trace.hidden[-1, :-1], trace.norm[-1]]  # as in transformers: the last one is after the final norm
    packed = extra("msgpack").packb(
        {
            "dose_shape": {s: None if p is None else [q._asdict() for q in p.points] for s, p in profiles.items()},
            "dose": {site: float(drugs.get_dose_theta(site)) for site in SITES},
            "dose_mode": {site: "interpolate" if p is None else p.mode for site, p in profiles.items()},
            "hidden_state_embedding": [row.tolist() for row in hidden],
            "top_k": [{**t._asdict(), "id": str(t.id)} for t in reversed(trace.top)],  # the likeliest is the last
        }
    )
    path.write_bytes(packed)


def _load_msgpack(path: Path) -> TraceContent:
    said = extra("msgpack").unpackb(path.read_bytes())
    rows = np.asarray(said["hidden_state_embedding"], np.float32)  # (n_layer + 1, n_embd)
    shapes, modes = said["dose_shape"], said["dose_mode"]
    drugs = DRUGS(**{site: angle for site, angle in said["dose"].items() if angle})
    for site, points in shapes.items():
        if points is not None:
            drugs.set_dose_shape(points, modes[site], site=site)
    tops = [TopToken(t["token"], int(t["id"]), t["logit"], t["prob"]) for t in reversed(said["top_k"])]
    return TraceContent(
        tokens=(),
        pieces=(),
        positions=np.array([-1], np.int32),  # the last one of a text that is not in the file
        layers=np.arange(len(rows) - 1, dtype=np.int32),
        hidden=rows[None, :-1],
        norm=rows[None, -1],
        logits=None,
        tops=[tops],
        drugs=None if drugs.is_sober else drugs.to_dict(),
    )

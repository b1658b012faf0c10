"""``Trace``: what a model computed inside for the tokens of a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from drugs_cpp.errors import CountError, StateError
from drugs_cpp.traces.content import TraceContent
from drugs_cpp.traces.divergence import Divergence, kl_divergence, vector_divergence
from drugs_cpp.traces.files import load_content, save_content
from drugs_cpp.traces.trace_picture import trace_html

if TYPE_CHECKING:
    from os import PathLike

    import numpy.typing as npt

    F32 = npt.NDArray[np.float32]

#: logits of vectors: float32 (n, n_embd) -> float32 (n, n_vocab)
Lens = Callable[[Any], Any]

#: largest size in bytes of a logit lens of all layers at once; larger ones go layer by layer
MOST_LENS_BYTES = 2**30

Path = Union[str, "PathLike[str]"]


@dataclass(frozen=True, eq=False, repr=False)
class Trace(TraceContent):
    """What a model computed inside, at some positions of a text; its arrays are those of :class:`TraceContent`.

    Attributes:
        lens_of: applies the model's final norm and head to vectors; None: the trace came from a file.
    """

    lens_of: Lens | None = field(default=None)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out ``lens_of``: a copy in another process has no model."""
        return {**vars(self), "lens_of": None}

    def divergence(self, sober: Trace) -> Divergence:
        """Return how far this trace is from a sober one of the same text, or from any other trace.

        Raises:
            StateError: the other trace has other positions, other layers or another model.
        """
        self._check_like(sober)
        cosine, angle, relative_l2 = vector_divergence(self.hidden, sober.hidden)
        kl = None
        if self.logits is not None and sober.logits is not None:
            kl = kl_divergence(self.logits, sober.logits)
        return Divergence(cosine, angle, relative_l2, kl)

    def lens(self, layers: int | list[int] | None = None) -> F32:
        """Logit lens: apply the final norm and head to each layer's output. Those of the last one are the real logits.

        nostalgebraist, "interpreting GPT: the logit lens" (2020).

        Args:
            layers: one of ``self.layers`` or several; None: all.

        Returns:
            float32 (n_positions, n_layers, n_vocab).

        Raises:
            StateError: the trace came from a file without its model, or the model has no head that reads one vector.
            CountError: more than 1 GiB: use :meth:`lens_by_layer`, or name layers.
        """
        chosen = self._layer_indices(layers)
        first = self._lens_at(chosen[0])
        n_bytes = first.nbytes * len(chosen)
        if n_bytes > MOST_LENS_BYTES:
            raise CountError(
                f"the lens of {len(chosen)} layers takes {n_bytes / 2**30:.1f} GiB: "
                "use lens_by_layer(), name layers, or trace fewer positions"
            )
        return np.stack([first, *(self._lens_at(index) for index in chosen[1:])], axis=1)

    def lens_by_layer(self) -> Iterator[tuple[int, F32]]:
        """Logit lens, one layer at a time: yield the layer and its logits, float32 (n_positions, n_vocab)."""
        for index, layer in enumerate(self.layers):
            yield int(layer), self._lens_at(index)

    def save(self, path: Path) -> None:
        """Write a file: ``.npz``, ``.safetensors``, or ``.msgpack`` in the layout of the reference's ``save_trace``.

        Raises:
            OptionError: another suffix.
            MissingExtraError: a package is not installed.
        """
        save_content(self, path)

    @classmethod
    def load(cls, path: Path, lens_of: Lens | None = None) -> Trace:
        """Read a file that :meth:`save` wrote.

        Args:
            path: ending in ``.npz`` or ``.safetensors``; or in ``.msgpack``, which lacks what the reference leaves out:
                tokens, logits, and the last layer's output before the final norm.
            lens_of: used by :meth:`lens`: ``llm.lens``.

        Raises:
            ResultFileError: no such file, not a trace, or damaged.
            OptionError: another suffix.
        """
        return cls(**vars(load_content(path)), lens_of=lens_of)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        _, turned, _ = vector_divergence(self.hidden[:, 1:], self.hidden[:, :-1])
        return trace_html(self, turned)

    def _check_like(self, other: Trace) -> None:
        for name in ("positions", "layers"):
            mine, others = getattr(self, name), getattr(other, name)
            if not np.array_equal(mine, others):
                raise StateError(f"traces of different {name} cannot be compared: {mine.tolist()}, {others.tolist()}")
        if self.hidden.shape != other.hidden.shape:
            raise StateError(
                f"traces of different models cannot be compared: {self.hidden.shape}, {other.hidden.shape}"
            )

    def _layer_indices(self, layers: int | list[int] | None) -> list[int]:
        known = self.layers.tolist()
        wanted = known if layers is None else [layers] if isinstance(layers, (int, np.integer)) else list(layers)
        missing = [layer for layer in wanted if layer not in known]
        if missing or not wanted:
            raise CountError(f"layers is {layers!r}: this trace has {known}")
        return [known.index(layer) for layer in wanted]

    def _lens_at(self, index: int) -> F32:
        if self.lens_of is None:
            raise StateError("this trace came from a file without its model: load it with lens_of=llm.lens")
        return np.asarray(self.lens_of(self.hidden[:, index]))

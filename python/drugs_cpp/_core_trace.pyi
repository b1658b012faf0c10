"""Functions of drugs_cpp._core that read what a context computes inside: see csrc/include/llama-trace.h."""

from collections.abc import Sequence as SequenceOf

import numpy as np
import numpy.typing as npt

def trace_begin(
    ctx: int,
    *,
    hidden: SequenceOf[int],
    heads: SequenceOf[int],
    attention: SequenceOf[int],
    norm: bool,
    logits: bool,
) -> None:
    """Read what a context computes for output tokens, from the next one on; this ends another trace of the context.

    Args:
        hidden: layers whose output is read: 0 is the input of the first layer, i + 1 the output of layer i.
        heads: layers whose heads' outputs are read, 0 to n_layer - 1.
        attention: layers whose attention weights are read; they compute attention without flash attention.
        norm: whether the last layer's output after the final norm is read.
        logits: whether the logits of the next token are read.

    A ValueError: a layer that does not exist.
    """

def trace_end(ctx: int) -> None:
    """End a context's trace, if it has one, and discard its rows."""

def trace_clear(ctx: int) -> None:
    """Discard the rows, one for each token that was output."""

def trace_tokens(ctx: int) -> list[tuple[int, int]]:
    """Return the sequence and position of each row."""

def trace_part(ctx: int, part: str, layer: int) -> list[npt.NDArray[np.float32]] | None:
    """Return a part of each row, or None if it was not requested or the model does not have it.

    Args:
        part: "hidden", "norm" and "logits", float32 (1, n); "heads", (n_head, n_embd_head); or "attention", (n_head,
            n_positions), from position 0 on; n_positions may differ between rows.
        layer: as given to trace_begin(); 0 for "norm" and "logits".

    A ValueError: another part.
    """

def trace_lens(ctx: int, hidden: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Apply the final norm and the head to vectors, with the GIL released: (n, n_embd) -> float32 (n, n_vocab).

    A ValueError: another shape. An OptionError: the model has no head, or one that reads more than one vector.
    """

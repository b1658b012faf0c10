"""What the commands of ``drugs-lab`` have in common: a model, a prompt, threads."""

from __future__ import annotations

import argparse
from typing import Any

from drugs_cpp.default_model import default_model
from drugs_cpp.engine.dosing import DEFAULT_SINK
from drugs_cpp.model.llama import Llama
from drugs_cpp.progress import Progress
from drugs_cpp.tools import arguments

#: about 100 tokens, with many possible continuations
DEFAULT_PROMPT = (
    "The lighthouse keeper had not spoken to anyone for three weeks. Each evening he climbed the stairs, lit the lamp, "
    "and wrote one line in the log: the wind, the height of the waves, the ships that passed. On the last night of "
    "October he opened the log and found a line that he had not written. It said that somebody would knock at the "
    "door before morning, and that he should not be afraid. He read it twice, put down the pen, and listened. Outside, "
    "above the noise of the sea, he heard"
)

#: size of a context, in tokens
_N_CTX = 512


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options for the model and the prompt."""
    parser.add_argument("prompt", nargs="?", type=arguments.prompt_text, help="text to study (one of about 100 tokens)")
    add_file(parser)
    parser.add_argument("--chat", action="store_true", help="the prompt is a message: use the model's chat template")
    parser.add_argument(
        "--sink", type=int, default=DEFAULT_SINK, metavar="N", help="first positions that are never dosed (%(default)s)"
    )
    parser.add_argument(
        "-c", "--ctx-size", type=arguments.count, default=_N_CTX, metavar="N", help="context in tokens (%(default)s)"
    )


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the options for the model's file and the hardware."""
    parser.add_argument("-m", "--model", metavar="FILE", help="a GGUF model (the default model)")
    parser.add_argument("-t", "--threads", type=arguments.count, metavar="N", help="threads to compute with")
    parser.add_argument(
        "-ngl", "--n-gpu-layers", type=int, default=0, metavar="N", help="layers on a graphics card (0)"
    )


def load_model(options: argparse.Namespace) -> Llama:
    """Load the model that the options name."""
    return _load(options, options.ctx_size, options.sink)


def load_file(options: argparse.Namespace) -> Llama:
    """The model that the options of :func:`add_file` name."""
    return _load(options, _N_CTX, DEFAULT_SINK)


def _load(options: argparse.Namespace, n_ctx: int, sink: int) -> Llama:
    with Progress("loading the model"):
        return Llama(
            options.model or default_model(),
            n_ctx=n_ctx,
            n_threads=options.threads,
            n_threads_batch=options.threads,
            n_gpu_layers=options.n_gpu_layers,
            sink=sink,
            verbose=False,
        )


def text_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the prompt as arguments for methods of a model."""
    prompt = options.prompt or DEFAULT_PROMPT
    return {"messages": [{"role": "user", "content": prompt}]} if options.chat else {"prompt": prompt}

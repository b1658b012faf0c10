"""The section on what traces read: hidden states, heads, attention weights, the logit lens."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.fidelity.hidden import Compared, Inside
from benchmarks.report import markdown

#: largest relative error if keys and values are cached in 32 bits
BOUND = 1e-3

SECTION = """\
## Hidden states

These results come from `{command}`, on a processor that reports the name "{cpu}".

`llm.trace` reads what the engine computes inside. The independent model computes the same numbers in PyTorch, in
float32, for a sober text: the embedding, the output of each layer, the last one also after the final norm, the logits,
and for each head its output and its attention weights. It implements Llama, Qwen2 and GPT-2. The engine gets the
dequantized weights in a file of 32-bit floats.

Each number is the largest relative error at any position, layer and head: the length of the difference between two
vectors, divided by the length of PyTorch's. Attention weights form one vector for each head and position. The lens is
`trace.lens()` of all layers, compared with PyTorch's norm and head applied to its own hidden states.

{verdict}

{table}
By default, the engine caches keys and values in 16 bits, and rounds queries and attention weights to 16 bits as well.
This causes the difference between the two lines of a model. It is large where keys are large: those in the first layer
of Qwen2.5-Coder-0.5B have a bias of up to 145. For exact traces, load a model with `type_k` and `type_v` set to
`llama_cpp.GGML_TYPE_F32`, and without flash attention, which rounds to 16 bits even then.

On the CPU, llama.cpp looks up GELU in a table of 16-bit floats. The independent GPT-2 rounds its arguments and results
in the same way. A number halfway between two numbers in the table may be rounded up on one side and down on the other,
so the errors of GPT-2 are larger than those of the other models.
"""

_HEAD = {
    "hidden": "hidden states",
    "norm": "after the norm",
    "logits": "logits",
    "heads": "heads",
    "attention": "attention weights",
    "lens": "lens",
}


def hidden_section(lines: Sequence[Compared], cpu: str, command: str) -> str:
    """Describe what was compared and what came out.

    Args:
        lines: one for each model and type of the cache.
        cpu: name of the processor.
        command: the command line that measured this.
    """
    exact = [line for line in lines if line.cache == "32 bits"]
    outside = [line.model for line in exact if max(line.errors.values()) > BOUND]
    verdict = (
        f"With a 32-bit cache, the largest error of all is {max(max(line.errors.values()) for line in exact):.1e}; "
        f"the bound is {BOUND:g}."
    )
    if outside:
        verdict += f" Above it: {', '.join(outside)}."
    return SECTION.format(command=command, cpu=cpu, verdict=verdict, table=_table(lines))


def _table(lines: Sequence[Compared]) -> str:
    head = ["model", "architecture", "weights", "tokens", "cache", *(_HEAD[part] for part in Inside._fields)]
    return markdown(
        head,
        [
            [
                line.model,
                line.architecture,
                "float32",
                str(line.n_tokens),
                line.cache,
                *(f"{line.errors[part]:.1e}" for part in Inside._fields),
            ]
            for line in lines
        ],
    )

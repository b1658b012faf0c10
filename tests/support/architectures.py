"""Which sites every architecture has, measured on tiny random models: writes docs/architectures.md.

usage: python -m support.architectures    (`make architectures` builds what it needs and runs it)

An architecture that is not in the document yet needs one of: a model from upstream's test-llama-archs, a few lines in
metadata_model.py, or a line in UNMEASURED. A missing site needs a line in REASONS or OTHER_LAYERS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drugs_cpp import SITES, _core
from support.low_level import Context
from support.tiny_architectures import F32, open_model, tiny_models

Bools = npt.NDArray[np.bool_]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "architectures.md"

#: layers without attention, in models that have both kinds
OTHER_LAYERS: Mapping[str, str] = {
    "bailingmoe3": "linear attention (KDA)",
    "glm5-next": "linear attention (KDA)",
    "granitehybrid": "Mamba 2",
    "jamba": "Mamba",
    "kimi-k3": "linear attention (KDA)",
    "kimi-linear": "linear attention (KDA)",
    "lfm2": "short convolutions",
    "lfm2moe": "short convolutions",
    "minimax-01": "linear attention (lightning)",
    "nemotron_h": "Mamba 2 or feed-forward",
    "nemotron_h_moe": "Mamba 2 or feed-forward",
    "plamo2": "Mamba",
    "qwen35": "linear attention (gated delta net)",
    "qwen35moe": "linear attention (gated delta net)",
    "qwen3next": "linear attention (gated delta net)",
    "qwen4exp": "linear attention (gated delta net)",
}

LATENT = "keys and values are one cached vector, which `pK` turns"
SHARED = "the last layers read keys and values that earlier ones cached"
RECURRENT = "recurrent: no heads, no cache of keys and values"

#: why an architecture does not have every site except M in every layer with attention
REASONS: Mapping[str, str] = {
    **dict.fromkeys(("bailingmoe3", "deepseek2", "deepseek32", "dots3note", "glm-dsa"), LATENT),
    **dict.fromkeys(("hy_v4", "kimi-k3", "kimi-linear", "mistral4"), LATENT),
    "deepseek4": f"{LATENT}; it reads most of them compressed, several positions in one",
    "glm5-next": f"{LATENT}; it gathers the few that it reads, in its own code",
    "minimax-m3": "sparse layers read keys and values in their own fused code, with flash attention",
    **dict.fromkeys(("gemma3n", "gemma4"), SHARED),
    **dict.fromkeys(("mamba", "mamba2", "rwkv6"), RECURRENT),
}

#: why an architecture does not have M in every layer
MLP_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("mamba", "mamba2"), "no MLP"),
    **dict.fromkeys(("nemotron_h", "nemotron_h_moe"), "a layer is attention, Mamba 2 or an MLP"),
}

#: not measured, and why
UNMEASURED: Mapping[str, str] = {
    "chameleon": "llama.cpp implements only half of it",
    "clip": "an image encoder, which llama.cpp runs in another library",
    "dflash": "drafts tokens for another model, which checks them",
    "eagle3": "drafts tokens for another model, which checks them",
    "gemma4-assistant": "drafts tokens for another model, which checks them",
    "gptj": "llama.cpp does not run it",
    "jina-bert-v2": "its graph is the same as `bert`'s; no tiny model of it runs",
    **dict.fromkeys(("arwkv7", "rwkv6qwen2", "rwkv7"), f"{RECURRENT}; it has `M`, but no tiny model of it runs well"),
    "wavtokenizer-dec": "turns codes into sound; its attention is not a language model's",
}


STREAMS = "several residual streams are mixed after the last layer"

#: architectures without a logit lens, and why; models that predict no tokens do not have one either
WITHOUT_LENS: Mapping[str, str] = {
    **dict.fromkeys(("deepseek4", "hy_v4", "qwen4exp"), STREAMS),
    "kimi-k3": "its head also reads the outputs of earlier layers",
}

#: layers that have heads, but whose attention weights cannot be read
WITHOUT_WEIGHTS: Mapping[str, str] = {
    "deepseek4": "it attends to compressed positions, several in one",
    "glm5-next": "it gathers the positions it attends to",
    "minimax-m3": "sparse layers attend in their own fused code",
}


def dose_table(ctx: Context, site: str, layers: slice = slice(None), angle: float = 0.5) -> F32:
    table = np.zeros((_core.n_layer(ctx.address), len(SITES)), np.float32)
    table[layers, SITES.index(site)] = angle
    return table


def available_sites(ctx: Context, noise: str = "isotropic") -> Bools:
    """Whether a layer has a site, (n_layer, n_sites)."""
    return _core.has_sites(ctx.address, noise)


#
# the document
#

HEAD = """# Which architecture has which site

`make architectures` writes this file. It builds a tiny random model of every architecture (llama.cpp's
`test-llama-archs` writes most of them), doses one layer and site at a time, and looks at the compute graph. The tests
repeat this. For every site that exists, they also check that a dose there changes the output, that without it the
output is sober, bit for bit, that the noise depends only on the seed, and that a cold shower makes the cache sober.

"yes" means in every layer with attention, and for `M` in every layer. If a model also has other layers, their only site
is `M`, because they have no heads. In a mixture of experts, `M` turns what the chosen and the shared experts compute.
If a site is missing, the remarks say why. A dose at a site that a model does not have is an error. If keys and values
are one cached vector (multi-head latent attention), `K` and `V` turn that vector as scores and sums read it, before it
is expanded into heads. Cross attention is never dosed.

`llm.trace` reads the hidden states of every layer in all of these models, and in layers with heads the heads' outputs
and attention weights. Attention weights are not available for DeepSeek-V4 and GLM-5 Next, which attend to compressed or
gathered positions, or for the sparse layers of MiniMax M3. If a model has several residual streams (DeepSeek-V4, Gemma
3n, HY V4, Qwen4), the first is read. There is no logit lens for DeepSeek-V4, HY V4 and Qwen4, which mix several streams
after the last layer, or for Kimi K3, whose head also reads the outputs of earlier layers.

"""

MEASURED = f"| architecture | {' | '.join(SITES)} | remarks |\n| --- |{' --- |' * len(SITES)} --- |\n"
NOT_MEASURED = "\nNot measured:\n\n| architecture | why |\n| --- | --- |\n"


def row_of(architecture: str, found: Bools) -> str:
    """A line of the table, from what was measured and from the reasons above."""
    heads, mlp = found[:, : len(SITES) - 1], found[:, -1:]  # M is the last site
    attention = heads[heads.any(axis=1)]
    cells = [_cell(has) for has in (*attention.T, *mlp.T)]
    remarks = []
    if set(cells[:-1]) != {"yes"}:
        remarks.append(REASONS[architecture])
    if cells[-1] != "yes":
        remarks.append(MLP_REASONS[architecture])
    if 0 < len(attention) < len(found):
        remarks.append(f"other layers: {OTHER_LAYERS[architecture]}")
    return f"| {' | '.join([f'`{architecture}`', *cells, '; '.join(remarks)])} |".replace("|  |", "| |")


def _cell(has: Bools) -> str:
    return "yes" if len(has) and has.all() else "some layers" if has.any() else "no"


def unmeasured_rows() -> list[str]:
    return [f"| `{architecture}` | {why} |" for architecture, why in sorted(UNMEASURED.items())]


def documented_rows() -> dict[str, str]:
    """Architecture -> its line in the document's first table."""
    measured = DOCUMENT.read_text(encoding="utf-8").partition(NOT_MEASURED)[0]
    return {line.split("`")[1]: line for line in measured.splitlines() if line.startswith("| `")}


def known_architectures(program: str) -> list[str]:
    """All architectures that llama.cpp knows, from the source of the program."""
    source = Path(program).resolve().parent.parent / "llama.cpp" / "src" / "llama-arch.cpp"
    names = re.findall(r'\{ LLM_ARCH_\w+, *"([^"(]+)"', source.read_text(encoding="utf-8"))
    return sorted(names)


def measure(architecture: str, program: str) -> Bools:
    with tiny_models(architecture, program) as paths, open_model(architecture, paths[0] if paths else None) as ctx:
        return available_sites(ctx)


def main() -> None:
    program = os.environ["DRUGS_TEST_LLAMA_ARCHS"]
    names = [name for name in known_architectures(program) if name not in UNMEASURED]
    rows = [row_of(name, measure(name, program)) for name in names]
    text = HEAD + MEASURED + "\n".join(rows) + "\n" + NOT_MEASURED + "\n".join(unmeasured_rows()) + "\n"
    DOCUMENT.write_text(text, encoding="utf-8")
    print(f"wrote {len(rows)} architectures to {DOCUMENT.name}")


if __name__ == "__main__":
    main()

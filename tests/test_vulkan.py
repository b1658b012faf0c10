"""What is particular to Vulkan. `make check-vulkan` runs this, and the tests of graphics cards.

It takes any device. Mesa's llvmpipe is one, on the processor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import MakeLlama, built_by_make
from drugs_cpp import DRUGS, SITES, _core
from support.process import run_python
from support.program import Server, run_drugs
from support.serving import TINY, sober_text, text
from support.vulkan_run import LAST

N_LAYER = 3  # of the tiny model

#: Dispatches more in a layer, if not one. Turned scores take the place of a product of matrices, and so do turned
#: values, which a second shader finishes. Turned keys separate RoPE from writing to the cache, which upstream's shader
#: does at once.
MORE = {"K": 0, "pK": 2}

pytestmark = pytest.mark.skipif(
    not any(device["name"].startswith("Vulkan") for device in _core.devices()),
    reason="no Vulkan device: `make check-vulkan` tests one",
)


@dataclass(frozen=True)
class Cost:
    """What a card sees of a token."""

    n_dispatches: int
    n_splits: int


def cost(path: str, flash_attn: bool, *sites: str) -> Cost:
    said = run_python(
        *("-m", "support.vulkan_run", path, str(int(flash_attn)), *sites), GGML_SCHED_DEBUG="2", GGML_VK_PERF_LOGGER="1"
    )
    assert said.returncode == 0, said.stderr
    before, _, last = said.stderr.partition(LAST)
    ops = {name: int(n) for name, n in re.findall(r"^(.+): (\d+) x \S+ us = ", last, re.M)}
    splits = [int(number) for number in re.findall(r"## SPLIT #(\d+)", before)]
    return Cost(sum(ops.values()) + ops.get("RANDOM_ROTATE_VALUES", 0), splits[-1] + 1)  # values take two


def test_an_op_a_site_and_no_more_splits(tiny_model_path: str) -> None:
    sober, flash = cost(tiny_model_path, False), cost(tiny_model_path, True)
    print(f"\nsober: {sober}; with flash attention: {flash}")
    for site in SITES:
        dosed = cost(tiny_model_path, False, site)
        print(f"{site}: {dosed}")
        assert dosed == Cost(sober.n_dispatches + MORE.get(site, 1) * N_LAYER, sober.n_splits), site
        assert cost(tiny_model_path, True, site).n_splits <= flash.n_splits
    print(f"all: {cost(tiny_model_path, False, *SITES)}")


def test_variations(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, n_gpu_layers=-1, drugs=DRUGS(A=0.5, H=0.5, K=0.5, V=0.5))

    def texts() -> list[str]:
        choices = llm.variations("Once upon", seeds=[1, 2, 3, 4], max_tokens=24)["choices"]
        return [choice["text"] for choice in choices]

    first = texts()
    assert len(set(first)) == 4
    assert texts() == first


def test_server(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY, "-ngl", "99", "-v") as server:
        dosed = [text(server, {"A": 0.5, "K": 0.5, "V": 0.5, "seed": seed}) for seed in (1, 2, 1)]
        assert "Vulkan0" in server.log
        assert dosed[0] == dosed[2]
        assert len({*dosed, sober_text(server)}) == 3


def test_a_graph_that_grows_with_a_dose(tiny_model_path: str, tmp_path: Path) -> None:
    """It gets new memory, and the old one is freed while descriptor sets still name it."""
    text = tmp_path / "text.txt"
    text.write_text("The keeper of the lighthouse wrote down the weather every evening. " * 20, encoding="utf-8")
    for _ in range(3):
        done = run_drugs(
            *("perplexity", "-m", tiny_model_path, "-ngl", "99", "-f", str(text), "-c", "128", "--dose", "H=0.3")
        )
        assert done.returncode == 0, done.stderr[-2000:]


VALIDATION = Path("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json")


def messages(*arguments: str, **environment: str) -> set[str]:
    """What the validation layers say, also about results that are read before they are written."""
    layers = {
        "VK_INSTANCE_LAYERS": "VK_LAYER_KHRONOS_validation",
        "VK_LAYER_ENABLES": "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT",
    }
    ran = run_python(*arguments, **layers, **environment)
    assert ran.returncode == 0, ran.stderr
    return set(re.findall(r"(?:VUID|SYNC|UNASSIGNED)-[\w-]+", ran.stdout + ran.stderr))


@pytest.mark.skipif(not VALIDATION.exists(), reason="apt install vulkan-validationlayers, then `make check-vulkan`")
def test_validation_layers_say_nothing_new(tiny_model_path: str) -> None:
    unpatched = {"LLAMA_CPP_LIB_PATH": built_by_make("DRUGS_UNPATCHED_LIB")}
    sober = "import sys; from support.low_level import Context; Context(sys.argv[1]).feed([1, 40, 41, 42])"
    known = messages("-c", sober, tiny_model_path, DRUGS_TEST_GPU_LAYERS="-1", **unpatched)
    for flash_attn in ("0", "1"):
        assert messages("-m", "support.vulkan_run", tiny_model_path, flash_attn, *SITES) <= known
    harness = [built_by_make("DRUGS_TEST_BACKEND_OPS"), "test", "-b", "Vulkan0", "-o"]
    for ops in ("RANDOM_ROTATE", "RANDOM_ROTATE_SCORES_VALUES"):
        assert messages("-c", f"import subprocess; subprocess.run({[*harness, ops]}, check=True)") <= known

"""Feeds a few tokens one by one with all layers on the card, for what the libraries then say on stderr.

usage: python -m support.vulkan_run MODEL FLASH_ATTENTION SITE...    (0 or 1; no sites: sober)
"""

from __future__ import annotations

import sys

from drugs_cpp import DRUGS, Llama

LAST = "the last token"  # said before its graph is computed


def main(path: str, flash_attn: bool, sites: list[str]) -> None:
    drugs = DRUGS(dict.fromkeys(sites, 0.5), seed=7)
    llm = Llama(path, n_gpu_layers=-1, n_ctx=256, flash_attn=flash_attn, drugs=drugs, dose_inputs=True, verbose=True)
    llm.eval([1, 40, 41, 42])
    llm.eval([43])
    llm.eval([44])
    print(LAST, file=sys.stderr, flush=True)
    llm.eval([45])


if __name__ == "__main__":
    main(sys.argv[1], bool(int(sys.argv[2])), sys.argv[3:])

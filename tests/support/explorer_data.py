"""Made-up sweeps for the explorer: random words, and numbers that follow the dose."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.setting import Setting
from drugs_cpp.study.site_data import Block, Cell, SiteData, Text
from drugs_cpp.study.sweep_store import ModelInfo

_SOME = """
the a one this sea lamp keeper night wind stair log door ship wave light tower rope stone gull storm morning opened
closed heard saw wrote climbed lit found knew waited slowly once again never quiet old small cold bright and but
while before after under over near with without
"""

WORDS = _SOME.split()

MODELS = (
    ModelInfo("a" * 64, "SmolLM2-135M-Instruct", "Q4_1", "llama"),
    ModelInfo("b" * 64, "SmolLM2-135M-Instruct", "Q8_0", "llama"),
    ModelInfo("imported:Other-1B", "Other-1B", "Q4_1", "qwen2"),
)

PROMPTS = (
    Prompt("lighthouse", (("system", "Be brief."), ("user", "Tell me of a 'lighthouse'."))),
    Prompt("sea", (), "The sea was"),
)

PLAIN = Setting("sober", 0.0, "all", None, "interpolate", "isotropic", (), 64, False, 6)

MIDDLE = ((0.0, 0.0), (0.5, 1.0), (1.0, 0.0))

DOSES = {"H": (0.05, 0.1, 0.2, 0.5), "A": (0.1, 0.2, 0.35, 0.5, 0.8), "V": (0.2, 0.4, 0.8)}

SAMPLERS = ({"temperature": 0.5}, {"temperature": 0.8, "min_p": 0.05}, {"temperature": 1.2})

#: text of the first sober cell, and of A at 0.35 there with seed 1
SOBER_TEXT = "The lamp was lit. The keeper climbed the stairs and looked at the sea."
DOSED_TEXT = "The lamp was lit. The keeper closed the log and slept for a day. Nobody looked at the sea."

#: strings that could break a script or a page, as texts of H at 0.5
HOSTILE = (
    "</script><script>window.broken = true</script>",
    "<img src=x onerror='window.broken = true'> & &amp; <!-- \\",
    "line\u2028paragraph\u2029 ' \" ` ${window.broken = true} \\u0027 \\' \0 \x1f",
    "half \ud83d of a letter, \U0001f6a2 and 灯台の夜は静かだった。 \u202eright to left",
)


def small_site() -> SiteData:
    """A few hundred texts: two models, one of them in two quantizations, with a site, a dose and a prompt missing."""
    settings = list(_settings())
    blocks = [
        _block(settings, 0, 0, lambda _: True),
        _block(settings, 0, 1, lambda _: True),
        _block(settings, 1, 0, lambda s: s.site != "sampler"),
        _block(settings, 2, 0, lambda s: s.site != "V" and (s.site != "A" or s.dose > 0.3)),
    ]
    return SiteData("A small sweep", "0.1.0", MODELS, PROMPTS, settings, blocks, "a processor")


def imported_site() -> SiteData:
    """The same texts as published by others, without measures and sums."""
    site = small_site()
    blocks = [
        replace(
            block,
            cells=[Cell(cell.setting, cell.n_texts, {}) for cell in block.cells],
            texts=[
                replace(text, n_tokens=None, log_likelihood=None, parted=None, seconds=None) for text in block.texts
            ],
        )
        for block in site.blocks
    ]
    return replace(site, title="Imported", models=[replace(m, key="", architecture="") for m in MODELS], blocks=blocks)


def mixed_site() -> SiteData:
    """A small sweep next to findings of others: only doses, with a few measures, and of unknown length."""
    site = small_site()
    theirs = [
        replace(PLAIN, site=site, dose=dose, profile="middle", shape=MIDDLE, max_tokens=0, dose_inputs=True)
        for site in ("K", "A")
        for dose in (0.01, 0.2, 0.5)
    ]
    chance = random.Random("mixed")
    numbers = range(len(site.settings), len(site.settings) + len(theirs))
    texts = [
        Text(number, seed, _words(chance, 30), None, "", None, None, 0.6, 0.05, None)
        for number in numbers
        for seed in (1, 2)
    ]
    cells = [Cell(number, 2, {"self_bleu": 0.1 * i, "repeated": 0.05 * i}) for i, number in enumerate(numbers)]
    blocks = [site.blocks[0], Block(2, 0, cells, texts)]
    return replace(site, title="Mixed", settings=[*site.settings, *theirs], blocks=blocks)


def _settings() -> Iterator[Setting]:
    yield PLAIN
    for site, doses in DOSES.items():
        for dose in doses:
            yield replace(PLAIN, site=site, dose=dose)
            if site == "A":
                yield replace(PLAIN, site=site, dose=dose, profile="middle", shape=MIDDLE)
    for site, dose in (("H", 0.1), ("H", 0.2), ("A", 0.35)):
        yield replace(PLAIN, site=site, dose=dose, noise="reference")
    for sampler in SAMPLERS:
        yield replace(PLAIN, site="sampler", sampler=tuple(sorted(sampler.items())))


def _block(settings: Sequence[Setting], model: int, prompt: int, has: Callable[[Setting], bool]) -> Block:
    chance = random.Random(f"{model} {prompt}")
    cells, texts = [], []
    for number, setting in enumerate(settings):
        if has(setting):
            seeds = [0] if setting.site == "sober" else range(1, 5)
            texts += [_text(number, seed, setting, chance) for seed in seeds]
            cells.append(_cell(number, setting, len(seeds)))
    return Block(model, prompt, cells, texts)


def _text(number: int, seed: int, setting: Setting, chance: random.Random) -> Text:
    words = _words(chance, 30)
    if setting.site == "sober":
        words = SOBER_TEXT
    elif (setting.site, setting.dose, setting.profile, setting.noise, seed) == ("A", 0.35, "all", "isotropic", 1):
        words = DOSED_TEXT
    elif (setting.site, setting.dose) == ("H", 0.5):
        words = HOSTILE[(seed - 1) % len(HOSTILE)]
    likelihood = -1 - 2 * _strength(setting) - 0.01 * seed
    return Text(number, seed, words, 40, "stop", likelihood, None if setting.site == "sober" else seed, 0.6, 0.05, 0.25)


def _cell(number: int, setting: Setting, n_texts: int) -> Cell:
    strength = _strength(setting)
    measures: dict[str, float | None] = {
        "log_likelihood": -1 - 2 * strength,
        "vendi": 1 + 3 * strength,
        "self_bleu": 1 - strength / 2,
    }
    if setting.site == "sober":
        measures = {"log_likelihood": -1.0, "vendi": None, "self_bleu": None}
    return Cell(number, n_texts, {**measures, "distinct_1": None, "n_tokens": 40.0, "parted": float("nan")})


def _strength(setting: Setting) -> float:
    return dict(setting.sampler).get("temperature", 0.0) / 2 if setting.sampler else setting.dose


def _words(chance: random.Random, n: int) -> str:
    words = chance.choices(WORDS, k=n)
    return " ".join(words).capitalize() + "."

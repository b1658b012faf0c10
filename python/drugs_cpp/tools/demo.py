"""The demo: a sober text, then dosed ones to compare with it."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drugs_cpp.default_model import default_model
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.hold import Hold
from drugs_cpp.doses.kinds import ISOTROPIC
from drugs_cpp.doses.text import write_doses
from drugs_cpp.errors import ContextOverflowError
from drugs_cpp.model.llama import Llama
from drugs_cpp.progress import Progress
from drugs_cpp.tools.highlight import mark_words
from drugs_cpp.tools.terminal import Page

DEFAULT_PROMPT = "Write the opening of a story about a lighthouse keeper."

DEFAULT_TOKENS = 48

#: what is shown if the user gives no dose
DEFAULT_DOSES: tuple[dict[str, float], ...] = (
    {"A": 0.25},
    {"H": 0.2},
    {"K": 0.2},
    {"pK": 0.15, "pV": 0.3},
)

_SEEDS_OF_MANY_DOSES, _SEEDS_OF_ONE_DOSE = (1, 2), (1, 2, 3)

_LARGEST_CONTEXT = 8192  # tokens

_TEMPLATE_ROOM = 512  # tokens that a chat template may add to a prompt


@dataclass(frozen=True)
class DemoSettings:
    """The user's settings.

    Attributes:
        model: path of a GGUF file; None: the default model.
        prompt: what to continue or answer.
        doses: site -> radians; empty: the default doses, one after the other.
        noise: how directions are drawn, "isotropic" or "reference".
        hold: for how many tokens a turn stays the same, as for ``DRUGS``; None: 1.
        seeds: each dose is run once with each seed; empty: a few seeds.
        n_tokens: length of each text, in tokens.
        n_threads: None: one for each physical core that this process may use.
        raw: continue the prompt as it is, without the model's chat template.
    """

    model: str | None = None
    prompt: str = DEFAULT_PROMPT
    doses: dict[str, float] = field(default_factory=dict)
    noise: str = ISOTROPIC
    hold: Hold | None = None
    seeds: tuple[int, ...] = ()
    n_tokens: int = DEFAULT_TOKENS
    n_threads: int | None = None
    raw: bool = False

    def plan(self) -> list[DRUGS]:
        """Return the dosed runs, in order.

        Raises:
            DoseError: an unknown site, or not an angle.
            SeedError: a seed out of range.
        """
        seeds = self.seeds or (_SEEDS_OF_ONE_DOSE if self.doses else _SEEDS_OF_MANY_DOSES)
        doses = [self.doses] if self.doses else DEFAULT_DOSES
        return [DRUGS(dose, seed=seed, noise=self.noise, hold=self.hold) for dose in doses for seed in seeds]


def run_demo(settings: DemoSettings) -> None:
    """Load the model, and write the sober text and the dosed ones to stdout.

    Raises:
        DrugsError: anything that the user can fix.
    """
    plan = settings.plan()
    path = default_model() if settings.model is None else settings.model
    with Progress(f"loading {Path(path).name}"):
        llm = _load(path, settings)
    page = Page(sys.stdout)
    page.heading(f"{Path(path).name}, {llm.n_threads} thread{'s' if llm.n_threads > 1 else ''}")
    page.note(textwrap.shorten(settings.prompt, 200, placeholder=" ..."))
    sober = _Run(llm, settings, DRUGS(seed=0), f"1/{len(plan) + 1} sober")
    sober.write(page, None)
    for number, drugs in enumerate(plan, start=2):
        _Run(llm, settings, drugs, f"{number}/{len(plan) + 1} {_title(drugs)}").write(page, sober)
    _say_how(page, settings, plan[0], is_chat=_is_chat(llm, settings))


def _load(path: str, settings: DemoSettings) -> Llama:
    # a token is at least one byte, so the text's length bounds its number of tokens
    room = len(settings.prompt.encode()) + _TEMPLATE_ROOM + settings.n_tokens
    n_threads = settings.n_threads
    llm = Llama(path, n_ctx=min(room, _LARGEST_CONTEXT), n_threads=n_threads, n_threads_batch=n_threads, verbose=False)
    n_prompt = len(llm.tokenize(settings.prompt.encode(), add_bos=False))
    if n_prompt >= llm.n_ctx():
        raise ContextOverflowError(
            f"the prompt has {n_prompt} tokens, but the demo takes {_LARGEST_CONTEXT} at most: shorten it"
        )
    return llm


def _is_chat(llm: Llama, settings: DemoSettings) -> bool:
    return not settings.raw and "tokenizer.chat_template" in llm.metadata


def _title(drugs: DRUGS) -> str:
    return f"{write_doses(drugs.dosage)}, seed {drugs.seed}"


class _Run:
    """One text, and how fast it was generated."""

    def __init__(self, llm: Llama, settings: DemoSettings, drugs: DRUGS, title: str) -> None:
        self.llm = llm
        self.settings = settings
        self.drugs = drugs
        self.title = title
        self.text = ""
        self.speed: float | None = None  # tokens/s; None if there were too few tokens to tell

    def write(self, page: Page, sober: _Run | None) -> None:
        page.heading(self.title)
        with Progress(self.title) as progress:
            page.words(mark_words(self._pieces(progress), None if sober is None else sober.text))
        page.note(self._speed_note())

    def _pieces(self, progress: Progress) -> Iterator[str]:
        """Yield the text as it comes. Only the model's time from the first token on counts: the prompt is not dosed."""
        self.llm.drugs = self.drugs
        chunks = _start(self.llm, self.settings)
        seconds, first = 0.0, None
        while True:
            start = time.perf_counter()
            piece = next(chunks, None)
            if first is not None:
                seconds += time.perf_counter() - start
            if piece is None:
                break
            if piece and first is None:
                first = self.llm.n_tokens
            if sys.stdout.isatty():
                progress.hide()  # the text itself shows that something is going on
            else:
                progress.show(f"{self.title}: {self.llm.n_tokens - (first or 0)} of {self.settings.n_tokens} tokens")
            self.text += piece
            yield piece
        n_timed = 0 if first is None else self.llm.n_tokens - first
        self.speed = n_timed / seconds if n_timed and seconds else None

    def _speed_note(self) -> str:
        return "too short to measure its speed" if self.speed is None else f"{self.speed:.1f} tokens/s"


def _start(llm: Llama, settings: DemoSettings) -> Iterator[str]:
    options: dict[str, Any] = {"max_tokens": settings.n_tokens, "stream": True, "seed": llm.drugs.seed}
    chunk: Any
    if not _is_chat(llm, settings):
        for chunk in llm.create_completion(settings.prompt, **options):
            yield chunk["choices"][0]["text"]
        return
    for chunk in llm.create_chat_completion([{"role": "user", "content": settings.prompt}], **options):
        yield chunk["choices"][0]["delta"].get("content") or ""


def _say_how(page: Page, settings: DemoSettings, drugs: DRUGS, is_chat: bool) -> None:
    model = "drugs_cpp.default_model()" if settings.model is None else repr(settings.model)
    call = "create_chat_completion([{'role': 'user', 'content': ...}]" if is_chat else "create_completion(..."
    page.heading("The same from Python")
    page.note(f"llm = drugs_cpp.Llama({model}, drugs=drugs_cpp.{drugs!r})")
    page.note(f"llm.{call}, max_tokens={settings.n_tokens})")

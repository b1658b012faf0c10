"""``SweepWorker``: a loaded model that writes the texts of a sweep, and reads them again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.sites import SITES
from drugs_cpp.engine.inputs import check_inputs
from drugs_cpp.engine.scorer import Score, Scorer
from drugs_cpp.errors import ContextOverflowError, DoseError, PromptError
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model import completion
from drugs_cpp.model.llama import Llama
from drugs_cpp.model.texts import TextOrder, Written, write_texts
from drugs_cpp.study.machine import build, cpu_name
from drugs_cpp.study.measures import compressibility, parted_at, repeated
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_store import ModelInfo, TextRow

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.model.chat_prompt import ChatPrompt
    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.sweep_plan import SweepPlan

    Tokens = npt.NDArray[np.int32]

#: size of a Llama's own context, which is not used: decoding and measuring use separate contexts
_N_CTX = 512


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker computes.

    Attributes:
        n_threads: None: one for each physical core.
        n_gpu_layers: number of layers on a graphics card.
        n_parallel: texts decoded at a time; None: as many as fit in memory, at most 64.
        likelihood: texts are read again by the sober model, for their likelihood and embedding. That takes about half
            as long as writing them.
    """

    n_threads: int | None = None
    n_gpu_layers: int = 0
    n_parallel: int | None = None
    likelihood: bool = True


class SweepWorker:
    """Loads a model. It has to be closed; ``with`` does so.

    Args:
        path: of a GGUF file.
        plan: the prompts and settings to check.
        options: how it computes.

    Attributes:
        info: describes the model.
        origin: build and processor that compute its texts.

    Raises:
        DoseError: the plan has a site that the model lacks.
        ContextOverflowError: a prompt and its text do not fit in the model's context.
        PromptError: a prompt that the model cannot read.
    """

    def __init__(self, path: str, plan: SweepPlan, options: WorkerOptions) -> None:
        self._options = options
        self._sober_setting = plan.sober
        self._llm = Llama(
            path,
            n_ctx=_N_CTX,
            n_threads=options.n_threads,
            n_threads_batch=options.n_threads,
            n_gpu_layers=options.n_gpu_layers,
            sink=plan.sober.sink,
            dose_inputs=check_inputs(plan.sober.dose_inputs),
            verbose=False,
        )
        self._repeatable = _core.can_repeat(self._llm.engine.session.address)
        self._llm.engine.dosing.repeatable = self._repeatable
        self._sober: dict[Prompt, Tokens] = {}
        try:
            self._check(path, plan)
            self.info = _info(self._llm, path)
        except BaseException:
            self.close()
            raise
        self.origin = {**build(), "cpu": cpu_name(), "repeatable": self._repeatable, "gpu_layers": options.n_gpu_layers}

    def __enter__(self) -> SweepWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model."""
        self._llm.close()

    def _check(self, path: str, plan: SweepPlan) -> None:
        has = _core.has_sites(self._llm.engine.session.address)
        for site in dict.fromkeys(setting.site for setting in plan.settings if setting.is_dosed):
            if not has[:, SITES.index(site)].any():
                raise DoseError(f"{path} has no site {site}: leave it out")
        most, max_tokens = self._llm.engine.settings.n_ctx_train, plan.sober.max_tokens
        for prompt in plan.prompts:
            n_prompt = len(self._tokens(prompt).tokens)
            if n_prompt + max_tokens > most:
                raise ContextOverflowError(
                    f"the prompt {prompt.name!r} has {n_prompt} tokens, and {max_tokens} more do not fit into the "
                    f"context of {path}, {most} tokens: shorten it, or give a smaller max_tokens"
                )

    def _tokens(self, prompt: Prompt) -> ChatPrompt:
        if prompt.messages and not self._llm.has_chat_template:
            raise PromptError(
                f"{self._llm.model_path} has no chat template, so it cannot answer {prompt.name!r}: give the prompt as "
                "a text to continue (raw = true, or --raw)"
            )
        return self._llm.prompt_of(**prompt.arguments)

    def write(
        self, prompt: Prompt, orders: Sequence[tuple[Setting, int]], sober: Tokens | None = None
    ) -> Iterator[tuple[Setting, TextRow]]:
        """Write texts, and yield each, without its likelihood, as soon as it is finished and the sober text is known.

        Args:
            prompt: of all texts.
            orders: setting and seed of each.
            sober: tokens of the sober text. None: it is written with the others and yielded as well, unless it is
                already known.
        """
        if sober is not None:
            self._sober[prompt] = sober
        if prompt not in self._sober and (self._sober_setting, 0) not in orders:
            orders = [(self._sober_setting, 0), *orders]
        waiting: list[tuple[Setting, int, Written]] = []
        for written in self._written(self._tokens(prompt), orders):
            setting, seed = orders[written.index]
            if setting.site == SOBER:
                self._sober[prompt] = np.array(written.tokens, np.int32)
            waiting.append((setting, seed, written))
            while waiting and prompt in self._sober:
                some_setting, some_seed, some = waiting.pop(0)
                yield some_setting, _row(some_seed, some, self._sober[prompt])

    def _written(self, tokens: ChatPrompt, orders: Sequence[tuple[Setting, int]]) -> Iterator[Written]:
        wanted = [TextOrder(seed, setting.drugs, _engine_options(setting.sampler_options)) for setting, seed in orders]
        max_tokens = self._sober_setting.max_tokens
        return write_texts(self._llm.engine, tokens, wanted, max_tokens, self._options.n_parallel)

    def score(self, prompt: Prompt, texts: Sequence[Tokens]) -> Iterator[tuple[int, float, npt.NDArray[np.float16]]]:
        """Let the sober model read texts of one token or more; those with a common prefix are read one after another.

        Yields:
            Index of a text; mean log-likelihood of its tokens, in nats; and its embedding, float16 (n_embd,), the mean
            of the last layer's output at its tokens.
        """
        n_tokens = self._sober_setting.max_tokens + completion.LONGEST_CHARACTER - 1
        scorer = Scorer(self._llm.engine.settings, self._tokens(prompt).tokens, n_tokens, self._repeatable)
        with contextlib.closing(scorer):
            for index in sorted(range(len(texts)), key=lambda i: texts[i].tolist()):
                yield (index, *_of_text(scorer.score(texts[index])))


def _row(seed: int, written: Written, sober: Tokens) -> TextRow:
    tokens = np.array(written.tokens, np.int32)
    return TextRow(
        seed=seed,
        tokens=tokens,
        text=written.text,
        ending=written.ending,
        log_likelihood=None,
        parted=parted_at(tokens, sober),
        compressibility=compressibility(written.text),
        repeated=repeated(written.text),
        embedding=np.zeros(0, np.float16),
        seconds=written.seconds,
    )


def _of_text(score: Score) -> tuple[float, npt.NDArray[np.float16]]:
    """Return means over the tokens of a text."""
    return float(score.log_probs.mean(dtype=np.float64)), score.states.mean(axis=0).astype(np.float16)


def _engine_options(options: dict[str, float]) -> dict[str, Any]:
    """Return the options with the engine's names."""
    return {"temp" if name == "temperature" else name: value for name, value in options.items()}


def _info(llm: Llama, path: str) -> ModelInfo:
    quantization = _quantization(llm)
    return ModelInfo(
        key=sha256_of(path),
        name=_name(Path(path).stem, quantization),
        quantization=quantization,
        architecture=str(llm.metadata.get("general.architecture", "")),
    )


def _name(stem: str, quantization: str) -> str:
    """Return the name of a file without its quantization, if that is at its end."""
    shorter = re.sub(rf"[-._ ]{re.escape(quantization)}$", "", stem, flags=re.IGNORECASE)
    return shorter or stem


def _quantization(llm: Llama) -> str:
    """Return llama.cpp's name as it is commonly written: Q4_K_M for "llama 8B Q4_K - Medium"."""
    kind = llm.engine.settings.model.desc().split(" ", 2)[-1].replace("(guessed)", "").strip()
    for word, letter in ((" - Small", "_S"), (" - Medium", "_M"), (" - Large", "_L")):
        kind = kind.replace(word, letter)
    return kind

"""Methods of a model that look inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import llama_cpp

from drugs_cpp._core import detokenize
from drugs_cpp.doses.checks import check_count
from drugs_cpp.errors import OptionError
from drugs_cpp.model.chat_prompt import warn_of_fallback
from drugs_cpp.model.engine_properties import EngineProperties
from drugs_cpp.model.tracing import ALL, LAST, Choice, Look, Maker, compute, lens, runs_of, task_of
from drugs_cpp.model.variations import text_to_vary

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.doses.drugs import DrugsLike
    from drugs_cpp.model.chat_prompt import ChatPrompt
    from drugs_cpp.model.completion_arguments import Messages
    from drugs_cpp.traces.trace import Trace


class TraceMethods(EngineProperties):
    """The part of :class:`drugs_cpp.Llama` that shows what it computes."""

    # of llama_cpp.Llama
    _model: Any
    _chat_handlers: dict[str, Any]
    model_path: str

    def trace(
        self,
        prompt: str | Sequence[int] | None = None,
        messages: Messages | None = None,
        *,
        layers: Choice = ALL,
        positions: Choice = LAST,
        drugs: DrugsLike = None,
        seed: int | None = None,
        dosed: str = ALL,
        top_k: int = 10,
        heads: Choice = (),
        attention: Choice = (),
    ) -> Trace:
        """Compute a text and read what happens inside the model: hidden states, logits, heads, attention weights.

        The model's cache, doses and seeds stay as they are: this uses a context of its own.

        Args:
            prompt: text or token ids.
            messages: instead of a prompt: a conversation, for the model's chat template.
            layers: hidden states to read: "all", or one or several from 0 (the embedding) to n_layer (the last layer's
                output); negative numbers count from the end.
            positions: tokens of the text at which to read: "last", "all", or one or several.
            drugs: doses. None: the model's; ``DRUGS()`` for sober.
            seed: of the noise. None: that of the doses, otherwise the model's, otherwise a fresh one.
            dosed: "all": every position past the sink is computed under the dose. "last": only the last one is.
            top_k: how many of the most likely next tokens to list at each position.
            heads: layers, 0 to n_layer - 1, whose attention outputs are read for each head, with the dose applied.
            attention: layers whose attention weights are read; they compute attention without flash attention.

        Raises:
            PromptError: no prompt, both a prompt and messages, or a text that ends before the first position past the
                sink.
            OptionError: layers, positions or other parts that this model does not have.
            DoseError, SeedError, TokenError: doses, a seed or tokens that cannot be used.
            ContextOverflowError: the text is longer than any context of the model.
            MemoryLimitError: it does not fit into memory.
            BusyError: another thread is using the model.
        """
        look = Look(layers, positions, dosed, top_k, heads, attention)
        for name, given in (("seed", seed), ("drugs", drugs)):
            if isinstance(given, (list, tuple)):
                raise OptionError(f"{name} is {given!r}: a trace has one; traces() takes several")
        return next(self._traces(prompt, messages, look, 1, seed, drugs, None))

    def traces(
        self,
        prompt: str | Sequence[int] | None = None,
        messages: Messages | None = None,
        *,
        n: int | None = None,
        seeds: int | Sequence[int | None] | None = None,
        drugs: DrugsLike | Sequence[DrugsLike] = None,
        layers: Choice = ALL,
        positions: Choice = LAST,
        dosed: str = ALL,
        top_k: int = 10,
        heads: Choice = (),
        attention: Choice = (),
        n_parallel: int | None = None,
    ) -> Iterator[Trace]:
        """Yield traces of one text under several doses and seeds, one after the other.

        With ``dosed="last"`` and ``positions="last"`` the text is computed once, and its last position is computed
        under all doses in batches, as ``variations`` computes new tokens.

        Args:
            prompt, messages, layers, positions, dosed, top_k, heads, attention: as for :meth:`trace`.
            n: number of traces. None: the length of ``seeds`` or ``drugs``, otherwise 1.
            seeds: a list with a seed for each trace, in which None means a fresh one; or a number, for consecutive
                seeds from it on. None: the seeds of the doses, otherwise the model's, otherwise fresh ones.
            drugs: doses for all traces, or a list with doses for each. None: the model's.
            n_parallel: traces computed at a time, if that is possible. None: as many as fit in memory, at most 32.

        Raises:
            CountError: lists of different lengths, or numbers below 1.
            PromptError, OptionError, DoseError, SeedError, TokenError, ContextOverflowError, MemoryLimitError,
                BusyError: as for :meth:`trace`.
        """
        look = Look(layers, positions, dosed, top_k, heads, attention)
        return self._traces(prompt, messages, look, n, seeds, drugs, n_parallel)

    def lens(self, hidden: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Apply the model's final norm and head to vectors, as if they were the last layer's output.

        Args:
            hidden: (..., n_embd).

        Returns:
            Logits, float32 (..., n_vocab).

        Raises:
            ValueError: vectors of another size.
            OptionError: the model has no head, or one that reads more than the last layer's output.
        """
        return lens(self.engine, hidden)

    def prompt_of(self, prompt: str | Sequence[int] | None = None, messages: Messages | None = None) -> ChatPrompt:
        """Return the tokens of a prompt, and what ends its continuations.

        Args:
            prompt: text or token ids.
            messages: instead of a prompt: a conversation, for the model's chat template.

        Raises:
            PromptError: no prompt, an empty one, or both a prompt and messages.
            TokenError: a token that is not in the vocabulary, or numbers that are not tokens.
        """
        if messages is not None and not self.has_chat_template:
            warn_of_fallback(stacklevel=4)
        options = {"stop": None, "response_format": None, "grammar": None}
        found = text_to_vary(cast("Any", self), self._model, self._chat_handlers, prompt, messages, options)
        self.engine.session.check_vocabulary(found.tokens)
        return found

    def _traces(
        self,
        prompt: str | Sequence[int] | None,
        messages: Messages | None,
        look: Look,
        n: int | None,
        seeds: Any,
        drugs: Any,
        n_parallel: int | None,
    ) -> Iterator[Trace]:
        """Check the call at once, and not only when the first trace is computed."""
        engine = self.engine
        if n_parallel is not None:
            check_count("n_parallel", n_parallel, 1, "runs")
        tokens = self.prompt_of(prompt, messages).tokens
        runs = runs_of(engine, n, seeds, drugs)
        task = task_of(engine, tokens, look, any(not doses.is_sober for _, doses in runs))
        pieces = tuple(map(self._piece, tokens))
        maker = Maker(task, look, self.model_path, pieces, self._piece, self.lens, engine.effects.described)
        return (maker.trace(*found) for found in compute(engine, task, runs, n_parallel))

    def _piece(self, token: int) -> str:
        """Return the text of a token; empty if the file has no vocabulary."""
        if llama_cpp.llama_vocab_type(self._model.vocab) == llama_cpp.LLAMA_VOCAB_TYPE_NONE:
            return ""
        return detokenize(int(self._model.vocab), [token], True).decode("utf-8", errors="replace")

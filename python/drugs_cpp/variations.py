"""``variations``: one prompt, many continuations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, cast

import llama_cpp
from llama_cpp.llama_grammar import LlamaGrammar

from drugs_cpp import completion
from drugs_cpp.chat_prompt import chat_prompt
from drugs_cpp.checks import check_length
from drugs_cpp.contexts import decodes_together, n_sequences_that_fit, sequence_tokens
from drugs_cpp.drugs import DRUGS
from drugs_cpp.errors import ContextOverflowError, CountError, MemoryLimitError, OptionError, PromptError
from drugs_cpp.evaluation import check_count
from drugs_cpp.generation import DosedGeneration, token_list
from drugs_cpp.places import Places
from drugs_cpp.sampling import make_sampler
from drugs_cpp.seed import check_seed, consecutive_seeds, fresh_seed
from drugs_cpp.terminal import Progress
from drugs_cpp.wave import Piece, Task, Variation, Wave

DEFAULT_VARIATIONS = 8

#: in one call; their texts are kept in memory
MOST_VARIATIONS = 100_000

#: sequences decoded together unless told otherwise; more would gain little and take memory
MOST_PLACES = 64


class DosedVariations(DosedGeneration):
    """What gives several answers to one prompt."""

    _places: Places | None = None

    def variations(
        self,
        prompt: str | Sequence[int] | None = None,
        messages: Sequence[Any] | None = None,
        n: int | None = None,
        seeds: int | Sequence[int | None] | None = None,
        drugs: DRUGS | Sequence[DRUGS] | None = None,
        max_tokens: int | None = 128,
        temperature: float = 0.0,
        stop: str | Sequence[str] | None = None,
        stream: bool = False,
        *,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        top_k: int = 40,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        logit_bias: Mapping[int, float] | None = None,
        grammar: LlamaGrammar | None = None,
        response_format: Mapping[str, Any] | None = None,
        n_parallel: int | None = None,
    ) -> Any:
        """Continue one prompt several times, decoded together, each time with a seed and perhaps doses of its own.

        The prompt is computed once. The cache of the model itself stays as it is: this uses a context of its own, which
        it makes and enlarges as needed. The text of a variation depends on its prompt, seed and doses, and on nothing
        beside it.

        Args:
            prompt: text or token ids.
            messages: instead of a prompt: a conversation, for the model's chat template.
            n: number of variations. None: as many as ``seeds`` or ``drugs`` has, else 8.
            seeds: a seed for each, None among them for a fresh one; or one number, for it and those that follow. None:
                those from ``drugs.seed`` on if that is set, else fresh ones.
            drugs: doses for all, or a list, one for each. None: the model's.
            max_tokens: new tokens of each. None: as many as the model's context has room for.
            temperature: 0 for the most likely token.
            stop: strings that end a text.
            stream: yield pieces as they come instead of returning whole texts.
            top_p, min_p, typical_p, top_k, frequency_penalty, presence_penalty, repeat_penalty, mirostat_mode,
                mirostat_tau, mirostat_eta, logit_bias, grammar: as for ``create_completion``; all but the penalties,
                the bias and the grammar need a temperature above 0.
            response_format: with messages, as for ``create_chat_completion``.
            n_parallel: variations decoded at a time; the others wait. None: as many as memory has room for, 64 at most.

        Returns:
            A completion, or a chat completion for messages, shaped as OpenAI's. Its choices also have ``seed``, and
            ``drugs``, the doses as ``DRUGS.to_dict`` gives them. ``finish_reason`` is "length" where ``max_tokens`` or
            the context ended a text. With ``stream``, an iterator of chunks, each with one choice: its ``index`` tells
            whose text it carries, and its last one has ``finish_reason`` and ``drugs``.

        Raises:
            PromptError: no prompt, an empty one, or both a prompt and messages.
            TokenError: a token that is not in the vocabulary, or numbers that are no tokens.
            OptionError: a temperature, stop string or grammar that cannot be used.
            CountError: ``n`` or ``n_parallel`` below 1, ``n`` above 100,000, or a list of another length.
            SeedError: a seed out of range.
            DoseError: a dose at a site that the model lacks.
            ContextOverflowError: the prompt leaves no room in the context.
            MemoryLimitError: not even one sequence, or not ``n_parallel``, fit into memory.
            BusyError: another thread is using the model.
        """
        self._check_open()
        if (prompt is None) == (messages is None):
            raise PromptError("give either a prompt or messages")
        _check_options(temperature, stop, grammar)
        if max_tokens is not None:
            max_tokens = check_count("max_tokens", max_tokens, -1)
        stop_tokens: list[int] = []
        if messages is not None:
            chat = chat_prompt(self, messages, stop=stop, response_format=response_format, grammar=grammar)
            prompt, stop, stop_tokens, grammar = chat
        tokens = completion.prompt_tokens(self, prompt if isinstance(prompt, str) else token_list("the prompt", prompt))
        if prompt == "" or not tokens:
            raise PromptError("the prompt is empty: give at least one token")
        self._check_vocabulary(tokens)
        all_seeds, all_drugs = self._seeds_and_drugs(n, seeds, drugs)
        limit = self._variation_limit(len(tokens), max_tokens)
        n_tokens = sequence_tokens(self, len(tokens) + limit)
        n_places = self._count_places(len(all_seeds), n_tokens, n_parallel)
        options = {
            "temp": temperature,
            "top_p": top_p,
            "min_p": min_p,
            "typical_p": typical_p,
            "top_k": top_k,
            "frequency_penalty": frequency_penalty,
            "presence_penalty": presence_penalty,
            "repeat_penalty": repeat_penalty,
            "mirostat_mode": mirostat_mode,
            "mirostat_tau": mirostat_tau,
            "mirostat_eta": mirostat_eta,
            "grammar": grammar,
        }
        variations = []
        for index, (seed, doses) in enumerate(zip(all_seeds, all_drugs)):
            self._seed = seed  # upstream's sampler takes this one
            variations.append(Variation(index, seed, doses, make_sampler(self, options, logit_bias)))
        task = Task(tokens, limit, completion.stop_bytes(stop), stop_tokens, stream)
        pieces = self._vary(task, variations, n_places, n_tokens)
        answer = completion.Answer(self.model_path, chat=messages is not None)
        if stream:
            return _chunks(answer, variations, pieces)
        return _whole(answer, variations, pieces, len(tokens), self.verbose)

    def _seeds_and_drugs(self, n: int | None, seeds: Any, drugs: Any) -> tuple[list[int], list[DRUGS]]:
        # also what can be gone through only once
        seeds, drugs = (list(given) if _is_list(given) else given for given in (seeds, drugs))
        lists = [given for given in (seeds, drugs) if isinstance(given, list)]
        if n is None:
            n = len(lists[0]) if lists else DEFAULT_VARIATIONS
        n = check_count("n", n, 1, "variations")
        if n > MOST_VARIATIONS:
            raise CountError(f"n is {n}: {MOST_VARIATIONS} variations are the most in one call")
        all_drugs = [self.drugs if drugs is None else drugs] * n
        if isinstance(drugs, list):
            all_drugs = check_length("drugs", drugs, n)
        for doses in all_drugs:
            if not isinstance(doses, DRUGS):
                raise TypeError(f"drugs has {doses!r} in it: give drugs_cpp.DRUGS objects")
            if not doses.is_sober:
                self._table(doses.dosage)
        if isinstance(seeds, list):
            checked = [check_seed(seed) for seed in check_length("seeds", seeds, n)]
            return [fresh_seed() if seed is None else seed for seed in checked], all_drugs
        first = check_seed(self.drugs.seed if seeds is None else seeds)
        return ([fresh_seed() for _ in range(n)] if first is None else consecutive_seeds(first, n)), all_drugs

    def _variation_limit(self, n_prompt: int, max_tokens: int | None) -> int:
        """New tokens of each: the context grows up to what the model was trained for."""
        most = max(self._n_ctx, llama_cpp.llama_model_n_ctx_train(self._model.model))
        if max_tokens is None or max_tokens <= 0:
            most = self._n_ctx if n_prompt < self._n_ctx else most
        if n_prompt >= most:
            raise ContextOverflowError(
                f"a prompt of {n_prompt} tokens leaves no room in a context of {most}: shorten it"
            )
        return completion.token_limit(max_tokens, n_prompt, most)

    def _count_places(self, n: int, n_tokens: int, n_parallel: int | None) -> int:
        most = MOST_PLACES if n_parallel is None else check_count("n_parallel", n_parallel, 1, "variations")
        wanted = min(n, most) if decodes_together(self) else 1
        if self._places is not None and self._places.n_places >= wanted and self._places.n_tokens >= n_tokens:
            return wanted
        fit = n_sequences_that_fit(self, n_tokens)
        if fit < (1 if n_parallel is None else wanted):
            raise MemoryLimitError(
                f"{wanted if n_parallel else 1} sequences of {n_tokens} tokens do not fit into memory, {fit} would: "
                "ask for a smaller max_tokens or n_parallel"
            )
        return min(wanted, fit)

    def _vary(self, task: Task, variations: list[Variation], n_places: int, n_tokens: int) -> Iterator[Piece]:
        """Decode, one step at a time in the hands of whoever listens."""
        pieces = None
        while True:
            with self._exclusive:
                self._end_background_shower()
                if pieces is None:
                    places = self._open_places(n_places, n_tokens)
                    pieces = Wave(self, places, n_places, task).run(variations)
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            yield piece

    def _open_places(self, n_places: int, n_tokens: int) -> Places:
        """The places that are there, or more and larger ones."""
        if self._places is None or self._places.n_places < n_places or self._places.n_tokens < n_tokens:
            self._close_places()
            self._places = Places(self, n_places, n_tokens)
        return self._places

    def _close_places(self) -> None:
        places, self._places = self._places, None
        if places is not None:
            places.close()

    def close(self) -> None:
        """Free the model and all that was made from it."""
        self._close_places()
        super().close()


def _check_options(temperature: object, stop: object, grammar: object) -> None:
    if isinstance(temperature, bool) or not isinstance(temperature, Real) or not math.isfinite(temperature):
        raise OptionError(f"temperature is {temperature!r}: give a finite number, 0 for the most likely token")
    words = [stop] if isinstance(stop, str) else stop
    if words is not None and not (_is_list(words) and all(isinstance(word, str) for word in cast("Any", words))):
        raise OptionError(f"stop is {stop!r}: give text or a list of texts")
    if not (grammar is None or isinstance(grammar, LlamaGrammar)):
        raise OptionError(f"grammar is {grammar!r}: give a llama_cpp.LlamaGrammar, from LlamaGrammar.from_string(...)")


def _is_list(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes))


def _whole(
    answer: completion.Answer, variations: Sequence[Variation], pieces: Iterator[Piece], n_prompt: int, verbose: bool
) -> Any:
    doses = [variation.drugs.to_dict() for variation in variations]
    said: list[Piece] = []
    with Progress(f"{len(variations)} variations", verbose) as progress:
        for piece in pieces:
            said.append(piece)
            progress.show(f"{len(said)} of {len(variations)} variations")
    said.sort(key=lambda piece: piece.variation)
    choices = []
    for variation, dose, piece in zip(variations, doses, said):
        choice = answer.choice(piece.text, completion.finish_reason(piece.end), variation.index)
        choices.append({**choice, "seed": variation.seed, "drugs": dose})
    return answer.shaped(choices, **completion.usage(n_prompt, sum(piece.n_new for piece in said)))


def _chunks(answer: completion.Answer, variations: Sequence[Variation], pieces: Iterator[Piece]) -> Iterator[Any]:
    doses = [variation.drugs.to_dict() for variation in variations]
    for piece in pieces:
        more = {"seed": variations[piece.variation].seed}
        if piece.text:
            yield answer.chunk(piece.text, None, piece.variation, **more)
        if piece.end is not None:
            reason = completion.finish_reason(piece.end)
            yield answer.chunk("", reason, piece.variation, **more, drugs=doses[piece.variation])

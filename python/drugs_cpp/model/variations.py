"""``variations``: one prompt, many continuations."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from drugs_cpp.doses.checks import check_count, check_length
from drugs_cpp.doses.drugs import DRUGS, as_drugs
from drugs_cpp.doses.seed import check_seed, consecutive_seeds, fresh_seed
from drugs_cpp.engine.contexts import sequence_tokens
from drugs_cpp.engine.sampling import check_grammar, check_numbers, make_sampler
from drugs_cpp.engine.scheduler import Delta, Scheduler, Task, Variation
from drugs_cpp.errors import ContextOverflowError, CountError, OptionError, PromptError
from drugs_cpp.model import completion
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.chat_prompt import ChatPrompt, chat_prompt
from drugs_cpp.model.dgenerate import token_list
from drugs_cpp.model.varied import Varied
from drugs_cpp.progress import Progress

if TYPE_CHECKING:
    import llama_cpp
    from llama_cpp._internals import LlamaModel

    from drugs_cpp.engine.dosing import Dosing
    from drugs_cpp.engine.engine import Engine

DEFAULT_VARIATIONS = 8

#: most variations in one call; their texts are kept in memory
MOST_VARIATIONS = 100_000

#: sequences decoded together by default; more would gain little and take memory
MOST_SLOTS = 64


@dataclass(frozen=True)
class Wish:
    """The arguments of ``variations`` besides its text and sampler options; see there."""

    n: int | None
    seeds: Any
    drugs: Any
    max_tokens: int | None
    stream: bool
    logit_bias: Mapping[int, float] | None
    n_parallel: int | None
    apart: bool


def vary(engine: Engine, text: ChatPrompt, wish: Wish, options: Mapping[str, Any], answer: completion.Answer) -> Any:
    """Carry out a call of ``variations``. Errors in its arguments are raised before anything is computed.

    Args:
        engine: of the model.
        text: the prompt, at least one token, and where its continuations end.
        wish: the other arguments.
        options: of the sampler.
        answer: what all parts of the answer have in common.
    """
    with engine.session.use():  # to the end, if it is not streamed
        seeds, drugs = _seeds_and_drugs(engine, wish)
        limit, n_extra = token_limits(engine, len(text.tokens), wish.max_tokens)
        n_tokens = sequence_tokens(engine.settings, len(text.tokens) + limit + n_extra)
        n_slots = count_slots(engine, len(seeds), n_tokens, wish.n_parallel)
        variations = [
            Variation(index, seed, doses, make_sampler(engine.settings, seed, options, wish.logit_bias))
            for index, (seed, doses) in enumerate(zip(seeds, drugs))
        ]
        task = Task(text.tokens, limit, n_extra, completion.stop_bytes(text.stop), text.stop_tokens, wish.stream)
        doses = [_what_made_it(engine, variation) for variation in variations]
        deltas = decode(engine, task, variations, n_slots, n_tokens)
        if wish.stream:
            return _chunks(answer, doses, variations, deltas)
        return _whole(answer, doses, variations, deltas, len(text.tokens), engine.settings.verbose)


def text_to_vary(
    llm: llama_cpp.Llama,
    model: LlamaModel,
    handlers: Mapping[str, Any],
    prompt: Any,
    messages: Any,
    options: Mapping[str, Any],
) -> ChatPrompt:
    """Return the prompt of a call as tokens, and where its continuations end.

    Args:
        llm: the model whose tokenizer and chat format to use.
        model: its handle.
        handlers: made from the chat templates in its file, by name.
        prompt, messages: as given; exactly one of them.
        options: stop, grammar and response_format, as given.

    Raises:
        PromptError: no prompt, an empty one, or both a prompt and messages.
        TokenError: not tokens.
    """
    if (prompt is None) == (messages is None):
        raise PromptError("give either a prompt or messages")
    if messages is not None:
        return chat_prompt(llm, handlers, messages, **options)
    given = prompt if isinstance(prompt, str) else token_list("the prompt", prompt)
    tokens = completion.prompt_tokens(llm, model, given)
    if not tokens or (isinstance(prompt, str) and not prompt):
        raise PromptError("the prompt is empty: give at least one token")
    return ChatPrompt(tokens, options["stop"], [], options["grammar"])


def _seeds_and_drugs(engine: Engine, wish: Wish) -> tuple[list[int], list[DRUGS]]:
    # iterators as well, which can be read only once
    seeds, drugs = (list(given) if _is_list(given) else given for given in (wish.seeds, wish.drugs))
    lists = [given for given in (seeds, drugs) if isinstance(given, list)]
    n = (len(lists[0]) if lists else DEFAULT_VARIATIONS) if wish.n is None else wish.n
    n = check_count("n", n, 1, "variations")
    if n > MOST_VARIATIONS:
        raise CountError(f"n is {n}: {MOST_VARIATIONS} variations are the most in one call")
    if wish.apart and isinstance(seeds, list):
        raise OptionError("apart=True takes one seed for all variations: give seeds as one number, or leave it out")
    if isinstance(drugs, list):
        all_drugs = [as_drugs(doses) for doses in check_length("drugs", drugs, n)]
    else:
        all_drugs = [engine.dosing.drugs if drugs is None else as_drugs(drugs)] * n
    if wish.apart and len({doses.seed for doses in all_drugs}) > 1:
        raise OptionError("apart=True takes one seed for all variations, and the doses have several: leave them out")
    if wish.apart:
        all_drugs = [_apart(doses, number) for number, doses in enumerate(all_drugs, 1)]
    for doses in all_drugs:
        check_dose(engine, doses.dosage)
    if isinstance(seeds, list):
        checked = [check_seed(seed) for seed in check_length("seeds", seeds, n)]
        return [fresh_seed() if seed is None else seed for seed in checked], all_drugs
    if isinstance(drugs, list) and seeds is None and not wish.apart:
        return _own_seeds(engine, all_drugs), all_drugs
    first = _first_seed(engine, all_drugs[0].seed if seeds is None and drugs is not None else seeds)
    if wish.apart:
        return [fresh_seed() if first is None else first] * n, all_drugs
    return _seeds_from(first, n), all_drugs


def _own_seeds(engine: Engine, drugs: list[DRUGS]) -> list[int]:
    """Return the seeds of the doses; doses without a seed get one as if no seeds were given."""
    own = [doses.seed for doses in drugs]
    others = _seeds_from(_first_seed(engine, None), len(own)) if None in own else []
    return [others[i] if seed is None else seed for i, seed in enumerate(own)]


def _seeds_from(first: int | None, n: int) -> list[int]:
    return [fresh_seed() for _ in range(n)] if first is None else consecutive_seeds(first, n)


def _apart(drugs: DRUGS, number: int) -> DRUGS:
    """Return the same doses with the given one of the mutually orthogonal directions."""
    own = drugs.copy()
    own.apart = number
    return own


def _first_seed(engine: Engine, given: object) -> int | None:
    """Return the first of consecutive seeds; None: each one is fresh, as if -1 were given."""
    if given is not None:
        return check_seed(given)
    with engine.session.use():
        return engine.seeds.first_of_several()


def token_limits(engine: Engine, n_prompt: int, max_tokens: int | None) -> tuple[int, int]:
    """Return the number of new tokens, and of those that may complete a character.

    The context grows up to what the model was trained for.

    Raises:
        ContextOverflowError: the prompt leaves no room.
    """
    if max_tokens is not None:
        max_tokens = check_count("max_tokens", max_tokens, -1)
    n_ctx = engine.settings.n_ctx
    most = max(n_ctx, engine.settings.n_ctx_train)
    if max_tokens is None or max_tokens <= 0:
        most = n_ctx if n_prompt < n_ctx else most
    if n_prompt >= most:
        raise ContextOverflowError(f"a prompt of {n_prompt} tokens leaves no room in a context of {most}: shorten it")
    limit = completion.token_limit(max_tokens, n_prompt, most)
    return limit, completion.finishing_tokens(limit, n_prompt, most)


def count_slots(engine: Engine, n: int, n_tokens: int, n_parallel: int | None) -> int:
    """Return how many of ``n`` variations of ``n_tokens`` are decoded at a time."""
    most = MOST_SLOTS if n_parallel is None else check_count("n_parallel", n_parallel, 1, "variations")
    wanted = min(n, most) if engine.settings.decodes_together else 1
    return engine.slots.count(wanted, n_tokens, at_least=1 if n_parallel is None else wanted)


def decode(
    engine: Engine,
    task: Task,
    variations: list[Variation],
    n_slots: int,
    n_tokens: int,
    dosing: Dosing | None = None,
) -> Iterator[Delta]:
    """Decode step by step as the caller takes the results; ``dosing`` None: by the rules of the model."""
    deltas = None
    while True:
        with engine.session.use():
            if deltas is None:
                slots = engine.slots.open(n_slots, n_tokens)
                together = engine.settings.decodes_together
                scheduler = Scheduler(slots, n_slots, task, dosing or engine.dosing, engine.sites, together)
                deltas = scheduler.run(variations)
            try:
                delta = next(deltas)
            except StopIteration:
                return
        yield delta


def check_options(options: Mapping[str, Any], stop: object, grammar: object) -> None:
    """Refuse options from which no sampler can be made.

    Raises:
        OptionError: a number, stop string or grammar that cannot be used.
    """
    check_numbers(options)
    words = [stop] if isinstance(stop, str) else stop
    if words is not None and not (_is_list(words) and all(isinstance(word, str) for word in cast("Any", words))):
        raise OptionError(f"stop is {stop!r}: give text or a list of texts")
    check_grammar(grammar)


def _is_list(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))


def _what_made_it(engine: Engine, variation: Variation) -> dict[str, Any]:
    """Return a variation's current doses and its seed, in the form of a server's field ``drugs``."""
    return {**engine.effects.described(variation.drugs.dosage), "seed": variation.seed}


def _whole(
    answer: completion.Answer,
    doses: Sequence[Mapping[str, Any]],
    variations: Sequence[Variation],
    deltas: Iterator[Delta],
    n_prompt: int,
    verbose: bool,
) -> Any:
    said: list[Delta] = []
    with Progress(f"{len(variations)} variations", verbose) as progress:
        for delta in deltas:
            said.append(delta)
            progress.show(f"{len(said)} of {len(variations)} variations")
    said.sort(key=lambda delta: delta.variation)
    choices = []
    for variation, dose, delta in zip(variations, doses, said):
        choice = answer.choice(completion.as_text(delta.text), completion.finish_reason(delta.end), variation.index)
        choices.append({**choice, "seed": variation.seed, "drugs": dose})
    return Varied(answer.shaped(choices, **completion.usage(n_prompt, sum(delta.n_new for delta in said))))


def _chunks(
    answer: completion.Answer,
    doses: Sequence[Mapping[str, Any]],
    variations: Sequence[Variation],
    deltas: Iterator[Delta],
) -> Generator[Any, None, None]:
    for delta in deltas:
        more = {"seed": variations[delta.variation].seed}
        if text := completion.as_text(delta.text):
            yield answer.chunk(text, None, delta.variation, **more)
        if delta.end is not None:
            reason = completion.finish_reason(delta.end)
            yield answer.chunk("", reason, delta.variation, **more, drugs=doses[delta.variation])

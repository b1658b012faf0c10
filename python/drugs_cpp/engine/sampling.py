"""The samplers that upstream makes from its arguments, and whether they are needed at all."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

import llama_cpp
import numpy as np
from llama_cpp._internals import LlamaSampler
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_grammar import LlamaGrammar

from drugs_cpp import _core
from drugs_cpp.engine.extra_samplers import EXTRA_OPTIONS, add_extras, check_extras
from drugs_cpp.errors import NoLogitsError, OptionError, TokenError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.engine.callbacks import GuardedProcessors
    from drugs_cpp.engine.run import Run
    from drugs_cpp.engine.session import Session
    from drugs_cpp.engine.settings import ModelSettings

#: arguments of generate() that are handled by samplers in C++: upstream's and ours
OPTIONS = (
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "temp",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
    "tfs_z",
    "mirostat_mode",
    "mirostat_tau",
    "mirostat_eta",
    "penalize_nl",
    "grammar",
    *EXTRA_OPTIONS,
)


_MAX_INT = 2**31 - 1
_WHOLE = ("top_k", "mirostat_mode")
_NUMBERS = frozenset(OPTIONS) - {"penalize_nl", "grammar"}


class _SamplerHost:
    """Has the attributes that upstream's ``Llama._init_sampler`` reads from a model, so that no model is changed."""

    def __init__(self, settings: ModelSettings, seed: int, session: Session | None) -> None:
        self._model = settings.model
        self._n_vocab = settings.n_vocab
        self._seed = seed
        self._session = session
        self.last_n_tokens_size = settings.last_n_tokens_size

    @property
    def _input_ids(self) -> npt.NDArray[np.intc]:
        """What logits processors see as the tokens so far."""
        session = cast("Session", self._session)
        return session.tokens[: session.n_tokens]


def chain_of(
    settings: ModelSettings,
    seed: int,
    options: Mapping[str, Any],
    processors: GuardedProcessors | None = None,
    session: Session | None = None,
) -> LlamaSampler:
    """Return the chain of samplers that upstream makes, with ours in it.

    Args:
        settings: of the model.
        seed: of the sampler that draws.
        options: some of ``OPTIONS``.
        processors: logits processors, or None.
        session: whose tokens the processors see.

    Raises:
        OptionError: a number or a grammar that cannot be used.
    """
    check_numbers(options)
    check_grammar(options.get("grammar"))
    host: Any = _SamplerHost(settings, seed, session)
    own = {name: value for name, value in options.items() if name not in EXTRA_OPTIONS}
    chain: LlamaSampler = llama_cpp.Llama._init_sampler(host, **own, logits_processor=cast("Any", processors))
    _check_complete(chain)
    add_extras(chain, seed, {**EXTRA_OPTIONS, **options})
    return chain


def check_numbers(options: Mapping[str, Any]) -> None:
    """Raise an OptionError if one of ``OPTIONS`` should be a number but is not, or is out of range."""
    for name, value in options.items():
        known_as = "temperature" if name == "temp" else name
        if name in _NUMBERS and not _is_finite(value):
            remedy = ", 0 for the most likely token" if name == "temp" else ""
            raise OptionError(f"{known_as} is {value!r}: give a finite number{remedy}")
        if name in _WHOLE and not (isinstance(value, (int, np.integer)) and abs(int(value)) <= _MAX_INT):
            raise OptionError(f"{known_as} is {value!r}: give a whole number up to {_MAX_INT}")
    check_extras(options)


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int too large for a float
        return False


def check_grammar(grammar: object) -> None:
    """Raise an OptionError unless ``grammar`` is None or a grammar."""
    if not (grammar is None or isinstance(grammar, LlamaGrammar)):
        raise OptionError(f"grammar is {grammar!r}: give a llama_cpp.LlamaGrammar, from LlamaGrammar.from_string(...)")


def _check_complete(chain: LlamaSampler) -> None:
    """Check for null samplers: llama.cpp returns one for a grammar it cannot use, and upstream adds it to the chain."""
    n = llama_cpp.llama_sampler_chain_n(chain.sampler)
    if not all(llama_cpp.llama_sampler_chain_get(chain.sampler, i) for i in range(n)):
        raise OptionError(
            "the grammar cannot be used: it cannot be parsed, has no rule named root, is nested too deeply, "
            "or has a rule that begins with itself"
        )


def make_sampler(
    settings: ModelSettings, seed: int, options: Mapping[str, Any], logit_bias: Mapping[Any, Any] | None = None
) -> LlamaSampler | None:
    """Return the sampler, or None if the most likely token is taken and nothing changes the logits.

    Args:
        settings: of the model.
        seed: of the run.
        options: some of ``OPTIONS``, ``temp`` among them.
        logit_bias: token -> number that is added to its logit.

    Raises:
        TokenError: a bias for a token that is not in the vocabulary.
        OptionError: a number or a grammar that cannot be used.
    """
    check_numbers(options)
    bias = _checked_bias(settings, logit_bias or {})
    if not bias and _is_plain(options):
        return None
    own = chain_of(settings, seed, options)
    if not bias:
        return own
    chain = LlamaSampler()
    chain.add_logit_bias(settings.n_vocab, bias)
    llama_cpp.llama_sampler_chain_add(chain.sampler, own.sampler)
    own.sampler = None  # belongs to the chain now, which frees it
    return chain


def sample(session: Session, run: Run, row: int) -> int:
    """Choose a token in the loop in Python.

    Args:
        session: with logits.
        run: with a sampler.
        row: which logits: -1 for those of the last token, -2 for those of the one before it.

    Raises:
        NoLogitsError: nothing was evaluated yet.
        DecodeError: a grammar allows no token.
        BaseException: what a logits processor raised.
    """
    session.refresh_logits()
    if not session.has_logits or session.n_tokens == 0:
        raise NoLogitsError("there is nothing to sample from yet: evaluate at least one token first")
    token = _core.sample(session.address, address(run.sampler), row)
    if run.processors is not None:
        run.processors.raise_what_happened()
    return token


def address(sampler: LlamaSampler | None) -> int:
    """Return the address of the llama_sampler, or 0."""
    return 0 if sampler is None else ctypes.cast(sampler.sampler, ctypes.c_void_p).value or 0


def _is_plain(options: Mapping[str, Any]) -> bool:
    """Whether upstream's greedy sampler would see the logits as they are."""
    neutral = {"repeat_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "grammar": None}
    return options["temp"] == 0.0 and all(options.get(name, value) == value for name, value in neutral.items())


def _checked_bias(settings: ModelSettings, logit_bias: Mapping[Any, Any]) -> dict[int, float]:
    try:
        bias = {int(token): float(value) for token, value in logit_bias.items()}
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise OptionError(f"logit_bias is {logit_bias!r}: give a mapping of tokens to numbers") from None
    for token, value in bias.items():
        if math.isnan(value):
            raise OptionError(f"logit_bias: token {token} has {value}: give a number")
        if not 0 <= token < settings.n_vocab:
            n_vocab = settings.n_vocab
            raise TokenError(f"logit_bias: token {token} is not in this model's vocabulary of {n_vocab} tokens")
    return bias


def stop_tokens_of(criteria: Any) -> list[int] | None:
    """Return the tokens that end a text if all the criteria just look for them, as those of upstream's chat templates.

    Returns:
        Token ids, or None for criteria that have to be called.
    """
    tokens: set[int] = set()
    for criterion in criteria or ():
        cells = [cell.cell_contents for cell in getattr(criterion, "__closure__", None) or ()]
        formatters = [cell for cell in cells if isinstance(cell, Jinja2ChatFormatter)]
        if not formatters or criterion.__name__ != "stop_on_last_token":
            return None
        tokens |= formatters[0].stop_token_ids or set()
    return sorted(tokens)

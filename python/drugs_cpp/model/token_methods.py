"""The methods of a model that choose one token, or one after the other in Python."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

import llama_cpp

from drugs_cpp.doses.seed import fresh_seed
from drugs_cpp.engine.sampling import OPTIONS, sample
from drugs_cpp.model.engine_properties import EngineProperties
from drugs_cpp.model.keeping import keeping
from drugs_cpp.model.signatures import bound_arguments, with_defaults

if TYPE_CHECKING:
    from llama_cpp import LogitsProcessorList, StoppingCriteriaList
    from llama_cpp.llama_grammar import LlamaGrammar

    from drugs_cpp.engine.inputs import Inputs


class TokenMethods(EngineProperties):
    """The part of :class:`drugs_cpp.Llama` that chooses tokens in Python."""

    @abstractmethod
    def _token_by_token(
        self, asked: dict[str, Any], take_seed: Callable[[], int] | None = None, dose_inputs: Inputs | None = None
    ) -> Generator[int, Sequence[int] | None, None]: ...

    if TYPE_CHECKING:  # the decorator gives them these signatures

        def sample(
            self,
            top_k: int = ...,
            top_p: float = ...,
            min_p: float = ...,
            typical_p: float = ...,
            temp: float = ...,
            repeat_penalty: float = ...,
            frequency_penalty: float = ...,
            presence_penalty: float = ...,
            tfs_z: float = ...,
            mirostat_mode: int = ...,
            mirostat_eta: float = ...,
            mirostat_tau: float = ...,
            penalize_nl: bool = ...,
            logits_processor: LogitsProcessorList | None = ...,
            grammar: LlamaGrammar | None = ...,
            idx: int | None = ...,
            *,
            xtc_probability: float = ...,
            xtc_threshold: float = ...,
            top_n_sigma: float = ...,
        ) -> int: ...

        def generate(
            self,
            tokens: Sequence[int],
            top_k: int = ...,
            top_p: float = ...,
            min_p: float = ...,
            typical_p: float = ...,
            temp: float = ...,
            repeat_penalty: float = ...,
            reset: bool = ...,
            frequency_penalty: float = ...,
            presence_penalty: float = ...,
            tfs_z: float = ...,
            mirostat_mode: int = ...,
            mirostat_tau: float = ...,
            mirostat_eta: float = ...,
            penalize_nl: bool = ...,
            logits_processor: LogitsProcessorList | None = ...,
            stopping_criteria: StoppingCriteriaList | None = ...,
            grammar: LlamaGrammar | None = ...,
            *,
            xtc_probability: float = ...,
            xtc_threshold: float = ...,
            top_n_sigma: float = ...,
        ) -> Generator[int, Sequence[int] | None, None]: ...

    else:

        @with_defaults(llama_cpp.Llama.sample, temp=0.0)
        def sample(self, *args: Any, **kwargs: Any) -> int:
            asked = bound_arguments(llama_cpp.Llama.sample, *args, **kwargs)
            engine = self.engine
            with engine.session.use():
                seed = fresh_seed() if engine.seeds.in_use is None else engine.seeds.in_use
                run = engine.watched_run(seed, {name: asked[name] for name in OPTIONS}, asked["logits_processor"])
                return sample(engine.session, run, -1 if asked["idx"] is None else asked["idx"] - self.n_tokens)

        @with_defaults(llama_cpp.Llama.generate, temp=0.0)
        def generate(self, *args: Any, **kwargs: Any) -> Generator[int, Sequence[int] | None, None]:
            return keeping(self, self._token_by_token(bound_arguments(llama_cpp.Llama.generate, *args, **kwargs)))

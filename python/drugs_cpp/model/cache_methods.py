"""Methods of a model that work on its cache without generating text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import llama_cpp

from drugs_cpp.engine.inputs import Inputs, check_inputs
from drugs_cpp.model.dgenerate import token_list
from drugs_cpp.model.engine_properties import EngineProperties


class CacheMethods(EngineProperties):
    """What :class:`drugs_cpp.Llama` does with its cache."""

    def eval(self, tokens: Sequence[int], dosed: Inputs | None = None) -> None:
        """Evaluate tokens after those in the cache, and after a token that ``Dgenerate`` chose last.

        Args:
            tokens: token ids.
            dosed: whether they are dosed; "last": only the last one is. None: as set by ``dose_inputs``.

        Raises:
            ContextOverflowError, TokenError: the tokens do not fit in the context, or one is not in the vocabulary.
                Nothing was evaluated.
        """
        tokens = token_list("the list of tokens", tokens)
        engine = self.engine
        with engine.session.use():
            engine.check_fit(len(tokens))
            engine.session.check_vocabulary(tokens)
            if tokens:
                engine.feed_pending()
                engine.feed(tokens, self.dose_inputs if dosed is None else check_inputs(dosed))

    def reset(self) -> None:
        """Empty the cache. Doses, seed and settings stay."""
        session = self.engine.session
        with session.use():
            session.clear()

    def cold_shower(self, force_clean: bool = True, *, block: bool = True) -> int:
        """Compute the dirty positions again, sober: from the first one on, in one batch.

        The next logits are then those of a context that was never dosed. With ``sober_twin=True`` nothing has to be
        computed: the cache is switched to that of the twin. Ctrl-C loses no token: those that were not computed again
        stay dirty, and are computed before anything else.

        Args:
            force_clean: shower now. False: only if ``sober_interval`` or more tokens are dirty.
            block: wait for the end. False: return at once and compute in the background, outside the model's cache. The
                next call that uses the model takes over the result if it is complete, and drops it otherwise.

        Returns:
            Number of tokens that are computed again, or, with a twin, that need not be.
        """
        session = self.engine.session
        with session.exclusive:
            session.check_open()
            if block:
                session.wait_for_background_shower()
            else:
                session.end_background_shower()
            if not (force_clean or session.ledger.is_due(self.sober_interval)):
                return 0
            return session.shower() if block else session.shower_in_background()

    def embed(
        self,
        input: str | list[str],  # noqa: A002  # upstream's name
        normalize: bool = False,
        truncate: bool = True,
        return_count: bool = False,
    ) -> Any:
        """Return the embedding of a text, or of each of several. The cache is empty afterwards.

        Args:
            input: a text, or a list of texts.
            normalize: scale each embedding to length 1.
            truncate: cut texts of more than ``n_batch`` tokens, which are an error otherwise.
            return_count: return a pair: the embeddings, and the number of tokens of all texts.

        Raises:
            RuntimeError: the model was not loaded with ``embedding=True``.
        """
        session = self.engine.session
        with session.use():
            try:
                return llama_cpp.Llama.embed(cast("Any", self), input, normalize, truncate, return_count)
            finally:
                if session.settings.context_params.embeddings:
                    session.clear()

"""``Tokenizer``: upstream's, but with exceptions in cases in which upstream's ends the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama_cpp.llama_tokenizer import LlamaTokenizer

from drugs_cpp import _core
from drugs_cpp.model.dgenerate import token_list

if TYPE_CHECKING:
    import llama_cpp

    from drugs_cpp.engine.in_use import InUse


class Tokenizer(LlamaTokenizer):
    """Converts between texts and tokens of a model, from any thread.

    Args:
        llm: the model; the tokenizer cannot be used after it is closed.
        in_use: of the model.
    """

    def __init__(self, llm: llama_cpp.Llama, in_use: InUse) -> None:
        super().__init__(llm)
        self._in_use = in_use

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = True) -> list[int]:
        """Return the tokens of a text in UTF-8.

        Args:
            text: the text.
            add_bos: begin with the first token that the model expects.
            special: text that looks like a special token becomes that token.

        Raises:
            PromptError: a byte that the vocabulary has no token for, or more text than fits in memory.
            StateError: the model was closed.
        """
        with self._in_use:
            return _core.tokenize(int(self._model.vocab), text, add_bos, special)

    def detokenize(
        self,
        tokens: Sequence[int],
        prev_tokens: Sequence[int] | None = None,  # noqa: ARG002  # other tokenizers need the previous tokens
        special: bool = False,
    ) -> bytes:
        """Return the text of tokens in UTF-8, without the space that some models put at the beginning.

        Raises:
            TokenError: a token that is not in the vocabulary, or not tokens.
            StateError: the model was closed.
        """
        ids = token_list("the list of tokens", tokens)
        with self._in_use:
            text = _core.detokenize(int(self._model.vocab), ids, special)
            is_whole = ids[:1] == [self._model.token_bos()]
        return text[1:] if is_whole and text.startswith(b" ") else text

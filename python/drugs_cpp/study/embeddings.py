"""``Embedder``: vectors of texts from a sentence embedding model, instead of hidden states of the texts' own model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.errors import OptionError
from drugs_cpp.extras import EMBEDDINGS, extra

if TYPE_CHECKING:
    import numpy.typing as npt


class Embedder:
    """A sentence embedding model.

    Args:
        name: a model of sentence-transformers, or a folder that contains one.

    Attributes:
        name: as given.

    Raises:
        MissingExtraError: sentence-transformers is not installed.
        OptionError: there is no such model, or it cannot be loaded.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        package = extra("sentence_transformers", EMBEDDINGS)
        try:
            self._model: Any = package.SentenceTransformer(name, device="cpu")
        except Exception as error:  # any of several packages may fail: files, network, weights
            reason = str(error).strip().partition("\n")[0]
            raise OptionError(
                f"the embedding {name!r} cannot be loaded: give a model of sentence-transformers, which is "
                f"downloaded once, or a folder with one ({reason})"
            ) from error
        self.name = str(Path(name).resolve()) if Path(name).is_dir() else name

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return vectors of texts, (n_texts, length)."""
        return np.asarray(self._model.encode(list(texts), show_progress_bar=False), dtype=np.float64)

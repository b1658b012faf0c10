"""All exceptions of this package. Each is also a suitable built-in exception, so that either can be caught."""

from __future__ import annotations


class DrugsError(Exception):
    """Base class of all exceptions that drugs_cpp raises on purpose."""


class DoseError(DrugsError, ValueError):
    """A dose, site, profile, mode or multiplier that cannot be used. Nothing was changed."""


class DoseWarning(UserWarning):
    """A dose with which most models write nonsense."""


class ChatTemplateWarning(UserWarning):
    """A conversation with a model whose file has no chat template."""


class SeedError(DrugsError, ValueError):
    """A seed that is neither a whole number from 0 to 2**32 - 2 nor -1."""


class CountError(DrugsError, ValueError):
    """A number of tokens, texts or the like that is not a whole number, or is out of range."""


class TokenError(DrugsError, ValueError):
    """Tokens that are not in this model's vocabulary, or not a single sequence."""


class NoLogitsError(DrugsError, ValueError):
    """Sampling or continuing before any token was evaluated."""


class ContextOverflowError(DrugsError, ValueError):
    """More tokens than fit in the context."""


class DecodeError(DrugsError, RuntimeError):
    """llama.cpp could not compute tokens; its log says why."""


class StateError(DrugsError, ValueError):
    """A saved state that does not fit, a closed model, a text disturbed by another call, or an impossible twin."""


class ModelNotFoundError(DrugsError, FileNotFoundError, ValueError):
    """No model file at the given path. llama-cpp-python raises ``ValueError`` here, so this is one too."""


class ModelFileError(DrugsError, ValueError):
    """A file that is not a GGUF model, is truncated, or is of a kind that llama.cpp cannot load."""


class BusyError(DrugsError, RuntimeError):
    """Another thread is using the model. Nothing was changed."""


class MemoryLimitError(DrugsError, MemoryError):
    """Sequences that need more memory than is available. Nothing was computed."""


class RpcServerError(DrugsError, ConnectionError):
    """No RPC server answers at an address, or its devices cannot be used."""


class ClusterError(DrugsError, RuntimeError):
    """No Ray cluster at an address, no usable machine in a cluster, or texts that workers die of."""


class ClusterWarning(UserWarning):
    """A machine of a Ray cluster that is not used, and why."""


class PromptError(DrugsError, ValueError):
    """No prompt, an empty one, one that the vocabulary cannot represent, or one of a kind that cannot be used here."""


class OptionError(DrugsError, ValueError):
    """A temperature, stop string, grammar or size that cannot be used."""


class ResultFileError(DrugsError, ValueError):
    """A trace or results file that does not exist, is damaged, or is something else."""


class MissingExtraError(DrugsError, ImportError):
    """An optional package that is not installed: ``pip install "drugs_cpp[lab]"`` installs it."""

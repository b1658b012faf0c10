"""Every exception of this package. Each is also the built-in exception that fits, so that either can be caught."""

from __future__ import annotations


class DrugsError(Exception):
    """Base of all exceptions that drugs_cpp raises on purpose."""


class DoseError(DrugsError, ValueError):
    """A dose, site, profile, mode or multiplier that cannot be used. Nothing was changed."""


class DoseWarning(UserWarning):
    """A dose with which most models write nonsense."""


class ChatTemplateWarning(UserWarning):
    """A conversation for a model whose file has no chat template."""


class SeedError(DrugsError, ValueError):
    """A seed that is neither a whole number from 0 to 2**32 - 2 nor -1."""


class CountError(DrugsError, ValueError):
    """A number of tokens that is not a whole number or too small."""


class TokenError(DrugsError, ValueError):
    """Tokens that this model does not have, or not as one sequence."""


class NoLogitsError(DrugsError, ValueError):
    """Sampling or continuing before any token was evaluated."""


class ContextOverflowError(DrugsError, ValueError):
    """More tokens than the context holds."""


class DecodeError(DrugsError, RuntimeError):
    """llama.cpp could not compute tokens, for a reason that it has logged."""


class StateError(DrugsError, ValueError):
    """A saved state that does not fit, a closed model, a text that another call has disturbed, or no twin to be had."""


class ModelNotFoundError(DrugsError, FileNotFoundError, ValueError):
    """No model file at the given path. llama-cpp-python raises ``ValueError`` here, so this is one too."""


class ModelFileError(DrugsError, ValueError):
    """A file that is not a GGUF model, is cut short, or is of a kind that llama.cpp cannot load."""


class BusyError(DrugsError, RuntimeError):
    """Another thread is using the model. Nothing was changed."""


class MemoryLimitError(DrugsError, MemoryError):
    """Sequences that need more memory than is free. Nothing was computed."""


class RpcServerError(DrugsError, ConnectionError):
    """No RPC server that answers at an address, or none whose devices can be used."""


class ClusterError(DrugsError, RuntimeError):
    """No Ray cluster at an address, a cluster without a machine that can be used, or texts that workers die of."""


class ClusterWarning(UserWarning):
    """A machine of a Ray cluster that is not used, and why."""


class PromptError(DrugsError, ValueError):
    """No prompt, an empty one, one that the vocabulary cannot write, or one of a kind that cannot be used here."""


class OptionError(DrugsError, ValueError):
    """A temperature, stop string, grammar or size that cannot be used."""


class ResultFileError(DrugsError, ValueError):
    """A file of a trace or of results that is not there, is damaged, or is something else."""


class MissingExtraError(DrugsError, ImportError):
    """A package that is not installed with drugs_cpp itself: ``pip install "drugs_cpp[lab]"`` brings it."""

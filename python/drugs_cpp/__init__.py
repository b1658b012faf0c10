"""Noise inside a language model's layers, instead of dice at its end: DRµGS for every model that llama.cpp runs."""
# ruff: noqa: E402  (the libraries have to be set before llama_cpp is imported)

from __future__ import annotations

from importlib.metadata import version as _version

from drugs_cpp._library import use_own_libraries

use_own_libraries()

from drugs_cpp._log_levels import keep_warnings_quiet

keep_warnings_quiet()

from drugs_cpp.default_model import default_model
from drugs_cpp.doses.course import Course, CoursePoint
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.profile import DoseProfile, ProfilePoint
from drugs_cpp.doses.sites import SITES
from drugs_cpp.errors import (
    BusyError,
    ChatTemplateWarning,
    ClusterError,
    ClusterWarning,
    ContextOverflowError,
    CountError,
    DecodeError,
    DoseError,
    DoseWarning,
    DrugsError,
    MemoryLimitError,
    MissingExtraError,
    ModelFileError,
    ModelNotFoundError,
    NoLogitsError,
    OptionError,
    PromptError,
    ResultFileError,
    RpcServerError,
    SeedError,
    StateError,
    TokenError,
)
from drugs_cpp.model.llama import Llama
from drugs_cpp.rpc import add_rpc_servers
from drugs_cpp.traces.divergence import Divergence
from drugs_cpp.traces.trace import Trace

__version__ = _version("drugs_cpp")


def __dir__() -> list[str]:
    """Public names, for completion at a prompt."""
    return list(__all__)


__all__ = [
    "DRUGS",
    "SITES",
    "BusyError",
    "ChatTemplateWarning",
    "ClusterError",
    "ClusterWarning",
    "ContextOverflowError",
    "CountError",
    "Course",
    "CoursePoint",
    "DecodeError",
    "Divergence",
    "DoseError",
    "DoseProfile",
    "DoseWarning",
    "DrugsError",
    "Llama",
    "MemoryLimitError",
    "MissingExtraError",
    "ModelFileError",
    "ModelNotFoundError",
    "NoLogitsError",
    "OptionError",
    "ProfilePoint",
    "PromptError",
    "ResultFileError",
    "RpcServerError",
    "SeedError",
    "StateError",
    "TokenError",
    "Trace",
    "__version__",
    "add_rpc_servers",
    "default_model",
]

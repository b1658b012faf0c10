"""The models ``drugs-smollm2`` and ``drugs`` of the command-line tool ``llm``: the default model, and any GGUF file.

Only ``llm`` imports this module, by its entry point.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llm
from pydantic import Field, ValidationInfo, field_validator

from drugs_cpp.default_model import default_model
from drugs_cpp.drugs import DRUGS
from drugs_cpp.evaluation import DEFAULT_SOBERING_RATE
from drugs_cpp.llama import Llama
from drugs_cpp.sites import SITE_MEANING, SITES

_DRUGS_OPTIONS = (*(f"{site.lower()}_dose" for site in SITES), "seed", "noise")

_DEFAULT_CONTEXT = 4096  # tokens

_NO_FILE = (
    "which model? Give the path of a GGUF file with -o model_path FILE, "
    "or once and for all: llm models options set drugs model_path FILE"
)


def _dose(site: str) -> Any:
    return Field(default=None, description=f"Largest angle in radians at {site}: {SITE_MEANING[site]}")


class DosedOptions(llm.Model.Options):
    """What ``-o`` takes, for every model. None where nothing was given, which leaves room for llm's own defaults."""

    h_dose: float | None = _dose("H")
    q_dose: float | None = _dose("Q")
    k_dose: float | None = _dose("K")
    v_dose: float | None = _dose("V")
    a_dose: float | None = _dose("A")
    pk_dose: float | None = _dose("pK")
    pv_dose: float | None = _dose("pV")
    seed: int | None = Field(
        default=None, description="Of the noise and the sampler, 0 to 4294967294. Default: each answer draws its own"
    )
    noise: str | None = Field(
        default=None, description="How the direction of a turn is drawn: isotropic (default) or reference"
    )
    dose_inputs: bool | None = Field(default=None, description="Dose the prompt as well. Default: false")
    sober_interval: int | None = Field(
        default=None, ge=1, description=f"Dosed tokens between two cold showers. Default: {DEFAULT_SOBERING_RATE}"
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="0 (default) takes the most likely token, above it is drawn",
    )
    max_tokens: int | None = Field(default=None, ge=1, description="Longest answer in tokens. Default: no limit")
    n_ctx: int | None = Field(
        default=None, ge=1, description=f"Tokens of the whole conversation. Default: {_DEFAULT_CONTEXT}"
    )

    @field_validator(*_DRUGS_OPTIONS)
    @classmethod
    def _is_as_drugs_takes_it(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            DRUGS(**{str(info.field_name): value})  # its errors are what the user reads
        return value

    def drugs(self) -> DRUGS:
        """Doses, seed and noise."""
        given = {name: getattr(self, name) for name in _DRUGS_OPTIONS}
        return DRUGS(**{name: value for name, value in given.items() if value is not None})


class FileOptions(DosedOptions):
    """What ``-o`` takes where the model has to be named."""

    model_path: str | None = Field(default=None, description="Path of a GGUF file")


class DosedModel(llm.Model):
    """A GGUF file under doses, as ``llm`` sees it."""

    can_stream = True
    Options = DosedOptions

    @abstractmethod
    def path(self, options: Any) -> str:
        """The file that an answer with these options comes from."""

    def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,
        response: llm.Response,
        conversation: llm.Conversation | None,  # noqa: ARG002  # the prompt has its messages
    ) -> Iterator[str]:
        """Answer, in one piece or as it comes; the response's JSON tells what made the answer.

        Raises:
            DrugsError: a dose at a site that the model lacks, a conversation longer than its context, no such file.
        """
        options: Any = prompt.options
        llama = _load(self.path(options), options.n_ctx or _DEFAULT_CONTEXT)
        llama.drugs.assign(options.drugs())
        llama.protect_inputs = not options.dose_inputs
        llama.set_sobering_rate(options.sober_interval or DEFAULT_SOBERING_RATE)
        answer: Any = llama.create_chat_completion(
            _openai_messages(prompt),
            max_tokens=options.max_tokens,
            temperature=options.temperature or 0.0,
            stream=stream,
        )
        finish_reason = None
        for chunk in answer if stream else [answer]:
            choice = chunk["choices"][0]
            finish_reason = choice["finish_reason"]
            yield choice["delta" if stream else "message"].get("content") or ""
        if not stream:
            response.set_usage(input=answer["usage"]["prompt_tokens"], output=answer["usage"]["completion_tokens"])
        response.response_json = {"finish_reason": finish_reason, "drugs": _what_made_it(llama)}


class DosedSmolLM2(DosedModel):
    """The default model."""

    model_id = "drugs-smollm2"

    def path(self, options: Any) -> str:  # noqa: ARG002  # it is always the same file
        return default_model()


class DosedFile(DosedModel):
    """Any GGUF file, which the option ``model_path`` names."""

    model_id = "drugs"
    Options = FileOptions

    def path(self, options: Any) -> str:
        if options.model_path is None:
            raise llm.ModelError(_NO_FILE)
        return str(Path(options.model_path).expanduser())


@functools.lru_cache(maxsize=1)
def _load(path: str, n_ctx: int) -> Llama:
    """A process that asks for another file has done with the last one."""
    return Llama(path, n_ctx=n_ctx, verbose=False)


def _openai_messages(prompt: llm.Prompt) -> list[Any]:
    """The conversation so far and the new prompt, as chat templates take them."""
    return [
        {"role": message.role, "content": "".join(getattr(part, "text", "") for part in message.parts)}
        for message in prompt.messages
    ]


def _what_made_it(llama: Llama) -> dict[str, Any]:
    """The last run's doses and seed, in the shape that the server takes and gives."""
    dosage = llama.drugs.dosage
    return {
        **{site: theta for site, theta in dosage.thetas.items() if theta},
        "seed": llama.seed,
        "noise": dosage.noise,
        "sink": llama.sink,
        "inputs": not llama.protect_inputs,
        "sober_interval": llama.get_sobering_rate(),
    }


@llm.hookimpl
def register_models(register: Callable[[llm.Model], None]) -> None:
    """Tell ``llm`` of the models; nothing is loaded yet."""
    register(DosedSmolLM2())
    register(DosedFile())

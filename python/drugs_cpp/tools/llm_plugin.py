"""The models ``drugs-smollm2`` and ``drugs`` for the command-line tool ``llm``: the default model, and any GGUF file.

Only ``llm`` imports this module, through its entry point.
"""

from __future__ import annotations

import functools
import threading
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import llm
from pydantic import Field, ValidationInfo, field_validator, model_validator

from drugs_cpp.default_model import default_model
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.sites import SITE_MEANING
from drugs_cpp.doses.text import read_doses, read_held
from drugs_cpp.engine.dosing import DEFAULT_SOBER_INTERVAL
from drugs_cpp.errors import BusyError
from drugs_cpp.model.llama import Llama

_DEFAULT_CONTEXT = 4096  # tokens

_NO_FILE = (
    "which model? Give the path of a GGUF file with -o model_path FILE, "
    "or permanently: llm models options set drugs model_path FILE"
)


_EXAMPLE = "A=0.3,H=0.1"

_SITES_AND_MEANING = "; ".join(f"{site}: {meaning}" for site, meaning in SITE_MEANING.items())


class DosedOptions(llm.Model.Options):
    """Options for ``-o`` of every model. None means that nothing was given, so that llm's own defaults can apply."""

    dose: str | None = Field(
        default=None,
        description=f"Largest angles in radians by site, such as {_EXAMPLE}. {_SITES_AND_MEANING}",
    )
    seed: int | None = Field(
        default=None,
        description="Seed of noise and sampler, 0 to 4294967294. Default and -1: each answer draws its own",
    )
    noise: str | None = Field(
        default=None, description="How the direction of a turn is drawn: isotropic (default) or reference"
    )
    angle: str | None = Field(
        default=None, description="How the angle of a turn is drawn: uniform (default), half-normal or fixed"
    )
    turn: str | None = Field(
        default=None,
        description="What is done with a vector: rotation (default), addition, nlerp or elementwise",
    )
    hold: str | None = Field(
        default=None,
        description="For how many tokens a turn stays the same: 1 (default), a number, text for the whole text, or "
        "A=text,H=8",
    )
    layers: str | None = Field(
        default=None, description="Whether each layer draws its own turns or all have the same: own (default) or shared"
    )
    dose_inputs: bool | Literal["last"] | None = Field(
        default=None, description="Dose the prompt as well, or only its last position. Default: false"
    )
    sober_interval: int | None = Field(
        default=None, ge=1, description=f"Dosed tokens between two cold showers. Default: {DEFAULT_SOBER_INTERVAL}"
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="0 (default): the most likely token. Above 0: tokens are drawn",
    )
    max_tokens: int | None = Field(default=None, ge=1, description="Longest answer in tokens. Default: no limit")
    n_ctx: int | None = Field(
        default=None, ge=1, description=f"Tokens of the whole conversation. Default: {_DEFAULT_CONTEXT}"
    )

    @field_validator("dose", "seed", "noise", "angle", "turn", "hold", "layers")
    @classmethod
    def _is_as_drugs_takes_it(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.field_name == "dose":
            DRUGS(read_doses(value))
        elif value is not None:
            DRUGS({str(info.field_name): read_held(value) if info.field_name == "hold" else value})
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> DosedOptions:
        self.drugs()
        return self

    def drugs(self) -> DRUGS:
        """Return doses, seed and kinds of noise."""
        doses = {} if self.dose is None else read_doses(self.dose)
        hold = None if self.hold is None else read_held(self.hold)
        return DRUGS(
            doses, seed=self.seed, noise=self.noise, angle=self.angle, turn=self.turn, hold=hold, layers=self.layers
        )


class FileOptions(DosedOptions):
    """Options for ``-o`` if the model has to be named."""

    model_path: str | None = Field(default=None, description="Path of a GGUF file")


class DosedModel(llm.Model):
    """A GGUF file under doses, as ``llm`` sees it."""

    can_stream = True
    Options = DosedOptions

    @abstractmethod
    def path(self, options: Any) -> str:
        """Return the path of the model that answers with these options."""

    def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,
        response: llm.Response,
        conversation: llm.Conversation | None,  # noqa: ARG002  # the prompt has its messages
    ) -> Iterator[str]:
        """Answer, in one piece or streamed. The response's JSON contains the doses and seed of the answer.

        Raises:
            DrugsError: a dose at a site that the model lacks, a conversation longer than its context, no such file, or
                another answer that has not ended, because both would get the same doses.
        """
        options: Any = prompt.options
        llama, answering = _load(self.path(options), options.n_ctx or _DEFAULT_CONTEXT)
        if not answering.acquire(blocking=False):
            raise BusyError("this model is still answering: read the other answer to its end, or drop it")
        try:
            yield from self._answer(llama, prompt, stream, response)
        finally:
            answering.release()

    def _answer(self, llama: Llama, prompt: llm.Prompt, stream: bool, response: llm.Response) -> Iterator[str]:
        options: Any = prompt.options
        llama.drugs.assign(options.drugs())
        llama.dose_inputs = options.dose_inputs or False
        llama.sober_interval = options.sober_interval or DEFAULT_SOBER_INTERVAL
        how = {"max_tokens": options.max_tokens, "temperature": options.temperature or 0.0, "stream": stream}
        messages = _openai_messages(prompt)
        if llama.has_chat_template:
            answer: Any = llama.create_chat_completion(messages, **how)
        else:
            _warn_without_template(llama.model_path)
            answer = llama.create_completion("\n".join(message["content"] for message in messages), **how)
        finish_reason = None
        for chunk in answer if stream else [answer]:
            choice = chunk["choices"][0]
            finish_reason = choice["finish_reason"]
            yield _text_of(choice)
        if not stream:
            response.set_usage(input=answer["usage"]["prompt_tokens"], output=answer["usage"]["completion_tokens"])
        response.response_json = {"finish_reason": finish_reason, "drugs": _what_made_it(llama)}


class DosedSmolLM2(DosedModel):
    """The default model."""

    model_id = "drugs-smollm2"

    def path(self, options: Any) -> str:  # noqa: ARG002  # it is always the same file
        return default_model()


class DosedFile(DosedModel):
    """Any GGUF file, named by the option ``model_path``."""

    model_id = "drugs"
    Options = FileOptions

    def path(self, options: Any) -> str:
        if options.model_path is None:
            raise llm.ModelError(_NO_FILE)
        return str(Path(options.model_path).expanduser())


@functools.lru_cache(maxsize=1)
def _load(path: str, n_ctx: int) -> tuple[Llama, threading.Lock]:
    """Load a model. Only the last one is kept.

    Returns:
        The model, and a lock that an answer holds from its beginning to its end, because it sets the model's doses.
    """
    return Llama(path, n_ctx=n_ctx, verbose=False), threading.Lock()


@functools.lru_cache
def _warn_without_template(path: str) -> None:
    """Warn once for each file."""
    warnings.warn(f"{path} has no chat template: its model continues the text of the conversation", stacklevel=2)


def _text_of(choice: dict[str, Any]) -> str:
    """Return the text of a chat completion, a chunk of one, or a completion."""
    content = choice.get("delta") or choice.get("message") or {}
    return content.get("content") or choice.get("text") or ""


def _openai_messages(prompt: llm.Prompt) -> list[Any]:
    """Return the conversation so far and the new prompt in the form for chat templates."""
    return [
        {"role": message.role, "content": "".join(getattr(part, "text", "") for part in message.parts)}
        for message in prompt.messages
    ]


def _what_made_it(llama: Llama) -> dict[str, Any]:
    """Return the last run's doses and seed in the server's form."""
    return {
        **llama.engine.effects.described(llama.drugs.dosage),
        "seed": llama.seed,
        "sink": llama.sink,
        "dose_inputs": llama.dose_inputs,
        "sober_interval": llama.sober_interval,
    }


@llm.hookimpl
def register_models(register: Callable[[llm.Model], None]) -> None:
    """Register the models with ``llm``; nothing is loaded yet."""
    register(DosedSmolLM2())
    register(DosedFile())

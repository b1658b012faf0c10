"""Right and wrong uses of the package. A type checker must report each line that ends with "error", and no other."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Optional

import llama_cpp
from llama_cpp.llama_types import (
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    CreateCompletionResponse,
    CreateCompletionStreamResponse,
)
from typing_extensions import assert_type

from drugs_cpp import DRUGS, Course, DoseProfile, Llama
from drugs_cpp.model.variation_types import ChatChunk, ChatVariations, TextChunk, TextVariations

flag = bool(Path("model.gguf"))
given: dict[str, Any] = {}
Tokens = Generator[int, Optional[Sequence[int]], None]
question = [{"role": "user", "content": "Name a river."}]


class Own(Llama):
    pass


# doses
DRUGS()
DRUGS({"A": 0.3, "seed": 7}, multiplier=0.5)
DRUGS("mild", seed=None, noise=None)
DRUGS(H=0.1, Q=0.1, K=0.1, V=1, A=None, pK=0.1, pV=0.1, M=0.1)
DRUGS(A=0.3, shape={"A": DoseProfile([{"depth": 0.3, "peakratio": 0}])}, course=Course([{"token": 0, "ratio": 1}]))
DRUGS(A=0.3, shape={"A": [{"depth": 0.3, "peakratio": 0}]}, course=([{"token": 0, "ratio": 1}], "ceil"))
DRUGS(effect=0.05, hold={"A": "text", "H": 8}, layers="shared", angle="fixed", turn="nlerp", apart=1, noise="reference")
DRUGS(**given)
assert_type(DRUGS.mild(hold="text"), DRUGS)
assert_type(DRUGS.by_effect(0.05, ["A", "M"], seed=1), DRUGS)
DRUGS(0.3)  # error
DRUGS(a=0.1)  # error
DRUGS(nois="reference")  # error
DRUGS(values={"A": 0.3})  # error
DRUGS(A="0.3")  # error
DRUGS(hold=1.5)  # error
DRUGS(seed=0.5)  # error
DRUGS.mild(sead=1)  # error
DRUGS.strong(effect="mild")  # error
DRUGS.by_effect("mild", "A", layer="shared")  # error

# models
llm = Llama("model.gguf", drugs={"A": 0.3}, seed=7, dose_inputs="last", sink=4, n_ctx=1024, n_threads=None)
Llama(Path("model.gguf"), drugs=DRUGS(A=0.3), repeatable=None, strict=False, sober_twin=True, sober_interval=100)
Llama("model.gguf", drugs="mild", chat_format="chatml", kv_overrides={"a": 1, "b": "c"}, tensor_split=[0.5, 0.5])
Llama("model.gguf", lora_path=Path("adapter.gguf"), verbose=False, **given)
Llama(**given)
assert_type(Own("model.gguf", n_ctx=5), Own)
assert_type(Own.from_pretrained("a/b", "*.gguf", drugs="mild", n_ctx=1024), Own)
assert_type(Llama.adopt(llama_cpp.Llama("model.gguf"), "mild"), Llama)
Llama()  # error
Llama("model.gguf", DRUGS())  # error
Llama("model.gguf", n_ctxx=5)  # error
Llama("model.gguf", drug={"A": 0.3})  # error
Llama("model.gguf", drugs=0.3)  # error
Llama("model.gguf", n_ctx="5")  # error
Llama("model.gguf", dose_inputs="first")  # error
Llama("model.gguf", A=0.3)  # error
Own("model.gguf", n_ctxx=5)  # error
Llama.from_pretrained("a/b", "*.gguf", n_ctxx=5)  # error

# doses of a model
llm.drugs = "mild"
llm.drugs = {"A": 0.3}
assert_type(llm.drugs, DRUGS)
with llm.dosed(A=0.3, noise="reference") as dosed:
    assert_type(dosed, DRUGS)
with llm.dosed("mild"), llm.dosed(DRUGS(A=0.3), multiplier=0.5), llm.dosed({"A": 0.3}), llm.dosed(None), llm.sober():
    pass
llm.drugs = 0.3  # error
llm.dosed(a=0.3)  # error
llm.dosed(temperature=0.3)  # error
llm.dosed(A="0.3")  # error

# completions
text = llm.create_completion("The sea was", max_tokens=16, seed=8, stop=["."], xtc_probability=0.5)
assert_type(text, CreateCompletionResponse)
assert_type(text["choices"][0]["text"], str)
assert_type(llm([1, 2], top_n_sigma=1.0), CreateCompletionResponse)
assert_type(llm("The sea was", stream=False), CreateCompletionResponse)
assert_type(llm("The sea was", stream=True), Iterator[CreateCompletionStreamResponse])
assert_type(llm("The sea was", stream=flag), "CreateCompletionResponse | Iterator[CreateCompletionStreamResponse]")
assert_type(llm("The sea was", None, 16), "CreateCompletionResponse | Iterator[CreateCompletionStreamResponse]")
for piece in llm.create_completion("The sea was", logit_bias={5: -1.0}, stream=True):
    assert_type(piece["choices"][0]["text"], str)
answer = llm.create_chat_completion(question, max_tokens=16, tools=[{"type": "function"}], tool_choice="auto")
assert_type(answer, CreateChatCompletionResponse)
assert_type(answer["choices"][0]["message"]["content"], "str | None")
llm.create_chat_completion([{"role": "user", "content": "Hello"}], response_format={"type": "json_object"})
assert_type(llm.create_chat_completion(messages=question, stream=True), Iterator[CreateChatCompletionStreamResponse])
llm.create_completion("The sea was", max_token=16)  # error
llm.create_completion("The sea was", drugs="mild")  # error
llm.create_completion("The sea was", max_tokens="16")  # error
llm.create_completion()  # error
llm("The sea was", temp=0.5)  # error
llm("The sea was", stream=True, max_token=16)  # error
llm.create_chat_completion(question, max_token=16)  # error
llm.create_chat_completion("Name a river.")  # error
llm.create_completion("The sea was", stream=True)["choices"]  # error

# tokens
assert_type(llm.generate([1], temp=0.5, top_k=10, xtc_threshold=0.2), Tokens)
for token in llm.generate([1, 2], 40, 0.9, reset=False):
    assert_type(token, int)
assert_type(llm.sample(temp=0.5, idx=1), int)
assert_type(llm.Dgenerate([1, 2], max_new_tokens=5, temp=0.5), "list[int]")
llm.generate([1, 2], temperature=0.5)  # error
llm.generate("The sea was")  # error
llm.sample(tmp=0.5)  # error
llm.Dgenerate([1, 2], max_tokens=5)  # error

# variations
texts = llm.variations("The sea was", n=4, seeds=range(4), drugs=[{}, {"A": 0.3}, DRUGS(), "mild"], top_p=0.9)
assert_type(texts, TextVariations)
for choice in texts["choices"]:
    assert_type(choice["text"], str)
    assert_type(choice["seed"], int)
    assert_type(choice["drugs"], "dict[str, Any]")
    assert_type(choice["finish_reason"], Literal["stop", "length"])
answers = llm.variations(messages=question, n=4, seeds=1, apart=True, stream=False)
assert_type(answers, ChatVariations)
assert_type(answers["choices"][0]["message"]["content"], str)
assert_type(llm.variations([1, 2], stream=True), Iterator[TextChunk])
assert_type(llm.variations(messages=question, stream=True), Iterator[ChatChunk])
assert_type(
    llm.variations("The sea was", stream=flag),
    "TextVariations | ChatVariations | Iterator[TextChunk] | Iterator[ChatChunk]",
)
for chunk in llm.variations("The sea was", stream=True):
    assert_type(chunk["choices"][0]["text"], str)
llm.variations("The sea was", None, 4, 1, "mild", 16, 0.5, ".", flag)
llm.variations("The sea was", seed=1)  # error
llm.variations("The sea was", n_paralel=2)  # error
llm.variations("The sea was", n="4")  # error
llm.variations("The sea was", drugs=0.3)  # error
llm.variations(messages="Name a river.")  # error
texts["choices"][0]["message"]  # error
texts["choices"][0]["sead"]  # error
answers["choices"][0]["text"]  # error
llm.variations("The sea was", stream=True)["choices"]  # error

# the rest
llm.trace(messages=question, drugs="mild")
llm.uncertainty(question, 4, "mild")
llm.trace(messages="Name a river.")  # error

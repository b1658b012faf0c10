"""Everyday use of ``llama_cpp.Llama``, dosed, on the real model."""

from __future__ import annotations

import json
from typing import Any

import llama_cpp
import numpy as np
import pytest
from llama_cpp import LogitsProcessorList
from llama_cpp.llama_grammar import LlamaGrammar

from conftest import MakeLlama
from drugs_cpp import DRUGS, Llama
from support.seeds import first_that

PROMPT = "The keeper of the lighthouse looked at the sea and"
MESSAGES: list[Any] = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture(scope="module")
def llm(model_path: str) -> Any:
    drugs = DRUGS(A=0.4, H=0.1)
    llm = Llama(model_path, drugs=drugs, n_ctx=512, n_threads=1, n_threads_batch=1, verbose=False)
    yield llm
    llm.close()


def text(llm: Any, **kwargs: Any) -> str:
    return str(llm.create_completion(PROMPT, **{"max_tokens": 24, **kwargs})["choices"][0]["text"])


def test_completions_vary_with_the_seed_and_begin_soberly(llm: Any, make_llama: MakeLlama, model_path: str) -> None:
    sober = make_llama(model_path)
    texts = {text(sober)}
    for _ in range(3):
        texts.add(text(llm, seed=first_that(lambda seed: text(llm, seed=seed) not in texts)))
    first_token = text(sober, max_tokens=1)
    assert first_token
    assert all(dosed.startswith(first_token) for dosed in texts)
    assert text(llm, seed=1) == text(llm, seed=1)


def test_a_seed_repeats_its_text_whatever_was_in_the_cache(llm: Any) -> None:
    """Rounding depends on how a prompt is split into batches, so a run must always split it in its own way."""
    prompts = [PROMPT + more for more in ("", " said", " said that it was", " said that it was time to go")]
    prompts.append("The keeper")

    def complete(prompt: str) -> str:
        return str(llm.create_completion(prompt, max_tokens=12, seed=3)["choices"][0]["text"])

    alone = []
    for prompt in prompts:
        llm.reset()
        alone.append(complete(prompt))
    for order in ([0, 0, 1, 2, 3], [3, 2, 1, 0, 4], [4, 1, 0, 2, 0]):
        assert [complete(prompts[i]) for i in order] == [alone[i] for i in order]


def test_streaming_gives_the_same_text(llm: Any) -> None:
    chunks = llm.create_completion(PROMPT, max_tokens=24, seed=5, stream=True)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == text(llm, seed=5)


def test_chat_and_streaming_chat(llm: Any) -> None:
    whole = llm.create_chat_completion(MESSAGES, max_tokens=24, seed=5)["choices"][0]["message"]["content"]
    chunks = llm.create_chat_completion(MESSAGES, max_tokens=24, seed=5, stream=True)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole
    assert whole
    assert llm.seed == 5


def test_a_broken_off_stream_leaves_a_usable_object(llm: Any) -> None:
    wanted = text(llm, seed=5)
    chunks = llm.create_completion(PROMPT, max_tokens=24, seed=6, stream=True)
    next(chunks)
    next(chunks)
    chunks.close()
    assert text(llm, seed=5) == wanted


def test_call_is_completion(llm: Any) -> None:
    assert llm(PROMPT, max_tokens=24, seed=5)["choices"][0]["text"] == text(llm, seed=5)


def test_a_grammar_holds_under_a_dose(llm: Any) -> None:
    grammar = LlamaGrammar.from_string('root ::= "{\\"n\\": " [0-9] "}"', verbose=False)
    for seed in range(3):
        answer = llm.create_completion(PROMPT, max_tokens=16, grammar=grammar, seed=seed)["choices"][0]["text"]
        assert 0 <= json.loads(answer)["n"] <= 9


def test_json_and_stop_and_logit_bias(llm: Any) -> None:
    answer = llm.create_chat_completion(MESSAGES, max_tokens=60, response_format={"type": "json_object"}, seed=1)
    assert answer["choices"][0]["message"]["content"].lstrip().startswith("{")
    assert "." not in text(llm, seed=1, stop=["."])
    token = llm.tokenize(b" purple", add_bos=False)[0]
    assert " purple purple" in text(llm, logit_bias={token: 1000.0})


def test_logprobs(make_llama: MakeLlama) -> None:
    llm: Any = make_llama(drugs=DRUGS(A=0.4, seed=1), logits_all=True)
    found = llm.create_completion(PROMPT, max_tokens=8, logprobs=3)["choices"][0]["logprobs"]
    assert len(found["tokens"]) == 8
    # greedy: each chosen token is the most likely one under the dosed logits
    for chosen, top in zip(found["token_logprobs"], found["top_logprobs"]):
        assert chosen == pytest.approx(max(top.values()))


def test_a_sampler_on_top(llm: Any) -> None:
    assert text(llm, temperature=1.0, seed=1) == text(llm, temperature=1.0, seed=1)
    first_that(lambda seed: text(llm, temperature=1.0, seed=seed) != text(llm, seed=seed))


@pytest.mark.parametrize("flash_attn", [False, True])
@pytest.mark.parametrize("type_k", [None, llama_cpp.GGML_TYPE_Q8_0])
def test_flash_attention_and_a_quantized_cache(make_llama: MakeLlama, flash_attn: bool, type_k: int | None) -> None:
    llm: Any = make_llama(drugs=DRUGS(pK=0.5, A=0.3), flash_attn=flash_attn, type_k=type_k)
    one = text(llm, seed=1)
    assert text(llm, seed=1) == one
    first_that(lambda seed: text(llm, seed=seed) != one, range(2, 16))


SEA = LlamaGrammar.from_string('root ::= "🌊🌊🌊🌊"')


def keep(_: Any, scores: Any) -> Any:
    return scores


@pytest.mark.parametrize("stream", [False, True])
def test_a_character_that_max_tokens_would_cut_is_completed(llm: Any, stream: bool) -> None:
    """As in upstream: in C++, in Python's loop, and for variations. This character takes several tokens."""

    def sea(n: int, **options: Any) -> str:
        asked = {"max_tokens": n, "grammar": SEA, "stream": stream, **options}
        answer = llm.create_completion(PROMPT, **asked)
        return "".join(chunk["choices"][0]["text"] for chunk in (answer if stream else [answer]))

    assert len(llm.tokenize("🌊".encode(), add_bos=False)) > 1
    texts = [sea(n) for n in range(1, 9)]
    assert texts[0] == "🌊"
    assert all(set(found) == {"🌊"} for found in texts)
    assert texts == [sea(n, logits_processor=LogitsProcessorList([keep])) for n in range(1, 9)]
    if not stream:
        varied = llm.variations(PROMPT, n=2, grammar=SEA, max_tokens=1)["choices"]
        assert [choice["text"] for choice in varied] == ["🌊", "🌊"]


def test_no_character_is_completed_beyond_the_context(make_llama: MakeLlama) -> None:
    small: Any = make_llama(n_ctx=16)
    prompt = small.tokenize(b"The sea and the sea and the sea")[:15]
    answer = small.create_completion([*prompt, *prompt][:15], max_tokens=8, grammar=SEA)
    assert answer["usage"]["completion_tokens"] == 1
    assert answer["choices"][0]["finish_reason"] == "length"


def log_probabilities(llm: Any) -> Any:
    scores = llm.scores[: llm.n_tokens].astype(np.float64)
    scores -= scores.max(-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


@pytest.mark.parametrize("begins", [False, True])
def test_logprobs_are_those_of_their_tokens_and_are_json(
    make_llama: MakeLlama, tiny_model_path: str, model_path: str, begins: bool
) -> None:
    """With and without a token that begins the text."""
    llm: Any = make_llama(tiny_model_path if begins else model_path, logits_all=True)
    for echo in (False, True):
        answer = llm.create_completion("Once upon", max_tokens=4, logprobs=2, echo=echo)
        found = json.loads(json.dumps(answer))["choices"][0]["logprobs"]
        expected = log_probabilities(llm)
        tokens = llm.input_ids[: llm.n_tokens].tolist()
        assert (tokens[0] == llm.token_bos()) == begins
        # the last chosen token is not in the cache
        known = [expected[i - 1, tokens[i]] for i in range(1, len(tokens))]
        logprobs = found["token_logprobs"]
        if echo:
            assert logprobs[0] is None
            assert len(logprobs) == len(tokens) + 1 - begins
            np.testing.assert_allclose(logprobs[1:-1], known[begins:], atol=1e-4)
        else:
            np.testing.assert_allclose(logprobs[:-1], known[-3:], atol=1e-4)
            assert len(logprobs) == 4
        assert logprobs[-1] == pytest.approx(max(found["top_logprobs"][-1].values()), abs=1e-6)

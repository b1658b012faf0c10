"""XTC and top-n-sigma, compared with numpy on the same logits."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest
from llama_cpp import LogitsProcessorList
from scipy.stats import chisquare

from conftest import MakeLlama, last_logits, same_rounding
from drugs_cpp import DRUGS, Llama, OptionError
from drugs_cpp.engine.sampling import OPTIONS, chain_of, make_sampler
from support.program import run_drugs
from support.tiny_texts import take

PROMPT = "The keeper of the lighthouse looked at the sea and"
MESSAGES: list[Any] = [{"role": "user", "content": "Name a colour."}]

F64 = npt.NDArray[np.float64]
Options = dict[str, Any]

#: with these, llama-cpp-python's other samplers keep every token
ALL: Options = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}

#: always the least likely of the five most likely tokens: without our samplers, another one would be drawn
FIFTH: Options = {**ALL, "top_k": 5, "temperature": 0.7, "xtc_probability": 1.0, "xtc_threshold": 0.0}


@pytest.fixture(scope="module")
def llm(short_model_path: str) -> Any:
    llm = Llama(short_model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False, drugs=DRUGS())
    yield llm
    llm.close()


@pytest.fixture(scope="module")
def logits(llm: Llama) -> F64:
    """Logits of the token after the prompt, float64 (n_vocab,)."""
    llm.reset()
    llm.eval(llm.tokenize(PROMPT.encode()))
    found: F64 = last_logits(llm).astype(np.float64)
    return found


def softmax(logits: F64) -> F64:
    weights = np.exp(logits - logits.max())
    normal: F64 = weights / weights.sum()
    return normal


def expected(logits: F64, options: Options) -> F64:
    """The distribution that llama.cpp's default chain draws from, computed independently: float64 (n_vocab,)."""
    left = logits.copy()
    if options.get("top_n_sigma", -1) > 0:
        left[left < left.max() - options["top_n_sigma"] * left.std()] = -np.inf
    if options["top_k"] > 0:
        left[left < np.sort(left)[-options["top_k"]]] = -np.inf
    left[softmax(left) < options["min_p"] * softmax(left).max()] = -np.inf
    drawn = softmax(left / options["temperature"])
    likely = np.flatnonzero(softmax(left) >= options.get("xtc_threshold", 0.1))
    chance = options.get("xtc_probability", 0.0)
    if len(likely) < 2 or not chance:
        return drawn
    left[likely[np.argsort(left[likely])[1:]]] = -np.inf
    excluding: F64 = softmax(left / options["temperature"])
    mixed: F64 = chance * excluding + (1 - chance) * drawn
    return mixed


def text_of(llm: Llama, token: int) -> str:
    return llm.detokenize([token]).decode("utf-8")


@pytest.mark.parametrize(
    "options",
    [
        {"top_n_sigma": 0.6},
        {"top_n_sigma": 0.9, "temperature": 3.0},
        {"top_n_sigma": 0.5, "top_k": 12},  # the standard deviation of all logits, and not of the remaining ones
        {"xtc_probability": 1.0, "xtc_threshold": 0.05, "top_k": 20},
        {"xtc_probability": 0.5, "xtc_threshold": 0.02, "top_k": 20},
        {"xtc_probability": 0.5, "xtc_threshold": 0.08, "min_p": 0.2},
        {"xtc_probability": 0.3, "xtc_threshold": 0.08, "top_n_sigma": 0.8, "temperature": 2.0},
    ],
    ids=str,
)
def test_tokens_are_drawn_as_numpy_says(llm: Llama, logits: F64, options: Options) -> None:
    options = {**ALL, "temperature": 1.0, **options}
    probabilities = expected(logits, options)
    kept = np.flatnonzero(probabilities)
    answer = llm.variations(PROMPT, n=500, seeds=1, max_tokens=1, **options)
    drawn = Counter(choice["text"] for choice in answer["choices"])
    by_text = {text_of(llm, int(token)): probabilities[token] for token in kept}
    assert len(by_text) == len(kept) > 1
    assert set(drawn) <= set(by_text)
    often = [text for text, p in by_text.items() if 500 * p >= 5]
    seen = [*(drawn[text] for text in often), 500 - sum(drawn[text] for text in often)]
    wanted = [*(500 * by_text[text] for text in often), 500 * (1 - sum(by_text[text] for text in often))]
    pairs = [(s, w) for s, w in zip(seen, wanted) if w > 1e-6]
    assert chisquare(*map(list, zip(*pairs))).pvalue > 1e-3
    # and without our samplers, it would be something else
    plain = expected(logits, {name: value for name, value in options.items() if name in (*ALL, "temperature")})
    assert np.abs(plain - probabilities).sum() > 0.1


def through_every_way(llm: Any) -> dict[str, Callable[[Options], str]]:
    """From options to the text of one token, each in a different way."""

    def first_token(options: Options) -> Options:
        return {("temp" if name == "temperature" else name): value for name, value in options.items()}

    def sampled(options: Options) -> int:
        llm.reset()
        llm.eval(llm.tokenize(PROMPT.encode()))
        return int(llm.sample(**first_token(options)))

    def told(chunks: Any) -> str:
        return "".join(chunk["choices"][0]["text"] for chunk in chunks)

    unchanged = LogitsProcessorList([lambda _, scores: scores])
    complete = {"max_tokens": 1}
    tokens = llm.tokenize(PROMPT.encode())
    return {
        "create_completion": lambda o: str(llm.create_completion(PROMPT, **complete, **o)["choices"][0]["text"]),
        "stream": lambda o: told(llm.create_completion(PROMPT, **complete, stream=True, **o)),
        "call": lambda o: str(llm(PROMPT, **complete, **o)["choices"][0]["text"]),
        "in Python": lambda o: told(
            llm.create_completion(PROMPT, **complete, stream=True, logits_processor=unchanged, **o)
        ),
        "biased": lambda o: told(llm.create_completion(PROMPT, **complete, stream=True, logit_bias={5: -1.0}, **o)),
        "generate": lambda o: text_of(llm, take(llm.generate(tokens, **first_token(o)), 1)[0]),
        "sample": lambda o: text_of(llm, sampled(o)),
        "Dgenerate": lambda o: text_of(
            llm, llm.Dgenerate(tokens, max_new_tokens=1, past_key_values=None, **first_token(o))[0]
        ),
        "Dgenerate in Python": lambda o: text_of(
            llm,
            llm.Dgenerate(tokens, max_new_tokens=1, past_key_values=None, logits_processor=unchanged, **first_token(o))[
                0
            ],
        ),
        "variations": lambda o: str(llm.variations(PROMPT, n=1, **complete, **o)["choices"][0]["text"]),
        "variations in a stream": lambda o: told(llm.variations(PROMPT, n=1, **complete, stream=True, **o)),
    }


WAYS = list(through_every_way(type("", (), {"tokenize": lambda *_: []})()))


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_token_has_them(llm: Llama, logits: F64, way: str) -> None:
    assert through_every_way(llm)[way](FIFTH) == text_of(llm, int(np.argsort(-logits)[4]))


@pytest.mark.parametrize("stream", [False, True])
def test_chats_have_them(llm: Any, stream: bool) -> None:
    def chat(**options: Any) -> str:
        answer = llm.create_chat_completion(MESSAGES, max_tokens=1, stream=stream, **options)
        if not stream:
            return str(answer["choices"][0]["message"]["content"])
        return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in answer)

    greedy = chat()
    fifth = text_of(llm, int(np.argsort(-last_logits(llm))[4]))
    assert chat(**FIFTH) == fifth != greedy
    assert llm.variations(messages=MESSAGES, n=1, max_tokens=1, **FIFTH)["choices"][0]["message"]["content"] == fifth


@same_rounding
def test_a_seed_gives_its_text_in_any_company(llm: Llama) -> None:
    options: Options = {"temperature": 1.1, "xtc_probability": 0.5, "top_n_sigma": 4.0, "max_tokens": 20}
    with llm.dosed(A=0.3, H=0.1):
        together = [c["text"] for c in llm.variations(PROMPT, seeds=range(3, 9), **options)["choices"]]
        others = [c["text"] for c in llm.variations(PROMPT, seeds=[7, 3], n_parallel=1, **options)["choices"]]
        streamed = [""] * 6
        for chunk in llm.variations(PROMPT, seeds=range(3, 9), stream=True, **options):
            streamed[chunk["choices"][0]["index"]] += chunk["choices"][0]["text"]
        call: Any = llm.create_completion
        alone = [call(PROMPT, seed=seed, **options)["choices"][0]["text"] for seed in range(3, 9)]
    assert together == alone == streamed
    assert others == [together[4], together[0]]
    assert len(set(together)) == 6


@same_rounding
def test_a_seed_gives_the_text_that_llama_cpps_own_program_gives(make_llama: MakeLlama, model_path: str) -> None:
    """The program has the samplers of both in llama.cpp's places, with llama.cpp's seeds."""
    llm: Any = make_llama(model_path)
    options = {"temperature": 0.8, "xtc_probability": 0.7, "xtc_threshold": 0.05, "top_n_sigma": 1.5}
    numbers = {"--temp": 0.8, "--xtc-probability": 0.7, "--xtc-threshold": 0.05, "--top-nsigma": 1.5, "-n": 10}
    flags = [str(part) for pair in numbers.items() for part in pair]
    for seed in (1, 2, 3):
        text = llm.create_completion(PROMPT, max_tokens=10, seed=seed, **options)["choices"][0]["text"]
        done = run_drugs(
            *("completion", "-m", model_path, "-p", PROMPT, "-no-cnv", "--no-display-prompt", "-fa", "off"),
            *("-s", str(seed)),
            *flags,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == text.strip()


#
# if there is nothing to do
#


def names_of(sampler: Any) -> list[str]:
    handle = sampler.sampler
    n = llama_cpp.llama_sampler_chain_n(handle)
    named = [llama_cpp.llama_sampler_name(llama_cpp.llama_sampler_chain_get(handle, i)) for i in range(n)]
    return [(name or b"").decode() for name in named]


def chain(llm: Llama, **options: Any) -> list[str]:
    given = {"temp": 0.8, "top_k": 30, "top_p": 0.9, "typical_p": 0.9, "min_p": 0.1, **options}
    assert set(given) <= set(OPTIONS)
    return names_of(chain_of(llm.engine.settings, 1, given))


def test_the_order_is_llama_cpps(llm: Llama) -> None:
    """The order of ``common_params_sampling`` in llama.cpp's common/common.h."""
    both = chain(llm, xtc_probability=0.5, top_n_sigma=1.0)
    assert both[1:] == ["top-n-sigma", "top-k", "typical", "top-p", "min-p", "xtc", "temp", "dist"]
    off = chain(llm, temp=1.0, top_k=0, typical_p=1.0, xtc_probability=0.5, top_n_sigma=1.0)
    assert [name.lstrip("?") for name in off[1:]] == both[1:]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"xtc_threshold": 0.2},
        {"xtc_probability": 0.0, "top_n_sigma": 0.0},
        {"temp": -1.0, "xtc_probability": 1.0, "top_n_sigma": 1.0},
        {"mirostat_mode": 1, "xtc_probability": 1.0, "top_n_sigma": 1.0},
        {"mirostat_mode": 2, "xtc_probability": 1.0, "top_n_sigma": 1.0},
    ],
    ids=str,
)
def test_elsewhere_the_chain_is_upstreams(llm: Any, options: Options) -> None:
    own = {name: value for name, value in options.items() if name in ("temp", "mirostat_mode")}
    given = {"temp": 0.8, "top_k": 30, "top_p": 0.9, "typical_p": 0.9, "min_p": 0.1, **own}
    upstream = llama_cpp.Llama._init_sampler(llm, **given)
    assert chain(llm, **options) == names_of(upstream)


def test_llama_cpps_defaults_change_nothing(llm: Any) -> None:
    neutral = {"xtc_probability": 0.0, "xtc_threshold": 0.1, "top_n_sigma": -1.0}
    for method in (llm.variations, llm.create_completion, llm.create_chat_completion, llm.generate):
        parameters = inspect.signature(method).parameters
        assert {name: parameters[name].default for name in neutral} == neutral
    for options in ({}, {"temperature": 1.1}):
        plain, given = (
            llm.variations(PROMPT, seeds=[1, 2], max_tokens=12, **options, **more)["choices"] for more in ({}, neutral)
        )
        assert plain == given


def test_the_most_likely_token_is_taken_in_cpp_as_ever(llm: Any) -> None:
    strong: Options = {"xtc_probability": 1.0, "xtc_threshold": 0.01, "top_n_sigma": 1.0}
    assert make_sampler(llm.engine.settings, 1, {"temp": 0.0, **strong}) is None
    plain, given = (llm.create_completion(PROMPT, max_tokens=8, **more) for more in ({}, strong))
    assert plain["choices"] == given["choices"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"xtc_probability": 1.5}, "xtc_probability is 1.5: give a number from 0 to 1"),
        ({"xtc_probability": -0.1}, "xtc_probability is -0.1: give a number from 0 to 1"),
        ({"xtc_probability": float("nan")}, "xtc_probability is nan: give a finite number"),
        ({"xtc_probability": None}, "xtc_probability is None: give a finite number"),
        ({"xtc_probability": True}, "xtc_probability is True: give a finite number"),
        ({"xtc_probability": [0.1, 0.2]}, r"xtc_probability is \[0.1, 0.2\]: give a finite number"),
        ({"xtc_threshold": -0.1}, "xtc_threshold is -0.1: give a number from 0 to 1; above 0.5 XTC does nothing"),
        ({"xtc_threshold": float("inf")}, "xtc_threshold is inf: give a finite number"),
        ({"xtc_threshold": "0.1"}, "xtc_threshold is '0.1': give a finite number"),
        ({"top_n_sigma": float("inf")}, "top_n_sigma is inf: give a finite number"),
        ({"top_n_sigma": 10**400}, "top_n_sigma is 1000"),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_numbers_that_cannot_be_used(llm: Any, options: Options, says: str, temperature: float) -> None:
    llm.reset()
    for method in (llm.create_completion, llm, llm.variations):
        with pytest.raises(OptionError, match=says):
            method(PROMPT, temperature=temperature, **options)
    with pytest.raises(OptionError, match=says):
        llm.create_chat_completion(MESSAGES, temperature=temperature, **options)
    with pytest.raises(OptionError, match=says):
        next(llm.generate([1, 2, 3], temp=temperature, **options))
    assert llm.n_tokens == 0


def test_large_numbers_of_any_type(llm: Any) -> None:
    for options in ({"top_n_sigma": 1e300}, {"xtc_threshold": 1e300, "xtc_probability": np.float32(1)}):
        plain, given = (
            llm.variations(PROMPT, seeds=[1, 2], max_tokens=4, temperature=1.0, **more)["choices"]
            for more in ({}, options)
        )
        assert plain == given


def test_a_model_that_was_adopted_has_them(short_model_path: str, logits: F64) -> None:
    plain = llama_cpp.Llama(short_model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    llm: Any = Llama.adopt(plain)
    text = llm.create_completion(PROMPT, max_tokens=1, **FIFTH)["choices"][0]["text"]
    assert text == text_of(llm, int(np.argsort(-logits)[4]))
    llm.close()

"""``variations``: each text is the one that its seed gives alone, whatever is decoded in the same batch."""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import pytest
from llama_cpp._internals import LlamaContext

from conftest import MakeLlama, PressCtrlC, built_by_make, same_rounding
from drugs_cpp import (
    DRUGS,
    SITES,
    BusyError,
    ContextOverflowError,
    CountError,
    DoseError,
    Llama,
    MemoryLimitError,
    OptionError,
    PromptError,
    SeedError,
    StateError,
    TokenError,
    _core,
)
from drugs_cpp.engine import contexts
from support.ctrl_c import n_computed, press
from support.patience import wait_until
from support.seeds import first_that
from support.tiny_architectures import TOKENS, tiny_models

PROMPT = "The keeper of the lighthouse looked at the sea and"
MESSAGES: list[Any] = [{"role": "user", "content": "Name a colour."}]
SEEDS = [5, 6, 7, 8, 9]

#: the tokens that end a text of the real model, for texts that must continue
ENDLESS = {0: -1e9, 2: -1e9}

Options = dict[str, Any]


def all_sites(angle: float = 0.15) -> DRUGS:
    return DRUGS(dict.fromkeys(SITES, angle))


@pytest.fixture(scope="module")
def llm(short_model_path: str) -> Any:
    drugs = DRUGS(A=0.3, H=0.1)
    llm = Llama(short_model_path, drugs=drugs, n_ctx=512, n_threads=1, n_threads_batch=1, verbose=False)
    yield llm
    llm.close()


def texts(answer: Any) -> list[str]:
    return [choice["text"] for choice in answer["choices"]]


def alone(llm: Any, prompt: Any = PROMPT, **options: Any) -> list[str]:
    """The texts that the seeds give one after the other."""
    return [str(llm.create_completion(prompt, seed=seed, **options)["choices"][0]["text"]) for seed in SEEDS]


#
# the texts
#


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, {}),
        ({}, {"n_parallel": 2}),
        ({}, {"n_parallel": 1}),
        ({"drugs": all_sites()}, {}),
        ({"drugs": all_sites(), "flash_attn": True}, {"n_parallel": 3}),
        ({"drugs": all_sites(), "type_k": 8, "type_v": 8, "flash_attn": True}, {}),
        ({"drugs": DRUGS(dict.fromkeys(SITES, 0.15), noise="reference")}, {}),
        ({"drugs": DRUGS()}, {"temperature": 0.9, "top_k": 20}),
        ({"drugs": DRUGS(A=0.3)}, {"temperature": 1.2, "stop": [".", "sea"]}),
        ({"drugs": DRUGS(A=0.3)}, {"repeat_penalty": 1.3, "logit_bias": {260: -2.0}}),
        ({"dose_inputs": True}, {}),
        ({"dose_inputs": True, "drugs": all_sites()}, {"n_parallel": 2}),
        ({"sink": 0, "dose_inputs": True}, {}),
        ({"n_batch": 4}, {}),
        ({"n_threads": 2, "n_threads_batch": 2}, {}),
    ],
    ids=str,
)
@same_rounding
def test_a_variation_is_what_its_seed_gives_alone(make_llama: MakeLlama, settings: Options, options: Options) -> None:
    llm = make_llama(**{"drugs": DRUGS(A=0.3, pK=0.1), **settings})
    together = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=24, **options))
    options.pop("n_parallel", None)
    assert together == alone(llm, max_tokens=24, **options)
    assert len(set(together)) > 1


@same_rounding
@pytest.mark.parametrize("n_parallel", [None, 2])
def test_showers_come_when_they_would_alone(make_llama: MakeLlama, n_parallel: int | None) -> None:
    llm = make_llama(drugs=DRUGS(A=0.3, pV=0.3))
    dirty = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=40, n_parallel=n_parallel))
    llm.sober_interval = 9
    together = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=40, n_parallel=n_parallel))
    assert together == alone(llm, max_tokens=40)
    assert together != dirty


@same_rounding
def test_company_and_order_do_not_matter(llm: Any) -> None:
    wanted = texts(llm.variations(PROMPT, seeds=range(10), max_tokens=16))
    assert texts(llm.variations(PROMPT, seeds=[7, 7, 2], max_tokens=16)) == [wanted[7], wanted[7], wanted[2]]
    assert texts(llm.variations(PROMPT, seeds=range(9, -1, -1), max_tokens=16, n_parallel=4)) == wanted[::-1]
    # another prompt in between, a prompt that begins in the same way, and a longer context
    llm.variations("Once", n=2, max_tokens=8)
    llm.variations(PROMPT + " said that", n=2, max_tokens=300)
    assert texts(llm.variations(PROMPT, seeds=range(10), max_tokens=16)) == wanted
    assert texts(llm.variations(PROMPT, seeds=4, n=3, max_tokens=16)) == wanted[4:7]


def test_each_may_have_doses_of_its_own(llm: Any) -> None:
    doses = [DRUGS(), DRUGS(A=0.4), DRUGS(V=0.5, K=0.1), DRUGS(H=0.2, noise="reference"), DRUGS()]

    def together(seed: int) -> Any:
        return llm.variations(PROMPT, seeds=[seed] * 5, drugs=doses, max_tokens=16)

    seed = first_that(lambda seed: len(set(texts(together(seed)))) == 4)
    answer = together(seed)
    made_of = [{**drugs.to_dict(), "seed": seed} for drugs in doses]
    assert [choice["drugs"] for choice in answer["choices"]] == made_of
    for drugs, text in zip(doses, texts(answer)):
        assert texts(llm.variations(PROMPT, seeds=[seed], drugs=drugs, max_tokens=16)) == [text]
    assert texts(answer)[0] == texts(answer)[4]


def test_a_dose_that_changes_while_texts_are_told_holds_from_the_next_token_on(make_llama: MakeLlama) -> None:
    llm = make_llama(drugs=DRUGS())
    sober = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=30))
    told = [""] * len(SEEDS)
    for chunk in llm.variations(PROMPT, seeds=SEEDS, max_tokens=30, stream=True):
        told[chunk["choices"][0]["index"]] += chunk["choices"][0]["text"]
        if len(told[4]) > 30:
            llm.drugs.set_A_dose_theta(0.6)
    llm.drugs.detox()
    assert all(text[:30] == sober[0][:30] for text in told)
    assert len({*told, sober[0]}) > 2


@pytest.mark.parametrize("architecture", ["jamba", "gemma3", "phi3", "deepseek2", "kimi-linear", "plamo2", "mamba"])
@pytest.mark.parametrize("swa_full", [True, False])
def test_caches_that_cannot_go_back(architecture: str, swa_full: bool, make_llama: MakeLlama) -> None:
    """Recurrent states, sliding windows, two sets of frequencies, and models that cannot decode sequences together."""
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        for path in paths:
            llm = make_llama(path, n_ctx=512, n_threads=1, n_threads_batch=1, swa_full=swa_full)
            llm.drugs = DRUGS(A=0.5) if "A" in llm.sites else DRUGS()
            llm.sober_interval = 8
            tokens = TOKENS[:24]
            wanted = alone(llm, tokens, max_tokens=20)
            for n_parallel in (None, 2):
                assert texts(llm.variations(tokens, seeds=SEEDS, max_tokens=20, n_parallel=n_parallel)) == wanted
            llm.close()


#
# the answer
#


def test_the_answer_is_shaped_as_openais(llm: Any) -> None:
    answer = llm.variations(PROMPT, n=3, max_tokens=10, logit_bias=ENDLESS)
    assert answer["object"] == "text_completion"
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert len({choice["seed"] for choice in answer["choices"]}) == 3
    for choice in answer["choices"]:
        made_of = llm.drugs.copy()
        made_of.set_seed(choice["seed"])
        assert DRUGS(choice["drugs"]) == made_of
    n_prompt = len(llm.tokenize(PROMPT.encode()))
    assert answer["usage"] == {"prompt_tokens": n_prompt, "completion_tokens": 30, "total_tokens": n_prompt + 30}
    json.dumps(answer)
    assert {choice["finish_reason"] for choice in answer["choices"]} == {"length"}


def test_messages_are_answered_as_a_chat(llm: Any) -> None:
    answer = llm.variations(messages=MESSAGES, seeds=SEEDS, max_tokens=24)
    assert answer["object"] == "chat.completion"
    wanted = [llm.create_chat_completion(MESSAGES, seed=seed, max_tokens=24, repeat_penalty=1.0) for seed in SEEDS]
    for choice, single in zip(answer["choices"], wanted):
        assert choice["message"] == single["choices"][0]["message"]
        assert choice["finish_reason"] == single["choices"][0]["finish_reason"]
    answer = llm.variations(messages=MESSAGES, n=2, max_tokens=60, response_format={"type": "json_object"})
    assert all(choice["message"]["content"].lstrip().startswith("{") for choice in answer["choices"])


@pytest.mark.parametrize("n_parallel", [None, 2])
def test_a_stream_tells_pieces_of_all(llm: Any, n_parallel: int | None) -> None:
    options: Options = {"seeds": SEEDS, "max_tokens": 40, "stop": ["."], "n_parallel": n_parallel}
    whole = llm.variations(messages=MESSAGES, **options)["choices"]
    order, told, last = [], [""] * len(SEEDS), {}
    for chunk in llm.variations(messages=MESSAGES, stream=True, **options):
        (choice,) = chunk["choices"]
        order.append(choice["index"])
        assert choice["index"] not in last
        assert choice["seed"] == SEEDS[choice["index"]]
        told[choice["index"]] += choice["delta"].get("content", "")
        if choice["finish_reason"]:
            last[choice["index"]] = choice
    assert told == [choice["message"]["content"] for choice in whole]
    for choice in whole:
        assert last[choice["index"]]["finish_reason"] == choice["finish_reason"]
        assert last[choice["index"]]["drugs"] == choice["drugs"]
    assert order[: n_parallel or 5] == list(range(n_parallel or 5))  # in parallel, not one after the other


def test_seeds(llm: Any, make_llama: MakeLlama) -> None:
    def used(model: Any, **options: Any) -> list[int]:
        return [choice["seed"] for choice in model.variations("Once", max_tokens=1, **options)["choices"]]

    assert used(llm, seeds=3, n=4) == [3, 4, 5, 6]
    assert used(llm, seeds=2**32 - 3, n=3) == [2**32 - 3, 2**32 - 2, 0]
    assert used(llm, seeds=[9, 9]) == used(llm, seeds=np.array([9, 9])) == used(llm, seeds=iter([9, 9])) == [9, 9]
    assert len(used(llm)) == 8
    fresh = used(llm, seeds=[1, None, None])
    assert fresh[0] == 1
    assert fresh[1] != fresh[2]
    assert used(make_llama(drugs=DRUGS(seed=40)), n=3) == [40, 41, 42]


def test_the_cache_of_the_model_stays_as_it_is(make_llama: MakeLlama) -> None:
    llm = make_llama(drugs=DRUGS(A=0.3, pK=0.2, seed=2))
    tokens = llm.tokenize(PROMPT.encode())
    whole = llm.Dgenerate(tokens, max_new_tokens=20)
    llm.reset()
    begun = llm.Dgenerate(tokens, max_new_tokens=10)
    dirty = llm.dirty_count
    llm.variations("Something else", n=4, max_tokens=20)
    assert llm.dirty_count == dirty
    assert begun + llm.Dgenerate([], max_new_tokens=10) == whole


def test_the_context_grows_up_to_what_the_model_knows(llm: Any, make_llama: MakeLlama) -> None:
    small = make_llama(n_ctx=64, drugs=DRUGS(A=0.3))
    long = " ".join([PROMPT] * 12)
    assert len(small.tokenize(long.encode())) > 100
    assert texts(small.variations(long, seeds=SEEDS, max_tokens=12)) == texts(
        llm.variations(long, seeds=SEEDS, max_tokens=12, drugs=small.drugs)
    )
    # without a number of tokens, the model's own context is the limit
    answer = small.variations(PROMPT, seeds=SEEDS, max_tokens=None, logit_bias=ENDLESS)
    assert answer["usage"]["total_tokens"] == 10 + 5 * 54
    assert {choice["finish_reason"] for choice in answer["choices"]} == {"length"}


#
# errors
#


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"n": 0}, CountError, "n is 0: it is a number of variations, 1 or more"),
        ({"n": -1}, CountError, "n is -1"),
        ({"n": 2.5}, CountError, "n is 2.5"),
        ({"n": True}, CountError, "n is True"),
        ({"n": 10**9}, CountError, "100000 variations are the most"),
        ({"n": 3, "seeds": [1, 2]}, CountError, "seeds has 2 entries for n=3"),
        ({"seeds": [1, 2], "drugs": [DRUGS()]}, CountError, "drugs has 1 entries for n=2"),
        ({"n": 2, "drugs": [DRUGS()] * 3}, CountError, "drugs has 3 entries for n=2"),
        ({"seeds": []}, CountError, "n is 0"),
        ({"seeds": [1, -4]}, SeedError, "seed -4"),
        ({"seeds": [1, 2.5]}, SeedError, "seed 2.5"),
        ({"seeds": "12"}, SeedError, "seed '12'"),
        ({"seeds": 2**32}, SeedError, "seed 4294967296"),
        ({"drugs": [0.3, 0.2]}, TypeError, r"drugs is 0\.3: give doses such as DRUGS\(A=0\.1\)"),
        ({"drugs": 0.3}, TypeError, "drugs"),
        ({"prompt": ""}, PromptError, "empty"),
        ({"prompt": []}, PromptError, "empty"),
        ({"prompt": None}, PromptError, "either a prompt or messages"),
        ({"messages": MESSAGES}, PromptError, "either a prompt or messages"),
        ({"prompt": [1, 10**6]}, TokenError, "token 1000000"),
        ({"prompt": [5] * 9000}, ContextOverflowError, "prompt of 9000 tokens leaves no room in a context of 8192"),
        ({"prompt": [5] * 600, "max_tokens": None}, ContextOverflowError, "600"),
        ({"n_parallel": 0}, CountError, "n_parallel is 0"),
        ({"prompt": 5}, TokenError, "the prompt has shape"),
        ({"prompt": [1.5]}, TokenError, "the prompt holds float64"),
        ({"prompt": b"hi"}, TokenError, "the prompt has shape"),
        ({"prompt": None, "messages": []}, PromptError, "with at least one"),
        ({"prompt": None, "messages": "hi"}, PromptError, "messages is 'hi'"),
        ({"max_tokens": "5"}, CountError, "max_tokens is '5'"),
        ({"stop": 5}, OptionError, "stop is 5"),
        ({"stop": ["a", b"b"]}, OptionError, "stop is"),
        ({"temperature": float("nan")}, OptionError, "temperature is nan"),
        ({"temperature": "hot"}, OptionError, "temperature is 'hot'"),
        ({"grammar": "root"}, OptionError, "LlamaGrammar.from_string"),
        ({"logit_bias": {10**6: 1.0}}, TokenError, "token 1000000"),
        ({"n": 3, "nonsense": 1}, TypeError, "nonsense"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_is_said_before_anything_runs(
    llm: Any, monkeypatch: pytest.MonkeyPatch, options: Options, error: type[Exception], says: str, stream: bool
) -> None:
    if options.get("prompt") == [5] * 600:
        monkeypatch.setattr(llm.engine, "settings", dataclasses.replace(llm.engine.settings, n_ctx=512))
        monkeypatch.setattr("llama_cpp.llama_model_n_ctx_train", lambda _: 512)
    before = llm.engine.slots.slots
    with pytest.raises(error, match=says):
        llm.variations(**{"prompt": PROMPT, "max_tokens": 4, "stream": stream, **options})
    assert llm.engine.slots.slots is before


def test_a_site_that_the_model_lacks(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lacks = _core.has_sites(int(llm._ctx.ctx)).copy()
    lacks[:, SITES.index("V")] = False
    monkeypatch.setattr(_core, "has_sites", lambda *_: lacks)
    with pytest.raises(DoseError, match="V"):
        llm.variations(PROMPT, drugs=[DRUGS(), DRUGS(V=0.2)], max_tokens=4)


def test_more_than_memory_has_room_for(make_llama: MakeLlama, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = make_llama(drugs=DRUGS(A=0.3))
    wanted = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8))
    llm.engine.slots.close()
    per_sequence = sum(n_bytes for n_bytes, _ in _core.cache_memory(int(llm._ctx.ctx)))
    room = per_sequence * 3.5

    class Memory:
        available = room

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted
    assert llm.engine.slots.slots is not None
    assert llm.engine.slots.slots.n_slots == 2  # 0.8 of the memory is used
    with pytest.raises(MemoryLimitError, match="4 sequences of 21 tokens do not fit into memory, 2 would"):
        llm.variations(PROMPT, n=5, n_parallel=4, max_tokens=8)
    llm.engine.slots.close()
    monkeypatch.setattr(Memory, "available", per_sequence / 2)
    with pytest.raises(MemoryLimitError, match="1 sequences of 21 tokens"):
        llm.variations(PROMPT, n=5, max_tokens=8)


def test_a_context_that_llama_cpp_cannot_make(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise ValueError("Failed to create llama_context")

    monkeypatch.setattr(contexts, "LlamaContext", fail)
    with pytest.raises(MemoryLimitError, match="ask for fewer or shorter"):
        llm.variations(PROMPT, n=20, max_tokens=500)


@pytest.fixture
def n_varied(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Tokens computed so far in the last context for variations that the test created."""
    made: list[LlamaContext] = []

    def make(**kwargs: Any) -> LlamaContext:
        made.append(LlamaContext(**kwargs))
        return made[-1]

    monkeypatch.setattr(contexts, "LlamaContext", make)
    return lambda: n_computed(made[-1].ctx) if made else 0


def make_room(llm: Any, n: int, n_tokens: int) -> None:
    """Recreate the context for this many texts with this many tokens each."""
    llm.engine.slots.close()
    chunks = llm.variations([5], n=n, max_tokens=n_tokens - 1, stream=True, logit_bias=ENDLESS)
    next(chunks)
    chunks.close()


def test_ctrl_c_ends_decoding_within_a_token(llm: Any, n_varied: Callable[[], int], press_ctrl_c: PressCtrlC) -> None:
    wanted = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8))
    make_room(llm, 8, 4100)
    ctrl_c = press_ctrl_c(n_varied, n_varied() + 100)
    with pytest.raises(KeyboardInterrupt):
        llm.variations(PROMPT, n=8, max_tokens=4000, logit_bias=ENDLESS)
    assert ctrl_c.n_computed_since() <= 3 * 8  # of 8 texts; signals are checked every two milliseconds
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted


def test_ctrl_c_ends_a_long_prompt_within_a_batch(
    llm: Any, n_varied: Callable[[], int], press_ctrl_c: PressCtrlC
) -> None:
    wanted = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8))
    make_room(llm, 1, 8100)
    ctrl_c = press_ctrl_c(n_varied, n_varied() + llm.n_batch)
    with pytest.raises(KeyboardInterrupt):
        llm.variations([5] * 8000, n=1, max_tokens=8)
    assert ctrl_c.n_computed_since() <= llm.n_batch
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted


@pytest.mark.usefixtures("press_ctrl_c")
def test_ctrl_c_while_a_context_is_made_is_not_lost(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile, llama.cpp logs through a callback in Python, and exceptions in such a callback are dropped."""
    wanted = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8))

    def press_and_make(**kwargs: Any) -> Any:
        ctypes.CFUNCTYPE(None)(press)()
        return LlamaContext(**kwargs)

    monkeypatch.setattr(contexts, "LlamaContext", press_and_make)
    with pytest.raises(KeyboardInterrupt):
        llm.variations(PROMPT, n=7, max_tokens=300)
    monkeypatch.undo()
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted


def test_a_broken_off_stream_and_a_new_one(llm: Any) -> None:
    wanted = texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8))
    chunks = llm.variations(PROMPT, seeds=SEEDS, max_tokens=24, stream=True)
    for _ in range(7):
        next(chunks)
    chunks.close()
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted
    chunks = llm.variations(PROMPT, seeds=SEEDS, max_tokens=24, stream=True)
    next(chunks)
    # takes over the slots, whose doses must not affect its prompt
    assert texts(llm.variations(PROMPT + " said", seeds=SEEDS, max_tokens=8)) != wanted
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted
    with pytest.raises(StateError, match="another call"):
        list(chunks)
    assert texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=8)) == wanted


def test_a_second_thread_is_refused(make_llama: MakeLlama, n_varied: Callable[[], int]) -> None:
    llm = make_llama(drugs=DRUGS(A=0.3))
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(llm.variations(PROMPT, seeds=SEEDS, max_tokens=60)))
    thread.start()
    wait_until(lambda: n_varied() > 30)
    with pytest.raises(BusyError, match="another thread"):
        llm.variations(PROMPT, n=1, max_tokens=2)
    thread.join()
    assert texts(answers[0]) == texts(llm.variations(PROMPT, seeds=SEEDS, max_tokens=60))


def test_memory_stays_flat(model_path: str) -> None:
    process = psutil.Process()
    used = []
    for _ in range(4):
        llm = Llama(model_path, drugs=all_sites(), n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
        for _ in range(6):
            llm.variations(PROMPT, n=8, max_tokens=8)
        llm.close()
        gc.collect()
        used.append(process.memory_info().rss / 2**20)
    assert used[-1] - used[1] < 20, f"MiB after each model: {np.round(used)}"

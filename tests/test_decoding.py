"""The decoding loop in C++ compared with upstream's in Python: same texts, same output, same ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest
from llama_cpp import LogitsProcessorList, StoppingCriteriaList
from llama_cpp.llama_grammar import LlamaGrammar

from conftest import MakeLlama, PressCtrlC
from drugs_cpp import DRUGS, BusyError, Llama, StateError, _core
from support.ctrl_c import n_computed
from support.patience import wait_until

PROMPT = "The keeper of the lighthouse looked at the sea and"
ACCENTS = "Translate to Chinese and add an emoji: good morning, my friend ->"

Options = dict[str, Any]

#: without the tokens that end a text of the real model, for texts that must continue
ENDLESS = {"logit_bias": {0: -1e9, 2: -1e9}}


def without_id(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name not in ("id", "created")}


@pytest.fixture(scope="module")
def upstream(model_path: str) -> Any:
    """llama-cpp-python's own class, with the same libraries."""
    llm = llama_cpp.Llama(model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    yield llm
    llm.close()


@pytest.fixture(scope="module")
def llm(model_path: str) -> Any:
    llm = Llama(model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    yield llm
    llm.close()


@pytest.fixture
def no_python_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("upstream's loop was used")

    monkeypatch.setattr(llama_cpp.Llama, "generate", refuse)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_tokens": 1},
        {"max_tokens": None, "stop": ["."]},
        {"max_tokens": 60, "stop": ["sea", "light", "\n"]},
        {"max_tokens": 60, "stop": "the "},
        {"temperature": 0.9, "seed": 11},
        {"temperature": 0.9, "seed": 11, "top_k": 5, "top_p": 0.7, "min_p": 0.1, "typical_p": 0.9},
        {"temperature": 1.2, "seed": 4, "mirostat_mode": 2},
        {"repeat_penalty": 1.3, "frequency_penalty": 0.2, "presence_penalty": 0.1, "max_tokens": 60},
        {"max_tokens": 200},
    ],
    ids=str,
)
@pytest.mark.parametrize("prompt", [PROMPT, ACCENTS, [1, 504, 253, 3, 9]], ids=["text", "accents", "tokens"])
def test_answers_are_upstreams(llm: Any, upstream: Any, prompt: Any, options: Options) -> None:
    options = {"max_tokens": 24, "temperature": 0.0, **options}
    llm.reset()
    upstream.reset()
    ours, theirs = (without_id(model.create_completion(prompt, **options)) for model in (llm, upstream))
    if ours != theirs:
        # upstream does not check for the end in the three tokens that may complete a character of several bytes
        text, upstreams_text = (answer["choices"][0]["text"] for answer in (ours, theirs))
        assert not upstreams_text.isascii()
        assert upstreams_text.startswith(text)
        assert 1 <= theirs["usage"]["completion_tokens"] - ours["usage"]["completion_tokens"] <= 3
        if upstreams_text != text:
            assert not upstreams_text[len(text)].isascii()
            assert ours["choices"][0]["finish_reason"] == "length"


def test_an_echo_is_upstreams(llm: Any, upstream: Any) -> None:
    ours, theirs = (m.create_completion(PROMPT, max_tokens=9, echo=True, temperature=0.0) for m in (llm, upstream))
    assert without_id(ours) == without_id(theirs)


@pytest.mark.usefixtures("no_python_loop")
def test_plain_completions_do_not_use_the_loop_in_python(llm: Any) -> None:
    grammar = LlamaGrammar.from_string('root ::= "yes" | "no"', verbose=False)
    for options in ({}, {"temperature": 0.8}, {"stop": ["."]}, {"grammar": grammar}, {"logit_bias": {5: 1.0}}):
        assert llm.create_completion(PROMPT, max_tokens=8, **options)["choices"][0]["text"]
        assert list(llm.create_completion(PROMPT, max_tokens=8, stream=True, **options))
    assert llm.create_chat_completion([{"role": "user", "content": "Hello"}], max_tokens=8)
    assert len(llm.Dgenerate([5, 6, 7], max_new_tokens=8, temp=0.7, top_k=3)) <= 8


@pytest.mark.usefixtures("no_python_loop")
def test_a_stream_is_the_text_in_pieces(llm: Any) -> None:
    for options in ({"stop": ["sea", "light"]}, {"temperature": 1.5, "seed": 3}, ENDLESS):
        llm.reset()
        whole = llm.create_completion(ACCENTS, max_tokens=80, **options)["choices"][0]
        llm.reset()
        chunks = list(llm.create_completion(ACCENTS, max_tokens=80, stream=True, **options))
        assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole["text"]
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + [
            whole["finish_reason"]
        ]
        assert len({chunk["id"] for chunk in chunks}) == 1
        assert len(chunks) > 10 or options != ENDLESS


@pytest.mark.parametrize(
    ("pieces", "stop", "told"),
    [
        ("aé日🌍b", [b"b!"], ["a", "é", "日", "🌍", "b"]),
        ("one two thr", [b"two three", b"three"], ["o", "n", "e", " ", "two thr"]),
        ("ababc", [b"abc"], ["ab"]),
        ("xabcy", [b"bc", b"abc"], ["x"]),
        ("abc", [b"", b"abcd"], ["abc"]),
    ],
)
def test_a_piece_holds_no_half_character_and_nothing_of_a_stop_string(
    llm: Llama, pieces: str, stop: list[bytes], told: list[str]
) -> None:
    assert [piece.decode() for piece in tell(llm, pieces.encode(), stop)] == told


def test_bytes_that_are_no_text_are_there_at_the_end(llm: Llama) -> None:
    assert b"".join(tell(llm, b"x\xe6", [])) == b"x\xe6"


def tell(llm: Llama, letters: bytes, stop: list[bytes]) -> list[bytes]:
    """What a sequence reports of a text that comes byte by byte: each choice is forced by its logits."""
    token_of = {llm.detokenize([token]): token for token in range(400)}
    sequence = _core.Sequence(0, 0, len(letters), stop=stop, stop_tokens=[], sampler=0)
    told = []
    for i in range(len(letters)):
        logits = np.zeros(llm.n_vocab(), np.float32)
        logits[token_of[letters[i : i + 1]]] = 1
        llm.engine.session.decoder.choose(sequence, logits)
        told.append(sequence.take_text())
    return [piece for piece in told if piece]


def test_the_most_likely_token_is_the_first_of_the_largest(llm: Llama) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        logits = rng.integers(-3, 3, llm.n_vocab()).astype(np.float32)
        logits[: rng.integers(0, 20)] = -np.inf
        sequence = _core.Sequence(0, 0, 9, stop=[], stop_tokens=[], sampler=0)
        llm.engine.session.decoder.choose(sequence, logits)
        assert sequence.tokens == [int(logits.argmax())]


#
# doses and showers on the way
#


def texts(llm: Any, generate: Callable[..., Any]) -> list[list[int]]:
    """Tokens of three seeds."""
    found = []
    for seed in (1, 2, 3):
        llm.drugs.set_seed(seed)
        llm.reset()
        found.append(list(generate(llm)))
    return found


def in_python(llm: Llama) -> list[int]:
    """The loop that the C++ one replaces: one token at a time, through upstream's generate()."""
    tokens = llm.tokenize(PROMPT.encode())
    new = []
    for token in llm.generate(tokens, temp=0.0):
        new.append(token)
        if len(new) == 40 or llama_cpp.llama_vocab_is_eog(llm._model.vocab, token):
            break
    return new


def in_cpp(llm: Llama) -> list[int]:
    return llm.Dgenerate(llm.tokenize(PROMPT.encode()), max_new_tokens=40)


@pytest.mark.parametrize("rate", [420, 7])
@pytest.mark.parametrize("dose_inputs", [False, True])
def test_the_same_tokens_dirty_positions_and_showers_as_one_by_one(
    make_llama: MakeLlama, rate: int, dose_inputs: bool
) -> None:
    llm = make_llama(drugs=DRUGS(A=0.3, pK=0.2), dose_inputs=dose_inputs)
    llm.sober_interval = rate
    one_by_one, dirty, n_tokens = texts(llm, in_python), llm.dirty_count, llm.n_tokens
    assert texts(llm, in_cpp) == one_by_one
    assert (llm.dirty_count, llm.n_tokens) == (dirty, n_tokens)
    assert dirty > 0


def test_a_dose_that_another_thread_sets_holds_at_once(make_llama: MakeLlama) -> None:
    llm: Any = make_llama(drugs=DRUGS(seed=1), n_ctx=1024)
    n_prompt = len(llm.tokenize(PROMPT.encode()))
    thread = threading.Thread(target=llm.create_completion, args=(PROMPT,), kwargs={"max_tokens": 400, **ENDLESS})
    thread.start()
    wait_until(lambda: n_computed(llm._ctx.ctx) >= n_prompt + 20)
    llm.drugs.set_A_dose_theta(0.4)
    n_sober = n_computed(llm._ctx.ctx)
    thread.join()
    assert n_prompt + 20 <= llm.n_tokens - llm.dirty_count <= n_sober + 2  # dosed from then on, but not before


#
# interruptions
#


def test_ctrl_c_ends_decoding_within_a_token(make_llama: MakeLlama, press_ctrl_c: PressCtrlC) -> None:
    llm: Any = make_llama(n_ctx=4096, drugs=DRUGS(A=0.1))
    ctrl_c = press_ctrl_c(lambda: n_computed(llm._ctx.ctx), 40)
    with pytest.raises(KeyboardInterrupt):
        llm.create_completion(PROMPT, max_tokens=4000, **ENDLESS)
    assert ctrl_c.n_computed_since() <= 3  # signals are checked every two milliseconds
    n_tokens = llm.n_tokens
    assert n_tokens >= 40
    assert llm.dirty_count == n_tokens - len(llm.tokenize(PROMPT.encode()))
    assert llm.create_completion(PROMPT, max_tokens=8)["choices"][0]["text"]


class Oops(Exception):
    pass


def fail(*_: Any) -> Any:
    raise Oops


@pytest.mark.parametrize(
    "callback",
    [{"logits_processor": LogitsProcessorList([fail])}, {"stopping_criteria": StoppingCriteriaList([fail])}],
    ids=["logits_processor", "stopping_criteria"],
)
def test_an_exception_in_a_callback_reaches_the_caller(llm: Any, callback: Options) -> None:
    wanted = llm.create_completion(PROMPT, max_tokens=12)["choices"]
    with pytest.raises(Oops):
        llm.create_completion(PROMPT, max_tokens=12, **callback)
    with pytest.raises(Oops):
        list(llm.create_completion(PROMPT, max_tokens=12, stream=True, **callback))
    with pytest.raises(Oops):
        llm.Dgenerate([5, 6], max_new_tokens=4, past_key_values=None, **callback)
    assert llm.create_completion(PROMPT, max_tokens=12)["choices"] == wanted


def test_an_exception_in_a_streamer_reaches_the_caller(llm: Any) -> None:
    class Streamer:
        n_put = 0

        def put(self, _: npt.NDArray[np.int64]) -> None:
            self.n_put += 1
            if self.n_put == 4:
                raise Oops

        def end(self) -> None:
            self.n_put = -1

    tokens = llm.tokenize(PROMPT.encode())
    streamer = Streamer()
    with pytest.raises(Oops):
        llm.Dgenerate(tokens, streamer, max_new_tokens=12, past_key_values=None)
    assert streamer.n_put == -1
    assert llm.n_tokens == len(tokens) + 2  # the third new token was chosen, and can be fed next
    whole = llm.Dgenerate(tokens, max_new_tokens=12, past_key_values=None)
    with pytest.raises(Oops):
        llm.Dgenerate(tokens, Streamer(), max_new_tokens=12, past_key_values=None)
    assert llm.Dgenerate([], max_new_tokens=9) == whole[3:]


def test_logits_processors_and_criteria_are_honoured(llm: Any, upstream: Any) -> None:
    def no_sea(_: Any, scores: Any) -> Any:
        scores[llm.tokenize(b" sea", add_bos=False)[0]] = -np.inf
        return scores

    def ten(tokens: Any, _: Any) -> bool:
        return len(tokens) > 20

    options = {"logits_processor": LogitsProcessorList([no_sea]), "stopping_criteria": StoppingCriteriaList([ten])}
    ours, theirs = (m.create_completion(PROMPT, max_tokens=60, temperature=0.0, **options) for m in (llm, upstream))
    assert ours["choices"] == theirs["choices"]
    assert ours["usage"]["completion_tokens"] < 20


#
# threads
#


def test_a_second_thread_is_refused_and_the_first_one_goes_on(make_llama: MakeLlama) -> None:
    llm: Any = make_llama(n_ctx=1024)
    wanted = llm.create_completion(PROMPT, max_tokens=200)["choices"]
    llm.reset()
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(llm.create_completion(PROMPT, max_tokens=200)["choices"]))
    thread.start()
    wait_until(lambda: llm.n_tokens >= 2)  # the prompt is computed
    for call in (llm.reset, llm.cold_shower, llm.save_state, lambda: llm.eval([1]), lambda: llm.create_completion("x")):
        with pytest.raises(BusyError, match="another thread"):
            call()
    thread.join()
    assert answers == [wanted]


def test_two_models_in_two_threads_give_the_same_as_one_after_the_other(make_llama: MakeLlama) -> None:
    models = [make_llama(drugs=DRUGS(A=0.3), n_threads=1, n_threads_batch=1) for _ in range(2)]
    alone = [run_seed(models[0], seed) for seed in (1, 2)]
    found: list[Any] = [None, None]

    def work(i: int) -> None:
        found[i] = run_seed(models[i], i + 1)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def run_seed(llm: Any, seed: int) -> str:
    return str(llm.create_completion(PROMPT, max_tokens=40, seed=seed)["choices"][0]["text"])


def test_a_stream_notices_that_something_else_used_the_cache(llm: Any) -> None:
    chunks = llm.create_completion(PROMPT, max_tokens=24, stream=True)
    next(chunks)
    next(chunks)
    llm.create_completion("Something else", max_tokens=4)
    with pytest.raises(StateError, match="another call"):
        list(chunks)

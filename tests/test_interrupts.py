"""Ctrl-C at any moment: it is never lost, and no token is lost either."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import llama_cpp
import numpy as np
import pytest
from llama_cpp._logger import set_verbose

from conftest import MakeLlama, PressCtrlC, built_by_make
from drugs_cpp import DRUGS, Llama, _core
from support.ctrl_c import press
from support.tiny_architectures import TOKENS, tiny_models
from support.tiny_texts import PROMPT, take, text

ARCHITECTURES = ("llama", "gemma3", "jamba", "mamba2")  # plain, with a sliding window, hybrid, recurrent


class BrokenOff:
    """A decoder that is interrupted after a number of evaluations, in the middle of one or before it begins."""

    def __init__(self, decoder: _core.Decoder, after: int, in_the_midst: bool) -> None:
        self._decoder = decoder
        self._left = after
        self._in_the_midst = in_the_midst

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def evaluate(self, tokens: list[int], *args: Any, **kwargs: Any) -> None:
        if self._left == 0:
            if self._in_the_midst:
                self._decoder.evaluate(tokens[: len(tokens) // 2], *args, **kwargs)
            raise KeyboardInterrupt
        self._left -= 1
        self._decoder.evaluate(tokens, *args, **kwargs)


def break_off(llm: Llama, call: Callable[[], object], in_the_midst: bool = True, after: int = 0) -> None:
    session = llm.engine.session
    whole = session.decoder
    session.decoder = BrokenOff(whole, after, in_the_midst)  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
    finally:
        session.decoder = whole


def next_logits(llm: Llama, dosed: bool = False) -> Any:
    llm.eval([44], dosed=dosed)
    return llm.engine.session.decoder.logits()


@pytest.mark.parametrize("sober_twin", [False, True])
@pytest.mark.parametrize("in_the_midst", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_shower_that_is_broken_off_loses_no_token(
    architecture: str, in_the_midst: bool, sober_twin: bool, make_llama: MakeLlama
) -> None:
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        llm, sober = (make_llama(paths[0], sober_twin=twin) for twin in (sober_twin, False))
        site = "A" if "A" in llm.sites else None
        llm.drugs = {site: 0.5, "seed": 1} if site else {}
        llm.eval(TOKENS[:12])
        llm.eval(TOKENS[12:20], dosed=True)
        if not site:  # a model without attention has nothing to dose
            llm.engine.session.ledger.computed(12, 20, True, 0)
        session = llm.engine.session
        shower = (lambda: session.compute_again(12)) if sober_twin else llm.cold_shower
        for _ in range(2):
            break_off(llm, shower, in_the_midst)
            assert llm.n_tokens == 20
            assert llm.input_ids[:20].tolist() == TOKENS[:20]
            assert llm.dirty_count >= 8
        sober.eval(TOKENS[:20])
        np.testing.assert_allclose(next_logits(llm), next_logits(sober), atol=2e-4)
        assert (llm.n_tokens, llm.dirty_count) == (21, 0)


@pytest.mark.parametrize(
    "use",
    [
        lambda llm: llm.cold_shower(),
        lambda llm: llm.cold_shower(block=False) and llm.cold_shower(),
        lambda llm: llm.sample(),
        lambda llm: llm.save_state(),
        lambda llm: llm.load_state(llm.save_state()),
        lambda llm: llm.eval([50], dosed=True),
        lambda llm: llm.Dgenerate([], max_new_tokens=2),
        lambda llm: take(llm.generate([], reset=False), 2),
    ],
)
def test_whatever_comes_next_has_all_tokens(llm: Llama, sober: Llama, use: Callable[[Llama], object]) -> None:
    llm.eval(PROMPT)
    llm.eval([50, 51, 52], dosed=True)
    break_off(llm, llm.cold_shower)
    use(llm)
    llm.eval([60], dosed=False)  # after a token that Dgenerate has chosen
    llm.cold_shower()
    sober.eval(llm.input_ids[: llm.n_tokens].tolist())
    assert llm.input_ids[:11].tolist() == [*PROMPT, 50, 51, 52]
    np.testing.assert_allclose(next_logits(llm), next_logits(sober), atol=1e-4)


def test_a_prompt_after_a_shower_that_was_broken_off(llm: Llama) -> None:
    wanted = text(llm)
    llm.reset()
    llm.eval(PROMPT)
    llm.eval([50, 51, 52], dosed=True)
    break_off(llm, llm.cold_shower)
    assert text(llm) == wanted
    llm.eval([50], dosed=True)
    break_off(llm, llm.cold_shower)
    llm.n_tokens = 4
    assert text(llm) == wanted


def test_a_text_goes_on_after_a_shower_that_was_broken_off(llm: Llama) -> None:
    llm.sober_interval = 5
    wanted = llm.Dgenerate(PROMPT, max_new_tokens=20)
    llm.reset()
    broken: list[int] = []

    class Streamer:
        def put(self, value: Any) -> None:
            broken.extend(value.tolist() if value.ndim == 1 else [])

        def end(self) -> None:
            pass

    in_a_shower = 2  # the prompt is in two batches
    break_off(llm, lambda: llm.Dgenerate(PROMPT, Streamer(), max_new_tokens=20), after=in_a_shower)
    assert 5 <= len(broken) < 20
    assert broken + llm.Dgenerate([], max_new_tokens=20 - len(broken)) == wanted


def test_a_stream_goes_on_after_a_shower_between_two_chunks(llm: Llama) -> None:
    def write(shower: Callable[[], object]) -> str:
        stream: Any = llm.create_completion(PROMPT, max_tokens=20, stream=True)
        pieces = [next(stream)["choices"][0]["text"] for _ in range(3)]
        shower()
        return "".join([*pieces, *(chunk["choices"][0]["text"] for chunk in stream)])

    assert write(lambda: break_off(llm, llm.cold_shower)) == write(llm.cold_shower) != write(lambda: None)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_evaluation_that_is_broken_off_loses_no_token(architecture: str, make_llama: MakeLlama) -> None:
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        llm, sober = make_llama(paths[0]), make_llama(paths[0])
        llm.eval(TOKENS[:9])
        break_off(llm, lambda: llm.eval(TOKENS[9:20]))
        assert llm.n_tokens == 9
        llm.eval(TOKENS[9:12])
        sober.eval(TOKENS[:12])
        np.testing.assert_allclose(next_logits(llm), next_logits(sober), atol=2e-4)


@pytest.mark.parametrize("architecture", ["llama", "jamba"])
def test_dgenerate_keeps_what_it_has_chosen(architecture: str, make_llama: MakeLlama) -> None:
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        llm = make_llama(paths[0])
        endless: Any = {"stopping_criteria": llama_cpp.StoppingCriteriaList([lambda *_: False])}
        wanted = llm.Dgenerate(TOKENS[:9], max_new_tokens=8)
        ways: list[Any] = [{}, endless]
        for options in ways:
            found = llm.Dgenerate(TOKENS[:9], max_new_tokens=3, past_key_values=None, **options)
            break_off(llm, lambda: llm.Dgenerate([], max_new_tokens=3), in_the_midst=False)
            assert found + llm.Dgenerate([], max_new_tokens=5, **options) == wanted


def test_dgenerate_feeds_no_token_twice(llm: Llama) -> None:
    """A token that was fed before a failure is not fed again."""
    n_seen = [0]

    def fail(_: Any, scores: Any) -> Any:
        n_seen[0] += 1
        if n_seen[0] == 4:
            raise RuntimeError
        return scores

    wanted = llm.Dgenerate(PROMPT, max_new_tokens=10)
    llm.reset()
    with pytest.raises(RuntimeError):
        llm.Dgenerate(PROMPT, logits_processor=llama_cpp.LogitsProcessorList([fail]))
    assert llm.n_tokens == len(PROMPT) + 3
    assert llm.Dgenerate([], max_new_tokens=7) == wanted[3:]
    stop = llama_cpp.StoppingCriteriaList([lambda tokens, _: len(tokens) >= len(PROMPT) + 4])
    found = llm.Dgenerate(PROMPT, stopping_criteria=stop, past_key_values=None)
    assert found + llm.Dgenerate([], max_new_tokens=10 - len(found)) == wanted


@pytest.mark.parametrize("logits_all", [False, True])
def test_ctrl_c_ends_a_long_prompt_at_once(
    make_llama: MakeLlama, press_ctrl_c: PressCtrlC, logits_all: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the middle of a batch, which is not finished."""
    llm = make_llama(n_ctx=1024, n_batch=1024, drugs=DRUGS(A=0.1), logits_all=logits_all)
    llm.eval([5])
    set_verbose(True)
    began: list[float] = []

    def evaluate() -> None:
        began.append(time.monotonic())
        llm.eval([(7 * i) % 4000 for i in range(1000)])

    press_ctrl_c(lambda: bool(began) and time.monotonic() - began[0] > 0.05, True)  # it takes ten times that
    try:
        with pytest.raises(KeyboardInterrupt):
            evaluate()
    finally:
        set_verbose(False)
    assert "decode: removing" in capfd.readouterr().err  # llama.cpp logs this for an interrupted batch
    assert llm.n_tokens == 1
    assert llm.create_completion("The sea", max_tokens=2)["choices"]


@pytest.mark.usefixtures("press_ctrl_c")
def test_ctrl_c_while_a_model_loads(
    model_path: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Meanwhile, llama.cpp logs through a callback in Python, and exceptions in such a callback are dropped."""
    loaded: list[object] = []

    def load(path: Any, params: Any) -> Any:
        press()
        loaded.append(llama_cpp.llama_model_load_from_file(path, params))
        return loaded[-1]

    internals: Any = vars(llama_cpp._internals)["llama_cpp"]
    original = internals.llama_model_load_from_file
    monkeypatch.setattr(llama_cpp, "llama_model_load_from_file", original)
    monkeypatch.setattr(internals, "llama_model_load_from_file", load)
    with pytest.raises(KeyboardInterrupt):
        Llama(model_path, verbose=False)
    assert loaded == [None]  # interrupted: it was not loaded completely
    assert "Exception ignored" not in capfd.readouterr().err


@pytest.mark.usefixtures("press_ctrl_c")
def test_ctrl_c_in_the_midst_of_loading(tiny_model_path: str) -> None:
    """Pressed by a function that llama.cpp itself calls."""
    pressed: list[float] = []

    class Pressing(Llama):
        @property
        def model_params(self) -> Any:
            return super().model_params

        @model_params.setter
        def model_params(self, params: Any) -> None:
            Llama.model_params.fset(self, params)  # type: ignore[attr-defined]

            def press_once(progress: float, data: Any) -> bool:
                if not pressed:
                    pressed.append(progress)
                    press()
                return bool(self._progress(progress, data))

            self._pressing = params.progress_callback = llama_cpp.llama_progress_callback(press_once)

    with pytest.raises(KeyboardInterrupt):
        Pressing(tiny_model_path, verbose=False)
    assert pressed
    llm = Pressing(tiny_model_path, verbose=False)
    assert llm.n_vocab() == 128
    llm.close()

"""A model is freed when nothing refers to it any more, at any moment, together with everything it created."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import llama_cpp
import pytest
from llama_cpp._internals import LlamaContext
from llama_cpp.llama_grammar import LlamaGrammar

from drugs_cpp import Llama, MemoryLimitError, OptionError, StateError, _core
from drugs_cpp.engine import contexts
from drugs_cpp.engine.closed import Closed
from support.ctrl_c import press
from support.patience import PATIENCE, wait_until
from support.tiny_texts import PROMPT, strong, take

#: beginning of a script: a model whose shower takes seconds, because its context computes slowly
BEGIN = """
import gc, sys, threading, time
import drugs_cpp
llm = drugs_cpp.Llama(sys.argv[1], drugs={"A": 0.3}, n_ctx=1024, n_threads=1, n_threads_batch=1, verbose=False)
llm.eval([(7 * i * i + 5) % 4000 for i in range(100)], dosed=True)
"""

BEFORE = "llm.cold_shower(block=False)"

ENDS = {
    "during it": BEFORE,
    "after it": f"{BEFORE}\nwhile llm.dirty_count: time.sleep(0.01)",
    "by an exception": f"{BEFORE}\nraise SystemExit(0)",
    "collected during it": f"{BEFORE}\ndel llm\ngc.collect()",
    "collected after it": f"{BEFORE}\nwhile llm.dirty_count: time.sleep(0.01)\ndel llm\ngc.collect()",
    "in a cycle": f"{BEFORE}\nllm.itself = llm\ndel llm\ngc.collect()",
    "in a cycle at the end": f"{BEFORE}\nllm.itself = llm",
    "closed during it": f"{BEFORE}\nllm.close()",
    "in the midst of a stream": "chunks = llm.create_completion([5], stream=True)\nnext(chunks)",
    "in the midst of variations": "chunks = llm.variations([5], n=3, stream=True)\nnext(chunks)",
}


@pytest.mark.parametrize("end", ENDS)
def test_an_interpreter_that_ends(end: str, model_path: str) -> None:
    script = [sys.executable, "-X", "faulthandler", "-c", BEGIN + ENDS[end], model_path]
    done = subprocess.run(script, capture_output=True, text=True, timeout=PATIENCE, check=False)
    of_a_shower = "decode: removing"  # llama.cpp logs this for an interrupted one
    said = [line for line in done.stderr.splitlines() if not line.startswith(of_a_shower)]
    assert (done.returncode, said) == (0, [])


@pytest.fixture(autouse=True, scope="module")
def quick_collector() -> Iterator[None]:
    """Each collection here passes over what is there already: all modules, and what earlier tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def vary(llm: Llama) -> None:
    llm.variations(PROMPT, n=3, max_tokens=4)


def break_off_variations(llm: Llama) -> None:
    next(llm.variations(PROMPT, n=3, max_tokens=4, stream=True))


def shower_in_background(llm: Llama) -> None:
    llm.eval(PROMPT, dosed=True)
    llm.cold_shower(block=False)


def process_logits(llm: Llama) -> None:
    processors = llama_cpp.LogitsProcessorList([lambda _, scores: scores])
    llm.create_completion(PROMPT, max_tokens=4, logits_processor=processors)
    list(llm.create_completion(PROMPT, max_tokens=4, stream=True, temperature=0.7))
    grammar = LlamaGrammar.from_string('root ::= "a"*', verbose=False)
    llm.create_completion(PROMPT, max_tokens=4, grammar=grammar)


def overflow(llm: Llama) -> None:
    with pytest.raises(ValueError, match="exceed"):
        llm.create_completion([5] * 1000)


def save(llm: Llama) -> None:
    llm.load_state(llm.save_state())


USES: list[Callable[[Llama], Any]] = [
    vary,
    break_off_variations,
    shower_in_background,
    process_logits,
    overflow,
    save,
    lambda llm: llm.Dgenerate(PROMPT, max_new_tokens=3),
    lambda llm: take(llm.generate(PROMPT), 3),
]


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
@pytest.mark.parametrize("options", [{}, {"sober_twin": True}, {"logits_all": True}], ids=str)
def test_a_model_is_freed_at_once(use: Callable[[Llama], Any], options: dict[str, Any], tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, drugs=strong(), n_ctx=256, n_threads=1, verbose=False, **options)
    use(llm)
    handles = llm._model, llm.engine.session.context, llm.engine.slots.slots
    gone = weakref.ref(llm)
    del llm
    assert gone() is None
    assert isinstance(handles[0].model, Closed)
    assert handles[1].ctx is None
    assert handles[2] is None or handles[2]._context.ctx is None


def note_what_is_freed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the functions that free contexts and models, one for each call."""
    freed: list[str] = []
    for name in ("llama_free", "llama_model_free"):
        real = getattr(llama_cpp.llama_cpp, name)
        monkeypatch.setattr(llama_cpp.llama_cpp, name, partial(_noted, freed, name, real))
    return freed


def _noted(calls: list[str], name: str, real: Callable[[Any], None], handle: Any) -> None:
    calls.append(name)
    real(handle)


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("use", [vary, break_off_variations, shower_in_background], ids=lambda use: use.__name__)
@pytest.mark.parametrize("sober_twin", [False, True])
def test_a_cycle_is_freed_contexts_first(
    use: Callable[[Llama], Any], sober_twin: bool, tiny_model_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the collector finds first: a context that is freed after its model reads freed memory."""
    freed = note_what_is_freed(monkeypatch)
    llm: Any = Llama(tiny_model_path, drugs=strong(), n_ctx=256, n_threads=1, verbose=False, sober_twin=sober_twin)
    freed.clear()
    use(llm)
    cycle: list[Any] = [llm, llm._model]
    cycle.append(cycle)
    del llm
    gc.collect()  # now the collector has what only a list refers to in the order of the list, from its end
    del cycle
    gc.collect()
    assert freed.count("llama_model_free") == 1
    assert len(freed) >= 2
    assert freed[-1] == "llama_model_free"


class PressingContext(LlamaContext):
    """Presses Ctrl-C while it is created."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        press()


@pytest.mark.usefixtures("without_collector", "press_ctrl_c")
@pytest.mark.parametrize("of", ["variations", "twin"])
def test_ctrl_c_while_a_context_is_made(of: str, tiny_model_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed before the model is freed, even if the exception still refers to it."""
    freed = note_what_is_freed(monkeypatch)
    monkeypatch.setattr(contexts, "LlamaContext", PressingContext)
    made: list[Llama] = []

    def load_and_vary() -> None:
        made.append(Llama(tiny_model_path, n_ctx=256, n_threads=1, verbose=False, sober_twin=of == "twin"))
        vary(made[0])

    with pytest.raises(KeyboardInterrupt) as interrupt:
        load_and_vary()
    for llm in made:
        llm.close()
    del interrupt
    gc.collect()
    assert freed == ["llama_free", "llama_free", "llama_model_free"]


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("begin", ["create_completion", "variations", "generate", "create_completion in Python"])
def test_a_text_keeps_its_model(begin: str, tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, drugs=strong(), n_ctx=256, n_threads=1, verbose=False)
    name, _, in_python = begin.partition(" ")
    processors = llama_cpp.LogitsProcessorList([lambda _, scores: scores])
    options: Any = {"max_tokens": 9, "stream": True} if name != "generate" else {}
    text = getattr(llm, name)(PROMPT, **options, **({"logits_processor": processors} if in_python else {}))
    next(text)
    gone = weakref.ref(llm)
    del llm
    assert len(take(text, 5)) == 5
    text.close()
    del text
    assert gone() is None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[LlamaContext]:
    """Contexts that were created in addition to the model's own."""
    made: list[LlamaContext] = []

    def make(**kwargs: Any) -> LlamaContext:
        made.append(LlamaContext(**kwargs))
        return made[-1]

    monkeypatch.setattr(contexts, "LlamaContext", make)
    return made


@pytest.mark.usefixtures("without_collector")
def test_a_shower_that_cannot_begin_leaves_nothing(
    llm: Llama, made: list[LlamaContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryLimitError("no thread")

    llm.eval(PROMPT, dosed=True)
    monkeypatch.setattr(_core, "BackgroundEvaluation", fail)
    with pytest.raises(MemoryLimitError, match="no thread"):
        llm.cold_shower(block=False)
    assert [context.ctx for context in made] == [None]
    assert llm.dirty_count == 2
    assert llm.cold_shower() == 2


@pytest.mark.usefixtures("without_collector")
def test_contexts_do_not_pile_up(llm: Llama, made: list[LlamaContext]) -> None:
    for i in range(5):
        llm.eval([50 + i], dosed=True)
        llm.eval(PROMPT, dosed=True)
        llm.cold_shower(block=False)
        llm.cold_shower()
        llm.variations(PROMPT, n=1 + i, max_tokens=200 * i + 4)
    gone = [weakref.ref(context) for context in made]
    assert len(gone) > 7
    made.clear()
    assert sum(context() is not None for context in gone) == 1  # the context of the variations
    llm.close()
    assert all(context() is None for context in gone)


def test_a_shower_in_the_background_is_gone_with_its_model(tiny_model_path: str, made: list[LlamaContext]) -> None:
    llm = Llama(tiny_model_path, drugs=strong(), n_ctx=256, n_threads=1, verbose=False)
    shower_in_background(llm)
    del llm
    assert [context.ctx for context in made] == [None]


def test_ctrl_c_while_a_shower_is_waited_for(
    llm: Llama, monkeypatch: pytest.MonkeyPatch, made: list[LlamaContext]
) -> None:
    class Slow:
        is_complete = False

        def wait(self) -> None:
            raise KeyboardInterrupt

        def stop(self) -> None:
            pass

    llm.eval(PROMPT, dosed=True)
    monkeypatch.setattr(_core, "BackgroundEvaluation", lambda *_: Slow())
    llm.cold_shower(block=False)
    with pytest.raises(KeyboardInterrupt):
        llm.cold_shower()
    assert [context.ctx for context in made] == [None]
    assert (llm.n_tokens, llm.dirty_count) == (len(PROMPT), 2)


def test_what_was_never_a_model(tiny_model_path: str, capfd: pytest.CaptureFixture[str]) -> None:
    class Forgetful(Llama):
        def __init__(self) -> None:
            pass

    with pytest.raises(TypeError):
        Llama()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="did you mean"):
        Llama(tiny_model_path, n_ctxx=5)  # type: ignore[call-arg]
    with pytest.raises(FileNotFoundError):
        Llama(tiny_model_path + "x")
    with pytest.raises(OptionError, match="n_ctx is 'five'"):
        Llama(tiny_model_path, n_ctx="five", verbose=False)  # type: ignore[arg-type]
    for half in (Llama.__new__(Llama), Forgetful()):
        with pytest.raises(StateError, match="was closed"):
            half.reset()
        half.close()
        half.close()
        del half
    gc.collect()
    assert capfd.readouterr().err == ""


def test_a_background_evaluation_by_itself(llm: Llama) -> None:
    evaluation = _core.BackgroundEvaluation(int(llm._ctx.ctx), PROMPT, 0, 0)
    wait_until(lambda: evaluation.is_complete)
    evaluation.wait()
    evaluation.stop()
    assert evaluation.is_complete
    stopped = _core.BackgroundEvaluation(int(llm._ctx.ctx), [5] * 240, len(PROMPT), 0)
    stopped.stop()
    with pytest.raises(ValueError, match="sequence 7"):
        _core.BackgroundEvaluation(int(llm._ctx.ctx), PROMPT, 0, 7)
    with pytest.raises(StateError, match="was closed"):
        _core.BackgroundEvaluation(0, PROMPT, 0, 0)

"""A short soak, and that it notices what it is meant to notice."""

from __future__ import annotations

import copy
import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from soak import __main__ as main
from soak import afterwards, memory, run
from soak.findings import Findings
from soak.gate import Gate
from soak.limits import for_requests
from soak.questions import Question, pool
from support.patience import wait_until

Asked = Sequence[tuple[Question, Any]]


@pytest.fixture(scope="module")
def asked(tiny_model_path: str) -> Asked:
    return run.alone(tiny_model_path, pool(seed=1))


def test_every_answer_is_as_alone(tiny_model_path: str, asked: Asked, tmp_path: Path) -> None:
    findings = Findings(tmp_path)
    run.in_company(tiny_model_path, asked, 16, seed=1, may_go_on=for_requests(600), findings=findings)
    assert findings.problems == []
    assert set(findings.done) == {question.kind for question, _ in asked} | {"look", "shower"}
    assert sum(findings.hung_up.values()) > 10
    assert list(tmp_path.iterdir()) == []


def test_the_pool_has_the_same_questions_for_a_seed() -> None:
    assert pool(1) == pool(1) != pool(2)
    assert len({(question.path, question.data) for question in pool(1)}) > 50


#
# what it notices
#


def test_an_answer_that_differs_is_kept(tiny_model_path: str, asked: Asked, tmp_path: Path) -> None:
    question, right = asked[0]
    findings = Findings(tmp_path / "soak")
    run.in_company(tiny_model_path, [(question, {})], 2, seed=1, may_go_on=for_requests(20), findings=findings)
    assert findings.differing[question.kind] == findings.done[question.kind] > 0
    assert findings.problems[0] == f"an answer differs: {tmp_path / 'soak' / 'differs-1.json'}"
    kept = json.loads((tmp_path / "soak" / "differs-1.json").read_text(encoding="utf-8"))
    asked_for = {"path": question.path, "body": question.data.decode()}
    assert kept == {"question": asked_for, "alone": {}, "in company": right}


def test_the_last_bits_of_a_probability_count(asked: Asked, tmp_path: Path) -> None:
    question, alone = asked[0]
    other = copy.deepcopy(alone)
    other["answer"]["completion_probabilities"][-1]["logprob"] *= 1 + 1e-7
    findings = Findings(tmp_path)
    findings.compare(question, alone, copy.deepcopy(alone))
    assert not findings.problems
    findings.compare(question, alone, other)
    assert len(findings.problems) == 1


def test_a_client_that_fails_is_reported(tiny_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConnectionResetError("reset")

    monkeypatch.setattr("soak.client.ask", fail)
    question = Question("completion", "/completion", {"prompt": "a", "n_predict": 1})
    findings = Findings(tmp_path)
    run.in_company(tiny_model_path, [(question, {})], 1, seed=1, may_go_on=for_requests(50), findings=findings)
    assert findings.problems == ["client 1.0 ended: ConnectionResetError('reset')"]


def test_growing_memory_is_reported() -> None:
    flat = [50.0 + i % 3 for i in range(40)]
    assert memory.grown(flat) == []
    assert memory.grown([20.0 + 3 * i for i in range(10)] + flat[10:]) == []  # caches fill
    (problem,) = memory.grown([50 + 0.25 * i for i in range(40)])
    assert problem == "memory grew by 5.0 MiB from the second quarter of the time to the last: 4.0 at most"
    assert memory.slope([50 + 0.25 * i for i in range(41)], seconds=40) == pytest.approx(0.25 * 3600, rel=0.05)


def test_a_busy_slot_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afterwards, "PATIENCE", 0)
    slots: list[Any] = [{"id": i, "is_processing": i == 1, "drugs": {"n_dirty": 9 * (i == 2)}} for i in range(3)]
    expected = ["slot 1 is still busy", "slot 2 has 9 dirty positions"]
    assert afterwards.rest(lambda: afterwards.busy_slots(slots)) == expected
    assert afterwards.rest(lambda: afterwards.busy_slots(slots[:1])) == []


def test_a_slot_that_comes_to_rest_is_waited_for() -> None:
    looks = [["slot 1 is still busy"], ["slot 1 is still busy"], []]
    assert afterwards.rest(lambda: looks.pop(0)) == []


def test_the_end_of_a_server_is_looked_at() -> None:
    refusal = 'srv operator(): got exception: {"error":{"code":400,"message":"...","type":"invalid_request_error"}}'
    assert afterwards.end(0, f"main: model loaded\n{refusal}") == []
    assert afterwards.end(-6, "ok\nggml.c:1: GGML_ASSERT(n > 0) failed\nok") == [
        "the server ended with status -6",
        "in the server's log: ggml.c:1: GGML_ASSERT(n > 0) failed",
    ]


@pytest.mark.parametrize(
    ("mib", "problem", "status"),
    [([50.0] * 8, None, 0), ([50.0] * 8, "an answer differs", 1), ([50.0 + 2 * i for i in range(8)], None, 1)],
)
def test_it_ends_with_a_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mib: list[float],
    problem: str | None,
    status: int,
) -> None:
    def in_company(*args: Any) -> list[float]:
        findings: Findings = args[5]
        findings.has_done("chat")
        findings.add(*([problem] if problem else []))
        return mib

    monkeypatch.setattr(run, "alone", lambda *_: [])
    monkeypatch.setattr(run, "in_company", in_company)
    monkeypatch.setattr(sys, "argv", ["soak", "--minutes", "0"])
    assert main.main() == status
    printed = capsys.readouterr()
    assert "| chat    | 1        | 0       | 0                 |" in printed.out
    assert ("failed" in printed.out, bool(printed.err)) == (status == 1, status == 1)


def test_a_shower_waits_for_texts_and_lets_none_begin() -> None:
    gate = Gate()
    order: list[str] = []

    def shower() -> None:
        with gate.shower():
            order.append("shower")

    def text() -> None:
        with gate.text():
            order.append("second text")

    threads = [threading.Thread(target=shower), threading.Thread(target=text)]
    with gate.text():
        threads[0].start()
        wait_until(lambda: gate.n_showers == 1)
        threads[1].start()
        order.append("first text")
    for thread in threads:
        thread.join()
    assert order == ["first text", "shower", "second text"]

"""`drugs serve`: a slot's text and cache belong to its task, whatever happens to other tasks."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.patience import PATIENCE, wait_until
from support.program import Server
from support.serving import TINY, completion, text

STORY = "The keeper of the lighthouse found a door behind the lamp"
OTHERS = ("A clockmaker in Lisbon", "My grandmother kept bees", "Two physicists shared a bicycle", "0123456789" * 4)

SOBER = {"repeatable": True}


def test_a_request_that_waits_for_a_busy_slot_leaves_its_text_alone(tiny_server: Server) -> None:
    expected = [text(tiny_server, SOBER, prompt=prompt, temperature=0, n_predict=100) for prompt in OTHERS]

    def ask(prompt: str) -> str:
        return text(tiny_server, SOBER, prompt=prompt, temperature=0, n_predict=100, id_slot=0)

    for _ in range(5):
        with ThreadPoolExecutor(len(OTHERS)) as pool:
            assert list(pool.map(ask, OTHERS)) == expected


def test_a_prompt_from_the_cache_is_not_overwritten_by_another_one(tiny_model_path: str) -> None:
    """Several answers of one token end before their prompt has been copied to all slots."""
    follow = {"prompt": STORY, "temperature": 0, "n_predict": 24}
    with Server("-m", tiny_model_path, *TINY, "-c", "512", "-np", "2") as server:
        expected = completion(server, SOBER, **follow)["content"]
        n_from_cache = 0
        for other in OTHERS * 2:
            completion(server, SOBER, prompt="w", temperature=0, n_predict=1)  # moves the story to the prompt cache
            completion(server, SOBER, prompt=other, temperature=0, n_predict=1, n=2)
            answer = completion(server, SOBER, **follow)
            assert answer["content"] == expected
            n_from_cache += answer["timings"]["cache_n"] > len(STORY)
        assert n_from_cache > 0


#: of the first two cells in the file: position, number of sequences, sequence
FIRST_CELLS = struct.pack("<6i", 0, 1, 0, 1, 1, 0)


def damaged(saved: bytes, damage: str) -> bytes:
    """The file without its last byte, or with a different position for its first token."""
    if damage == "cut":
        return saved[:-1]
    before, cells, after = saved.partition(FIRST_CELLS)
    assert cells
    return before + struct.pack("<i", int(damage)) + cells[4:] + after


@pytest.mark.parametrize("damage", ["cut", "-1", "100", "2147483647"])
def test_a_damaged_slot_file_is_refused(tiny_model_path: str, tmp_path: Path, damage: str) -> None:
    """llama.cpp would end the process over it, at once or in the slot's next request."""
    follow = {"prompt": "Once upon a time", "temperature": 0, "n_predict": 5, "id_slot": 0}
    path = tmp_path / "slot.bin"
    with Server("-m", tiny_model_path, *TINY, "--slot-save-path", str(tmp_path)) as server:
        expected = text(server, SOBER, **follow)
        assert server.post("/slots/0?action=save", {"filename": path.name}).status == 200
        path.write_bytes(damaged(path.read_bytes(), damage))
        refused = server.post("/slots/0?action=restore", {"filename": path.name})
        assert refused.status == 400
        assert "slot save file" in refused.error
        assert text(server, SOBER, **follow) == expected


def test_what_waits_for_a_slot_is_answered_after_one_that_leaves_it_free(tiny_model_path: str, tmp_path: Path) -> None:
    arguments = ("-m", tiny_model_path, *TINY, "-np", "1", "--context-shift", "--slot-save-path", str(tmp_path))
    with ThreadPoolExecutor(2) as pool, Server(*arguments) as server:

        def n_waiting() -> int:
            (line,) = (
                at for at in server.get("/metrics").text.splitlines() if at.startswith("llamacpp:requests_deferred ")
            )
            return int(line.split()[-1])

        stream: Any = server.stream("/completion", {"prompt": STORY, "n_predict": -1, "temperature": 0, "stream": True})
        next(stream)  # the slot is busy until the client hangs up
        saved = pool.submit(server.post, "/slots/0?action=save", {"filename": "slot.bin"})
        wait_until(lambda: n_waiting() == 1)
        completed = pool.submit(completion, server, prompt="w", n_predict=1)
        wait_until(lambda: n_waiting() == 2)
        stream.close()
        assert saved.result(PATIENCE).status == 200
        assert completed.result(PATIENCE)["tokens_predicted"] == 1

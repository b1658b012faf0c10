"""Sweeps: what is written, that none of it is lost, and that no way in which a process ends changes it."""

from __future__ import annotations

import hashlib
import json
import resource
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import MakeLlama, same_rounding
from drugs_cpp import (
    DRUGS,
    ContextOverflowError,
    CountError,
    DoseError,
    DrugsError,
    ModelNotFoundError,
    OptionError,
    PromptError,
    ResultFileError,
    SeedError,
)
from drugs_cpp.doses.profile import DoseProfile
from drugs_cpp.study import Prompt, Store, SweepPlan, SweepStore, TextRow, WorkerOptions, make_plan, open_sweep, sweep
from drugs_cpp.study.setting import SAMPLER, SOBER, Setting, setting_of
from drugs_cpp.study.store_tables import ADDED
from drugs_cpp.study.sweep_estimate import estimate
from drugs_cpp.study.sweep_plan import PROFILES
from support.killed_sweep import small_plan
from support.sweep_rows import sweep_rows

PROMPTS = [Prompt("sea", text="The sea is wide, and"), Prompt("wood", text="The wood is dark, for")]
ONE_THREAD = WorkerOptions(n_threads=1)


def plan_of(**changes: Any) -> SweepPlan:
    grid = {"sites": ["A", "K"], "doses": [0.4, 0.9], "seeds": [3, 4], "max_tokens": 12, **changes}
    return make_plan(grid.pop("prompts", PROMPTS), **grid)


def texts_of(store: Path) -> dict[tuple[str, Setting, int], TextRow]:
    with open_sweep(store) as results:
        prompts, settings = results.prompts(), results.settings()
        return {
            (prompts[cell.prompt].name, settings[cell.setting], row.seed): row
            for cell in results.cells()
            for row in results.texts(cell)
        }


@pytest.fixture(scope="module")
def store(short_model_path: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a sweep with the real model's words, with a sampler and a profile."""
    path = tmp_path_factory.mktemp("sweep") / "results.db"
    profiles = {name: PROFILES[name] for name in ("all", "middle")}
    plan = plan_of(profiles=profiles, noise=["isotropic", "reference"], samplers=[{"temperature": 1.5, "top_k": 50}])
    assert sweep([short_model_path], plan, path, ONE_THREAD) == plan.n_texts
    return path


#
# plans
#


def test_a_plan_has_each_combination_once_and_one_sober_text() -> None:
    plan = plan_of(
        profiles=PROFILES, noise=["isotropic", "reference"], samplers=[{"temperature": 1}, {"temperature": 2}]
    )
    assert len(plan.settings) == 1 + 2 * 2 * 4 * 2 + 2
    assert len(set(plan.settings)) == len(plan.settings)
    assert plan.sober == plan.settings[0]
    assert plan.n_texts == 2 * (1 + (len(plan.settings) - 1) * 2)
    assert plan_of(doses=[0.4, 0.4], sites=["A"]).settings == plan_of(doses=[0.4], sites=["A"]).settings


@pytest.mark.parametrize("n_layer", [3, 9, 30])
def test_named_profiles_divide_the_layers_into_thirds(n_layer: int) -> None:
    tables = [DRUGS(A=1.0, shape={"A": PROFILES[name]}).table(n_layer)[:, 4] for name in ("early", "middle", "late")]
    assert [table.sum() for table in tables] == [n_layer / 3] * 3
    assert np.array_equal(np.sum(tables, axis=0), np.ones(n_layer))
    assert [int(np.flatnonzero(table)[0]) for table in tables] == [0, n_layer // 3, 2 * n_layer // 3]


def test_a_setting_comes_back_from_its_json() -> None:
    for setting in plan_of(profiles=PROFILES, samplers=[{"top_k": 3, "temperature": 0.5}], dose_inputs="last").settings:
        assert setting_of(json.loads(setting.to_json())) == setting


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"prompts": []}, PromptError, "no prompt"),
        ({"prompts": [PROMPTS[0], Prompt("sea", text="another")]}, PromptError, "'sea'"),
        ({"sites": ["X"]}, DoseError, "'X'"),
        ({"sites": []}, CountError, "empty"),
        ({"doses": []}, CountError, "doses is empty"),
        ({"doses": [0.0]}, DoseError, "a dose is 0"),
        ({"doses": [float("nan")]}, DoseError, "finite"),
        ({"profiles": {}}, CountError, "profiles is empty"),
        ({"noise": ["loud"]}, DoseError, "'loud'"),
        ({"seeds": []}, CountError, "seeds is empty"),
        ({"seeds": [-1]}, CountError, "fixed seeds"),
        ({"seeds": [2**32]}, SeedError, "4294967296"),
        ({"max_tokens": 0}, CountError, "max_tokens is 0"),
        ({"sink": -1}, CountError, "sink is -1"),
        ({"samplers": [{"temperature": 0}]}, OptionError, "draws nothing"),
        ({"samplers": [{"heat": 1}]}, OptionError, "'heat'"),
        ({"samplers": [{"temperature": float("inf")}]}, OptionError, "finite"),
    ],
)
def test_plans_that_cannot_be(changes: dict[str, Any], error: type[DrugsError], words: str) -> None:
    with pytest.raises(error, match=words):
        plan_of(**changes)


#
# texts
#


def test_texts_are_those_of_variations(store: Path, make_llama: MakeLlama) -> None:
    llm = make_llama(repeatable=True)
    rows = texts_of(store)
    for prompt in PROMPTS:
        for setting in {setting for _, setting, _ in rows}:
            seeds = [0] if setting.site == SOBER else [3, 4]
            options: dict[str, Any] = setting.sampler_options
            answer = llm.variations(prompt.text, seeds=seeds, drugs=_drugs(setting), max_tokens=12, **options)
            for seed, choice in zip(seeds, answer["choices"]):
                row = rows[prompt.name, setting, seed]
                assert row.text == choice["text"]
                assert row.ending == choice["finish_reason"]


def _drugs(setting: Setting) -> DRUGS:
    if setting.site in (SOBER, SAMPLER):
        return DRUGS()
    points = None if setting.shape is None else [{"depth": d, "peakratio": r} for d, r in setting.shape]
    profile = None if points is None else DoseProfile(points, setting.mode)
    return DRUGS({setting.site: setting.dose}, shape={setting.site: profile}, noise=setting.noise)


def test_measures_of_texts(store: Path, make_llama: MakeLlama) -> None:
    llm = make_llama(repeatable=True, logits_all=True)
    rows = texts_of(store)
    some = list(rows)[::7]
    assert len(some) > 8
    for name, setting, seed in some:
        row = rows[name, setting, seed]
        prompt = llm.prompt_of(next(p.text for p in PROMPTS if p.name == name)).tokens
        tokens = row.tokens.tolist()
        assert llm.detokenize(tokens).decode(errors="ignore") == row.text
        llm.reset()
        llm.eval(prompt + tokens)
        logits = np.array(llm.scores[len(prompt) - 1 : len(prompt) + len(tokens) - 1], np.float64)
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        assert row.log_likelihood == pytest.approx(np.mean([log_probs[i, t] for i, t in enumerate(tokens)]), abs=1e-4)
        states = llm.trace(
            prompt + tokens, drugs=DRUGS(), layers=[0], positions=range(len(prompt), len(prompt + tokens))
        )
        assert states.norm is not None
        assert np.allclose(row.embedding, states.norm.mean(axis=0), atol=0.02, rtol=0.01)
        sober = next(r for (n, s, _), r in rows.items() if n == name and s.site == SOBER).tokens.tolist()
        parted = next((i for i, (a, b) in enumerate(zip(tokens, sober)) if a != b), None)
        assert row.parted == (parted if tokens != sober else None)
        assert row.compressibility == len(zlib.compress(row.text.encode(), 9)) / len(row.text.encode())
        assert 0 < row.seconds < 600


def test_models_prompts_and_origins_are_kept_once(store: Path, short_model_path: str) -> None:
    with open_sweep(store) as results:
        (model,) = results.models().values()
        assert model.sha256 == hashlib.sha256(Path(short_model_path).read_bytes()).hexdigest()
        assert (model.name, model.quantization, model.architecture) == ("short", "Q4_1", "llama")
        assert set(results.prompts().values()) == set(PROMPTS)
        (origin,) = results.origins().values()
        assert origin["llama_cpp_commit"]
        assert len(origin["sources"]) == 12
        assert origin["cpu"]
        assert origin["version"]


def test_a_chat_template_and_doses_of_the_prompt(short_model_path: str, tmp_path: Path, make_llama: MakeLlama) -> None:
    messages = (("system", "Be brief."), ("user", "Who are you?"))
    for inputs in ("last", True):
        store = tmp_path / f"{inputs}.db"
        plan = plan_of(prompts=[Prompt("who", messages)], sites=["A"], doses=[0.9], dose_inputs=inputs, sink=3)
        sweep([short_model_path], plan, store, ONE_THREAD)
        llm = make_llama(repeatable=True, dose_inputs=inputs, sink=3)
        told = [{"role": role, "content": content} for role, content in messages]
        answer = llm.variations(messages=told, seeds=[3, 4], drugs={"A": 0.9}, max_tokens=12)
        found = [row.text for (_, setting, _), row in texts_of(store).items() if setting.site == "A"]
        assert found == [choice["message"]["content"] for choice in answer["choices"]]


def test_without_likelihoods_and_with_them_later(short_model_path: str, store: Path, tmp_path: Path) -> None:
    plan, path = plan_of(), tmp_path / "results.db"
    assert sweep([short_model_path], plan, path, WorkerOptions(n_threads=1, likelihood=False)) == plan.n_texts
    rows = texts_of(path)
    assert {row.log_likelihood for row in rows.values()} == {None}
    assert {len(row.embedding) for row in rows.values()} == {0}
    assert sweep([short_model_path], plan, path, ONE_THREAD) == plan.n_texts
    assert sweep_rows(path) < sweep_rows(store)
    assert sweep([short_model_path], plan, path, ONE_THREAD) == 0


#
# continuing
#


def test_more_seeds_and_doses_add_what_is_missing(short_model_path: str, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    sweep([short_model_path], plan_of(doses=[0.4], seeds=[4]), path, ONE_THREAD)
    first = sweep_rows(path)
    told: list[tuple[int, int]] = []
    plan = plan_of()
    n_written = sweep([short_model_path], plan, path, ONE_THREAD, lambda n, n_all, _: told.append((n, n_all)))
    assert n_written == plan.n_texts - len(first)
    assert told == [(i + 1, 2 * n_written) for i in range(2 * n_written)]  # each is written, and then read again
    assert first < sweep_rows(path) < sweep_rows(store)


@same_rounding
def test_killed_fifty_times_it_gives_the_same_rows(tiny_model_path: str, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed.db", tmp_path / "whole.db"
    command = [sys.executable, "-m", "support.killed_sweep", tiny_model_path, str(killed), "50"]
    ran = subprocess.run(command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True)
    n_killed, n_there = int(ran.stdout), len(sweep_rows(killed))
    assert n_killed == 50
    assert 0 < n_there < small_plan().n_texts
    assert sweep([tiny_model_path], small_plan(), killed, ONE_THREAD) >= small_plan().n_texts - n_there
    assert sweep([tiny_model_path], small_plan(), whole, ONE_THREAD) == small_plan().n_texts
    assert sweep_rows(killed) == sweep_rows(whole)


@same_rounding
def test_two_processes_on_one_store(tiny_model_path: str, tmp_path: Path) -> None:
    both, alone = tmp_path / "both.db", tmp_path / "alone.db"
    code = "import sys; from support.killed_sweep import *; small_sweep(sys.argv[1], sys.argv[2])"
    command = [sys.executable, "-c", code, tiny_model_path, str(both)]
    processes = [subprocess.Popen(command, cwd=Path(__file__).parent) for _ in range(2)]
    assert [process.wait(600) for process in processes] == [0, 0]
    sweep([tiny_model_path], small_plan(), alone, ONE_THREAD)
    assert sweep_rows(both) == sweep_rows(alone)


def test_a_full_disk(tiny_model_path: str, tmp_path: Path) -> None:
    path = tmp_path / "results.db"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    code = "import sys; from support.killed_sweep import *; small_sweep(sys.argv[1], sys.argv[2])"
    command = [sys.executable, "-c", code, tiny_model_path, str(path)]
    ran = subprocess.run(command, cwd=Path(__file__).parent, preexec_fn=little_room, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("drugs_cpp.errors.ResultFileError: ")
    assert "the disk is full" in ran.stderr.splitlines()[-1]
    n_there = len(sweep_rows(path))
    assert 0 < n_there < small_plan().n_texts
    assert sweep([tiny_model_path], small_plan(), path, ONE_THREAD) >= small_plan().n_texts - n_there
    assert len(sweep_rows(path)) == small_plan().n_texts


def test_a_store_of_the_first_version_gets_new_tables(short_model_path: str, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old:
        for statement in ADDED[1]:
            old.execute(statement)
        old.execute(f"PRAGMA application_id = {0x44525547}")
        old.execute("PRAGMA user_version = 1")
    sweep([short_model_path], plan_of(), path, ONE_THREAD)
    assert sweep_rows(path) < sweep_rows(store)


#
# what is refused
#


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"max_tokens": 9000}, ContextOverflowError, r"the prompt 'sea' has \d+ tokens"),
        ({"prompts": [Prompt("long", text="word " * 9000)]}, ContextOverflowError, "'long'"),
    ],
)
def test_nothing_is_begun_with_what_a_model_cannot_do(
    short_model_path: str, tmp_path: Path, changes: dict[str, Any], error: type[DrugsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        sweep([short_model_path], plan_of(**changes), tmp_path / "results.db", ONE_THREAD)
    assert not (tmp_path / "results.db").exists()


def test_a_model_without_template(tiny_model_path: str, tmp_path: Path) -> None:
    plan = plan_of(prompts=[Prompt("who", (("user", "Who?"),))])
    with pytest.raises(PromptError, match="no chat template"):
        sweep([tiny_model_path], plan, tmp_path / "results.db", ONE_THREAD)


def test_a_missing_site(short_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drugs_cpp._core.has_sites", lambda *_: np.zeros((4, 8), bool))
    with pytest.raises(DoseError, match=r"short\.gguf has no site A"):
        sweep([short_model_path], plan_of(), tmp_path / "results.db", ONE_THREAD)


def test_the_last_model_is_looked_at_before_the_first_one_computes(short_model_path: str, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        sweep([short_model_path, str(tmp_path / "none.gguf")], plan_of(), tmp_path / "results.db", ONE_THREAD)
    assert not (tmp_path / "results.db").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE setting SET key = '{' || id",
        "UPDATE setting SET key = '{\"site\": ' || id || '}'",
        "UPDATE prompt SET key = '[' || id || ']'",
        "UPDATE text SET tokens = x'00'",
        "UPDATE text SET embedding = x'00'",
        "DELETE FROM setting",
    ],
)
def test_damaged_rows(store: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "results.db"
    copy.write_bytes(store.read_bytes())
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(damage)
    with pytest.raises(ResultFileError, match="damaged"):
        texts_of(copy)


def test_a_damaged_file_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    path.write_text("These are no results. " * 100)
    with pytest.raises(ResultFileError, match="damaged"):
        sweep(["none.gguf"], plan_of(), path)


#
# estimates
#


def test_an_estimate_keeps_nothing(short_model_path: str, tmp_path: Path) -> None:
    plan = plan_of()
    with Store(tmp_path / "results.db") as store:
        found = estimate(short_model_path, plan, SweepStore(store), ONE_THREAD)
        assert SweepStore(store).cells() == []
    assert (found.n_texts, found.n_tokens) == (plan.n_texts, 12 * plan.n_texts)
    assert found.seconds == found.n_tokens / found.tokens_per_second
    sweep([short_model_path], plan, tmp_path / "results.db", ONE_THREAD)
    with open_sweep(tmp_path / "results.db") as results:
        assert estimate(short_model_path, plan, results, ONE_THREAD).seconds == 0

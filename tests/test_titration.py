"""``titrate``: the effect of a dose against one that is computed token by token, and the angle that is found for it."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from conftest import MakeLlama, last_logits
from drugs_cpp import DRUGS, DoseError, Llama
from drugs_cpp.doses.dosage import Dosage
from drugs_cpp.doses.titration import Titration
from drugs_cpp.engine.dosing import SequenceDose, dose_sequence
from drugs_cpp.engine.effect import Effect, EffectMeter, FedText
from drugs_cpp.model.calibration import find_effect
from drugs_cpp.model.dose_meter import SEEDS, DoseMeter, Measurement
from drugs_cpp.model.frozen_texts import FROZEN_TEXTS, N_FED, N_PROMPT, frozen_texts
from drugs_cpp.model.known_effects import keep_effects, known_effects

SHORT = {"n_ctx": 512}


def strong_titration() -> Titration:
    """A titration as if it had been measured."""
    return Titration(0.2, 0.7, 0.01, 0.2, 0.001, 0.002, 0.1, 1.1, DRUGS.strong().dosage.at_angle(0.7))


def measured(llm: Llama, dosage: Dosage, texts: list[FedText], n_slots: int, seeds: range) -> Effect:
    """What the meter finds."""
    engine = llm.engine

    def dose(seed: int, n_before: int) -> SequenceDose:
        given = dose_sequence(engine.sites, dosage, seed, n_before)
        assert given is not None
        return given

    slots = engine.slots.open(n_slots, N_PROMPT + N_FED)
    slots.take(None)
    slots.compute_repeatably(True)
    return EffectMeter(slots, n_slots, texts).measure(dose, seeds)


def token_by_token(llm: Llama, drugs: DRUGS, text: FedText, seed: int) -> np.ndarray[Any, Any]:
    """Logits after each fed token, (n_fed, n_vocab), of a model that gets one token at a time."""
    llm.reset()
    llm.eval(text.prompt, dosed=False)
    llm.drugs = DRUGS(drugs.to_dict(), seed=seed)
    rows = []
    for token in text.fed:
        llm.eval([token], dosed=True)
        rows.append(last_logits(llm))
    return np.stack(rows).astype(np.float64)


@pytest.mark.parametrize("drugs", [DRUGS(A=0.4), DRUGS(K=0.3, H=0.1, hold="text"), DRUGS(pV=0.5)])
def test_the_effect_is_that_of_tokens_that_are_fed_one_by_one(make_llama: MakeLlama, drugs: DRUGS) -> None:
    llm = make_llama(**SHORT)
    text = frozen_texts(int(llm._model.vocab))[1]
    found = measured(llm, drugs.dosage, [text], 2, range(5, 8))  # the third seed is computed alone
    sober = token_by_token(llm, DRUGS(), text, 1)
    for column, seed in enumerate(range(5, 8)):
        dosed = token_by_token(llm, drugs, text, seed)
        kl = (softmax(sober, -1) * (log_softmax(sober, -1) - log_softmax(dosed, -1))).sum(-1).mean()
        following = np.arange(N_FED - 1), list(text.fed[1:])
        nll = (log_softmax(sober, -1)[following] - log_softmax(dosed, -1)[following]).mean()
        assert found.kl[0, column] == pytest.approx(kl, rel=0.02, abs=1e-4)
        assert found.nll[0, column] == pytest.approx(nll, rel=0.02, abs=2e-3)
        assert found.changed[0, column] == pytest.approx((sober.argmax(-1) != dosed.argmax(-1)).mean(), abs=1.1 / N_FED)
    assert (found.kl > 0.001).all()


def test_the_texts_are_long_enough_and_stay_as_they_are(make_llama: MakeLlama) -> None:
    texts = frozen_texts(int(make_llama()._model.vocab))
    assert [(len(text.prompt), len(text.fed)) for text in texts] == [(N_PROMPT, N_FED)] * len(FROZEN_TEXTS)
    assert [hash_of(text) for text in FROZEN_TEXTS] == ["f921cdef", "4335b008", "1ce22062", "2c97a710"]


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def test_the_angle_has_the_effect_that_was_wanted(make_llama: MakeLlama) -> None:
    llm = make_llama(drugs={"H": 0.2, "seed": 3}, **SHORT)
    llm("The sea", max_tokens=3)
    tokens, n_seen = llm.input_ids[: llm.n_tokens].tolist(), []
    found = llm.titrate("A", 0.1, progress=lambda n, _: n_seen.append(n))
    assert found.kl == pytest.approx(0.1, rel=0.1)
    assert n_seen == list(range(1, len(n_seen) + 1))
    assert llm.drugs == DRUGS(H=0.2, seed=3)
    assert llm.input_ids[: llm.n_tokens].tolist() == tokens
    again = measured(llm, found.dosage, frozen_texts(int(llm._model.vocab)), len(SEEDS), SEEDS)
    assert again.kl.mean() == pytest.approx(found.kl, rel=1e-5)
    assert again.changed.mean() == pytest.approx(found.changed, rel=1e-5)
    assert np.exp(again.nll.mean()) == pytest.approx(found.perplexity, rel=1e-5)
    assert found.kl_error == pytest.approx(again.kl.mean(0).std(ddof=1) / len(SEEDS) ** 0.5, rel=1e-4)
    step = 0.1 * found.angle
    texts = frozen_texts(int(llm._model.vocab))
    more, less = (measured(llm, found.dosage.at_angle(found.angle + by), texts, 8, SEEDS) for by in (step, -step))
    slope = (more.kl.mean() - less.kl.mean()) / (2 * step)
    assert found.kl_error / found.error == pytest.approx(slope, rel=0.3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"site": "Z"}, "unknown site 'Z'"),
        ({"site": "A", "kl": 0}, "more than 0"),
        ({"site": "A", "kl": "weak"}, "unknown effect"),
        ({"site": "A", "kl": 1e-9}, r"1e-09 nats, and under next to no dose this model moves by \d"),
        ({"site": "A", "kl": 1e6}, "half a turn at A"),
    ],
)
def test_what_cannot_be_found_is_refused(
    make_llama: MakeLlama, tiny_model_path: str, arguments: dict[str, Any], message: str
) -> None:
    llm = make_llama(tiny_model_path, **SHORT)
    with pytest.raises(DoseError, match=message):
        llm.titrate(**arguments)
    assert list(llm.variations("The sea", n=1, max_tokens=2)["choices"])


def test_what_cannot_be_measured_now_is_estimated(
    make_llama: MakeLlama, tiny_model_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    llm = make_llama(tiny_model_path, **SHORT)
    dosage = DRUGS.by_effect(0.123).dosage
    found: list[Titration] = []
    with llm.engine.session.use():
        thread = threading.Thread(target=lambda: found.append(find_effect(llm.engine, dosage)))
        thread.start()
        thread.join()
    assert [one.source for one in found] == ["estimated"]
    assert "0.123 nats: A=" in caplog.text
    assert find_effect(llm.engine, dosage).source == "calibrated"


#
# at first use
#


def test_a_word_is_measured_at_the_first_use_and_kept(
    make_llama: MakeLlama, short_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path / "cache"))
    llm = make_llama(drugs="strong", **SHORT)
    assert llm.drugs == DRUGS.strong()
    found = llm.titrate(drugs=llm.drugs)
    assert (found.source, found.target) == ("calibrated", 0.2)
    kept = json.loads((tmp_path / "cache" / "effects.json").read_text())
    assert list(kept["files"]) == [short_model_path]
    [entry] = kept["models"].values()
    assert [dose["target"] for dose in entry["doses"]] == [0.2]
    said = llm.variations("The sea", n=1, seeds=5, max_tokens=4)["choices"][0]
    plain = llm.variations("The sea", n=1, seeds=5, max_tokens=4, drugs=found.drugs)["choices"][0]
    assert said["text"] == plain["text"]
    assert said["drugs"] == {**plain["drugs"], "effect": "strong", "source": "calibrated"}

    other = make_llama(**SHORT)
    monkeypatch.setattr("drugs_cpp.model.calibration.titrate", lambda *_: pytest.fail("it is known"))
    other.drugs = "strong"
    assert other.titrate(drugs="strong") == found
    with other.dosed("strong") as drugs:
        assert drugs.effect == "strong"


def test_a_file_is_known_by_what_it_holds(
    short_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path / "cache"))
    titration = strong_titration()
    keep_effects(Path(short_model_path), [titration])
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(Path(short_model_path).read_bytes())
    assert known_effects(copy)[-1] == titration
    with copy.open("ab") as file:
        file.write(b"x")
    assert titration not in known_effects(copy)
    (tmp_path / "cache" / "effects.json").write_text("{damaged")
    assert titration not in known_effects(Path(short_model_path))
    keep_effects(Path(short_model_path), [titration])
    assert known_effects(Path(short_model_path))[-1] == titration


@pytest.mark.parametrize(
    "damage",
    [
        {"doses": None},
        {"doses": 5},
        {"doses": [None, 3, {}]},
        {"dose": {}},
        {"dose": {"effect": "mild"}},
        {"angle": -1},
        {"angle": 9},
        {"angle": math.nan},
        {"angle": math.inf},
        {"target": 0},
        {"kl": 0.001},  # below the floor
    ],
    ids=str,
)
def test_what_was_never_measured_counts_as_nothing(
    short_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: dict[str, Any]
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path))
    keep_effects(Path(short_model_path), [strong_titration()])
    kept = json.loads((tmp_path / "effects.json").read_text(encoding="utf-8"))
    [model] = kept["models"].values()
    model.update(damage if "doses" in damage else {"doses": [{**model["doses"][0], **damage}, model["doses"][0]]})
    (tmp_path / "effects.json").write_text(json.dumps(kept), encoding="utf-8")
    assert known_effects(Path(short_model_path)) == ([] if "doses" in damage else [strong_titration()])


def test_a_file_that_is_nested_deeply_counts_as_nothing(
    short_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path))
    (tmp_path / "effects.json").write_text("[" * 100_000, encoding="utf-8")
    assert known_effects(Path(short_model_path)) == []


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path / "file" / "cache"))
    keep_effects(Path(__file__), [strong_titration()])
    assert known_effects(Path(__file__)) == []


def jump(monkeypatch: pytest.MonkeyPatch, factor: float) -> list[float]:
    """Let KL be 0.001 + 0.05 * angle**2 up to 0.1234 radians, and have ``factor`` above; return what is measured."""
    angles: list[float] = []

    def measure(_: DoseMeter, angle: float) -> Measurement:
        angles.append(angle)
        return Measurement(angle, 0.001 + (factor if angle > 0.1234 else 0.05) * angle**2, 1e-5, 0.1, 1.0)

    monkeypatch.setattr(DoseMeter, "measure", measure)
    return angles


@pytest.mark.parametrize(("target", "kl"), [(0.0019, 0.00176), (0.0027, 0.00284)])
def test_an_angle_beside_a_jump_is_taken_if_its_effect_is_close(
    make_llama: MakeLlama, tiny_model_path: str, monkeypatch: pytest.MonkeyPatch, target: float, kl: float
) -> None:
    """The effect below the jump is 7 % less, and that above it 5 % more."""
    llm = make_llama(tiny_model_path, **SHORT)
    jump(monkeypatch, 0.121)
    found = llm.titrate("A", target)
    assert found.kl == pytest.approx(kl, rel=0.01)
    assert found.angle == pytest.approx(0.1234, rel=0.01)


def test_an_effect_that_an_angle_jumps_over_is_refused(
    make_llama: MakeLlama, tiny_model_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a model with keys so long that rounding decides how they are turned."""
    llm = make_llama(tiny_model_path, **SHORT)
    angles = jump(monkeypatch, 0.2)
    with pytest.raises(DoseError, match=r"between 0\.12\d+ and 0\.12\d+ radians at A the effect on this model jumps"):
        llm.titrate("A", 0.003)
    assert len(set(angles)) == len(angles) < 14
    assert max(a for a in angles if a < 0.1234) > 0.1225

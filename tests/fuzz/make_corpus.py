"""Write the first inputs of each corpus, from real data: ``PYTHONPATH=tests python -m fuzz.make_corpus``."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from drugs_cpp import DRUGS
from drugs_cpp.doses.sites import SITES
from fuzz.model_header import whole_file
from fuzz.targets import CORPUS

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "profiles.json"
MODES = ("interpolate", "ceil", "floor")
N_PROFILES = 6


def golden_profiles() -> list[dict[str, Any]]:
    profiles: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))["profiles"]
    short = [profile for profile in profiles if len(profile["points"]) <= 8]
    return short[:: max(1, len(short) // N_PROFILES)][:N_PROFILES]


def profiles() -> dict[str, bytes]:
    inputs = {"many-points": bytes([0, 255]) + struct.pack("<8d", 0.1, 1, 0.2, 0.5, 0.3, 0, 0.4, 2)}
    for i, profile in enumerate(golden_profiles()):
        numbers = [number for point in profile["points"] for number in point]
        inputs[f"golden-{i}"] = bytes([MODES.index(profile["mode"]), 0]) + struct.pack(f"<{len(numbers)}d", *numbers)
    inputs["far-apart"] = bytes(2) + struct.pack("<4d", -1.7e308, 0.2, 1.7e308, 0.7)
    inputs["not-numbers"] = bytes(2) + struct.pack("<4d", float("nan"), 1, 0.5, float("inf"))
    return inputs


def saved() -> dict[str, bytes]:
    """Files from ``DRUGS.save``, in the current and the first form, and files with errors."""
    inputs = {"all-sites": DRUGS(dict.fromkeys(SITES, 0.1), multiplier=1.5, noise="reference", seed=7).to_dict()}
    course = [{"token": 0, "ratio": 1}, {"token": 40, "ratio": 0.2}]
    inputs["in-time"] = DRUGS(
        A=0.6, H=0.1, hold={"A": "text", "H": 8}, layers="shared", course=(course, "ceil")
    ).to_dict()
    inputs["kinds"] = DRUGS(M=0.3, angle="half-normal", turn="nlerp", apart=3).to_dict()
    inputs["elementwise"] = DRUGS(M=0.05, turn="elementwise", hold="text").to_dict()
    for i, profile in enumerate(golden_profiles()):
        points = [{"depth": depth, "peakratio": ratio} for depth, ratio in profile["points"]]
        inputs[f"golden-{i}"] = DRUGS(A=0.1, shape={"A": (points, profile["mode"])}).to_dict()
    inputs["effect"] = DRUGS(H=2, A=1, effect=0.07, hold="text").to_dict()
    inputs["named-effect"] = {
        "effect": "mild",
        "source": "calibrated",
        "A": 0.14,
        "shape": {"A": [{"depth": 0, "peakratio": 0}]},
    }
    inputs["first-form"] = {
        "dose_theta": {"A": 0.3, "H": 0.1},
        "dose_shape": {"A": {"points": [{"depth": 0.3, "peakratio": 0}, {"depth": 1, "peakratio": 1}]}},
        "dose_multiplier": 2,
        "seed": None,
    }
    inputs["together-below-pi"] = {"A": 10, "shape": {"A": [{"depth": 0, "peakratio": 0.1}]}}
    inputs["above-pi"] = {"A": 2, "multiplier": 2}
    inputs["odd-numbers"] = {
        "A": 1e308,
        "multiplier": 1e308,
        "shape": {"A": [{"depth": 1e308, "peakratio": 0}]},
        "seed": 7.0,
    }
    texts = {name: (json.dumps(values, indent=2) + "\n").encode() for name, values in inputs.items()}
    return {
        **texts,
        "with-a-mark": b"\xef\xbb\xbf" + texts["all-sites"],
        "nested": b"[" * 600 + b"]" * 600,
        "points-upon-points": b'{"shape":{"A":['
        + b'{"depth":0,"peakratio":0},' * 1000
        + b'{"depth":0,"peakratio":0}]}}',
        "strange-text": b'{"noise":"\\ud800\\u0000", "seed":-1, "A":NaN}',
    }


def requests() -> dict[str, bytes]:
    bodies: dict[str, Any] = {
        "plain": {"prompt": "The sea", "n_predict": 8},
        "dosed": {"prompt": "The sea", "drugs": {"A": 0.3, "seed": 7}, "temperature": 0.8, "seed": 3},
        "all": {
            "drugs": {
                **dict.fromkeys(SITES, 0.1),
                "sink": 4,
                "dose_inputs": True,
                "sober_interval": 20,
                "noise": "isotropic",
                "repeatable": True,
                "multiplier": 1.5,
                "shape": {"A": {"points": [{"depth": 0.5, "peakratio": 1}], "mode": "ceil"}},
            }
        },
        "in-time": {"drugs": {"A": 0.3, "hold": "text", "course": [{"token": 5, "ratio": 1}], "dose_inputs": "last"}},
        "kinds": {"drugs": {"M": 0.3, "angle": "fixed", "turn": "addition", "layers": "shared", "apart": True}, "n": 2},
        "sober": {"drugs": {}, "top_k": 1},
        "fresh-seed": {"drugs": {"H": 0.2, "seed": None}},
        "no-such-site": {"drugs": {"pV": 0.2, "noise": "reference"}},
        "above-the-cap": {"drugs": {"A": 0.6, "seed": -1}},
    }
    return {**{name: json.dumps(body).encode() for name, body in bodies.items()}, "slot": b"2"}


def headers() -> dict[str, bytes]:
    """Whole headers, and one with changes in some places (model_header.py)."""
    whole, end = whole_file()
    header = whole[:end]
    inputs = {"header": header, "begin": header[:60], "text": b"hello, this is text", "empty": b""}
    places = {name: header.index(name.encode()) for name in ("llama.block_count", "token_type", "blk.0.attn_q")}
    changes = {name: struct.pack("<BHBB4s", 1, at - 4, 2, 2, b"\xff" * 4) for name, at in places.items()}
    changes["number-of-entries"] = struct.pack("<BHBB8s", 1, 16, 3, 3, b"\xff" * 8)
    changes["number-of-tensors"] = struct.pack("<BHBB8s", 1, 8, 3, 3, b"\1" * 8)
    changes["a-token-twice"] = struct.pack(
        "<BHBB1s", 1, header.index(b"A", header.index(b"@", header.index(b"tokens"))), 0, 0, b"@"
    )
    return {**{name: b"\0" + data for name, data in inputs.items()}, **changes}


def states() -> dict[str, bytes]:
    """A state, and one change of each kind somewhere (saved_state.py)."""
    inputs = {f"{which}-state": bytes([i]) for i, which in enumerate(("dosed", "plain"))}
    for change in range(5):
        for where in range(3):
            inputs[f"change-{change}-{where}"] = bytes([where % 2, change, where, 3 * where + change, 9, 2, 1, 4])
    return inputs


def main() -> None:
    of_doses = saved()
    corpora = {
        "profile": profiles(),
        "doses": of_doses,
        "saved_doses": of_doses,
        "request": requests(),
        "model_header": headers(),
        "saved_state": states(),
    }
    for target, inputs in corpora.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()

"""The values of profiles, computed without any of this project's code.

``python tests/golden/make_profiles.py`` writes profiles.json. C++, Python and the page's JavaScript must agree with
that file to the last bit: all of them compute in float64.
"""

from __future__ import annotations

import bisect
import json
import random
from pathlib import Path

Point = tuple[float, float]

MODES = ("interpolate", "ceil", "floor")
N_SITES = 7

#: name -> points
PROFILES: dict[str, list[Point]] = {
    "a valley": [(0.25, 1.0), (0.5, 0.2), (0.75, 0.6)],
    "unsorted": [(0.7, 0.1), (0.1, 0.9), (0.9, 0.4), (0.4, 1.5)],
    "one point": [(0.4, 0.3)],
    "a step": [(0.0, 0.0), (0.5, 0.1), (0.5, 0.9), (1.0, 1.0)],
    "three at one depth": [(0.5, 0.7), (0.25, 0.2), (0.5, 0.3), (0.5, 1.1)],
    "equal depths at both ends": [(0.0, 0.4), (0.0, 0.8), (1.0, 0.1), (1.0, 0.6)],
    "outside of the model": [(-1.0, 0.0), (2.0, 3.0)],
    "beside the model": [(1.5, 0.2), (3.0, 0.9)],
    "numbers that binary fractions miss": [(0.1, 0.1), (0.2, 0.7), (0.3, 0.3), (1 / 3, 0.6), (2 / 3, 1 / 7)],
}


def ratio(points: list[Point], mode: str, depth: float) -> float:
    points = sorted(points, key=lambda point: point[0])
    depths = [point[0] for point in points]
    i = bisect.bisect_left(depths, depth)  # the first point at this depth or deeper
    if i == 0:
        return points[0][1]
    if depth >= depths[-1]:
        return points[-1][1]
    (low, a), (high, b) = points[i - 1], points[i]
    if mode != "interpolate":
        return max(a, b) if mode == "ceil" else min(a, b)
    return a + (depth - low) / (high - low) * (b - a)


def profile_case(name: str, points: list[Point], mode: str, n_layer: int) -> dict[str, object]:
    ratios = [ratio(points, mode, layer / n_layer) for layer in range(n_layer)]
    return {"name": name, "points": points, "mode": mode, "n_layer": n_layer, "ratios": ratios}


def table_case(rng: random.Random, n_layer: int) -> dict[str, object]:
    """Numbers with three digits, as people type them; the angles are float64, which a table rounds to float32."""
    thetas = [round(rng.uniform(0, 1), 3) for _ in range(N_SITES)]
    names = rng.sample(sorted(PROFILES), 3)
    sites = rng.sample(range(N_SITES), 3)
    profiles = {site: (PROFILES[name], rng.choice(MODES)) for site, name in zip(sites, names)}
    multiplier = round(rng.uniform(0, 3), 2)
    angles = []
    for layer in range(n_layer):
        depth = layer / n_layer
        factors = [ratio(*profiles[site], depth) if site in profiles else 1.0 for site in range(N_SITES)]
        angles.append([multiplier * theta * factor for theta, factor in zip(thetas, factors)])
    return {"thetas": thetas, "profiles": profiles, "multiplier": multiplier, "n_layer": n_layer, "angles": angles}


def main() -> None:
    rng = random.Random(1)
    cases = [profile_case(name, points, mode, 10) for name, points in PROFILES.items() for mode in MODES]
    for n_layer in (1, 2, 7, 30, 126):
        cases.append(profile_case(f"{n_layer} layers", PROFILES["a valley"], "interpolate", n_layer))
    for i in range(6):
        points = [(round(rng.uniform(-0.2, 1.2), 2), round(rng.uniform(0, 2), 2)) for _ in range(rng.randint(2, 9))]
        cases.append(profile_case(f"random {i}", points, MODES[i % 3], 32))
    tables = [table_case(rng, n_layer) for n_layer in (1, 3, 30)]
    lines = ",\n".join(json.dumps(case) for case in cases)
    more = ",\n".join(json.dumps(table) for table in tables)
    text = f'{{"profiles": [\n{lines}\n], "tables": [\n{more}\n]}}\n'
    Path(__file__).with_name("profiles.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

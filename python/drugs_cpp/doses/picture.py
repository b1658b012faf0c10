"""Doses as a notebook shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drugs_cpp.charts import steps
from drugs_cpp.doses.dosage import Dosage
from drugs_cpp.doses.hold import TEXT
from drugs_cpp.doses.sites import SITE_MEANING, SITES
from drugs_cpp.markup import Html, heading, note, page, table, tag

#: layers of the model in the picture
_N_LAYER = 32

#: how many tokens a course is drawn for beyond its last point
_TOKENS_MORE = 8

#: settings named above the table; everything else is in it
_SETTINGS = ("effect", "multiplier", "noise", "angle", "turn", "apart", "layers")


def dosage_html(dosage: Dosage) -> Html:
    """Return a row for each dosed site, with its dose from the first layer to the last, and all other settings."""
    values = dosage.to_dict()
    named = {name: values[name] for name in _SETTINGS if name in values}
    said = [f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in named.items()]
    said.append("a fresh seed for each run, or the model's" if dosage.seed is None else f"seed {dosage.seed}")
    dosed = [site for site in SITES if dosage.thetas[site]]
    if not dosed:
        return page(heading("DRUGS", "sober", *said))
    what = "angles in radians" if dosage.effect is None else "proportions; a model finds the angles"
    course = [_course(dosage)] if dosage.course is not None else []
    return page(
        heading("DRUGS", *said),
        _doses(dosage, dosed),
        note(f"{what}; each picture goes from the first layer to the last, at the same scale"),
        *course,
    )


def _doses(dosage: Dosage, dosed: list[str]) -> Html:
    angles = replace(dosage, effect=None).table(_N_LAYER)  # or proportions
    highest = float(angles.max())
    rows = []
    for site in dosed:
        column = angles[:, SITES.index(site)].tolist()
        profile = dosage.profiles.get(site)
        label = f"{site}: {min(column):.3g} to {max(column):.3g} radians"
        shape = "same in all layers" if profile is None else f"{profile.mode}, {len(profile.points)} points"
        name = tag("b", site, title=SITE_MEANING[site])
        rows.append([name, f"{dosage.thetas[site]:g}", steps(column, highest, label), shape, _hold(dosage, site)])
    return table(rows, ["site", "dose", "by depth", "shape", "hold"])


def _hold(dosage: Dosage, site: str) -> str:
    n_tokens = dosage.hold[SITES.index(site)]
    return TEXT if n_tokens == 0 else "each token" if n_tokens == 1 else f"{n_tokens} tokens"


def _course(dosage: Dosage) -> Html:
    course: Any = dosage.course
    n_tokens = course.points[-1].token + _TOKENS_MORE
    sampled = sorted({round(i * n_tokens / 120) for i in range(121)})
    ratios = [course.ratio(token) for token in sampled]
    label = f"course: {min(ratios):.3g} to {max(ratios):.3g} times the dose, over {n_tokens} tokens"
    return tag("div", steps(ratios, course.peak, label, width=240), " ", note(f"{label} ({course.mode})"))

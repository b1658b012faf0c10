"""``Dosage``: everything that makes up a dose, as one immutable value, and the table that the model gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_not_negative
from drugs_cpp.doses.course import Course, as_course
from drugs_cpp.doses.effect import EFFECT_SITE, plain_effect, read_effect
from drugs_cpp.doses.hold import FRESH, Held, plain_hold, read_hold
from drugs_cpp.doses.kinds import ROTATION, UNIFORM, Kinds
from drugs_cpp.doses.profile import DoseProfile, as_profile
from drugs_cpp.doses.seed import check_seed
from drugs_cpp.doses.sites import SITES, check_site, site_hint
from drugs_cpp.errors import DoseError

#: what each layer draws: its own numbers, or the same as all others
OWN, SHARED = "own", "shared"

LAYERS = (OWN, SHARED)

#: radians: pi, a half turn, in the precision of a table
MAX_ANGLE = float(np.float32(np.pi))

#: radians: above it, most models write nonsense
STRONG_ANGLE = 1.0


@dataclass(frozen=True)
class Dosage:
    """Doses, profiles, multiplier, kinds of noise and seed. Everything in it is valid.

    Attributes:
        thetas: site -> largest angle in radians, at profile ratio 1 and multiplier 1.
        profiles: site -> profile; a site that is missing gets its full dose in every layer.
        multiplier: factor on all doses.
        course: how all doses rise and fall with the tokens of an answer; None: not at all.
        kinds: what is drawn, and what is done with it.
        hold: for how many tokens angle and direction stay the same, at each of ``SITES``; 0: the whole text.
        layers: whether each layer draws its own angles and directions, one of ``LAYERS``.
        seed: of the noise and the sampler; None: the model's seed, or a fresh one for each run.
        effect: mean KL(sober ‖ dosed) of the next token in nats, at multiplier 1 and without the course. The thetas
            are then proportions, the largest of which is 1, and a model finds the angles. None: the thetas are angles.
    """

    thetas: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SITES, 0.0))
    profiles: dict[str, DoseProfile] = field(default_factory=dict)
    multiplier: float = 1.0
    course: Course | None = None
    kinds: Kinds = field(default_factory=Kinds)
    hold: Held = FRESH
    layers: str = OWN
    seed: int | None = None
    effect: float | None = None
    _tables: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for site in SITES:
            angle = self.largest_angle(site)
            if self.effect is None and not angle <= MAX_ANGLE:
                raise DoseError(
                    f"the dose at {site} reaches {angle:g} radians: pi, a half turn, is the most; "
                    "lower its angle, profile, course or multiplier"
                )
        self.kinds.check_sites([site for site in SITES if self.largest_angle(site) > 0])

    def with_doses(
        self,
        thetas: Mapping[str, object],
        shapes: Mapping[str, tuple[object, str | None]],
        multiplier: object = None,
        effect: object = None,
    ) -> Dosage:
        """Return a dosage with several changes made at once. Only their combined result is checked.

        Args:
            thetas: site -> angle in radians; with an effect, proportions.
            shapes: site -> shape and mode; a shape of None is the full dose at every depth.
            multiplier: None leaves it as it is.
            effect: a name or a number of nats, at the default site if no site has a dose. None leaves it as it is.
        """
        kl = self.effect if effect is None else read_effect(effect)
        checked = {site: check_not_negative(f"the dose at {site} (radians)", theta) for site, theta in thetas.items()}
        profiles = {site: as_profile(shape, mode) for site, (shape, mode) in shapes.items()}
        all_profiles = {**self.profiles, **profiles}
        merged = {**self.thetas, **checked}
        return replace(
            self,
            thetas=merged if effect is None else _proportional(merged),
            effect=kl,
            profiles={site: profile for site, profile in all_profiles.items() if profile is not None},
            multiplier=self.multiplier if multiplier is None else check_not_negative("the multiplier", multiplier),
        )

    def with_theta(self, radians: object, site: object) -> Dosage:
        """Return a dosage with an angle. Proportions that belonged to an effect are dropped, as they are not angles."""
        return self.without_effect().with_doses({check_site(site): radians}, {})

    def with_shape(self, shape: object, mode: str | None, site: object) -> Dosage:
        return self.with_doses({}, {check_site(site): (shape, mode)})

    def with_multiplier(self, multiplier: object) -> Dosage:
        return replace(self, multiplier=check_not_negative("the multiplier", multiplier))

    def with_kinds(self, **changes: Any) -> Dosage:
        return replace(self, kinds=replace(self.kinds, **changes))

    def with_course(self, course: object) -> Dosage:
        return replace(self, course=as_course(course))

    def with_hold(self, hold: object) -> Dosage:
        return replace(self, hold=read_hold(hold))

    def with_layers(self, layers: object) -> Dosage:
        if layers not in LAYERS:
            raise DoseError(f"unknown layers {layers!r}: they are {' or '.join(LAYERS)}")
        return replace(self, layers=str(layers))

    def with_seed(self, seed: object) -> Dosage:
        return replace(self, seed=check_seed(seed))

    def with_effect(self, effect: object) -> Dosage:
        """Return a dosage with an effect: a name, nats, or None; at the default site if no site has a dose."""
        return self.without_effect() if effect is None else self.with_doses({}, {}, effect=effect)

    def without_effect(self) -> Dosage:
        """Return a dosage without its effect and its proportions, which are not angles."""
        return self if self.effect is None else replace(self, thetas=dict.fromkeys(SITES, 0.0), effect=None)

    @property
    def proportions(self) -> Dosage:
        """The dose whose angle has to be found: the same one with a largest angle of 1, no course and no seed.

        Raises:
            DoseError: it is sober.
        """
        plain = replace(self, multiplier=1.0, course=None, seed=None, effect=None)
        peak = max(plain.largest_angle(site) for site in SITES)
        if not peak:
            raise DoseError('no site has a dose: name one, such as site="A", or give drugs with a dose')
        return plain.scaled(1 / peak)

    def scaled(self, factor: float) -> Dosage:
        """Return a dosage with all angles multiplied by a factor."""
        return replace(self, thetas={site: theta * factor for site, theta in self.thetas.items()})

    def at_angle(self, angle: float) -> Dosage:
        """Return a dosage with angles, not an effect; the largest is ``angle`` radians at multiplier 1, no course."""
        thetas = self.proportions.scaled(angle).thetas
        return replace(self, thetas=thetas, effect=None)

    def largest_angle(self, site: str) -> float:
        """The largest angle that any layer can get at a site, at any time, in radians."""
        ratio = self.profiles[site].peak if site in self.profiles else 1.0
        peak = 1.0 if self.course is None else self.course.peak
        return self.multiplier * self.thetas[site] * ratio * peak

    @property
    def is_strong(self) -> bool:
        """Whether a site can get an angle with which most models write nonsense."""
        return self.effect is None and any(self.largest_angle(site) > STRONG_ANGLE for site in SITES)

    @property
    def is_sober(self) -> bool:
        """Whether no layer of any model can get an angle above 0."""
        return not any(self.largest_angle(site) for site in SITES)

    def table(self, n_layer: int) -> npt.NDArray[np.float32]:
        """Largest angle of each layer and site: float32 (n_layer, len(SITES)), in radians, read-only.

        Raises:
            DoseError: fewer than one layer; the dose is given by its effect.
        """
        if isinstance(n_layer, bool) or not isinstance(n_layer, (int, np.integer)) or n_layer < 1:
            raise DoseError(f"n_layer is {n_layer!r}: a model has a whole number of layers, 1 or more")
        if self.effect is not None:
            raise DoseError(
                f"a dose by its effect ({plain_effect(self.effect)}) has angles on a model only: "
                "llm.titrate(drugs=...) finds them"
            )
        if n_layer not in self._tables:
            self._tables[int(n_layer)] = self._make_table(int(n_layer))
        return self._tables[int(n_layer)]

    def _make_table(self, n_layer: int) -> npt.NDArray[np.float32]:
        profiles = {SITES.index(site): (profile.points, profile.mode) for site, profile in self.profiles.items()}
        table = _core.dose_table([self.thetas[site] for site in SITES], profiles, self.multiplier, n_layer)
        table.setflags(write=False)  # every caller gets the same array
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as in JSON: see :func:`dosage_from_dict`. Default values are left out."""
        values: dict[str, Any] = {site: theta for site, theta in self.thetas.items() if theta}
        if self.effect is not None:
            values = {**({} if values == {EFFECT_SITE: 1.0} else values), "effect": plain_effect(self.effect)}
        if self.profiles:
            values["shape"] = {site: profile.to_dict() for site, profile in self.profiles.items()}
        if self.multiplier != 1:
            values["multiplier"] = self.multiplier
        if self.hold != FRESH:
            values["hold"] = plain_hold(self.hold)
        if self.layers != OWN:
            values["layers"] = self.layers
        if self.course is not None:
            values["course"] = self.course.to_dict()
        usual = {"angle": UNIFORM, "turn": ROTATION, "apart": None}
        values.update({name: kind for name, kind in vars(self.kinds).items() if name in usual and kind != usual[name]})
        return {**values, "noise": self.kinds.noise, "seed": self.seed}


#: names other than the sites
SETTINGS = ("effect", "shape", "multiplier", "course", "hold", "layers", "noise", "angle", "turn", "apart", "seed")

#: what an answer says about how it was computed: accepted, so that its doses can be used again, but not kept
_OF_AN_ANSWER = ("repeatable", "source")

#: names of the first file format -> the current ones
_OLD_NAMES = {"dose_theta": None, "dose_shape": "shape", "dose_multiplier": "multiplier"}

#: names that a server's "drugs" also has, but that belong to a model here
_OF_A_MODEL = ("sink", "dose_inputs", "sober_interval")


def dosage_from_dict(values: object) -> Dosage:
    """Make a dosage from plain values: ``{"A": 0.3, "shape": {...}, "multiplier": 1.0, "noise": "isotropic", ...}``.

    Everything may be left out. With ``"effect"``, a name or a number of nats, the doses are proportions. The names in
    older files (``dose_theta``, ``dose_shape``, ``dose_multiplier``) are accepted as well. ``repeatable`` and
    ``source``, which answers contain, are accepted but not kept.

    Raises:
        DoseError: unknown names, or values that cannot be used.
        SeedError: a seed out of range.
    """
    values = _with_todays_names(_check_mapping("doses", values))
    for name in values:
        if name in _OF_A_MODEL:
            raise DoseError(f"{name!r} does not belong to doses: give it to Llama({name}=...)")
        if name not in (*SITES, *SETTINGS, *_OF_AN_ANSWER):
            raise DoseError(f"unknown name {name!r}{site_hint(name)}: the names are {', '.join((*SITES, *SETTINGS))}")
    thetas = {site: values[site] for site in SITES if site in values}
    kinds = {name: values[name] for name in ("noise", "angle", "turn", "apart") if name in values}
    dosage = Dosage().with_seed(values.get("seed")).with_kinds(**kinds).with_course(values.get("course"))
    dosage = dosage.with_hold(values.get("hold", 1)).with_layers(values.get("layers", OWN))
    multiplier = check_not_negative("the multiplier", values.get("multiplier", 1.0))
    return dosage.with_doses(thetas, read_shapes(values.get("shape", {})), multiplier, values.get("effect"))


def _proportional(thetas: Mapping[str, float]) -> dict[str, float]:
    """Scale the doses so that the largest is 1. If there are none, the default site gets 1."""
    most = max(thetas.values())
    return {site: theta / most if most else float(site == EFFECT_SITE) for site, theta in thetas.items()}


def read_shapes(shapes: object) -> dict[str, tuple[object, str | None]]:
    """Return site -> shape and mode, from ``{site: shape}``.

    A shape is a :class:`DoseProfile`, points, a pair ``(points, mode)``, or ``{"points": ..., "mode": ...}``.

    Raises:
        DoseError: not a mapping, an unknown site, or a shape that contains an unknown name.
    """
    return {check_site(site): _points_and_mode(site, shape) for site, shape in _check_mapping("shape", shapes).items()}


def _points_and_mode(site: str, shape: Any) -> tuple[Any, str | None]:
    """Split a shape into points and mode. A pair with a mode differs from two points in that the mode is a string."""
    if isinstance(shape, (tuple, list)) and len(shape) == 2 and isinstance(shape[1], str):
        return shape[0], shape[1]
    if not isinstance(shape, Mapping):
        return shape, None
    for name in shape:
        if name not in ("points", "mode"):
            raise DoseError(f"shape of {site}: unknown name {name!r}; the names are points, mode")
    return shape.get("points", ()), shape.get("mode")


def _with_todays_names(values: Mapping[str, Any]) -> Mapping[str, Any]:
    if not set(values) & set(_OLD_NAMES):
        return values
    thetas = _check_mapping("dose_theta", values.get("dose_theta", {}))
    for site in thetas:
        check_site(site)
    rest = {_OLD_NAMES.get(name) or name: value for name, value in values.items() if name != "dose_theta"}
    return {**thetas, **rest}


def _check_mapping(what: str, values: object) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise DoseError(f"{what}: {values!r} is not a mapping of names to values")
    return values

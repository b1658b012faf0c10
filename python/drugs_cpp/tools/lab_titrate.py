"""``drugs-lab titrate``: the angle of a dose by its effect on a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.effect import EFFECTS, plain_effect, read_effect
from drugs_cpp.doses.kinds import NOISES
from drugs_cpp.doses.titration import TABLE
from drugs_cpp.errors import DrugsError, OptionError
from drugs_cpp.model.known_effects import cache_folder, known_effects
from drugs_cpp.model.llama import Llama
from drugs_cpp.progress import Progress
from drugs_cpp.tools import arguments
from drugs_cpp.tools.grids import sites
from drugs_cpp.tools.lab_model import add_file, load_file

if TYPE_CHECKING:
    from drugs_cpp.doses.titration import Titration
    from drugs_cpp.model.dose_meter import Measurement

_TIME = "On a model of 135M parameters and two cores each effect takes 10 to 20 seconds; larger models take longer."


def add_titrate(commands: Any) -> None:
    """Add the command."""
    said = "the angle at which a dose has a given effect on a model"
    parser = commands.add_parser(
        "titrate", help=said, description=f"Measure {said}, and keep it for that file. {_TIME}"
    )
    add_file(parser)
    parser.add_argument("--site", type=sites, metavar="S,...", help="sites to dose, together (A)")
    words = ", ".join(f"{name} {kl:g}" for name, kl in EFFECTS.items())
    parser.add_argument(
        "--kl",
        type=_effects,
        default=list(EFFECTS.values()),
        metavar="NATS,...",
        help=f"effects, as mean KL(sober || dosed) of the next token in nats; or names: {words} (all three)",
    )
    parser.add_argument("--hold", type=arguments.hold, help="tokens for which angle and direction stay, or text (1)")
    parser.add_argument("--noise", choices=NOISES, help="how directions are drawn (isotropic)")
    parser.add_argument("--dose-profile", type=Path, metavar="FILE", help="a file of doses, for shape, hold and noise")
    parser.add_argument("--again", action="store_true", help="measure it although it is known")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the dose, with its angles, to a file")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    if options.output is not None and len(options.kl) > 1:
        raise OptionError(f"{options.output} holds one dose: name one effect, such as --kl mild")
    drugs = DRUGS() if options.dose_profile is None else DRUGS.load(options.dose_profile)
    settings = {"hold": options.hold, "noise": options.noise}
    drugs = DRUGS(drugs.to_dict(), **{name: value for name, value in settings.items() if value is not None})
    llm = load_file(options)
    for kl in options.kl:
        found = _titrate(llm, options, drugs, kl)
        print(f"{plain_effect(kl)!s:>7}  {found}")
        if options.output is not None:
            found.drugs.save(options.output)
            print(f"{options.output} has the dose: give it as --dose-profile, or read it with DRUGS.load()")
    print(f"{Path(llm.model_path).name}: {found.floor:.2g} nats under next to no dose. {_where(llm, found)}")


def _where(llm: Llama, found: Titration) -> str:
    """Where it is kept."""
    if found.source == TABLE:
        return "It comes with the package; --again measures it here."
    kept = any(some.dosage == found.dosage for some in known_effects(Path(llm.model_path)))
    return f"Kept in {cache_folder()}." if kept else f"Not kept: {cache_folder()} cannot be written."


def _titrate(llm: Llama, options: argparse.Namespace, drugs: DRUGS, kl: float) -> Titration:
    with Progress("titrating") as progress:

        def tell(n_measured: int, found: Measurement) -> None:
            progress.show(f"titrating: measurement {n_measured}, {found.kl:.4f} of {kl:g} nats at {found.angle:.4g}")

        return llm.titrate(options.site, kl, drugs=drugs, again=options.again, progress=tell)


def _effects(text: str) -> list[float]:
    try:
        return [_effect(part) for part in text.replace(",", " ").split()] or [read_effect(text)]
    except DrugsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _effect(text: str) -> float:
    try:
        nats = float(text)
    except ValueError:
        return read_effect(text)
    return read_effect(nats)

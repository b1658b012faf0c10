"""``drugs-lab sweep``: writes texts at many settings and seeds, and keeps each as soon as it is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.default_model import default_model
from drugs_cpp.doses.kinds import NOISES
from drugs_cpp.errors import OptionError
from drugs_cpp.progress import Progress
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.ray_cluster import PER_GPU, PER_NODE
from drugs_cpp.study.sweep_estimate import estimate
from drugs_cpp.study.sweep_file import message_prompt, named, profile_named, read_sweep_file, seeds_of
from drugs_cpp.study.sweep_plan import DEFAULT_MAX_TOKENS, DEFAULT_SEEDS, PROFILES, make_plan
from drugs_cpp.study.sweep_ray import sweep_on_ray
from drugs_cpp.study.sweep_run import open_sweep, sweep
from drugs_cpp.study.sweep_worker import WorkerOptions
from drugs_cpp.tools import arguments
from drugs_cpp.tools.grids import angles, names, sampler, sites
from drugs_cpp.tools.time_left import bar, duration

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_plan import SweepPlan

#: arguments of a plan that have an option of the same name
_PLANNED = ("sites", "doses", "profiles", "noise", "seeds", "max_tokens", "dose_inputs", "sink")

_DEFAULT_OUTPUT = Path("results.db")

#: suffixes of files that `drugs-lab export` writes
_EXPORTED = (".csv", ".jsonl", ".json", ".parquet", ".html", ".md")


def add_sweep(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("sweep", help="write texts by site, dose, profile, noise and seed, and by sampler")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE.toml", help="sweep to write; options override it")
    _add_texts(parser)
    _add_grid(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=f"where results are kept ({_DEFAULT_OUTPUT}); the same command continues an interrupted sweep",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say how many texts are missing, and how long they will take"
    )
    parser.add_argument(
        "--no-likelihood",
        action="store_true",
        help="do not read texts again sober, which takes about half as long as writing them; the same command without "
        "this option does it later",
    )
    parser.add_argument("--parallel", type=arguments.count, metavar="N", help="texts written at a time (up to 64)")
    parser.add_argument("-t", "--threads", type=arguments.count, metavar="N", help="threads to compute with")
    parser.add_argument(
        "-ngl", "--n-gpu-layers", type=int, default=0, metavar="N", help="layers on a graphics card (0)"
    )
    _add_ray(parser)
    parser.set_defaults(run=_run)


def _add_ray(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="compute on a Ray cluster: host:port, auto, or local for only this machine"
    )
    parser.add_argument(
        "--ray-per", type=_per, metavar="WHAT", help="one worker for each node, gpu, or number of cores (node)"
    )


def _add_texts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m", "--model", action="append", metavar="FILE", help="a GGUF model; may be repeated (the default model)"
    )
    parser.add_argument(
        "-p", "--prompt", action="append", type=arguments.prompt_text, metavar="TEXT", help="a message; may be repeated"
    )
    parser.add_argument("--system", default="", metavar="TEXT", help="system message before each prompt")
    parser.add_argument("--raw", action="store_true", help="continue prompts without the model's chat template")
    parser.add_argument(
        "-n", "--max-tokens", type=arguments.count, metavar="N", help=f"tokens of each text ({DEFAULT_MAX_TOKENS})"
    )


def _add_grid(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sites", type=sites, metavar="S,...", help="sites to dose, one at a time (H,Q,K,V,A); '' for none"
    )
    parser.add_argument(
        "--doses", type=angles, metavar="R,...", help="radians, such as 0.1,0.3, or FROM:TO:N (0.01 to 1, nine of them)"
    )
    parser.add_argument(
        "--profiles", type=_profiles, metavar="P,...", help=f"layers that are dosed: {', '.join(PROFILES)} (all)"
    )
    parser.add_argument("--noise", type=_noise, metavar="N,...", help=f"{' or '.join(NOISES)}, or both ({NOISES[0]})")
    parser.add_argument(
        "--sampler",
        action="append",
        type=sampler,
        metavar="NAME=X,...",
        help="a sampler to compare with, such as temperature=0.8,min_p=0.1; may be repeated",
    )
    parser.add_argument("--seeds", type=_seeds, metavar="N-M,...", help=f"such as 1-5,9 (1-{DEFAULT_SEEDS[-1]})")
    parser.add_argument(
        "--dose-inputs",
        choices=tuple(arguments.INPUTS),
        help="dose the prompt as well: its last position, or all of it (no)",
    )
    parser.add_argument("--sink", type=int, metavar="N", help="first positions that are never dosed (6)")


def _run(options: argparse.Namespace) -> None:
    _check_ray(options)
    given = {} if options.file is None else read_sweep_file(options.file)
    models = options.model or given.pop("models", None) or [default_model()]
    given.pop("models", None)
    output = Path(options.output or given.get("output", _DEFAULT_OUTPUT))
    given.pop("output", None)
    _check_output(output)
    plan = make_plan(**{**given, **_of_options(options)})
    computing = WorkerOptions(options.threads, options.n_gpu_layers, options.parallel, not options.no_likelihood)
    if options.dry_run:
        _say_estimate(models, plan, output, computing)
    else:
        _sweep(_sweeper(options), models, plan, output, computing)


def _sweeper(options: argparse.Namespace) -> Callable[..., int]:
    """Return the function that writes the texts."""
    if options.ray is None:
        return sweep
    return partial(sweep_on_ray, address=options.ray, per=options.ray_per or PER_NODE)


def _check_ray(options: argparse.Namespace) -> None:
    if options.ray is None and options.ray_per is not None:
        raise OptionError("--ray-per says how --ray places workers: give --ray, or leave it out")
    if options.ray is not None and options.dry_run:
        raise OptionError("--dry-run measures this machine, not a cluster: leave --ray out")


def _of_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the plan that options give."""
    found = {name: getattr(options, name) for name in _PLANNED if getattr(options, name) is not None}
    if "dose_inputs" in found:
        found["dose_inputs"] = arguments.INPUTS[found["dose_inputs"]]
    if "profiles" in found:
        found["profiles"] = dict(found["profiles"])
    if options.sampler:
        found["samplers"] = options.sampler
    if options.prompt:
        found["prompts"] = named([_prompt(text, options) for text in options.prompt])
    elif options.system or options.raw:
        raise OptionError("--system and --raw apply to prompts given by --prompt: give one, or set them in the file")
    return {"prompts": [], **found} if options.file is None else found


def _prompt(text: str, options: argparse.Namespace) -> Prompt:
    if options.raw and options.system:
        raise OptionError("--raw continues a text, which has no system message: leave out --raw or --system")
    return Prompt("", text=text) if options.raw else message_prompt(text, options.system)


def _check_output(output: Path) -> None:
    if output.suffix in _EXPORTED:
        raise OptionError(
            f"{output}: a sweep keeps its results in a store such as results.db; `drugs-lab export results.db --output "
            f"{output.name}` writes that file"
        )
    if not output.parent.is_dir():
        raise OptionError(f"{output}: there is no folder {output.parent}")


def _sweep(
    write: Callable[..., int], models: Sequence[str], plan: SweepPlan, output: Path, computing: WorkerOptions
) -> None:
    what = "texts written or read again" if computing.likelihood else "texts written"
    with Progress("loading the model") as progress:

        def tell(n_done: int, n_all: int, seconds: float) -> None:
            progress.show(bar(n_done, n_all, seconds, what))

        try:
            n_written = write(models, plan, output, options=computing, progress=tell)
        except KeyboardInterrupt:
            progress.hide()
            print(f"What was written is in {output}; the same command continues from there.", file=sys.stderr)
            raise
    n_all = plan.n_texts * len(models)
    done = f"{n_written:,} of {n_all:,} texts were computed" if n_written else f"all {n_all:,} texts already existed"
    print(f"{output} ({output.stat().st_size / 1e6:.1f} MB): {done}")
    print(f"`drugs-lab explore {output}` shows them")


def _say_estimate(models: Sequence[str], plan: SweepPlan, output: Path, computing: WorkerOptions) -> None:
    what = [
        (len(models), "model"),
        (len(plan.prompts), "prompt"),
        (len(plan.settings), "setting"),
        (len(plan.seeds), "seed"),
    ]
    counts = ", ".join(f"{n:,} {noun}{'' if n == 1 else 's'}" for n, noun in what)
    print(f"{counts}: {plan.n_cells * len(models):,} cells, {plan.n_texts * len(models):,} texts")
    seconds = 0.0
    with open_sweep(output if output.exists() else ":memory:") as store:
        for path in models:
            with Progress(f"measuring with {Path(path).name}"):
                found = estimate(path, plan, store, computing)
            if not found.n_texts:
                print(f"{found.model}: no texts are missing")
                continue
            print(
                f"{found.model}: {found.n_texts:,} texts are missing, {found.n_tokens:,} tokens at most, "
                f"{found.tokens_per_second:,.0f} per second: {duration(found.seconds)}"
            )
            seconds += found.seconds
    print(f"about {duration(seconds)} at most")


def _profiles(text: str) -> list[tuple[str, Any]]:
    return [profile_named(name) for name in names(text, tuple(PROFILES))]


def _per(text: str) -> str | int:
    if text in (PER_NODE, PER_GPU):
        return text
    try:
        return arguments.count(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r}: give {PER_NODE}, {PER_GPU}, or a number of cores") from None


def _noise(text: str) -> list[str]:
    return names(text, NOISES)


def _seeds(text: str) -> list[int]:
    try:
        return seeds_of(text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

"""Pictures and animations of a vergence study."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.errors import MissingExtraError
from drugs_cpp.extras import extra
from drugs_cpp.study.grid import FIRST_ANGLE, NEAR, layers_of

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.vergence_result import Vergence

_FRAMES_PER_SECOND = 3

#: ratio of the largest distance in a map to the smallest one that is distinguished from 0
_SHOWN_RANGE = 1000


def write_picture(vergence: Vergence, path: str | PathLike[str], angle: float = FIRST_ANGLE) -> None:
    """Write the figure "where noise matters" and a map for each site; see :func:`drugs_cpp.study.save`.

    Args:
        vergence: the results.
        path: of the file.
        angle: radians; the nearest one that was computed is shown.
    """
    figure = _figure((11, 7.2))
    grid, at = vergence.grid, vergence.nearest_angle(angle)
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.15, 1])
    _draw_matters(upper.subplots(), vergence, at)
    axes = np.atleast_1d(lower.subplots(1, len(grid.sites), sharey=True))
    window = _window(vergence)
    maps = np.nanmean(vergence.cosine[:, window, :, at], axis=2)  # (n_sites, n_layer, n_layer + 1)
    most = float(np.nanmax(maps))
    norm = extra("matplotlib.colors").LogNorm(
        most / _SHOWN_RANGE, most
    )  # one site may move the model a hundred times as far as another
    for axis, site, values in zip(axes, grid.sites, np.maximum(maps, most / _SHOWN_RANGE)):
        where = (-1.5, grid.n_layer - 0.5, -0.5, grid.n_layer - 0.5)  # the embedding is at -1
        image = axis.imshow(values, origin="lower", aspect="auto", norm=norm, cmap="viridis", extent=where)
        axis.set_title(site, fontsize=10)
        axis.set_xlabel("measured after layer")
    axes[0].set_ylabel("layer dosed")
    lower.colorbar(image, ax=list(axes), label="cosine distance")
    figure.savefig(path, dpi=110)


def _draw_matters(axis: Any, vergence: Vergence, at: int) -> None:
    grid, window = vergence.grid, _window(vergence)
    layers = np.arange(grid.n_layer)
    for site, kl in zip(grid.sites, vergence.kl[:, window, :, at]):
        mean, spread = np.nanmean(kl, axis=-1), np.nanstd(kl, axis=-1)
        (line,) = axis.plot(layers, mean, label=site)
        low = np.maximum(mean - spread, mean / 10)  # on a logarithmic axis, zero is far away
        axis.fill_between(layers, low, mean + spread, alpha=0.15, color=line.get_color(), lw=0)
    what = "layer dosed, with its neighbours" if grid.windows[window] == NEAR else "last layer dosed"
    axis.set_xlabel(what)
    axis.set_ylabel("KL(sober ‖ dosed), nats")
    axis.set_title(
        f"Where noise matters: {vergence.model}, angles up to {grid.angles[at]:.2f} rad, seeds: {len(grid.seeds)}"
    )
    axis.set_yscale("log")
    axis.legend(ncols=len(grid.sites), frameon=False)
    axis.grid(alpha=0.3)


def write_animation(vergence: Vergence, path: str | PathLike[str]) -> None:
    """Write the surface of each site, layer after layer; see :func:`drugs_cpp.study.save`."""
    animation = extra("matplotlib.animation")
    writer = animation.PillowWriter(fps=_FRAMES_PER_SECOND) if Path(path).suffix == ".gif" else _video_writer(animation)
    grid, window = vergence.grid, _window(vergence)
    figure = _figure((4.2 * len(grid.sites), 4.4))
    axes = [figure.add_subplot(1, len(grid.sites), i + 1, projection="3d") for i in range(len(grid.sites))]
    mean = np.nanmean(vergence.cosine[:, window], axis=3)  # (n_sites, n_layer, n_angles, n_layer + 1)
    top = float(np.nanmax(mean))
    x, y = np.meshgrid(np.arange(-1, grid.n_layer), grid.angles)

    def draw(layer: int) -> None:
        for axis, site, surface in zip(axes, grid.sites, mean):
            axis.clear()
            axis.plot_surface(x, y, surface[layer], cmap="viridis", vmin=0, vmax=top, rcount=30, ccount=40)
            axis.set(zlim=(0, top), xlabel="measured after layer", ylabel="angle (rad)", title=site)
            axis.view_init(elev=25, azim=-125)
        dosed = layers_of(grid.windows[window], layer, grid.n_layer)
        figure.suptitle(f"Cosine distance from the sober {vergence.model}, layers {dosed[0]} to {dosed[-1]} dosed")

    animation.FuncAnimation(figure, draw, frames=grid.n_layer).save(str(path), writer=writer, dpi=70)


def _window(vergence: Vergence) -> int:
    """Return the windows that a picture shows: single layers with their neighbours if there are some."""
    return vergence.grid.windows.index(NEAR) if NEAR in vergence.grid.windows else 0


def _figure(size: tuple[float, float]) -> Any:
    """Return a figure without a window, so that no display is needed."""
    figure = extra("matplotlib.figure").Figure(figsize=size, layout="constrained")
    extra("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def _video_writer(animation: Any) -> Any:
    """Return a writer that uses ffmpeg, installed by itself or with the package imageio-ffmpeg."""
    program = shutil.which("ffmpeg") or extra("imageio_ffmpeg").get_ffmpeg_exe()
    if not program:
        raise MissingExtraError("ffmpeg, which writes .mp4 files, was not found: install it, or write a .gif")
    matplotlib = extra("matplotlib")
    matplotlib.rcParams["animation.ffmpeg_path"] = program
    return animation.FFMpegWriter(fps=_FRAMES_PER_SECOND)

"""What many runs of a model reveal about noise inside it."""

from __future__ import annotations

from drugs_cpp.study.cell_measures import cell_measures
from drugs_cpp.study.explorer_site import write_site
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.save import save
from drugs_cpp.study.setting import Setting
from drugs_cpp.study.store import Store
from drugs_cpp.study.sweep_export import export
from drugs_cpp.study.sweep_merge import merge
from drugs_cpp.study.sweep_plan import SweepPlan, make_plan
from drugs_cpp.study.sweep_run import open_sweep, sweep
from drugs_cpp.study.sweep_site import site_data
from drugs_cpp.study.sweep_store import SweepStore, TextRow
from drugs_cpp.study.sweep_worker import WorkerOptions
from drugs_cpp.study.vergence_result import Vergence
from drugs_cpp.study.vergence_run import stored_vergence, vergence

__all__ = [
    "Prompt",
    "Setting",
    "Store",
    "SweepPlan",
    "SweepStore",
    "TextRow",
    "Vergence",
    "WorkerOptions",
    "cell_measures",
    "export",
    "make_plan",
    "merge",
    "open_sweep",
    "save",
    "site_data",
    "stored_vergence",
    "sweep",
    "vergence",
    "write_site",
]

"""``python -m support.ray_driver MODEL STORE ADDRESS``: a sweep that a test can kill."""

from __future__ import annotations

import os
import sys

from drugs_cpp.study.ray_worker import RayWorker
from drugs_cpp.study.sweep_ray import sweep_on_ray
from support.ray_plan import OPTIONS, PLAN
from support.ray_workers import FOLDER, SlowWorker

if __name__ == "__main__":
    model, store, address = sys.argv[1:]
    sweep_on_ray([model], PLAN, store, address, OPTIONS, worker_class=SlowWorker if FOLDER in os.environ else RayWorker)

"""Runs a notebook in a separate process: ``python -m support.run_notebook NOTEBOOK OUTPUT``, in the folder of OUTPUT.

The kernel is the Python that runs this, whatever else is installed, and listens where no other machine can reach it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from support.patience import PATIENCE


class ThisPython(KernelSpecManager):
    """Knows only one kernel."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002  # upstream's signature
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")


def run(notebook: Path, output: Path) -> None:
    """Write the notebook with the output of its cells."""
    cells = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    kernel = AsyncKernelManager(kernel_spec_manager=ThisPython(), transport="tcp", ip="127.0.0.1")
    resources = {"metadata": {"path": str(output.parent)}}
    NotebookClient(cells, km=kernel, timeout=PATIENCE, resources=resources).execute()
    output.write_text(nbformat.writes(cells), encoding="utf-8")  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))

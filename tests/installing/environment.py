"""An empty virtual environment on a machine without a compiler, as far as its programs can see."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

#: a package of this version that is not ours: what matters is that it stays as it is
OTHER_VERSION = "0.0.1"


class Environment:
    """A virtual environment in ``folder``, which this makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=True, symlinks=True)

    @property
    def variables(self) -> dict[str, str]:
        """No program is found but those of the environment, and HOME is empty."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG", "SSL_"))}
        inherited.pop("PIP_PROGRESS_BAR", None)  # the pip that comes with Python may be older
        return {**inherited, "PATH": str(self.folder / "bin"), "HOME": str(home)}

    @property
    def interpreter(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def program(self) -> str:
        return str(self.folder / "bin" / "drugs")

    def python(self, *arguments: str) -> str:
        """Run Python in the environment, and return what it prints."""
        return self.run(self.interpreter, *arguments)

    def run(self, *command: str, **more: str) -> str:
        """Run a command with more variables, and return what it prints. Its failure ends this process."""
        variables = {**self.variables, **more}
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def install(self, *what: str) -> None:
        self.python("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)

    def add_other_llama_cpp(self) -> None:
        """Put files there as another version of llama-cpp-python has them, with libraries of its own."""
        packages = Path(self.python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
        (packages / "llama_cpp" / "lib").mkdir(parents=True)
        text = f'__version__ = "{OTHER_VERSION}"\n'
        (packages / "llama_cpp" / "__init__.py").write_text(text, encoding="utf-8")
        metadata = packages / f"llama_cpp_python-{OTHER_VERSION}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        text = f"Metadata-Version: 2.1\nName: llama_cpp_python\nVersion: {OTHER_VERSION}\n"
        metadata.write_text(text, encoding="utf-8")

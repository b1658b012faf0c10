#!/bin/sh
# Looks for what the build needs from the system and says in one line what is missing.
python=$1

stop() {
    echo "drugs_cpp: error: $1" >&2
    exit 1
}

command -v "$python" > /dev/null 2>&1 || stop "$python was not found: install Python 3.9 or newer, or name it with make PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || stop "$python is older than Python 3.9: name a newer one with make PYTHON=..."
"$python" -c 'import ensurepip, venv' 2> /dev/null || stop "$python cannot make virtual environments: install its venv module (Debian and Ubuntu: apt install python3-venv)"
command -v git > /dev/null 2>&1 || stop "git is needed to apply the patches: install git"
for compiler in "$CXX" c++ g++ clang++; do
    # Without its tools installed, macOS has a c++ that only says so.
    [ -n "$compiler" ] && $compiler --version > /dev/null 2>&1 && exit 0
done
stop "no C++ compiler was found: install one (Debian and Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)"

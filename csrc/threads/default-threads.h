#pragma once

#include <cstdint>
#include <string>
#include <vector>

// The number of compute threads if the user does not set it: the number of physical cores among the processors that this
// process may run on, limited to its control group's share of the processor, and at least one. If a processor has fast and slow
// cores, only the fast ones count.
int32_t drugs_default_threads();

// The same on Linux, from the files below a folder that stands for /, for a process that may run on these processors. Exists for
// tests.
int32_t drugs_default_threads(const std::string & root, const std::vector<int> & processors);

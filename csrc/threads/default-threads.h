#pragma once

#include <cstdint>
#include <string>
#include <vector>

// How many threads compute, where the user does not say: as many as there are physical cores among the processors that
// this process may run on, and no more than the share of the processor that its control group has; at least one.
// Where a processor has fast and slow cores, only the fast ones count.
int32_t drugs_default_threads();

// The same on Linux from the files below a folder that stands for /, for a process that may run on these processors.
// Exists so that it can be tested.
int32_t drugs_default_threads(const std::string & root, const std::vector<int> & processors);

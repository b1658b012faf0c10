// Computes the ops on a device that ggml knows, such as a card.

#pragma once

#include "ggml.h"

// name: as ggml says it, such as "Vulkan0"; false if there is no such device
bool choose_device(const char * name);

// the device's answer
bool device_supports(const ggml_tensor * op);

// dst: one of the ops, with its sources, all in this computer's memory, where the result goes
void run_on_device(ggml_tensor * dst);

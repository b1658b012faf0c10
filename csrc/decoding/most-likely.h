// Greedy decoding: the most likely token.

#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

// Index of the largest of n numbers, the first one if several are equal, as in llama.cpp's greedy sampler; n > 0.
// That sampler first copies every logit into a list of candidates, which takes longer than finding the largest.
static inline int32_t most_likely(const float * logits, int32_t n) {
    constexpr int32_t n_lanes = 16;

    float lanes[n_lanes];
    std::fill_n(lanes, n_lanes, -std::numeric_limits<float>::infinity());
    int32_t i = 0;
    for (; i + n_lanes <= n; i += n_lanes) {
        for (int32_t k = 0; k < n_lanes; ++k) {
            lanes[k] = logits[i + k] > lanes[k] ? logits[i + k] : lanes[k];
        }
    }
    float largest = *std::max_element(lanes, lanes + n_lanes);
    for (; i < n; ++i) {
        largest = std::max(largest, logits[i]);
    }
    const int32_t found = (int32_t) (std::find(logits, logits + n, largest) - logits);
    return found < n ? found : 0; // all are NaN
}

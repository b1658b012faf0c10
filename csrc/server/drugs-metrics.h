// The server's counters of dosed tokens and showers since it started.

#pragma once

#include <cstdint>
#include <string>

struct drugs_metrics {
    uint64_t n_dosed    = 0; // tokens computed under a dose
    uint64_t n_showers  = 0; // cold showers
    uint64_t n_showered = 0; // tokens computed again by them
    uint64_t n_dropped  = 0; // dirty positions dropped instead of showered

    uint64_t n_dirty = 0; // positions of all slots that are dirty now

    // in the format of upstream's /metrics
    std::string to_prometheus() const;
};

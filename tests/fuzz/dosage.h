// What holds for every dosage that was read.

#pragma once

#include "check.h"
#include "drugs-dosage-json.h"

#include <limits>

inline bool fuzz_has_good_angles(const drugs_dosage & dosage) {
    return fuzz_accepts([&] { dosage.check(std::numeric_limits<double>::infinity()); });
}

inline void fuzz_check_bounds(const drugs_dosage & dosage) {
    for (const drugs_profile & shape : dosage.shapes) {
        FUZZ_CHECK(shape.points.size() <= DRUGS_MAX_POINTS);
    }
    FUZZ_CHECK(dosage.n_sink >= 0 && dosage.sober_interval >= 1);
    for (const int32_t n_layer : { 1, 3, 30 }) {
        for (const float angle : dosage.table(n_layer)) {
            FUZZ_CHECK(angle >= 0 && angle <= LLAMA_DRUGS_MAX_ANGLE);
            FUZZ_CHECK(angle == 0 || !dosage.sober());
        }
    }
}

// What is written and read again is the same.
inline void fuzz_check_written(const drugs_dosage & dosage) {
    const std::string text = drugs_dosage_to_json(dosage).dump();
    const drugs_dosage again = drugs_dosage_from_json(common_json::parse(text), drugs_dosage());
    FUZZ_CHECK(drugs_dosage_to_json(again).dump() == text);
    FUZZ_CHECK(again.sober() == dosage.sober());
    FUZZ_CHECK(again.table(30) == dosage.table(30));
    FUZZ_CHECK(dosage.sober() || again.seed == dosage.seed);
}

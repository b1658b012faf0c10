// Saved doses: the text of a file that is said to hold them.

#include "dosage.h"
#include "drugs-depth.h"

#include <algorithm>
#include <cstdint>
#include <string>

using json = common_json;

static int depth_of(const json & value) {
    int depth = 0;
    if (value.is_object() || value.is_array()) {
        for (const auto & [key, part] : value.items()) {
            depth = std::max(depth, depth_of(part));
        }
        depth++;
    }
    return depth;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t * data, size_t size) {
    json value;
    try {
        value = json::parse(std::string((const char *) data, size));
    } catch (const common_json_error & error) {
        FUZZ_CHECK(error.what()[0] != '\0');
        return 0;
    }
    FUZZ_CHECK(depth_of(value) <= DRUGS_MAX_JSON_DEPTH);
    drugs_dosage dosage;
    if (fuzz_accepts([&] { dosage = drugs_dosage_from_json(value, drugs_dosage()); }) && fuzz_has_good_angles(dosage)) {
        fuzz_check_bounds(dosage);
        fuzz_check_written(dosage);
    }
    return 0;
}

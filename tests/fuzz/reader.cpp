// How the programs read saved doses, for Python: tests/fuzz/reader.py compares it with DRUGS.load().

#include "drugs-dosage-json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <string>

// Returns "+" and what the programs would write of the doses in a text, whose table goes to `table` (F32 [sites, n_layer]), or "-"
// and why they are refused. Valid until the next call.
extern "C" const char * drugs_fuzz_read(const char * data, size_t size, int32_t n_layer, float * table) {
    static std::string answer;
    try {
        const drugs_dosage dosage = drugs_dosage_from_text(std::string(data, size), drugs_dosage());
        dosage.check(std::numeric_limits<double>::infinity());
        const std::vector<float> angles = dosage.table(n_layer);
        std::copy(angles.begin(), angles.end(), table);
        answer = "+" + drugs_dosage_to_json(dosage).dump();
    } catch (const std::exception & error) {
        answer = std::string("-") + error.what();
    }
    return answer.c_str();
}

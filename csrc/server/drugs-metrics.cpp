#include "drugs-metrics.h"

#include <sstream>

std::string drugs_metrics::to_prometheus() const {
    const struct {
        const char * name;
        const char * description;
        const char * type;
        uint64_t     value;
    } items[] = {
        { "drugs_dosed_tokens_total",    "Doses: tokens computed under a dose",                              "counter", n_dosed    },
        { "drugs_showers_total",         "Doses: cold showers",                                              "counter", n_showers  },
        { "drugs_showered_tokens_total", "Doses: tokens computed again, sober, by cold showers",             "counter", n_showered },
        { "drugs_dropped_tokens_total",  "Doses: tokens whose cache was dropped instead of showered",        "counter", n_dropped  },
        { "drugs_dirty_tokens",          "Doses: tokens in the cache that were computed under a dose",       "gauge",   n_dirty    },
    };
    std::ostringstream text;
    for (const auto & item : items) {
        text << "# HELP llamacpp:" << item.name << " " << item.description << "\n"
             << "# TYPE llamacpp:" << item.name << " " << item.type        << "\n"
             << "llamacpp:"        << item.name << " " << item.value       << "\n";
    }
    return text.str();
}

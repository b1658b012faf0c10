#include "drugs-usage.h"

using json = common_json;

// the entry in OpenAI's API; other APIs use other names in it
static const json * usage_of(const json & answer) {
    if (!answer.is_object() || !answer.contains("usage") || !answer.at("usage").is_object()) {
        return nullptr;
    }
    const json & usage = answer.at("usage");
    return usage.contains("completion_tokens") && usage.contains("prompt_tokens") ? &usage : nullptr;
}

static bool says_nothing_else(const json & event) {
    return event.contains("choices") && event.at("choices").empty();
}

void drugs_usage::add(const json & answer) {
    const json * usage = usage_of(answer);
    if (!usage) {
        return;
    }
    n_written += usage->at("completion_tokens").get<int64_t>();
    n_prompt  += usage->at("prompt_tokens").get<int64_t>();
    if (usage->contains("prompt_tokens_details")) {
        n_cached += usage->at("prompt_tokens_details").value("cached_tokens", (int64_t) 0);
    }
}

void drugs_usage::put_into(json & answer) const {
    if (usage_of(answer)) {
        answer["usage"] = json {
            { "completion_tokens",     n_written                                        },
            { "prompt_tokens",         n_prompt/n_answers                               },
            { "total_tokens",          n_written + n_prompt/n_answers                   },
            { "prompt_tokens_details", json { { "cached_tokens", n_cached/n_answers } } },
        };
    }
}

// returns false if the event should be removed
bool drugs_usage::pass_one(json & event, bool is_last) {
    if (!usage_of(event)) {
        return true;
    }
    add(event);
    if (is_last) {
        put_into(event);
        return true;
    }
    if (says_nothing_else(event)) {
        return false;
    }
    event.erase("usage");
    return true;
}

void drugs_usage::pass(json & events, bool is_last) {
    if (!events.is_array()) {
        pass_one(events, is_last);
        return;
    }
    for (size_t i = events.size(); i-- > 0; ) {
        if (!pass_one(events.at(i), is_last)) {
            events.erase(i);
        }
    }
}

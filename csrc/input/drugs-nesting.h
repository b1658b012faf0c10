// Whether JSON, a template or a name can be processed without overflowing the stack.

#pragma once

#include <string>

// Whether brackets of JSON are nested deeper than DRUGS_MAX_JSON_DEPTH. Such a text could be parsed, but not copied.
bool drugs_is_too_deep(const std::string & json_text);

// Throws std::runtime_error if so little of this thread's stack is left that parsing or rendering of a template must stop.
void drugs_check_stack();

// Returns `name` with each run of characters that the name of a grammar rule cannot contain replaced by "-".
std::string drugs_rule_name(const std::string & name);

// Whether a text of JSON, a template or a name can be worked on without overflowing the stack.

#pragma once

#include <string>

// Whether brackets of JSON are nested deeper than DRUGS_MAX_JSON_DEPTH. Reading such a text would be possible, copying it not.
bool drugs_is_too_deep(const std::string & json_text);

// Throws std::runtime_error: so little of this thread's stack is left that the template that is read or carried out must end.
void drugs_check_stack();

// `name` with each run of characters that the name of a grammar's rule cannot have replaced by "-".
std::string drugs_rule_name(const std::string & name);

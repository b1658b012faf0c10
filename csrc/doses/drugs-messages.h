// Values as messages show them, and the check that many values have in common.

#pragma once

#include <string>

// a number in its shortest usual form
std::string drugs_number(double value);

// a text, which may be long: at most 60 bytes of it, whole characters
std::string drugs_shortened(const std::string & text);

// the same between quotes
std::string drugs_quoted(const std::string & text);

// Returns `value`. Throws std::invalid_argument: below zero, infinite or not a number; `what` begins the message.
double drugs_not_negative(const std::string & what, double value);

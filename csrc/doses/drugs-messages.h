// Values as shown in messages, and a check that many values need.

#pragma once

#include <string>

// a number in its shortest usual form
std::string drugs_number(double value);

// a text that may be long: at most 60 bytes of it, in whole characters
std::string drugs_shortened(const std::string & text);

// the same in quotes
std::string drugs_quoted(const std::string & text);

// Returns `value`. Throws std::invalid_argument if it is negative, infinite or not a number; `what` begins the message.
double drugs_not_negative(const std::string & what, double value);

#include "drugs-messages.h"

#include <cmath>
#include <sstream>
#include <stdexcept>

std::string drugs_number(double value) {
    std::ostringstream text;
    text << value;
    return text.str();
}

std::string drugs_shortened(const std::string & text) {
    size_t end = 60;
    if (text.size() <= end) {
        return text;
    }
    while (end > 0 && (text[end] & 0xC0) == 0x80) { // do not cut a character
        end--;
    }
    return text.substr(0, end) + "...";
}

std::string drugs_quoted(const std::string & text) {
    return "'" + drugs_shortened(text) + "'";
}

double drugs_not_negative(const std::string & what, double value) {
    if (!(std::isfinite(value) && value >= 0)) {
        throw std::invalid_argument(what + " is " + drugs_number(value) + ": give a finite number, zero or more");
    }
    return std::abs(value); // -0.0 is zero
}

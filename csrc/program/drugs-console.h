// What a person types, or a pipe holds, and the message that ends a command.

#pragma once

#include <string>

// Reads a character of UTF-8 from standard input, whatever the locale: U+FFFD for each byte that is not part of one, WEOF as a
// char32_t at the end.
char32_t drugs_read_character();

// Prints "error: " and the reason to standard error, after all that upstream's log, which has a thread of its own, has yet to write.
void drugs_print_error(const std::string & reason);

// Input from a person or a pipe, and the message that ends a command.

#pragma once

#include <string>

// Reads a UTF-8 character from standard input, whatever the locale. Returns U+FFFD for each byte that is not part of a character,
// and WEOF as a char32_t at the end.
char32_t drugs_read_character();

// Prints "error: " and the reason to standard error, after everything that upstream's log, which has its own thread, has yet to
// write.
void drugs_print_error(const std::string & reason);

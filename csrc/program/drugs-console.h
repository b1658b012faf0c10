// What a person types, or a pipe holds.

#pragma once

// Reads a character of UTF-8 from standard input, whatever the locale: U+FFFD for each byte that is not part of one, WEOF as a
// char32_t at the end.
char32_t drugs_read_character();

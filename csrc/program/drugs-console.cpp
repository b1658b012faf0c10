#include "drugs-console.h"

#include "log.h"

#include <cstdint>
#include <cstdio>
#include <cwchar>

static const char32_t REPLACEMENT = 0xFFFD;

// number of bytes after the first one; -1: no character begins with it
static int n_following(int first) {
    if (first < 0x80) {
        return 0;
    }
    return first >= 0xC2 && first < 0xE0 ? 1 : first >= 0xE0 && first < 0xF0 ? 2 : first >= 0xF0 && first < 0xF5 ? 3 : -1;
}

// not half of a UTF-16 pair, not too large, and not written with more bytes than it needs
static bool is_character(char32_t value, int n_more) {
    static const char32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    return value >= least[n_more] && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
}

char32_t drugs_read_character() {
    const int first = getchar();
    if (first == EOF) {
        return (char32_t) WEOF;
    }
    const int n_more = n_following(first);
    if (n_more <= 0) {
        return n_more == 0 ? (char32_t) first : REPLACEMENT;
    }
    char32_t value = first & (0x3F >> n_more);
    for (int i = 0; i < n_more; i++) {
        const int next = getchar();
        if (next == EOF || (next & 0xC0) != 0x80) {
            ungetc(next, stdin); // it begins something else; EOF stays EOF
            return REPLACEMENT;
        }
        value = value << 6 | (next & 0x3F);
    }
    return is_character(value, n_more) ? value : REPLACEMENT;
}

void drugs_print_error(const std::string & reason) {
    common_log_flush(common_log_main());
    fprintf(stderr, "error: %s\n", reason.c_str());
}

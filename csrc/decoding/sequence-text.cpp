#include "sequence-text.h"

#include <algorithm>
#include <utility>

sequence_text::sequence_text(std::vector<std::string> stop) : stop(std::move(stop)) {
    this->stop.erase(std::remove(this->stop.begin(), this->stop.end(), ""), this->stop.end());
}

bool sequence_text::add(const std::string & piece) {
    if (stopped) {
        return true;
    }
    const size_t n_old = bytes.size();
    bytes += piece;

    size_t end = std::string::npos;
    for (const auto & word : stop) {
        // one that lies entirely in the old bytes would have been found before
        const size_t first = n_old < word.size() ? 0 : n_old - word.size() + 1;
        end = std::min(end, bytes.find(word, first));
    }
    if (end != std::string::npos) {
        bytes.resize(end);
        stopped = true;
    }
    return stopped;
}

// number of bytes at the end of `text` that begin a character whose other bytes are still missing
static size_t n_incomplete(const std::string & text) {
    for (size_t n = 1; n <= 3 && n <= text.size(); ++n) {
        const unsigned char byte = text[text.size() - n];
        if ((byte & 0xC0) == 0x80) {
            continue; // not the first byte of a character
        }
        const size_t n_bytes = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return n_bytes > n ? n : 0;
    }
    return 0;
}

bool sequence_text::is_cut() const {
    return n_incomplete(bytes) > 0;
}

size_t sequence_text::shown_until() const {
    const size_t n_left = bytes.size() - n_taken;

    size_t n_held = n_incomplete(bytes);
    for (const auto & word : stop) {
        for (size_t n = std::min(word.size() - 1, n_left); n > n_held; --n) {
            if (bytes.compare(bytes.size() - n, n, word, 0, n) == 0) {
                n_held = n;
            }
        }
    }
    return std::max(n_taken, bytes.size() - n_held);
}

bool sequence_text::ready() const {
    return shown_until() > n_taken;
}

std::string sequence_text::take() {
    const size_t from = std::exchange(n_taken, shown_until());
    return bytes.substr(from, n_taken - from);
}

std::string sequence_text::take_rest() {
    const size_t from = std::exchange(n_taken, bytes.size());
    return bytes.substr(from);
}

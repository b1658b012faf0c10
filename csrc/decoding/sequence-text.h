// The text of a sequence's new tokens: where it stops, and which part of it can be shown already.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

class sequence_text {
public:
    // stop: strings that end the text; the first occurrence of any of them counts
    explicit sequence_text(std::vector<std::string> stop);

    // adds the bytes of a token; returns true once the text contains a stop string, before which the text then ends
    bool add(const std::string & piece);

    // whether its last bytes begin a character whose other bytes are still missing
    bool is_cut() const;

    // whether take() would return something
    bool ready() const;

    // bytes that were not taken yet and are final: whole UTF-8 characters that cannot be part of a stop string
    std::string take();

    // all bytes that were not taken yet, for the end of the text
    std::string take_rest();

private:
    size_t shown_until() const;

    std::vector<std::string> stop;
    std::string              bytes;
    size_t                   n_taken = 0;
    bool                     stopped = false;
};

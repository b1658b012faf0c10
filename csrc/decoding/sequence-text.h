// The text of a sequence's new tokens: where it stops, and what of it can be shown already.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

class sequence_text {
public:
    // stop: strings that end the text; the first place where one of them is found counts
    explicit sequence_text(std::vector<std::string> stop);

    // adds the bytes of a token; true once the text holds a stop string, before which it ends then
    bool add(const std::string & piece);

    // whether its last bytes begin a character whose other bytes are missing
    bool is_cut() const;

    // whether take() would return something
    bool ready() const;

    // bytes that were not taken yet and will stay: whole UTF-8 characters, none that may be part of a stop string
    std::string take();

    // all bytes that were not taken yet: for the end
    std::string take_rest();

private:
    size_t shown_until() const;

    std::vector<std::string> stop;
    std::string              bytes;
    size_t                   n_taken = 0;
    bool                     stopped = false;
};

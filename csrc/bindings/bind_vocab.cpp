// vocab: converts between text and the tokens of a model.

#include "bindings.h"
#include "errors.h"

#include "llama.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace py = pybind11;

static const llama_vocab * as_vocab(uintptr_t address) {
    if (address == 0) {
        throw drugs_error(error_kind::state, "vocab is 0: the model was closed; make a new one");
    }
    const auto * vocab = reinterpret_cast<const llama_vocab *>(address);
    if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) {
        throw drugs_error(error_kind::prompt, "this model has no vocabulary: give it tokens");
    }
    return vocab;
}

// returns the number of tokens; or minus that number, if there is no room for all of them in `tokens`
static int32_t write_tokens(const llama_vocab * vocab, const std::string & text, std::vector<llama_token> & tokens, bool add_bos, bool special) {
    try {
        return llama_tokenize(vocab, text.data(), (int32_t) text.size(), tokens.data(), (int32_t) tokens.size(), add_bos, special);
    } catch (const std::out_of_range &) {
        throw drugs_error(error_kind::prompt, "the model's vocabulary has no token for a byte of this text");
    } catch (const std::exception & error) {
        throw drugs_error(error_kind::prompt, std::string("this text cannot be written as tokens: ") + error.what());
    }
}

// The GIL is released: a vocabulary never changes, and the caller keeps the model.
static std::vector<llama_token> tokenize(uintptr_t address, const std::string & text, bool add_bos, bool special) {
    const llama_vocab * vocab = as_vocab(address);
    if (text.size() > (size_t) std::numeric_limits<int32_t>::max() - 2) {
        throw drugs_error(error_kind::prompt, "the text has " + std::to_string(text.size()) + " bytes: 2147483645 is the most");
    }
    py::gil_scoped_release release;
    std::vector<llama_token> tokens(text.size() + 2); // room for the first and last tokens that the vocabulary adds
    int32_t n = write_tokens(vocab, text, tokens, add_bos, special);
    if (n < 0 && n != std::numeric_limits<int32_t>::min()) {
        tokens.resize(-n);
        n = write_tokens(vocab, text, tokens, add_bos, special);
    }
    if (n < 0) {
        throw drugs_error(error_kind::prompt, "the text makes more tokens than can be counted: split it");
    }
    tokens.resize(n);
    return tokens;
}

static void append_piece(const llama_vocab * vocab, llama_token token, bool special, std::string & text) {
    std::string piece(32, '\0');
    int32_t     n = llama_token_to_piece(vocab, token, &piece[0], (int32_t) piece.size(), 0, special);
    if (n < 0) {
        piece.resize(-n);
        n = llama_token_to_piece(vocab, token, &piece[0], (int32_t) piece.size(), 0, special);
    }
    text.append(piece, 0, n);
}

static py::bytes detokenize(uintptr_t address, const std::vector<int64_t> & tokens, bool special) {
    const llama_vocab * vocab = as_vocab(address);
    std::string text;
    {
        py::gil_scoped_release release;
        for (const auto token : tokens) {
            if (token < 0 || token >= llama_vocab_n_tokens(vocab)) {
                throw drugs_error(error_kind::token, "there is no token " + std::to_string(token) + ": this model has " +
                    std::to_string(llama_vocab_n_tokens(vocab)) + " tokens");
            }
            append_piece(vocab, (llama_token) token, special, text);
        }
    }
    return py::bytes(text);
}

void bind_vocab(py::module_ & m) {
    m.def("tokenize", &tokenize, py::arg("vocab"), py::arg("text"), py::arg("add_bos"), py::arg("special"), "The tokens of a text.");
    m.def("detokenize", &detokenize, py::arg("vocab"), py::arg("tokens"), py::arg("special"), "The text of tokens.");
}

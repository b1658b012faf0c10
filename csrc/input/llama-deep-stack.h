// A stack as deep as a text requires: libstdc++'s regular expressions recurse for each character that they match.

#pragma once

#include <cstddef>
#include <functional>

// Runs `work`, which recurses up to n_characters times, in a thread with a large enough stack, and waits for it. Short texts are
// handled in this thread. Exceptions of `work` are rethrown here.
// Throws std::runtime_error if there is no memory for such a stack.
void llama_run_on_deep_stack(size_t n_characters, const std::function<void()> & work);

// The same for a function with a result.
template <typename Work>
auto llama_on_deep_stack(size_t n_characters, Work && work) {
    decltype(work()) result{};
    llama_run_on_deep_stack(n_characters, [&] { result = work(); });
    return result;
}

// A stack that is as deep as the text is long: libstdc++'s regular expressions call themselves for each character that they match.

#pragma once

#include <cstddef>
#include <functional>

// Run `work`, which calls itself up to n_characters times, in a thread with a stack for that; this thread waits for it. Short
// texts stay in this thread. What `work` throws comes out here.
// Throws std::runtime_error: there is no memory for such a stack.
void llama_run_on_deep_stack(size_t n_characters, const std::function<void()> & work);

// The same for a function with a result.
template <typename Work>
auto llama_on_deep_stack(size_t n_characters, Work && work) {
    decltype(work()) result{};
    llama_run_on_deep_stack(n_characters, [&] { result = work(); });
    return result;
}

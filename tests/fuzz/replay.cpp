// In the place of libFuzzer, where a compiler has none: gives the files that are named on the command line to a target, and says
// which one it is at, so that the last one named is the one that ended the process.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t * data, size_t size);

int main(int argc, char ** argv) {
    for (int i = 1; i < argc; i++) {
        puts(argv[i]);
        fflush(stdout);
        std::ifstream file(argv[i], std::ios::binary);
        if (!file) {
            fprintf(stderr, "cannot open %s\n", argv[i]);
            return 1;
        }
        const std::string data { std::istreambuf_iterator<char>(file), {} };
        LLVMFuzzerTestOneInput((const uint8_t *) data.data(), data.size());
    }
    return 0;
}

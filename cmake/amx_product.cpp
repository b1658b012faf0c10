// Multiplies two small matrices with AMX tiles, in a thread, after the process has been given permission, as in ggml.
// Exits with 0 if the product is right, with 1 if tiles are refused or the product is wrong, and with a signal if there are no tiles.

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

static constexpr int  ROWS = 16;            // of a tile
static constexpr int  BYTES = 64;           // of a row
static constexpr int  COLUMNS = BYTES / 4;  // 32-bit sums
static constexpr long REQUEST_PERMISSION = 0x1023;
static constexpr long TILE_DATA = 18;

struct tile_config {
    uint8_t  palette = 1;
    uint8_t  start_row = 0;
    uint8_t  reserved[14] = {};
    uint16_t bytes_of_row[16] = {};
    uint8_t  rows[16] = {};
};

static int8_t  left[ROWS][BYTES];
static int8_t  right[ROWS][COLUMNS][4]; // four rows of the matrix are interleaved
static int32_t sums[ROWS][COLUMNS];

static void multiply() {
    alignas(64) tile_config config;
    for (int tile = 0; tile < 3; tile++) {
        config.bytes_of_row[tile] = BYTES;
        config.rows[tile] = ROWS;
    }
    __asm__ volatile("" : : "m"(config)); // as in our patch of ggml-cpu/amx/mmq.cpp
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_loadd(1, left, BYTES);
    _tile_loadd(2, right, BYTES);
    _tile_dpbssd(0, 1, 2);
    _tile_stored(0, sums, BYTES);
    _tile_release();
}

int main() {
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < BYTES; i++) {
            left[row][i] = int8_t(37 * row + 11 * i);
            right[row][i / 4][i % 4] = int8_t(23 * row - 7 * i);
        }
    }
    if (syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) != 0) {
        return 1;
    }
    std::thread(multiply).join();
    for (int row = 0; row < ROWS; row++) {
        for (int column = 0; column < COLUMNS; column++) {
            int32_t expected = 0;
            for (int i = 0; i < BYTES; i++) {
                expected += left[row][i] * right[i / 4][column][i % 4];
            }
            if (sums[row][column] != expected) {
                return 1;
            }
        }
    }
    return 0;
}

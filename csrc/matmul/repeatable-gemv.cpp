// One row of activations times a matrix in Q4_K with rows interleaved by eight, in the order of ggml_gemm_q4_K_8x8_q8_K(): the sum
// of every 64 numbers is converted to a float. ggml_gemv_q4_K_8x8_q8_K() converts the sum of every 256.

#include "repeatable-gemv.h"

#define GGML_COMMON_DECL_CPP
#include "ggml-common.h"
#include "repack.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include "six-bit-scales.h"

namespace {

__m256i bytes(const void * x) { return _mm256_loadu_si256((const __m256i *) x); }

__m256 eight_halves(const ggml_half * x) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x)); }

// repeats each row's scale for its four numbers in a vector of four rows; first: 0 for the first four rows, 4 for the others
__m256i spread(__m128i scales, int first) {
    const __m128i four = _mm_shuffle_epi8(scales, _mm_add_epi8(
        _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), _mm_set1_epi8((char) first)));
    return _mm256_cvtepu8_epi16(four);
}

// sums of pairs in [0 0 1 1 | 2 2 3 3] and [4 4 5 5 | 6 6 7 7] to one for each of eight rows
__m256i sums_of_rows(__m256i x0, __m256i x1) {
    return _mm256_permutevar8x32_epi32(_mm256_hadd_epi32(x0, x1), _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7));
}

struct eight_rows {
    __m256 sum     = _mm256_setzero_ps();
    __m256 minimum = _mm256_setzero_ps();

    void add(const block_q4_Kx8 & x, const block_q8_K & y) {
        const __m256 d    = _mm256_mul_ps(eight_halves(x.d),    _mm256_set1_ps(y.d));
        const __m256 dmin = _mm256_mul_ps(eight_halves(x.dmin), _mm256_set1_ps(y.d));
        for (int j = 0; j < QK_K/64; ++j) {
            add_64(x, y, j, d, dmin);
        }
    }

    void add_64(const block_q4_Kx8 & x, const block_q8_K & y, int j, __m256 d, __m256 dmin) {
        const __m256i nibble = _mm256_set1_epi8(15);

        __m256i lo[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() }; // the first 32 numbers, of four rows each
        __m256i hi[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        for (int i = 0; i < 4; ++i) {
            int64_t y_lo, y_hi;
            memcpy(&y_lo, y.qs + 64*j      + 8*i, sizeof(y_lo));
            memcpy(&y_hi, y.qs + 64*j + 32 + 8*i, sizeof(y_hi));
            for (int four = 0; four < 2; ++four) {
                const __m256i q = bytes(x.qs + 256*j + 64*i + 32*four);
                lo[four] = _mm256_add_epi16(lo[four], _mm256_maddubs_epi16(_mm256_and_si256(q, nibble), _mm256_set1_epi64x(y_lo)));
                hi[four] = _mm256_add_epi16(hi[four], _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble), _mm256_set1_epi64x(y_hi)));
            }
        }
        const __m128i packed_lo = scales_and_minima(x.scales + 24*j);
        const __m128i packed_hi = scales_and_minima(x.scales + 24*j + 12);

        __m256i of_rows[2];
        for (int four = 0; four < 2; ++four) {
            of_rows[four] = _mm256_add_epi32(
                _mm256_madd_epi16(lo[four], spread(packed_lo, 4*four)),
                _mm256_madd_epi16(hi[four], spread(packed_hi, 4*four)));
        }
        sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums_of_rows(of_rows[0], of_rows[1])), d, sum);

        // the minima of both, side by side
        const __m256i minima = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(packed_lo, packed_hi));
        const int16_t y_lo   = (int16_t) (y.bsums[4*j]     + y.bsums[4*j + 1]);
        const int16_t y_hi   = (int16_t) (y.bsums[4*j + 2] + y.bsums[4*j + 3]);
        const __m256i y_sums = _mm256_set1_epi32((int32_t) ((uint32_t) (uint16_t) y_lo | (uint32_t) (uint16_t) y_hi << 16));
        minimum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(minima, y_sums)), dmin, minimum);
    }
};

}

void repeatable_gemv_q4_K_8x8(int n, float * s, const void * x, const void * y, int n_columns) {
    const auto * blocks = (const block_q4_Kx8 *) x;
    const auto * row    = (const block_q8_K   *) y;

    const int n_blocks = n/QK_K;
    for (int column = 0; column < n_columns; column += 8) {
        eight_rows rows;
        for (int b = 0; b < n_blocks; ++b) {
            rows.add(blocks[(int64_t) column/8*n_blocks + b], row[b]);
        }
        _mm256_storeu_ps(s + column, _mm256_sub_ps(rows.sum, rows.minimum));
    }
}

#else

void repeatable_gemv_q4_K_8x8(int, float *, const void *, const void *, int) {
    GGML_ABORT("no repeatable_gemv_q4_K_8x8() for this processor"); // repeatable_gemv() never calls it on such a processor
}

#endif

// Dot products of K-quants in the order of llama.cpp's tiled kernels: for every 256 numbers, an exact sum of integers is converted
// to a float, scaled and added to the sum so far.

#include "repeatable-dots.h"

#define GGML_COMMON_DECL_C
#include "ggml-common.h"
#include "ggml.h"

#include <cstring>

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include "six-bit-scales.h"

namespace {

__m128i add_lanes(__m256i x) {
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
    return _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1)); // in the first lane
}

__m128 half(ggml_half x) { return _mm_cvtph_ps(_mm_cvtsi32_si128(x)); }

__m256i bytes(const void * x) { return _mm256_loadu_si256((const __m256i *) x); }

// sum + x d y_d, where x is the sum of integers, d the scale of the row of the matrix and y_d that of the activations
__m128 add_block(__m128 sum, __m128 x, float y_d) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
    return _mm_add_ps(sum, _mm_mul_ps(x, _mm_set1_ps(y_d)));
#else
    return _mm_fmadd_ps(x, _mm_set1_ps(y_d), sum);
#endif
}

// the fifth bits of 32 numbers, bit i of each byte, moved into place; Q4_K has none
__m256i fifth_bits(const block_q5_K & x, int i) {
    const __m256i bit = _mm256_set1_epi8((char) (1 << i));
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes(x.qh), bit), bit);
    return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

__m256i fifth_bits(const block_q4_K &, int) { return _mm256_setzero_si256(); }

// Q4_K and Q5_K: 8 times 32 numbers, multiplied by a scale, minus a minimum
template <typename block>
float dot_with_minima(int n, const block * x, const block_q8_K * y) {
    const __m256i nibble = _mm256_set1_epi8(15);

    __m128 sum = _mm_setzero_ps();
    for (int b = 0; b < n/QK_K; ++b) {
        const __m256i all    = _mm256_cvtepu8_epi16(scales_and_minima(x[b].scales));
        const __m256i scales = _mm256_permute2x128_si256(all, all, 0x00);

        __m256i s1 = _mm256_setzero_si256();
        for (int j = 0; j < 4; ++j) {
            const __m256i q  = bytes(x[b].qs + 32*j);
            const __m256i lo = _mm256_or_si256(_mm256_and_si256(q, nibble), fifth_bits(x[b], 2*j));
            const __m256i hi = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble), fifth_bits(x[b], 2*j + 1));

            const __m256i scale_lo = _mm256_shuffle_epi8(scales, _mm256_set1_epi16((short) (4*j     | (4*j + 1) << 8)));
            const __m256i scale_hi = _mm256_shuffle_epi8(scales, _mm256_set1_epi16((short) (4*j + 2 | (4*j + 3) << 8)));

            s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(scale_lo, _mm256_maddubs_epi16(lo, bytes(y[b].qs + 64*j))));
            s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(scale_hi, _mm256_maddubs_epi16(hi, bytes(y[b].qs + 64*j + 32))));
        }
        const __m256i sums16 = bytes(y[b].bsums); // of 16 numbers each
        const __m128i sums32 = _mm_hadd_epi16(_mm256_castsi256_si128(sums16), _mm256_extracti128_si256(sums16, 1));
        const __m128i s2     = _mm_madd_epi16(_mm256_extracti128_si256(all, 1), sums32);

        __m128 result = _mm_mul_ps(_mm_cvtepi32_ps(add_lanes(s1)), half(x[b].d));
        result = _mm_fnmadd_ps(half(x[b].dmin), _mm_cvtepi32_ps(add_lanes(_mm256_zextsi128_si256(s2))), result);
        sum = add_block(sum, result, y[b].d);
    }
    return _mm_cvtss_f32(sum);
}

// the 16 scales of a block, 8 bits each
__m128i scales_of(const block_q6_K & x) { return _mm_loadu_si128((const __m128i *) x.scales); }

__m128i scales_of(const block_q3_K & x) {
    uint32_t word[3];
    memcpy(word, x.scales, sizeof(word));
    const uint32_t nibble = 0x0f0f0f0f, top = 0x03030303;
    const __m128i scales = _mm_setr_epi32(
        (word[0]      & nibble) | (word[2]      & top) << 4,
        (word[1]      & nibble) | (word[2] >> 2 & top) << 4,
        (word[0] >> 4 & nibble) | (word[2] >> 4 & top) << 4,
        (word[1] >> 4 & nibble) | (word[2] >> 6 & top) << 4);
    return _mm_sub_epi8(scales, _mm_set1_epi8(32));
}

// four times 32 numbers of half j of a block, before LESS is subtracted from each
void numbers_of(const block_q6_K & x, int j, __m256i * q) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i upper  = _mm256_set1_epi8(48);
    const __m256i l0 = bytes(x.ql + 64*j);
    const __m256i l1 = bytes(x.ql + 64*j + 32);
    const __m256i h  = bytes(x.qh + 32*j);
    q[0] = _mm256_or_si256(_mm256_and_si256(l0, nibble), _mm256_and_si256(_mm256_slli_epi16(h, 4), upper));
    q[1] = _mm256_or_si256(_mm256_and_si256(l1, nibble), _mm256_and_si256(_mm256_slli_epi16(h, 2), upper));
    q[2] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l0, 4), nibble), _mm256_and_si256(h, upper));
    q[3] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l1, 4), nibble), _mm256_and_si256(_mm256_srli_epi16(h, 2), upper));
}

void numbers_of(const block_q3_K & x, int j, __m256i * q) {
    const __m256i l = bytes(x.qs + 32*j);
    const __m256i h = bytes(x.hmask);
    for (int k = 0; k < 4; ++k) {
        const __m256i low = _mm256_and_si256(_mm256_srli_epi16(l, 2*k), _mm256_set1_epi8(3));
        const __m256i bit = _mm256_set1_epi8((char) (1 << (4*j + k)));
        const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(h, bit), bit);
        q[k] = _mm256_or_si256(low, _mm256_and_si256(set, _mm256_set1_epi8(4)));
    }
}

// Q6_K and Q3_K: 16 times 16 numbers, minus 32 or 4 each, multiplied by a scale
template <int LOG2_LESS, typename block>
float dot_of_sixteens(int n, const block * x, const block_q8_K * y) {
    __m128 sum = _mm_setzero_ps();
    for (int b = 0; b < n/QK_K; ++b) {
        const __m128i scales = scales_of(x[b]);

        __m256i s1 = _mm256_setzero_si256();
        for (int j = 0; j < 2; ++j) {
            __m256i q[4];
            numbers_of(x[b], j, q);
            for (int k = 0; k < 4; ++k) {
                // the scale of the first 16 numbers in the lower half, that of the others in the upper one
                const __m128i at    = _mm_add_epi8(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), _mm_set1_epi8((char) (8*j + 2*k)));
                const __m256i scale = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, at));
                s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(scale, _mm256_maddubs_epi16(q[k], bytes(y[b].qs + 128*j + 32*k))));
            }
        }
        const __m256i less = _mm256_madd_epi16(_mm256_cvtepi8_epi16(scales), bytes(y[b].bsums));
        s1 = _mm256_sub_epi32(s1, _mm256_slli_epi32(less, LOG2_LESS));

        sum = add_block(sum, _mm_mul_ps(_mm_cvtepi32_ps(add_lanes(s1)), half(x[b].d)), y[b].d);
    }
    return _mm_cvtss_f32(sum);
}

// 8 times 32 numbers from a table, multiplied by a scale
float dot(int n, const block_iq4_xs * x, const block_q8_K * y) {
    const __m128i nibble = _mm_set1_epi8(15);
    const __m128i table  = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    __m128 sum = _mm_setzero_ps();
    for (int b = 0; b < n/QK_K; ++b) {
        __m256i s1 = _mm256_setzero_si256();
        for (int j = 0; j < 8; ++j) {
            const __m128i packed = _mm_loadu_si128((const __m128i *) (x[b].qs + 16*j));
            const __m256i q = _mm256_set_m128i(
                _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(packed, 4), nibble)),
                _mm_shuffle_epi8(table, _mm_and_si128(packed, nibble)));
            const int scale = ((x[b].scales_l[j/2] >> 4*(j % 2) & 15) | (x[b].scales_h >> 2*j & 3) << 4) - 32;

            const __m256i products = _mm256_maddubs_epi16(_mm256_sign_epi8(q, q), _mm256_sign_epi8(bytes(y[b].qs + 32*j), q));
            s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(_mm256_set1_epi16((short) scale), products));
        }
        sum = add_block(sum, _mm_mul_ps(_mm_cvtepi32_ps(add_lanes(s1)), half(x[b].d)), y[b].d);
    }
    return _mm_cvtss_f32(sum);
}

}

void repeatable_dot_q4_K(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot_with_minima(n, (const block_q4_K *) x, (const block_q8_K *) y);
}

void repeatable_dot_q5_K(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot_with_minima(n, (const block_q5_K *) x, (const block_q8_K *) y);
}

void repeatable_dot_q6_K(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot_of_sixteens<5>(n, (const block_q6_K *) x, (const block_q8_K *) y);
}

void repeatable_dot_q3_K(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot_of_sixteens<2>(n, (const block_q3_K *) x, (const block_q8_K *) y);
}

void repeatable_dot_iq4_xs(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot(n, (const block_iq4_xs *) x, (const block_q8_K *) y);
}

#endif

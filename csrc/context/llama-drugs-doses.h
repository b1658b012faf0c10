// The doses of a context's sequences, and what they mean for a batch.

#pragma once

#include "llama-drugs.h"

#include <array>
#include <cstdint>
#include <vector>

struct ggml_cgraph;
struct llama_ubatch;

// Places in the graph, as bits: site s is bit s. Under reference noise, queries are turned in another place, which has its own bit.
enum llama_drugs_hook {
    LLAMA_DRUGS_HOOK_Q_BEFORE_ROPE = LLAMA_DRUGS_SITE_COUNT,

    LLAMA_DRUGS_HOOK_COUNT,
};

int llama_drugs_hook_of(llama_drugs_site site, llama_drugs_noise noise);

// hooks of each layer, [n_layer]
using llama_drugs_sites = std::vector<uint16_t>;

// the hooks that turn cached keys or values, separately for each token that reads them
constexpr uint16_t LLAMA_DRUGS_CACHED_SITES = 1 << LLAMA_DRUGS_SITE_K | 1 << LLAMA_DRUGS_SITE_V;

static_assert(LLAMA_DRUGS_HOOK_COUNT <= 16, "llama_drugs_sites holds 16 bits a layer");

// the dose of one sequence
struct llama_drugs_dose {
    std::vector<float>   table; // [LLAMA_DRUGS_SITE_COUNT, n_layer], empty: sober
    llama_drugs_sites    sites; // the sites with an angle above zero

    uint32_t          seed   = 0;
    int32_t           n_sink = 0;
    int32_t           start  = 0; // first position whose token is dosed
    llama_drugs_noise noise  = LLAMA_DRUGS_NOISE_ISOTROPIC;

    std::array<int32_t, LLAMA_DRUGS_SITE_COUNT> hold = {}; // positions; 0: all of them

    bool shared_layers = false;

    llama_drugs_angle angle = LLAMA_DRUGS_ANGLE_UNIFORM;
    llama_drugs_turn  turn  = LLAMA_DRUGS_TURN_ROTATION;
    int32_t           apart = 0;

    std::vector<llama_drugs_course_point> course; // empty: always 1
    int32_t course_start = 0;

    // whether the token at a position is dosed
    bool reaches(int32_t position) const { return position >= n_sink && position >= start && factor(position) > 0.0f; }

    // the time that random numbers at a site are drawn for: it is the same for all positions that share a draw
    int32_t time(int site, int32_t position) const { return hold[site] > 0 ? position/hold[site] : 0; }

    // factor on all angles at a position
    float factor(int32_t position) const;

    // the input of the ops for a token, [GGML_RANDOM_ROTATE_TOKEN_SIZE]
    void set_token(int32_t * token, int32_t position, int32_t table_index) const;

    bool sober() const { return table.empty(); }
    bool turns_cache(size_t il) const { return il < sites.size() && (sites[il] & LLAMA_DRUGS_CACHED_SITES); }
    bool same_as(const llama_drugs_dose & other) const;
};

class llama_drugs_doses;

// whether keys or values of a layer are turned only for some tokens of a batch
enum llama_drugs_mixture {
    LLAMA_DRUGS_NOT_MIXED,
    LLAMA_DRUGS_MIXED_WITH_SOBER, // the others are sober
    LLAMA_DRUGS_MIXED_WITH_DOSED, // some of them are dosed at other sites, or in other layers
};

// which layers and sites get a node in the graph of a batch; decides whether a graph can be reused
struct llama_drugs_plan {
    const llama_drugs_doses * doses = nullptr;
    llama_drugs_sites         sites; // empty: no token of the batch is dosed
    llama_drugs_sites       * found = nullptr; // collects the hooks that the graph has, dosed or not
    std::vector<uint8_t>      mixed; // [n_layer], enum llama_drugs_mixture; empty if nothing is mixed
    bool                      repeatable = false; // a token's results do not depend on the other tokens in the batch

    bool has(int hook, int il) const {
        return (size_t) il < sites.size() && ((sites[il] >> hook) & 1);
    }

    int mixture(int il) const { return (size_t) il < mixed.size() ? mixed[il] : (int) LLAMA_DRUGS_NOT_MIXED; }

    bool same_nodes_as(const llama_drugs_plan & other) const {
        return sites == other.sites && mixed == other.mixed && repeatable == other.repeatable;
    }
};

class llama_drugs_doses {
public:
    // the dose of a token, or nullptr if it is sober
    const llama_drugs_dose * of_token(const llama_ubatch & ubatch, uint32_t i) const;

    llama_drugs_plan plan(const llama_ubatch & ubatch) const;

    const llama_drugs_dose * get(llama_seq_id seq_id) const;

    void set  (llama_seq_id seq_id, const llama_drugs_params & params);
    void clear(llama_seq_id seq_id);
    void clear();

    // the hooks that the model has; empty: not searched yet
    llama_drugs_sites found;

    // seq_id = -1: all sequences
    void set_repeatable(llama_seq_id seq_id, bool repeatable);

private:
    bool is_repeatable(const llama_ubatch & ubatch) const;

    std::vector<llama_drugs_dose> by_seq; // up to the highest sequence that ever had a dose
    int32_t n_dosed = 0;

    std::vector<bool> repeatable; // by sequence, up to the highest one that was ever set
};

// marks the matrix products and the attention of a graph, so that each token gets the same bits whatever else is in the
// batch (csrc/matmul/repeatable.h)
void llama_drugs_mark_repeatable(ggml_cgraph * gf, const llama_drugs_plan & plan);

// upper bound for the nodes that doses add to a graph: an op and two views per hook and layer, and attention a second time
uint32_t llama_drugs_max_nodes(uint32_t n_layer);

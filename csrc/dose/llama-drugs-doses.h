// The doses of a context's sequences, and what they mean for one batch.

#pragma once

#include "llama-drugs.h"

#include <cstdint>
#include <vector>

struct llama_ubatch;

// the dose of one sequence
struct llama_drugs_dose {
    std::vector<float>   table; // [LLAMA_DRUGS_SITE_COUNT, n_layer], empty: sober
    std::vector<uint8_t> sites; // [n_layer], bit s is set where site s has an angle above zero

    uint32_t          seed   = 0;
    int32_t           n_sink = 0;
    llama_drugs_noise noise  = LLAMA_DRUGS_NOISE_ISOTROPIC;

    bool sober() const { return table.empty(); }
    bool same_as(const llama_drugs_dose & other) const;
};

class llama_drugs_doses;

// which layers and sites of one batch's graph get a node; decides whether a graph can be used again
struct llama_drugs_plan {
    const llama_drugs_doses * doses = nullptr;
    std::vector<uint8_t>      sites; // [n_layer], empty: no token of the batch is dosed

    bool has(llama_drugs_site site, int il) const {
        return (size_t) il < sites.size() && ((sites[il] >> site) & 1);
    }

    bool same_nodes_as(const llama_drugs_plan & other) const { return sites == other.sites; }
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

private:
    std::vector<llama_drugs_dose> by_seq; // up to the highest sequence that ever had a dose
    int32_t n_dosed = 0;
};

// upper bound of the nodes that doses add to a graph: an op and two views per site and layer
uint32_t llama_drugs_max_nodes(uint32_t n_layer);

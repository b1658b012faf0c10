// Sites and kinds of noise, as given by Python.

#pragma once

#include "drugs-kinds.h"
#include "errors.h"

#include "ggml-random-rotate.h"
#include "llama-drugs.h"

#include <pybind11/pybind11.h>

#include <string>

inline llama_drugs_site site_of(const std::string & name) {
    std::string known;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; ++site) {
        const char * site_name = llama_drugs_site_name((llama_drugs_site) site);
        if (name == site_name) {
            return (llama_drugs_site) site;
        }
        known += std::string(site ? ", " : "") + site_name;
    }
    throw drugs_error(error_kind::dose, "unknown site '" + name + "': the sites are " + known);
}

// the kinds that are set for the tokens of an op; names as in drugs-kinds.h
struct op_kinds {
    llama_drugs_noise noise;
    llama_drugs_angle angle;
    llama_drugs_turn  turn;
    int32_t           apart;

    op_kinds(const std::string & noise, const std::string & angle, const std::string & turn, int32_t apart = 0) :
        noise(drugs_noise_of_name(noise)), angle(drugs_angle_of_name(angle)), turn(drugs_turn_of_name(turn)), apart(apart) {}

    // token: [GGML_RANDOM_ROTATE_TOKEN_SIZE]
    void set_token(int32_t * token, uint32_t seed, int32_t position, int32_t n_sink) const {
        ggml_random_rotate_set_token(token, seed, position, 0, noise, n_sink);
        token[GGML_RANDOM_ROTATE_TOKEN_ANGLE] = angle;
        token[GGML_RANDOM_ROTATE_TOKEN_TURN]  = turn;
        token[GGML_RANDOM_ROTATE_TOKEN_APART] = apart;
    }
};

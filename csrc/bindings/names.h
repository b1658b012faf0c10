// Names of sites and kinds of noise, as Python gives them.

#pragma once

#include "errors.h"

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

inline llama_drugs_noise noise_of(const std::string & name) {
    if (name == "isotropic") {
        return LLAMA_DRUGS_NOISE_ISOTROPIC;
    }
    if (name == "reference") {
        return LLAMA_DRUGS_NOISE_REFERENCE;
    }
    throw drugs_error(error_kind::dose, "unknown noise '" + name + "': the kinds are isotropic, reference");
}

// Doses as JSON: in requests and responses, and in the files that DRUGS.save() writes in Python.

#pragma once

#include "drugs-dosage.h"

#include "json.h"

#include <string>

// Reads an object, or the name of an effect, on top of `defaults`, of which everything but the doses themselves is kept:
//
//   "A": 0.1, ...                      largest angle at a site, in radians
//   "effect": "mild"                   instead of angles: "mild", "medium", "strong" or nats; angles are then proportions
//   "shape": {"A": SHAPE, ...}         how a dose depends on depth
//   "multiplier": 1.0                  factor on all doses
//   "seed": 7                          0 to 2^32 - 2; -1 draws one; null counts as missing
//   "noise": "isotropic"               or "reference"
//   "angle", "turn", "apart", "hold", "layers", "course"   other kinds of noise, and how it changes over time: docs/noise.md
//   "sink": 6                          number of first positions that are not dosed
//   "dose_inputs": false               what of the prompt is dosed: false, "last" or true
//   "sober_interval": 420              dosed tokens between two cold showers
//   "repeatable": true                 whether other sequences, threads and the split of the prompt change no bit
//
// SHAPE is {"points": [{"depth": 0.3, "peakratio": 0}, ...], "mode": "interpolate"}, or only the points. The names "dose_theta" (an
// object of doses), "dose_shape" and "dose_multiplier" from older files are also accepted.
//
// Throws std::invalid_argument for anything else; the message names it. Angles are not compared with a cap.
drugs_dosage drugs_dosage_from_json(const common_json & data, const drugs_dosage & defaults);

// The same from a text, which must be exactly such an object. Throws std::exception if it is not.
drugs_dosage drugs_dosage_from_text(const std::string & json_text, const drugs_dosage & defaults);

// The object that drugs_dosage_from_json() reads back; {} or {"repeatable": true} if sober.
common_json drugs_dosage_to_json(const drugs_dosage & dosage);

// Reads a file that contains such an object. Throws std::invalid_argument if there is no such file, or if it contains something
// else.
drugs_dosage drugs_dosage_from_file(const std::string & path, const drugs_dosage & defaults);

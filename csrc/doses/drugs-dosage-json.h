// Doses as JSON: in requests and responses, and in the files that DRUGS.save() writes in Python.

#pragma once

#include "drugs-dosage.h"

#include "json.h"

#include <string>

// Reads an object, or the name of an effect, on top of `defaults`, of which it keeps all but the doses themselves:
//
//   "A": 0.1, ...                      largest angle at a site, in radians
//   "effect": "mild"                   instead of angles: "mild", "medium", "strong" or nats; angles are proportions then
//   "shape": {"A": SHAPE, ...}         how a dose depends on depth
//   "multiplier": 1.0                  factor on all doses
//   "seed": 7                          0 to 2^32 - 2; -1 draws one; null is as if it were left out
//   "noise": "isotropic"               or "reference"
//   "sink": 6                          first positions that are not dosed
//   "dose_inputs": false               dose the prompt too
//   "sober_interval": 420              dosed tokens between two cold showers
//   "repeatable": true                 whether company, threads and cuts of the prompt change no bit
//
// SHAPE is {"points": [{"depth": 0.3, "peakratio": 0}, ...], "mode": "interpolate"} or the points alone. The names
// "dose_theta" (an object of doses), "dose_shape" and "dose_multiplier" are read too: files of an older form have them.
//
// Throws std::invalid_argument: something else; the message names it. Angles are not compared with a cap.
drugs_dosage drugs_dosage_from_json(const common_json & data, const drugs_dosage & defaults);

// The same from a text, which is nothing but that object. Throws std::exception: it is something else.
drugs_dosage drugs_dosage_from_text(const std::string & json_text, const drugs_dosage & defaults);

// The object that drugs_dosage_from_json() reads back; if sober it is {}, or {"repeatable": true}.
common_json drugs_dosage_to_json(const drugs_dosage & dosage);

// Reads a file that holds such an object. Throws std::invalid_argument: no such file, or it holds something else.
drugs_dosage drugs_dosage_from_file(const std::string & path, const drugs_dosage & defaults);

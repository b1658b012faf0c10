// Parses doses and their settings as people type them, in options and in a chat.

#pragma once

#include "drugs-dosage.h"

#include <string>

// "A=0.1,Q=0.2" sets the doses of these sites, separated by commas or spaces. Throws std::invalid_argument if the text is
// malformed; the message shows the form.
void drugs_read_doses(drugs_dosage & dosage, std::string text);

// "A=interpolate:0:0,1:1" sets the shape of this site; more sites follow after commas. Throws in the same way.
void drugs_read_shapes(drugs_dosage & dosage, const std::string & text);

// "interpolate:0:1,40:0.2" sets the course; throws in the same way
void drugs_read_course(drugs_dosage & dosage, const std::string & text);

// "text" or "8" sets for how many tokens noise is held at all sites, "A=text,H=8" at some sites; throws in the same way
void drugs_read_hold(drugs_dosage & dosage, const std::string & text);

// parses a number in the same way in every locale; throws std::invalid_argument for anything else
double drugs_read_number(const std::string & what, const std::string & text);

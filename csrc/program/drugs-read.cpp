#include "drugs-read.h"

#include "drugs-effect.h"
#include "drugs-messages.h"

#include <algorithm>
#include <iterator>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <vector>

double drugs_read_number(const std::string & what, const std::string & text) {
    std::istringstream stream(text);
    stream.imbue(std::locale::classic());
    double value;
    if (!(stream >> value) || !(stream >> std::ws).eof()) {
        throw std::invalid_argument(what + " is '" + drugs_shortened(text) + "': give a number");
    }
    return value;
}

static std::vector<std::string> split(const std::string & text, char at) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, at); ) {
        parts.push_back(part);
    }
    return parts;
}

static bool is_effect(const std::string & name) {
    return std::any_of(DRUGS_EFFECTS.begin(), DRUGS_EFFECTS.end(), [&](const auto & effect) { return name == effect.name; });
}

// text: mild, or what follows effect=, which may be a number of nats
static void read_effect(drugs_dosage & dosage, const std::string & text) {
    if (is_effect(text)) {
        dosage.set_effect(text);
    } else {
        dosage.set_effect(drugs_read_number("the effect (nats)", text));
    }
}

void drugs_read_doses(drugs_dosage & dosage, std::string text) {
    std::replace(text.begin(), text.end(), ',', ' ');
    const std::istream_iterator<std::string> end;
    std::istringstream stream(text);
    std::istream_iterator<std::string> parts(stream);
    if (parts == end) {
        throw std::invalid_argument("no dose: give SITE=ANGLE, for example A=0.1, or " + drugs_effect_names());
    }
    std::string effect;
    for (; parts != end; ++parts) {
        const std::string & part = *parts;
        const size_t equals = part.find('=');
        if (equals == std::string::npos && !is_effect(part)) {
            throw std::invalid_argument("'" + part + "' is not a dose: give SITE=ANGLE, for example A=0.1, or " + drugs_effect_names()
                + ", or a number of nats as effect=0.05");
        }
        const std::string site = part.substr(0, equals);
        if (equals == std::string::npos || site == "effect") {
            if (!effect.empty()) {
                throw std::invalid_argument("a dose has one effect: give " + effect + " or " + part);
            }
            effect = part;
            read_effect(dosage, equals == std::string::npos ? part : part.substr(equals + 1));
            continue;
        }
        drugs_site_of_name(site);
        dosage.set_theta(site, drugs_read_number("the dose at " + site + " (radians)", part.substr(equals + 1)));
    }
}

static void read_hold_at(drugs_dosage & dosage, const std::string & site, const std::string & text) {
    if (text == DRUGS_HOLD_TEXT) {
        dosage.hold_text(site);
    } else {
        dosage.set_hold(site, drugs_read_number("the hold" + (site.empty() ? "" : " of " + site), text));
    }
}

void drugs_read_hold(drugs_dosage & dosage, const std::string & text) {
    if (text.empty()) {
        throw std::invalid_argument("no hold: give a number of tokens, text, or SITE=N,..., for example A=text,H=8");
    }
    for (const auto & part : split(text, ',')) {
        const size_t equals = part.find('=');
        if (equals == std::string::npos) {
            read_hold_at(dosage, "", part);
            continue;
        }
        const std::string site = part.substr(0, equals);
        drugs_site_of_name(site);
        read_hold_at(dosage, site, part.substr(equals + 1));
    }
}

static drugs_profile::point read_point(const std::string & at_and_ratio, const std::string & what, const char * example) {
    const size_t colon = at_and_ratio.find(':');
    if (colon == std::string::npos) {
        throw std::invalid_argument("'" + at_and_ratio + "' is not a point: give " + example);
    }
    return {
        drugs_read_number("the " + what + " of a point", at_and_ratio.substr(0, colon)),
        drugs_read_number("the ratio of a point",        at_and_ratio.substr(colon + 1)),
    };
}

static drugs_profile::point read_depth(const std::string & point) {
    return read_point(point, "depth", "DEPTH:RATIO, for example 0.5:1");
}

void drugs_read_shapes(drugs_dosage & dosage, const std::string & text) {
    static const char * example = "give SITE=MODE:DEPTH:RATIO,DEPTH:RATIO,..., for example A=interpolate:0:0,1:1";

    std::string   site;
    drugs_profile profile;
    for (const auto & part : split(text, ',')) {
        const size_t equals = part.find('=');
        if (equals == std::string::npos) {
            if (site.empty()) {
                throw std::invalid_argument("'" + part + "' is not a shape: " + example);
            }
            profile.points.push_back(read_depth(part));
            continue;
        }
        if (!site.empty()) {
            dosage.set_shape(site, profile);
        }
        const size_t colon = part.find(':', equals);
        if (colon == std::string::npos) {
            throw std::invalid_argument("'" + part + "' is not a shape: " + example);
        }
        site         = part.substr(0, equals);
        profile      = {};
        profile.mode = drugs_mode_of_name(part.substr(equals + 1, colon - equals - 1));
        profile.points.push_back(read_depth(part.substr(colon + 1)));
    }
    if (site.empty()) {
        throw std::invalid_argument(std::string("no shape: ") + example);
    }
    dosage.set_shape(site, profile);
}

void drugs_read_course(drugs_dosage & dosage, const std::string & text) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos) {
        throw std::invalid_argument("'" + drugs_shortened(text) + "' is not a course: give MODE:TOKEN:RATIO,TOKEN:RATIO,..., for example "
                "interpolate:0:1,40:0.2");
    }
    drugs_course course;
    course.profile.mode = drugs_mode_of_name(text.substr(0, colon));
    for (const auto & point : split(text.substr(colon + 1), ',')) {
        course.profile.points.push_back(read_point(point, "token", "TOKEN:RATIO, for example 40:0.2"));
    }
    dosage.set_course(course);
}

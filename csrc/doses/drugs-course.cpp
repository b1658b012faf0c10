#include "drugs-course.h"

#include "drugs-messages.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

static constexpr double MAX_TOKEN = std::numeric_limits<int32_t>::max() - 1;

std::vector<llama_drugs_course_point> drugs_course::points() const {
    std::set<int32_t> tokens; // between two neighbours, each of the three modes is a straight line
    for (const auto & point : profile.points) {
        for (const double token : { point.depth - 1, point.depth, point.depth + 1 }) {
            if (token >= profile.points.front().depth && token <= profile.points.back().depth) {
                tokens.insert((int32_t) token);
            }
        }
    }
    std::vector<llama_drugs_course_point> points;
    for (const int32_t token : tokens) {
        points.push_back({ token, (float) profile.ratio(token) });
    }
    return points;
}

void drugs_course::check_count(size_t n_points) {
    if (n_points == 0) {
        throw std::invalid_argument("the course has no points: give one at least, or leave the course out");
    }
    if (n_points > DRUGS_MAX_POINTS) {
        throw std::invalid_argument("the course has " + std::to_string(n_points) + " points: give " + std::to_string(DRUGS_MAX_POINTS) + " at most");
    }
}

void drugs_course::check() {
    check_count(profile.points.size());
    std::set<double> seen;
    for (auto & point : profile.points) {
        if (!(point.depth >= 0 && point.depth <= MAX_TOKEN && point.depth == std::floor(point.depth))) {
            throw std::invalid_argument("a token in the course is " + drugs_number(point.depth) + ": give a whole number, 0 or more");
        }
        if (!seen.insert(point.depth).second) {
            throw std::invalid_argument("token " + drugs_number(point.depth) + " is in the course twice");
        }
        point.peakratio = drugs_not_negative("a ratio in the course", point.peakratio);
    }
    std::sort(profile.points.begin(), profile.points.end(), [](const auto & a, const auto & b) { return a.depth < b.depth; });
}

// Bounds for functions that call themselves along what a user has sent: without one, deep nesting would overflow the stack.

#pragma once

#include <stdexcept>
#include <string>

// One level of such a function, from where it is declared to the end of the scope.
class drugs_depth {
public:
    // depth: how many levels there are now; what: begins the message.
    // Throws std::invalid_argument: there are `most` of them already.
    drugs_depth(int & depth, int most, const char * what) : depth(depth) {
        if (depth >= most) {
            throw std::invalid_argument(std::string(what) + " is nested deeper than " + std::to_string(most) + " levels");
        }
        depth++;
    }

    ~drugs_depth() { depth--; }

    drugs_depth(const drugs_depth &) = delete;
    drugs_depth & operator=(const drugs_depth &) = delete;

private:
    int & depth;
};

// levels of JSON, and of the schemas in it
constexpr int DRUGS_MAX_JSON_DEPTH = 500;

// groups within groups of a grammar: as many as upstream lets it repeat something, which some converters write as nested groups
constexpr int DRUGS_MAX_GRAMMAR_DEPTH = 2000;

// rules of a grammar that begin with each other
constexpr int DRUGS_MAX_RULE_CHAIN = 5000;

// parsers within parsers of what a model has written: about ten for each level of JSON
constexpr int DRUGS_MAX_PARSER_DEPTH = 2000;

// Depth limits for functions that recurse along user input: without a limit, deep nesting would overflow the stack.

#pragma once

#include <stdexcept>
#include <string>

// One level of such a recursion, from the declaration of this object to the end of the scope.
class drugs_depth {
public:
    // depth: the current number of levels; what: the beginning of the message.
    // Throws std::invalid_argument if there are `most` levels already.
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

// nested groups of a grammar: as many as upstream allows repetitions, which some converters write as nested groups
constexpr int DRUGS_MAX_GRAMMAR_DEPTH = 2000;

// grammar rules that begin with one another
constexpr int DRUGS_MAX_RULE_CHAIN = 5000;

// nested parsers of model output: about ten for each level of JSON
constexpr int DRUGS_MAX_PARSER_DEPTH = 2000;

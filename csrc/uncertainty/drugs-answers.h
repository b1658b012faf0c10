// Several answers to one question: what each of them says, how far they agree, and how likely that makes the sober one to be right.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

// what of a text is its answer
enum drugs_answer_kind {
    DRUGS_ANSWER_AUTO,   // what the sober text looks like
    DRUGS_ANSWER_CHOICE, // a letter, A to Z: the text begins with it, or names it
    DRUGS_ANSWER_NUMBER, // the last number in the text
    DRUGS_ANSWER_TEXT,   // its first line, in lower case, without articles, punctuation and repeated spaces
};

struct drugs_answer_group {
    std::string answer; // as it was taken from the texts; empty: they hold none
    size_t      first;  // index of the first text that gives it; 0 is the sober one
    size_t      n;      // texts that give it, without the sober one
};

struct drugs_answers {
    drugs_answer_kind kind = DRUGS_ANSWER_TEXT; // which one was taken for DRUGS_ANSWER_AUTO

    double agreement  = 0; // share of the other texts that give the sober text's answer; 0 if it has none
    double entropy    = 0; // of the other texts' answers, in nats; each text without an answer counts as one of its own
    double similarity = 0; // mean Rouge-L F1 of all pairs of other texts, by words

    std::vector<drugs_answer_group> groups; // most texts first
};

// Names: "auto", "choice", "number", "text". Throws std::invalid_argument: another name.
drugs_answer_kind drugs_answer_kind_of_name(const std::string & name);
const char *      drugs_answer_kind_name   (drugs_answer_kind kind);

// Doses of the varied answers where none are given, as JSON: in the MLPs of the last third of the layers, one draw for the whole answer
// and all layers (arXiv 2502.03799; docs/uncertainty.md compares it with others).
const char * drugs_usual_doses();

// The answer that a text gives, as it is compared: "B", "42", "battle of hastings"; empty: none. kind: not auto.
std::string drugs_answer_of(const std::string & text, drugs_answer_kind kind);

// Compares texts; others: at least one.
drugs_answers drugs_compare_answers(const std::string & sober, const std::vector<std::string> & others, drugs_answer_kind kind);

// Rouge-L F1 of two texts: of the longest common subsequence of their words, in lower case (Lin 2004).
double drugs_rouge_l(const std::string & a, const std::string & b);

// How likely the sober answer is to be right, 0 to 1: a logistic function that was fitted to answers of which it is known whether they are
// right (docs/uncertainty.md).
// agreement: as above. log_likelihood: mean of the sober answer's tokens under the sober model, in nats.
double drugs_confidence(double agreement, double log_likelihood);

#include "drugs-answers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <unordered_map>
#include <utility>

// words of a text of which the rest is not compared: a pair takes time that grows with the product of both lengths
static const size_t MAX_WORDS = 512;

// a text with more words is not a short answer
static const size_t SHORT_ANSWER = 12;

//
// kinds
//

static const std::array<std::pair<const char *, drugs_answer_kind>, 4> KINDS = {{
    { "auto",   DRUGS_ANSWER_AUTO   },
    { "choice", DRUGS_ANSWER_CHOICE },
    { "number", DRUGS_ANSWER_NUMBER },
    { "text",   DRUGS_ANSWER_TEXT   },
}};

drugs_answer_kind drugs_answer_kind_of_name(const std::string & name) {
    for (const auto & [known, kind] : KINDS) {
        if (name == known) {
            return kind;
        }
    }
    throw std::invalid_argument("unknown kind of answer '" + name + "': give auto, choice, number or text");
}

const char * drugs_answer_kind_name(drugs_answer_kind kind) {
    return std::find_if(KINDS.begin(), KINDS.end(), [&](const auto & known) { return known.second == kind; })->first;
}

//
// text
//

// Bytes of UTF-8 above ASCII belong to words and keep their case.
static bool is_word_byte(unsigned char byte) {
    return byte >= 0x80 || std::isalnum(byte);
}

static std::vector<std::string> words_of(const std::string & text) {
    std::vector<std::string> words;
    std::string word;
    for (const unsigned char byte : text) {
        if (is_word_byte(byte)) {
            word += (char) (byte < 0x80 ? std::tolower(byte) : byte);
        } else if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) {
        words.push_back(std::move(word));
    }
    return words;
}

static std::string first_line(const std::string & text) {
    const size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

static std::string text_answer(const std::string & text) {
    std::string answer;
    for (const auto & word : words_of(first_line(text))) {
        if (word != "a" && word != "an" && word != "the") {
            answer += (answer.empty() ? "" : " ") + word;
        }
    }
    return answer;
}

//
// choices
//

// whether a letter stands alone at i, as in "B", "(B)", "B." and "**B**"
static bool is_alone(const std::string & text, size_t i) {
    const bool before = i == 0 || !(is_word_byte(text[i - 1]) || text[i - 1] == '\'');
    const bool after  = i + 1 == text.size() || !(is_word_byte(text[i + 1]) || text[i + 1] == '\'');
    return before && after && text[i] >= 'A' && text[i] <= 'Z';
}

// The letter that a text begins with, else the first one that stands alone and is not an article or pronoun.
static std::string choice_answer(const std::string & text) {
    const size_t begin = text.find_first_not_of(" \t\r\n(*\"'[");
    if (begin != std::string::npos && is_alone(text, begin)) {
        const size_t next = text.find_first_not_of(" ", begin + 1);
        const bool is_article = text[begin] == 'A' && next != std::string::npos && next > begin + 1 && std::islower((unsigned char) text[next]);
        if (!is_article && text[begin] != 'I') {
            return std::string(1, text[begin]);
        }
    }
    for (size_t i = 0; i < text.size(); i++) {
        if (is_alone(text, i) && text[i] != 'I' && text[i] != 'A') {
            return std::string(1, text[i]);
        }
    }
    for (size_t i = 0; i < text.size(); i++) { // "the answer is A."
        if (is_alone(text, i) && text[i] == 'A' && (i + 1 == text.size() || text[i + 1] != ' ')) {
            return "A";
        }
    }
    return "";
}

//
// numbers
//

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// a number without what does not change it: thousands' commas, zeros at the end of a fraction, a plus
static std::string plain_number(const std::string & digits) {
    std::string number;
    std::copy_if(digits.begin(), digits.end(), std::back_inserter(number), [](char c) { return c != ',' && c != '+'; });
    if (number.find('.') != std::string::npos) {
        number.erase(number.find_last_not_of('0') + 1);
        if (number.back() == '.') {
            number.pop_back();
        }
    }
    const size_t sign  = number[0] == '-';
    const size_t first = std::min(number.find_first_not_of('0', sign), number.size());
    const bool   whole = first == number.size() || number[first] == '.';
    number.erase(sign, first - sign);
    number.insert(sign, whole ? "0" : "");
    return number == "-0" ? "0" : number;
}

// where a number that begins at i ends: digits, with single points or commas between them
static size_t end_of_number(const std::string & text, size_t i) {
    while (i < text.size() && (is_digit(text[i]) || ((text[i] == '.' || text[i] == ',') && i + 1 < text.size() && is_digit(text[i + 1])))) {
        i++;
    }
    return i;
}

// the last number in a text that is not the end of a word
static std::string number_answer(const std::string & text) {
    std::string found;
    for (size_t i = 0; i < text.size(); i++) {
        if (!is_digit(text[i])) {
            continue;
        }
        const size_t end = end_of_number(text, i);
        if (i == 0 || !is_word_byte(text[i - 1])) {
            const bool negative = i > 0 && text[i - 1] == '-' && (i == 1 || !is_word_byte(text[i - 2]));
            found = plain_number((negative ? "-" : "") + text.substr(i, end - i));
        }
        i = end;
    }
    return found;
}

std::string drugs_answer_of(const std::string & text, drugs_answer_kind kind) {
    switch (kind) {
        case DRUGS_ANSWER_CHOICE: return choice_answer(text);
        case DRUGS_ANSWER_NUMBER: return number_answer(text);
        default:                  return text_answer(text);
    }
}

// a letter alone or with a mark after it is a choice; a long text with a number is about that; all else is a text
static drugs_answer_kind kind_of(const std::string & text) {
    const size_t n_words = words_of(text).size();
    const std::string line = first_line(text);
    const size_t begin = line.find_first_not_of("(*");
    if (begin != std::string::npos && is_alone(line, begin) && (begin + 1 == line.size() || std::string(").:*").find(line[begin + 1]) != std::string::npos)) {
        return DRUGS_ANSWER_CHOICE;
    }
    const std::string number = number_answer(text);
    return !number.empty() && (n_words > SHORT_ANSWER || n_words == 1) ? DRUGS_ANSWER_NUMBER : DRUGS_ANSWER_TEXT;
}

//
// comparing
//

// numbers for words, the same for the same word
class dictionary {
public:
    std::vector<uint32_t> numbers_of(const std::string & text) {
        std::vector<uint32_t> numbers;
        for (const auto & word : words_of(text)) {
            if (numbers.size() == MAX_WORDS) {
                break;
            }
            numbers.push_back(known.emplace(word, (uint32_t) known.size()).first->second);
        }
        return numbers;
    }

private:
    std::unordered_map<std::string, uint32_t> known;
};

static double rouge_l(const std::vector<uint32_t> & a, const std::vector<uint32_t> & b) {
    if (a.empty() || b.empty()) {
        return a.empty() && b.empty() ? 1.0 : 0.0;
    }
    std::vector<uint32_t> row(b.size() + 1, 0); // longest common subsequences with the first words of b
    for (const auto word : a) {
        uint32_t diagonal = 0;
        for (size_t j = 1; j <= b.size(); j++) {
            const uint32_t above = row[j];
            row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
            diagonal = above;
        }
    }
    return 2.0 * row.back() / (double) (a.size() + b.size());
}

double drugs_rouge_l(const std::string & a, const std::string & b) {
    dictionary words;
    const auto first = words.numbers_of(a);
    return rouge_l(first, words.numbers_of(b));
}

static double mean_similarity(const std::vector<std::string> & texts) {
    dictionary words;
    std::vector<std::vector<uint32_t>> numbers;
    double sum = 0;
    size_t n_pairs = 0;
    for (const auto & text : texts) {
        numbers.push_back(words.numbers_of(text));
        for (size_t j = 0; j + 1 < numbers.size(); j++, n_pairs++) {
            sum += rouge_l(numbers.back(), numbers[j]);
        }
    }
    return n_pairs ? sum / (double) n_pairs : 1.0;
}

drugs_answers drugs_compare_answers(const std::string & sober, const std::vector<std::string> & others, drugs_answer_kind kind) {
    drugs_answers answers;
    answers.kind = kind == DRUGS_ANSWER_AUTO ? kind_of(sober) : kind;
    answers.groups.push_back({ drugs_answer_of(sober, answers.kind), 0, 0 });
    for (size_t i = 0; i < others.size(); i++) {
        const std::string answer = drugs_answer_of(others[i], answers.kind);
        const auto group = std::find_if(answers.groups.begin(), answers.groups.end(), [&](const auto & known) { return known.answer == answer; });
        if (group == answers.groups.end()) {
            answers.groups.push_back({ answer, i + 1, 1 });
        } else {
            group->n++;
        }
    }
    const bool has_answer = !answers.groups[0].answer.empty(); // nothing agrees with nothing
    answers.agreement = has_answer ? (double) answers.groups[0].n / (double) others.size() : 0;
    const double n_others = (double) others.size();
    for (const auto & group : answers.groups) { // texts without an answer do not say the same
        const double n_alike = group.answer.empty() ? 1.0 : (double) group.n;
        answers.entropy -= group.n > 0 ? group.n / n_others * std::log(n_alike / n_others) : 0;
    }
    answers.similarity = mean_similarity(others);
    std::stable_sort(answers.groups.begin(), answers.groups.end(), [](const auto & a, const auto & b) { return a.n > b.n; });
    return answers;
}

const char * drugs_usual_doses() {
    return R"({"effect": "medium", "M": 1, "hold": "text", "layers": "shared",
        "shape": {"M": {"points": [{"depth": 0.6666, "peakratio": 0}, {"depth": 0.66665, "peakratio": 1}], "mode": "ceil"}}})";
}

double drugs_confidence(double agreement, double log_likelihood) {
    // weights from `python -m benchmarks uncertainty --fit`: docs/uncertainty.md
    const double x = -3.538 + 4.444 * agreement + 1.580 * log_likelihood;
    return 1.0 / (1.0 + std::exp(-x));
}

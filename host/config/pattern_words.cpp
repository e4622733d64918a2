#include "config/pattern_words.hpp"

namespace leat::config {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t most_words = 64;
constexpr int deepest = 20;

/// Reads choices, groups, literals, digits and what may be repeated; gives up on everything else.
class PatternReader {
public:
    explicit PatternReader(std::string_view rest) : rest_(rest) {}

    std::optional<Words> whole() {
        if (!take("^")) return std::nullopt;
        auto out = choice(0);
        if (!out || rest_ != "$") return std::nullopt;
        return out;
    }

private:
    bool take(std::string_view text) {
        if (rest_.substr(0, text.size()) != text) return false;
        rest_.remove_prefix(text.size());
        return true;
    }

    std::optional<Words> choice(int depth) {
        if (depth > deepest) return std::nullopt;
        Words out;
        do {
            auto branch = sequence(depth);
            if (!branch || out.size() + branch->size() > most_words) return std::nullopt;
            out.insert(out.end(), branch->begin(), branch->end());
        } while (take("|"));
        return out;
    }

    std::optional<Words> sequence(int depth) {
        Words out{""};
        while (!rest_.empty() && std::string_view("|)$").find(rest_[0]) == std::string_view::npos) {
            auto next = repeated(depth);
            if (!next || out.size() * next->size() > most_words) return std::nullopt;
            Words longer;
            for (const auto& front : out) {
                for (const auto& back : *next)
                    longer.push_back(front + back);
            }
            out = std::move(longer);
        }
        return out;
    }

    std::optional<Words> repeated(int depth) {
        auto one = single(depth);
        if (!one) return std::nullopt;
        const bool is_number = *one == Words{"N"};
        if (take("{")) {
            const auto end = rest_.find('}');
            if (!is_number || end == std::string_view::npos) return std::nullopt;
            rest_.remove_prefix(end + 1);
            return one;
        }
        if (take("+")) return is_number ? one : std::nullopt;
        const bool any_number = take("*");
        if (!any_number && !take("?")) return one;
        if (*one == Words{" "}) return Words{""};
        if (any_number) return std::nullopt;
        one->insert(one->begin(), "");
        return one;
    }

    std::optional<Words> single(int depth) {
        if (take("[0-9]") || take("\\d")) return Words{"N"};
        if (take("(")) {
            take("?:");
            auto inside = choice(depth + 1);
            if (!inside || !take(")")) return std::nullopt;
            return inside;
        }
        const bool is_escaped = take("\\");
        if (rest_.empty()) return std::nullopt;
        const char c = rest_[0];
        const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        const bool is_special = std::string_view(".[]{}()*+?^$|\\").find(c) != std::string_view::npos;
        if (is_escaped ? is_word : is_special) return std::nullopt;
        rest_.remove_prefix(1);
        return Words{std::string(1, c)};
    }

    std::string_view rest_;
};

}  // namespace

std::optional<std::vector<std::string>> words_of_pattern(std::string_view pattern) {
    return PatternReader(pattern).whole();
}

}  // namespace leat::config

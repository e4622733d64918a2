#include "config/suggest.hpp"

#include <algorithm>

#include "config/wording.hpp"

namespace leat::config {

std::size_t edits(std::string_view a, std::string_view b) {
    // Three rows of the table of Damerau and Levenshtein, restricted to swaps of neighbours.
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = std::min(now[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(now);
    }
    return last[b.size()];
}

std::optional<std::string> nearest(std::string_view written, const std::vector<std::string>& names) {
    constexpr std::size_t longest_name = 100;  // what is longer is no slip of the pen, and costs much to compare
    if (written.size() > longest_name) return std::nullopt;
    std::optional<std::string> best;
    std::size_t fewest = std::max<std::size_t>(1, written.size() / 3) + 1;
    for (const auto& name : names) {
        const auto count = edits(written, name);
        if (count < fewest && count < name.size()) {
            fewest = count;
            best = name;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view written, const std::vector<std::string>& names) {
    const auto name = nearest(written, names);
    return name ? "; did you mean \"" + *name + "\"?" : "";
}

std::string unknown_key(std::string_view written, const std::vector<std::string>& names,
                        const std::vector<std::string>& shown) {
    const auto suggestion = did_you_mean(written, names);
    if (shown.empty()) return "is no key here; none is";
    const std::string list = (shown.size() == 1 ? "only key is " : "keys are ") + joined(shown, "and");
    return "is no key here" + (suggestion.empty() ? "; the " : suggestion + " The ") + list;
}

}  // namespace leat::config

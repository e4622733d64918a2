#include "config/suggest.hpp"

#include <algorithm>

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

std::string did_you_mean(std::string_view written, const std::vector<std::string>& names) {
    const std::string* best = nullptr;
    std::size_t fewest = std::max<std::size_t>(1, written.size() / 3) + 1;
    for (const auto& name : names) {
        const auto count = edits(written, name);
        if (count < fewest) {
            fewest = count;
            best = &name;
        }
    }
    return best ? "; did you mean \"" + *best + "\"?" : "";
}

}  // namespace leat::config

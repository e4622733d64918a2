#include "delivery/dead_letter.hpp"

namespace leat::delivery {
namespace {

constexpr std::uint64_t default_rows = 100;
constexpr double default_fraction = 0.01;
constexpr std::uint64_t rows_that_make_a_fraction_sure = 100'000;

}  // namespace

std::optional<Error> over_limit(const DeadLetters& letters, const config::DeadLetterSettings& limit,
                                std::uint64_t rows_read, bool ended) {
    const auto dead = letters.count();
    if (dead == 0) return std::nullopt;
    const bool by_default = !limit.rows && !limit.fraction;
    const auto most_rows = limit.rows.value_or(by_default ? default_rows : 0);
    const auto fraction = limit.fraction.value_or(by_default ? default_fraction : 0);
    if (dead <= most_rows) return std::nullopt;
    if (fraction > 0) {
        if (!ended && rows_read < rows_that_make_a_fraction_sure) return std::nullopt;
        if (static_cast<double>(dead) <= fraction * static_cast<double>(rows_read)) return std::nullopt;
    }
    std::string allowed;
    if (most_rows > 0 || fraction <= 0) allowed = std::to_string(most_rows) + " rows";
    if (fraction > 0) {
        std::string percent = std::to_string(100 * fraction);
        percent.erase(percent.find_last_not_of('0') + 1);
        if (percent.back() == '.') percent.pop_back();
        allowed += (allowed.empty() ? "" : " or ") + percent + " %";
    }
    return Error(Errc::pipeline_execution, std::to_string(dead) + " of " + std::to_string(rows_read) +
                                               " rows became dead letters, more than dead_letters.limit allows (" +
                                               allowed + "); see " + letters.where_to_look() +
                                               " for the reasons, then mend the rows or raise the limit");
}

}  // namespace leat::delivery

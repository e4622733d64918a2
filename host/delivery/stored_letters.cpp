#include "delivery/stored_letters.hpp"

#include <utility>

#include "config/wording.hpp"

namespace leat::delivery {
namespace {

// No more than this waits to be stored.
constexpr std::size_t most_letters = 1'000;
constexpr std::size_t most_bytes = 1U << 20;

std::size_t size_of(const DeadLetter& letter) {
    return letter.reason.size() + letter.row.size() + letter.raw.size() + letter.bytes.size() + letter.position.size();
}

}  // namespace

StoredLetters::StoredLetters(LetterTable& table, std::string pipeline, std::string run, std::string where)
    : table_(table), pipeline_(std::move(pipeline)), run_(std::move(run)), where_(std::move(where)) {}

Result<> StoredLetters::add(std::span<const DeadLetter> letters) {
    if (letters.empty()) return done();
    const std::lock_guard lock(mutex_);
    const auto before = waiting_.size();
    const auto bytes_before = waiting_bytes_;
    waiting_.insert(waiting_.end(), letters.begin(), letters.end());
    for (auto letter = waiting_.begin() + static_cast<std::ptrdiff_t>(before); letter != waiting_.end(); ++letter) {
        know_columns(*letter);
        waiting_bytes_ += size_of(*letter);
    }
    count_.fetch_add(letters.size(), std::memory_order_release);
    if (waiting_.size() < most_letters && waiting_bytes_ < most_bytes) return done();
    auto stored = store();
    if (!stored) {
        // None of these were taken; those before them wait on.
        waiting_.resize(before);
        waiting_bytes_ = bytes_before;
        count_.fetch_sub(letters.size(), std::memory_order_release);
    }
    return stored;
}

// What comes before the first row is not stored yet, unless there is much of it.
void StoredLetters::source_gives(const std::shared_ptr<const std::string>& schema) {
    const std::lock_guard lock(mutex_);
    source_schema_ = schema;
    for (auto& letter : waiting_)
        know_columns(letter);
}

void StoredLetters::know_columns(DeadLetter& letter) const {
    if (letter.row.empty() && !letter.schema) letter.schema = source_schema_;
}

Result<> StoredLetters::make_durable() {
    if (stored_.load(std::memory_order_acquire) == count_.load(std::memory_order_acquire)) return done();
    const std::lock_guard lock(mutex_);
    return store();
}

Result<> StoredLetters::store() {
    if (waiting_.empty()) return done();
    BOOST_OUTCOME_TRYV(table_.add(pipeline_, lane_, run_, waiting_, true));
    stored_.fetch_add(waiting_.size(), std::memory_order_release);
    waiting_.clear();
    waiting_bytes_ = 0;
    return done();
}

std::uint64_t StoredLetters::give_up() {
    const std::lock_guard lock(mutex_);
    const auto lost = waiting_.size();
    count_.fetch_sub(lost, std::memory_order_release);
    waiting_.clear();
    waiting_bytes_ = 0;
    return lost;
}

std::string command_to_see_dead(const std::string& pipeline, const std::filesystem::path& state) {
    const bool is_default = state == ".leat";
    return "leat dead ls --pipeline " + config::printable(pipeline) + (is_default ? "" : " --state " + state.string());
}

}  // namespace leat::delivery

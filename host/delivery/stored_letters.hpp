// The dead letters of one pipeline's run, on their way into the state directory.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "delivery/letter_table.hpp"

namespace leat::delivery {

/// Letters are collected and stored together, at the latest when a bucket is committed.
class StoredLetters final : public DeadLetters {
public:
    /// `table` must outlive it.
    /// @param run    its name
    /// @param where  the command that shows them
    StoredLetters(LetterTable& table, std::string pipeline, std::string run, std::string where);

    void tie_to(const std::string& lane) override { lane_ = lane; }
    void source_gives(const std::shared_ptr<const std::string>& schema) override;
    Result<> add(std::span<const DeadLetter> letters) override;
    Result<> make_durable() override;
    std::uint64_t give_up() override;
    std::uint64_t count() const noexcept override { return count_.load(std::memory_order_relaxed); }
    std::string where_to_look() const override { return where_; }

private:
    Result<> store();
    void know_columns(DeadLetter& letter) const;

    LetterTable& table_;
    const std::string pipeline_;
    const std::string run_;
    const std::string where_;
    std::string lane_;
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> stored_{0};  // of count_; in the usual case, when all are, no lock is taken
    std::mutex mutex_;
    std::vector<DeadLetter> waiting_;  // guarded by mutex_, like the next
    std::size_t waiting_bytes_ = 0;
    std::shared_ptr<const std::string> source_schema_;
};

/// "leat dead ls --pipeline orders", with --state where that is needed.
std::string command_to_see_dead(const std::string& pipeline, const std::filesystem::path& state);

}  // namespace leat::delivery

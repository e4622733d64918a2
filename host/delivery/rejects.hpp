// The dead letters of one pipeline's run without a state: one NDJSON line each, in a file beside the receipt.
#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>

#include "delivery/dead_letter.hpp"

namespace leat::delivery {

class Rejects final : public DeadLetters {
public:
    /// `directory` must outlive it.
    Rejects(const std::filesystem::path& directory, std::string pipeline);
    Rejects(std::filesystem::path&& directory, std::string pipeline) = delete;
    ~Rejects() override;
    Rejects(const Rejects&) = delete;
    Rejects& operator=(const Rejects&) = delete;

    /// Appends the letters to PIPELINE.rejects.ndjson, which is made for the first one. A file that was cut off in the
    /// middle of a line, by a crash or a full disk, goes on with a new line.
    Result<> add(std::span<const DeadLetter> letters) override;
    Result<> make_durable() override;
    std::uint64_t count() const noexcept override { return count_.load(std::memory_order_relaxed); }
    std::string where_to_look() const override { return file().string(); }

    std::filesystem::path file() const { return directory_ / (pipeline_ + ".rejects.ndjson"); }

private:
    Result<> open();
    Result<> append(std::string_view lines);

    const std::filesystem::path& directory_;
    const std::string pipeline_;
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> durable_{0};  // of count_; in the usual case, when all are, no lock is taken
    std::mutex mutex_;
    int descriptor_ = -1;  // guarded by mutex_
};

}  // namespace leat::delivery

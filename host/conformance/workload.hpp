// Ordinary work for an instance, as a run would give it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/bench.hpp"

namespace leat::conformance {

/// The buckets of one lane, each with its token: opaque bytes, of which sinks may believe nothing.
class Lane {
public:
    explicit Lane(bool with_tokens, std::string name = "test/load")
        : with_tokens_(with_tokens), name_(std::move(name)) {}

    const std::string& name() const { return name_; }
    /// Of bucket `number`; of 0, which is before the first: empty.
    std::string token(std::uint64_t number) const;

    /// The batches of bucket `number`, whose rows no other bucket has.
    static Result<std::vector<Batch>> batches(Bench& bench, std::uint64_t number);

    /// begin, write*, commit.
    Result<> load(Live& live, Bench& bench, std::uint64_t number, std::uint32_t attempt = 1) const;
    /// begin and write*.
    Result<> fill(Live& live, const std::vector<Batch>& batches, std::uint64_t number, std::uint32_t attempt = 1) const;
    Result<> commit(Live& live, const std::vector<Batch>& batches, std::uint64_t number,
                    std::uint32_t attempt = 1) const;
    void abort(Live& live, const std::vector<Batch>& batches, std::uint64_t number, std::uint32_t attempt = 1) const;

    /// What begin and commit are told; points into `tokens`.
    struct Tokens {
        std::string prev, token;
    };
    Tokens tokens(std::uint64_t number) const { return {token(number - 1), token(number)}; }
    plugin::Instance::BucketHead head(const std::vector<Batch>& batches, std::uint64_t number, std::uint32_t attempt,
                                      const Tokens& tokens) const;

private:
    const bool with_tokens_;
    const std::string name_;
};

/// Reads, processes or writes a little, and checks no more than that the calls succeed. The instance is open.
Result<> work(Live& live, Bench& bench);

/// Why a component is not put to work; empty: it is.
std::string idle_kind(const plugin::Component& component);

/// How much went to standard output until now.
std::size_t printed();

/// What is in the files below the current directory, and went to standard output since: path and content.
std::vector<std::pair<std::string, std::string>> files_here(std::size_t printed_before);

}  // namespace leat::conformance

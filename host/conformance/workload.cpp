#include "conformance/workload.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace leat::conformance {

using plugin::Kind;

std::string Lane::token(std::uint64_t number) const {
    if (!with_tokens_ || number == 0) return {};
    // No text: a NUL, bytes that are no UTF-8, a line break; one of them as long as they may be.
    std::string out = std::string("\x01\0\xff\n'\"", 6) + "bucket " + std::to_string(number);
    if (number == 3) out.resize(4096, '\xfe');
    return out;
}

Result<std::vector<Batch>> Lane::batches(Bench& bench, std::uint64_t number) {
    std::vector<Batch> out;
    const auto first = static_cast<std::int64_t>(number - 1) * 100;
    BOOST_OUTCOME_TRY(auto one, bench.rows(first, 60));
    out.push_back(std::move(one));
    BOOST_OUTCOME_TRY(auto other, bench.rows(first + 60, 40));
    out.push_back(std::move(other));
    return out;
}

plugin::Instance::BucketHead Lane::head(const std::vector<Batch>& batches, std::uint64_t number, std::uint32_t attempt,
                                        const Tokens& tokens) const {
    plugin::Instance::BucketHead out;
    out.id = number;
    out.attempt = attempt;
    out.lane = name_.c_str();
    out.prev = tokens.prev;
    out.token = tokens.token;
    for (const auto& batch : batches) {
        out.rows += static_cast<std::uint64_t>(batch.rows());
        out.bytes += batch.bytes();
    }
    return out;
}

Result<> Lane::fill(Live& live, const std::vector<Batch>& batches, std::uint64_t number, std::uint32_t attempt) const {
    const auto with = tokens(number);
    BOOST_OUTCOME_TRY(expect_ok(live.begin(head(batches, number, attempt, with)), "begin"));
    for (const auto& batch : batches) {
        BOOST_OUTCOME_TRY(expect_ok(live.write(batch), "write"));
    }
    return done();
}

Result<> Lane::commit(Live& live, const std::vector<Batch>& batches, std::uint64_t number,
                      std::uint32_t attempt) const {
    const auto with = tokens(number);
    return expect_ok(live.commit(head(batches, number, attempt, with)), "commit");
}

void Lane::abort(Live& live, const std::vector<Batch>& batches, std::uint64_t number, std::uint32_t attempt) const {
    const auto with = tokens(number);
    live.abort(head(batches, number, attempt, with));
}

Result<> Lane::load(Live& live, Bench& bench, std::uint64_t number, std::uint32_t attempt) const {
    BOOST_OUTCOME_TRY(const auto all, batches(bench, number));
    BOOST_OUTCOME_TRY(fill(live, all, number, attempt));
    return commit(live, all, number, attempt);
}

Result<> work(Live& live, Bench& bench) {
    switch (bench.component().kind) {
        case Kind::source: {
            ReadLimits little;
            little.rows = 1000;
            BOOST_OUTCOME_TRY(const auto read, read_all(live, little));
            for (const auto& mark : read.marks) {
                BOOST_OUTCOME_TRY(expect_ok(live.ack(mark.position), "ack"));
            }
            return done();
        }
        case Kind::transform:
            for (std::int64_t i = 0; i < 3; ++i) {
                BOOST_OUTCOME_TRY(const auto batch, bench.rows(i * 100, 100));
                BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process"));
                BOOST_OUTCOME_TRY(expect_ok(live.flush(i == 2), "flush"));
            }
            live.out().batches.clear();
            return done();
        case Kind::sink: {
            const Lane lane(bench.component().promises(LEAT_TRANSACTIONAL));
            std::string token;
            if (bench.component().has_recover) {
                BOOST_OUTCOME_TRY(expect_ok(live.recover(lane.name(), token), "recover"));
            }
            // Where an earlier instance has loaded already, this one goes on.
            std::uint64_t next = 1;
            while (!token.empty() && next < 1000 && lane.token(next) != token)
                ++next;
            if (!token.empty()) ++next;
            for (const auto last = next + 2; next <= last; ++next) {
                BOOST_OUTCOME_TRY(lane.load(live, bench, next));
            }
            return done();
        }
        case Kind::runner:
        case Kind::pipeline:
            break;
    }
    return done();
}

std::string idle_kind(const plugin::Component& component) {
    if (component.kind == Kind::runner || component.kind == Kind::pipeline)
        return "a " + std::string(plugin::kind_name(component.kind)) + " is only run as a whole";
    return {};
}

std::size_t printed() {
    std::error_code error;
    const auto size = std::filesystem::file_size("/proc/self/fd/1", error);
    return error ? 0 : size;
}

std::vector<std::pair<std::string, std::string>> files_here(std::size_t printed_before) {
    namespace fs = std::filesystem;
    std::vector<std::pair<std::string, std::string>> out;
    const auto add = [&](const std::string& name, const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        out.emplace_back(name, std::string{std::istreambuf_iterator<char>(in), {}});
    };
    std::error_code error;
    for (fs::recursive_directory_iterator at(".", error), end; !error && at != end; at.increment(error)) {
        if (at->is_regular_file(error)) add(at->path().string(), at->path());
    }
    add("standard output", "/proc/self/fd/1");
    out.back().second.erase(0, printed_before);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace leat::conformance

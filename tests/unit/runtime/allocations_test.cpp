// What is taken from the heap while rows move: by the host alone, for the plugins have an operator new of their own;
// and by both together.
#include "sdk/allocations.hpp"
#include "lab.hpp"
#include "sdk/process_allocations.hpp"

using namespace leat::test;
namespace config = leat::config;

namespace {

constexpr std::uint64_t few = 2'000, many = 22'000;  // batches of a short and of a long run

/// Allocations per batch, once everything is warm: what a long run takes beyond a short one.
double per_batch(const std::string& what, std::uint64_t batch,
                 const std::function<void(Lab&, std::uint64_t rows)>& set_up,
                 const std::function<std::uint64_t()>& allocations = heap_allocations) {
    const auto count = [&](std::uint64_t batches) {
        Lab lab;
        set_up(lab, batches * batch);
        auto& manager = lab.manager();
        const auto before = allocations();
        const auto receipt = manager.run_all(lab.stop);
        const auto after = allocations();
        BOOST_TEST(receipt.pipelines[0].delivered == batches * batch);
        BOOST_TEST(receipt.pipelines[0].stages[0].batches == batches);
        return static_cast<double>(after - before);
    };
    count(few);  // what is pooled for the process is in its pool
    const auto short_run = count(few), long_run = count(many);
    const auto out = (long_run - short_run) / static_cast<double>(many - few);
    BOOST_TEST_MESSAGE(what << ", " << batch << " rows a batch: " << out << " allocations per batch");
    return out;
}

config::PipelineSettings& generate(Lab& lab, std::uint64_t rows, std::uint64_t batch,
                                   const std::vector<std::string>& transforms) {
    auto& out = lab.add("generate {'rows': " + std::to_string(rows) + ", 'batch': " + std::to_string(batch) + "}",
                        transforms, "null");
    out.bucket.rows = 1000;
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(allocations_)

BOOST_AUTO_TEST_CASE(none_per_row_and_none_per_batch_when_nothing_blocks) {
    for (const std::uint64_t batch : {1, 10, 100, 1000}) {
        BOOST_TEST(per_batch("generate -> identity -> identity -> null", batch, [&](Lab& lab, std::uint64_t rows) {
                       generate(lab, rows, batch, {"identity", "identity"});
                   }) < 0.01);
    }
}

BOOST_AUTO_TEST_CASE(at_most_eight_per_batch_and_none_per_row_with_those_of_the_plugins) {
    for (const std::uint64_t batch : {1, 10, 100, 1000}) {
        const auto taken = per_batch(
            "generate -> identity -> identity -> null, with plugins", batch,
            [&](Lab& lab, std::uint64_t rows) {
                auto& pipeline =
                    lab.add("generate {'columns': {'id': 'sequence', 'name': 'text'}, 'rows': " + std::to_string(rows) +
                                ", 'batch': " + std::to_string(batch) + "}",
                            {"identity", "identity"}, "null");
                pipeline.bucket.rows = 1000;
            },
            process_allocations);
        BOOST_TEST(taken < 8);
        // The nodes of the one batch that is made: a count of none would mean that nobody counts.
        BOOST_TEST(std::abs(taken - 1) < 0.01);
    }
}

// A task that was parked is posted from another thread, and Asio takes its memory for that from the heap: a few times
// whenever one side has waited for the other, however many rows a batch has.
BOOST_AUTO_TEST_CASE(none_per_row_and_few_per_batch_between_threads) {
    for (const std::uint64_t batch : {1, 10, 100}) {
        BOOST_TEST(per_batch("generate -> identity -> null on threads", batch, [&](Lab& lab, std::uint64_t rows) {
                       generate(lab, rows, batch, {"identity"}).bucket.workers = 2;
                   }) < 0.2);
    }
    BOOST_TEST(per_batch("csv -> identity -> null", 10, [&](Lab& lab, std::uint64_t rows) {
                   std::ofstream file(lab.folder / "in.csv");
                   file << "n\n";
                   for (std::uint64_t i = 0; i < rows; ++i)
                       file << i << "\n";
                   lab.add("csv {'path': '$/in.csv'}", {"identity"}, "null").bucket.rows = 10;
               }) < 1.2);
}

BOOST_AUTO_TEST_CASE(none_per_item_of_a_runner) {
    for (const std::uint32_t workers : {1u, 2u}) {
        const auto count = [&](std::uint64_t items) {
            Lab lab;
            auto& pipeline = lab.add_run("typed.plain {'count': " + std::to_string(items) + "}");
            pipeline.bucket.rows = 1000;
            pipeline.bucket.workers = workers;
            auto& manager = lab.manager();
            const auto before = heap_allocations();
            const auto receipt = manager.run_all(lab.stop);
            const auto after = heap_allocations();
            BOOST_TEST(receipt.pipelines[0].delivered == items);
            return static_cast<double>(after - before);
        };
        const auto short_run = count(10'000), long_run = count(210'000);
        const auto per_item = (long_run - short_run) / 200'000;
        BOOST_TEST_MESSAGE(workers << " workers: " << per_item << " allocations per item");
        BOOST_TEST(per_item < 0.001);
    }
}

BOOST_AUTO_TEST_SUITE_END()

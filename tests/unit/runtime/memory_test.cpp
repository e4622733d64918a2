// The budget of memory: what is on its way never takes more, and nothing is lost for want of it.
#include "base/memory.hpp"

#include <atomic>

#include "lab.hpp"
#include "rows.hpp"

using leat::process_memory;
using leat::StopState;
using leat::runtime::Outcome;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

/// Looks at the memory in use until it goes.
class Watch {
public:
    Watch()
        : thread_([this] {
              while (!over_.load()) {
                  most_ = std::max(most_, process_memory().bytes_in_use());
                  std::this_thread::yield();
              }
          }) {}
    ~Watch() { thread_.join(); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    std::uint64_t most() {
        over_.store(true);
        thread_.join();
        thread_ = std::thread([] {});
        return most_;
    }

private:
    std::uint64_t most_ = 0;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

constexpr std::uint64_t mib = 1u << 20;

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_budget)

BOOST_AUTO_TEST_CASE(many_pipelines_with_large_buckets_keep_to_it) {
    Lab lab;
    lab.settings.memory = 2 * mib;
    lab.settings.manager.workers = 6;
    std::ofstream file(lab.folder / "in.csv");
    file << "n,text\n";
    for (int i = 0; i < 20'000; ++i)
        file << i << ',' << std::string(100, 'x') << '\n';
    file.close();
    for (int i = 0; i < 6; ++i) {
        // Alone, each bucket would take all of it, and wait for more for an hour.
        auto& pipeline = lab.add("csv {'path': '$/in.csv'}", {"identity"}, "null", "p" + std::to_string(i));
        pipeline.bucket.rows = 1'000'000;
        pipeline.bucket.bytes = 64 * mib;
        pipeline.bucket.timeout = 1h;
        pipeline.bucket.workers = static_cast<std::uint32_t>(1 + i % 2);
    }
    Watch watch;
    const auto receipt = lab.run();
    BOOST_TEST(watch.most() <= 2 * mib);
    for (const auto& one : receipt.pipelines) {
        BOOST_TEST(error_of(one) == "");
        BOOST_TEST(account(one) == "done: read 20000 + added 0 = delivered 20000 + filtered 0 + dead 0, unsettled 0");
        BOOST_TEST(one.buckets > 1u);
    }
}

BOOST_AUTO_TEST_CASE(what_can_never_fit_is_an_error_with_both_numbers) {
    Lab lab;
    lab.settings.memory = 1 * mib;
    lab.add("csv {'path': '$/in.csv'}", {}, "null");
    std::ofstream(lab.folder / "in.csv") << "text\n" << std::string(3'000'000, 'x') << '\n';
    const auto receipt = lab.run_one();
    const auto error = error_of(receipt);
    BOOST_TEST(error.find("pipeline \"p\": extract csv: read needs a block of ") == 0u, error);
    BOOST_TEST(error.find(", which does not fit into memory: 1MiB; raise memory, or make batches smaller") !=
                   std::string::npos,
               error);
    BOOST_CHECK(receipt.error->code() == leat::Errc::configuration);
    BOOST_TEST(receipt.balanced, receipt.imbalance);
}

BOOST_AUTO_TEST_CASE(a_source_that_waits_for_memory_hears_a_stop) {
    for (const auto state : {StopState::drain, StopState::stop}) {
        Lab lab;
        lab.settings.memory = 1 * mib;
        std::ofstream(lab.folder / "in.csv") << "text\n" << std::string(100'000, 'x') << '\n';
        lab.add("csv {'path': '$/in.csv'}", {}, "null");
        // Nothing gives this back: the source may wait for long.
        auto& memory = process_memory();
        memory.set_limit(1 * mib);
        void* const taken = memory.allocate(mib - memory.bytes_in_use() - 1024, memory.new_owner());
        BOOST_TEST_REQUIRE(taken);
        const auto receipt = lab.run_one_while([&] {
            wait_until([&] { return memory.waiting() > 0; });
            lab.stop.request(state);
        });
        memory.release(taken);
        BOOST_TEST(error_of(receipt) == "");
        BOOST_CHECK(receipt.outcome == Outcome::stopped);
        BOOST_TEST(account(receipt) == "stopped: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 0");
        BOOST_TEST(receipt.seconds < 5.0);  // it does not wait to the end of its patience
    }
}

BOOST_AUTO_TEST_SUITE_END()

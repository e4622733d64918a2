// Typed pipelines and buckets of items, against the host of testing.hpp.
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using leat::context;
using leat::testing::instance;

/// Numbers to texts; what it loads stands in `loaded`, a line for each bucket.
struct Typed {
    explicit Typed(context& ctx) : count(ctx.integer("/count")), fault(ctx.text("/fault", "")) {}
    void pre_process(context&) { calls += "pre "; }
    void extract(context&, leat::output<std::unique_ptr<int>>& out) {
        for (int i = 0; i < count; ++i) {
            if (fault == "extract" && i == 3) throw leat::error(LEAT_ERR_CONFIG, "no more orders");
            out.emit(std::make_unique<int>(i));
        }
    }
    std::optional<std::string> transform(context&, std::unique_ptr<int> in) {
        if (fault == "reject" && *in == 2) throw leat::error(LEAT_ERR_DATA, "2 is not for us");
        if (*in % 4 == 3) return std::nullopt;
        return std::to_string(*in);
    }
    void load(context&, leat::items<std::string>& whole) {
        if (fault == "load") throw leat::error(LEAT_ERR_BROKEN, "the target is gone");
        loaded += std::to_string(whole.number()) + ":";
        for (std::string& one : whole)
            loaded += " " + one;
        loaded += " (" + std::to_string(whole.size()) + ")\n";
    }
    void post_process(context&, leat_status outcome) {
        calls += "post " + std::to_string(outcome);
        if (fault == "post") throw leat::error(LEAT_ERR_FATAL, "post had enough");
        if (fault == "load") throw leat::error(LEAT_ERR_FATAL, "post had enough, too");
    }
    std::int64_t count;
    std::string fault, calls, loaded;
};

constexpr const char* any_keys = R"({"type": "object"})";
constexpr leat_component typed = leat::pipeline<Typed>({"test.typed", "Numbers to texts", any_keys});

struct Typing {
    explicit Typing(const std::string& fault, std::uint64_t rows = 3, int stop_state = LEAT_RUN)
        : one(typed, R"({"count": 8, "fault": ")" + fault + "\"}") {
        one.stop(stop_state);
        status = one.run(rows);
        const auto& component = leat::detail::self_of<Typed>(one.self()).component;
        calls = component.calls;
        loaded = component.loaded;
    }
    instance one;
    leat_status status = LEAT_OK;
    std::string calls, loaded;
};

/// A runner with a bucket of its own, without deliver.
struct Direct {
    explicit Direct(context&) {}
    void run(context& ctx, const leat_bucket_config& limits, std::string_view) {
        leat::bucket<std::vector<int>> bucket(ctx, limits, *this);
        for (int i = 0; i < 5; ++i)
            bucket.consume(std::vector<int>(static_cast<std::size_t>(i), i));
        bucket.join();
    }
    void process(context&, leat::items<std::vector<int>>& whole) {
        for (const auto& one : whole)
            sizes += std::to_string(one.size());
        whole.filter(1);
    }
    std::string sizes;
};

constexpr leat_component direct = leat::runner<Direct>({"test.direct", "Counts", any_keys});

struct Forgetful {
    explicit Forgetful(context&) {}
    void run(context& ctx, const leat_bucket_config& limits, std::string_view) {
        kept = std::make_unique<leat::bucket<int>>(ctx, limits, *this);
    }
    void process(context&, leat::items<int>&) {}
    std::unique_ptr<leat::bucket<int>> kept;  // instead of join
};

constexpr leat_component forgetful = leat::runner<Forgetful>({"test.forgetful", "Leaks", any_keys});

}  // namespace

BOOST_AUTO_TEST_SUITE(items)

BOOST_AUTO_TEST_CASE(go_from_extract_to_load_and_none_is_lost) {
    Typing run("");
    BOOST_TEST(run.status == LEAT_OK);
    BOOST_TEST(run.calls == "pre post 0");
    BOOST_TEST(run.loaded == "1: 0 1 2 (3)\n2: 4 5 (2)\n3: 6 (1)\n");
    BOOST_TEST(run.one.items_delivered == 6u);
    BOOST_TEST(run.one.items_filtered == 2u);
    BOOST_TEST(run.one.finish() == "");
    BOOST_TEST(typed.kind == static_cast<std::uint32_t>(LEAT_RUNNER));
}

BOOST_AUTO_TEST_CASE(that_are_rejected_become_dead_letters) {
    Typing run("reject", 100);
    BOOST_TEST(run.status == LEAT_OK);
    BOOST_TEST(run.loaded == "1: 0 1 4 5 6 (5)\n");
    BOOST_TEST(run.one.rejects.size() == 1u);
    BOOST_TEST(run.one.rejects.at(0).why == "2 is not for us");
    BOOST_TEST(run.one.items_filtered == 2u);
    BOOST_TEST(run.one.finish() == "");
}

BOOST_AUTO_TEST_CASE(end_with_the_first_failure_and_post_process_hears_of_it) {
    Typing extract("extract");
    BOOST_TEST(extract.status == LEAT_ERR_CONFIG);
    BOOST_TEST(extract.one.failure() == "no more orders");
    BOOST_TEST(extract.calls == "pre post " + std::to_string(LEAT_ERR_CONFIG));

    Typing load("load");
    BOOST_TEST(load.status == LEAT_ERR_BROKEN);
    BOOST_TEST(load.one.failure() == "the target is gone");
    BOOST_TEST(load.one.logs.at(0).text == "post had enough, too failed, too=post_process");

    Typing post("post");
    BOOST_TEST(post.status == LEAT_ERR_FATAL);
    BOOST_TEST(post.one.failure() == "post had enough");
    for (auto* const run : {&extract, &load, &post})
        BOOST_TEST(run->one.finish() == "");
}

BOOST_AUTO_TEST_CASE(are_refused_after_a_stop) {
    Typing run("", 3, LEAT_DRAIN);
    BOOST_TEST(run.status == LEAT_ERR_CANCELLED);
    BOOST_TEST(run.loaded == "");
    BOOST_TEST(run.calls == "pre post " + std::to_string(LEAT_ERR_CANCELLED));
    BOOST_TEST(run.one.finish() == "");
}

BOOST_AUTO_TEST_CASE(may_be_of_any_movable_type_in_a_runner_of_ones_own) {
    instance run(direct);
    BOOST_TEST(run.run(2) == LEAT_OK);
    BOOST_TEST(leat::detail::self_of<Direct>(run.self()).component.sizes == "01234");
    BOOST_TEST(run.items_filtered == 3u);
    BOOST_TEST(run.items_delivered == 2u);
    BOOST_TEST(run.finish() == "");
}

BOOST_AUTO_TEST_CASE(of_a_bucket_that_was_not_joined_are_a_wrong) {
    instance run(forgetful);
    BOOST_TEST(run.run(2) == LEAT_OK);
    BOOST_TEST(run.finish() == "run returned before it had joined its bucket\n");
}

BOOST_AUTO_TEST_SUITE_END()

// testing.hpp itself: what a plugin does wrong is found and named.
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>
#include <utility>

namespace {

using leat::batch;
using leat::context;
using leat::testing::instance;

/// Breaks the rule that its configuration names.
struct Wrong {
    explicit Wrong(context& ctx) : how_(ctx.text("/how")) {}
    void process(context& ctx, batch in) {
        if (how_ == "leaks a block") lost_ = ctx.alloc(100).release();
        if (how_ == "keeps a batch") kept_ = new batch(std::exchange(in, {}));
        if (how_ == "longer than its columns") in.raw().array.length = in.rows() + 1;
        if (how_ == "counts nulls wrong") in.raw().array.children[0]->null_count = 1;
        if (how_ == "offset out of the buffer") in.raw().array.children[1]->offset = 1000;
        if (how_ == "emits nothing") in.reset();
        if (how_ == "rejects row 9") ctx.reject_row(9, "no reason");
        if (how_ == "other thread") {
            std::thread([&] {
                try {
                    ctx.emit(std::move(in));
                } catch (const leat::error&) {
                }
            }).join();
            return;
        }
        ctx.emit(std::move(in));
    }
    std::string how_;
    void* lost_ = nullptr;
    batch* kept_ = nullptr;
};

constexpr leat_component wrong = leat::transform<Wrong>({"test.wrong", "Breaks a rule"});

std::string found(const char* how, leat_status status) {
    leat::testing::host h;
    batch in = h.batch_of({{"n", leat::i64}, {"s", leat::utf8}}, R"([[1, "a"], [2, "b"]])");
    instance i(wrong, std::string("{\"how\": \"") + how + "\"}");
    BOOST_TEST(i.process(in) == status);
    Wrong& component = leat::detail::self_of<Wrong>(i.self()).component;
    void* const lost = component.lost_;
    batch* const kept = component.kept_;
    std::string out = i.finish();
    if (lost != nullptr) h.ctx().host().dealloc(lost);
    delete kept;
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mock_host)

BOOST_AUTO_TEST_CASE(counts_what_is_leaked) {
    BOOST_TEST(found("leaks a block", LEAT_OK) == "1 blocks of 100 bytes are not given back\n");
    BOOST_TEST(found("keeps a batch", LEAT_ERR_CANCELLED) ==
               "1 batches are not released\nemit of a batch that was released or moved\n");
}

BOOST_AUTO_TEST_CASE(finds_malformed_batches) {
    BOOST_TEST(found("longer than its columns", LEAT_ERR_CANCELLED) ==
               "emit of a malformed batch: column '(the batch).n': has 2 cells from 0 on, at least 3 are due\n");
    BOOST_TEST(found("counts nulls wrong", LEAT_ERR_CANCELLED) ==
               "emit of a malformed batch: column '(the batch).n': claims 1 NULLs and has 0\n");
    BOOST_TEST(found("emits nothing", LEAT_ERR_CANCELLED) == "emit of a batch that was released or moved\n");
}

BOOST_AUTO_TEST_CASE(finds_rejects_of_rows_that_are_not_there) {
    BOOST_TEST(found("rejects row 9", LEAT_ERR_FATAL) == "reject_rows of row 9, which the batch has not\n");
}

BOOST_AUTO_TEST_CASE(finds_calls_on_another_thread) {
    BOOST_TEST(found("other thread", LEAT_OK) == "emit on a thread that is not inside a call of this instance\n");
}

BOOST_AUTO_TEST_CASE(stop_handle_becomes_readable) {
    leat::testing::host h;
    const auto fd = static_cast<int>(h.raw()->host->stop_handle(h.raw()));
    BOOST_REQUIRE(fd >= 0);
    h.stop(LEAT_STOP);
    char byte = 1;
    BOOST_TEST(::read(fd, &byte, 1) == 1);
    BOOST_TEST(h.ctx().stop_state() == LEAT_STOP);
}

BOOST_AUTO_TEST_CASE(says_where_a_json_text_is_wrong) {
    BOOST_CHECK_EXCEPTION(leat::testing::parse_json(R"({"a": })"), std::invalid_argument, [](const auto& e) {
        return std::string(e.what()) == R"(JSON: no value at byte 6 of {"a": })";
    });
    BOOST_CHECK_THROW(leat::testing::parse_json("[1 2]"), std::invalid_argument);
    BOOST_CHECK_THROW(leat::testing::parse_json("\"a"), std::invalid_argument);
    BOOST_TEST(leat::testing::json_text(leat::testing::parse_json(R"( {"a": [1, -2.5, null, true], "b\n": "c"} )")) ==
               R"({"a":[1,-2.5,null,true],"b\n":"c"})");
}

BOOST_AUTO_TEST_CASE(names_the_components_there_are) {
    BOOST_CHECK_EXCEPTION(
        leat::testing::library(LEAT_EXAMPLE_C).component("x"), std::invalid_argument,
        [](const auto& e) { return std::string(e.what()) == "no component 'x'; there are hello.identity"; });
    BOOST_CHECK_THROW(leat::testing::library("/nowhere.so"), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

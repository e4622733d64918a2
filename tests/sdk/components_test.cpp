// source<T>, transform<T>, sink<T>, pipeline<T>, runner<T>: which methods are found, what crosses the fence.
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

namespace {

using leat::batch;
using leat::context;
using leat::testing::instance;

struct Pass {
    void process(context& ctx, batch& in) { ctx.emit(in); }
};

/// Fails as its configuration says.
struct Fail {
    explicit Fail(context& ctx) : how_(ctx.text("/how")) {
        if (how_ == "create") throw leat::error(LEAT_ERR_CONFIG, "cannot be made");
    }
    void process(context& ctx, batch in) {
        if (how_ == "error") throw leat::error(LEAT_ERR_BROKEN, "lost the connection");
        if (how_ == "memory") throw std::bad_alloc();
        if (how_ == "exception") throw std::out_of_range("row 7");
        if (how_ == "other") throw 7;
        if (how_ == "after emit") {
            ctx.emit(std::move(in));
            throw leat::error(LEAT_ERR_RETRY, "later");
        }
    }
    std::string how_;
};

struct Keep {  // by value: may hold on to what it was given
    void process(context&, batch in) { kept_.push_back(std::move(in)); }
    void flush(context& ctx, bool last) {
        if (!last) return;
        for (batch& b : kept_)
            ctx.emit(std::move(b));
        kept_.clear();
    }
    std::string save(context&) { return std::to_string(kept_.size()); }
    void open(context&, std::string_view state) { state_ = state; }
    leat::fields derive(context&, const leat_schema* in) {
        leat::fields out = leat::fields_of(leat::schema_view(in));
        out.push_back({"state", leat::utf8});
        return out;
    }
    std::vector<batch> kept_;
    std::string state_;
};

struct Rejecting {
    void process(context& ctx, batch& in) {
        const leat::column<std::int64_t> n(in, "n");
        std::vector<std::int64_t> bad;
        leat::builder out(ctx, in.schema_handle());
        for (std::int64_t row = 0; row < n.size(); ++row) {
            if (n[row] < 0) {
                bad.push_back(row);
            } else {
                out.put(0, n[row]).end_row();
            }
        }
        ctx.reject_rows(bad, "n is negative");
        ctx.emit(out.finish());
    }
};

struct Sharing {
    void process(context& ctx, batch& in) {
        batch twin = ctx.share(in);
        twin.crop(0, 1);
        ctx.emit(std::move(twin));
        ctx.emit(in);
    }
};

struct Lines {
    bool read(context& ctx, const leat_bucket_config& hint) {
        leat::builder out(ctx, {{"n", leat::i64}});
        for (std::uint64_t i = 0; i < hint.max_rows; ++i)
            out.put(0, i).end_row();
        ctx.reject_raw("a,b", "lines.csv:7: 2 fields where 3 are due");
        ctx.progress(50, 200, "bytes");
        ctx.metric(LEAT_COUNTER, "lines", "1").record(2);
        ctx.metric(LEAT_COUNTER, "lines", "1").record(3);
        ctx.emit(out.finish(), "7");
        return false;
    }
    void ack(context& ctx, std::string_view position) {
        ctx.info("acknowledged", {{"position", position}, {"ok", true}});
    }
};

struct Idle {
    leat_status read(context&) { return LEAT_IDLE; }
};

struct Loader {
    explicit Loader(context& ctx) : fail_(ctx.integer("/fail", 0)) {}
    leat_status load(context& ctx, const leat_bucket& bucket, std::vector<batch>& batches) {
        if (fail_-- > 0) return ctx.host().fail(ctx.raw(), LEAT_ERR_RETRY, "busy", LEAT_CSTR);
        std::int64_t rows = 0;
        for (const batch& b : batches)
            rows += b.rows();
        ctx.info("loaded", {{"bucket", bucket.id}, {"batches", batches.size()}, {"rows", rows}, {"share", 0.5}});
        return LEAT_OK;
    }
    std::int64_t fail_;
};

struct Tokens {
    void begin(context&, const leat_bucket& bucket) { prev_ = leat::detail::view(&bucket.prev); }
    void write(context&, batch&) {}
    void commit(context&, const leat_bucket& bucket) { token_ = leat::detail::view(&bucket.token); }
    void abort(context& ctx, const leat_bucket&) { ctx.warn("aborted"); }
    std::string recover(context&, std::string_view lane) { return std::string(lane) + "=" + token_; }
    std::string prev_, token_;
};

struct Whole {
    void open(context& ctx) { ctx.info("open"); }
    bool read(context&) { return false; }
    void process(context& ctx, batch& in) { ctx.emit(in); }
    void write(context&, batch&) {}
    void pre_process(context& ctx) { ctx.info("pre"); }
    void post_process(context& ctx, leat_status outcome) { ctx.info("post", {{"outcome", outcome}}); }
    void close(context& ctx) { ctx.info("close"); }
};

struct Runs {
    void run(context& ctx, const leat_bucket_config& bucket, std::string_view resume) {
        ctx.checkpoint(std::string(resume) + "+" + std::to_string(bucket.max_rows));
        if (!ctx.wait(1)) throw leat::error(LEAT_ERR_CANCELLED);
    }
};

struct Waits {
    bool read(context& ctx) {
        if (!ctx.wait(60'000'000'000)) throw leat::error(LEAT_ERR_CANCELLED);
        return true;
    }
    void interrupt() noexcept {}
};

struct Config {
    explicit Config(context& ctx) {
        std::string out = ctx.text("/text") + "|" + std::to_string(ctx.integer("/deep/int")) + "|" +
                          std::to_string(ctx.boolean("/flag")) + "|" + std::to_string(ctx.number("/deep/int")) + "|";
        for (const std::string& item : ctx.texts("/list"))
            out += item + ";";
        for (const std::string& item : ctx.texts("/text"))
            out += item + ";";
        for (const std::string& key : ctx.keys("/types"))
            out += key + "=" + ctx.text("/types" + leat::step(key)) + ";";
        out += ctx.text("/absent", "otherwise") + "|" + std::string(ctx.json("/deep")) + "|" +
               std::to_string(ctx.has("/absent")) + "|" + std::to_string(ctx.integer("/defaulted"));
        ctx.info(out);
    }
    void write(context&, batch&) {}
};

struct Asks {
    explicit Asks(context& ctx) { ctx.integer(ctx.text("/pointer")); }
    void write(context&, batch&) {}
};

const leat_component& test_component(std::string_view id) {
    return leat::testing::component(*leat_plugin_v1(), id);
}

std::string logged(const instance& i) {
    std::string out;
    for (const auto& line : i.logs)
        out += line.text + "\n";
    return out;
}

batch numbers(leat::testing::host& h, const char* rows = "[[1], [-2], [3]]") {
    return h.batch_of({{"n", leat::i64}}, rows);
}

}  // namespace

LEAT_PLUGIN("tests", "1.0.0", "Apache-2.0", leat::transform<Pass>({"test.pass", "Passes on"}),
            leat::transform<Pass>(leat::about{"test.pass-again", "Passes on", "{}", LEAT_STATELESS}
                                      .with_docs("# Docs")
                                      .with_example("a: 1")),
            leat::transform<Fail>({"test.fail", "Fails"}), leat::transform<Keep>({"test.keep", "Keeps"}),
            leat::transform<Rejecting>({"test.reject", "Rejects"}), leat::transform<Sharing>({"test.share", "Shares"}),
            leat::source<Lines>({"test.lines", "Reads"}), leat::source<Idle>({"test.idle", "Waits"}),
            leat::source<Waits>({"test.waits", "Waits"}), leat::sink<Loader>({"test.load", "Loads"}),
            leat::sink<Tokens>({"test.tokens", "Commits"}), leat::sink<Asks>({"test.asks", "Asks"}),
            leat::sink<Config>({"test.config", "Reads its configuration",
                                R"({"properties": {"defaulted": {"type": "integer", "default": 42}}})"}),
            leat::pipeline<Whole>({"test.whole", "All in one"}), leat::runner<Runs>({"test.runs", "Runs"}))

BOOST_AUTO_TEST_SUITE(components)

BOOST_AUTO_TEST_CASE(of_one_class_under_two_ids_have_descriptors_of_their_own) {
    const leat_component& one = test_component("test.pass");
    const leat_component& two = test_component("test.pass-again");
    BOOST_TEST(&one != &two);
    BOOST_TEST(one.flags == 0U);
    BOOST_TEST(two.flags == LEAT_STATELESS);
    BOOST_TEST(one.config_schema == nullptr);
    BOOST_TEST(std::string(two.docs) == "# Docs");
    BOOST_TEST(std::string(two.example) == "a: 1");
}

BOOST_AUTO_TEST_CASE(leave_entries_empty_for_methods_that_are_not_there) {
    const leat_component& pass = test_component("test.pass");
    BOOST_TEST((pass.transform->process != nullptr));
    BOOST_TEST((pass.transform->open == nullptr));
    BOOST_TEST((pass.transform->flush == nullptr));
    BOOST_TEST((pass.transform->derive == nullptr));
    BOOST_TEST((pass.transform->interrupt == nullptr));
    BOOST_TEST(pass.source == nullptr);
    const leat_component& whole = test_component("test.whole");
    BOOST_TEST((whole.source->open != nullptr));
    BOOST_TEST((whole.sink->open == nullptr));
    BOOST_TEST((whole.transform->process != nullptr));
    BOOST_TEST((whole.hooks->post_process != nullptr));
}

BOOST_AUTO_TEST_CASE(turn_exceptions_into_statuses) {
    leat::testing::host h;
    batch in = numbers(h);
    const auto fails = [&in](const char* how, leat_status status, const std::string& text) {
        instance i(test_component("test.fail"), std::string("{\"how\": \"") + how + "\"}");
        BOOST_TEST(i.process(in) == status);
        BOOST_TEST(i.failure() == text);
        BOOST_TEST(i.emitted.empty());
        BOOST_TEST(i.finish() == "");
        BOOST_TEST(in.rows() == 3);
    };
    fails("error", LEAT_ERR_BROKEN, "lost the connection");
    fails("memory", LEAT_ERR_RETRY, "out of memory");
    fails("exception", LEAT_ERR_FATAL, "row 7");
    fails("other", LEAT_ERR_FATAL, "threw something that is not a std::exception");
    fails("after emit", LEAT_ERR_RETRY, "later");
    fails("not at all", LEAT_OK, "");
    fails("create", LEAT_ERR_CONFIG, "cannot be made");
    in.reset();
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_CASE(may_keep_a_batch_that_they_take_by_value) {
    leat::testing::host h;
    instance i(test_component("test.keep"));
    BOOST_TEST(i.open("earlier") == LEAT_OK);
    for (int k = 0; k < 2; ++k) {
        batch in = numbers(h);
        BOOST_TEST(i.process(in) == LEAT_OK);
    }
    BOOST_TEST(i.flush(false) == LEAT_OK);
    BOOST_TEST(i.save() == "2");
    BOOST_TEST(i.rows() == 0);
    BOOST_TEST(i.flush(true) == LEAT_OK);
    BOOST_TEST(i.rows() == 6);
    const leat_schema* out = nullptr;
    batch in = numbers(h);
    BOOST_TEST(i.derive(in.schema_handle(), &out) == LEAT_OK);
    BOOST_TEST(leat::testing::schema_text(leat::schema_view(out)) == "n: l, state: u");
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(reject_rows_of_the_batch_that_was_lent) {
    leat::testing::host h;
    batch in = numbers(h);
    instance i(test_component("test.reject"));
    BOOST_TEST(i.process(in) == LEAT_OK);
    BOOST_TEST(i.text() == "{\"n\":1}\n{\"n\":3}\n");
    BOOST_REQUIRE(i.rejects.size() == 1U);
    BOOST_TEST(i.rejects[0].row == 1);
    BOOST_TEST(i.rejects[0].what == "{\"n\":-2}");
    BOOST_TEST(i.rejects[0].why == "n is negative");
    i.reject_limit = 1;
    BOOST_TEST(i.process(in) == LEAT_ERR_FATAL);
    BOOST_TEST(i.failure() == "too many dead letters");
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(share_a_batch_without_a_copy) {
    leat::testing::host h;
    batch in = numbers(h);
    instance i(test_component("test.share"));
    BOOST_TEST(i.process(in) == LEAT_OK);
    BOOST_TEST(i.text() == "{\"n\":1}\n{\"n\":1}\n{\"n\":-2}\n{\"n\":3}\n");
    BOOST_TEST(i.allocations() == 0U);
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(read_with_positions_metrics_and_raw_rejects) {
    instance i(test_component("test.lines"));
    BOOST_TEST(i.read(3) == LEAT_END);
    BOOST_TEST(i.rows() == 3);
    BOOST_TEST(i.emitted[0].position == "7");
    BOOST_TEST(i.rejects[0].what == "a,b");
    BOOST_TEST(i.rejects[0].why == "lines.csv:7: 2 fields where 3 are due");
    BOOST_TEST(i.metrics["progress"] == 50);
    BOOST_TEST(i.metrics["progress_total"] == 200);
    BOOST_TEST(i.metrics["lines"] == 5);
    BOOST_TEST(i.ack("7") == LEAT_OK);
    BOOST_TEST(logged(i) == "acknowledged position=7 ok=true\n");
    BOOST_TEST(i.finish() == "");
    BOOST_TEST(instance(test_component("test.idle")).read() == LEAT_IDLE);
}

BOOST_AUTO_TEST_CASE(stop_when_emit_says_so) {
    instance i(test_component("test.lines"));
    i.stop(LEAT_STOP);
    BOOST_TEST(i.read(3) == LEAT_ERR_CANCELLED);
    BOOST_TEST(i.failure() == "");
    BOOST_TEST(i.rows() == 0);
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(are_woken_by_a_stop) {
    instance i(test_component("test.waits"));
    std::thread stopper([&i] { i.stop(LEAT_DRAIN); });
    BOOST_TEST(i.read() == LEAT_ERR_CANCELLED);
    stopper.join();
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(load_a_bucket_at_commit_and_again_after_a_retry) {
    leat::testing::host h;
    batch one = numbers(h);
    batch two = numbers(h, "[[7]]");
    instance i(test_component("test.load"), R"({"fail": 1})");
    BOOST_TEST(i.load({&one, &two}) == LEAT_ERR_RETRY);
    BOOST_TEST(i.failure() == "busy");
    BOOST_TEST(i.load({&one, &two}, 2) == LEAT_OK);
    BOOST_TEST(logged(i) == "loaded bucket=2 batches=2 rows=4 share=0.5\n");
    BOOST_TEST(i.finish() == "");

    // A commit that asks for a retry is called again with the same bucket.
    instance again(test_component("test.load"), R"({"fail": 2})");
    leat_bucket bucket{};
    bucket.struct_size = sizeof bucket;
    bucket.id = 9;
    BOOST_TEST(again.begin(bucket) == LEAT_OK);
    BOOST_TEST(again.write(one) == LEAT_OK);
    BOOST_TEST(again.commit(bucket) == LEAT_ERR_RETRY);
    BOOST_TEST(again.commit(bucket) == LEAT_ERR_RETRY);
    BOOST_TEST(again.commit(bucket) == LEAT_OK);
    BOOST_TEST(logged(again) == "loaded bucket=9 batches=1 rows=3 share=0.5\n");
    BOOST_TEST(again.finish() == "");
}

BOOST_AUTO_TEST_CASE(commit_with_tokens) {
    leat::testing::host h;
    batch in = numbers(h);
    instance i(test_component("test.tokens"));
    BOOST_TEST(i.load({&in}, 5, "t4", "t5") == LEAT_OK);
    BOOST_TEST(i.recover("p/s") == "p/s=t5");
    BOOST_TEST(logged(i) == "");
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(that_are_a_whole_pipeline_open_and_close_once) {
    leat::testing::host h;
    batch in = numbers(h);
    instance i(test_component("test.whole"));
    BOOST_TEST(i.pre_process() == LEAT_OK);
    BOOST_TEST(i.read() == LEAT_END);
    BOOST_TEST(i.process(in) == LEAT_OK);
    BOOST_TEST(i.load(in) == LEAT_OK);
    BOOST_TEST(i.post_process(LEAT_ERR_DATA) == LEAT_OK);
    i.close();
    BOOST_TEST(logged(i) == "pre\nopen\npost outcome=-2\nclose\n");
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(that_run_themselves_checkpoint_and_resume) {
    instance i(test_component("test.runs"));
    BOOST_TEST(i.run(10, "from") == LEAT_OK);
    BOOST_TEST(i.checkpoints.back() == "from+10");
    i.stop(LEAT_STOP);
    BOOST_TEST(i.run(10) == LEAT_ERR_CANCELLED);
    BOOST_TEST(i.finish() == "");
}

BOOST_AUTO_TEST_CASE(read_their_configuration_by_pointer) {
    instance i(test_component("test.config"),
               R"({"text": "a\"b\u00e9\ud83d\ude00", "deep": {"int": 3}, "flag": true, "list": ["x", "y"],
                   "types": {"a/b": "int", "c~d": "text"}})");
    BOOST_TEST(i.created() == LEAT_OK);
    BOOST_TEST(i.failure() == "");
    BOOST_TEST(logged(i) == "a\"bé😀|3|1|3.000000|x;y;a\"bé😀;a/b=int;c~d=text;otherwise|{\"int\":3}|0|42\n");
}

BOOST_AUTO_TEST_CASE(say_which_option_is_missing_or_wrong) {
    const auto fails = [](const char* config, const char* text) {
        instance i(test_component("test.asks"), config);
        BOOST_TEST(i.created() == LEAT_ERR_CONFIG);
        BOOST_TEST(i.failure() == text);
    };
    fails(R"({"pointer": "/n"})", "option /n is missing: it must be an integer");
    fails(R"({"pointer": "/n", "n": "1"})", "option /n is wrong: it must be an integer");
    fails(R"({"pointer": "n"})", "'n' is not a JSON Pointer");
}

BOOST_AUTO_TEST_SUITE_END()

// parts_test PLUGIN.so: the test of example.parts, the same for every language.
// parts_test PLUGIN.so victim: commits buckets until it is killed; the test does that.
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <random>
#include <thread>

#include "expect.hpp"

extern char** environ;

/// What a plugin makes durable, and what it renames, in this order. The two functions below stand in front of those of
/// the C library; Go makes its system calls by itself, so that nothing is seen of it.
static std::string steps;

static std::string last_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}
extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
    std::error_code ignored;
    steps += "fsync " + last_name(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored)) + "\n";
    return static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" __attribute__((visibility("default"))) int rename(const char* from, const char* to) noexcept {
    steps += "rename " + last_name(from) + " " + last_name(to) + "\n";
    return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace {

using leat::testing::instance;
namespace fs = std::filesystem;

const leat_component* component;
constexpr auto config = R"({"path": "out"})";
constexpr auto only_lane = "test/sink";
const fs::path lane_directory = "out/test%2Fsink";

std::string part(int number, const std::string& file = "rows.ndjson") {
    char name[32];
    std::snprintf(name, sizeof name, "%010d", number);
    return (lane_directory / name / file).string();
}
void start_anew() {
    fs::remove_all("out");
}
/// What is in the target, but for the rows themselves.
std::string files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator("out")) {
        if (!entry.is_directory() || fs::is_empty(entry))
            names.push_back(entry.path().lexically_relative("out").string());
    }
    std::sort(names.begin(), names.end());
    std::string out;
    for (const auto& name : names)
        out += name + " ";
    return out;
}

struct bucket : leat_bucket {
    bucket(std::uint64_t number, const std::string& prev_token, const std::string& new_token,
           const char* of = only_lane)
        : leat_bucket{}, prev_text(prev_token), token_text(new_token) {
        struct_size = sizeof(leat_bucket);
        attempt = 1;
        id = number;
        lane = of;
        prev = leat::detail::bytes(prev_text);
        token = leat::detail::bytes(token_text);
    }
    bucket(const bucket&) = delete;
    bucket& operator=(const bucket&) = delete;
    std::string prev_text, token_text;
};

/// As written by one bucket: the text of its part.
std::string written(leat::batch& in) {
    start_anew();
    instance sink(*component, config);
    expect(sink.load(in) == LEAT_OK, "it takes a bucket", sink.failure());
    expect_same(sink.finish(), "", "it leaks nothing, and keeps the rules");
    return read_file(part(1));
}

leat::batch rows_of(leat::testing::host& h, int first, int count) {
    std::string rows = "[";
    for (int i = first; i < first + count; ++i)
        rows += (i > first ? ",[" : "[") + std::to_string(i) + ", \"row " + std::to_string(i) + "\"]";
    return h.batch_of({{"id", leat::i64}, {"text", leat::utf8}}, rows + "]");
}
std::string lines_of(int first, int count) {
    std::string out;
    for (int i = first; i < first + count; ++i)
        out += "{\"id\":" + std::to_string(i) + ",\"text\":\"row " + std::to_string(i) + "\"}\n";
    return out;
}

void writes_every_type_that_it_takes() {
    leat::testing::host h;
    const leat::fields columns = {{"n", leat::i32}, {"big \"n\"", leat::i64}, {"s", leat::utf8}};
    leat::batch plain =
        h.batch_of(columns,
                   "[[-2147483648, -9223372036854775808, \"\"], [2147483647, 9223372036854775807, "
                   "\"a\\\"b\\\\c\\n\\t\\u0001\\u001f/\xC3\xA9\xF0\x9F\x98\x80\\u007f\"], [null, null, null]]");
    expect_same(
        written(plain),
        "{\"n\":-2147483648,\"big \\\"n\\\"\":-9223372036854775808,\"s\":\"\"}\n"
        "{\"n\":2147483647,\"big \\\"n\\\"\":9223372036854775807,\"s\":\"a\\\"b\\\\c\\u000A\\u0009\\u0001\\u001F/"
        "\xC3\xA9\xF0\x9F\x98\x80\x7F\"}\n"
        "{\"n\":null,\"big \\\"n\\\"\":null,\"s\":null}\n",
        "numbers, texts and NULLs are JSON");
    leat::batch nothing = h.batch_of({}, "[]");
    expect_same(written(nothing), "", "a batch may have no columns");
}

void writes_times() {
    leat::testing::host h;
    const leat::fields columns = {{"s", leat::timestamp_s()},
                                  {"ms", leat::timestamp_ms("Europe/Vienna")},
                                  {"us", leat::timestamp_us("UTC")},
                                  {"ns", leat::timestamp_ns()}};
    leat::batch times =
        h.batch_of(columns,
                   "[[0, 0, 0, 0], [-1, -1, -1, -1], [951782400, 951868799999, 951868800000000, -2203891200000000000],"
                   "[253402300799, 253402300800000, -62167219200000000, null], [-62167219201, null, null, null],"
                   "[9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807],"
                   "[-9223372036854775808, -9223372036854775808, -9223372036854775808, -9223372036854775808]]");
    expect_same(written(times),
                R"({"s":"1970-01-01T00:00:00","ms":"1970-01-01T00:00:00.000Z","us":"1970-01-01T00:00:00.000000Z",)"
                R"("ns":"1970-01-01T00:00:00.000000000"})"
                "\n"
                R"({"s":"1969-12-31T23:59:59","ms":"1969-12-31T23:59:59.999Z","us":"1969-12-31T23:59:59.999999Z",)"
                R"("ns":"1969-12-31T23:59:59.999999999"})"
                "\n"
                R"({"s":"2000-02-29T00:00:00","ms":"2000-02-29T23:59:59.999Z","us":"2000-03-01T00:00:00.000000Z",)"
                R"("ns":"1900-03-01T00:00:00.000000000"})"
                "\n"
                R"({"s":"9999-12-31T23:59:59","ms":"10000-01-01T00:00:00.000Z","us":"0000-01-01T00:00:00.000000Z",)"
                R"("ns":null})"
                "\n"
                R"({"s":"-0001-12-31T23:59:59","ms":null,"us":null,"ns":null})"
                "\n"
                R"({"s":"292277026596-12-04T15:30:07","ms":"292278994-08-17T07:12:55.807Z",)"
                R"("us":"294247-01-10T04:00:54.775807Z","ns":"2262-04-11T23:47:16.854775807"})"
                "\n"
                R"({"s":"-292277022657-01-27T08:29:52","ms":"-292275055-05-16T16:47:04.192Z",)"
                R"("us":"-290308-12-21T19:59:05.224192Z","ns":"1677-09-21T00:12:43.145224192"})"
                "\n",
                "times are ISO 8601, as fine as their column");
}

void heeds_offsets() {
    leat::testing::host h;
    std::string rows = "[";
    for (int i = 0; i < 30; ++i) {
        const std::string n = std::to_string(i);
        rows +=
            (i > 0 ? ",[" : "[") + n + ", " + (i % 3 ? "\"t" + n + "\"" : "null") + ", " + (i % 4 ? n : "null") + "]";
    }
    const leat::fields columns = {{"id", leat::i64}, {"s", leat::utf8}, {"at", leat::timestamp_s()}};
    leat::batch whole = h.batch_of(columns, rows + "]");
    std::string due = written(whole);
    for (std::int64_t first = 0; first < 30; ++first) {
        leat::batch slice = h.share(whole);
        slice.crop(first, 30 - first);
        expect_same(written(slice), due, "a slice is its rows");
        due.erase(0, due.find('\n') + 1);
    }
}

void writes_more_than_any_buffer() {
    leat::testing::host h;
    start_anew();
    const std::string large(200000, 'x');
    leat::batch one = rows_of(h, 0, 20000), two = h.batch_of({{"s", leat::utf8}}, "[[\"" + large + "\"]]");
    instance sink(*component, config);
    expect(sink.load({&one, &two}) == LEAT_OK, "it takes it", sink.failure());
    expect(read_file(part(1)) == lines_of(0, 20000) + "{\"s\":\"" + large + "\"}\n", "all of it is in the part");
}

void refuses_other_types() {
    leat::testing::host h;
    start_anew();
    leat::batch good = rows_of(h, 0, 2);
    leat::batch bad = h.batch_of({{"id", leat::i64}, {"price", leat::f64}}, "[[1, 2.5]]");
    instance sink(*component, config);
    const bucket first(1, "", "one");
    expect(sink.begin(first) == LEAT_OK && sink.write(good) == LEAT_OK, "it takes rows");
    expect(sink.write(bad) == LEAT_ERR_UNSUPPORTED, "it refuses others");
    expect_same(
        sink.failure(),
        "column \"price\" has the Arrow type \"g\"; int32, int64, utf8 and timestamps are taken: convert it, or "
        "leave it out",
        "it says which, and what to do");
    sink.abort(first);
    expect_same(sink.recover(), "", "nothing was committed");
    expect(sink.load({&good}, 1, "", "one") == LEAT_OK, "and it goes on");
    expect_same(read_file(part(1)), lines_of(0, 2), "with the rows that are written then");
}

void keeps_tokens() {
    leat::testing::host h;
    start_anew();
    std::string prev;
    for (int number = 1; number <= 4; ++number) {
        // No text: a NUL, a line feed, bytes that are no UTF-8; one is as long as may be.
        std::string token = std::string("\0\n\xFF", 3) + std::to_string(number);
        if (number == 2) token.resize(4096, '\xFE');
        instance sink(*component, config);
        expect(sink.recover() == prev, "a new instance knows the last token");
        leat::batch in = rows_of(h, number * 10, 10);
        // The third bucket has no rows.
        const auto status = number == 3 ? sink.load({}, 3, prev, token)
                                        : sink.load({&in}, static_cast<std::uint64_t>(number), prev, token);
        expect(status == LEAT_OK, "it commits", sink.failure());
        expect(sink.recover() == token, "the token is the new one");
        expect_same(sink.finish(), "", "it leaks nothing, and keeps the rules");
        prev = token;
    }
    expect_same(files(),
                "test%2Fsink/.lock test%2Fsink/0000000001/rows.ndjson test%2Fsink/0000000001/token "
                "test%2Fsink/0000000002/rows.ndjson test%2Fsink/0000000002/token test%2Fsink/0000000003/token "
                "test%2Fsink/0000000004/rows.ndjson test%2Fsink/0000000004/token ",
                "a part is its rows and its token");
    expect_same(read_file(part(1)) + read_file(part(2)) + read_file(part(4)), lines_of(10, 20) + lines_of(40, 10),
                "each has its own rows");
    for (int number = 1; number <= 3; ++number)
        fs::remove_all(lane_directory / part(number).substr(lane_directory.string().size() + 1, 10));
    instance later(*component, config);
    expect(later.recover() == prev, "all parts but the last may be taken away");
    expect(later.load({}, 5, prev, "five") == LEAT_OK, "and it goes on", later.failure());
    expect_same(read_file(part(5, "token")), "five", "with the next number");
}

void keeps_lanes_apart() {
    leat::testing::host h;
    start_anew();
    leat::batch in = rows_of(h, 0, 1);
    // Two workers, with buckets that are open at the same time, and names that must not be mixed up.
    const char* const lanes[] = {"a/b", "a%2Fb", "a_b", "A/b", "..", "", ".begun", "\xC3\xA9 \n"};
    std::vector<std::unique_ptr<instance>> sinks;
    std::vector<std::unique_ptr<bucket>> buckets;
    for (const char* const name : lanes) {
        sinks.push_back(std::make_unique<instance>(*component, config));
        buckets.push_back(std::make_unique<bucket>(1, "", std::string("of ") + name, name));
        expect(sinks.back()->recover(name).empty(), "a lane that never wrote has no token", name);
        expect(sinks.back()->begin(*buckets.back()) == LEAT_OK, "it begins", sinks.back()->failure());
        expect(sinks.back()->write(in) == LEAT_OK, "it writes");
    }
    for (std::size_t i = 0; i < sinks.size(); ++i)
        expect(sinks[i]->commit(*buckets[i]) == LEAT_OK, "it commits", sinks[i]->failure());
    const bucket second(2, "of a/b", "second", lanes[0]);
    expect(sinks[0]->begin(second) == LEAT_OK && sinks[0]->commit(second) == LEAT_OK, "one goes on",
           sinks[0]->failure());
    instance later(*component, config);
    expect_same(later.recover(lanes[0]), "second", "it has a new token");
    for (const char* const name : lanes) {
        if (name == lanes[0]) continue;
        expect_same(later.recover(name), std::string("of ") + name, "each lane has its token");
    }
    expect(fs::exists("out/a%2Fb/0000000001") && fs::exists("out/a%252Fb/0000000001") &&
               fs::exists("out/%/0000000001") && fs::exists("out/%2E./0000000001"),
           "a lane is a directory with its name", files());
    const std::string longest(300, 'x');
    try {
        later.recover(longest.c_str());
        expect(false, "a name that is too long is refused");
    } catch (const leat::error& error) {
        expect(error.status == LEAT_ERR_CONFIG, "an operator must act");
        expect_same(error.text, "the name of the lane is too long for a directory: give the pipeline a shorter one",
                    "it says why");
    }
}

void fences() {
    leat::testing::host h;
    start_anew();
    leat::batch in = rows_of(h, 0, 1);
    instance first(*component, config), second(*component, config);
    expect(first.load({&in}, 1, "", "one") == LEAT_OK, "the first host commits", first.failure());
    const std::string fenced =
        "fenced: the last part in out/test%2Fsink is not the one that is due: another host writes this lane, or parts "
        "were "
        "taken away";
    for (const std::string prev : {"", "on", "one ", "two"}) {
        const bucket wrong(2, prev, "other");
        expect(second.begin(wrong) == LEAT_ERR_FATAL, "a host that knows another token is fenced off", prev);
        expect_same(second.failure(), fenced, "it says so");
        second.abort(wrong);
        second.close();
    }
    const bucket mine(2, "one", "mine"), theirs(2, "one", "theirs");
    expect(first.begin(mine) == LEAT_OK && first.write(in) == LEAT_OK, "the first begins");
    expect(second.begin(theirs) == LEAT_ERR_FATAL, "a second at the same time is fenced off");
    expect_same(second.failure(), "fenced: another writer has begun a part in out/test%2Fsink", "it says so");
    second.abort(theirs);
    second.close();
    expect(first.commit(mine) == LEAT_OK, "which does not disturb the first", first.failure());
    expect(second.begin(theirs) == LEAT_ERR_FATAL, "and it stays out");
    expect_same(second.failure(), fenced, "it says so");
    second.abort(theirs);
    expect_same(first.recover() + read_file(part(2)), "mine" + lines_of(0, 1), "all is as the first host left it");
    expect(first.load({&in}, 3, "mine", "three") == LEAT_OK, "who goes on", first.failure());
    expect_same(first.finish() + second.finish(), "", "they keep the rules");
}

void takes_back() {
    leat::testing::host h;
    start_anew();
    leat::batch in = rows_of(h, 0, 10), other = rows_of(h, 100, 5);
    instance sink(*component, config);
    expect(sink.load({&in}, 1, "", "one") == LEAT_OK, "it commits", sink.failure());
    const std::string before = files();
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        bucket second(2, "one", "two");
        second.attempt = attempt;
        expect(sink.begin(second) == LEAT_OK, "it begins", sink.failure());
        for (std::uint32_t i = 1; i < attempt; ++i)
            expect(sink.write(in) == LEAT_OK, "it writes");
        sink.abort(second);
        sink.abort(second);
        expect_same(files(), before, "an abort leaves nothing");
        expect_same(sink.recover(), "one", "and the token");
    }
    const bucket second(2, "one", "two");
    expect(sink.begin(second) == LEAT_OK && sink.write(other) == LEAT_OK && sink.commit(second) == LEAT_OK,
           "then it commits", sink.failure());
    expect_same(read_file(part(2)), lines_of(100, 5), "what was written last");
    expect_same(sink.finish(), "", "it keeps the rules");
}

void makes_everything_durable_in_order() {
    leat::testing::host h;
    start_anew();
    leat::batch in = rows_of(h, 0, 3);
    instance sink(*component, config);
    expect(sink.open() == LEAT_OK, "it opens");
    const bucket first(1, "", "one"), empty(2, "one", "two");
    expect(sink.begin(first) == LEAT_OK && sink.write(in) == LEAT_OK, "it writes");
    if (steps.empty()) {
        std::puts("not seen: what it makes durable; it makes its system calls by itself");
        return;
    }
    expect(steps.find("fsync out\n") != std::string::npos, "the lane's directory is durable", steps);
    steps.clear();
    expect(sink.commit(first) == LEAT_OK, "it commits", sink.failure());
    expect_same(steps, "fsync rows.ndjson\nfsync token\nfsync .begun\nrename .begun 0000000001\nfsync test%2Fsink\n",
                "all is durable before the rename, and the rename before it is told");
    expect(sink.begin(empty) == LEAT_OK, "it begins");
    steps.clear();
    expect(sink.commit(empty) == LEAT_OK, "it commits", sink.failure());
    expect_same(steps, "fsync token\nfsync .begun\nrename .begun 0000000002\nfsync test%2Fsink\n", "also without rows");
}

/// Every state of the directory in which a commit can be interrupted, made by hand.
void finds_what_a_killed_process_left() {
    leat::testing::host h;
    leat::batch in = rows_of(h, 0, 3);
    for (int step = 0; step <= 5; ++step) {
        start_anew();
        {
            instance sink(*component, config);
            expect(sink.load({&in}, 1, "", "one") == LEAT_OK, "it commits", sink.failure());
        }
        const auto begun = lane_directory / ".begun";
        if (step >= 1) fs::create_directory(begun);
        if (step >= 2) write_file(begun / "rows.ndjson", "{\"id\":");
        if (step >= 3) write_file(begun / "rows.ndjson", lines_of(50, 1));
        if (step >= 4) write_file(begun / "token", "two");
        if (step >= 5) fs::rename(begun, lane_directory / "0000000002");
        const std::string due = step < 5 ? "one" : "two";
        instance sink(*component, config);
        expect_same(sink.recover(), due, "the rename is the commit, and nothing before it");
        expect(sink.load({&in}, 9, due, "next") == LEAT_OK, "it goes on", sink.failure());
        expect_same(read_file(part(step < 5 ? 2 : 3)), lines_of(0, 3), "with its own rows only");
        expect(!fs::exists(begun), "and leaves nothing");
        expect_same(sink.recover(), "next", "and has the new token");
    }
}

void takes_a_bucket_again_that_could_not_be_written() {
    leat::testing::host h;
    start_anew();
    leat::batch large = rows_of(h, 0, 20000), in = rows_of(h, 0, 3);
    instance sink(*component, config);
    bucket first(1, "", "one");
    expect(sink.begin(first) == LEAT_OK, "it begins");
    fs::remove_all(lane_directory / ".begun");
    expect(sink.write(large) == LEAT_ERR_RETRY, "the bucket must come again");
    expect(sink.failure().rfind("cannot write out/test%2Fsink/.begun/rows.ndjson: ", 0) == 0, "it says why",
           sink.failure());
    sink.abort(first);
    first.attempt = 2;
    expect(sink.begin(first) == LEAT_OK && sink.write(in) == LEAT_OK && sink.commit(first) == LEAT_OK,
           "and is taken then", sink.failure());
    expect_same(read_file(part(1)), lines_of(0, 3), "with what was written the second time");
    expect_same(sink.finish(), "", "it keeps the rules");
}

void says_when_a_commit_fails() {
    leat::testing::host h;
    start_anew();
    leat::batch in = rows_of(h, 0, 3);
    instance sink(*component, config);
    const bucket first(1, "", "one");
    expect(sink.begin(first) == LEAT_OK && sink.write(in) == LEAT_OK, "it writes");
    fs::remove_all(lane_directory / ".begun");
    expect(sink.commit(first) == LEAT_ERR_BROKEN, "the host must ask a new instance");
    expect(sink.failure().rfind("cannot write ", 0) == 0, "it says why", sink.failure());
    sink.abort(first);
    expect_same(sink.finish(), "", "it keeps the rules");
    instance later(*component, config);
    expect_same(later.recover(), "", "which finds nothing");
    expect(later.load({&in}, 1, "", "one") == LEAT_OK, "and writes the bucket anew", later.failure());
    fs::remove(part(1, "token"));
    try {
        later.recover();
        expect(false, "a part without a token is no part");
    } catch (const leat::error& error) {
        expect(error.status == LEAT_ERR_FATAL &&
                   error.text.rfind("cannot open out/test%2Fsink/0000000001/token: ", 0) == 0,
               "it says which", error.text);
    }
}

void names_directories_that_cannot_be() {
    fs::remove_all("out");
    instance nowhere(*component, R"({"path": "no/such/place"})");
    expect(nowhere.open() == LEAT_ERR_CONFIG, "a directory that cannot be made is refused");
    expect(nowhere.failure().rfind("cannot make the directory no/such/place: ", 0) == 0, "it says which",
           nowhere.failure());
    write_file("out", "a file");
    instance file(*component, config);
    expect(file.open() == LEAT_ERR_CONFIG, "so is a file");
    expect(file.failure().rfind("cannot make the directory out: ", 0) == 0, "it says which", file.failure());
    fs::remove("out");
    instance deep(*component, R"({"path": "out/"})");
    expect(deep.open() == LEAT_OK, "a slash may be behind it", deep.failure());
    expect_same(nowhere.finish() + file.finish() + deep.finish(), "", "it keeps the rules");
}

// ---- Killed at random ----

/// How many buckets are in the target by the token.
int committed(instance& sink) {
    const std::string token = sink.recover();
    return token.empty() ? 0 : std::atoi(token.c_str());
}
std::string token_of(int number) {
    return number == 0 ? "" : std::to_string(number);
}

[[noreturn]] void be_victim() {
    leat::testing::host h;
    instance sink(*component, config);
    for (int number = committed(sink) + 1;; ++number) {
        leat::batch in = rows_of(h, number * 100, 100);
        const auto status =
            sink.load({&in}, static_cast<std::uint64_t>(number), token_of(number - 1), token_of(number));
        expect(status == LEAT_OK, "the victim commits", sink.failure());
        if (::write(1, ".", 1) != 1) std::exit(1);
    }
}

/// Lets a victim commit two buckets, and kills it a part of the time later that the second took.
void kill_one(const char* self, const char* plugin, double part_of_time) {
    int pipe[2];
    expect(::pipe(pipe) == 0, "there is a pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
    ::posix_spawn_file_actions_addclose(&actions, pipe[0]);
    std::string words[] = {self, plugin, "victim"};
    char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t child = 0;
    expect(::posix_spawn(&child, self, &actions, nullptr, arguments, environ) == 0, "a victim is started");
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    char byte = 0;
    expect(::read(pipe[0], &byte, 1) == 1, "the victim commits");
    const auto begin = std::chrono::steady_clock::now();
    expect(::read(pipe[0], &byte, 1) == 1, "the victim commits again");
    std::this_thread::sleep_for((std::chrono::steady_clock::now() - begin) * part_of_time);
    ::kill(child, SIGKILL);
    ::close(pipe[0]);
    int how = 0;
    expect(::waitpid(child, &how, 0) == child && WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL, "the victim is killed");
}

void survives_kills(const char* self, const char* plugin) {
    start_anew();
    std::mt19937 dice(1);
    int number = 0, with_leftovers = 0;
    for (int i = 0; i < 30; ++i) {
        kill_one(self, plugin, dice() % 1000 / 600.0);
        if (fs::exists(lane_directory / ".begun")) ++with_leftovers;
        instance sink(*component, config);
        const int found = committed(sink);
        expect(found >= number, "no bucket that was committed is lost");
        for (int seen = number + 1; seen <= found; ++seen) {
            expect_same(read_file(part(seen)), lines_of(seen * 100, 100), "a part is whole");
            expect_same(read_file(part(seen, "token")), token_of(seen), "and has its token");
        }
        expect(!fs::exists(part(found + 1)), "a part and its token are there together");
        number = found;
    }
    expect(number > 0 && with_leftovers > 0, "victims came as far as to commit, and were killed on the way",
           std::to_string(number) + " buckets, " + std::to_string(with_leftovers) + " leftovers");
    std::printf("killed 30 times: %d buckets, %d leftovers\n", number, with_leftovers);
}

}  // namespace

int main(int argc, char** argv) {
    expect(argc == 2 || argc == 3, "usage: parts_test PLUGIN.so");
    const std::string plugin = fs::absolute(argv[1]).string(), self = fs::absolute(argv[0]).string();
    const leat::testing::library file(plugin.c_str());
    component = &file.component("example.parts");
    if (argc == 3) be_victim();
    const scratch here;
    expect(component->flags == (LEAT_TRANSACTIONAL | LEAT_DETERMINISTIC), "it promises what it keeps");
    writes_every_type_that_it_takes();
    writes_times();
    heeds_offsets();
    writes_more_than_any_buffer();
    refuses_other_types();
    keeps_tokens();
    keeps_lanes_apart();
    fences();
    takes_back();
    makes_everything_durable_in_order();
    finds_what_a_killed_process_left();
    takes_a_bucket_again_that_could_not_be_written();
    says_when_a_commit_fails();
    names_directories_that_cannot_be();
    survives_kills(self.c_str(), plugin.c_str());
    std::puts("passed");
}

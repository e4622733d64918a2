// Drives the sinks ndjson and csv with tokens, as a host does that goes on where a run was killed. Built once for each
// of the two libraries. The calls by which they write to files come by here on their way to the system, so that a test
// can see their order, let one fail, or kill the process before any of them.
#include <rapidcheck.h>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is of POSIX
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "manifest.hpp"
#include "test_support.hpp"

using namespace file_test;

// ---- The way to the system ----------------------------------------------------------------------------------------

namespace {

/// What a test wants of the calls that come by.
struct Calls {
    bool noted = false;
    std::string notes;     ///< one line each
    bool synced = true;    ///< false: for kills, which take nothing from the cache of the system
    int kill_before = -1;  ///< this call, counted from 0, the process is killed
    int count = 0;
    std::string failing;  ///< a call as noted, which fails
    int error = 0;        ///< with this
};
Calls calls;

std::string name_of(int fd) {
    char path[4096];
    const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
    const std::string name(path, size < 0 ? 0 : static_cast<std::size_t>(size));
    return fs::is_directory(name) ? "." : fs::path(name).filename().string();
}

template <class Real>
auto pass(const std::string& call, Real real) -> decltype(real()) {
    if (calls.count++ == calls.kill_before) ::kill(::getpid(), SIGKILL);
    if (calls.noted) calls.notes += call + "\n";
    if (call == calls.failing) {
        errno = calls.error;
        return -1;
    }
    return real();
}

}  // namespace

// The plugin finds them before those of the C library.
#pragma GCC visibility push(default)
extern "C" {
int passed_fdatasync(int fd) __asm__("fdatasync");
int passed_fsync(int fd) __asm__("fsync");
int passed_ftruncate(int fd, off_t size) __asm__("ftruncate");
int passed_flock(int fd, int operation) __asm__("flock");
int passed_rename(const char* from, const char* to) __asm__("rename");
int passed_unlink(const char* path) __asm__("unlink");
ssize_t passed_pwrite(int fd, const void* data, std::size_t size, off_t at) __asm__("pwrite");
}
#pragma GCC visibility pop

int passed_fdatasync(int fd) {
    return pass("fdatasync " + name_of(fd),
                [&] { return calls.synced ? static_cast<int>(::syscall(SYS_fdatasync, fd)) : 0; });
}
int passed_fsync(int fd) {
    return pass("fsync " + name_of(fd), [&] { return calls.synced ? static_cast<int>(::syscall(SYS_fsync, fd)) : 0; });
}
int passed_ftruncate(int fd, off_t size) {
    return pass("ftruncate " + name_of(fd) + " " + std::to_string(size),
                [&] { return static_cast<int>(::syscall(SYS_ftruncate, fd, size)); });
}
int passed_flock(int fd, int operation) {
    return pass("flock " + name_of(fd), [&] { return static_cast<int>(::syscall(SYS_flock, fd, operation)); });
}
int passed_rename(const char* from, const char* to) {
    return pass(std::string("rename ") + from + " " + to,
                [&] { return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); });
}
int passed_unlink(const char* path) {
    return pass(std::string("unlink ") + path,
                [&] { return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}
ssize_t passed_pwrite(int fd, const void* data, std::size_t size, off_t at) {
    return pass("pwrite " + name_of(fd) + " " + std::to_string(size) + " at " + std::to_string(at),
                [&] { return static_cast<ssize_t>(::syscall(SYS_pwrite64, fd, data, size, at)); });
}

namespace {

struct Noting {
    Noting() {
        calls = {};
        calls.noted = true;
    }
    ~Noting() { calls = {}; }
};

/// Lets every call of this kind fail.
struct Failing {
    Failing(const std::string& call, int error) {
        calls = {};
        calls.failing = call;
        calls.error = error;
    }
    ~Failing() { calls = {}; }
};

// ---- Buckets and what they leave ----------------------------------------------------------------------------------

bool is_csv() {
    return std::string_view(component(LEAT_SINK).id) == "csv";
}

std::string header() {
    return is_csv() ? "n\n" : "";
}

/// The lines of the rows from `first` to before `end`.
std::string lines(int first, int end) {
    std::string out;
    for (int i = first; i < end; ++i)
        out += (is_csv() ? "" : "{\"n\":") + std::to_string(i) + (is_csv() ? "\n" : "}\n");
    return out;
}

leat::batch rows_of(int first, int end) {
    static leat::testing::host host;
    std::string rows;
    for (int i = first; i < end; ++i)
        rows += (rows.empty() ? "[" : ",[") + std::to_string(i) + "]";
    return host.batch_of({{"n", leat::i64}}, "[" + rows + "]");
}

const std::string created = options("out");
const std::string appended = options("out", R"("mode": "append")");
const std::string replaced = options("out", R"("mode": "replace")");

struct Bucket : leat_bucket {
    Bucket(std::uint64_t number, std::string_view prev_token, std::string_view new_token)
        : leat_bucket(bucket_number(number)) {
        prev = leat::detail::bytes(prev_token);
        token = leat::detail::bytes(new_token);
    }
};

std::string load(instance& sink, std::uint64_t id, std::string_view prev, std::string_view token, leat::batch rows) {
    const leat_status status = sink.load({&rows}, id, prev, token);
    return status == LEAT_OK ? std::string() : std::to_string(status) + " " + sink.failure();
}
/// A bucket of a run of its own: with `prev`, one that goes on.
std::string load(const std::string& config, std::uint64_t id, std::string_view prev, std::string_view token,
                 leat::batch rows) {
    instance sink(component(LEAT_SINK), config);
    std::string why = load(sink, id, prev, token, std::move(rows));
    return why + sink.finish();
}

/// The token, or why there is none to be had.
std::string recovered(const std::string& config, const char* lane = "test/sink") {
    instance sink(component(LEAT_SINK), config);
    try {
        return sink.recover(lane);
    } catch (const leat::error& e) {
        return std::to_string(e.status) + " " + e.text;
    }
}

std::string config_error(const std::string& text) {
    return std::to_string(LEAT_ERR_CONFIG) + " " + text;
}

/// What is in the directory, by name.
std::string files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator("."))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::string out;
    for (const std::string& name : names)
        out += (out.empty() ? "" : " ") + name;
    return out;
}

/// Runs in a process of its own, which is killed if it is told so; answers how it ended.
int in_child(const std::function<void()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

/// A run that is killed in its bucket, when its rows are in the file and it has not answered yet.
void be_killed_in_bucket(const std::string& config, const Bucket& bucket, int first, int end) {
    const int status = in_child([&] {
        instance sink(component(LEAT_SINK), config);
        leat::batch rows = rows_of(first, end);
        sink.begin(bucket);
        sink.write(rows);
        calls.failing = "fdatasync out";  // the bucket's rows are written by then
        calls.error = EIO;
        sink.commit(bucket);
        ::kill(::getpid(), SIGKILL);
    });
    BOOST_REQUIRE(WIFSIGNALED(status));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(transactions, Directory)

BOOST_AUTO_TEST_CASE(promises_to_commit_rows_and_token_together) {
    BOOST_TEST((component(LEAT_SINK).flags & LEAT_TRANSACTIONAL) != 0u);
}

// ---- What a commit is ---------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(keeps_the_token_with_the_rows) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(sink.recover() == "");
    BOOST_TEST(files() == "");
    const std::string first("one\0\xFF", 5);
    BOOST_TEST(load(sink, 1, "", first, rows_of(0, 2)) == "");
    BOOST_TEST(sink.recover() == first);
    BOOST_TEST(load(sink, 2, first, "two", rows_of(2, 3)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == header() + lines(0, 3));
    BOOST_TEST(recovered(created) == "two");
    BOOST_TEST(files() == "out out.leat");
}

BOOST_AUTO_TEST_CASE(writes_a_manifest_that_people_can_read) {
    BOOST_TEST(load(created, 1, "", std::string("one\0\xFF", 5), rows_of(0, 2)) == "");
    BOOST_TEST(get("out.leat") ==
               (is_csv() ? "leat manifest 1\nlane test/sink\nlength 6\ntail 48a58fc2a8a5fc4c\ntoken 6f6e6500ff\n"
                           "check c1f209bf28f807cc\n"
                         : "leat manifest 1\nlane test/sink\nlength 16\ntail c5e906f4c744e516\ntoken 6f6e6500ff\n"
                           "check 17cef17f4f7b018a\n"));
}

BOOST_AUTO_TEST_CASE(has_rows_on_the_device_before_the_token_and_both_before_it_answers) {
    instance sink(component(LEAT_SINK), options("out"));
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 2)) == "");
    const Noting noting;
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(2, 3)) == "");
    const std::string before = std::to_string((header() + lines(0, 2)).size());
    const std::string size = std::to_string(lines(2, 3).size());
    BOOST_TEST(calls.notes == "pwrite out " + size + " at " + before +
                                  "\nfdatasync out\nunlink out.leat.tmp\npwrite out.leat.tmp " +
                                  std::to_string(get("out.leat").size()) +
                                  " at 0\nfdatasync out.leat.tmp\nrename out.leat.tmp out.leat\nfsync .\n");
}

BOOST_AUTO_TEST_CASE(has_the_names_of_new_files_on_the_device_before_the_first_row) {
    const Noting noting;
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(sink.begin(Bucket(1, "", "one")) == LEAT_OK);
    const std::string size = std::to_string(get("out.leat").size());
    BOOST_TEST(calls.notes == "flock out\nunlink out.leat.tmp\npwrite out.leat.tmp " + size +
                                  " at 0\nfdatasync out.leat.tmp\nrename out.leat.tmp out.leat\nfsync .\n");
}

BOOST_AUTO_TEST_CASE(has_what_others_wrote_on_the_device_before_it_promises_that_it_is_there) {
    put("out", header() + lines(0, 1));
    const Noting noting;
    instance sink(component(LEAT_SINK), appended);
    BOOST_TEST(sink.begin(Bucket(1, "", "one")) == LEAT_OK);
    BOOST_TEST(calls.notes.substr(0, calls.notes.find("unlink")) == "flock out\nfdatasync out\n");
}

BOOST_AUTO_TEST_CASE(empties_a_file_only_when_the_manifest_says_that_nothing_is_in_it) {
    put("out", "old\n");
    const Noting noting;
    instance sink(component(LEAT_SINK), replaced);
    const Bucket bucket(1, "", "one");
    leat::batch rows = rows_of(0, 1);
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    BOOST_TEST(sink.write(rows) == LEAT_OK);
    BOOST_TEST(files() == "out");
    BOOST_TEST(get("out") == "old\n");
    BOOST_TEST(sink.commit(bucket) == LEAT_OK);
    BOOST_TEST(calls.notes.find("rename out.leat.tmp out.leat\nfsync .\nftruncate out 0\npwrite out ") !=
               std::string::npos);
    BOOST_TEST(calls.notes.find("ftruncate out 0") == calls.notes.rfind("ftruncate out 0"));
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(replaces_nothing_before_the_first_commit) {
    for (const char* token : {"one", ""}) {
        for (const bool had_manifest : {true, false}) {
            fs::remove("out");
            fs::remove("out.leat");
            if (had_manifest) BOOST_TEST(load(created, 1, "", "before", rows_of(7, 9)) == "");
            if (!had_manifest) put("out", "old\n");
            const auto before = get("out") + (had_manifest ? get("out.leat") : "");
            instance sink(component(LEAT_SINK), replaced);
            if (*token != 0) BOOST_TEST(sink.recover() == (had_manifest ? "before" : ""));
            Bucket bucket(1, *token != 0 && had_manifest ? "before" : "", token);
            leat::batch large = rows_of(100'000, 200'000);  // more than stays in memory
            for (int tries = 0; tries < 2; ++tries) {
                BOOST_TEST(sink.begin(bucket) == LEAT_OK);
                BOOST_TEST(sink.write(large) == LEAT_OK);
                sink.abort(bucket);
            }
            BOOST_TEST(sink.finish() == "");
            BOOST_TEST(files() == (had_manifest ? "out out.leat" : "out"));
            BOOST_TEST(get("out") + (had_manifest ? get("out.leat") : "") == before);
            BOOST_TEST(load(replaced, 1, *token != 0 && had_manifest ? "before" : "", token, rows_of(0, 2)) == "");
            BOOST_TEST(get("out") == header() + lines(0, 2));
        }
    }
}

BOOST_AUTO_TEST_CASE(moves_the_token_for_an_empty_bucket_and_touches_no_row) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 0)) == "");
    BOOST_TEST(files() == "out out.leat");
    const Bucket second(2, "one", "two");
    BOOST_TEST(sink.begin(second) == LEAT_OK);
    {
        const Noting noting;
        BOOST_TEST(sink.commit(second) == LEAT_OK);
        BOOST_TEST(calls.notes.find("fdatasync out\n") == std::string::npos);
    }
    BOOST_TEST(load(sink, 3, "two", "three", rows_of(0, 1)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(recovered(created) == "three");
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(an_empty_bucket_alone_makes_file_and_manifest) {
    instance sink(component(LEAT_SINK), created);
    const Bucket bucket(1, "", "one");
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    BOOST_TEST(sink.commit(bucket) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == "");
    BOOST_TEST(recovered(created) == "one");
    BOOST_TEST(load(created, 2, "one", "two", rows_of(0, 1)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(cuts_an_aborted_bucket_off_and_keeps_the_token) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 2)) == "");
    Bucket second(2, "one", "two");
    leat::batch large = rows_of(100'000, 200'000);  // more than stays in memory
    BOOST_TEST(sink.begin(second) == LEAT_OK);
    BOOST_TEST(sink.write(large) == LEAT_OK);
    BOOST_TEST(get("out").size() > 100u);
    sink.abort(second);
    BOOST_TEST(get("out") == header() + lines(0, 2));
    BOOST_TEST(sink.recover() == "one");
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(2, 3)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == header() + lines(0, 3));
}

BOOST_AUTO_TEST_CASE(takes_away_what_was_made_for_nothing) {
    for (const std::string& config : {created, appended, replaced}) {
        fs::remove("out");
        instance sink(component(LEAT_SINK), config);
        const Bucket first(1, "", "one");
        leat::batch rows = rows_of(0, 2);
        BOOST_TEST(sink.begin(first) == LEAT_OK);
        BOOST_TEST(sink.write(rows) == LEAT_OK);
        BOOST_TEST(files() == "out out.leat");
        sink.abort(first);
        BOOST_TEST(sink.finish() == "");
        BOOST_TEST(files() == "");
    }
    put("out", header() + lines(0, 1));
    instance sink(component(LEAT_SINK), appended);
    leat::batch rows = rows_of(1, 2);
    BOOST_TEST(sink.begin(Bucket(1, "", "one")) == LEAT_OK);
    BOOST_TEST(sink.write(rows) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");  // without an abort: a host that has no time left
    BOOST_TEST(files() == "out");
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(opens_again_after_close) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(sink.recover() == "");
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    sink.close();
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == header() + lines(0, 2));
}

// ---- Going on -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(cuts_off_at_its_first_bucket_what_a_killed_run_has_not_committed) {
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 2)) == "");
    be_killed_in_bucket(created, Bucket(2, "one", "two"), 2, 4);
    BOOST_TEST(get("out") == header() + lines(0, 4));
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(sink.recover() == "one");
    BOOST_TEST(get("out") == header() + lines(0, 4));  // to open a pipeline is not to run it
    BOOST_TEST(sink.begin(Bucket(2, "one", "two")) == LEAT_OK);
    BOOST_TEST(get("out") == header() + lines(0, 2));
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(2, 5)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == header() + lines(0, 5));
}

BOOST_AUTO_TEST_CASE(goes_on_after_a_run_that_was_killed_in_its_first_bucket) {
    for (const std::string& config : {created, appended, replaced}) {
        fs::remove("out");
        fs::remove("out.leat");
        be_killed_in_bucket(config, Bucket(1, "", "one"), 0, 2);
        BOOST_TEST(get("out") == header() + lines(0, 2));
        BOOST_TEST(recovered(config) == "");
        BOOST_TEST(load(config, 1, "", "one", rows_of(0, 3)) == "");
        BOOST_TEST(get("out") == header() + lines(0, 3));
    }
}

BOOST_AUTO_TEST_CASE(goes_on_after_a_run_that_was_killed_before_it_had_a_manifest) {
    put("out", "");
    BOOST_TEST(recovered(created) == "");
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(creates_only_what_is_not_there) {
    const std::string exists =
        config_error("out exists already: remove it, or say what to do with it by mode: append or mode: replace");
    put("out", "mine\n");
    BOOST_TEST(recovered(created) == exists);
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == exists);
    BOOST_TEST(get("out") == "mine\n");
    BOOST_TEST(files() == "out");
    fs::remove("out");
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == "");
    // A run that begins afresh does not go on, whether it knows the token or not.
    BOOST_TEST(load(created, 1, "", "other", rows_of(0, 1)) == exists);
    BOOST_TEST(load(created, 1, "one", "other", rows_of(0, 1)) == exists);
    BOOST_TEST(load(created, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 2));
    fs::remove("out");
    BOOST_TEST(load(created, 1, "", "new", rows_of(5, 6)) == "");
    BOOST_TEST(get("out") == header() + lines(5, 6));
    BOOST_TEST(recovered(created) == "new");
    // What a killed run has found there and appended to is not of this mode's making.
    fs::remove("out.leat");
    be_killed_in_bucket(appended, Bucket(1, "", "one"), 6, 7);
    BOOST_TEST(load(created, 1, "", "one", rows_of(6, 7)) == exists);
}

BOOST_AUTO_TEST_CASE(appends_to_what_it_finds_and_then_goes_on) {
    put("out", header() + lines(0, 2));
    be_killed_in_bucket(appended, Bucket(1, "", "one"), 2, 4);
    BOOST_TEST(get("out") == header() + lines(0, 4));
    BOOST_TEST(load(appended, 1, "", "one", rows_of(2, 3)) == "");
    BOOST_TEST(load(appended, 2, "one", "two", rows_of(3, 4)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 4));
    // Begun afresh, it adds to what is there, as the mode says.
    BOOST_TEST(load(appended, 1, "two", "again", rows_of(4, 5)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 5));
}

BOOST_AUTO_TEST_CASE(ends_a_last_line_without_its_end_once) {
    const std::string open_line = (header() + lines(0, 1)).substr(0, (header() + lines(0, 1)).size() - 1);
    put("out", open_line);
    be_killed_in_bucket(appended, Bucket(1, "", "one"), 1, 2);
    BOOST_TEST(get("out") == header() + lines(0, 2));
    BOOST_TEST(recovered(appended) == "");
    BOOST_TEST(load(appended, 1, "", "one", rows_of(1, 2)) == "");
    BOOST_TEST(load(appended, 2, "one", "two", rows_of(2, 3)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 3));
}

BOOST_AUTO_TEST_CASE(replaces_with_the_first_of_all_buckets_and_then_goes_on) {
    put("out", "old\n");
    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(load(replaced, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 2));
    for (const char* prev : {"", "other"}) {  // begun afresh: the host may know the token, or not
        BOOST_TEST(load(replaced, 1, prev, "other", rows_of(5, 6)) == "");
        BOOST_TEST(get("out") == header() + lines(5, 6));
    }
    put("out", "changed by somebody");
    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(replaces_also_when_the_first_bucket_comes_again) {
    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) == "");
    instance sink(component(LEAT_SINK), replaced);
    BOOST_TEST(sink.recover() == "one");
    leat::batch rows = rows_of(5, 6);
    const Bucket first(1, "one", "new");
    BOOST_TEST(sink.begin(first) == LEAT_OK);
    BOOST_TEST(sink.write(rows) == LEAT_OK);
    sink.abort(first);
    BOOST_TEST(get("out") == header() + lines(0, 1));
    BOOST_TEST(load(sink, 1, "one", "new", rows_of(5, 7)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == header() + lines(5, 7));
}

BOOST_AUTO_TEST_CASE(does_not_replace_a_file_that_it_should_go_on_with) {
    put("out", header() + lines(0, 2));
    BOOST_TEST(load(replaced, 3, "", "three", rows_of(2, 3)) ==
               config_error("out was begun by an earlier run, and its manifest out.leat, which says how far it is "
                            "committed, is gone; restore it, or start afresh with --fresh"));
    BOOST_TEST(get("out") == header() + lines(0, 2));
    fs::remove("out");  // both were taken away, as a log is: it begins a new one
    BOOST_TEST(load(replaced, 3, "", "three", rows_of(2, 3)) == "");
    BOOST_TEST(get("out") == header() + lines(2, 3));
}

// ---- When file and manifest are not as they were left -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(tells_that_the_file_is_not_the_one_that_was_written) {
    const std::string written = header() + lines(0, 2000);
    const std::string size = std::to_string(written.size());
    const std::string remedy = "; restore it, or remove out.leat and start afresh with --fresh";
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 2000)) == "");
    std::string changed = written;
    changed[written.size() - 2] = '#';
    std::string begins_otherwise = written;
    begins_otherwise[0] = '#';
    const std::pair<std::string, std::string> cases[] = {
        {written.substr(0, 100), "100 are there"},
        {"", "0 are there"},
        {changed, size + " are there, and what was committed does not end as it did"},
        {changed + "more",
         std::to_string(written.size() + 4) + " are there, and what was committed does not end as it did"}};
    for (const auto& [text, what] : cases) {
        put("out", text);
        const std::string why =
            config_error("out is not the file that was written: " + size + " bytes were committed, " + what + remedy);
        for (const std::string& config : {created, appended, replaced}) {
            BOOST_TEST(recovered(config) == why);
            BOOST_TEST(load(config, 2, "one", "two", rows_of(0, 1)) == why);
            BOOST_TEST(get("out") == text);
        }
    }
    fs::remove("out");
    const std::string gone = config_error("out is not there any more: " + size + " bytes were committed" + remedy);
    BOOST_TEST(recovered(created) == gone);
    BOOST_TEST(load(created, 2, "one", "two", rows_of(0, 1)) == gone);
    BOOST_TEST(files() == "out.leat");
    put("out", begins_otherwise);  // only its end is looked at: a whole file would take too long
    BOOST_TEST(recovered(created) == "one");
    put("out", written + "what was not committed");  // a copy, on another inode
    BOOST_TEST(recovered(created) == "one");
    BOOST_TEST(load(created, 2, "one", "two", rows_of(2000, 2001)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 2001));
}

BOOST_AUTO_TEST_CASE(refuses_a_file_of_another_lane) {
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == "");
    for (const char* config : {"create", "append", "replace"}) {
        BOOST_TEST(
            recovered(options("out", std::string("\"mode\": \"") + config + "\""), "orders/ndjson") ==
            config_error("out is written by lane 'test/sink', as out.leat says, and not by 'orders/ndjson': use "
                         "another path, or, if the pipeline has a new name, remove out.leat and say mode: append "
                         "or mode: replace"));
    }
    instance sink(component(LEAT_SINK), appended);
    Bucket bucket(1, "", "one");
    bucket.lane = "orders/ndjson";
    BOOST_TEST(sink.begin(bucket) == LEAT_ERR_CONFIG);
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(refuses_a_manifest_that_was_cut_or_changed) {
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == "");
    const std::string whole = get("out.leat");
    const std::string why = config_error(
        "out.leat, which says how far out is committed, cannot be understood: it was cut or changed, or is "
        "no manifest of leat; restore it, or remove it and say mode: replace");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        put("out.leat", whole.substr(0, size));
        BOOST_REQUIRE(recovered(created) == why);
    }
    for (std::size_t at = 16; at < whole.size(); ++at) {  // behind the version
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        put("out.leat", changed);
        BOOST_REQUIRE(recovered(created) == why);
    }
    for (const std::string& text : {whole + "\n", "\n" + whole, std::string(100'000, 'x'), whole + whole}) {
        put("out.leat", text);
        BOOST_TEST(recovered(created) == why);
        BOOST_TEST(load(created, 2, "one", "two", rows_of(1, 2)) == why);
    }
    BOOST_TEST(get("out") == header() + lines(0, 1));
    put("out.leat", "leat manifest 2\nwhatever that may hold\n");
    BOOST_TEST(recovered(created) ==
               config_error("out.leat is of another version than this leat writes, which is 1: go "
                            "on with the leat that wrote it"));
}

BOOST_AUTO_TEST_CASE(reads_any_manifest_that_it_writes) {
    rc::check([](const std::string& lane, const std::string& token, std::uint64_t tail) {
        ndjson::Manifest made;
        made.lane = lane;
        made.token = token;
        made.tail = tail;
        made.length = *rc::gen::inRange<std::int64_t>(0, INT64_MAX);
        const auto read = ndjson::Manifest::parse(made.text());
        RC_ASSERT(read.has_value());
        RC_ASSERT(read->lane == lane && read->token == token);
        RC_ASSERT(read->tail == tail && read->length == made.length);
    });
    rc::check([](const std::string& text) { RC_ASSERT(!ndjson::Manifest::parse(text)); });
}

BOOST_AUTO_TEST_CASE(is_fenced_when_another_host_has_written_its_lane) {
    const std::string fenced =
        std::to_string(LEAT_ERR_FATAL) +
        " out: fenced: lane 'test/sink' was written by another host since this one began; stop one of them";
    instance mine(component(LEAT_SINK), appended);
    BOOST_TEST(mine.recover() == "");
    BOOST_TEST(load(appended, 1, "", "theirs", rows_of(0, 1)) == "");
    BOOST_TEST(load(mine, 1, "", "mine", rows_of(0, 1)) == fenced);
    BOOST_TEST(get("out") == header() + lines(0, 1));
    for (const char* prev : {"", "older", "theirs and more"})
        BOOST_TEST(load(appended, 2, prev, "mine", rows_of(1, 2)) == fenced);

    // With `replace` the first bucket names no token; what was recovered before still counts.
    instance first(component(LEAT_SINK), replaced);
    BOOST_TEST(first.recover() == "theirs");
    BOOST_TEST(load(appended, 2, "theirs", "theirs 2", rows_of(1, 2)) == "");
    BOOST_TEST(load(first, 1, "", "mine", rows_of(0, 1)) == fenced);
    BOOST_TEST(get("out") == header() + lines(0, 2));

    // Where there are no locks, both may be at it at once.
    instance unlocked(component(LEAT_SINK), appended);
    BOOST_TEST(load(unlocked, 3, "theirs 2", "mine 3", rows_of(2, 3)) == "");
    std::string manifest = get("out.leat");
    ndjson::Manifest other = ndjson::Manifest::parse(manifest).value();
    other.token = "theirs 3";
    put("out.leat", other.text());
    BOOST_TEST(load(unlocked, 4, "mine 3", "mine 4", rows_of(3, 4)) == fenced);
    unlocked.close();

    fs::remove("out.leat");
    BOOST_TEST(
        load(appended, 4, "mine 3", "mine 4", rows_of(3, 4)) ==
        std::to_string(LEAT_ERR_FATAL) +
            " out: fenced: out.leat, which had the last token of lane 'test/sink', is gone; restore it, or start "
            "afresh with --fresh");
    BOOST_TEST(get("out") == header() + lines(0, 3));
}

BOOST_AUTO_TEST_CASE(is_not_done_with_a_file_that_somebody_else_changes_meanwhile) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    const std::string due = std::to_string(get("out").size());
    fs::resize_file("out", 2);
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) ==
               config_error("out was changed while it was written: " + due +
                            " bytes are due, 2 are there; let nobody else write to it, and run again"));
    BOOST_TEST(sink.finish() == "");

    put("out", header() + lines(0, 1));
    instance next(component(LEAT_SINK), created);
    const Bucket second(2, "one", "two");
    leat::batch rows = rows_of(1, 2);
    BOOST_TEST(next.begin(second) == LEAT_OK);
    BOOST_TEST(next.write(rows) == LEAT_OK);
    fs::rename("out", "moved");
    put("out", "other");
    BOOST_TEST(next.commit(second) == LEAT_ERR_CONFIG);
    BOOST_TEST(next.failure() ==
               "out was moved, removed or exchanged while it was written: leave it in its place until the run has "
               "ended, and run again");
    next.abort(second);
    BOOST_TEST(next.finish() == "");
    BOOST_TEST(get("out") == "other");
    BOOST_TEST(get("moved") == header() + lines(0, 1));
}

// ---- Without tokens -----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(keeps_no_manifest_without_tokens) {
    for (const std::string& config : {created, appended, replaced}) {
        BOOST_TEST(load(config, 1, "", "", rows_of(0, 1)) == "");
        BOOST_TEST(files() == "out");
    }
}

BOOST_AUTO_TEST_CASE(leaves_no_manifest_that_lies_behind_a_run_without_tokens) {
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(
        load(created, 1, "", "", rows_of(0, 1)) ==
        config_error("out exists already: remove it, or say what to do with it by mode: append or mode: replace"));
    BOOST_TEST(load(appended, 1, "", "", rows_of(1, 2)) ==
               config_error(
                   "out is written by runs that keep their checkpoints in out.leat, which would cut off what this one, "
                   "which does not, appends: let it do so too, or remove out.leat if no other is to go on"));
    BOOST_TEST(get("out") == header() + lines(0, 1));
    BOOST_TEST(recovered(created) == "one");
    BOOST_TEST(load(replaced, 1, "", "", rows_of(5, 6)) == "");
    BOOST_TEST(files() == "out");
    BOOST_TEST(get("out") == header() + lines(5, 6));

    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) == "");
    fs::remove("out");
    BOOST_TEST(load(created, 1, "", "", rows_of(7, 8)) == "");
    BOOST_TEST(files() == "out");
}

BOOST_AUTO_TEST_CASE(replaces_without_tokens_only_with_the_first_of_all_buckets) {
    put("out", "old\n");
    BOOST_TEST(load(replaced, 1, "", "", rows_of(0, 1)) == "");
    BOOST_TEST(load(replaced, 2, "", "", rows_of(1, 2)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 2));
}

BOOST_AUTO_TEST_CASE(refuses_a_bucket_without_a_token_in_a_run_with_tokens) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(load(sink, 2, "one", "", rows_of(1, 2)) ==
               std::to_string(LEAT_ERR_FATAL) +
                   " a bucket for out came without a token, though the run began with one: this is a bug of the host");
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(keeps_no_token_with_what_is_no_regular_file) {
    const std::string why =
        std::to_string(LEAT_ERR_UNSUPPORTED) +
        " pipe is not a regular file: what is in it cannot be cut back to the last commit, so that no run can go on "
        "from there";
    BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0);
    BOOST_TEST(recovered(options("pipe")) == why);
    const int reader = ::open("pipe", O_RDONLY | O_NONBLOCK);
    BOOST_REQUIRE(reader >= 0);
    instance sink(component(LEAT_SINK), options("pipe"));
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(sink.finish() == "");
    char text[64] = {};
    const ssize_t size = ::read(reader, text, sizeof text);
    BOOST_TEST(std::string(text, static_cast<std::size_t>(size)) == header() + lines(0, 2));
    ::close(reader);
    BOOST_TEST(files() == "pipe");
    for (const std::string name : {"/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
        BOOST_TEST(
            recovered(options(name, R"("mode": "append")")) ==
            std::to_string(LEAT_ERR_UNSUPPORTED) + " " + name +
                " is not a regular file: what is in it cannot be cut back to the last commit, so that no run can "
                "go on from there");
    }
}

// ---- One writer ---------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(lets_no_second_process_write_at_the_same_time) {
    BOOST_TEST(load(created, 1, "", "one", rows_of(0, 1)) == "");
    int ready[2];
    BOOST_REQUIRE(::pipe(ready) == 0);
    const pid_t holder = ::fork();
    if (holder == 0) {
        instance sink(component(LEAT_SINK), created);
        const bool begun = sink.begin(Bucket(2, "one", "two")) == LEAT_OK;
        if (begun && ::write(ready[1], "x", 1) == 1) ::pause();
        ::_exit(1);
    }
    char byte = 0;
    BOOST_REQUIRE(::read(ready[0], &byte, 1) == 1);
    const std::string why = config_error("out is being written by process " + std::to_string(holder) +
                                         ": wait until it has ended, or use another path");
    for (const std::string& config : {created, appended, replaced}) {
        BOOST_TEST(load(config, 2, "one", "two", rows_of(1, 2)) == why);
        BOOST_TEST(recovered(config) == "one");
    }
    BOOST_TEST(load(replaced, 1, "", "", rows_of(1, 2)) == why);  // without tokens, too
    BOOST_TEST(get("out") == header() + lines(0, 1));
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    BOOST_TEST(load(created, 2, "one", "two", rows_of(1, 2)) == "");
}

BOOST_AUTO_TEST_CASE(lets_no_second_sink_of_the_same_run_write_at_the_same_time) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(load(appended, 2, "one", "two", rows_of(0, 1)) ==
               config_error("out is being written by another sink of this run: let each write to a file of its own"));
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) == "");
}

BOOST_AUTO_TEST_CASE(says_where_there_are_no_locks_that_nothing_keeps_others_out) {
    instance sink(component(LEAT_SINK), created);
    {
        const Failing failing("flock out", ENOLCK);
        BOOST_TEST(sink.begin(Bucket(1, "", "one")) == LEAT_OK);
    }
    BOOST_REQUIRE(sink.logs.size() == 1u);
    BOOST_TEST(sink.logs[0].text ==
               "cannot lock out: No locks available; let no other process write to it at the same time");
}

// ---- Faults -------------------------------------------------------------------------------------------------------

struct Fault {
    const char* call;
    int error;
    leat_status status;
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) {
    return out << fault.call << ": " << std::strerror(fault.error);
}

/// None of them has committed the bucket.
const Fault faults[] = {
    {"fdatasync out", ENOSPC, LEAT_ERR_CONFIG,
     "cannot flush out to its device: No space left on device: free some space, or write elsewhere, and run again"},
    {"fdatasync out", EIO, LEAT_ERR_FATAL,
     "cannot flush out to its device: Input/output error: the device fails; look at the system's log"},
    {"fdatasync out.leat.tmp", EDQUOT, LEAT_ERR_CONFIG,
     "cannot write out.leat.tmp: Disk quota exceeded: free some space, or write elsewhere, and run again"},
    {"rename out.leat.tmp out.leat", ENOSPC, LEAT_ERR_CONFIG,
     "cannot replace out.leat: No space left on device: free some space, or write elsewhere, and run again"},
    {"rename out.leat.tmp out.leat", EROFS, LEAT_ERR_CONFIG,
     "cannot replace out.leat, the manifest of out: Read-only file system: give the user that runs leat the right to "
     "read and write the directory ., or use another path"},
};

BOOST_DATA_TEST_CASE(stands_at_the_last_commit_after_a_fault, boost::unit_test::data::make(faults), fault) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    {
        const Failing failing(fault.call, fault.error);
        BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) == std::to_string(fault.status) + " " + fault.why);
    }
    BOOST_TEST(get("out") == header() + lines(0, 1));
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(files() == "out out.leat");
    BOOST_TEST(recovered(created) == "one");
    BOOST_TEST(load(created, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 2));
}

BOOST_DATA_TEST_CASE(leaves_it_to_the_next_instance_how_a_commit_ended,
                     boost::unit_test::data::make({"rename out.leat.tmp out.leat", "fsync ."}), call) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    {
        const Failing failing(call, EIO);
        BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) ==
                   std::to_string(LEAT_ERR_BROKEN) +
                       " cannot tell whether out.leat was replaced: Input/output error: the device fails; look at the "
                       "system's log");
    }
    // Cut back it would not be the file of a commit that did happen.
    BOOST_TEST(get("out") == header() + lines(0, 2));
    BOOST_TEST(sink.finish() == "");
    const bool committed = std::string_view(call) == "fsync .";
    BOOST_TEST(recovered(created) == (committed ? "two" : "one"));
    BOOST_TEST(load(created, committed ? 3 : 2, committed ? "two" : "one", "three", rows_of(5, 6)) == "");
    BOOST_TEST(get("out") == header() + lines(0, committed ? 2 : 1) + lines(5, 6));
}

BOOST_AUTO_TEST_CASE(begins_with_nothing_when_the_manifest_cannot_be_made) {
    for (const std::string& config : {created, appended, replaced}) {
        {
            const Failing failing("fdatasync out.leat.tmp", ENOSPC);
            BOOST_TEST(load(config, 1, "", "one", rows_of(0, 1)) ==
                       config_error("cannot write out.leat.tmp: No space left on device: free some space, or write "
                                    "elsewhere, and run again"));
        }
        BOOST_TEST(files() == "");
    }
    put("out", "old\n");
    const Failing failing("rename out.leat.tmp out.leat", ENOSPC);
    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) != "");
    BOOST_TEST(get("out") == "old\n");
    BOOST_TEST(files() == "out");
}

BOOST_AUTO_TEST_CASE(cuts_back_later_what_could_not_be_cut_at_once) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 1)) == "");
    const std::string size = std::to_string(get("out").size());
    const Bucket second(2, "one", "two");
    leat::batch large = rows_of(100'000, 200'000);
    BOOST_TEST(sink.begin(second) == LEAT_OK);
    BOOST_TEST(sink.write(large) == LEAT_OK);
    {
        const Failing failing("ftruncate out " + size, EIO);
        sink.abort(second);
        BOOST_TEST(sink.begin(second) == LEAT_ERR_FATAL);
        BOOST_TEST(sink.failure() == "cannot cut out back to its first " + size +
                                         " bytes: Input/output error: the device fails; look at the system's log");
    }
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(get("out") == header() + lines(0, 2));
}

BOOST_AUTO_TEST_CASE(stands_at_the_last_commit_when_the_file_may_not_grow) {
    instance sink(component(LEAT_SINK), created);
    BOOST_TEST(load(sink, 1, "", "one", rows_of(0, 2)) == "");
    {
        const FileSizeLimit limit(400'000);
        BOOST_TEST(load(sink, 2, "one", "two", rows_of(2, 100'000)) ==
                   config_error("cannot write to out: File too large: the file has reached the size limit of its file "
                                "system or of `ulimit -f`"));
    }
    BOOST_TEST(get("out") == header() + lines(0, 2));
    {
        const FileSizeLimit limit(40);  // less than a manifest
        BOOST_TEST(load(sink, 2, "one", "two", rows_of(2, 3)) ==
                   config_error("cannot write out.leat.tmp: File too large: the file has reached the size limit of its "
                                "file system or of `ulimit -f`"));
    }
    BOOST_TEST(load(sink, 2, "one", "two", rows_of(2, 3)) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out") == header() + lines(0, 3));
}

BOOST_AUTO_TEST_CASE(says_before_the_first_row_that_the_manifest_has_no_place) {
    put("out", "");
    fs::permissions("out", fs::perms{0666});
    {
        const AsNobody nobody;
        const std::string why = config_error(
            "cannot write out.leat, the manifest of out: Permission denied: give the user that runs leat the "
            "right to read and write the directory ., or use another path");
        BOOST_TEST(recovered(appended) == why);
        BOOST_TEST(load(appended, 1, "", "", rows_of(0, 1)) == "");  // without a manifest it can be written
    }
    fs::create_directory("out.leat");
    const std::string directory =
        config_error("out.leat is a directory, where the manifest of out is due: move it away, or use another path");
    BOOST_TEST(recovered(replaced) == directory);
    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) == directory);
    fs::remove("out.leat");
    fs::create_directory("out.leat.tmp");
    BOOST_TEST(load(replaced, 1, "", "one", rows_of(0, 1)) ==
               config_error("out.leat.tmp is in the way of the manifest of out: move it away, or use another path"));
    BOOST_TEST(get("out") == header() + lines(0, 1));
}

BOOST_AUTO_TEST_CASE(writes_through_a_link_and_keeps_the_manifest_beside_the_name_that_was_given) {
    fs::create_directory("there");
    fs::create_symlink("there/file", "out");
    BOOST_TEST(load(appended, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST(load(appended, 2, "one", "two", rows_of(1, 2)) == "");
    BOOST_TEST(get("there/file") == header() + lines(0, 2));
    BOOST_TEST(files() == "out out.leat there");
}

BOOST_AUTO_TEST_CASE(lets_read_the_manifest_who_may_read_the_file) {
    put("out", "");
    fs::permissions("out", fs::perms{0600});
    BOOST_TEST(load(appended, 1, "", "one", rows_of(0, 1)) == "");
    BOOST_TEST((fs::status("out.leat").permissions() == fs::perms{0600}));
}

// ---- Kills --------------------------------------------------------------------------------------------------------

struct Unsynced {
    Unsynced() { calls.synced = false; }
    ~Unsynced() { calls = {}; }
};

/// Loads the buckets that are still due, as a host does: it asks for the token, and goes on behind it. A bucket is its
/// number in rows of that number, the token its number as text.
void load_what_is_due(const std::string& config, int buckets) {
    instance sink(component(LEAT_SINK), config);
    const std::string token = sink.recover();
    for (int number = token.empty() ? 1 : std::stoi(token) + 1; number <= buckets; ++number) {
        leat::batch rows = rows_of(number * 100, number * 100 + number);
        const std::string prev = number == 1 ? "" : std::to_string(number - 1);
        if (sink.load({&rows}, static_cast<std::uint64_t>(number), prev, std::to_string(number)) != LEAT_OK) {
            std::fputs((sink.failure() + "\n").c_str(), stderr);
            ::_exit(2);
        }
    }
}

std::string all_buckets(int buckets) {
    std::string out;
    for (int number = 1; number <= buckets; ++number)
        out += lines(number * 100, number * 100 + number);
    return out;
}

struct Start {
    const char* mode;
    std::string found;  ///< in the file, before the first run
    bool kept;
};
std::ostream& operator<<(std::ostream& out, const Start& from) {
    return out << from.mode << (from.found.empty() ? "" : " with a file");
}

std::vector<Start> starts() {
    return {{"create", "", false},
            {"append", "", false},
            {"append", header() + lines(0, 3), true},
            {"replace", "", false},
            {"replace", header() + lines(0, 300), false}};
}

void begin_with(const Start& from) {
    fs::remove("out");
    fs::remove("out.leat");
    if (!from.found.empty()) put("out", from.found);
}
std::string config_of(const Start& from) {
    return options("out", std::string("\"mode\": \"") + from.mode + "\"");
}
std::string due(const Start& from, int buckets) {
    return (from.kept ? from.found : header()) + all_buckets(buckets);
}

BOOST_AUTO_TEST_CASE(holds_every_bucket_once_whichever_call_it_is_killed_before) {
    constexpr int buckets = 3;
    const Unsynced unsynced;
    int kills = 0;
    for (const Start& from : starts()) {
        BOOST_TEST_CONTEXT(from) {
            for (int call = 0;; ++call) {
                begin_with(from);
                const int ended = in_child([&] {
                    calls.kill_before = calls.count + call;
                    load_what_is_due(config_of(from), buckets);
                });
                if (!WIFSIGNALED(ended)) {
                    BOOST_TEST(ended == 0);
                    break;  // there are not so many calls
                }
                ++kills;
                // The last one comes again without its rows, so that nothing hides those of the killed one.
                load_what_is_due(config_of(from), buckets - 1);
                const bool last_is_due = recovered(config_of(from)) != std::to_string(buckets);
                if (last_is_due) {
                    BOOST_TEST(load(config_of(from), buckets, std::to_string(buckets - 1), std::to_string(buckets),
                                    rows_of(0, 0)) == "");
                }
                BOOST_REQUIRE(get("out") == due(from, last_is_due ? buckets - 1 : buckets));
                BOOST_REQUIRE(recovered(config_of(from)) == std::to_string(buckets));
            }
        }
    }
    BOOST_TEST(kills > 100);
}

BOOST_AUTO_TEST_CASE(holds_every_bucket_once_though_each_run_that_goes_on_is_killed_too) {
    const Unsynced unsynced;
    constexpr int buckets = 4;
    std::mt19937 random(1);
    for (const Start& from : starts()) {
        begin_with(from);
        int kills = 0;
        while (kills < 1000) {
            const int call = static_cast<int>(random() % 20);
            const int ended = in_child([&] {
                calls.kill_before = calls.count + call;
                load_what_is_due(config_of(from), buckets);
            });
            if (!WIFSIGNALED(ended)) {
                BOOST_REQUIRE(ended == 0);
                break;
            }
            ++kills;
        }
        BOOST_TEST(get("out") == due(from, buckets));
    }
}

BOOST_AUTO_TEST_CASE(holds_every_bucket_once_whenever_it_is_killed) {
    using clock = std::chrono::steady_clock;
    constexpr int buckets = 20;
    const Unsynced unsynced;
    std::mt19937 random(2);
    auto longest = clock::duration();
    int kills = 0;
    for (int round = 0; kills < 300; ++round) {
        const std::vector<Start> all = starts();
        const Start& from = all[static_cast<std::size_t>(round) % all.size()];
        begin_with(from);
        if (round == 0) {
            const auto begun = clock::now();
            BOOST_REQUIRE(in_child([&] { load_what_is_due(config_of(from), buckets); }) == 0);
            longest = clock::now() - begun;
            begin_with(from);
        }
        // Longer from kill to kill, so that it ends however slow the machine has become since.
        for (auto within = longest;; within += within / 10) {
            const pid_t child = ::fork();
            if (child == 0) {
                load_what_is_due(config_of(from), buckets);
                ::_exit(0);
            }
            // At any instant, the sooner the more often: what is left to do becomes less from kill to kill.
            std::this_thread::sleep_for(within * static_cast<int>(random() % 1000) / 2000);
            ::kill(child, SIGKILL);
            int ended = 0;
            ::waitpid(child, &ended, 0);
            if (!WIFSIGNALED(ended)) {
                BOOST_REQUIRE(ended == 0);
                break;
            }
            ++kills;
        }
        BOOST_REQUIRE(get("out") == due(from, buckets));
        BOOST_REQUIRE(recovered(config_of(from)) == std::to_string(buckets));
    }
}

BOOST_AUTO_TEST_SUITE_END()

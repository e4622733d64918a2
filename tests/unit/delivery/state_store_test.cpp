#include "delivery/state_store.hpp"

#include <rapidcheck.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <map>
#include <thread>

#include "delivery/database.hpp"
#include "file_limit.hpp"
#include "folder.hpp"
#include "stopped_clock.hpp"

using leat::Clock;
using leat::Errc;
using leat::delivery::Checkpoint;
using leat::delivery::StateStore;
using namespace leat::test;

namespace {

const StoppedClock stopped;
constexpr auto stopped_text = "2023-11-14T22:13:20Z";
const Checkpoint some{7, std::string("line 12\0\xff", 9), 3, true, "csv"};

std::unique_ptr<StateStore> opened(leat::Result<std::unique_ptr<StateStore>> store) {
    BOOST_REQUIRE_MESSAGE(store, (store.has_error() ? store.error().text() : ""));
    return std::move(store).value();
}

std::unique_ptr<StateStore> open(const std::filesystem::path& directory) {
    return opened(StateStore::open(directory, stopped));
}

std::string error_of(const std::filesystem::path& directory) {
    const auto store = StateStore::open(directory, stopped);
    if (!store) BOOST_CHECK(store.error().code() == Errc::io);
    return store ? "none" : store.error().text();
}

std::optional<Checkpoint> found(StateStore& store, std::string_view lane) {
    auto checkpoint = store.checkpoint(lane);
    BOOST_REQUIRE_MESSAGE(checkpoint, (checkpoint.has_error() ? checkpoint.error().text() : ""));
    return std::move(checkpoint).value();
}

/// Works on the file as another program would.
void run_sql(const std::filesystem::path& file, const std::string& sql) {
    sqlite3* raw = nullptr;
    BOOST_REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, sqlite3_close);
    BOOST_REQUIRE_MESSAGE(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(raw));
}

/// Another process, which does `work` and then nothing until it is killed.
class Other {
public:
    template <class Work>
    explicit Other(Work work) {
        int ends[2];
        BOOST_REQUIRE(::pipe(ends) == 0);
        pid_ = ::fork();
        BOOST_REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            const auto kept = work();
            static_cast<void>(::write(ends[1], kept ? "y" : "n", 1) == 1);
            for (;;)
                ::pause();
        }
        ::close(ends[1]);
        char answer = 0;
        BOOST_REQUIRE(::read(ends[0], &answer, 1) == 1);
        ::close(ends[0]);
        BOOST_REQUIRE(answer == 'y');
    }
    ~Other() { kill(); }
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;

    pid_t pid() const { return pid_; }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_ = -1;
};

/// The exit code of a child process that does `work`.
template <class Work>
int as_child(Work work) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The same without the rights of root.
template <class Work>
int as_nobody(Work work) {
    return as_child([&] {
        if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 99;
        return work();
    });
}

/// A disk of 256 KiB that only this process sees. False: the system does not let it have one.
bool mount_small_disk(const std::filesystem::path& place) {
    const auto user = std::to_string(::getuid());
    const auto group = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user + " " + user + " 1";
    std::ofstream("/proc/self/gid_map") << group + " " + group + " 1";
    return ::mount("none", place.c_str(), "tmpfs", 0, "size=256k") == 0;
}

constexpr auto damaged_remedy =
    "; restore it from a backup, or move it away and start over with --fresh: its checkpoints are lost then";

}  // namespace

BOOST_AUTO_TEST_SUITE(state_store)

BOOST_AUTO_TEST_CASE(a_checkpoint_outlives_the_store) {
    const Folder folder;
    const auto directory = folder / "a/b/.leat";
    {
        const auto store = open(directory);
        BOOST_TEST(!found(*store, "orders/csv"));
        BOOST_REQUIRE(store->save("orders/csv", {1, "first", 0, false, "csv"}, true));
        BOOST_REQUIRE(store->save("orders/csv", some, false));
        BOOST_CHECK(found(*store, "orders/csv") == some);
        BOOST_TEST(!found(*store, "orders/other"));
    }
    const auto store = open(directory);
    BOOST_CHECK(found(*store, "orders/csv") == some);
    // Sums of an unsigned counter beyond what SQLite's own numbers hold.
    const Checkpoint largest{UINT64_MAX, "", UINT64_MAX - 1, false, ""};
    BOOST_REQUIRE(store->save("orders/csv", largest, true));
    BOOST_CHECK(found(*store, "orders/csv") == largest);
}

BOOST_AUTO_TEST_CASE(the_state_of_a_runner_is_kept_beside) {
    const Folder folder;
    const std::string state("\0\x01 and text", 11);
    {
        const auto store = open(folder.path());
        BOOST_TEST(store->runner_state("nightly").value().empty());
        BOOST_REQUIRE(store->save_runner_state("nightly", "older"));
        BOOST_REQUIRE(store->save_runner_state("nightly", state));
    }
    const auto store = open(folder.path());
    BOOST_TEST(store->runner_state("nightly").value() == state);
    BOOST_TEST(store->runner_state("daily").value().empty());
}

BOOST_AUTO_TEST_CASE(entries_are_listed_by_pipeline_and_lane) {
    const Folder folder;
    const auto store = open(folder.path());
    BOOST_TEST(store->entries().value().empty());
    BOOST_REQUIRE(store->save("people/csv", some, false));
    BOOST_REQUIRE(store->save("orders/sqlite", some, false));
    BOOST_REQUIRE(store->save("orders/csv/2", {}, false));
    BOOST_REQUIRE(store->save_runner_state("nightly", "state"));
    const auto entries = store->entries().value();
    BOOST_REQUIRE(entries.size() == 4u);
    const auto is = [&](std::size_t i, const char* pipeline, const char* lane, const Checkpoint& checkpoint) {
        BOOST_TEST(entries[i].pipeline == pipeline);
        BOOST_TEST(entries[i].lane == lane);
        BOOST_CHECK(entries[i].checkpoint == checkpoint);
        BOOST_TEST(entries[i].updated == stopped_text);
    };
    is(0, "nightly", "", {0, "state", 0, false, ""});
    is(1, "orders", "orders/csv/2", {});
    is(2, "orders", "orders/sqlite", some);
    is(3, "people", "people/csv", some);
}

BOOST_AUTO_TEST_CASE(reset_forgets_one_pipeline_and_says_whether_there_was_something) {
    const Folder folder;
    {
        const auto store = open(folder.path());
        BOOST_REQUIRE(store->save("orders/csv", some, false));
        BOOST_REQUIRE(store->save_runner_state("orders", "state"));
        BOOST_REQUIRE(store->save("orders2/csv", some, false));
        BOOST_TEST(store->reset("orders").value());
        BOOST_TEST(!store->reset("orders").value());
        BOOST_TEST(!store->reset("nothing").value());
        BOOST_TEST(!found(*store, "orders/csv"));
        BOOST_TEST(store->runner_state("orders").value().empty());
    }
    const auto store = open(folder.path());
    BOOST_TEST(!found(*store, "orders/csv"));
    BOOST_CHECK(found(*store, "orders2/csv") == some);
}

BOOST_AUTO_TEST_CASE(a_second_host_is_told_who_has_the_state_until_that_one_is_killed) {
    const Folder folder;
    const auto directory = folder / ".leat";
    std::unique_ptr<StateStore> kept;
    Other other([&] {
        auto store = StateStore::open(directory, stopped);
        if (!store || !store.value()->save("orders/csv", some, true)) return false;
        kept = std::move(store).value();
        return true;
    });
    const auto pid = std::to_string(other.pid());
    char host[256] = {};
    BOOST_REQUIRE(::gethostname(host, sizeof host - 1) == 0);
    BOOST_TEST(read_file(directory / "lock") == pid + " " + host + " " + stopped_text + "\n");
    const auto text = error_of(directory);
    BOOST_TEST(text.starts_with("the state directory " + directory.string() + " is in use by process " + pid +
                                " (unit_delivery_test"),
               text);
    BOOST_TEST(text.ends_with(std::string(", since ") + stopped_text +
                              "); wait for it, or choose another directory with --state"),
               text);
    // One that only looks needs no lock.
    BOOST_CHECK(found(*opened(StateStore::open_to_read(directory)), "orders/csv") == some);
    other.kill();
    BOOST_CHECK(found(*open(directory), "orders/csv") == some);
    BOOST_TEST(read_file(directory / "lock") == "");
}

BOOST_AUTO_TEST_CASE(the_holder_is_named_as_far_as_it_is_known) {
    const Folder folder;
    const auto store = open(folder.path());
    const auto says = [&](const std::string& lock, const std::string& who) {
        std::ofstream(folder / "lock") << lock;
        BOOST_TEST(error_of(folder.path()) == "the state directory " + folder.path().string() + " is in use by " + who +
                                                  "; wait for it, or choose another directory with --state");
    };
    says("4711 elsewhere 2026-11-26T04:00:00Z\n", "process 4711 on elsewhere (since 2026-11-26T04:00:00Z)");
    says("", "another process");
    says("nonsense\x1b[2J", "another process");
    // A dead one's words, in the moment before the holder writes its own.
    const pid_t dead = ::fork();
    if (dead == 0) ::_exit(0);
    ::waitpid(dead, nullptr, 0);
    char host[256] = {};
    BOOST_REQUIRE(::gethostname(host, sizeof host - 1) == 0);
    says(std::to_string(dead) + " " + host + " 2026-11-26T04:00:00Z\n", "another process");
}

BOOST_AUTO_TEST_CASE(the_lock_is_not_held_by_programs_that_the_holder_started) {
    const Folder folder;
    auto store = open(folder.path());
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        // cat runs until the test closes its end of the pipe.
        ::dup2(ends[0], STDIN_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::execl("/bin/cat", "cat", nullptr);
        ::_exit(1);
    }
    // The kernel shows another name once the other program runs.
    std::string name;
    while (name != "cat\n")
        name = read_file("/proc/" + std::to_string(child) + "/comm");
    store.reset();
    BOOST_TEST(error_of(folder.path()) == "none");
    ::close(ends[0]);
    ::close(ends[1]);
    ::waitpid(child, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(what_a_killed_host_had_stored_is_there_and_nothing_else) {
    const Folder folder;
    for (std::uint64_t round = 1; round <= 5; ++round) {
        std::unique_ptr<StateStore> kept;
        Other other([&] {
            auto store = StateStore::open(folder.path(), stopped);
            if (!store) return false;
            kept = std::move(store).value();
            for (std::uint64_t i = 0; i < 50 * round; ++i)
                if (!kept->save("orders/csv", {round, std::to_string(i), i, false, "csv"}, i % 10 == 0)) return false;
            return true;
        });
        other.kill();
        const auto last = 50 * round - 1;
        BOOST_CHECK(
            (found(*open(folder.path()), "orders/csv") == Checkpoint{round, std::to_string(last), last, false, "csv"}));
    }
}

BOOST_AUTO_TEST_CASE(one_that_reads_sees_what_the_host_stores_and_stores_nothing) {
    const Folder folder;
    const auto directory = folder / ".leat";
    BOOST_TEST(StateStore::open_to_read(directory).error().text() ==
               "there is no state in " + directory.string() + ": nothing has run there yet");
    BOOST_TEST(!std::filesystem::exists(directory));
    const auto store = open(directory);
    const auto reader = opened(StateStore::open_to_read(directory));
    BOOST_REQUIRE(store->save("orders/csv", some, false));
    BOOST_CHECK(found(*reader, "orders/csv") == some);
    BOOST_TEST(reader->entries().value().size() == 1u);
    const auto text = "cannot use the state database " + (directory / "state.db").string() +
                      ": it was opened to read, and is not locked for writing";
    BOOST_TEST(reader->save("orders/csv", some, false).error().text() == text);
    BOOST_TEST(reader->save_runner_state("orders", "x").error().text() == text);
    BOOST_TEST(reader->reset("orders").error().text() == text);
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_a_damaged_one_and_no_beginning) {
    const Folder folder;
    std::ofstream(folder / "state.db") << "";
    const auto text =
        "cannot use the state database " + (folder / "state.db").string() + ": file is not a database" + damaged_remedy;
    BOOST_TEST(error_of(folder.path()) == text);
    BOOST_TEST(StateStore::open_to_read(folder.path()).error().text() == text);
}

BOOST_AUTO_TEST_CASE(what_a_host_left_that_was_killed_at_its_first_start_does_no_harm) {
    const Folder folder;
    std::ofstream(folder / "state.db.new") << "half";
    std::ofstream(folder / "state.db.new-journal") << "half";
    BOOST_REQUIRE(open(folder.path())->save("orders/csv", some, true));
    BOOST_TEST(!std::filesystem::exists(folder / "state.db.new"));
    BOOST_CHECK(found(*open(folder.path()), "orders/csv") == some);
}

BOOST_AUTO_TEST_CASE(the_log_of_a_database_that_was_moved_away_is_not_taken_for_the_new_one_s) {
    const Folder folder;
    std::unique_ptr<StateStore> kept;
    Other other([&] {
        kept = open(folder.path());
        return kept->save("orders/csv", some, true).has_value();
    });
    other.kill();
    BOOST_REQUIRE(std::filesystem::file_size(folder / "state.db-wal") > 0);
    std::filesystem::rename(folder / "state.db", folder / "moved.db");
    BOOST_TEST(!found(*open(folder.path()), "orders/csv"));
}

BOOST_AUTO_TEST_CASE(the_state_of_another_user_can_be_read) {
    const Folder folder;
    ::chmod(folder.path().c_str(), 0755);
    const auto directory = folder / "100% sure? #1";
    open(directory)->save("orders/csv", some, true).value();
    ::chmod((directory / "state.db").c_str(), 0644);
    ::chmod(directory.c_str(), 0555);
    BOOST_TEST(as_nobody([&] {
                   const auto store = StateStore::open_to_read(directory);
                   if (!store) BOOST_TEST_MESSAGE(store.error().text());
                   return store && store.value()->checkpoint("orders/csv").value() == some ? 0 : 1;
               }) == 0);
    ::chmod(directory.c_str(), 0755);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_made_is_named) {
    const Folder folder;
    std::ofstream(folder / "file") << "x";
    BOOST_TEST(error_of(folder / "file/.leat") == "cannot make the state directory " +
                                                      (folder / "file/.leat").string() +
                                                      ": Not a directory; choose a directory that can be written with "
                                                      "--state");
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_is_named) {
    const Folder folder;
    ::chmod(folder.path().c_str(), 0555);
    BOOST_TEST(as_nobody([&] {
                   return error_of(folder.path()) == "cannot make the lock " + (folder / "lock").string() +
                                                         ": Permission denied; choose a directory that can be written "
                                                         "with --state"
                              ? 0
                              : 1;
               }) == 0);
    std::ofstream(folder / "lock") << "";
    ::chmod((folder / "lock").c_str(), 0666);
    BOOST_TEST(as_nobody([&] {
                   return error_of(folder.path()) == "cannot use the state database " + (folder / "state.db").string() +
                                                         ": Permission denied; choose a directory that can be written "
                                                         "with --state"
                              ? 0
                              : 1;
               }) == 0);
    ::chmod(folder.path().c_str(), 0700);
    std::filesystem::create_directory(folder / "state.db");
    BOOST_TEST(error_of(folder.path()) == "cannot use the state database " + (folder / "state.db").string() +
                                              ": unable to open database file (Is a directory); choose a directory "
                                              "that can be written with --state");
}

BOOST_AUTO_TEST_CASE(a_database_that_cannot_be_written_is_named) {
    const Folder folder;
    open(folder.path()).reset();
    ::chmod((folder / "lock").c_str(), 0666);
    ::chmod((folder / "state.db").c_str(), 0444);
    ::chmod(folder.path().c_str(), 0777);
    BOOST_TEST(as_nobody([&] {
                   return error_of(folder.path()) == "cannot use the state database " + (folder / "state.db").string() +
                                                         ": it is read-only; choose a directory that can be written "
                                                         "with --state"
                              ? 0
                              : 1;
               }) == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_is_named_with_the_remedy) {
    const Folder folder;
    std::ofstream(folder / "state.db") << std::string(5000, 'x');
    const auto text =
        "cannot use the state database " + (folder / "state.db").string() + ": file is not a database" + damaged_remedy;
    BOOST_TEST(error_of(folder.path()) == text);
    BOOST_TEST(StateStore::open_to_read(folder.path()).error().text() == text);
    BOOST_TEST(read_file(folder / "state.db") == std::string(5000, 'x'));
}

BOOST_AUTO_TEST_CASE(a_database_of_another_program_is_left_alone) {
    const Folder folder;
    run_sql(folder / "state.db", "CREATE TABLE shop (id INTEGER)");
    const auto before = read_file(folder / "state.db");
    BOOST_TEST(error_of(folder.path()) == "cannot use the state database " + (folder / "state.db").string() +
                                              ": it is a database of another program; move it away, or choose another "
                                              "directory with --state");
    BOOST_TEST(read_file(folder / "state.db") == before);
}

BOOST_AUTO_TEST_CASE(a_newer_version_is_refused_with_both_numbers) {
    const Folder folder;
    open(folder.path()).reset();
    run_sql(folder / "state.db", "PRAGMA user_version = 12");
    const auto text =
        "cannot use the state database " + (folder / "state.db").string() +
        ": its tables are of version 12, and this Leat knows them up to 3: a newer Leat made it; use that "
        "one, or choose another directory with --state";
    BOOST_TEST(error_of(folder.path()) == text);
    BOOST_TEST(StateStore::open_to_read(folder.path()).error().text() == text);
}

BOOST_AUTO_TEST_CASE(a_damaged_database_is_an_error_with_the_remedy) {
    const Folder folder;
    {
        const auto store = open(folder.path());
        for (int i = 0; i < 200; ++i)
            BOOST_REQUIRE(store->save("orders/" + std::to_string(i), some, false));
    }
    const auto whole = read_file(folder / "state.db");
    std::filesystem::resize_file(folder / "state.db", whole.size() / 2);
    auto text = error_of(folder.path());
    BOOST_TEST(text.starts_with("cannot use the state database " + (folder / "state.db").string() + ": "), text);
    BOOST_TEST(text.ends_with(damaged_remedy), text);
    std::ofstream(folder / "state.db", std::ios::binary)
        << whole.substr(0, 4096) << std::string(whole.size() - 4096, 'x');
    text = error_of(folder.path());
    BOOST_TEST(text.ends_with(damaged_remedy), text);
    std::ofstream(folder / "state.db", std::ios::binary) << whole;
    BOOST_TEST(open(folder.path())->entries().value().size() == 200u);
}

BOOST_AUTO_TEST_CASE(a_position_with_a_wrong_bit_is_never_used) {
    const Folder folder;
    {
        const auto store = open(folder.path());
        BOOST_REQUIRE(store->save("orders/csv", {1, "position-of-orders", 0, false, "csv"}, true));
        BOOST_REQUIRE(store->save("people/csv", some, true));
    }
    auto bytes = read_file(folder / "state.db");
    bytes[bytes.find("position-of-orders")] ^= 4;
    std::ofstream(folder / "state.db", std::ios::binary) << bytes;
    const auto store = open(folder.path());
    const auto text = "cannot use the state database " + (folder / "state.db").string() +
                      ": what it has of \"orders/csv\" is damaged; restore it from a backup, or forget it with leat "
                      "state reset orders";
    BOOST_TEST(store->checkpoint("orders/csv").error().text() == text);
    const auto entries = store->entries().value();
    BOOST_REQUIRE(entries.size() == 2u);
    BOOST_TEST(entries[0].damaged);
    BOOST_TEST(entries[0].lane == "orders/csv");
    BOOST_TEST(!entries[1].damaged);
    BOOST_CHECK(found(*store, "people/csv") == some);
    BOOST_TEST(store->reset("orders").value());
    BOOST_TEST(store->entries().value().size() == 1u);
}

BOOST_AUTO_TEST_CASE(any_damage_is_an_error_or_does_no_harm) {
    const Folder folder;
    const auto file = folder / "state.db";
    std::map<std::string, Checkpoint> stored;
    {
        const auto store = open(folder.path());
        for (std::uint64_t i = 0; i < 40; ++i) {
            const auto lane = "pipeline" + std::to_string(i) + "/csv";
            stored[lane] = {i, std::string(i * i, static_cast<char>('a' + i % 26)), i, i % 2 == 0, "csv"};
            BOOST_REQUIRE(store->save(lane, stored[lane], false));
        }
    }
    const auto whole = read_file(file);
    BOOST_TEST(rc::check("a wrong byte, or a file that is too short", [&] {
        auto bytes = whole;
        if (*rc::gen::inRange(0, 5) == 0) {
            bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
        } else {
            // The header and the definition of the tables more often than all the rest.
            const auto end = *rc::gen::element<std::size_t>(100, 4096, bytes.size());
            bytes[*rc::gen::inRange<std::size_t>(0, end)] ^= *rc::gen::nonZero<char>();
        }
        for (const char* name : {"state.db", "state.db-wal", "state.db-shm"})
            std::filesystem::remove(folder / name);
        std::ofstream(file, std::ios::binary) << bytes;
        const auto store = StateStore::open(folder.path(), stopped);
        if (!store) return;
        for (const auto& [lane, checkpoint] : stored) {
            const auto read = store.value()->checkpoint(lane);
            if (read) RC_ASSERT(read.value() == checkpoint);
        }
        const auto entries = store.value()->entries();
        if (entries) RC_ASSERT(entries.value().size() == stored.size());
    }));
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_is_an_error_and_what_was_stored_stays) {
    const Folder folder;
    const Checkpoint large{2, std::string(60'000, 'p'), 0, false, "csv"};
    {
        const auto store = open(folder.path());
        BOOST_REQUIRE(store->save("orders/csv", some, true));
        {
            const FileLimit limit(40'000);
            for (const bool durable : {false, true}) {
                const auto saved = store->save("orders/csv", large, durable);
                BOOST_REQUIRE(saved.has_error());
                BOOST_CHECK(saved.error().code() == Errc::io);
                BOOST_TEST(saved.error().text() == "cannot use the state database " + (folder / "state.db").string() +
                                                       ": disk I/O error; check the disk that it is on, your quota "
                                                       "there, and the limit on the size of files");
                BOOST_CHECK(found(*store, "orders/csv") == some);
            }
        }
        BOOST_REQUIRE(store->save("people/csv", large, true));
    }
    const auto store = open(folder.path());
    BOOST_CHECK(found(*store, "orders/csv") == some);
    BOOST_CHECK(found(*store, "people/csv") == large);
    BOOST_TEST(store->entries().value().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_until_there_is_room) {
    const Folder folder;
    const auto file = folder / "state.db";
    const auto text = "cannot use the state database " + file.string() +
                      ": database or disk is full; make room there or choose another directory with --state";
    const int code = as_child([&] {
        if (!mount_small_disk(folder.path())) return 77;
        const auto store = StateStore::open(folder.path(), stopped);
        if (!store || !store.value()->save("orders/csv", some, true)) return 1;
        std::ofstream(folder / "filler") << std::string(1'000'000, 'x');
        const Checkpoint large{2, std::string(60'000, 'p'), 0, false, "csv"};
        for (const bool durable : {false, true}) {
            const auto saved = store.value()->save("people/csv", large, durable);
            if (saved) return 2;
            if (saved.error().text() != text) return 3;
        }
        if (store.value()->checkpoint("orders/csv").value() != some) return 4;
        std::filesystem::remove(folder / "filler");
        if (!store.value()->save("people/csv", large, true)) return 5;
        return store.value()->entries().value().size() == 2 ? 0 : 6;
    });
    if (code == 77) {
        BOOST_TEST_MESSAGE("no disk of its own to be had here");
    } else {
        BOOST_TEST(code == 0);
    }
}

BOOST_AUTO_TEST_CASE(another_program_that_writes_to_it_is_waited_for) {
    const Folder folder;
    const auto store = open(folder.path());
    sqlite3* raw = nullptr;
    BOOST_REQUIRE(sqlite3_open((folder / "state.db").c_str(), &raw) == SQLITE_OK);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, sqlite3_close);
    BOOST_REQUIRE(sqlite3_exec(raw, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    bool saved = false;
    std::thread saves([&] { saved = store->save("orders/csv", some, false).has_value(); });
    BOOST_REQUIRE(sqlite3_exec(raw, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
    saves.join();
    BOOST_TEST(saved);
    BOOST_CHECK(found(*store, "orders/csv") == some);
}

BOOST_AUTO_TEST_CASE(many_threads_store_and_read_at_the_same_time) {
    const Folder folder;
    constexpr std::uint64_t rounds = 100;
    {
        const auto store = open(folder.path());
        std::atomic<int> failed{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                const auto lane = "pipeline" + std::to_string(t) + "/csv";
                for (std::uint64_t i = 1; i <= rounds; ++i) {
                    const Checkpoint checkpoint{i, lane + std::to_string(i), i, false, "csv"};
                    if (!store->save(lane, checkpoint, i % 20 == 0)) ++failed;
                    const auto read = store->checkpoint(lane);
                    if (!read || read.value() != checkpoint) ++failed;
                    if (!store->save_runner_state("runner", lane) || !store->entries()) ++failed;
                }
            });
        }
        for (auto& thread : threads)
            thread.join();
        BOOST_TEST(failed.load() == 0);
    }
    const auto store = open(folder.path());
    for (int t = 0; t < 4; ++t)
        BOOST_TEST(found(*store, "pipeline" + std::to_string(t) + "/csv")->bucket == rounds);
}

BOOST_AUTO_TEST_CASE(the_store_is_a_map_that_outlives_processes) {
    BOOST_TEST(rc::check("save, reset and reopen", [] {
        const Folder folder;
        std::map<std::pair<std::string, std::string>, Checkpoint> model;
        auto store = open(folder.path());
        const auto names = [] { return *rc::gen::element<std::string>("a", "a.b", "a-b", "b"); };
        for (auto left = *rc::gen::inRange(0, 30); left > 0; --left) {
            const auto pipeline = names();
            const auto lane = pipeline + "/" + names();
            switch (*rc::gen::inRange(0, 5)) {
                case 0: {
                    bool had = false;
                    for (auto at = model.begin(); at != model.end();) {
                        const bool mine = at->first.first == pipeline;
                        had = had || mine;
                        at = mine ? model.erase(at) : std::next(at);
                    }
                    RC_ASSERT(store->reset(pipeline).value() == had);
                    break;
                }
                case 1:
                    store.reset();
                    store = open(folder.path());
                    break;
                case 2: {
                    const auto state = *rc::gen::arbitrary<std::string>();
                    RC_ASSERT(store->save_runner_state(pipeline, state).has_value());
                    model[{pipeline, ""}] = Checkpoint{0, state, 0, false, ""};
                    break;
                }
                default: {
                    Checkpoint checkpoint{*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::string>(),
                                          *rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<bool>(),
                                          *rc::gen::arbitrary<std::string>()};
                    RC_ASSERT(store->save(lane, checkpoint, *rc::gen::arbitrary<bool>()).has_value());
                    model[{pipeline, lane}] = std::move(checkpoint);
                }
            }
            const auto at = model.find({pipeline, lane});
            const auto expected = at == model.end() ? std::optional<Checkpoint>() : at->second;
            RC_ASSERT(store->checkpoint(lane).value() == expected);
        }
        const auto entries = store->entries().value();
        RC_ASSERT(entries.size() == model.size());
        auto at = model.begin();
        for (const auto& entry : entries) {
            RC_ASSERT(std::pair(entry.pipeline, entry.lane) == at->first);
            RC_ASSERT(entry.checkpoint == at->second);
            ++at;
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()

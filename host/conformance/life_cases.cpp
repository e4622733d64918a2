// What holds for components of every kind: their descriptors, their life, their manners.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "base/memory.hpp"
#include "conformance/case.hpp"
#include "conformance/lent_memory.hpp"
#include "conformance/workload.hpp"

namespace leat::conformance {
namespace {

using plugin::Component;
using plugin::Kind;
using plugin::Status;

// ---- Its description --------------------------------------------------------------------------------------------

std::string without_example(const Component& component) {
    return component.example.empty() ? "it has no example" : "";
}

Result<> example(Bench& bench) {
    Setup setup = bench.setup();
    setup.config = bench.component().example;
    const auto checked = configure(bench.component(), setup);
    if (!checked) return seen("its config_schema refuses its example: " + checked.error().text());
    return done();
}

// ---- Its life ---------------------------------------------------------------------------------------------------

Result<> create(Bench& bench) {
    Live first(bench);
    BOOST_OUTCOME_TRY(expect_ok(first.create(), "create"));
    {
        Live second(bench);
        BOOST_OUTCOME_TRY(expect_ok(second.create(), "create"));
        BOOST_OUTCOME_TRY(expect_ok(first.destroy(), "destroy"));
        Live third(bench);
        BOOST_OUTCOME_TRY(expect_ok(third.create(), "create"));
        BOOST_OUTCOME_TRY(expect_ok(second.destroy(), "destroy"));
        BOOST_OUTCOME_TRY(expect_ok(third.destroy(), "destroy"));
    }
    return done();
}

Result<> open(Bench& bench) {
    for (int i = 0; i < 3; ++i) {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(live.end_life());
    }
    return done();
}

/// A run that fails in the middle, and the one after it.
Result<> ends_early(Bench& bench) {
    const auto kind = bench.component().kind;
    const Lane lane(bench.component().promises(LEAT_TRANSACTIONAL));
    for (int i = 0; i < 2; ++i) {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        if (kind == Kind::source) {
            BOOST_OUTCOME_TRY(expect_ok(live.read(ReadLimits().hint), "read"));
        } else if (kind == Kind::transform) {
            BOOST_OUTCOME_TRY(const auto batch, bench.rows(0, 100));
            BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process"));
        } else {
            BOOST_OUTCOME_TRY(const auto batches, Lane::batches(bench, 1));
            BOOST_OUTCOME_TRY(lane.fill(live, batches, 1));
            lane.abort(live, batches, 1);
        }
        BOOST_OUTCOME_TRY(live.end_life());
    }
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(in_context(work(live, bench), [] { return "after two lives that ended early"; }));
    return live.end_life();
}

// ---- The threads that it is called on -----------------------------------------------------------------------------

std::string bound_to_thread(const Component& component) {
    if (component.promises(LEAT_THREAD_BOUND)) return "it asks for one thread (LEAT_THREAD_BOUND)";
    return idle_kind(component);
}

Result<> changes_threads(Bench& bench) {
    Live live(bench);
    live.change_threads();
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(work(live, bench));
    return live.end_life();
}

// ---- What it leaves behind ----------------------------------------------------------------------------------------

std::size_t entries_of(const char* directory) {
    std::error_code error;
    std::size_t count = 0;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
        ++count;
    return count;
}

Result<> live_and_work(Bench& bench, Memory::Owner& owner) {
    Live live(bench);
    owner = live.instance().memory_owner();
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(work(live, bench));
    return live.end_life();
}

Result<> leaves_nothing(Bench& bench) {
    // What is made once for the process stays.
    Memory::Owner owner{};
    BOOST_OUTCOME_TRY(live_and_work(bench, owner));
    const auto threads = entries_of("/proc/self/task");
    const auto descriptors = entries_of("/proc/self/fd");
    BOOST_OUTCOME_TRY(live_and_work(bench, owner));

    if (const auto left = process_memory().live_blocks(owner); left > 0)
        return seen(std::to_string(left) +
                    " blocks of host->alloc were not given back by the end of destroy, when all "
                    "that was emitted had been released");
    if (const auto left = LentBlock::live(); left > 0)
        return seen("batches that it was lent, and moved out, were not released by the end of destroy: they hold " +
                    std::to_string(left) + " blocks");
    if (const auto now = entries_of("/proc/self/task"); now > threads)
        return seen(std::to_string(now - threads) + " threads of its own were left after destroy");
    if (const auto now = entries_of("/proc/self/fd"); now > descriptors)
        return seen(std::to_string(now - descriptors) + " file descriptors were left open after destroy");
    return done();
}

// ---- Its manners --------------------------------------------------------------------------------------------------

/// What belongs to the process, and to no plugin.
using Surroundings = std::map<std::string, std::string>;

std::string identity_of(int descriptor) {
    struct stat found {};
    if (::fstat(descriptor, &found) != 0) return "closed";
    return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
}

std::string size_of(int descriptor) {
    struct stat found {};
    return ::fstat(descriptor, &found) == 0 ? std::to_string(found.st_size) : "closed";
}

Surroundings look_around(bool may_write_to_standard_output) {
    Surroundings out;
    std::error_code error;
    out["the working directory"] = std::filesystem::current_path(error).string();
    const auto mask = ::umask(0);
    ::umask(mask);
    out["the umask"] = std::to_string(mask);
    const char* const locale = std::setlocale(LC_ALL, nullptr);
    out["the locale"] = locale ? locale : "";
    for (char** variable = environ; *variable; ++variable)
        out["the environment"] += std::string(*variable) + "\n";
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) != 0) continue;
        std::array<char, sizeof action.sa_handler> handler{};
        const auto* const at = reinterpret_cast<const char*>(&action.sa_handler);
        std::copy(at, at + handler.size(), handler.begin());
        out["the handler of signal " + std::to_string(number)] = std::string(handler.data(), handler.size());
    }
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    for (int number = 1; number < NSIG; ++number)
        out["the signals that the thread blocks"] += ::sigismember(&blocked, number) == 1 ? '1' : '0';
    out["standard input"] = identity_of(STDIN_FILENO);
    out["standard output"] = identity_of(STDOUT_FILENO);
    out["standard error"] = identity_of(STDERR_FILENO);
    out["what is written to standard error"] = size_of(STDERR_FILENO);
    if (!may_write_to_standard_output) out["what is written to standard output"] = size_of(STDOUT_FILENO);
    return out;
}

std::set<std::string> threads_now() {
    std::set<std::string> out;
    std::error_code error;
    for (std::filesystem::directory_iterator at("/proc/self/task", error), end; !error && at != end;
         at.increment(error))
        out.insert(at->path().filename().string());
    return out;
}

/// True when a thread of this process blocks what asks a process to end.
bool blocks_signals(const std::string& thread) {
    std::ifstream status("/proc/self/task/" + thread + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("SigBlk:", 0) != 0) continue;
        const auto blocked = std::strtoull(line.c_str() + 7, nullptr, 16);
        const auto bit = [](int signal) { return std::uint64_t{1} << (signal - 1); };
        return (blocked & bit(SIGINT)) != 0 && (blocked & bit(SIGTERM)) != 0;
    }
    return true;  // it has ended
}

/// The threads that an instance has while it works.
Result<> check_own_threads(Bench& bench) {
    const auto before = threads_now();
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(work(live, bench));
    // A thread that was just made blocks all signals until it begins.
    if (threads_now().size() > before.size()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    for (const auto& thread : threads_now()) {
        if (before.count(thread) == 0 && !blocks_signals(thread))
            return seen("a thread of its own does not block SIGINT and SIGTERM, which are the host's to take");
    }
    return live.end_life();
}

Result<> keeps_manners(Bench& bench) {
    // A sink may be for standard output.
    const bool is_sink = bench.component().kind == Kind::sink;
    const auto before = look_around(is_sink);
    Memory::Owner owner{};
    BOOST_OUTCOME_TRY(live_and_work(bench, owner));
    const auto after = look_around(is_sink);
    for (const auto& [what, was] : before) {
        if (after.at(what) != was) return seen("it changed " + what);
    }
    return check_own_threads(bench);
}

// ---- Without memory -----------------------------------------------------------------------------------------------

/// While it lives, host->alloc gives nothing.
class NoMemory {
public:
    NoMemory() { process_memory().set_limit(0); }
    ~NoMemory() { process_memory().set_limit(UINT64_MAX); }
    NoMemory(const NoMemory&) = delete;
    NoMemory& operator=(const NoMemory&) = delete;
};

/// True: the call has to be made again.
Result<bool> has_retried(const plugin::Answer& answer, const char* entry) {
    if (answer.status == Status::retry && !answer.misbehaved) return true;
    if (answer.ok()) return false;
    return seen("without memory, " + told(answer, entry) + "; LEAT_ERR_RETRY is due");
}

Result<> read_without_memory(Live& live) {
    const ReadLimits limits;
    for (int i = 0; i < 5; ++i) {
        plugin::Answer answer;
        {
            const NoMemory none;
            answer = live.read(limits.hint);
        }
        BOOST_OUTCOME_TRY(const bool again, has_retried(answer, "read"));
        if (again && !live.out().batches.empty())
            return seen("read answered LEAT_ERR_RETRY after it had emitted: these rows come twice");
        live.out().batches.clear();
        if (answer.status == Status::end) return done();
        answer = live.read(limits.hint);
        BOOST_OUTCOME_TRY(expect_ok(answer, "read, made again with memory,"));
        live.out().batches.clear();
        if (answer.status == Status::end) return done();
    }
    return done();
}

Result<> process_without_memory(Live& live, Bench& bench) {
    BOOST_OUTCOME_TRY(const auto batch, bench.rows(0, 100));
    BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process"));
    const auto due = take_processed(live);
    plugin::Answer answer;
    {
        const NoMemory none;
        answer = live.process(batch);
    }
    BOOST_OUTCOME_TRY(const bool again, has_retried(answer, "process"));
    if (!again) return done();
    live.out().batches.clear();  // what a failed call emitted, the host drops
    BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process, made again with memory,"));
    if (!bench.component().promises(LEAT_STATELESS | LEAT_DETERMINISTIC)) return done();
    if (const auto other = difference(due.rows, take_processed(live).rows, false); !other.empty())
        return seen("process, made again after LEAT_ERR_RETRY, gave other rows: " + other);
    return done();
}

Result<> write_without_memory(Live& live, Bench& bench) {
    const Lane lane(bench.component().promises(LEAT_TRANSACTIONAL));
    BOOST_OUTCOME_TRY(const auto batches, Lane::batches(bench, 1));
    const auto tokens = lane.tokens(1);
    plugin::Answer answer;
    const char* entry = "begin";
    {
        const NoMemory none;
        answer = live.begin(lane.head(batches, 1, 1, tokens));
        for (const auto& batch : batches) {
            if (!answer.ok()) break;
            entry = "write";
            answer = live.write(batch);
        }
    }
    BOOST_OUTCOME_TRY(const bool again, has_retried(answer, entry));
    if (!again) return lane.commit(live, batches, 1);
    lane.abort(live, batches, 1);
    BOOST_OUTCOME_TRY(lane.fill(live, batches, 1, 2));
    return lane.commit(live, batches, 1, 2);
}

Result<> does_without_memory(Bench& bench) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    if (bench.component().kind == Kind::source) {
        BOOST_OUTCOME_TRY(read_without_memory(live));
    }
    if (bench.component().kind == Kind::transform) {
        BOOST_OUTCOME_TRY(process_without_memory(live, bench));
    }
    if (bench.component().kind == Kind::sink) {
        BOOST_OUTCOME_TRY(write_without_memory(live, bench));
    }
    return live.end_life();
}

constexpr Case cases[] = {
    {"example", Step::describes, "config_schema is a JSON Schema (draft 7), and the example is valid under it",
     "change the one or the other", without_example, example},
    {"create", Step::lives,
     "create needs no more than its configuration; any number of instances live side by side, and end in any order, "
     "opened or not",
     "leave what needs the outside world to open, and share nothing between instances", never_skipped, create},
    {"open", Step::opens, "open connects, close undoes it, and destroy ends the instance", "see what open was missing",
     never_skipped, open},
    {"ends-early", Step::survives,
     "close and destroy come whenever a run ends: in the middle of the input, before a flush, behind an abort",
     "let close and destroy end whatever was begun", idle_kind, ends_early},
    {"changes-threads", Step::survives, "consecutive calls of one instance may come on different threads ([call])",
     "keep nothing in thread_local variables, or ask for LEAT_THREAD_BOUND", bound_to_thread, changes_threads},
    {"leaves-nothing", Step::survives,
     "by the end of destroy, every block, batch, thread and file descriptor is given back",
     "release in close or destroy what open and the work before it have taken", idle_kind, leaves_nothing},
    {"keeps-manners", Step::survives,
     "the process is not the plugin's: its directory, environment, locale, signals and standard streams stay as they "
     "are, and threads of the plugin block all signals",
     "do without it, or undo it before the call returns", idle_kind, keeps_manners},
    {"does-without-memory", Step::survives,
     "when host->alloc gives NULL, a call answers LEAT_ERR_RETRY, with the state as before the call",
     "test what alloc gives, and change the state only behind it", idle_kind, does_without_memory},
};

}  // namespace

std::span<const Case> life_cases() {
    return cases;
}

}  // namespace leat::conformance

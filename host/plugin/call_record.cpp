#include "plugin/call_record.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <utility>

namespace leat::plugin {
namespace {

/// Of one thread. The file is an array of them; a thread without one, for there are too many, is not recorded.
struct Slot {
    std::atomic<std::int32_t> runs;    // whether text is that of a call
    std::atomic<std::int32_t> signal;  // that came in it
    std::array<char, 248> text;        // ends with a 0
};
static_assert(sizeof(Slot) == 256 && std::atomic<std::int32_t>::is_always_lock_free);

constexpr std::size_t slot_count = 512;
constexpr std::size_t file_size = slot_count * sizeof(Slot);
constexpr std::array crashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

/// The slots of the file that is written to now; none: no file is.
struct Slots {
    std::atomic<Slot*> first{nullptr};
    std::array<std::atomic<bool>, slot_count> taken{};
    std::atomic<std::uint64_t> file{0};  // counts the files, so that a thread sees that there is another one

    static Slots& of_process() {
        static Slots slots;
        return slots;
    }
};

// Of this thread; what a handler of signals looks at needs no construction.
constinit thread_local const NotedCall* running_here = nullptr;
constinit thread_local Slot* slot_here = nullptr;

/// What a thread needs to note its calls, and to tell of a stack that has overflowed.
class ThreadNotes {
public:
    ThreadNotes() {
        stack_t now{};
        if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
        stack_.reset(new (std::nothrow) char[stack_size]);
        if (!stack_) return;  // then only a stack that overflows is not told of
        stack_t own{};
        own.ss_sp = stack_.get();
        own.ss_size = stack_size;
        if (::sigaltstack(&own, nullptr) != 0) stack_.reset();
    }
    ~ThreadNotes() {
        if (!running_here) give_back();  // else the process exits, from within a call
        stack_t now{};
        if (!stack_ || ::sigaltstack(nullptr, &now) != 0 || now.ss_sp != stack_.get()) return;
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        ::sigaltstack(&none, nullptr);
    }
    ThreadNotes(const ThreadNotes&) = delete;
    ThreadNotes& operator=(const ThreadNotes&) = delete;

    /// That of the file that is written to now; none: there is none.
    static Slot* slot() {
        thread_local ThreadNotes notes;
        const auto file = Slots::of_process().file.load(std::memory_order_acquire);
        if (file != notes.file_) notes.take(file);
        return slot_here;
    }

private:
    static constexpr std::size_t stack_size = 32768;

    void take(std::uint64_t file) {
        auto& slots = Slots::of_process();
        give_back();
        file_ = file;
        auto* const first = slots.first.load(std::memory_order_acquire);
        if (!first) return;
        for (std::size_t i = 0; i < slot_count; ++i) {
            if (slots.taken[i].exchange(true)) continue;
            number_ = i;
            slot_here = first + i;
            return;
        }
    }
    void give_back() {
        auto* const slot = std::exchange(slot_here, nullptr);
        if (!slot) return;
        slot->runs.store(0, std::memory_order_release);
        auto& slots = Slots::of_process();
        if (slots.file.load(std::memory_order_acquire) == file_) slots.taken[number_].store(false);
    }

    std::unique_ptr<char[]> stack_;
    std::size_t number_ = 0;
    std::uint64_t file_ = 0;
};

/// Puts text together without memory of its own, as a handler of signals must.
template <std::size_t Size>
class Line {
public:
    void add(std::string_view text) {
        const auto taken = std::min(text.size(), Size - used_);
        std::memcpy(text_.data() + used_, text.data(), taken);
        used_ += taken;
    }
    void add_number(unsigned long number) {
        std::array<char, 24> digits{};
        auto at = digits.size();
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number > 0);
        add({digits.data() + at, digits.size() - at});
    }
    std::string_view text() const { return {text_.data(), used_}; }

private:
    std::array<char, Size> text_;
    std::size_t used_ = 0;
};

void note(Slot& slot, const NotedCall& call) {
    Line<std::tuple_size_v<decltype(slot.text)> - 1> line;
    line.add(call.entry());
    line.add(" of ");
    line.add(call.of());
    // While the text is changed there is none.
    slot.runs.store(0, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::memcpy(slot.text.data(), line.text().data(), line.text().size());
    slot.text[line.text().size()] = '\0';
    slot.runs.store(1, std::memory_order_release);
}

std::string_view short_name(int signal) {
    switch (signal) {
        case SIGSEGV:
            return "SIGSEGV";
        case SIGBUS:
            return "SIGBUS";
        case SIGFPE:
            return "SIGFPE";
        case SIGILL:
            return "SIGILL";
        case SIGABRT:
            return "SIGABRT";
        case SIGSYS:
            return "SIGSYS";
        case SIGTRAP:
            return "SIGTRAP";
        default:
            return "";
    }
}

template <std::size_t Size>
void write_to_stderr(const Line<Size>& line) {
    // Nothing can be done when it cannot be written.
    static_cast<void>(!::write(STDERR_FILENO, line.text().data(), line.text().size()));
}

constexpr std::string_view what_comes =
    "; what was not committed is done again after the next start; report it to the vendor of the plugin\n";

void on_crash(int signal, siginfo_t* info, void*) {
    Line<1024> line;
    line.add("leat: ");
    line.add(short_name(signal));
    if (info->si_code == SI_USER && info->si_pid != ::getpid()) {
        // A watchdog does so; whatever runs on this thread has nothing to do with it.
        line.add(", sent by process ");
        line.add_number(static_cast<unsigned long>(info->si_pid));
        line.add("; what was not committed is done again after the next start\n");
    } else if (running_here) {
        if (slot_here) slot_here->signal.store(signal, std::memory_order_relaxed);
        line.add(" in ");
        line.add(running_here->entry());
        line.add(" of ");
        line.add(running_here->of());
        line.add(what_comes);
    } else {
        line.add(
            " in no call of a plugin: in a thread that a plugin has started, or in leat itself; what was not "
            "committed is done again after the next start; please report it\n");
    }
    write_to_stderr(line);
    // The handler is gone now. What the code did is done again, and ends the process; what was sent is sent again.
    if (info->si_code <= 0) static_cast<void>(::raise(signal));
}

std::atomic<int>& code_of_exit() {
    static std::atomic<int> code{1};
    return code;
}

void on_exit_of_process() {
    if (!running_here) return;
    if (slot_here) slot_here->signal.store(CallRecord::Call::exit, std::memory_order_relaxed);
    Line<1024> line;
    line.add("leat: exit() was called in ");
    line.add(running_here->entry());
    line.add(" of ");
    line.add(running_here->of());
    line.add(", which ends the host");
    line.add(what_comes);
    write_to_stderr(line);
    // Other threads work still: nothing may be taken apart under them.
    ::_exit(code_of_exit().load());
}

}  // namespace

NotedCall::NotedCall(const char* entry, std::string_view of) noexcept : entry_(entry), of_(of) {
    outer_ = std::exchange(running_here, this);
    if (auto* const slot = ThreadNotes::slot()) note(*slot, *this);
}

NotedCall::~NotedCall() {
    running_here = outer_;
    if (!slot_here) return;
    if (outer_) {
        note(*slot_here, *outer_);
    } else {
        slot_here->runs.store(0, std::memory_order_release);
    }
}

Result<std::unique_ptr<CallRecord>> CallRecord::begin(const std::filesystem::path& file) {
    const auto failed = [&](int error) {
        return Error(Errc::io, "cannot make " + file.string() + ": " + errno_text(error));
    };
    Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    const int descriptor = lock.get();
    if (descriptor < 0) return failed(errno);
    std::unique_ptr<CallRecord> out(new CallRecord(file, std::move(lock)));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return failed(errno);
    // With all of its room: a full disk would end the process in the middle of a call.
    if (const int error = ::posix_fallocate(descriptor, 0, file_size); error != 0) return failed(error);
    void* const mapped = ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED) return failed(errno);
    auto& slots = Slots::of_process();
    for (auto& taken : slots.taken)
        taken.store(false);
    slots.first.store(static_cast<Slot*>(mapped), std::memory_order_release);
    slots.file.fetch_add(1, std::memory_order_release);
    return out;
}

CallRecord::~CallRecord() {
    auto& slots = Slots::of_process();
    slots.first.store(nullptr, std::memory_order_release);
    slots.file.fetch_add(1, std::memory_order_release);
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
}

std::optional<std::vector<CallRecord::Call>> CallRecord::left_in(const std::filesystem::path& file) {
    const Descriptor lock(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (lock.get() < 0 || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    if (bytes.size() != file_size) return std::nullopt;
    std::vector<Call> out;
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Slot)) {
        std::int32_t runs = 0;
        std::int32_t signal = 0;
        std::memcpy(&runs, &bytes[at], sizeof runs);
        std::memcpy(&signal, &bytes[at + sizeof runs], sizeof signal);
        if (runs == 0) continue;
        const auto text = std::string_view(bytes).substr(at + sizeof runs + sizeof signal,
                                                         sizeof(Slot) - sizeof runs - sizeof signal);
        out.push_back({std::string(text.substr(0, text.find('\0'))), signal});
    }
    return out;
}

void report_crashes(int exit_code) {
    code_of_exit().store(exit_code);
    static const bool registered = std::atexit(on_exit_of_process) == 0;
    static_cast<void>(registered);
    for (const int signal : crashes) {
        struct sigaction now {};
        if (::sigaction(signal, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL)
            continue;
        struct sigaction ours {};
        ours.sa_sigaction = on_crash;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | static_cast<int>(SA_RESETHAND);
        ::sigaction(signal, &ours, nullptr);
    }
}

std::string signal_text(int signal) {
    if (signal == CallRecord::Call::exit) return "exit()";
    const auto name = short_name(signal);
    return name.empty() ? "signal " + std::to_string(signal) : std::string(name);
}

}  // namespace leat::plugin

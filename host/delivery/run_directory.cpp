#include "delivery/run_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "base/descriptor.hpp"

namespace leat::delivery {
namespace {

constexpr auto remedy = "; choose a directory that can be written with --state";

std::string stamp(Clock::Wall now) {
    const auto since = now.time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> date{};
    const auto length = std::strftime(date.data(), date.size(), "%Y%m%dT%H%M%S", &parts);
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.*s.%03dZ-%ld", static_cast<int>(length), date.data(),
                  static_cast<int>(ms), static_cast<long>(::getpid()));
    return text.data();
}

Error failure(const std::string& what, const std::filesystem::path& path, const std::string& why) {
    return Error(Errc::io, what + " " + path.string() + ": " + why + remedy);
}

Error failure(const std::string& what, const std::filesystem::path& path, int error_number) {
    return failure(what, path, errno_text(error_number));
}

}  // namespace

Result<RunDirectory> RunDirectory::make(const std::filesystem::path& state, const Clock& clock) {
    std::error_code error;
    const auto runs = state / "runs";
    std::filesystem::create_directories(runs, error);
    if (error) return failure("cannot make the state directory", runs, error.message());
    const auto name = stamp(clock.wall());
    // Two runs of one process in one millisecond get different directories.
    for (int again = 0; again < 1000; ++again) {
        const auto path = runs / (again == 0 ? name : name + "-" + std::to_string(again));
        if (::mkdir(path.c_str(), 0750) == 0) return RunDirectory(path);
        if (errno != EEXIST) return failure("cannot make the directory of this run", path, errno);
    }
    return failure("cannot make the directory of this run", runs / name, EEXIST);
}

Result<> RunDirectory::write_receipt(std::string_view json) const {
    const auto target = receipt_file();
    auto temporary = target;
    temporary += ".tmp";
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (file.get() < 0) return failure("cannot write the receipt", target, errno);
    while (!json.empty()) {
        const auto wrote = ::write(file.get(), json.data(), json.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failure("cannot write the receipt", target, errno);
        json.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (::fdatasync(file.get()) != 0) return failure("cannot make the receipt durable", target, errno);
    if (::rename(temporary.c_str(), target.c_str()) != 0) return failure("cannot write the receipt", target, errno);
    const Descriptor directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() >= 0) ::fsync(directory.get());
    return done();
}

}  // namespace leat::delivery

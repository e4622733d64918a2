#include "delivery/rejects.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/utf8.hpp"
#include "delivery/bytes.hpp"

namespace leat::delivery {
namespace {

std::string json_text(std::string_view text) {
    return boost::json::serialize(boost::json::string(text));
}

/// Bytes that are not text are kept as hexadecimal, so that nothing of a record is lost.
std::string field(std::string_view name, std::string_view value) {
    if (is_utf8(value.data(), value.size())) return ",\"" + std::string(name) + "\":" + json_text(value);
    return ",\"" + std::string(name) + "_hex\":\"" + hex(value) + '"';
}

/// Writes all of the text; on an error the number of the system's, on success 0.
int write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto wrote = ::write(descriptor, text.data(), text.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return 0;
}

std::string line_of(const std::string& pipeline, const DeadLetter& letter) {
    return "{\"pipeline\":" + json_text(pipeline) + field("stage", letter.stage + " " + letter.component) +
           field("version", letter.version) + field("reason", letter.reason) +
           (letter.row.empty() ? field("raw", letter.raw) : ",\"row\":" + letter.row) + "}\n";
}

}  // namespace

Rejects::Rejects(const std::filesystem::path& directory, std::string pipeline)
    : directory_(directory), pipeline_(std::move(pipeline)) {}

Rejects::~Rejects() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<> Rejects::open() {
    const auto refuse = [&](const std::string& why) {
        return Error(Errc::io, "cannot make the rejects file " + file().string() + ": " + why +
                                   "; choose a directory that can be written with --state");
    };
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) return refuse(error.message());
    const int made = ::open(file().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (made < 0) return refuse(errno_text(errno));
    const auto size = ::lseek(made, 0, SEEK_END);
    char last = '\n';
    if (size > 0) static_cast<void>(::pread(made, &last, 1, size - 1) == 1);
    descriptor_ = made;
    if (last == '\n') return done();
    auto ended = append("\n");
    if (!ended) ::close(std::exchange(descriptor_, -1));
    return ended;
}

Result<> Rejects::append(std::string_view lines) {
    const auto before = ::lseek(descriptor_, 0, SEEK_END);
    const int error = write_all(descriptor_, lines);
    if (error == 0) return done();
    // Half a line is no letter; where it cannot be taken back, the next open() ends it.
    if (before >= 0) static_cast<void>(::ftruncate(descriptor_, before) == 0);
    return Error(Errc::io, "cannot write the rejects file " + file().string() + ": " + errno_text(error) +
                               "; make room there or choose another directory with --state");
}

Result<> Rejects::add(std::span<const DeadLetter> letters) {
    if (letters.empty()) return done();
    std::string lines;
    for (const auto& letter : letters)
        lines += line_of(pipeline_, letter);
    const std::lock_guard lock(mutex_);
    if (descriptor_ < 0) {
        BOOST_OUTCOME_TRYV(open());
    }
    BOOST_OUTCOME_TRYV(append(lines));
    count_.fetch_add(letters.size(), std::memory_order_release);
    return done();
}

Result<> Rejects::make_durable() {
    const auto written = count_.load(std::memory_order_acquire);
    if (durable_.load(std::memory_order_acquire) >= written) return done();
    int descriptor = -1;
    {
        const std::lock_guard lock(mutex_);
        descriptor = descriptor_;
    }
    // Not under the lock: others may add meanwhile. EINVAL: a special file, which has nothing to write back.
    if (::fdatasync(descriptor) != 0 && errno != EINVAL) {
        return Error(Errc::io, "cannot make the rejects file " + file().string() + " durable: " + errno_text(errno) +
                                   "; the disk may be failing or full");
    }
    auto durable = durable_.load(std::memory_order_relaxed);
    while (durable < written && !durable_.compare_exchange_weak(durable, written, std::memory_order_acq_rel)) {
    }
    return done();
}

}  // namespace leat::delivery

// What went wrong, where, and what the host does about it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace leat {

/// The kind of a failure. Usable as std::error_code.
enum class Errc {
    configuration = 1,      ///< an operator must change something; trying again is no use
    pipeline_execution,     ///< a component failed while rows were moving
    cancelled,              ///< a stop was asked, and rows were left
    worker_pool_exhausted,  ///< no thread could be had
    bucket,                 ///< a bucket was closed, or a worker of it failed
    io,                     ///< a file or device of the host's own failed
    plugin,                 ///< a library or component breaks the ABI
};

const std::error_category& error_category() noexcept;
std::error_code make_error_code(Errc code) noexcept;

/// What to do next, so that delivery acts without reading text.
enum class Next { give_up, retry, dead_letter, rebuild };

/// A failure with its whole story: a message, and the context that each caller added, outermost first.
/// Cheap to copy and to move; a moved-from Error may only be assigned or destroyed.
class [[nodiscard]] Error {
public:
    Error(Errc code, std::string message, Next next = Next::give_up);

    Errc code() const noexcept { return code_; }
    Next next() const noexcept { return next_; }
    /// The innermost text: the cause and what to do.
    const std::string& message() const noexcept { return detail_->message; }
    /// What the callers added, outermost first.
    const std::vector<std::string>& context() const noexcept { return detail_->context; }
    /// One line: "context: context: message".
    std::string text() const;
    /// The same error seen from one caller further out.
    Error in(std::string context) const;

    explicit operator std::error_code() const noexcept { return make_error_code(code_); }

private:
    struct Detail {
        std::string message;
        std::vector<std::string> context;
    };
    Errc code_;
    Next next_;
    std::shared_ptr<const Detail> detail_;
};

/// Outcome finds this by argument-dependent look-up, for its conversions to std::error_code.
inline std::error_code make_error_code(const Error& error) noexcept {
    return static_cast<std::error_code>(error);
}

/// "errno 2" as the text of strerror, without its data race.
std::string errno_text(int error_number);

}  // namespace leat

template <>
struct std::is_error_code_enum<leat::Errc> : std::true_type {};

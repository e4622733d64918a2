// STATE/control: where `leat reload` talks to the host that works with a state directory. A Unix socket that only the
// host's own user may use; a request is one line, the answer is the exit code in a line and then text.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/descriptor.hpp"
#include "base/result.hpp"
#include "cli/console.hpp"

namespace leat::cli {

/// Somebody who has asked, and waits for the answer.
class ControlRequest {
public:
    ControlRequest(std::string what, Descriptor connection)
        : what_(std::move(what)), connection_(std::move(connection)) {}

    const std::string& what() const noexcept { return what_; }
    /// Never waits for a reader that does not read.
    void answer(Exit code, const std::string& text) const;

private:
    std::string what_;
    Descriptor connection_;
};

/// The host's side. Its lock on the state directory must be held as long as it lives.
class ControlSocket {
public:
    /// Errors: io, with what to do.
    static Result<ControlSocket> listen(const std::filesystem::path& state);
    ControlSocket(ControlSocket&& other) noexcept = default;
    ControlSocket& operator=(ControlSocket&&) = delete;
    ~ControlSocket();

    /// Becomes readable when somebody asks.
    int descriptor() const noexcept { return descriptor_.get(); }
    /// Empty: nobody has asked anything after all. Waits a second at most.
    std::optional<ControlRequest> take() const;

private:
    ControlSocket(Descriptor socket, Descriptor directory)
        : descriptor_(std::move(socket)), directory_(std::move(directory)) {}
    Descriptor descriptor_;
    Descriptor directory_;
};

struct ControlAnswer {
    Exit code;
    std::string text;
};

/// The other side: asks the host of this state directory, and waits for its answer. Errors: Errc::configuration, no
/// host works with it; Errc::io.
Result<ControlAnswer> ask_host(const std::filesystem::path& state, const std::string& what,
                               std::chrono::milliseconds patience);

}  // namespace leat::cli

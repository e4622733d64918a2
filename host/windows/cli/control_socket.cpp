#include "cli/control_socket.hpp"

namespace leat::cli {
namespace {

Error not_here() {
    return {Errc::configuration,
            "a running host cannot be asked to reload on Windows; end it with Ctrl+C, which finishes what is in hand, "
            "and start it anew: it goes on where it was"};
}

}  // namespace

void ControlRequest::answer(Exit, const std::string&) const {}

// One that nobody can find, so that a run does without it and says nothing.
Result<ControlSocket> ControlSocket::listen(const std::filesystem::path&) {
    return ControlSocket(Descriptor(), Descriptor());
}

ControlSocket::~ControlSocket() = default;

std::optional<ControlRequest> ControlSocket::take() const {
    return std::nullopt;
}

Result<ControlAnswer> ask_host(const std::filesystem::path&, const std::string&, std::chrono::milliseconds) {
    return not_here();
}

}  // namespace leat::cli

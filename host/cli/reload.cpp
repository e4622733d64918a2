#include <ostream>

#include "cli/control_socket.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {

Exit reload(const ReloadArguments& verb, const Console& console) {
    // New plugins are tried one by one, and each may take its time.
    constexpr std::chrono::minutes patience{10};
    const auto answer = ask_host(verb.state, verb.diff ? "plan" : "reload", patience);
    if (!answer) return console.fail(answer.error());
    (answer.value().code == Exit::done ? console.out : console.err) << answer.value().text << std::flush;
    return answer.value().code;
}

}  // namespace leat::cli

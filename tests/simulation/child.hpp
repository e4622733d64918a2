// Code that runs in a process of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <string>

namespace leat::test {

/// What `work` prints to stderr in a copy of this process, which need not survive it. Only while this process has no
/// other thread that matters.
inline std::string printed_by_child(const std::function<void()>& work) {
    std::fflush(nullptr);
    std::array<int, 2> ends{};
    BOOST_REQUIRE(::pipe(ends.data()) == 0);
    const auto child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        std::signal(SIGABRT, SIG_DFL);
        work();
        std::fflush(nullptr);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string out;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = ::read(ends[0], piece.data(), piece.size())) > 0;)
        out.append(piece.data(), static_cast<std::size_t>(got));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return out;
}

}  // namespace leat::test

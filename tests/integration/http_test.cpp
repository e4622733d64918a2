// A run as those see it who watch it: /health, /ready, /metrics and /pipelines of the built leat.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "observe/metric_names.hpp"
#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

struct Answer {
    int status = 0;  ///< 0: there was none
    std::string body;
};

/// One request on a connection of its own, with a time limit.
Answer get_at(int family, const sockaddr* at, socklen_t size, const std::string& path, const std::string& more) {
    const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string text;
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more + "\r\n";
    if (::connect(socket, at, size) == 0 &&
        ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
        pollfd wait{socket, POLLIN, 0};
        char buffer[4096];
        while (::poll(&wait, 1, 20'000) > 0) {
            const auto got = ::recv(socket, buffer, sizeof buffer, 0);
            if (got <= 0) break;
            text.append(buffer, static_cast<std::size_t>(got));
        }
    }
    ::close(socket);
    const auto head = text.find("\r\n\r\n");
    if (head == std::string::npos) return {};
    return {std::stoi(text.substr(9, 3)), text.substr(head + 4)};
}

/// As packaging/deps.sh fetches it, unless the system has one.
std::string promtool() {
    const std::string fetched = LEAT_SOURCE "/build/tools/promtool";
    return std::filesystem::exists(fetched) ? fetched : "promtool";
}

/// A `leat run` that answers over HTTP.
struct Watched : Directory {
    std::unique_ptr<Process> process;
    std::uint16_t port = 0;

    /// @param pipelines  indented by two spaces
    void start(const std::string& settings, const std::string& pipelines, std::vector<std::string> more = {}) {
        put("p.yaml",
            "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd] }\n" + settings + "pipelines:\n" + pipelines);
        Options options;
        options.directory = path();
        std::vector<std::string> arguments = {"run", "--json", "--log-format", "text", "p.yaml"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        process = std::make_unique<Process>(leat_command(arguments), options);
        process->wait_for_err("http: listens address=");
        const std::regex address("http: listens address=127.0.0.1:([0-9]+) ");
        std::smatch found;
        process->wait_until(
            [&] {
                const bool is_tcp = std::regex_search(process->err(), found, address);
                if (is_tcp) port = static_cast<std::uint16_t>(std::stoi(found[1]));
                return is_tcp || process->err().find("address=unix:") != std::string::npos;
            },
            "an address");
    }

    Answer get(const std::string& path, const std::string& more = {}) const {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return get_at(AF_INET, reinterpret_cast<const sockaddr*>(&at), sizeof at, path, more);
    }

    /// Asks until the answer has this status and text. Throws when the process ends first, or at its deadline.
    Answer wait_for(const std::string& path, int status, const std::string& text = {}) const {
        Answer out;
        process->wait_until(
            [&] {
                out = get(path);
                return out.status == status && out.body.find(text) != std::string::npos;
            },
            path + " with " + std::to_string(status) + " " + text + "; last: " + out.body);
        return out;
    }

    /// Ends it whatever it does.
    Ended stop() {
        process->signal(SIGTERM);
        process->wait_for_err("SIGTERM: stopping");
        process->signal(SIGTERM);
        return process->wait();
    }
};

/// The value of "name{labels}"; empty: it is not there.
std::optional<double> value_of(const std::string& metrics, const std::string& series) {
    const auto at = ("\n" + metrics).find("\n" + series + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::stod(metrics.substr(at + series.size() + 1));
}

const std::string any_port = "http: { listen: \"127.0.0.1:0\" }\n";

// Slow, with all that a pipeline can have: rows that are filtered, dead, committed in buckets with a checkpoint.
const std::string slow = R"(  slow:
    rate: 1000 rows/s
    bucket: { rows: 50, timeout: 20ms }
    extract: { generate: { rows: 100000000, columns: { n: sequence } } }
    transform: [{ odd.transform: { filter: [3, 4], reject: [5] } }]
    load: { odd.sink: { path: out } }
)";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http, Watched)

BOOST_AUTO_TEST_CASE(a_run_shows_every_metric_of_the_table_and_no_other) {
    start(any_port, slow);
    const std::string of = "{pipeline=\"slow\"}";
    std::string metrics;
    process->wait_until(
        [&] {
            metrics = get("/metrics").body;
            return value_of(metrics, "leat_rows_delivered_total" + of).value_or(0) > 0;
        },
        "rows that are delivered");
    std::set<std::string> there, wanted;
    std::istringstream lines(metrics);
    for (std::string line; std::getline(lines, line);)
        if (!line.starts_with("#")) there.insert(line.substr(0, line.find_first_of("{ ")));
    for (const auto& one : leat::observe::metric_names)
        wanted.insert(std::string(one.name));
    BOOST_TEST(there == wanted, boost::test_tools::per_element());

    BOOST_TEST(value_of(metrics, "leat_rows_filtered_total" + of).value_or(-1) == 2);
    BOOST_TEST(value_of(metrics, "leat_rows_dead_total" + of).value_or(-1) == 1);
    BOOST_TEST(value_of(metrics,
                        "leat_stage_rows_dead_total{pipeline=\"slow\",stage=\"transform 1\",component=\"odd."
                        "transform\"}")
                   .value_or(-1) == 1);
    BOOST_TEST(value_of(metrics, "leat_stage_rows_out_total{pipeline=\"slow\",stage=\"load\",component=\"odd.sink\"}")
                   .value_or(-1) == value_of(metrics, "leat_rows_delivered_total" + of).value_or(-2));
    BOOST_TEST(value_of(metrics, "leat_build_info{version=\"" LEAT_VERSION "\"}").value_or(-1) == 1);
    BOOST_TEST(value_of(metrics, "leat_pipeline_state{pipeline=\"slow\",state=\"running\"}").value_or(-1) == 1);
    BOOST_TEST(value_of(metrics, "leat_memory_limit_bytes").value_or(-1) == 256.0 * 1024 * 1024);
    BOOST_TEST(value_of(metrics, "leat_healthy").value_or(-1) == 1);
    BOOST_TEST(value_of(metrics, "leat_ready").value_or(-1) == 1);
    BOOST_TEST(value_of(metrics,
                        "leat_stage_busy_seconds_total{pipeline=\"slow\",stage=\"extract\",component="
                        "\"generate\"}")
                   .value_or(0) > 0);
    const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    BOOST_TEST(std::abs(now - value_of(metrics, "process_start_time_seconds").value_or(0)) < 60);

    // Prometheus' own tool reads it, and finds nothing to say of names, types and help.
    put("metrics.txt", metrics);
    const auto checked =
        run({"/bin/sh", "-c", "exec \"$0\" check metrics <\"$1\"", promtool(), (path() / "metrics.txt").string()});
    BOOST_TEST(checked.code == 0);
    BOOST_TEST(checked.out + checked.err == "");

    BOOST_TEST(get("/health").status == 200);
    BOOST_TEST(get("/ready").status == 200);
    const auto pipelines = boost::json::parse(get("/pipelines").body).at("pipelines").as_array();
    BOOST_TEST(pipelines.at(0).at("name") == "slow");
    BOOST_TEST(pipelines.at(0).at("stages").as_array().size() == 3u);
    process->signal(SIGTERM);
    const auto ended = process->wait();
    BOOST_TEST(ended.code == 5);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
}

BOOST_AUTO_TEST_CASE(while_a_call_is_tried_again_a_run_is_not_ready_but_well) {
    start(any_port,
          "  orders:\n    retry: { attempts: 100, first_wait: 1h, longest_wait: 1h, budget: 1d }\n"
          "    extract: { odd.source: { count: 10 } }\n"
          "    load: { odd.sink: { path: out, mode: status, status: -1, at: commit } }\n");
    const auto ready = wait_for("/ready", 503, "\"orders: a call that failed is tried again, next try in ");
    BOOST_TEST(ready.body.starts_with("{\"status\":\"not ready\",\"reasons\":[\"orders: a call"));
    const auto health = get("/health");
    BOOST_TEST(health.status == 200);
    BOOST_TEST(
        health.body.starts_with("{\"status\":\"ok\",\"reasons\":[],\"pipelines\":[{\"name\":\"orders\","
                                "\"state\":\"retrying\",\"reason\":\"a call that failed is tried again, "));
    const auto metrics = get("/metrics").body;
    BOOST_TEST(value_of(metrics, "leat_ready").value_or(-1) == 0);
    BOOST_TEST(value_of(metrics, "leat_stage_retries_total{pipeline=\"orders\",stage=\"load\",component=\"odd.sink\"}")
                   .value_or(-1) == 1);
    BOOST_TEST(value_of(metrics, "leat_next_try_seconds{pipeline=\"orders\"}").value_or(0) > 60);
    BOOST_TEST(stop().code == 5);
}

BOOST_AUTO_TEST_CASE(a_run_with_an_open_circuit_is_not_ready) {
    start(any_port,
          "  orders:\n    retry: { attempts: 100, first_wait: 1ms, budget: 1d }\n"
          "    circuit: { failures: 3, pause: 1h }\n    extract: { odd.source: { count: 10 } }\n"
          "    load: { odd.sink: { path: out, mode: status, status: -1, at: begin } }\n");
    wait_for("/ready", 503, "circuit open, next try in ");
    BOOST_TEST(value_of(get("/metrics").body, "leat_circuit_open{pipeline=\"orders\"}").value_or(-1) == 1);
    BOOST_TEST(stop().code == 5);
}

BOOST_AUTO_TEST_CASE(a_call_that_does_not_return_makes_a_run_ill) {
    start("http: { listen: \"127.0.0.1:0\", stalled_after: 300ms }\nmanager: { grace: 100ms }\n",
          "  deaf:\n    extract: { odd.source: { count: 10 } }\n"
          "    transform: [{ odd.blocking: { mode: hangs } }]\n    load: { odd.sink: { path: out } }\n"
          "  other:\n    extract: { odd.source: { count: 10, quiet: true } }\n"
          "    load: { odd.sink: { path: out2 } }\n");
    const auto ill = wait_for("/health", 503);
    BOOST_TEST(std::regex_search(
        ill.body, std::regex("^\\{\"status\":\"stalled\",\"reasons\":\\[\"deaf: transform 1 odd.blocking: process has "
                             "not returned for [0-9]+ s\"\\],")));
    // Nothing has moved in the other one for longer, but its source has nothing new.
    process->wait_until(
        [&] {
            return value_of(get("/metrics").body, "leat_pipeline_still_seconds{pipeline=\"other\"}").value_or(0) > 0.6;
        },
        "a pipeline that is still");
    BOOST_TEST(get("/health").body.find("{\"name\":\"other\",\"state\":\"idle\",\"reason\":\"its source has nothing "
                                        "new\"}") != std::string::npos);
    const auto metrics = get("/metrics").body;
    BOOST_TEST(value_of(metrics, "leat_healthy").value_or(-1) == 0);
    BOOST_TEST(value_of(metrics, "leat_pipeline_state{pipeline=\"deaf\",state=\"stalled\"}").value_or(-1) == 1);
    BOOST_TEST(value_of(metrics, "leat_pipeline_call_seconds{pipeline=\"deaf\"}").value_or(-1) > 0.3);
    stop();
}

BOOST_AUTO_TEST_CASE(a_run_is_not_ready_before_every_pipeline_was_started) {
    start(any_port + "manager: { workers: 1 }\n",
          slow + "  second:\n    extract: { odd.source: { count: 10 } }\n    load: { odd.sink: { path: out2 } }\n");
    wait_for("/ready", 503, "\"second: has not been started: no more than manager.workers run at the same time\"");
    BOOST_TEST(get("/health").status == 200);
    BOOST_TEST(stop().code == 5);
}

BOOST_AUTO_TEST_CASE(the_token_of_the_configuration_is_demanded) {
    put("token", "0123456789abcdef\n");
    start("http: { listen: \"127.0.0.1:0\", token: !secret file:token }\n", slow);
    BOOST_TEST(get("/metrics").status == 401);
    BOOST_TEST(get("/metrics", "Authorization: Bearer 0123456789abcdef\r\n").status == 200);
    const auto ended = stop();
    BOOST_TEST((ended.out + ended.err).find("0123456789abcdef") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_command_line_says_where_whatever_the_configuration_says) {
    const auto socket = (path() / "http.sock").string();
    start(any_port, slow, {"--http", "unix:" + socket});
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    socket.copy(at.sun_path, sizeof at.sun_path - 1);
    BOOST_TEST(get_at(AF_UNIX, reinterpret_cast<const sockaddr*>(&at), sizeof at, "/health", "").status == 200);
    BOOST_TEST(stop().code == 5);
    BOOST_TEST(!has("http.sock"));
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_used_is_told_before_anything_runs) {
    start(any_port, slow);
    const auto taken = "127.0.0.1:" + std::to_string(port);
    const auto second = leat({"run", "--state", "other", "--http", taken, "p.yaml"});
    BOOST_TEST(second.code == 3);
    BOOST_TEST(second.err == "leat: http: cannot listen on " + taken +
                                 ": Address already in use; another leat, or another program, listens there: choose "
                                 "another one with http.listen or --http\n");
    const auto open = leat({"run", "--state", "other", "--http", "0.0.0.0:0", "p.yaml"});
    BOOST_TEST(open.code == 2);
    BOOST_TEST(open.err ==
               "leat: --http 0.0.0.0:0: others than this machine can reach that address, so that it needs "
               "a token; add one to p.yaml, as in http: {token: !secret file:/etc/leat/http-token}, or "
               "listen on 127.0.0.1\n");
    const auto wrong = leat({"run", "--state", "other", "--http", "8642", "p.yaml"});
    BOOST_TEST(wrong.code == 2);
    BOOST_TEST(wrong.err ==
               "leat: --http is \"8642\", but has no port; write HOST:PORT or unix:/PATH, as in "
               "127.0.0.1:8642\n");
    BOOST_TEST(stop().code == 5);
}

BOOST_AUTO_TEST_SUITE_END()

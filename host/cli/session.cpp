#include "cli/session.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <ostream>
#include <set>

#include "base/digest.hpp"
#include "cli/earlier_runs.hpp"
#include "cli/receipt_view.hpp"

namespace leat::cli {
namespace {

/// True when a sink writes to standard output, where the receipt table would stand in the middle of its rows.
bool rows_go_to_standard_output(const config::Settings& settings) {
    for (const auto& pipeline : settings.pipelines) {
        if (!pipeline.load) continue;
        if (pipeline.load->id == "stdout") return true;
        const auto* const keys = pipeline.load->value.if_object();
        const auto* const path = keys ? keys->if_contains("path") : nullptr;
        if (path && path->is_string() && path->get_string() == "-") return true;
    }
    return false;
}

}  // namespace

Session::Session(const Console& console, const Configuration& configuration, const Arguments& arguments,
                 runtime::Generation generation, Signals signals, delivery::RunDirectory directory)
    : console_(console),
      configuration_(configuration),
      arguments_(arguments),
      first_(std::make_shared<const runtime::Generation>(std::move(generation))),
      generation_(first_),
      signals_(std::move(signals)),
      live_(console.err_is_terminal ? std::make_unique<LiveLines>(console) : nullptr),
      // On a terminal, the lines that show progress are all that a person needs while all is well.
      chosen_(arguments, console, console.err_is_terminal ? observe::Level::warn : observe::Level::info, live_.get()),
      directory_(std::move(directory)),
      foreground_(signals_, log(), live_.get(), ServiceManager::of_this_process()) {}

std::variant<std::unique_ptr<Session>, Exit> Session::begin(const Configuration& configuration,
                                                            const RunArguments& verb, const Arguments& arguments,
                                                            const Console& console) {
    auto caught = Signals::catch_them();
    if (!caught) return console.fail(caught.error());

    Findings findings;
    auto prepared = prepare(configuration, arguments, console, findings, !verb.no_state);
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);

    auto directory = delivery::RunDirectory::make(verb.state, SystemClock());
    if (!directory) return console.fail(directory.error());
    std::unique_ptr<Session> out(new Session(console, configuration, arguments, std::move(*prepared.value()),
                                             std::move(caught).value(), std::move(directory).value()));
    warn_of_refused(out->catalog(), out->log());
    if (!verb.no_state) {
        auto opened = delivery::StateStore::open(verb.state, out->clock_);
        if (!opened) return console.fail(opened.error());
        out->state_ = std::move(opened).value();
        auto control = ControlSocket::listen(verb.state);
        if (control) {
            out->control_.emplace(std::move(control).value());
        } else {
            out->log().tell("control-missing",
                            control.error().text() + "; leat reload will not reach this host, SIGHUP will");
        }
    }
    tell_of_dead_runs(verb.state, out->log());
    out->calls_ = record_calls(verb.state, out->directory_, out->log());
    if (const auto code = out->serve(verb)) return *code;
    return out;
}

std::optional<Exit> Session::serve(const RunArguments& verb) {
    const auto& http = settings().http;
    auto address = http.listen;
    if (!verb.http.empty()) {
        auto given = config::parse_address(verb.http);
        if (!given) return console_.fail(Exit::usage, "--http " + given.error().message());
        address = std::move(given).value();
        if (http.token.empty() && !address->is_local()) {
            return console_.fail(Exit::usage, "--http " + address->text() +
                                                  ": others than this machine can reach that address, so that it needs "
                                                  "a token; add one to " +
                                                  settings().file.string() +
                                                  ", as in http: {token: !secret file:/etc/leat/http-token}, or listen "
                                                  "on 127.0.0.1");
        }
    }
    if (!address) return std::nullopt;
    observe::HttpOptions options;
    options.host = address->host;
    options.port = address->port;
    options.path = address->path;
    options.is_local = address->is_local();
    options.token = http.token;
    auto started = observe::HttpServer::start(std::move(options), pages_of(view_, http.stalled_after), log());
    // An address is a setting: only an operator can give another one.
    if (!started) return console_.fail(Exit::configuration, started.error().text());
    http_ = std::move(started).value();
    log().tell("http-listens", "http: listens", {{"address", http_->address()}});
    return std::nullopt;
}

runtime::RunReceipt Session::run_reloadable(runtime::Manager& manager) {
    const auto shown = view_.show(manager, {});
    const auto stalled_after = settings().http.stalled_after;
    Reloader reloader(configuration_, arguments_, console_, log(), state_ != nullptr, generation_, manager);
    auto receipt = foreground_.run(manager, stalled_after, &reloader, control_ ? &*control_ : nullptr);
    generation_ = reloader.now();
    return receipt;
}

runtime::RunReceipt Session::run(runtime::Manager& manager, std::string suffix) {
    const auto shown = view_.show(manager, std::move(suffix));
    return foreground_.run(manager, settings().http.stalled_after, nullptr, nullptr);
}

void Session::add_digests(boost::json::object& receipt) const {
    receipt["configuration"] = {{"file", settings().file.string()}, {"sha256", sha256_of(settings().text)}};
    std::set<std::string> used;
    for (const auto& pipeline : settings().pipelines) {
        for (const auto* const one : {&pipeline.run, &pipeline.extract, &pipeline.load})
            if (*one) used.insert((*one)->id);
        for (const auto& transform : pipeline.transform)
            used.insert(transform.id);
    }
    boost::json::array plugins;
    for (const auto* const library : catalog().libraries()) {
        const auto& components = library->components();
        const bool is_used = std::any_of(components.begin(), components.end(),
                                         [&](const plugin::Component& one) { return used.count(one.id) > 0; });
        if (!is_used) continue;
        boost::json::value digest;
        if (const auto& checked = library->credentials().sha256; !checked.empty()) {
            digest = checked;
        } else if (const auto read = sha256_of_file(library->path())) {
            digest = read.value();
        }
        plugins.push_back({{"id", library->id()},
                           {"version", library->version()},
                           {"file", library->path().string()},
                           {"sha256", std::move(digest)}});
    }
    receipt["plugins"] = std::move(plugins);
}

Exit Session::end(const runtime::RunReceipt& receipt, bool as_json, bool abandoned) {
    auto code = exit_of(receipt);
    auto content = receipt_json(receipt);
    add_digests(content);
    const std::string json = boost::json::serialize(content);
    if (const auto written = directory_.write_receipt(json + "\n"); !written) code = console_.fail(written.error());
    if (state_) {
        const auto kept = state_->receipts().add({directory_.path().filename().string(), receipt.started, json});
        if (!kept) code = console_.fail(kept.error());
    }
    if (as_json) {
        console_.out << json << std::endl;
    } else {
        (rows_go_to_standard_output(settings()) ? console_.err : console_.out) << receipt_table(receipt) << std::flush;
    }
    if (!console_.out)
        code = console_.fail(Exit::failed, "the receipt could not be written to standard output; it is in " +
                                               directory_.receipt_file().string());
    if (abandoned) {
        // A thread is still inside a plugin: no destructor may run beside it, but for that of the server.
        http_.reset();
        calls_.reset();
        chosen_.flush();
        console_.out.flush();
        console_.err.flush();
        std::_Exit(static_cast<int>(code));
    }
    return code;
}

}  // namespace leat::cli

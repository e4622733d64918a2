#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/log_choice.hpp"
#include "cli/verbs.hpp"
#include "runtime/guarantee.hpp"

namespace leat::cli {
namespace {

boost::json::object problem_json(const config::Problem& problem) {
    return {{"file", problem.where.file},
            {"line", problem.where.line},
            {"column", problem.where.column},
            {"path", problem.path},
            {"message", problem.message}};
}

/// The guarantee of every pipeline, which has no problem.
std::vector<runtime::Guarantee> guarantees_of(const runtime::Generation& prepared) {
    std::vector<runtime::Guarantee> out;
    config::Problems none;
    for (const auto& plan : runtime::make_plan(prepared.settings, prepared.catalog, none))
        out.push_back(runtime::guarantee_of(plan, true));
    return out;
}

boost::json::object guarantee_json(const std::string& pipeline, const runtime::Guarantee& guarantee) {
    boost::json::array weakened_by;
    for (const auto& link : guarantee.links) {
        if (link.at_most) weakened_by.emplace_back(link.part + " " + link.promise);
    }
    return {{"pipeline", pipeline},
            {"lane", guarantee.lane},
            {"guarantee", guarantee.text()},
            {"weakened_by", std::move(weakened_by)}};
}

}  // namespace

Exit check(const CheckArguments& verb, const Arguments& arguments, const Console& console) {
    Findings findings;
    const auto prepared = prepare(ConfigurationFile{verb.file}, arguments, console, findings);
    if (verb.json) {
        boost::json::array list;
        for (const auto& problem : findings.problems.sorted())
            list.emplace_back(problem_json(problem));
        if (!prepared) {
            config::Problem unreadable;
            unreadable.message = prepared.error().text();
            list.emplace_back(problem_json(unreadable));
        }
        const bool ok = list.empty();
        boost::json::array refused(findings.refused.begin(), findings.refused.end());
        boost::json::array guarantees;
        if (ok) {
            const auto all = guarantees_of(*prepared.value());
            for (std::size_t i = 0; i < all.size(); ++i)
                guarantees.emplace_back(guarantee_json(prepared.value()->settings.pipelines[i].name, all[i]));
        }
        console.out << boost::json::serialize(boost::json::object{{"ok", ok},
                                                                  {"problems", std::move(list)},
                                                                  {"refused", std::move(refused)},
                                                                  {"guarantees", std::move(guarantees)}})
                    << '\n';
        return ok ? Exit::done : prepared ? exit_for(findings.problems.to_error()) : exit_for(prepared.error());
    }
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);
    ChosenLog log(arguments, console, observe::Level::info);
    warn_of_refused(prepared.value()->catalog, log.log());
    const auto count = prepared.value()->settings.pipelines.size();
    console.out << verb.file.string() << ": no problems in " << count << (count == 1 ? " pipeline" : " pipelines")
                << '\n';
    for (const auto& guarantee : guarantees_of(*prepared.value())) {
        std::string why;
        for (const auto& link : guarantee.links) {
            if (link.at_most) why += (why.empty() ? ": " : "; ") + link.part + " " + link.promise;
        }
        console.out << "  " << guarantee.lane << ": " << guarantee.text() << why << '\n';
    }
    return Exit::done;
}

}  // namespace leat::cli

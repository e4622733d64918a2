#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/verbs.hpp"
#include "observe/text_log.hpp"

namespace leat::cli {
namespace {

boost::json::object problem_json(const config::Problem& problem) {
    return {{"file", problem.where.file},
            {"line", problem.where.line},
            {"column", problem.where.column},
            {"path", problem.path},
            {"message", problem.message}};
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
        console.out << boost::json::serialize(boost::json::object{
                           {"ok", ok}, {"problems", std::move(list)}, {"refused", std::move(refused)}})
                    << '\n';
        return ok ? Exit::done : prepared ? exit_for(findings.problems.to_error()) : exit_for(prepared.error());
    }
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);
    observe::TextLog log(arguments.log_level);
    warn_of_refused(prepared.value()->catalog, log);
    const auto count = prepared.value()->settings.pipelines.size();
    console.out << verb.file.string() << ": no problems in " << count << (count == 1 ? " pipeline" : " pipelines")
                << '\n';
    return Exit::done;
}

}  // namespace leat::cli

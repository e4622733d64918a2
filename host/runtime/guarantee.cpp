#include "runtime/guarantee.hpp"

#include <algorithm>

namespace leat::runtime {

using config::Delivery;
using plugin::Component;
using plugin::Kind;

namespace {

const Component& source_of(const PipelinePlan& plan) {
    return *(plan.extract ? plan.extract : plan.run)->component;
}
const Component& sink_of(const PipelinePlan& plan) {
    return *(plan.load ? plan.load : plan.run)->component;
}

bool is_runner(const PipelinePlan& plan) {
    return plan.run && plan.run->component->kind == Kind::runner;
}

bool repeats_rows(const StagePlan& transform) {
    return transform.component->promises(LEAT_STATELESS) || transform.component->has_save;
}

bool keeps(Delivery given, Delivery least) {
    // What may repeat rows is no at most once, though it loses less.
    return given >= least && !(least == Delivery::at_most_once && given == Delivery::at_least_once);
}

std::string in_words(Delivery delivery) {
    std::string out(config::key_of(delivery));
    std::replace(out.begin(), out.end(), '_', ' ');
    return out;
}

Link source_link(const PipelinePlan& plan) {
    const auto& source = source_of(plan);
    Link out{source.name(), {}, {}, {}};
    if (has_positions(plan)) {
        out.promise = "gives the same rows again from a position (LEAT_REPLAYABLE)";
        if (source.promises(LEAT_DETERMINISTIC)) out.promise += ", in the same order (LEAT_DETERMINISTIC)";
        return out;
    }
    out.remedy = "read from a source that is LEAT_REPLAYABLE";
    if (gives_again(plan)) {
        out.promise =
            "gives again what it was not told of as committed (ack), and cannot go on from a position (no "
            "LEAT_REPLAYABLE)";
        out.at_most = Delivery::at_least_once;
        return out;
    }
    out.at_most = Delivery::at_most_once;
    out.promise = "cannot give rows again (no LEAT_REPLAYABLE, no ack)";
    return out;
}

Link state_link(bool keeps_state) {
    if (keeps_state) return {"the state directory", "keeps how far the source is, from run to run", {}, {}};
    return {"--no-state", "keeps no checkpoint, so that the next run begins at the first row", Delivery::at_least_once,
            "run without --no-state"};
}

Link transform_link(const StagePlan& transform) {
    const auto& component = *transform.component;
    Link out{transform.role + " \"" + component.id + '"', {}, {}, {}};
    if (component.promises(LEAT_STATELESS)) {
        out.promise = "keeps nothing between two batches (LEAT_STATELESS)";
    } else if (component.has_save) {
        out.promise = "saves what it keeps between two batches (save)";
    } else {
        out.promise = "may keep rows between two batches and cannot save them (no LEAT_STATELESS, no save)";
        out.at_most = Delivery::at_least_once;
        out.remedy = "use a transform that is LEAT_STATELESS or has save";
    }
    return out;
}

Link sink_link(const Component& sink) {
    if (sink.promises(LEAT_TRANSACTIONAL))
        return {sink.name(), "commits rows and token as one (LEAT_TRANSACTIONAL), if its target can", {}, {}};
    Link out{sink.name(), "stores no token (LEAT_TRANSACTIONAL)", Delivery::at_least_once,
             "write with a sink that is LEAT_TRANSACTIONAL"};
    if (sink.promises(LEAT_IDEMPOTENT)) {
        out.promise += ", and LEAT_IDEMPOTENT does not help, for this host does not cut the same buckets after a kill";
    }
    return out;
}

Link workers_link(const PipelinePlan& plan, std::uint32_t workers) {
    Link out{std::to_string(workers) + " workers", {}, {}, {}};
    if (repeats_order(plan)) {
        out.promise =
            "commit out of turn, each with tokens of its own: what they are ahead is left out when it comes again";
        return out;
    }
    out.promise =
        "commit out of turn, and what they are ahead can be left out only when rows come again in the same "
        "order (source LEAT_DETERMINISTIC, transforms LEAT_STATELESS and LEAT_DETERMINISTIC)";
    out.at_most = Delivery::at_least_once;
    out.remedy = "write bucket: {workers: 1}";
    return out;
}

std::string at_kill(const PipelinePlan& plan, Delivery delivery, bool keeps_state) {
    switch (delivery) {
        case Delivery::exactly_once:
        case Delivery::effectively_once:
            return "what is not committed is rolled back, and the next run goes on behind the last bucket in the "
                   "target: no row is lost, and none comes twice";
        case Delivery::at_most_once:
            return "what is read and not committed is lost, unless the source itself gives it again";
        case Delivery::at_least_once:
            break;
    }
    if (gives_again(plan))
        return "no row is lost, and the source gives again what it was not told of, which may be written already";
    if (!keeps_state) return "no row is lost, and the next run writes all of them again";
    if (!repeats_rows(plan)) return "no row is lost, and the next run writes again what this one has written";
    return "no row is lost, and the next run writes again what was written behind the last checkpoint, which is "
           "stored every 100 ms";
}

}  // namespace

std::uint32_t workers_of(const PipelinePlan& plan) {
    return plan.run || sink_of(plan).promises(LEAT_SINGLE_WRITER) ? 1 : plan.bucket.workers;
}

bool has_positions(const PipelinePlan& plan) {
    return source_of(plan).promises(LEAT_REPLAYABLE);
}

bool gives_again(const PipelinePlan& plan) {
    return source_of(plan).has_ack && !has_positions(plan);
}

bool keeps_nothing(const PipelinePlan& plan) {
    return !(plan.run && plan.run->component->has_transform) &&
           std::all_of(plan.transforms.begin(), plan.transforms.end(),
                       [](const auto& one) { return one.component->promises(LEAT_STATELESS); });
}

bool repeats_rows(const PipelinePlan& plan) {
    return !(plan.run && plan.run->component->has_transform) &&
           std::all_of(plan.transforms.begin(), plan.transforms.end(),
                       [](const auto& one) { return repeats_rows(one); });
}

bool repeats_order(const PipelinePlan& plan) {
    return !plan.run && source_of(plan).promises(LEAT_REPLAYABLE | LEAT_DETERMINISTIC) &&
           std::all_of(plan.transforms.begin(), plan.transforms.end(),
                       [](const auto& one) { return one.component->promises(LEAT_STATELESS | LEAT_DETERMINISTIC); });
}

bool stores_tokens(const PipelinePlan& plan) {
    return !plan.run && sink_of(plan).promises(LEAT_TRANSACTIONAL) && repeats_rows(plan) &&
           (workers_of(plan) == 1 || repeats_order(plan));
}

std::string Guarantee::text() const {
    return delivery ? in_words(*delivery) : "its own";
}

bool Guarantee::keeps(Delivery least) const {
    return delivery && runtime::keeps(*delivery, least);
}

Guarantee guarantee_of(const PipelinePlan& plan, bool keeps_state) {
    Guarantee out;
    out.lane = plan.settings->name;
    if (is_runner(plan)) {
        out.links.push_back({plan.run->component->name(), "reads and writes by itself", {}, {}});
        out.at_kill = keeps_state ? "the next run is told the last checkpoint that the runner has stored; what it "
                                    "makes of that is its own"
                                  : "the next run begins as the first one did; what it makes of that is its own";
        return out;
    }
    out.lane += "/" + sink_of(plan).id;
    out.links.push_back(source_link(plan));
    if (!gives_again(plan)) out.links.push_back(state_link(keeps_state));
    for (const auto& transform : plan.transforms)
        out.links.push_back(transform_link(transform));
    if (plan.run) {
        out.links.push_back({plan.run->component->name(), "is source and sink in one, which is asked for no token",
                             Delivery::at_least_once, "compose the pipeline of extract, transform and load"});
    } else {
        out.links.push_back(sink_link(sink_of(plan)));
        const auto workers = workers_of(plan);
        if (workers > 1 && !(repeats_order(plan) && !sink_of(plan).promises(LEAT_TRANSACTIONAL))) {
            out.links.push_back(workers_link(plan, workers));
        }
    }
    auto delivery = Delivery::exactly_once;
    for (const auto& link : out.links)
        delivery = std::min(delivery, link.at_most.value_or(delivery));
    out.delivery = delivery;
    out.at_kill = at_kill(plan, delivery, keeps_state);
    return out;
}

void check_delivery(const PipelinePlan& plan, bool keeps_state, config::Problems& problems) {
    const auto& demanded = plan.settings->delivery;
    const bool is_whole =
        plan.run || (plan.extract && plan.load && plan.transforms.size() == plan.settings->transform.size());
    if (!demanded || !is_whole) return;
    const auto given = guarantee_of(plan, keeps_state);
    if (given.keeps(demanded->least)) return;
    const std::string begin =
        "is " + std::string(config::key_of(demanded->least)) + ", but pipeline \"" + plan.settings->name + "\" ";
    if (!given.delivery) {
        return problems.add(demanded->where, demanded->path,
                            begin + "is run by the " + given.links.front().part +
                                ", whose guarantee is its own and cannot be checked; remove delivery");
    }
    std::string links, remedies;
    for (const auto& link : given.links) {
        if (!link.at_most || keeps(*link.at_most, demanded->least)) continue;
        links += (links.empty() ? "" : "; ") + link.part + " " + link.promise;
        remedies += (remedies.empty() ? "" : " and ") + link.remedy;
    }
    problems.add(demanded->where, demanded->path,
                 begin + "delivers " + given.text() + ": " + links + "; " + remedies + ", or demand " +
                     std::string(config::key_of(*given.delivery)));
}

}  // namespace leat::runtime

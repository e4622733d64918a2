// Every metric that /metrics tells: the one table. A new one is a line here, and a call where its value is known.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace leat::observe {

struct MetricName {
    std::string_view name;  ///< ends in the unit, and in _total for what only grows
    enum class Type { counter, gauge } type;
    std::string_view unit;
    std::string_view labels;  ///< with spaces between them; empty: it has none
    std::string_view help;
};

inline constexpr auto counter = MetricName::Type::counter;
inline constexpr auto gauge = MetricName::Type::gauge;

// clang-format off
inline constexpr std::array metric_names = {
    MetricName{"leat_build_info", gauge, "1", "version", "The host and its version."},
    MetricName{"leat_healthy", gauge, "0 or 1", "", "1 while /health answers 200."},
    MetricName{"leat_ready", gauge, "0 or 1", "", "1 while /ready answers 200."},
    MetricName{"leat_memory_in_use_bytes", gauge, "bytes", "", "Memory that rows on their way take, of all pipelines."},
    MetricName{"leat_memory_limit_bytes", gauge, "bytes", "", "What the setting memory allows for it."},
    MetricName{"process_start_time_seconds", gauge, "seconds", "", "When the host was started, since 1970."},
    MetricName{"process_cpu_seconds_total", counter, "seconds", "", "Time of processors that the host has taken."},
    MetricName{"process_resident_memory_bytes", gauge, "bytes", "", "Memory of the process, with what plugins take."},
    MetricName{"leat_pipeline_state", gauge, "0 or 1", "pipeline state", "1 for the state that the pipeline is in."},
    MetricName{"leat_pipeline_running_seconds", gauge, "seconds", "pipeline", "Time since its start, or from its start to its end."},
    MetricName{"leat_pipeline_still_seconds", gauge, "seconds", "pipeline", "Time in which nothing of it has moved."},
    MetricName{"leat_pipeline_progress_ratio", gauge, "0 to 1", "pipeline", "How much of its source is read, where the source tells."},
    MetricName{"leat_pipeline_call_seconds", gauge, "seconds", "pipeline", "How long the oldest of its calls into a plugin is running; 0 for none."},
    MetricName{"leat_pipeline_checkpoint_age_seconds", gauge, "seconds", "pipeline", "Time since its last commit, while it runs and keeps checkpoints."},
    MetricName{"leat_circuit_open", gauge, "0 or 1", "pipeline", "1 while its source or sink is left alone, for it has failed again and again."},
    MetricName{"leat_next_try_seconds", gauge, "seconds", "pipeline", "Time to the next try of a call that failed; 0 for none."},
    MetricName{"leat_rows_read_total", counter, "rows", "pipeline", "Rows that came out of its source, also those that come again."},
    MetricName{"leat_rows_added_total", counter, "rows", "pipeline", "Rows that transforms gave beyond those they took."},
    MetricName{"leat_rows_delivered_total", counter, "rows", "pipeline", "Rows that are committed in its target."},
    MetricName{"leat_rows_filtered_total", counter, "rows", "pipeline", "Rows that transforms gave nothing for."},
    MetricName{"leat_rows_dead_total", counter, "rows", "pipeline", "Rows that became dead letters."},
    MetricName{"leat_read_bytes_total", counter, "bytes", "pipeline", "Size of the rows that came out of its source, as Arrow data."},
    MetricName{"leat_buckets_committed_total", counter, "buckets", "pipeline", "Buckets that are committed in its target."},
    MetricName{"leat_stage_rows_in_total", counter, "rows", "pipeline stage component", "Rows that the stage took."},
    MetricName{"leat_stage_rows_out_total", counter, "rows", "pipeline stage component", "Rows that it gave; of load, that it committed."},
    MetricName{"leat_stage_rows_dead_total", counter, "rows", "pipeline stage component", "Rows that it turned away."},
    MetricName{"leat_stage_batches_total", counter, "batches", "pipeline stage component", "Batches that it gave; of load, that it wrote."},
    MetricName{"leat_stage_busy_seconds_total", counter, "seconds", "pipeline stage component", "Time inside its calls that have returned, of all workers."},
    MetricName{"leat_stage_retries_total", counter, "calls", "pipeline stage component", "Calls that were made again."},
};
// clang-format on

/// A metric of the table, by its name; another name does not compile.
class Metric {
public:
    consteval Metric(const char* name) : index_(find(name)) {}
    constexpr std::size_t index() const { return index_; }

private:
    static consteval std::size_t find(std::string_view name) {
        for (std::size_t i = 0; i < metric_names.size(); ++i)
            if (metric_names[i].name == name) return i;
        throw "there is no metric of this name in metric_names";
    }
    std::size_t index_;
};

}  // namespace leat::observe

#include "runtime/trail.hpp"

#include <algorithm>
#include <utility>

namespace leat::runtime {

void Positions::begin(Start start, std::uint64_t segment) {
    const std::lock_guard lock(mutex_);
    starts_.clear();
    starts_.push_back(std::move(start));
    first_ = segment;
}

void Positions::add(std::string_view position) {
    const std::lock_guard lock(mutex_);
    starts_.push_back({std::string(position), {}});
}

void Positions::set_rows(Border begin) {
    const std::lock_guard lock(mutex_);
    starts_[begin.segment - first_].rows = begin.rows;
}

std::uint64_t Positions::current() const {
    const std::lock_guard lock(mutex_);
    return first_ + starts_.size() - 1;
}

void Positions::set_states(std::uint64_t segment, const std::vector<std::string>& states) {
    const std::lock_guard lock(mutex_);
    starts_[segment - first_].states = states;
}

Positions::Start Positions::at(std::uint64_t segment) const {
    const std::lock_guard lock(mutex_);
    return starts_[segment - first_];
}

std::string Positions::position_of(std::uint64_t segment) const {
    const std::lock_guard lock(mutex_);
    return segment < first_ ? std::string() : starts_[segment - first_].position;
}

void Positions::forget_before(std::uint64_t segment) {
    const std::lock_guard lock(mutex_);
    for (; first_ < segment; ++first_)
        starts_.pop_front();
}

void Numbering::begin(Border first, Border settled, const std::vector<Span>& ahead) {
    next_ = first;
    settled_.clear();
    if (settled.rows > first.rows) settled_.push_back({first.rows, settled.rows});
    for (const auto& span : ahead)
        settled_.push_back({span.begin.rows, span.end.rows});
    std::reverse(settled_.begin(), settled_.end());
}

std::uint64_t Numbering::number(std::vector<Batch>& batches) {
    for (auto& batch : batches) {
        batch.set_origin({next_.segment, next_.rows});
        next_.rows += static_cast<std::uint64_t>(batch.rows());
    }
    if (settled_.empty()) return 0;
    std::uint64_t out = 0;
    std::vector<Batch> left;
    for (auto& batch : batches)
        out += cut(batch, left);
    batches = std::move(left);
    return out;
}

// Appends what is left of the batch.
std::uint64_t Numbering::cut(const Batch& batch, std::vector<Batch>& out) {
    std::uint64_t taken = 0;
    const auto first = batch.origin().first_row;
    const auto end = first + static_cast<std::uint64_t>(batch.rows());
    auto at = first;
    const auto keep_up_to = [&](std::uint64_t row) {
        if (row <= at) return;
        out.push_back(batch.slice(static_cast<std::int64_t>(at - first), static_cast<std::int64_t>(row - at)));
        at = row;
    };
    while (!settled_.empty() && at < end) {
        const auto& next = settled_.back();
        if (next.end <= at) {
            settled_.pop_back();
            continue;
        }
        if (next.begin >= end) break;
        keep_up_to(next.begin);
        const auto settled_to = std::min(next.end, end);
        taken += settled_to - at;
        at = settled_to;
    }
    keep_up_to(end);
    return taken;
}

Border Numbering::end_segment() {
    ++next_.segment;
    return next_;
}

}  // namespace leat::runtime

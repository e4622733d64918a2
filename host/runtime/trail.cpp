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

std::uint64_t Numbering::number(Batch& batch) {
    batch.set_origin({next_.segment, next_.rows});
    const auto rows = static_cast<std::uint64_t>(batch.rows());
    next_.rows += rows;
    const auto settled = std::min(skip_, rows);
    skip_ -= settled;
    if (settled == rows) {
        batch.reset();
    } else if (settled > 0) {
        batch = batch.slice(static_cast<std::int64_t>(settled), static_cast<std::int64_t>(rows - settled));
    }
    return settled;
}

Border Numbering::end_segment() {
    skip_ = 0;  // fewer rows than the run before had: what is left of them does not come any more
    next_ = {next_.segment + 1, 0};
    return next_;
}

}  // namespace leat::runtime

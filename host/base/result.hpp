// Result<T>: a value, or an Error. Every fallible function of the host returns one.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/success_failure.hpp>
#include <boost/outcome/try.hpp>
#include <utility>

#include "base/error.hpp"

namespace leat {

namespace outcome = BOOST_OUTCOME_V2_NAMESPACE;

/// Asking a failed Result for its value is a bug in the host and ends the process.
template <class T = void>
using Result = outcome::basic_result<T, Error, outcome::policy::terminate>;

/// `return done();` where a Result<> succeeds.
inline auto done() {
    return outcome::success();
}

/// Adds what was being tried, built only on failure: `in_context(read(path), [&] { return "reading " + path; })`.
template <class T, class Describe>
Result<T> in_context(Result<T> result, Describe&& describe) {
    if (result.has_error()) return std::move(result).error().in(std::forward<Describe>(describe)());
    return result;
}

}  // namespace leat

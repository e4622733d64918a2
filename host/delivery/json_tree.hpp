// JSON as a tree that loses no digit of a number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace leat::delivery {

struct JsonTree {
    enum class Kind : std::uint8_t { null, boolean, number, text, list, object };
    Kind kind = Kind::null;
    bool is_true = false;           ///< of a boolean
    std::string text;               ///< of a text; of a number, as it was written
    std::vector<JsonTree> items;    ///< of a list or an object
    std::vector<std::string> keys;  ///< of an object: those of its items

    /// Errors: pipeline_execution, with the place of what is no JSON.
    static Result<JsonTree> parse(std::string_view json);

    /// The same value as text, without blanks.
    std::string serialized() const;
};

}  // namespace leat::delivery

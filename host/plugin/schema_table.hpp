// The schemas that the host keeps for plugins: immutable, interned, alive until the process ends.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "base/schema.hpp"
#include "plugin/abi.hpp"

namespace leat::plugin {

/// A schema with the handle that plugins know it by, and the pool of its batches.
struct InternedSchema final : Schema {
    InternedSchema(Schema&& schema, std::uint64_t id);
    leat_schema abi;
    mutable BatchPool pool;
};

/// Safe from any thread.
class SchemaTable {
public:
    /// The one object for this schema. Leaves `schema` to the caller. Errors: Errc::plugin, not a legal struct schema.
    Result<const InternedSchema*> intern(const ArrowSchema& schema);
    /// The schema behind a handle that came from a plugin; NULL when it is none of this table's.
    const InternedSchema* find(const leat_schema* handle) const;

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<InternedSchema>> by_key_;
    std::unordered_map<const leat_schema*, const InternedSchema*> by_handle_;
};

/// Of the process, because a plugin may release a batch, and so touch the pool of its schema, at any time, even after
/// its instance and the run are gone.
SchemaTable& process_schemas();

}  // namespace leat::plugin

#include "plugin/schema_table.hpp"

#include <utility>

namespace leat::plugin {

InternedSchema::InternedSchema(Schema&& schema, std::uint64_t id)
    : Schema(std::move(schema)), abi{sizeof abi, 0, id, &arrow()}, pool(*this) {}

Result<const InternedSchema*> SchemaTable::intern(const ArrowSchema& schema) {
    BOOST_OUTCOME_TRY(auto copied, Schema::copy(schema));
    const std::lock_guard lock(mutex_);
    auto& place = by_key_[copied.key()];
    if (!place) {
        place = std::make_unique<InternedSchema>(std::move(copied), by_key_.size());
        by_handle_[&place->abi] = place.get();
    }
    return place.get();
}

const InternedSchema* SchemaTable::find(const leat_schema* handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_handle_.find(handle);
    return found == by_handle_.end() ? nullptr : found->second;
}

SchemaTable& process_schemas() {
    // Never destroyed: see the header.
    static SchemaTable& table = *new SchemaTable;
    return table;
}

}  // namespace leat::plugin

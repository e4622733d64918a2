// Which plugins the operator takes: the bytes that were pinned, or those that somebody signed.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/minisign.hpp"
#include "base/result.hpp"
#include "plugin/sealed_copy.hpp"

namespace leat::plugin {

/// What the operator demands of plugin files.
struct Trust {
    /// SHA-256 in 64 lower-case digits, by the name of the file without ".so". Whose descriptors a library has is known
    /// once its code has run, which is too late; so the name of the file is what counts.
    std::map<std::string, std::string> pins = {};
    /// Who must have signed every file; empty: nobody.
    std::vector<minisign::PublicKey> keys = {};

    /// True when this file is to be checked before it is loaded.
    bool wants_check_of(const std::filesystem::path& file) const;
};

/// What is known of the bytes of a library.
struct Credentials {
    std::string sha256;  ///< of the bytes that are mapped; empty: they were not checked
    bool is_pinned = false;
    std::string signed_by;  ///< the number of the key; empty: no signature was asked for

    /// "pinned, signed by key 8A4E3C0B5D6F7A91", "neither pinned nor signed"
    std::string text() const;
};

/// A file that may be loaded, as far as its bytes go.
struct Candidate {
    std::filesystem::path file;               ///< absolute
    std::shared_ptr<SealedCopy> sealed = {};  ///< the bytes that were checked; NULL: there was nothing to check
    Credentials credentials = {};

    /// By which this process, and a fork of it, loads it for a try.
    std::filesystem::path to_load() const { return sealed ? sealed->loadable() : file; }
};

/// Where the signature of a file lies: "csv.so.minisig" beside "csv.so".
std::filesystem::path signature_of(const std::filesystem::path& file);

/// Holds the file against the rules for modes and what `trust` demands, and maps none of it.
/// Errors: Errc::plugin, without the path.
Result<Candidate> admit(const std::filesystem::path& file, const Trust& trust);

}  // namespace leat::plugin

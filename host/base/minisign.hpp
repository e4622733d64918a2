// Public keys and detached signatures as the program minisign writes them: Ed25519, checked by libsodium.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace leat::minisign {

/// Minisign's number of a key, which tells apart and proves nothing. As its program prints it: "8A4E3C0B5D6F7A91".
using KeyId = std::array<unsigned char, 8>;
std::string text_of(const KeyId& id);

struct PublicKey {
    KeyId id{};
    std::array<unsigned char, 32> key{};
    bool operator==(const PublicKey&) const = default;
};

/// The second line of a .pub file: "RW" and 54 more characters of Base64.
/// Errors: Errc::configuration; the text goes on from the key ("is not ...").
Result<PublicKey> parse_public_key(std::string_view base64);

struct Signature {
    KeyId id{};
    bool is_of_digest = true;  ///< of the BLAKE2b-512 of the file, as minisign has done since 0.10; else of the file
    std::array<unsigned char, 64> signature{};
    std::string trusted_comment;  ///< the signer's words
    std::array<unsigned char, 64> of_comment{};
};

/// The content of a .minisig file. Errors: Errc::plugin; the text goes on from its name ("is no minisign ...").
Result<Signature> parse_signature(std::string_view text);

enum class Verdict {
    good,
    other_key,     ///< it names another one
    wrong,         ///< no signature of these bytes by this key
    wrong_comment  ///< the bytes are as they were signed, but the trusted comment is not
};
Verdict verify(const Signature& signature, std::string_view bytes, const PublicKey& key);

}  // namespace leat::minisign

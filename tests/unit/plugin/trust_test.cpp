// Pins and signatures: what was checked is what is mapped, and nothing else is.
#include "plugin/trust.hpp"

#include <sodium.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

#include "base/digest.hpp"
#include "files.hpp"
#include "plugin/catalog.hpp"

using leat::sha256_of;
using leat::plugin::Catalog;
using leat::plugin::Kind;
using leat::plugin::SealedCopy;
using leat::plugin::Trust;
using leat::test::fixture;
using leat::test::Folder;
using leat::test::read_file;
using leat::test::write_file;
namespace minisign = leat::minisign;

namespace {

std::string base64(const std::string& bytes) {
    std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    return out.c_str();
}

/// Signs as the program minisign does.
struct Signer {
    std::string id;
    std::string public_key = std::string(crypto_sign_PUBLICKEYBYTES, '\0');
    std::string secret_key = std::string(crypto_sign_SECRETKEYBYTES, '\0');

    explicit Signer(std::string eight) : id(std::move(eight)) {
        BOOST_REQUIRE(sodium_init() >= 0);
        crypto_sign_keypair(at(public_key), at(secret_key));
    }
    static unsigned char* at(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
    minisign::PublicKey key() const { return minisign::parse_public_key(base64("Ed" + id + public_key)).value(); }
    std::string raw(std::string bytes) {
        std::string out(crypto_sign_BYTES, '\0');
        crypto_sign_detached(at(out), nullptr, at(bytes), bytes.size(), at(secret_key));
        return out;
    }
    std::string sign(std::string bytes, bool of_digest, const std::string& comment = "timestamp:1") {
        if (of_digest) {
            std::string digest(64, '\0');
            crypto_generichash(at(digest), digest.size(), at(bytes), bytes.size(), nullptr, 0);
            bytes = digest;
        }
        const auto signature = raw(bytes);
        return "untrusted comment: x\n" + base64((of_digest ? "ED" : "Ed") + id + signature) +
               "\ntrusted comment: " + comment + "\n" + base64(raw(signature + comment)) + "\n";
    }
};

struct Plugins : Folder {
    std::filesystem::path add(const std::string& name, const std::string& as) const {
        std::filesystem::copy_file(fixture(name), *this / as);
        return *this / as;
    }
    Catalog scan(const Trust& trust, const Catalog* earlier = nullptr, bool trial = false) const {
        leat::plugin::Scan how;
        how.named = {path()};
        how.trial = trial;
        how.trust = trust;
        how.earlier = earlier;
        auto catalog = Catalog::scan(how);
        BOOST_REQUIRE(catalog);
        return std::move(catalog).value();
    }
    /// Why the one file is refused, without its path.
    std::string refusal(const Trust& trust) const {
        const auto catalog = scan(trust);
        BOOST_TEST_REQUIRE(catalog.refused().size() == 1u);
        BOOST_TEST(catalog.libraries().empty());
        return catalog.refused()[0].error.message();
    }
};

const std::string other_digest = std::string(64, '0');

}  // namespace

BOOST_AUTO_TEST_SUITE(trust)

BOOST_AUTO_TEST_CASE(a_pin_takes_the_bytes_that_it_names_and_says_so) {
    const Plugins folder;
    const auto digest = sha256_of(read_file(folder.add("good", "good.so")));
    folder.add("bad", "bad.so");
    const auto catalog = folder.scan({.pins = {{"good", digest}}}, nullptr, true);
    BOOST_TEST_REQUIRE(catalog.libraries().size() == 2u);
    BOOST_TEST(catalog.libraries()[1]->credentials().text() == "pinned");
    BOOST_TEST(catalog.libraries()[1]->credentials().sha256 == digest);
    BOOST_TEST(catalog.libraries()[1]->path() == folder / "good.so");
    BOOST_TEST(catalog.libraries()[0]->credentials().text() == "neither pinned nor signed");
}

BOOST_AUTO_TEST_CASE(other_bytes_than_those_pinned_are_refused_before_they_are_mapped) {
    // It would end the process if any of it ran.
    const Plugins folder;
    const auto digest = sha256_of(read_file(folder.add("crashes-when-loaded", "crash.so")));
    BOOST_TEST(folder.refusal({.pins = {{"crash", other_digest}}}) ==
               "is not what plugins.pin.crash says: it is sha256:" + digest + ", and pinned is sha256:" + other_digest +
                   "; put the pinned file in its place, or pin the new one if you know where it comes from");
}

BOOST_AUTO_TEST_CASE(what_is_mapped_is_the_copy_that_was_checked) {
    const Plugins folder;
    const auto file = folder.add("good", "good.so");
    const auto digest = sha256_of(read_file(file));
    const auto admitted = leat::plugin::admit(file, {.pins = {{"good", digest}}});
    BOOST_REQUIRE(admitted);
    // Written over in place after its check: the other library would be called "bad".
    write_file(file, read_file(fixture("bad")));
    leat::plugin::LoadedFiles loaded;
    const auto library = leat::plugin::Library::open(admitted.value(), loaded);
    BOOST_REQUIRE(library);
    BOOST_TEST(library.value()->id() == "good");
}

BOOST_AUTO_TEST_CASE(the_copy_can_be_changed_by_nobody) {
    const Plugins folder;
    const auto copy = SealedCopy::of(folder.add("good", "good.so"));
    BOOST_REQUIRE(copy);
    const int descriptor = copy.value()->descriptor();
    BOOST_TEST(::pwrite(descriptor, "x", 1, 0) == -1);
    BOOST_TEST(::ftruncate(descriptor, 0) == -1);
    BOOST_TEST((copy.value()->bytes() == read_file(fixture("good"))));
}

BOOST_AUTO_TEST_CASE(a_file_by_another_name_does_not_pass_for_a_pinned_plugin) {
    const Plugins folder;
    folder.add("good", "other.so");
    BOOST_TEST(folder.refusal({.pins = {{"good", other_digest}}}) ==
               "is plugin \"good\", which plugins.pin has, but pins are held against files by their names; call it "
               "good.so");
}

BOOST_AUTO_TEST_CASE(a_pin_that_comes_with_a_reload_takes_nothing_that_was_loaded_unchecked) {
    const Plugins folder;
    const auto digest = sha256_of(read_file(folder.add("good", "good.so")));
    const auto before = folder.scan({});
    const auto after = folder.scan({.pins = {{"good", digest}}}, &before);
    BOOST_TEST_REQUIRE(after.libraries().size() == 1u);
    BOOST_TEST(after.libraries()[0] != before.libraries()[0]);
    const auto again = folder.scan({.pins = {{"good", digest}}}, &after);
    BOOST_TEST_REQUIRE(again.libraries().size() == 1u);
    BOOST_TEST(again.libraries()[0] == after.libraries()[0]);
}

BOOST_AUTO_TEST_CASE(a_signature_by_a_trusted_key_is_taken_in_both_formats) {
    Signer signer("12345678");
    const Signer other("other678");
    for (const bool of_digest : {true, false}) {
        const Plugins folder;
        const auto file = folder.add("good", "good.so");
        write_file(folder / "good.so.minisig", signer.sign(read_file(file), of_digest));
        const auto catalog = folder.scan({.keys = {other.key(), signer.key()}}, nullptr, true);
        BOOST_TEST_REQUIRE(catalog.libraries().size() == 1u);
        BOOST_TEST(catalog.libraries()[0]->credentials().text() == "signed by key 3837363534333231");
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_signed_by_a_trusted_key_is_refused_before_it_is_mapped) {
    Signer signer("12345678");
    Signer other("other678");
    Signer impostor("12345678");
    const Plugins folder;
    const auto file = folder.add("crashes-when-loaded", "crash.so");
    const auto bytes = read_file(file);
    const auto beside = folder / "crash.so.minisig";
    const Trust trust{.keys = {signer.key()}};
    const auto remedy = "; if you trust the file, sign it: minisign -S -s KEY -m " + file.string();
    const auto its = "its signature " + beside.string() + ' ';
    BOOST_TEST(folder.refusal(trust) ==
               "is not signed, and plugins.trust wants that: there is no " + beside.string() + remedy);
    write_file(beside, other.sign(bytes, true));
    BOOST_TEST(folder.refusal(trust) ==
               "is signed by key 383736726568746F, and plugins.trust has 3837363534333231" + remedy);
    const auto wrong = its + "is not one of these bytes by key 3837363534333231: the file or the signature was changed";
    for (const bool of_digest : {true, false}) {
        write_file(beside, impostor.sign(bytes, of_digest));
        BOOST_TEST(folder.refusal(trust) == wrong + remedy);
        write_file(beside, signer.sign(bytes + ' ', of_digest));
        BOOST_TEST(folder.refusal(trust) == wrong + remedy);
        auto text = signer.sign(bytes, of_digest, "version 1");
        text.replace(text.find("version 1"), 9, "version 2");
        write_file(beside, text);
        BOOST_TEST(folder.refusal(trust) ==
                   its + "has another trusted comment than key 3837363534333231 signed: \"version 2\"" + remedy);
    }
    const auto good = signer.sign(bytes, true);
    for (const auto& text : {std::string(), std::string("hello\n"), good.substr(0, good.size() / 2), good + "more\n",
                             std::string(100000, 'x')}) {
        write_file(beside, text);
        BOOST_TEST(folder.refusal(trust) == its + "is no signature as minisign writes them" + remedy);
    }
}

BOOST_AUTO_TEST_CASE(a_signature_and_a_pin_must_both_hold) {
    Signer signer("12345678");
    const Plugins folder;
    const auto file = folder.add("good", "good.so");
    const auto digest = sha256_of(read_file(file));
    write_file(folder / "good.so.minisig", signer.sign(read_file(file), true));
    BOOST_TEST(folder.refusal({.pins = {{"good", other_digest}}, .keys = {signer.key()}}).find("is not what") == 0u);
    const auto both = folder.scan({.pins = {{"good", digest}}, .keys = {signer.key()}});
    BOOST_TEST_REQUIRE(both.libraries().size() == 1u);
    BOOST_TEST(both.libraries()[0]->credentials().text() == "pinned, signed by key 3837363534333231");
}

BOOST_AUTO_TEST_CASE(a_key_has_the_number_that_minisign_prints) {
    BOOST_TEST(minisign::text_of({0x21, 0x43, 0x65, 0x87, 0xA9, 0xCB, 0xED, 0x0F}) == "FEDCBA987654321");
    BOOST_TEST(minisign::text_of({1, 0, 0, 0, 0, 0, 0, 0}) == "1");
}

BOOST_AUTO_TEST_CASE(a_public_key_is_what_minisign_writes) {
    for (const std::string wrong : {"", "RWQ", "x", "!!!"})
        BOOST_TEST(!minisign::parse_public_key(wrong).has_value(), wrong);
    const Signer signer("12345678");
    BOOST_TEST(!minisign::parse_public_key(base64("ED" + signer.id + signer.public_key)).has_value());
    BOOST_TEST(!minisign::parse_public_key(base64("Ed" + signer.id + signer.public_key) + "=").has_value());
}

BOOST_AUTO_TEST_CASE(the_program_minisign_makes_keys_and_signatures_that_are_taken) {
    if (std::system("minisign -v >/dev/null 2>&1") != 0) {
        BOOST_TEST_MESSAGE("there is no minisign; packaging/deps.sh installs it");
        BOOST_TEST(std::getenv("LEAT_SKIP_DEPS") != nullptr);
        return;
    }
    for (const std::string format : {"", "-l "}) {
        const Plugins folder;
        const auto file = folder.add("good", "good.so");
        const auto in = folder.path().string();
        const auto pair = " -p " + in + "/k.pub -s " + in + "/k.key";
        BOOST_REQUIRE(std::system(("timeout 60 minisign -G -W" + pair + " >/dev/null 2>&1 </dev/null").c_str()) == 0);
        BOOST_REQUIRE(std::system(("timeout 60 minisign -S " + format + "-s " + in + "/k.key -m " + file.string() +
                                   " >/dev/null 2>&1 </dev/null")
                                      .c_str()) == 0);
        const auto text = read_file(folder / "k.pub");
        const auto line = text.substr(text.find('\n') + 1);
        const auto key = minisign::parse_public_key(line.substr(0, line.find('\n')));
        BOOST_REQUIRE(key);
        // Its comment names the key as we do.
        BOOST_TEST(text.find(minisign::text_of(key.value().id)) != std::string::npos);
        const auto catalog = folder.scan({.keys = {key.value()}});
        BOOST_TEST_REQUIRE(catalog.libraries().size() == 1u);
        write_file(file, read_file(fixture("bad")));
        BOOST_TEST(folder.refusal({.keys = {key.value()}}).find("is not one of these bytes") != std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()

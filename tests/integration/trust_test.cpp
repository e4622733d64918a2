// Which plugin files are taken, and where secrets must not show.
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;
namespace fs = std::filesystem;

namespace {

std::string bytes_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string after(const std::string& text, const std::string& word, const std::string& end) {
    const auto begin = text.find(word);
    if (begin == std::string::npos) return "there is no " + word + " in " + text;
    return text.substr(begin + word.size(), text.find(end, begin + word.size()) - begin - word.size());
}

/// A directory with one plugin of its own, plugins/odd.so, which no default directory has.
struct Place : Directory {
    Place() {
        fs::create_directory(path() / "plugins");
        fs::copy_file(LEAT_FIXTURES "/odd/odd.so", file);
    }
    Ended ran(std::vector<std::string> command) const {
        Options options;
        options.directory = path();
        return integration::run(std::move(command), std::move(options));
    }
    /// Another build of the plugin: the loader does not look at what stands behind the sections.
    void replace_plugin() const {
        put("plugins/new", bytes_of(file) + "another build");
        fs::rename(path() / "plugins/new", file);
    }
    void configure(const std::string& of_plugins, const std::string& of_source = "count: 10") const {
        put("p.yaml", "version: 1\nplugins: { directories: [plugins]" + of_plugins +
                          " }\npipelines:\n  a:\n    extract: { odd.source: { " + of_source +
                          " } }\n    load: { odd.sink: { path: out } }\n    bucket: { timeout: 5ms }\n");
    }
    std::string digest() const { return after(ran({"sha256sum", file.string()}).out, "", " "); }

    const fs::path file = path() / "plugins/odd.so";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(trust, Place)

BOOST_AUTO_TEST_CASE(what_plugin_sign_prints_makes_a_plugin_that_is_taken_and_no_other) {
    const auto steps = leat({"plugin", "sign", "plugins/odd.so"});
    BOOST_TEST(steps.code == 0);
    BOOST_TEST(steps.err == "");
    BOOST_TEST(steps.out ==
               "once, for a pair of keys (apt install minisign); keep leat.key away from the hosts:\n"
               "  minisign -G -p leat.pub -s leat.key\n"
               "for each version of the plugin; the signature must lie beside it:\n"
               "  minisign -S -s leat.key -m plugins/odd.so\n"
               "in the configuration, for plugins that are signed; the second line of leat.pub:\n"
               "  plugins: { trust: [\"RW...\"] }\n"
               "or for this file and no other:\n"
               "  plugins: { pin: { odd: \"sha256:" +
                   digest() + "\" } }\n");
    // -W: no password, for nobody is there to type one.
    BOOST_REQUIRE(ran({"minisign", "-G", "-W", "-p", "leat.pub", "-s", "leat.key"}).code == 0);
    BOOST_REQUIRE(ran({"minisign", "-S", "-s", "leat.key", "-m", "plugins/odd.so"}).code == 0);
    const auto with_key = leat({"plugin", "sign", "plugins/odd.so", "--public-key", "leat.pub"});
    const auto key = after(with_key.out, "trust: [\"", "\"");
    BOOST_TEST(contains(get("leat.pub"), '\n' + key + '\n'));

    configure(", trust: [\"" + key + "\"]");
    const auto ended = leat({"run", "--json", "p.yaml"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 10 = delivered 10 + filtered 0 + dead 0, done, balanced");
    const auto used = receipt_of(ended.out).at("plugins").as_array().at(0).as_object();
    BOOST_TEST(text(used, "file") == file.string());
    BOOST_TEST(text(used, "sha256") == digest());
    const auto list = leat({"plugin", "list", "--as-in", "p.yaml"});
    const auto number = after(get("leat.pub"), "public key ", "\n");
    BOOST_TEST(contains(list.out, "signed by key " + number), list.out);
    // Unsigned ones are no components.
    BOOST_TEST(!contains(list.out.substr(0, list.out.find("\nrefused:\n")), "ndjson"), list.out);

    fs::remove(path() / "out");
    replace_plugin();
    const auto refused = leat({"run", "p.yaml"});
    BOOST_TEST(refused.code == 4);
    const std::string expected = "its plugin was refused: " + file.string() + ": its signature " + file.string() +
                                 ".minisig is not one of these bytes by key " + number +
                                 ": the file or the signature was changed; if you trust the file, sign it: minisign "
                                 "-S -s KEY -m " +
                                 file.string() + "\n";
    BOOST_TEST(contains(refused.err, expected), refused.err);
    BOOST_TEST(!has("out"));
}

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_read_is_named_by_its_file) {
    put("leat.pub", "untrusted comment: of whom\nhello\n");
    const auto ended = leat({"plugin", "sign", "plugins/odd.so", "--public-key", "leat.pub"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err ==
               "leat: leat.pub: is no public key of minisign, which is RW and 54 more characters; it is the second "
               "line of the .pub file that minisign -G makes\n");
    BOOST_TEST(leat({"plugin", "sign", "plugins/odd.so", "--public-key", "none"}).err ==
               "leat: none: cannot be read as a .pub file of minisign\n");
    const auto none = leat({"plugin", "sign", "none.so"});
    BOOST_TEST(none.code == 4);
    BOOST_TEST(none.err == "leat: none.so: is no file here; name the shared library of a plugin\n");
}

BOOST_AUTO_TEST_CASE(a_pin_is_held_when_a_host_starts_and_when_it_reloads) {
    const std::string endless = "count: -1, delay: 1000";
    const auto pinned = digest();
    configure(", pin: { odd: \"sha256:" + pinned + "\" }", endless);
    Options options;
    options.directory = path();
    options.deadline = std::chrono::seconds(120);
    Process host(leat_command({"run", "--json", "p.yaml"}), options);
    host.wait_until([&] { return has("out") && fs::file_size(path() / "out") > 0; }, "rows");
    replace_plugin();
    const auto refused = leat({"reload"});
    BOOST_TEST(refused.code == 4);
    BOOST_TEST(contains(refused.err, file.string() + ": is not what plugins.pin.odd says: it is sha256:" + digest() +
                                         ", and pinned is sha256:" + pinned),
               refused.err);
    configure(", pin: { odd: \"sha256:" + digest() + "\" }", endless);
    const auto taken = leat({"reload"});
    BOOST_TEST(taken.code == 0);
    BOOST_TEST(contains(taken.out, "a: changed"), taken.out << taken.err);
    // The copies in memory that were checked, the old one and the new one, are what is mapped.
    std::ifstream maps("/proc/" + std::to_string(host.pid()) + "/maps");
    const std::string mapped((std::istreambuf_iterator<char>(maps)), {});
    BOOST_TEST(contains(mapped, "/memfd:odd.so"));
    BOOST_TEST(!contains(mapped, file.string()));
    host.signal(SIGTERM);
    const auto ended = host.wait();
    BOOST_TEST(ended.code == 5);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
}

BOOST_AUTO_TEST_CASE(a_pin_that_holds_nothing_is_a_mistake) {
    configure(", pin: { ood: \"sha256:" + digest() + "\" }");
    const auto ended = leat({"check", "p.yaml"});
    BOOST_TEST(ended.code == 3);
    const std::string begin = "p.yaml:2:43: plugins.pin.ood: pins ood.so, and there is no such file in " +
                              (path() / "plugins").string() + ", ";
    BOOST_TEST(ended.err.substr(0, begin.size()) == begin);
    BOOST_TEST(contains(ended.err, "; did you mean \"odd\"?"), ended.err);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_others_may_write_is_refused_with_path_and_mode) {
    configure("");
    BOOST_REQUIRE(::chmod(file.c_str(), 0666) == 0);
    const auto owner = std::to_string(::getuid());
    const auto why = file.string() + ": may be changed by everybody: its mode is 0666, its owner uid " + owner +
                     "; run: chmod go-w " + file.string() + "\n";
    const auto refused = leat({"run", "p.yaml"});
    BOOST_TEST(refused.code == 4);
    BOOST_TEST(contains(refused.err, "its plugin was refused: " + why), refused.err);
    BOOST_TEST(leat({"plugin", "check", "plugins/odd.so"}).code == 4);
    BOOST_REQUIRE(::chmod(file.c_str(), 0644) == 0);
    BOOST_TEST(leat({"run", "p.yaml"}).code == 0);

    const auto directory = path() / "plugins";
    BOOST_REQUIRE(::chmod(directory.c_str(), 0777) == 0);
    const auto all = leat({"run", "p.yaml"});
    BOOST_TEST(all.code == 4);
    BOOST_TEST(contains(all.err, directory.string() + ": may be changed by everybody: its mode is 0777"), all.err);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(secrets, Place)

BOOST_AUTO_TEST_CASE(show_in_no_log_receipt_dead_letter_or_state_and_not_in_what_the_system_tells_of_the_process) {
    put("pw", "of-the-file-hunter\n");
    fs::create_directory(path() / "credentials");
    put("credentials/shop", "of-systemd-hunter");
    put("p.yaml",
        "version: 1\nplugins: { directories: [plugins] }\nhttp: { listen: \"127.0.0.1:0\", token: !secret file:pw }\n"
        "connections:\n  shop: { odd.sink: { secret: !secret credential:shop, mode: rejects-with-secret } }\n"
        "pipelines:\n"
        "  says:\n    extract: { odd.source: { count: 9 } }\n"
        "    load: { odd.sink: { secret: !secret file:pw, mode: says-secret } }\n"
        "  throws:\n    extract: { odd.source: { count: 9 } }\n"
        "    load: { odd.sink: { secret: !secret env:TOKEN, mode: throws-secret } }\n"
        "  rejects:\n    extract: { odd.source: { count: 9 } }\n    load: { shop: { reject: [2, 3] } }\n"
        "    dead_letters: { limit: 100 rows }\n"
        "  stays:\n    extract: { odd.source: { count: -1, delay: 1000, secret: !secret env:TOKEN } }\n"
        "    load: { odd.sink: { path: out } }\n    bucket: { timeout: 5ms }\n");
    Options options;
    options.directory = path();
    options.environment = {{"TOKEN", "of-the-environment-hunter"},
                           {"CREDENTIALS_DIRECTORY", (path() / "credentials").string()}};
    options.deadline = std::chrono::seconds(120);
    Process host(leat_command({"run", "--json", "--log-level", "debug", "p.yaml"}), options);
    host.wait_until([&] { return has("out") && fs::file_size(path() / "out") > 0; }, "rows");
    const auto of_process = "/proc/" + std::to_string(host.pid()) + "/";
    std::string seen = bytes_of(of_process + "environ");
    BOOST_TEST(contains(seen, "CREDENTIALS_DIRECTORY="));
    seen += bytes_of(of_process + "cmdline");
    // What was taken out of the environment is there for the next reading.
    const auto reloaded = leat({"reload"});
    BOOST_TEST(reloaded.code == 0, reloaded.err);
    seen += reloaded.out + reloaded.err;
    host.signal(SIGTERM);
    const auto ended = host.wait();
    BOOST_TEST(contains(ended.err, "cannot log in with ***"), ended.err);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    seen += ended.out + ended.err;
    for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{{"dead", "ls"},
                                                                                      {"dead", "export"},
                                                                                      {"receipts", "show", "last"},
                                                                                      {"state", "ls"},
                                                                                      {"check", "p.yaml"},
                                                                                      {"explain", "p.yaml"}}) {
        Options same;
        same.environment = options.environment;
        const auto told = leat(verb, std::move(same));
        BOOST_TEST(told.code == 0, told.err);
        seen += told.out + told.err;
    }
    BOOST_TEST(contains(seen, "row 2 by ***"), seen);
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(path() / ".leat")) {
        if (!entry.is_regular_file()) continue;
        ++files;
        seen += bytes_of(entry.path());
    }
    BOOST_TEST(files > 2u);
    BOOST_TEST(!contains(seen, "hunter"), after(seen, "hunter", "\n"));
}

BOOST_AUTO_TEST_CASE(that_systemd_does_not_bring_are_asked_for_by_the_line_that_brings_them) {
    const auto of = [&](const std::string& secret, const std::map<std::string, std::string>& environment) {
        put("p.yaml",
            "version: 1\nplugins: { directories: [plugins] }\npipelines:\n  a:\n    extract: { odd.source: {} }\n"
            "    load: { odd.sink: { secret: !secret " +
                secret + " } }\n");
        Options options;
        options.environment = environment;
        return leat({"check", "p.yaml"}, std::move(options)).err;
    };
    const std::string where = "p.yaml:6:33: pipelines.a.load.odd.sink.secret: !secret: ";
    const std::string end = "\nleat: 1 problem; nothing was run\n";
    BOOST_TEST(of("credential:shop", {}) ==
               where +
                   "there are no credentials here: the environment has no CREDENTIALS_DIRECTORY; let systemd bring "
                   "it, with LoadCredential=shop:/etc/leat/shop in the unit, or write file:PATH" +
                   end);
    BOOST_TEST(of("credential:../shop", {}) ==
               where + "credential: stands before a name without /, as in credential:shop" + end);
    BOOST_TEST(of("credential:shop", {{"CREDENTIALS_DIRECTORY", "/nowhere"}}) ==
               where + "/nowhere/shop does not exist; check the path" + end);
}

BOOST_AUTO_TEST_SUITE_END()

// What Slicer starts. It answers questions about the module by itself and becomes the worker for everything else.
//
// ITK takes a noticeable time to load and may be missing; Slicer asks every module for its description at every start and
// takes a word on stderr for a failure. So this executable needs neither ITK nor coopseg. The worker is a second executable, which `exec` turns this process into: Slicer's signals
// then reach it, and its end is the end that Slicer sees. It has a dot in its name, because Slicer takes executables
// without one for modules.
#include "description.hpp"
#include "module.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <vector>

#include <unistd.h>

namespace fs = std::filesystem;

[[noreturn]] static void become_worker(char **arguments)
{
    // Slicer's own image readers live in its process and fit its own ITK.
    unsetenv("ITK_AUTOLOAD_PATH");
    const std::string worker = fs::read_symlink("/proc/self/exe").string() + ".worker";
    execv(worker.c_str(), arguments);
    throw std::runtime_error(worker + " cannot be started: " + std::strerror(errno));
}

/** The answer to a question about the module; empty where none is asked. */
static std::string answer(const std::vector<std::string> &words)
{
    for (const std::string &word : words) {
        if (word == "--xml") {
            return description_xml();
        }
        if (word == "--help" || word == "-h") {
            return help_text();
        }
        if (word == "--version") {
            return version_text() + '\n';
        }
    }
    return {};
}

int main(int count, char **arguments)
{
    try {
        const std::string said = answer({arguments + 1, arguments + count});
        if (said.empty()) {
            become_worker(arguments);
        }
        return std::cout << said << std::flush ? 0 : 1;
    } catch (const std::exception &error) {
        std::cerr << this_module().name << ": " << error.what() << '\n';
        return 1;
    }
}

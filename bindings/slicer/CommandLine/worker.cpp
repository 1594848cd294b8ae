// Does the module's work; started by starter.cpp, with the same arguments.
//
// Exit code: 0 when everything was written; 1 when something failed, which one sentence on stderr tells; 128 and the
// signal's number after one that asked for the end. Nothing is written then.
#include "arguments.hpp"
#include "interruption.hpp"
#include "module.hpp"

#include <itkMacro.h>
#include <itkObject.h>

#include <iostream>
#include <new>
#include <regex>

/** What an exception of ITK says, in one line and without the address of the object that threw it. */
static std::string sentence(const itk::ExceptionObject &error)
{
    const std::string said = error.GetDescription();
    const std::string line = std::regex_replace(said, std::regex("\\s+"), " ");
    return std::regex_replace(line, std::regex("^ ?(itk::|ITK )ERROR: [^(]*\\(0x[0-9a-f]+\\): | $"), "");
}

static int fail(const std::string &what)
{
    std::cerr << this_module().name << ": " << what << '\n';
    return 1;
}

int main(int count, char **arguments)
{
    catch_interruptions();
    // ITK writes warnings to stderr, where Slicer expects what failed.
    itk::Object::SetGlobalWarningDisplay(false);
    try {
        work(Arguments(count, arguments));
        return 0;
    } catch (const Interrupted &interrupted) {
        fail(interrupted.what());
        return interrupted.exit_code();
    } catch (const itk::ProcessAborted &) {
        const Interrupted interrupted(interruption());
        fail(interrupted.what());
        return interrupted.exit_code();
    } catch (const itk::ExceptionObject &error) {
        return fail(sentence(error));
    } catch (const std::bad_alloc &) {
        return fail("there is not enough memory for this image");
    } catch (const std::exception &error) {
        return fail(error.what());
    }
}

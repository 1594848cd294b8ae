#include "arguments.hpp"

#include "module.hpp"

#include <algorithm>
#include <stdexcept>

namespace {

const Parameter *find_parameter(const std::string &name)
{
    for (const ParameterGroup &group : this_module().groups) {
        for (const Parameter &parameter : group.parameters) {
            if (parameter.name == name) {
                return &parameter;
            }
        }
    }
    return nullptr;
}

const Parameter *parameter_at(int place)
{
    for (const ParameterGroup &group : this_module().groups) {
        for (const Parameter &parameter : group.parameters) {
            if (parameter.place == place) {
                return &parameter;
            }
        }
    }
    return nullptr;
}

void check_choice(const Parameter &parameter, const std::string &value)
{
    const std::vector<std::string> &choices = parameter.choices;
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
        std::string expected;
        for (const std::string &choice : choices) {
            expected += (expected.empty() ? "" : ", ") + choice;
        }
        throw std::runtime_error("--" + parameter.name + " is \"" + value + "\"; expected one of " + expected);
    }
}

void check_integer(const Parameter &parameter, const std::string &value)
{
    const bool digits = value.find_first_not_of("0123456789") == std::string::npos && value.size() < 9;
    if (!digits || std::stoi(value) < parameter.minimum || std::stoi(value) > parameter.maximum) {
        throw std::runtime_error("--" + parameter.name + " is \"" + value + "\"; expected a whole number from " +
                                 std::to_string(parameter.minimum) + " to " + std::to_string(parameter.maximum));
    }
}

} // namespace

Arguments::Arguments(int count, const char *const *words)
{
    int place = 0;
    for (int index = 1; index < count; ++index) {
        const std::string word = words[index];
        if (word.rfind("--", 0) != 0) {
            const Parameter *const parameter = parameter_at(place++);
            if (parameter == nullptr) {
                throw std::runtime_error("\"" + word + "\" is one argument too many; --help says what is expected");
            }
            set(parameter->name, word);
            continue;
        }
        const std::string name = word.substr(2);
        const Parameter *const parameter = find_parameter(name);
        const bool known = name == "returnparameterfile" || (parameter != nullptr && is_option(*parameter));
        if (!known) {
            throw std::runtime_error(word + " is not an option of this module; --help lists them");
        }
        if (++index == count) {
            throw std::runtime_error(word + " has no value");
        }
        if (parameter == nullptr) {
            return_parameter_file_ = words[index];
        } else {
            set(name, words[index]);
        }
    }
    if (const Parameter *const missing = parameter_at(place)) {
        std::string expected;
        for (int next = 0; const Parameter *const parameter = parameter_at(next); ++next) {
            expected += (expected.empty() ? "" : ", ") + parameter->name;
        }
        throw std::runtime_error("the argument " + missing->name + " is missing; expected " + expected);
    }
}

void Arguments::set(const std::string &name, const std::string &value)
{
    const Parameter &parameter = *find_parameter(name);
    if (value.empty()) {
        throw std::runtime_error(name + " is empty");
    }
    if (parameter.kind == Kind::choice) {
        check_choice(parameter, value);
    } else if (parameter.kind == Kind::integer) {
        check_integer(parameter, value);
    }
    if (!given_.emplace(name, value).second) {
        throw std::runtime_error("--" + name + " is given twice");
    }
}

std::string Arguments::text(const std::string &name) const
{
    const auto found = given_.find(name);
    return found != given_.end() ? found->second : find_parameter(name)->standard;
}

unsigned int Arguments::number(const std::string &name) const
{
    return static_cast<unsigned int>(std::stoul(text(name)));
}

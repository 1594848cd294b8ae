// What was given on the command line, checked.
#ifndef COOPSEG_SLICER_ARGUMENTS_HPP
#define COOPSEG_SLICER_ARGUMENTS_HPP

#include <map>
#include <string>

class Arguments {
public:
    /** @throws std::runtime_error What is unknown, missing, given twice or out of range, by name. */
    Arguments(int count, const char *const *words);

    /** The value of a parameter: what was given, or its default; empty where there is neither. */
    std::string text(const std::string &name) const;

    /** The value of an integer parameter. */
    unsigned int number(const std::string &name) const;

    /** Where the results go; empty: nowhere. */
    const std::string &return_parameter_file() const { return return_parameter_file_; }

private:
    void set(const std::string &name, const std::string &value);

    std::map<std::string, std::string> given_;
    std::string return_parameter_file_;
};

#endif

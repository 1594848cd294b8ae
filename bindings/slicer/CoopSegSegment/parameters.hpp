// The one list of the module's parameters: Slicer's description, the command line and the help are made from it.
#ifndef COOPSEG_SLICER_PARAMETERS_HPP
#define COOPSEG_SLICER_PARAMETERS_HPP

#include <string>
#include <vector>

inline constexpr const char *MODULE_NAME = "CoopSegSegment";

enum class Kind { image, label_image, file, choice, integer, number, number_list, text_list };
enum class Channel { input, output };

struct Parameter {
    Kind kind;
    Channel channel;
    /** Name in Slicer and, for options, on the command line. */
    std::string name;
    /** Place on the command line, from 0; below 0: an option, or a result. */
    int place;
    std::string label;
    std::string description;
    /** What holds where nothing is given; empty: nothing. */
    std::string standard;
    /** Of a choice: what can be chosen. */
    std::vector<std::string> choices;
    /** Of an integer: the range. */
    int minimum;
    int maximum;
};

struct ParameterGroup {
    std::string label;
    std::string description;
    bool advanced;
    std::vector<Parameter> parameters;
};

const std::vector<ParameterGroup> &parameter_groups();

/** Whether it is written to the file of --returnparameterfile instead of being given on the command line. */
bool is_result(const Parameter &parameter);

/** Whether it is given as --name value. */
bool is_option(const Parameter &parameter);

#endif

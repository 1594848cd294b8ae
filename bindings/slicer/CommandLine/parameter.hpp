// Parameters of a module: Slicer's description, the command line and the help are made from them.
#ifndef COOPSEG_SLICER_PARAMETER_HPP
#define COOPSEG_SLICER_PARAMETER_HPP

#include <string>
#include <vector>

enum class Kind { image, label_image, file, choice, integer, number, text, number_list, text_list };
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
    /** Of an output image: the image that it lies beside, under the same transform; empty: none. */
    std::string reference;
};

struct ParameterGroup {
    std::string label;
    std::string description;
    bool advanced;
    std::vector<Parameter> parameters;
};

/** A parameter that is given by its place on the command line. */
Parameter placed(Kind kind, Channel channel, const char *name, int place, const char *label, const char *description);

/** An output image, at a place, that lies where another lies. */
Parameter placed_beside(const char *reference, Kind kind, const char *name, int place, const char *label,
                        const char *description);

/** A parameter that is given as --name value, without a default. */
Parameter option(Kind kind, Channel channel, const char *name, const char *label, const char *description);

/** An option; the first choice is the default. */
Parameter choice(const char *name, const char *label, const char *description, std::vector<std::string> choices);

Parameter integer(const char *name, const char *label, const char *description, int standard, int minimum, int maximum);

/** What a run tells through --returnparameterfile. */
Parameter result(Kind kind, const char *name, const char *label, const char *description);

/** Whether it is written to the file of --returnparameterfile instead of being given on the command line. */
bool is_result(const Parameter &parameter);

/** Whether it is given as --name value. */
bool is_option(const Parameter &parameter);

#endif

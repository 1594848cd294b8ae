#include "parameter.hpp"

namespace {

constexpr int OPTION = -1;

bool is_file(const Parameter &parameter)
{
    return parameter.kind == Kind::image || parameter.kind == Kind::label_image || parameter.kind == Kind::file;
}

} // namespace

Parameter placed(Kind kind, Channel channel, const char *name, int place, const char *label, const char *description)
{
    return {kind, channel, name, place, label, description, "", {}, 0, 0, ""};
}

Parameter placed_beside(const char *reference, Kind kind, const char *name, int place, const char *label,
                        const char *description)
{
    Parameter parameter = placed(kind, Channel::output, name, place, label, description);
    parameter.reference = reference;
    return parameter;
}

Parameter option(Kind kind, Channel channel, const char *name, const char *label, const char *description)
{
    return placed(kind, channel, name, OPTION, label, description);
}

Parameter choice(const char *name, const char *label, const char *description, std::vector<std::string> choices)
{
    Parameter parameter = option(Kind::choice, Channel::input, name, label, description);
    parameter.standard = choices.front();
    parameter.choices = std::move(choices);
    return parameter;
}

Parameter integer(const char *name, const char *label, const char *description, int standard, int minimum, int maximum)
{
    Parameter parameter = option(Kind::integer, Channel::input, name, label, description);
    parameter.standard = std::to_string(standard);
    parameter.minimum = minimum;
    parameter.maximum = maximum;
    return parameter;
}

Parameter result(Kind kind, const char *name, const char *label, const char *description)
{
    Parameter parameter = option(kind, Channel::output, name, label, description);
    parameter.standard = kind == Kind::integer || kind == Kind::number ? "0" : "";
    return parameter;
}

bool is_result(const Parameter &parameter)
{
    return parameter.channel == Channel::output && !is_file(parameter);
}

bool is_option(const Parameter &parameter) { return parameter.place < 0 && !is_result(parameter); }

#include "description.hpp"

#include "module.hpp"

#include <coopseg/coopseg.h>

#include <sstream>

namespace {

std::string escaped(const std::string &text)
{
    std::string xml;
    for (const char character : text) {
        switch (character) {
        case '&':
            xml += "&amp;";
            break;
        case '<':
            xml += "&lt;";
            break;
        case '>':
            xml += "&gt;";
            break;
        default:
            xml += character;
        }
    }
    return xml;
}

/** The element that Slicer knows the kind by, and its attributes. */
struct Element {
    const char *name;
    const char *attributes;
};

Element element_of(Kind kind)
{
    switch (kind) {
    case Kind::image:
        return {"image", ""};
    case Kind::label_image:
        return {"image", " type=\"label\""};
    case Kind::file:
        return {"file", " fileExtensions=\".coopseg\""};
    case Kind::choice:
        return {"string-enumeration", ""};
    case Kind::integer:
        return {"integer", ""};
    case Kind::number:
        return {"double", ""};
    case Kind::text:
        return {"string", ""};
    case Kind::number_list:
        return {"double-vector", ""};
    case Kind::text_list:
        return {"string-vector", ""};
    }
    return {"", ""};
}

void write_element(std::ostream &xml, const char *indent, const char *name, const std::string &text)
{
    xml << indent << '<' << name << '>' << escaped(text) << "</" << name << ">\n";
}

void write_parameter(std::ostream &xml, const Parameter &parameter)
{
    const Element element = element_of(parameter.kind);
    const char *const indent = "      ";
    xml << "    <" << element.name << element.attributes;
    if (!parameter.reference.empty()) {
        xml << " reference=\"" << parameter.reference << '"';
    }
    xml << ">\n";
    write_element(xml, indent, "name", parameter.name);
    if (is_option(parameter)) {
        write_element(xml, indent, "longflag", parameter.name);
    } else if (parameter.place >= 0) {
        write_element(xml, indent, "index", std::to_string(parameter.place));
    }
    write_element(xml, indent, "label", parameter.label);
    write_element(xml, indent, "description", parameter.description);
    write_element(xml, indent, "channel", parameter.channel == Channel::input ? "input" : "output");
    if (!parameter.standard.empty()) {
        write_element(xml, indent, "default", parameter.standard);
    }
    for (const std::string &choice : parameter.choices) {
        write_element(xml, indent, "element", choice);
    }
    if (parameter.minimum < parameter.maximum) {
        xml << indent << "<constraints>\n";
        write_element(xml, "        ", "minimum", std::to_string(parameter.minimum));
        write_element(xml, "        ", "maximum", std::to_string(parameter.maximum));
        write_element(xml, "        ", "step", "1");
        xml << indent << "</constraints>\n";
    }
    xml << "    </" << element.name << ">\n";
}

std::string value_hint(const Parameter &parameter)
{
    if (parameter.kind == Kind::integer) {
        return std::to_string(parameter.minimum) + ".." + std::to_string(parameter.maximum);
    }
    if (parameter.kind == Kind::text) {
        return "TEXT";
    }
    std::string hint;
    for (const std::string &choice : parameter.choices) {
        hint += (hint.empty() ? "" : "|") + choice;
    }
    return hint.empty() ? "FILE" : hint;
}

} // namespace

std::string description_xml()
{
    std::ostringstream xml;
    xml << "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<executable>\n";
    write_element(xml, "  ", "category", this_module().category);
    write_element(xml, "  ", "title", this_module().title);
    write_element(xml, "  ", "description", this_module().description);
    write_element(xml, "  ", "version", version_text());
    write_element(xml, "  ", "license", "MIT or Apache-2.0");
    write_element(xml, "  ", "contributor", "The coopseg developers");
    for (const ParameterGroup &group : this_module().groups) {
        xml << "  <parameters" << (group.advanced ? " advanced=\"true\"" : "") << ">\n";
        write_element(xml, "    ", "label", group.label);
        write_element(xml, "    ", "description", group.description);
        for (const Parameter &parameter : group.parameters) {
            write_parameter(xml, parameter);
        }
        xml << "  </parameters>\n";
    }
    xml << "</executable>\n";
    return xml.str();
}

std::string help_text()
{
    std::ostringstream usage, options, results;
    usage << "usage: " << this_module().name << " [OPTION]...";
    for (const ParameterGroup &group : this_module().groups) {
        for (const Parameter &parameter : group.parameters) {
            if (is_result(parameter)) {
                results << "  " << parameter.name << ": " << parameter.description << '\n';
            } else if (is_option(parameter)) {
                options << "  --" << parameter.name << ' ' << value_hint(parameter) << "\n      "
                        << parameter.description;
                if (!parameter.standard.empty()) {
                    options << " Default: " << parameter.standard << '.';
                }
                options << '\n';
            } else {
                usage << ' ' << parameter.name;
                options << "  " << parameter.name << "\n      " << parameter.description << '\n';
            }
        }
    }
    return usage.str() + "\n\n" + this_module().description + "\nImages: .nrrd, .nii, .nii.gz, .mha.\n\n" +
           options.str() +
           "  --returnparameterfile FILE\n      Where to write the results, as lines \"name = value\".\n"
           "  --xml, --help, --version\n      Say what the module is, and end.\n\nresults:\n" +
           results.str();
}

std::string version_text()
{
    return std::to_string(COOPSEG_VERSION_MAJOR) + '.' + std::to_string(COOPSEG_VERSION_MINOR) + '.' +
           std::to_string(COOPSEG_VERSION_PATCH);
}

#include "output_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

std::runtime_error failure(const fs::path &file, const std::string &what)
{
    return std::runtime_error(file.string() + " " + what + ": " + std::strerror(errno));
}

bool ends_with(const fs::path &file, const std::string &ending)
{
    const std::string name = file.filename().string();
    return name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

/** The ending that tells the format: the last extension, or .nii.gz. */
std::string ending_of(const fs::path &file)
{
    return ends_with(file, ".nii.gz") ? ".nii.gz" : file.extension().string();
}

/** The permissions that a new file would have had. */
mode_t usual_mode()
{
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

} // namespace

OutputFile::OutputFile(fs::path file) : file_(std::move(file))
{
    const fs::path folder = file_.has_parent_path() ? file_.parent_path() : ".";
    std::error_code none;
    if (!fs::is_directory(folder, none)) {
        throw std::runtime_error(file_.string() + " cannot be written: its folder does not exist");
    }
    if (fs::is_directory(file_, none)) {
        throw std::runtime_error(file_.string() + " cannot be written: it is a folder");
    }
    if (access(folder.c_str(), W_OK) != 0) {
        throw failure(file_, "cannot be written");
    }
}

OutputFile::~OutputFile()
{
    if (!temporary_.empty()) {
        unlink(temporary_.c_str());
    }
}

const fs::path &OutputFile::temporary()
{
    const std::string ending = ending_of(file_);
    const std::string name = file_.filename().string();
    const std::string stem = name.substr(0, name.size() - ending.size());
    std::string path = (file_.parent_path() / ("." + stem + "-XXXXXX" + ending)).string();
    const int descriptor = mkostemps(path.data(), static_cast<int>(ending.size()), O_CLOEXEC);
    if (descriptor < 0) {
        throw failure(file_, "cannot be written");
    }
    temporary_ = path;
    fchmod(descriptor, usual_mode());
    close(descriptor);
    return temporary_;
}

void OutputFile::sync()
{
    const int descriptor = open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw failure(file_, "cannot be written");
    }
    const bool synced = fsync(descriptor) == 0;
    close(descriptor);
    if (!synced) {
        throw failure(file_, "cannot be written");
    }
}

void OutputFile::put_in_place()
{
    if (rename(temporary_.c_str(), file_.c_str()) != 0) {
        throw failure(file_, "cannot be written");
    }
    temporary_.clear();
}

ImageOutputFile::ImageOutputFile(const fs::path &file) : OutputFile(file)
{
    // Formats of a header and a second file for the voxels cannot appear at once.
    const std::string endings[] = {".nrrd", ".nii", ".nii.gz", ".mha"};
    if (std::none_of(std::begin(endings), std::end(endings),
                     [&](const std::string &ending) { return ends_with(file, ending); })) {
        throw std::runtime_error(file.string() +
                                 " cannot be written: expected a name that ends in .nrrd, .nii, .nii.gz or .mha");
    }
}

bool ImageOutputFile::is_segmentation() const { return ends_with(file(), ".seg.nrrd"); }

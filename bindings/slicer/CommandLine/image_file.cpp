#include "image_file.hpp"

#include <itkImageIOFactory.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <unistd.h>

ImageFile::ImageFile(const std::string &file) : file_(file)
{
    std::error_code none;
    if (std::filesystem::is_directory(file, none)) {
        throw std::runtime_error(file + " cannot be read: it is a folder; expected an image file");
    }
    if (access(file.c_str(), R_OK) != 0) {
        throw std::runtime_error(file + " cannot be read: " + std::strerror(errno));
    }
    io_ = itk::ImageIOFactory::CreateImageIO(file.c_str(), itk::ImageIOFactory::IOFileModeEnum::ReadMode);
    if (io_ == nullptr) {
        throw std::runtime_error(file + " cannot be read: expected an image in NRRD, NIfTI or MetaImage format");
    }
    io_->SetFileName(file);
    io_->ReadImageInformation();
    if (io_->GetNumberOfComponents() != 1) {
        throw std::runtime_error(file + " has " + std::to_string(io_->GetNumberOfComponents()) +
                                 " values per voxel; expected 1, with every channel in an image of its own");
    }
    for (unsigned int axis = 3; axis < io_->GetNumberOfDimensions(); ++axis) {
        if (io_->GetDimensions(axis) != 1) {
            throw std::runtime_error(file + " has " + std::to_string(io_->GetNumberOfDimensions()) +
                                     " dimensions; expected 2 or 3");
        }
    }
}

std::array<itk::SizeValueType, 3> ImageFile::size() const
{
    std::array<itk::SizeValueType, 3> voxels = {1, 1, 1};
    for (unsigned int axis = 0; axis < 3 && axis < io_->GetNumberOfDimensions(); ++axis) {
        voxels[axis] = io_->GetDimensions(axis);
    }
    return voxels;
}

bool ImageFile::needs_double() const
{
    switch (io_->GetComponentType()) {
    case itk::IOComponentEnum::UCHAR:
    case itk::IOComponentEnum::CHAR:
    case itk::IOComponentEnum::USHORT:
    case itk::IOComponentEnum::SHORT:
    case itk::IOComponentEnum::FLOAT:
        return false;
    default:
        return true;
    }
}

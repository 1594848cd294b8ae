// An image in a file.
#ifndef COOPSEG_SLICER_IMAGE_FILE_HPP
#define COOPSEG_SLICER_IMAGE_FILE_HPP

#include <itkImage.h>
#include <itkImageFileReader.h>
#include <itkImageIOBase.h>

#include <array>
#include <string>

/** A file whose header was read, and found to be that of a 2-D or 3-D image of one channel. */
class ImageFile {
public:
    /** @throws std::runtime_error The file does not exist, cannot be read or holds something else. */
    explicit ImageFile(const std::string &file);

    const std::string &file() const noexcept { return file_; }

    /** Numbers of voxels along its axes. */
    std::array<itk::SizeValueType, 3> size() const;

    /** Whether float does not hold its voxels exactly. */
    bool needs_double() const;

    /** The image; a 2-D one has one slice. */
    template <class Voxel>
    typename itk::Image<Voxel, 3>::Pointer read() const
    {
        const auto reader = itk::ImageFileReader<itk::Image<Voxel, 3>>::New();
        reader->SetFileName(file_);
        reader->SetImageIO(io_);
        reader->Update();
        return reader->GetOutput();
    }

private:
    std::string file_;
    itk::ImageIOBase::Pointer io_;
};

#endif

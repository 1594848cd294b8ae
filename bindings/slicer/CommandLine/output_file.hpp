// A file that is written whole or not at all.
#ifndef COOPSEG_SLICER_OUTPUT_FILE_HPP
#define COOPSEG_SLICER_OUTPUT_FILE_HPP

#include <filesystem>

/**
 * A place for a result. What is written goes to a temporary file in the same folder, which `put_in_place` renames; a
 * temporary that is left is removed. The temporary comes into being when it is asked for, not before, so that a process
 * that is killed during the computation leaves nothing behind.
 */
class OutputFile {
public:
    /** @throws std::runtime_error The folder does not exist or cannot be written to. */
    explicit OutputFile(std::filesystem::path file);
    ~OutputFile();
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;

    const std::filesystem::path &file() const noexcept { return file_; }

    /** Makes the temporary, empty. Its name ends as that of the file, from which writers choose a format. */
    const std::filesystem::path &temporary();

    /** Brings what was written to the disk. */
    void sync();

    /** Gives what was written its name. */
    void put_in_place();

private:
    std::filesystem::path file_;
    std::filesystem::path temporary_;
};

/** An output file for an image: one of a single file that ITK can write. */
class ImageOutputFile : public OutputFile {
public:
    /** @throws std::runtime_error Also for an ending of another format. */
    explicit ImageOutputFile(const std::filesystem::path &file);

    /** Whether it ends in .seg.nrrd, as Slicer's segmentations do. */
    bool is_segmentation() const;
};

#endif

/*
 * coopseg for C++17: coopseg.h with owning handles, exceptions and standard types. Header-only.
 *
 * Conventions that hold for everything here, beside those of coopseg.h:
 *
 * - A call does what it says or throws. What the library refuses is a coopseg::Error with its status and message;
 *   std::bad_alloc is the only other exception of this header's own. Destructors and moves never throw.
 * - Handles (Model, Dataset, ...) are move-only and free what they own. One that was moved from is empty: it
 *   may be assigned to and destroyed, tested with `if (model)`, and every other use throws Status::null_argument.
 * - Views (ImageView, BufferView, Span) own nothing: the memory must outlive them. Axes are x, y, z with x fastest;
 *   spacing and origin are in mm, world coordinates LPS, strides in bytes.
 * - Options are JSON objects, as in C; an empty text stands for the defaults.
 * - Callbacks may throw. The exception ends the run and leaves the call that the callback belongs to, as it was
 *   thrown, once the C function has returned: it never passes through the library. What was run stays usable.
 * - Threads: functions and handles are as safe as their C counterparts: functions that coopseg.h gives "shared
 *   use" may be called at once on one handle; a second "exclusive" call throws Status::busy. Moving, assigning
 *   and destroying a handle is like that of any variable: not while another thread uses it.
 * - The end of the process stops the calls of other threads, which throw Status::cancelled: such a thread catches it,
 *   or the process ends by std::terminate.
 */
#ifndef COOPSEG_HPP
#define COOPSEG_HPP

#include <coopseg/coopseg.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif

namespace coopseg {

// ---- Errors --------------------------------------------------------------------------------------------------

/** Outcome of a call: the values of `coopseg_status` by name. A later library may return others. */
enum class Status : coopseg_status {
    ok = COOPSEG_OK,
    invalid_argument = COOPSEG_INVALID_ARGUMENT,
    null_argument = COOPSEG_NULL_ARGUMENT,
    invalid_handle = COOPSEG_INVALID_HANDLE,
    invalid_struct_size = COOPSEG_INVALID_STRUCT_SIZE,
    invalid_shape = COOPSEG_INVALID_SHAPE,
    invalid_geometry = COOPSEG_INVALID_GEOMETRY,
    invalid_label = COOPSEG_INVALID_LABEL,
    invalid_config = COOPSEG_INVALID_CONFIG,
    busy = COOPSEG_BUSY,
    invalid_state = COOPSEG_INVALID_STATE,
    invalid_dataset = COOPSEG_INVALID_DATASET,
    diverged = COOPSEG_DIVERGED,
    file_not_found = COOPSEG_FILE_NOT_FOUND,
    file_io = COOPSEG_FILE_IO,
    file_format = COOPSEG_FILE_FORMAT,
    file_unsupported = COOPSEG_FILE_UNSUPPORTED,
    file_weights = COOPSEG_FILE_WEIGHTS,
    device_unavailable = COOPSEG_DEVICE_UNAVAILABLE,
    out_of_memory = COOPSEG_OUT_OF_MEMORY,
    libtorch = COOPSEG_LIBTORCH,
    libtorch_mismatch = COOPSEG_LIBTORCH_MISMATCH,
    libtorch_unavailable = COOPSEG_LIBTORCH_UNAVAILABLE,
    cancelled = COOPSEG_CANCELLED,
    internal = COOPSEG_INTERNAL,
    poisoned = COOPSEG_POISONED
};

/** The name of a status, such as "COOPSEG_INVALID_SHAPE". A constant text. */
inline const char *status_name(Status status) noexcept
{
    return coopseg_status_name(static_cast<coopseg_status>(status));
}

/**
 * What every function of this header throws when the library refuses or fails: `status()` says which kind of
 * failure, `what()` says what was wrong, with which value, what was expected, in which file (UTF-8).
 */
class Error : public std::runtime_error {
public:
    Error(Status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    Status status() const noexcept { return status_; }

private:
    Status status_;
};

/**
 * The message of the last C call on this thread that failed; `Error` carries it already. For programs that call
 * the C functions too.
 */
inline std::string last_error()
{
    std::size_t length = 0;
    coopseg_last_error(nullptr, 0, &length);
    std::string message(length + 1, '\0');
    coopseg_last_error(message.data(), message.size(), nullptr);
    message.resize(length);
    return message;
}

// ---- Views of memory -------------------------------------------------------------------------------------------

/**
 * Elements that lie one after the other in the caller's memory: std::span for C++17. Made from anything with
 * contiguous elements (vector, array, std::span, ...), and turned into a std::span where there is one.
 */
template <class T>
class Span {
    template <class Elements>
    using DataOf = std::remove_pointer_t<decltype(std::data(std::declval<Elements &>()))>;
    template <class Elements>
    using Fitting = std::enable_if_t<!std::is_same_v<std::remove_cv_t<std::remove_reference_t<Elements>>, Span> &&
                                     std::is_convertible_v<DataOf<Elements> (*)[], T (*)[]>>;

public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using iterator = T *;

    constexpr Span() noexcept = default;

    /** `size` elements at `data`. */
    constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}

    /** The elements of a container, an array or another span. */
    template <class Elements, class = Fitting<Elements>>
    constexpr Span(Elements &&elements) noexcept : data_(std::data(elements)), size_(std::size(elements))
    {
    }

    /** `{a, b}` as an argument, for the length of the call. */
    template <class Element = T, class = std::enable_if_t<std::is_const_v<Element>>>
    constexpr Span(std::initializer_list<value_type> elements) noexcept
        : data_(std::data(elements)), size_(elements.size())
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const noexcept { return data_[index]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

template <class Elements>
Span(Elements &&elements) -> Span<std::remove_pointer_t<decltype(std::data(elements))>>;

/** Type of the voxels of an image or map, in the machine's byte order. */
enum class DataType : std::int32_t {
    u8 = COOPSEG_U8,
    i8 = COOPSEG_I8,
    u16 = COOPSEG_U16,
    i16 = COOPSEG_I16,
    u32 = COOPSEG_U32,
    i32 = COOPSEG_I32,
    u64 = COOPSEG_U64,
    i64 = COOPSEG_I64,
    f32 = COOPSEG_F32,
    f64 = COOPSEG_F64
};

/** The `DataType` of a C++ type: an integer of 1, 2, 4 or 8 bytes, float or double. Others do not compile. */
template <class T>
constexpr DataType data_type_of() noexcept
{
    using Value = std::remove_cv_t<T>;
    static_assert(std::is_same_v<Value, float> || std::is_same_v<Value, double> ||
                      (std::is_integral_v<Value> && sizeof(Value) <= 8 && !std::is_same_v<Value, bool>),
                  "voxels are integers of 1, 2, 4 or 8 bytes, float or double");
    if constexpr (std::is_floating_point_v<Value>) {
        return std::is_same_v<Value, float> ? DataType::f32 : DataType::f64;
    } else if constexpr (std::is_signed_v<Value>) {
        return sizeof(Value) == 1   ? DataType::i8
               : sizeof(Value) == 2 ? DataType::i16
               : sizeof(Value) == 4 ? DataType::i32
                                    : DataType::i64;
    } else {
        return sizeof(Value) == 1   ? DataType::u8
               : sizeof(Value) == 2 ? DataType::u16
               : sizeof(Value) == 4 ? DataType::u32
                                    : DataType::u64;
    }
}

/** Sizes along x, y, then z, then a fourth axis (class or channel): `{512, 512}`, `{512, 512, 20}`, ... */
class Shape {
    template <class... Integers>
    using AllIntegers = std::enable_if_t<(std::is_integral_v<Integers> && ...)>;

public:
    template <class X, class Y, class = AllIntegers<X, Y>>
    constexpr Shape(X x, Y y) noexcept : Shape(2, x, y, 1, 1)
    {
    }

    template <class X, class Y, class Z, class = AllIntegers<X, Y, Z>>
    constexpr Shape(X x, Y y, Z z) noexcept : Shape(3, x, y, z, 1)
    {
    }

    template <class X, class Y, class Z, class Fourth, class = AllIntegers<X, Y, Z, Fourth>>
    constexpr Shape(X x, Y y, Z z, Fourth fourth) noexcept : Shape(4, x, y, z, fourth)
    {
    }

    /** Number of axes: 2, 3 or 4. */
    constexpr int dimensions() const noexcept { return dimensions_; }

    /** Size along an axis from 0 to 3; 1 beyond the shape's own. */
    constexpr std::int64_t operator[](std::size_t axis) const noexcept { return sizes_[axis]; }

    constexpr const std::array<std::int64_t, 4> &sizes() const noexcept { return sizes_; }

    /**
     * Product of all sizes.
     * @throws Error Status::invalid_shape for a size below 1, or a product that does not fit into memory.
     */
    std::size_t count() const { return bytes(1, {}); }

    /**
     * Bytes from the first element to the end of the last.
     *
     * @param element  Bytes of one element.
     * @param strides  Bytes from one element to the next along each axis; all zero: dense.
     * @throws Error Status::invalid_shape for sizes below 1, negative strides and what does not fit into memory.
     */
    std::size_t bytes(std::size_t element, const std::array<std::int64_t, 4> &strides) const
    {
        const bool dense = strides == std::array<std::int64_t, 4>{};
        std::size_t total = element;
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(dimensions_); ++axis) {
            if (sizes_[axis] < 1 || strides[axis] < 0) {
                throw Error(Status::invalid_shape, "axis " + std::to_string(axis) + ": size " +
                                                       std::to_string(sizes_[axis]) + ", stride " +
                                                       std::to_string(strides[axis]) +
                                                       "; expected a size of at least 1 and no negative stride");
            }
            const auto steps = static_cast<std::size_t>(sizes_[axis] - 1);
            const std::size_t step = dense ? total : static_cast<std::size_t>(strides[axis]);
            if (step != 0 && steps > (std::numeric_limits<std::size_t>::max() - total) / step) {
                throw Error(Status::invalid_shape, "the shape describes more bytes than there can be");
            }
            total += steps * step;
        }
        return total;
    }

private:
    template <class X, class Y, class Z, class Fourth>
    constexpr Shape(int dimensions, X x, Y y, Z z, Fourth fourth) noexcept
        : sizes_{static_cast<std::int64_t>(x), static_cast<std::int64_t>(y), static_cast<std::int64_t>(z),
                 static_cast<std::int64_t>(fourth)},
          dimensions_(dimensions)
    {
    }

    std::array<std::int64_t, 4> sizes_;
    int dimensions_;
};

/** Distance of voxel centres along x, y, z in mm; the last is ignored in 2-D. */
using Spacing = std::array<double, 3>;
/** Centre of voxel (0, 0, 0) in LPS mm. */
using Origin = std::array<double, 3>;
/** Row-major 3×3 matrix; column i is the unit vector in LPS along which index i grows. */
using Direction = std::array<double, 9>;
/** Bytes from one element to the next along x, y, z and the fourth axis; all zero: dense, x fastest. */
using Strides = std::array<std::int64_t, 4>;

// ---- How C functions are called --------------------------------------------------------------------------------

/** Not for users. */
namespace detail {

/**
 * One call of a C function on this thread. A callback that runs during the call leaves its exception here, and
 * `finish` throws it once the C function has returned.
 */
class Call {
public:
    Call() noexcept : outer_(innermost()) { innermost() = this; }
    ~Call() { innermost() = outer_; }
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;

    /** The innermost call under way on this thread, or null. */
    static Call *&innermost() noexcept
    {
        thread_local Call *call = nullptr;
        return call;
    }

    /** Whether a callback of the innermost call has thrown, so that its run should end. */
    static bool has_exception() noexcept { return innermost() != nullptr && innermost()->exception_ != nullptr; }

    /** To be used in a `catch` block. Only the first exception is kept; where no call is under way, none. */
    static void keep_exception() noexcept
    {
        if (innermost() != nullptr && innermost()->exception_ == nullptr) {
            innermost()->exception_ = std::current_exception();
        }
    }

    void finish(coopseg_status status)
    {
        if (exception_ != nullptr) {
            std::rethrow_exception(std::exchange(exception_, nullptr));
        }
        if (status != COOPSEG_OK) {
            throw Error(static_cast<Status>(status), last_error());
        }
    }

private:
    Call *outer_;
    std::exception_ptr exception_;
};

template <class Function, class... Arguments>
void call(Function function, Arguments &&...arguments)
{
    Call call;
    call.finish(function(std::forward<Arguments>(arguments)...));
}

/** Deleter that calls a C function. */
template <auto Function>
struct Free {
    template <class Raw>
    void operator()(Raw *raw) const noexcept
    {
        Function(raw);
    }
};

/** Receives a pointer that a C function makes and gives it to its owner, also when an exception follows. */
template <class Raw, class Deleter>
class Receive {
public:
    explicit Receive(std::unique_ptr<Raw, Deleter> &owner) noexcept : owner_(owner) {}
    ~Receive() { owner_.reset(raw_); }
    Receive(const Receive &) = delete;
    Receive &operator=(const Receive &) = delete;
    operator Raw **() noexcept { return &raw_; }

private:
    std::unique_ptr<Raw, Deleter> &owner_;
    Raw *raw_ = nullptr;
};

using CText = std::unique_ptr<char, Free<coopseg_string_free>>;

inline std::string to_string(const CText &text) { return text ? std::string(text.get()) : std::string(); }

/** Calls a C function whose last parameter returns a text. */
template <class Function, class... Arguments>
std::string text(Function function, Arguments &&...arguments)
{
    CText made;
    call(function, std::forward<Arguments>(arguments)..., Receive(made));
    return to_string(made);
}

/** A text that ends with a zero byte. One inside would silently cut it, so that is refused. */
inline std::string c_text(std::string_view text, const char *parameter)
{
    const std::size_t zero = text.find('\0');
    if (zero != std::string_view::npos) {
        throw Error(Status::invalid_argument,
                    std::string("`") + parameter + "` holds a zero byte at position " + std::to_string(zero));
    }
    return std::string(text);
}

inline std::string c_path(const std::filesystem::path &path, const char *parameter)
{
    return c_text(path.string(), parameter);
}

inline std::int32_t c_count(std::size_t count) noexcept
{
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    return static_cast<std::int32_t>(std::min(count, most));
}

/** Pointers to the C descriptions of some views. */
template <class View>
auto c_pointers(Span<const View> views)
{
    std::vector<decltype(views.data()->get())> pointers;
    pointers.reserve(views.size());
    for (const View &view : views) {
        pointers.push_back(view.get());
    }
    return pointers;
}

/** A view that may be left out, as the C functions want it. */
template <class View>
auto c_pointer(const std::optional<View> &view) noexcept
{
    return view ? view->get() : nullptr;
}

/** A handle that may be left out. One that was moved from is a mistake, not left out. */
template <class Handle>
auto c_handle(const Handle *handle, const char *parameter)
{
    if (handle != nullptr && !*handle) {
        throw Error(Status::null_argument, std::string("`") + parameter + "` was moved from");
    }
    return handle != nullptr ? handle->get() : nullptr;
}

inline std::size_t checked_classes(int classes)
{
    if (classes < 2 || classes > 255) {
        throw Error(Status::invalid_argument, "`classes` is " + std::to_string(classes) + ": expected 2 to 255");
    }
    return static_cast<std::size_t>(classes);
}

template <class Elements>
using ElementOf = std::remove_pointer_t<decltype(std::data(std::declval<Elements &>()))>;

/** A pointer to arithmetic elements. An array is none: it knows its size. */
template <class Pointer>
using IfPointer =
    std::enable_if_t<std::is_pointer_v<Pointer> && std::is_arithmetic_v<std::remove_pointer_t<Pointer>>, int>;

/** The same to elements that may be written. */
template <class Pointer>
using IfWritablePointer =
    std::enable_if_t<std::is_pointer_v<Pointer> && std::is_arithmetic_v<std::remove_pointer_t<Pointer>> &&
                         !std::is_const_v<std::remove_pointer_t<Pointer>>,
                     int>;

/** Something with contiguous arithmetic elements. */
template <class Elements>
using IfElements = std::enable_if_t<std::is_arithmetic_v<ElementOf<Elements>>>;

/** The same, writable. */
template <class Elements>
using IfWritable = std::enable_if_t<std::is_arithmetic_v<ElementOf<Elements>> && !std::is_const_v<ElementOf<Elements>>>;

} // namespace detail

// ---- Images and maps -------------------------------------------------------------------------------------------

/**
 * An image or label map in the caller's memory, which the library reads and never writes: `coopseg_image`. Origin is
 * 0 and the axes lie along LPS until `with_origin` and `with_direction` say otherwise.
 */
class ImageView {
public:
    /**
     * Voxels at a pointer.
     *
     * @param data     The first voxel. As many bytes may be read as shape and strides describe.
     * @param shape    Two or three sizes.
     * @param spacing  In mm. All positive, but for the last in 2-D.
     * @param strides  Bytes along x, y, z; not negative. All zero: dense, x fastest, then y, z.
     * @throws Error Status::invalid_shape; Status::invalid_geometry (spacing); Status::null_argument.
     */
    template <class Pointer, detail::IfPointer<Pointer> = 0>
    ImageView(const Pointer &data, const Shape &shape, const Spacing &spacing, const Strides &strides = {})
        : ImageView(data_type_of<std::remove_pointer_t<Pointer>>(), data, shape.bytes(sizeof(*data), strides), shape,
                    spacing, strides)
    {
    }

    /**
     * Voxels of a vector, array, span, ..., whose size bounds what is read: the library refuses shapes and strides that
     * go beyond it.
     */
    template <class Voxels, class = detail::IfElements<const Voxels>>
    ImageView(const Voxels &voxels, const Shape &shape, const Spacing &spacing, const Strides &strides = {})
        : ImageView(data_type_of<detail::ElementOf<const Voxels>>(), std::data(voxels),
                    std::size(voxels) * sizeof(detail::ElementOf<const Voxels>), shape, spacing, strides)
    {
    }

    /**
     * Voxels of a type that is known at run time only.
     *
     * @param data_size  Bytes that may be read at data.
     */
    ImageView(DataType type, const void *data, std::size_t data_size, const Shape &shape, const Spacing &spacing,
              const Strides &strides = {})
    {
        if (shape.dimensions() > 3) {
            throw Error(Status::invalid_shape, "an image has 2 or 3 axes; give channels as images of their own");
        }
        const bool flat = shape.dimensions() == 2;
        const Spacing distances{spacing[0], spacing[1], flat ? 1.0 : spacing[2]};
        detail::call(coopseg_image_init, static_cast<std::int32_t>(type), shape.sizes().data(), distances.data(), data,
                     &image_);
        image_.ndim = shape.dimensions();
        image_.data_size = data_size;
        std::copy_n(strides.begin(), 3, image_.strides);
    }

    /** A description that was made in C. Not checked here; the function that takes the view does. */
    explicit ImageView(const coopseg_image &image) noexcept : image_(image) {}

    /** The same image elsewhere in space. */
    ImageView with_origin(const Origin &origin) const noexcept
    {
        ImageView moved = *this;
        std::copy(origin.begin(), origin.end(), moved.image_.origin);
        return moved;
    }

    /** The same image with other axes; whether they describe a grid is checked by the function that takes the view. */
    ImageView with_direction(const Direction &direction) const noexcept
    {
        ImageView turned = *this;
        std::copy(direction.begin(), direction.end(), turned.image_.direction);
        return turned;
    }

    /** The same image, whose voxels lie in the memory of a CUDA device; for functions that say so. */
    ImageView on_cuda(std::int32_t device_index = 0) const noexcept
    {
        ImageView there = *this;
        there.image_.memory = COOPSEG_MEMORY_CUDA;
        there.image_.device_index = device_index;
        return there;
    }

    DataType data_type() const noexcept { return static_cast<DataType>(image_.dtype); }

    /** Two or three sizes. */
    Shape shape() const noexcept
    {
        return image_.ndim == 2 ? Shape(image_.shape[0], image_.shape[1])
                                : Shape(image_.shape[0], image_.shape[1], image_.shape[2]);
    }

    Spacing spacing() const noexcept { return {image_.spacing[0], image_.spacing[1], image_.spacing[2]}; }
    Origin origin() const noexcept { return {image_.origin[0], image_.origin[1], image_.origin[2]}; }
    Strides strides() const noexcept { return {image_.strides[0], image_.strides[1], image_.strides[2], 0}; }

    Direction direction() const noexcept
    {
        Direction matrix{};
        std::copy_n(image_.direction, matrix.size(), matrix.begin());
        return matrix;
    }

    /** The first voxel, of type `data_type()`. */
    const void *data() const noexcept { return image_.data; }

    /**
     * The voxels of a dense image, x fastest, then y, z.
     *
     * @tparam T  The C++ type that fits `data_type()`.
     * @throws Error Status::invalid_argument for another type or CUDA memory; Status::invalid_shape where strides were
     *         given or the memory is smaller than the shape.
     */
    template <class T>
    Span<const T> voxels() const
    {
        if (data_type() != data_type_of<T>()) {
            throw Error(Status::invalid_argument, "the voxels are of data type " + std::to_string(image_.dtype) +
                                                      ", not " +
                                                      std::to_string(static_cast<std::int32_t>(data_type_of<T>())));
        }
        if (image_.memory != COOPSEG_MEMORY_HOST) {
            throw Error(Status::invalid_argument, "the voxels lie in the memory of a device");
        }
        const std::size_t count = shape().count();
        if (strides() != Strides{} || count > image_.data_size / sizeof(T)) {
            throw Error(Status::invalid_shape, "the voxels do not lie one after the other");
        }
        return {static_cast<const T *>(image_.data), count};
    }

    /**
     * Writes the image as 32-bit floating point NIfTI file, with sform and qform from its geometry. The file is written
     * whole or not at all.
     *
     * @param file  Path ending in .nii or .nii.gz; an existing file is replaced.
     * @throws Error Status::invalid_argument; Status::invalid_shape; Status::invalid_geometry; Status::file_io;
     *         Status::file_not_found (folder).
     * Threads: any number of calls at once, with different files.
     */
    void write(const std::filesystem::path &file) const
    {
        detail::call(coopseg_image_write, &image_, detail::c_path(file, "file").c_str());
    }

    /** The description for C functions. */
    const coopseg_image *get() const noexcept { return &image_; }

private:
    coopseg_image image_{};
};

/**
 * The channels of an image whose voxels hold one value per channel, one after the other, such as an
 * itk::VectorImage: a view for each, for functions that take channels.
 *
 * @param data      The first value of the first voxel; voxels are dense, x fastest.
 * @param channels  Values per voxel.
 * @throws Error As `ImageView`.
 */
template <class T>
std::vector<ImageView> interleaved_channels(const T *data, const Shape &shape, const Spacing &spacing,
                                            std::size_t channels)
{
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    // Before anything is multiplied.
    if (channels > most / sizeof(T) || shape.bytes(channels * sizeof(T), {}) > most) {
        throw Error(Status::invalid_shape, "shape and channels describe more bytes than there can be");
    }
    const auto voxel = static_cast<std::int64_t>(channels * sizeof(T));
    const Strides strides{voxel, voxel * shape[0], voxel * shape[0] * shape[1], 0};
    std::vector<ImageView> views;
    views.reserve(channels);
    for (std::size_t channel = 0; channel < channels; ++channel) {
        views.emplace_back(data + channel, shape, spacing, strides);
    }
    return views;
}

/**
 * A map in the caller's memory that the library writes: `coopseg_buffer`. It lies on the grid of the image that the
 * call is about, so it has no geometry of its own.
 */
class BufferView {
public:
    /**
     * Elements at a pointer.
     *
     * @param data     The first element. As many bytes may be written as shape and strides describe.
     * @param shape    Two to four sizes: x, y, z and the fourth axis (class or channel).
     * @param strides  Bytes along each axis, positive and without overlap. All zero: dense, x fastest, then y, z,
     *                 fourth axis.
     * @throws Error Status::invalid_shape.
     */
    template <class Pointer, detail::IfWritablePointer<Pointer> = 0>
    BufferView(const Pointer &data, const Shape &shape, const Strides &strides = {})
        : BufferView(data_type_of<std::remove_pointer_t<Pointer>>(), data, shape.bytes(sizeof(*data), strides), shape,
                     strides)
    {
    }

    /**
     * Elements of a vector, array, span, ..., whose size bounds what is written: the library refuses shapes and strides
     * that go beyond it.
     */
    template <class Elements, class = detail::IfWritable<Elements>>
    BufferView(Elements &&elements, const Shape &shape, const Strides &strides = {})
        : BufferView(data_type_of<detail::ElementOf<Elements>>(), std::data(elements),
                     std::size(elements) * sizeof(detail::ElementOf<Elements>), shape, strides)
    {
    }

    /** Elements of a type that is known at run time only; `data_size` bytes may be written at `data`. */
    BufferView(DataType type, void *data, std::size_t data_size, const Shape &shape,
               const Strides &strides = {}) noexcept
    {
        buffer_.struct_size = sizeof buffer_;
        buffer_.dtype = static_cast<std::int32_t>(type);
        buffer_.ndim = shape.dimensions();
        std::copy_n(shape.sizes().begin(), 4, buffer_.shape);
        std::copy_n(strides.begin(), 4, buffer_.strides);
        buffer_.data = data;
        buffer_.data_size = data_size;
    }

    /** A description that was made in C. Not checked here; the function that takes the view does. */
    explicit BufferView(const coopseg_buffer &buffer) noexcept : buffer_(buffer) {}

    /** The same map, whose elements lie in the memory of a CUDA device; for functions that say so. */
    BufferView on_cuda(std::int32_t device_index = 0) const noexcept
    {
        BufferView there = *this;
        there.buffer_.memory = COOPSEG_MEMORY_CUDA;
        there.buffer_.device_index = device_index;
        return there;
    }

    /** The description for C functions. */
    const coopseg_buffer *get() const noexcept { return &buffer_; }

private:
    coopseg_buffer buffer_{};
};

// ---- Handles ---------------------------------------------------------------------------------------------------

/**
 * What all handles have in common: sole ownership of an object of the library, which the destructor frees.
 *
 * @tparam Raw           The handle in C.
 * @tparam FreeFunction  Its coopseg_..._free.
 */
template <class Raw, auto FreeFunction>
class Handle {
public:
    /** Takes over a handle that C functions made, or none. */
    explicit Handle(Raw *raw) noexcept : owner_(raw) {}

    Handle(Handle &&) noexcept = default;
    Handle &operator=(Handle &&) noexcept = default;

    /** False once moved from or released. */
    explicit operator bool() const noexcept { return owner_ != nullptr; }

    /** The handle for C functions. It stays owned. */
    Raw *get() const noexcept { return owner_.get(); }

    /** Gives the handle away, to be freed by the caller. */
    [[nodiscard]] Raw *release() noexcept { return owner_.release(); }

protected:
    ~Handle() = default;

    using Owner = std::unique_ptr<Raw, detail::Free<FreeFunction>>;

    /** Calls a C function whose last parameter returns a handle of this kind. */
    template <class Function, class... Arguments>
    static Raw *make(Function function, Arguments &&...arguments)
    {
        Owner owner;
        detail::call(function, std::forward<Arguments>(arguments)..., detail::Receive(owner));
        return owner.release();
    }

private:
    Owner owner_;
};

/** An image or label map that was read from a file. Never changes: any number of threads may use it at once. */
class Volume : public Handle<coopseg_volume, coopseg_volume_free> {
public:
    using Handle::Handle;

    /**
     * Reads a NIfTI image as 32-bit floating point, with scl_slope and scl_inter applied.
     *
     * @param file  Path of a .nii or .nii.gz file, 2-D or 3-D.
     * @throws Error Status::file_not_found; Status::file_io; Status::file_format; Status::file_unsupported;
     *         Status::out_of_memory.
     */
    static Volume read(const std::filesystem::path &file)
    {
        return Volume(make(coopseg_volume_read, detail::c_path(file, "file").c_str()));
    }

    /**
     * Reads a NIfTI label map as 32-bit integers.
     *
     * @throws Error As `read`, and Status::invalid_label for a value that is not a whole number.
     */
    static Volume read_labels(const std::filesystem::path &file)
    {
        return Volume(make(coopseg_volume_read_labels, detail::c_path(file, "file").c_str()));
    }

    /**
     * The voxels and their place in space. Dense; `DataType::f32` for images, `DataType::i32` for label files,
     * `DataType::u8` for class indices. The view is valid until the volume is destroyed or assigned to; moving the
     * volume does not matter.
     */
    ImageView image() const
    {
        coopseg_image image{};
        detail::call(coopseg_volume_image, get(), &image);
        return ImageView(image);
    }
};

/** Where the results of `Model::hard_example` go; see `coopseg_hard_example`. At least one must be given. */
struct HardExampleMaps {
    /** W, H, N: the preprocessed image that the networks saw, in [0, 1]. float or double, like all. */
    std::optional<BufferView> input;
    /** W, H, N: what the image decoder makes of the masked image code, or another hard image, in [0, 1]. */
    std::optional<BufferView> image;
    /** W, H, N, classes: probabilities of what the segmentation decoder makes of the masked shape code. */
    std::optional<BufferView> segmentation;
    /** W/16, H/16, N, code channels: the factors of the image code's mask. */
    std::optional<BufferView> image_mask;
    /** W/16, H/16, N, code channels: the factors of the shape code's mask. */
    std::optional<BufferView> shape_mask;
};

/**
 * The two networks with their class names and preprocessing. A model never changes once made: any number of
 * segmenters, trainers and threads may use it at once.
 */
class Model : public Handle<coopseg_model, coopseg_model_free> {
public:
    using Handle::Handle;

    /**
     * Makes a model with initial weights, which depend on the configuration's seed alone.
     *
     * @param config  Training configuration ("network", "preprocess" and "seed" matter here).
     * @throws Error Status::invalid_config; Status::out_of_memory; Status::libtorch_mismatch.
     */
    explicit Model(std::string_view config)
        : Handle(make(coopseg_model_new, detail::c_text(config, "config").c_str()))
    {
    }

    /**
     * Loads a model file written by `save` or `Trainer::save_best`.
     *
     * @throws Error Status::file_not_found; Status::file_io; Status::file_format (truncated, corrupt or not a
     *         model); Status::file_unsupported (of a later version); Status::file_weights; Status::out_of_memory;
     *         Status::libtorch_mismatch.
     */
    static Model load(const std::filesystem::path &file)
    {
        return Model(make(coopseg_model_load, detail::c_path(file, "file").c_str()));
    }

    /**
     * Imports a checkpoint directory of the published PyTorch code. Nothing in the files is executed.
     *
     * @param directory  Holds image_encoder.pth, segmentation_decoder.pth, image_decoder.pth, shape_encoder.pth and
     *                   shape_decoder.pth.
     * @param config     Training configuration for what the files do not hold: "network.classes" (names),
     *                   "network.code_sharing" and "preprocess".
     * @throws Error Status::invalid_config; Status::file_not_found; Status::file_io; Status::file_format;
     *         Status::file_unsupported; Status::file_weights (a missing, unexpected or misshapen key, by name);
     *         Status::libtorch_mismatch.
     */
    static Model import_checkpoint(const std::filesystem::path &directory, std::string_view config = {})
    {
        return Model(make(coopseg_model_import, detail::c_path(directory, "directory").c_str(),
                          detail::c_text(config, "config").c_str()));
    }

    /**
     * Writes the model to one file, whole or not at all; an existing file is replaced.
     *
     * @throws Error Status::file_io; Status::file_not_found (folder).
     */
    void save(const std::filesystem::path &file) const
    {
        detail::call(coopseg_model_save, get(), detail::c_path(file, "file").c_str());
    }

    /** Describes the model as a JSON object; see `coopseg_model_info`. */
    std::string info() const { return detail::text(coopseg_model_info, get()); }

    /** Number of classes, background included: the size of the fourth axis of probabilities. */
    std::size_t class_count() const
    {
        std::size_t count = 0;
        detail::call(coopseg_model_class_count, get(), &count);
        return count;
    }

    /** Names of the classes in the order of their values in label maps, background first; UTF-8. */
    std::vector<std::string> class_names() const
    {
        std::vector<std::string> names;
        for (std::size_t index = 0, count = class_count(); index < count; index++) {
            names.push_back(detail::text(coopseg_model_class_name, get(), index));
        }
        return names;
    }

    /** How many channels the model's images have. */
    std::size_t channel_count() const
    {
        std::size_t count = 0;
        detail::call(coopseg_model_channel_count, get(), &count);
        return count;
    }

    /** A second handle to the same model. Costs nothing: the weights are shared. */
    Model clone() const { return Model(make(coopseg_model_clone, get())); }

    /**
     * Makes the hard examples that training would make of an image: masks both latent codes of every slice and
     * decodes them. The slices form one batch, whose statistics normalise it as in training.
     *
     * @param image    2-D or 3-D, any type. Preprocessed as for training, without augmentation.
     * @param labels   Class indices on the image's grid, any integer type.
     * @param outputs  Where the results go. Content unspecified when the call throws.
     * @param options  "scheme", "fraction", "soft", "seed", "threshold", "rescale", "hard_images"; see
     *                 `config_schema("hard_example")`.
     * @throws Error Status::invalid_argument; Status::invalid_shape; Status::invalid_geometry;
     *         Status::invalid_label; Status::invalid_config; Status::out_of_memory; Status::libtorch.
     */
    void hard_example(const ImageView &image, const ImageView &labels, const HardExampleMaps &outputs,
                      std::string_view options = {}) const
    {
        coopseg_hard_example maps{};
        maps.struct_size = sizeof maps;
        maps.input = detail::c_pointer(outputs.input);
        maps.image = detail::c_pointer(outputs.image);
        maps.segmentation = detail::c_pointer(outputs.segmentation);
        maps.image_mask = detail::c_pointer(outputs.image_mask);
        maps.shape_mask = detail::c_pointer(outputs.shape_mask);
        detail::call(coopseg_model_hard_example, get(), image.get(), labels.get(),
                     detail::c_text(options, "options").c_str(), &maps);
    }
};

/** Name and files of a case. A case in memory has no files. */
struct CaseFiles {
    std::string name;
    std::optional<std::filesystem::path> image;
    std::optional<std::filesystem::path> labels;
};

/** A case that was read: the image as `DataType::f32`, class indices as `DataType::u8` where it has labels. */
struct LoadedCase {
    Volume image;
    std::optional<Volume> labels;
};

/** A case that was read: its channels in order, each as `DataType::f32`, class indices as `DataType::u8` where it has
 * labels. */
struct LoadedChannels {
    std::vector<Volume> channels;
    std::optional<Volume> labels;
};

/**
 * A list of cases: images with (or without) their label maps, in files or in memory. A case is named "subject" or
 * "subject/frame". Functions that add cases need the dataset exclusively; all others share it.
 */
class Dataset : public Handle<coopseg_dataset, coopseg_dataset_free> {
public:
    using Handle::Handle;

    /** Makes a dataset without cases, for `add`. */
    Dataset() : Handle(make(coopseg_dataset_new)) {}

    /**
     * Finds the cases of a folder of NIfTI files, or of a list. Files are read when they are needed.
     *
     * @param folder   Path of the folder, or of a JSON or CSV file that lists the cases.
     * @param options  "layout", "image", "label", "label_map", "keep_unlabelled", "subjects"; see
     *                 `coopseg_dataset_open` and `config_schema("folder")`.
     * @throws Error Status::invalid_config; Status::file_not_found; Status::file_io; Status::invalid_dataset (no
     *         match, a missing label or subject, by name).
     */
    static Dataset open(const std::filesystem::path &folder, std::string_view options = {})
    {
        return Dataset(make(coopseg_dataset_open, detail::c_path(folder, "folder").c_str(),
                            detail::c_text(options, "options").c_str()));
    }

    /**
     * Makes synthetic short-axis hearts as different scanners would show them (1 LV cavity, 2 myocardium, 3 RV). The
     * same options give the same dataset.
     *
     * @param options  "subjects", "scanner" ("A" to "D"), "seed", "slices", "size", "spacing", "artefact"; see
     *                 `config_schema("synthetic")`.
     * @throws Error Status::invalid_config; Status::out_of_memory.
     */
    static Dataset synthetic(std::string_view options = {})
    {
        return Dataset(make(coopseg_dataset_synthetic, detail::c_text(options, "options").c_str()));
    }

    /**
     * Adds a case from the caller's memory. Image and labels are copied.
     *
     * @param name    Unique in the dataset: "subject" or "subject/frame".
     * @param image   2-D or 3-D, any type.
     * @param labels  Class indices 0 to 254 on the image's grid, any integer type.
     * @throws Error Status::invalid_argument; Status::invalid_shape; Status::invalid_geometry;
     *         Status::invalid_label; Status::invalid_dataset (name taken); Status::busy.
     */
    void add(std::string_view name, const ImageView &image, const std::optional<ImageView> &labels = std::nullopt)
    {
        detail::call(coopseg_dataset_add, get(), detail::c_text(name, "name").c_str(), image.get(),
                     detail::c_pointer(labels));
    }

    /**
     * Adds a case of one to four channels that lie on one grid. Everything is copied.
     *
     * @throws Error As `add`; Status::invalid_shape and Status::invalid_geometry also for channels on different grids.
     */
    void add_channels(std::string_view name, Span<const ImageView> channels,
                      const std::optional<ImageView> &labels = std::nullopt)
    {
        const auto pointers = detail::c_pointers(channels);
        detail::call(coopseg_dataset_add_channels, get(), detail::c_text(name, "name").c_str(), pointers.data(),
                     detail::c_count(pointers.size()), detail::c_pointer(labels));
    }

    /**
     * Adds a case without copying it: the voxels stay the caller's and must neither change nor go away until
     * `release` is called.
     *
     * @param channels  One to four images on one grid, 2-D or 3-D, any type. The views themselves are copied.
     * @param labels    Class indices 0 to 254 on the image's grid, any integer type.
     * @param release   Called once, then destroyed, when the last dataset and trainer that use the case are gone, on
     *                  whichever thread that is; only destroyed when this call throws. It must not throw: there
     *                  is nobody to hear it, so exceptions are dropped. A lambda that does nothing but hold a smart
     *                  pointer keeps the voxels alive just as long. Empty where they live as long as the process.
     * @throws Error As `add`; label values are looked at when the case is used.
     */
    void borrow(std::string_view name, Span<const ImageView> channels, const std::optional<ImageView> &labels,
                std::function<void()> release)
    {
        const auto pointers = detail::c_pointers(channels);
        const std::string c_name = detail::c_text(name, "name");
        auto owned = release ? std::make_unique<std::function<void()>>(std::move(release)) : nullptr;
        coopseg_release_callback callback = nullptr;
        if (owned) {
            callback = [](void *user_data) {
                const std::unique_ptr<std::function<void()>> last(static_cast<std::function<void()> *>(user_data));
                try {
                    (*last)();
                } catch (...) {
                }
            };
        }
        detail::Call call;
        const coopseg_status status =
            coopseg_dataset_borrow(get(), c_name.c_str(), pointers.data(), detail::c_count(pointers.size()),
                                   detail::c_pointer(labels), callback, owned.get());
        if (status == COOPSEG_OK) {
            static_cast<void>(owned.release());
        }
        call.finish(status);
    }

    /**
     * Makes a dataset of some cases of this one. Images in memory are shared, not copied.
     *
     * @param indices  At least one position, each from 0 to count() - 1.
     * @throws Error Status::invalid_argument (an index that is outside or named twice).
     */
    Dataset select(Span<const std::size_t> indices) const
    {
        return Dataset(make(coopseg_dataset_select, get(), indices.data(), indices.size()));
    }

    /**
     * Splits the dataset in two, with all cases of a subject on one side.
     *
     * @param options  One of "held_out", "fraction" and "folds", with "fold" and "seed"; see
     *                 `config_schema("split")`.
     * @return What is left to train with, and the held-out part.
     * @throws Error Status::invalid_config; Status::invalid_dataset (a subject that is not there, or an empty
     *         part); Status::busy.
     */
    std::pair<Dataset, Dataset> split(std::string_view options) const
    {
        Owner first, second;
        detail::call(coopseg_dataset_split, get(), detail::c_text(options, "options").c_str(), detail::Receive(first),
                     detail::Receive(second));
        return {Dataset(first.release()), Dataset(second.release())};
    }

    /** Lists the cases as a JSON object; see `coopseg_dataset_info`. Throws Status::busy. */
    std::string info() const { return detail::text(coopseg_dataset_info, get()); }

    /** Number of cases. Throws Status::busy. */
    std::size_t count() const
    {
        std::size_t count = 0;
        detail::call(coopseg_dataset_count, get(), &count);
        return count;
    }

    /**
     * Name and files of one case.
     *
     * @param index  0 to count() - 1.
     * @throws Error Status::invalid_argument (index); Status::busy.
     */
    CaseFiles case_files(std::size_t index) const
    {
        detail::CText name, image, labels;
        detail::call(coopseg_dataset_case, get(), index, detail::Receive(name), detail::Receive(image),
                     detail::Receive(labels));
        const auto path = [](const detail::CText &text) {
            return text ? std::optional<std::filesystem::path>(text.get()) : std::nullopt;
        };
        return {detail::to_string(name), path(image), path(labels)};
    }

    /**
     * Reads one case of one channel.
     *
     * @param index    0 to count() - 1.
     * @param classes  Number of classes, 2 to 255; label values beyond are refused.
     * @throws Error Status::invalid_argument; Status::invalid_label; Status::invalid_shape (several channels, or labels
     *         of another shape); Status::invalid_geometry (image and labels on different grids); what reading files
     *         reports; Status::busy.
     */
    LoadedCase load(std::size_t index, int classes) const
    {
        VolumeOwner image, labels;
        detail::call(coopseg_dataset_load, get(), index, classes, detail::Receive(image), detail::Receive(labels));
        return {Volume(image.release()), optional_volume(labels)};
    }

    /** Reads one case of any number of channels; otherwise as `load`. */
    LoadedChannels load_channels(std::size_t index, int classes) const
    {
        std::array<coopseg_volume *, 4> received{};
        VolumeOwner labels;
        detail::call(coopseg_dataset_load_channels, get(), index, classes, received.data(), received.size(), nullptr,
                     detail::Receive(labels));
        std::array<VolumeOwner, 4> owners;
        for (std::size_t channel = 0; channel < received.size(); channel++) {
            owners[channel].reset(received[channel]);
        }
        LoadedChannels loaded;
        for (VolumeOwner &owner : owners) {
            if (owner) {
                loaded.channels.push_back(Volume(owner.release()));
            }
        }
        loaded.labels = optional_volume(labels);
        return loaded;
    }

    /** Reads the class indices of one case, where it has labels; as `load_channels`. */
    std::optional<Volume> load_labels(std::size_t index, int classes) const
    {
        VolumeOwner labels;
        detail::call(coopseg_dataset_load_channels, get(), index, classes, nullptr, std::size_t{0}, nullptr,
                     detail::Receive(labels));
        return optional_volume(labels);
    }

    /**
     * Writes every case as `<folder>/<name>/image.nii.gz` and, where it has labels, `<folder>/<name>/label.nii.gz`, with
     * "_" for every "/" of a name, and the list `<folder>/cases.json`, by which `open` finds them.
     *
     * @param folder  Made where it does not exist.
     * @throws Error Status::invalid_dataset (two cases would share a folder); Status::file_format (a cases.json that is no
     *         list); Status::file_io; what reading the cases reports.
     */
    void write(const std::filesystem::path &folder) const
    {
        detail::call(coopseg_dataset_write, get(), detail::c_path(folder, "folder").c_str());
    }

private:
    using VolumeOwner = std::unique_ptr<coopseg_volume, detail::Free<coopseg_volume_free>>;

    static std::optional<Volume> optional_volume(VolumeOwner &owner)
    {
        return owner ? std::optional<Volume>(owner.release()) : std::nullopt;
    }
};

// ---- Training --------------------------------------------------------------------------------------------------

/** What a callback wants of the call that it hears about. */
enum class Next {
    go_on,
    /** End the call, which then throws Status::cancelled. */
    stop
};

/** A message from a training: `coopseg_event` as a value that may be kept. Unknown numbers are NaN. */
struct Event {
    enum class Kind : std::int32_t {
        step = COOPSEG_EVENT_STEP,
        validation = COOPSEG_EVENT_VALIDATION,
        finished = COOPSEG_EVENT_FINISHED,
        snapshot = COOPSEG_EVENT_SNAPSHOT
    };

    Kind kind = Kind::step;
    /** Whether the latest validation is the best so far. */
    bool best = false;
    /** The current epoch, from 1, and their configured number. */
    std::uint64_t epoch = 0, epochs = 0;
    /** Steps done since the start of the training, and steps of one epoch. */
    std::uint64_t step = 0, steps_per_epoch = 0;

    /** Sum of the loss parts below, unweighted: of the latest step, or means over the epoch that ends. */
    double loss = 0;
    /** CE(p, y), and 1 − soft Dice of p where a Dice term is asked for. */
    double loss_segmentation = 0, loss_segmentation_dice = 0;
    /** R(x', x): reconstruction of the image. */
    double loss_reconstruction = 0;
    /** CE(C(p), y) and CE(C(y), y): corrections of the predicted and of the reference segmentation. */
    double loss_shape_from_prediction = 0, loss_shape_from_label = 0;
    /** CE and 1 − soft Dice of the segmentation of the corrupted image. */
    double loss_hard_segmentation = 0, loss_hard_segmentation_dice = 0;
    /** R between the reconstruction from the corrupted image and the clean image. */
    double loss_hard_reconstruction = 0;
    /** CE of the corrected segmentation of the corrupted image, and of the correction of the corrupted segmentation. */
    double loss_hard_shape_from_prediction = 0, loss_hard_shape_from_corrupted = 0;

    /** Learning rate of the latest step. */
    double learning_rate = 0;
    /** Norm of the latest update's gradient before clipping; NaN where it is not clipped. */
    double gradient_norm = 0;

    /** Latest validation: the metric that selects the best model, and the mean IoU after correction. */
    double selection = 0, mean_iou = 0;
    /** Latest validation: mean foreground Dice of the fast-thinking network alone and after correction. */
    double fast_dice = 0, refined_dice = 0;
    /** The same per class, background first. Empty before the first validation. */
    std::vector<double> fast_dice_per_class, refined_dice_per_class;

    /** Slices through the networks per second. */
    double examples_per_second = 0;
    /** Share of the epoch's time in which the training waited for data, 0 to 1. */
    double waiting_share = 0;
    /** Memory of this process in RAM, in bytes; 0 where the system does not tell. */
    std::uint64_t memory_bytes = 0;
    /** Time spent in training so far, and an estimate of the time left. */
    double seconds_elapsed = 0, seconds_left = 0;

    Event() = default;

    explicit Event(const coopseg_event &event)
        : kind(static_cast<Kind>(event.kind)), best(event.best != 0), epoch(event.epoch), epochs(event.epochs),
          step(event.step), steps_per_epoch(event.steps_per_epoch), loss(event.loss),
          loss_segmentation(event.loss_segmentation), loss_segmentation_dice(event.loss_segmentation_dice),
          loss_reconstruction(event.loss_reconstruction),
          loss_shape_from_prediction(event.loss_shape_from_prediction),
          loss_shape_from_label(event.loss_shape_from_label), loss_hard_segmentation(event.loss_hard_segmentation),
          loss_hard_segmentation_dice(event.loss_hard_segmentation_dice),
          loss_hard_reconstruction(event.loss_hard_reconstruction),
          loss_hard_shape_from_prediction(event.loss_hard_shape_from_prediction),
          loss_hard_shape_from_corrupted(event.loss_hard_shape_from_corrupted), learning_rate(event.learning_rate),
          gradient_norm(event.gradient_norm), selection(event.selection), mean_iou(event.mean_iou),
          fast_dice(event.fast_dice), refined_dice(event.refined_dice),
          fast_dice_per_class(list(event.fast_dice_per_class, event.classes)),
          refined_dice_per_class(list(event.refined_dice_per_class, event.classes)),
          examples_per_second(event.examples_per_second), waiting_share(event.waiting_share),
          memory_bytes(event.memory_bytes), seconds_elapsed(event.seconds_elapsed), seconds_left(event.seconds_left)
    {
    }

private:
    static std::vector<double> list(const double *values, std::size_t count)
    {
        return values != nullptr ? std::vector<double>(values, values + count) : std::vector<double>();
    }
};

/**
 * Hears the events of a training, on the thread that called `Trainer::run`. It may call any function, but those that
 * use the running trainer, other than `Trainer::cancel`, throw Status::busy. It may throw.
 */
using EventCallback = std::function<Next(const Event &)>;

/**
 * Networks in training, with their data and optimiser. One call at a time, but for `cancel`; another throws
 * Status::busy. After an exception everything stays usable, except after Status::internal, when all calls throw
 * Status::poisoned.
 */
class Trainer : public Handle<coopseg_trainer, coopseg_trainer_free> {
public:
    using Handle::Handle;

    /**
     * Prepares a training: reads and preprocesses the data, makes the networks.
     *
     * @param config      Training configuration; see `config_default`.
     * @param training    Cases with labels; null where the host hands in every batch with `step_batch`. The
     *                    trainer keeps what it needs of all three, so they may be destroyed.
     * @param validation  Cases with labels that select the best model; null: the last state is the best.
     * @param start_from  Model whose weights are the starting point; null for new ones.
     * @throws Error Status::invalid_config; Status::invalid_dataset (a case without labels, or fewer slices
     *         than a step draws); Status::invalid_label; Status::invalid_shape; Status::invalid_argument (constant
     *         image, non-finite voxels); Status::null_argument (moved from); what reading files reports;
     *         Status::device_unavailable; Status::out_of_memory; Status::libtorch_mismatch.
     */
    explicit Trainer(std::string_view config, const Dataset *training, const Dataset *validation = nullptr,
                     const Model *start_from = nullptr)
        : Handle(make(coopseg_trainer_new, detail::c_text(config, "config").c_str(),
                      detail::c_handle(training, "training"), detail::c_handle(validation, "validation"),
                      detail::c_handle(start_from, "start_from")))
    {
    }

    /**
     * Makes the trainer of a snapshot, which goes on as if the training had never stopped.
     *
     * @param snapshot    Path of a snapshot, or of a folder of snapshots, of which the newest whole one is taken.
     * @param config      Keys that are to differ from now on, such as "epochs" or "device".
     * @param training    The same training cases as before; null where there were none.
     * @param validation  Validation cases; null for none.
     * @throws Error As the constructor, and Status::file_not_found; Status::file_io; Status::file_format;
     *         Status::file_unsupported; Status::file_weights; Status::invalid_dataset (also for other cases).
     */
    static Trainer resume(const std::filesystem::path &snapshot, std::string_view config, const Dataset *training,
                          const Dataset *validation = nullptr)
    {
        return Trainer(make(coopseg_trainer_resume, detail::c_path(snapshot, "snapshot").c_str(),
                            detail::c_text(config, "config").c_str(), detail::c_handle(training, "training"),
                            detail::c_handle(validation, "validation")));
    }

    /**
     * Trains until the last epoch, the time limit or the end of patience. After a run that was cancelled, calling it
     * again goes on where it stopped.
     *
     * @param callback  Hears the events; empty: nobody.
     * @throws Whatever the callback throws.
     * @throws Error Status::cancelled (by the callback or `cancel`); Status::busy; Status::invalid_state (finished
     *         already, or no data); Status::diverged (the message names step, cases and the last snapshot);
     *         Status::file_io; what reading files reports; Status::out_of_memory; Status::libtorch;
     *         Status::internal; Status::poisoned.
     */
    void run(const EventCallback &callback = {})
    {
        const auto hear = [](const coopseg_event *event, void *user_data) -> std::int32_t {
            try {
                const auto &listener = *static_cast<const EventCallback *>(user_data);
                // An exception of the log callback ends the run too.
                if (!detail::Call::has_exception() && (!listener || listener(value(*event)) == Next::go_on)) {
                    return 0;
                }
            } catch (...) {
                detail::Call::keep_exception();
            }
            return 1;
        };
        detail::call(coopseg_trainer_run, get(), hear, const_cast<EventCallback *>(&callback));
    }

    /**
     * Does one step with the next batch of the training data, for hosts that have a loop of their own. Validation is up
     * to the host.
     *
     * @return Losses and position.
     * @throws Error Status::busy; Status::invalid_state (made without training data, or a loss was not finite);
     *         Status::diverged; Status::out_of_memory; Status::libtorch; Status::poisoned.
     */
    Event step()
    {
        coopseg_event event{};
        event.struct_size = sizeof event;
        detail::call(coopseg_trainer_step, get(), &event);
        return Event(event);
    }

    /**
     * Does one step with a batch of the host.
     *
     * @param images  N·C·H·W values in [0, 1], dense: column (x) fastest, then row (y), channel, sample. Copied.
     * @param labels  N·H·W class indices, in the same order. Copied.
     * @param shape   N, C, H, W. C is the networks' number of channels; H and W are multiples of 16.
     * @return Losses and position.
     * @throws Error As `step`, and Status::invalid_shape (also where images and labels have not as many values as the
     *         shape says); Status::invalid_label; Status::invalid_argument (a value that is not in [0, 1]).
     */
    Event step_batch(Span<const float> images, Span<const std::uint8_t> labels,
                     const std::array<std::int64_t, 4> &shape)
    {
        const std::size_t values = Shape(shape[3], shape[2], shape[1], shape[0]).count();
        const std::size_t pixels = Shape(shape[3], shape[2], shape[0]).count();
        if (images.size() != values || labels.size() != pixels) {
            throw Error(Status::invalid_shape, "the batch has " + std::to_string(images.size()) + " values and " +
                                                   std::to_string(labels.size()) + " labels: expected " +
                                                   std::to_string(values) + " and " + std::to_string(pixels));
        }
        coopseg_event event{};
        event.struct_size = sizeof event;
        detail::call(coopseg_trainer_step_batch, get(), images.data(), labels.data(), shape.data(), &event);
        return Event(event);
    }

    /**
     * Scores the networks on the validation cases now, keeps them where they are the best so far, and returns the
     * scores as a JSON object; see `coopseg_trainer_validate`.
     *
     * @throws Error Status::busy; Status::invalid_state (made without validation data); Status::out_of_memory;
     *         Status::libtorch; Status::poisoned.
     */
    std::string validate() { return detail::text(coopseg_trainer_validate, get()); }

    /**
     * Sets the learning rate from the next step on; the schedule multiplies it.
     *
     * @param learning_rate  More than 0, at most 10.
     * @throws Error Status::invalid_argument; Status::busy; Status::poisoned.
     */
    void set_learning_rate(double learning_rate)
    {
        detail::call(coopseg_trainer_set_learning_rate, get(), learning_rate);
    }

    /**
     * Asks a running training to stop after its current step; `run` then throws Status::cancelled. From any thread at
     * any time, but not from a signal handler: set a flag there and let the callback return Next::stop.
     */
    void cancel() const { detail::call(coopseg_trainer_cancel, get()); }

    /** Returns what was measured so far as a JSON object; see `coopseg_trainer_metrics`. Throws Status::busy. */
    std::string metrics() const { return detail::text(coopseg_trainer_metrics, get()); }

    /**
     * Writes a report of the training so far: one HTML file that needs no other.
     *
     * @param file  An existing file is replaced; its folder is made where it does not exist.
     * @throws Error Status::busy; Status::poisoned; Status::file_io.
     */
    void save_report(const std::filesystem::path &file) const
    {
        detail::call(coopseg_trainer_save_report, get(), detail::c_path(file, "file").c_str());
    }

    /**
     * Writes everything that the training needs to go on from here to one file, whole or not at all.
     *
     * @throws Error Status::busy; Status::poisoned; Status::invalid_state (a loss was not finite);
     *         Status::file_io; Status::file_not_found (folder); Status::out_of_memory.
     */
    void save_snapshot(const std::filesystem::path &file) const
    {
        detail::call(coopseg_trainer_save_snapshot, get(), detail::c_path(file, "file").c_str());
    }

    /**
     * A model of the best networks so far, independent of the trainer: those of the best validation, or the present
     * ones where there was none.
     *
     * @throws Error Status::busy; Status::poisoned; Status::out_of_memory.
     */
    Model best_model() const { return Model(model_by(coopseg_trainer_best_model)); }

    /** A model of the networks as they are now, best or not; as `best_model`. */
    Model current_model() const { return Model(model_by(coopseg_trainer_current_model)); }

    /**
     * Writes the best model so far to a file, whole or not at all; an existing file is replaced.
     *
     * @throws Error Status::busy; Status::poisoned; Status::file_io; Status::file_not_found (folder);
     *         Status::out_of_memory.
     */
    void save_best(const std::filesystem::path &file) const
    {
        detail::call(coopseg_trainer_save_best, get(), detail::c_path(file, "file").c_str());
    }

private:
    /** The event as this header knows it, also when the library is older and its event shorter. */
    static Event value(const coopseg_event &event)
    {
        coopseg_event known{};
        std::memcpy(&known, &event, std::min(event.struct_size, sizeof known));
        return Event(known);
    }

    template <class Function>
    coopseg_model *model_by(Function function) const
    {
        std::unique_ptr<coopseg_model, detail::Free<coopseg_model_free>> model;
        detail::call(function, get(), detail::Receive(model));
        return model.release();
    }
};

// ---- Segmentation ----------------------------------------------------------------------------------------------

/**
 * Where the results of `Segmenter::run` go. A map that is left out is not made; at least one must be given. All have
 * the image's shape (a 2-D image takes 2-D maps, and its probabilities have shape x, y, 1, classes).
 */
struct SegmentationMaps {
    /** Class of the highest final probability. Any type. */
    std::optional<BufferView> labels;
    /** The same of the fast-thinking network alone. Any type. */
    std::optional<BufferView> fast_labels;
    /** Final probabilities, which sum to 1; 4-D with the class as fourth axis. float or double. */
    std::optional<BufferView> probabilities;
    /** Entropy of the final probabilities in nats, 0 to ln(classes). float or double. */
    std::optional<BufferView> entropy;
    /** Disagreement of the two stages, 0 to 1: half the sum over classes of their probabilities' absolute difference.
     *  float or double. */
    std::optional<BufferView> disagreement;
};

/**
 * Where the results of `Segmenter::run_file` go: paths ending in .nii or .nii.gz. A map that is left out is not made;
 * at least one must be given.
 */
struct SegmentationFiles {
    /** Final labels, uint8. */
    std::optional<std::filesystem::path> labels;
    /** Labels of the fast-thinking network alone, uint8. */
    std::optional<std::filesystem::path> fast_labels;
    /** Final probabilities, float32, 4-D with the class as fourth axis. */
    std::optional<std::filesystem::path> probabilities;
    /** Entropy in nats, float32. */
    std::optional<std::filesystem::path> entropy;
    /** Disagreement of the two stages, float32. */
    std::optional<std::filesystem::path> disagreement;
};

/**
 * Hears how far a segmentation is, on the thread that called it: after every slice, in their order, with the number of
 * those done and of all. Slices are computed several at a time, so calls come in groups. It may throw.
 */
using SegmentationCallback = std::function<Next(std::size_t done, std::size_t slices)>;

/**
 * Segments images with one model on one device: brings them to the networks' intensities and grid, slice by slice,
 * and the results back to their own grid. Any number of calls at once, also on one segmenter.
 *
 * The functions that run return a JSON object ("slices", "change_per_pass": share of pixels that each pass of the
 * slow-thinking network changed, "seconds"). Their callback hears of every slice and may end the call; empty: nobody.
 */
class Segmenter : public Handle<coopseg_segmenter, coopseg_segmenter_free> {
public:
    using Handle::Handle;

    /**
     * @param model    The segmenter keeps it alive, so the handle may be destroyed at once.
     * @param options  "device", "iterations", "precision", "chunk"; see `coopseg_segmenter_new` and
     *                 `config_schema("segmenter")`.
     * @throws Error Status::null_argument (moved from); Status::invalid_config; Status::device_unavailable;
     *         Status::out_of_memory; Status::libtorch_mismatch.
     */
    explicit Segmenter(const Model &model, std::string_view options = {})
        : Handle(make(coopseg_segmenter_new, model.get(), detail::c_text(options, "options").c_str()))
    {
    }

    /**
     * Segments an image of one channel in memory. Image and outputs may lie on the segmenter's CUDA device
     * (`ImageView::on_cuda`); see `coopseg_segmenter_run`.
     *
     * @param image    2-D or 3-D, any type. Voxels that are NaN or infinite, and images that are constant, are
     *                 refused.
     * @param outputs  Where the results go. Their memory must not overlap the image's or each other's. Content
     *                 unspecified when the call throws.
     * @throws Whatever the callback throws.
     * @throws Error Status::cancelled (by the callback); Status::invalid_argument (type, constant image, non-finite
     *         voxels, no output, memory of another device); Status::invalid_shape; Status::invalid_geometry;
     *         Status::device_unavailable; Status::out_of_memory; Status::libtorch; Status::internal. The segmenter stays
     *         usable.
     */
    std::string run(const ImageView &image, const SegmentationMaps &outputs,
                    const SegmentationCallback &callback = {}) const
    {
        const coopseg_segmentation maps = c_maps(outputs);
        return detail::text(coopseg_segmenter_run, get(), image.get(), &maps, hear, c_data(callback));
    }

    /**
     * Segments an image of several channels that lie on one grid, in the order of the model's channels.
     *
     * @param channels  One to four images, as for `run`; see also `interleaved_channels`.
     * @throws Error As `run`; Status::invalid_shape also for another number of channels than the model's.
     */
    std::string run_channels(Span<const ImageView> channels, const SegmentationMaps &outputs,
                             const SegmentationCallback &callback = {}) const
    {
        const coopseg_segmentation maps = c_maps(outputs);
        const auto pointers = detail::c_pointers(channels);
        return detail::text(coopseg_segmenter_run_channels, get(), pointers.data(), detail::c_count(pointers.size()),
                            &maps, hear, c_data(callback));
    }

    /**
     * Segments an image of one channel in memory and returns the class of every voxel, x fastest, then y, z.
     *
     * @throws Error As `run`.
     */
    std::vector<std::uint8_t> labels(const ImageView &image) const
    {
        std::vector<std::uint8_t> classes(image.shape().count());
        SegmentationMaps outputs;
        outputs.labels = BufferView(classes, image.shape());
        run(image, outputs);
        return classes;
    }

    /**
     * Segments a NIfTI file and writes NIfTI files on the same grid. Every file is written whole or not at all; none
     * when the call throws before all slices are done.
     *
     * @param image_file  .nii or .nii.gz; 2-D, 3-D, or 4-D for a model of several channels; any real type.
     * @param outputs     Paths of the results; existing files are replaced.
     * @throws Error As `run`, and Status::file_not_found; Status::file_io; Status::file_format;
     *         Status::file_unsupported.
     */
    std::string run_file(const std::filesystem::path &image_file, const SegmentationFiles &outputs,
                         const SegmentationCallback &callback = {}) const
    {
        const Files files(outputs);
        return detail::text(coopseg_segmenter_run_file, get(), detail::c_path(image_file, "image_file").c_str(),
                            files.get(), hear, c_data(callback));
    }

    /**
     * The same for an image whose channels lie in several files on one grid, in the order of the model's channels.
     *
     * @param image_files  One to four paths; the results lie on the first file's grid.
     * @throws Error As `run_file`.
     */
    std::string run_files(Span<const std::filesystem::path> image_files, const SegmentationFiles &outputs,
                          const SegmentationCallback &callback = {}) const
    {
        const Files files(outputs);
        std::vector<std::string> texts;
        std::vector<const char *> pointers;
        texts.reserve(image_files.size());
        for (const std::filesystem::path &file : image_files) {
            pointers.push_back(texts.emplace_back(detail::c_path(file, "image_files")).c_str());
        }
        return detail::text(coopseg_segmenter_run_files, get(), pointers.data(), detail::c_count(pointers.size()),
                            files.get(), hear, c_data(callback));
    }

private:
    static std::int32_t hear(std::size_t done, std::size_t slices, void *user_data)
    {
        try {
            const auto &listener = *static_cast<const SegmentationCallback *>(user_data);
            if (!detail::Call::has_exception() && (!listener || listener(done, slices) == Next::go_on)) {
                return 0;
            }
        } catch (...) {
            detail::Call::keep_exception();
        }
        return 1;
    }

    static void *c_data(const SegmentationCallback &callback)
    {
        return const_cast<SegmentationCallback *>(&callback);
    }

    /** The C struct, with the texts that it points to. */
    class Files {
    public:
        explicit Files(const SegmentationFiles &paths)
        {
            files_.struct_size = sizeof files_;
            set(files_.labels, 0, paths.labels, "labels");
            set(files_.fast_labels, 1, paths.fast_labels, "fast_labels");
            set(files_.probabilities, 2, paths.probabilities, "probabilities");
            set(files_.entropy, 3, paths.entropy, "entropy");
            set(files_.disagreement, 4, paths.disagreement, "disagreement");
        }

        Files(const Files &) = delete;
        Files &operator=(const Files &) = delete;
        const coopseg_segmentation_files *get() const noexcept { return &files_; }

    private:
        void set(const char *&field, std::size_t index, const std::optional<std::filesystem::path> &path,
                 const char *name)
        {
            if (path) {
                texts_[index] = detail::c_path(*path, name);
                field = texts_[index].c_str();
            }
        }

        std::array<std::string, 5> texts_;
        coopseg_segmentation_files files_{};
    };

    static coopseg_segmentation c_maps(const SegmentationMaps &outputs) noexcept
    {
        coopseg_segmentation maps{};
        maps.struct_size = sizeof maps;
        maps.labels = detail::c_pointer(outputs.labels);
        maps.fast_labels = detail::c_pointer(outputs.fast_labels);
        maps.probabilities = detail::c_pointer(outputs.probabilities);
        maps.entropy = detail::c_pointer(outputs.entropy);
        maps.disagreement = detail::c_pointer(outputs.disagreement);
        return maps;
    }
};

// ---- Evaluation ------------------------------------------------------------------------------------------------

/** A case that an evaluation has done. */
struct EvaluatedCase {
    std::string name;
    /** Cases done, this one included, and in all. */
    std::size_t done = 0, cases = 0;
    /** Mean Dice of the case's classes without the background after correction; NaN where it was left out. */
    double refined_dice = 0;
};

/** Hears of every case that was evaluated, on the thread that called `Evaluation::run`. It may throw. */
using EvaluationCallback = std::function<Next(const EvaluatedCase &)>;

/**
 * What a model makes of a dataset with labels: Dice, surface distances and volume errors per case, stage and class.
 * Never changes once made: any number of threads may use it at once.
 */
class Evaluation : public Handle<coopseg_evaluation, coopseg_evaluation_free> {
public:
    using Handle::Handle;

    /**
     * Segments every case, with the fast-thinking network alone and with the slow-thinking network's correction, and
     * compares both with the labels, on the images' own grids, over whole volumes and in mm.
     *
     * @param dataset   Cases with labels.
     * @param options   "segmenter", "surface_distances", "skip_failures"; see `config_schema("evaluation")`.
     * @param callback  Hears of every case; empty: nobody.
     * @throws Whatever the callback throws.
     * @throws Error Status::cancelled (by the callback); Status::null_argument (moved from);
     *         Status::invalid_config; Status::invalid_dataset (no cases, or one without labels);
     *         Status::invalid_label; Status::invalid_shape; Status::invalid_geometry; Status::invalid_argument; what
     *         reading files reports; Status::device_unavailable; Status::out_of_memory; Status::libtorch.
     */
    static Evaluation run(const Model &model, const Dataset &dataset, std::string_view options = {},
                          const EvaluationCallback &callback = {})
    {
        const auto hear = [](const char *name, std::size_t done, std::size_t cases, double refined_dice,
                             void *user_data) -> std::int32_t {
            try {
                const auto &listener = *static_cast<const EvaluationCallback *>(user_data);
                if (!detail::Call::has_exception() &&
                    (!listener || listener({name, done, cases, refined_dice}) == Next::go_on)) {
                    return 0;
                }
            } catch (...) {
                detail::Call::keep_exception();
            }
            return 1;
        };
        return Evaluation(make(coopseg_evaluation_run, model.get(), dataset.get(),
                               detail::c_text(options, "options").c_str(), hear,
                               const_cast<EvaluationCallback *>(&callback)));
    }

    /**
     * Reads a file of `save_json`.
     *
     * @throws Error Status::file_not_found; Status::file_io; Status::file_format.
     */
    static Evaluation load(const std::filesystem::path &file)
    {
        return Evaluation(make(coopseg_evaluation_load, detail::c_path(file, "file").c_str()));
    }

    /** Everything as a JSON object; see `coopseg_evaluation_json`. */
    std::string json() const { return detail::text(coopseg_evaluation_json, get()); }

    /**
     * Writes `json()` to a file, whole or not at all; an existing file is replaced.
     *
     * @throws Error Status::file_io; Status::file_not_found (folder).
     */
    void save_json(const std::filesystem::path &file) const
    {
        detail::call(coopseg_evaluation_save_json, get(), detail::c_path(file, "file").c_str());
    }

    /** Writes a CSV file: a header, then one row per case, stage and class. As `save_json`. */
    void save_csv(const std::filesystem::path &file) const
    {
        detail::call(coopseg_evaluation_save_csv, get(), detail::c_path(file, "file").c_str());
    }

    /**
     * Compares two evaluations of the same cases, case by case: second minus first, with a Wilcoxon signed-rank test.
     * Given one evaluation twice it compares the two stages.
     *
     * @return A JSON list; see `coopseg_evaluation_compare`.
     * @throws Error Status::invalid_argument (other classes or cases, by name).
     */
    static std::string compare(const Evaluation &first, const Evaluation &second)
    {
        return detail::text(coopseg_evaluation_compare, first.get(), second.get());
    }
};

/**
 * Dice coefficient of two label maps, per class, over all voxels. Geometry is not compared.
 *
 * @param reference  Class indices, any integer type.
 * @param predicted  Class indices of the same shape.
 * @param classes    Number of classes, background included: 2 to 255.
 * @return One value per class, background first: NaN for a class that is absent in both, 0 for one that is absent in
 *         the reference only.
 * @throws Error Status::invalid_argument; Status::invalid_shape; Status::invalid_geometry; Status::invalid_label.
 */
inline std::vector<double> dice(const ImageView &reference, const ImageView &predicted, int classes)
{
    std::vector<double> values(detail::checked_classes(classes));
    detail::call(coopseg_dice, reference.get(), predicted.get(), classes, values.data());
    return values;
}

/** Distances between surfaces in mm, one value per class, background first; NaN for a class that is not in both. */
struct SurfaceDistances {
    /** 95th percentile of the distances both ways. */
    std::vector<double> hd95;
    /** Mean of the distances both ways. */
    std::vector<double> assd;
};

/**
 * Distances between the surfaces of two label maps, per class, over the whole volume; see
 * `coopseg_surface_distances`. Parameters and exceptions as `dice`, and Status::out_of_memory; the reference's spacing
 * counts.
 */
inline SurfaceDistances surface_distances(const ImageView &reference, const ImageView &predicted, int classes)
{
    SurfaceDistances distances;
    distances.hd95.resize(detail::checked_classes(classes));
    distances.assd.resize(distances.hd95.size());
    detail::call(coopseg_surface_distances, reference.get(), predicted.get(), classes, distances.hd95.data(),
                 distances.assd.data());
    return distances;
}

/** One row of an overview picture: one slice of one case. All images have the same shape. */
struct OverviewRow {
    /** Title of the row, UTF-8. */
    std::string title;
    ImageView image;
    /** Reference labels. What is left out leaves an empty field. */
    std::optional<ImageView> reference = std::nullopt;
    /** Labels of the fast-thinking network alone. */
    std::optional<ImageView> fast_labels = std::nullopt;
    /** Labels after correction. */
    std::optional<ImageView> labels = std::nullopt;
    /** Entropy in nats. */
    std::optional<ImageView> entropy = std::nullopt;
    /** The slice to show, from 0; -1 chooses one with much to see. */
    std::int64_t slice = -1;
};

/**
 * Writes a PNG picture: per row image, reference, FTN, FTN+STN and entropy side by side, with a legend.
 *
 * @param rows         1 to 64 rows.
 * @param class_names  2 to 255 names, UTF-8, background first.
 * @param file         Path of the picture; an existing file is replaced. Written whole or not at all.
 * @throws Error Status::invalid_argument; Status::invalid_shape; Status::invalid_geometry; Status::invalid_label;
 *         Status::file_io; Status::file_not_found (folder).
 * Threads: any number of calls at once, with different files.
 */
inline void write_overview(Span<const OverviewRow> rows, Span<const std::string> class_names,
                           const std::filesystem::path &file)
{
    std::vector<std::string> texts;
    std::vector<coopseg_overview_row> c_rows;
    std::vector<const char *> names;
    texts.reserve(rows.size() + class_names.size());
    for (const OverviewRow &row : rows) {
        coopseg_overview_row c_row{};
        c_row.struct_size = sizeof c_row;
        c_row.title = texts.emplace_back(detail::c_text(row.title, "title")).c_str();
        c_row.image = row.image.get();
        c_row.reference = detail::c_pointer(row.reference);
        c_row.fast_labels = detail::c_pointer(row.fast_labels);
        c_row.labels = detail::c_pointer(row.labels);
        c_row.entropy = detail::c_pointer(row.entropy);
        c_row.slice = row.slice;
        c_rows.push_back(c_row);
    }
    for (const std::string &name : class_names) {
        names.push_back(texts.emplace_back(detail::c_text(name, "class_names")).c_str());
    }
    detail::call(coopseg_overview_write, c_rows.data(), c_rows.size(), names.data(), detail::c_count(names.size()),
                 detail::c_path(file, "file").c_str());
}

// ---- Artefacts -------------------------------------------------------------------------------------------------

/**
 * Spoils an image with one artefact of magnetic resonance; see `coopseg_artefact_simulate` for the keys.
 *
 * @param image     2-D or 3-D, any type, all voxels finite.
 * @param artefact  JSON object such as `{"ghosting": {"severity": 3}}` or `{"motion": {}}`; what its keys leave out is
 *                  drawn.
 * @param seed      Of everything that is drawn.
 * @param output    Receives the spoiled image: of the same shape, float or double, in memory of its own.
 * @return What was applied, as a JSON object. Passed back as `artefact`, with any seed, it gives the same output bit for
 *         bit.
 * @throws Error Status::invalid_config: an unknown key, a wrong type or a value out of range; the message names it;
 *         Status::invalid_argument; Status::invalid_shape; Status::invalid_geometry; Status::out_of_memory.
 * Threads: any number of calls at once, with different outputs.
 */
inline std::string simulate_artefact(const ImageView &image, std::string_view artefact, std::uint64_t seed,
                                     const BufferView &output)
{
    return detail::text(coopseg_artefact_simulate, image.get(), detail::c_text(artefact, "artefact").c_str(), seed,
                        output.get());
}

// ---- Configuration ---------------------------------------------------------------------------------------------

/**
 * Every key of a training configuration with its default, as a JSON object.
 *
 * @param preset  "official" (what the published implementation does) or "paper" (the text read literally).
 * @throws Error Status::invalid_argument (preset).
 */
inline std::string config_default(std::string_view preset = "official")
{
    return detail::text(coopseg_config_default, detail::c_text(preset, "preset").c_str());
}

/**
 * Checks a training configuration and returns it with every key filled in.
 *
 * @throws Error Status::invalid_config: an unknown key, a wrong type or a value out of range; the message names it.
 */
inline std::string config_check(std::string_view config)
{
    return detail::text(coopseg_config_check, detail::c_text(config, "config").c_str());
}

/**
 * The JSON schema of one kind of options: every key with its description, type, range and default.
 *
 * @param kind  "training", "segmenter", "folder", "synthetic", "split", "evaluation", "hard_example" or "artefact".
 * @throws Error Status::invalid_argument (kind).
 */
inline std::string config_schema(std::string_view kind)
{
    return detail::text(coopseg_config_schema, detail::c_text(kind, "kind").c_str());
}

// ---- The library and the process -------------------------------------------------------------------------------

/** The library's version, such as "0.1.0". A constant text. */
inline const char *version() noexcept { return coopseg_version(); }

/** The library's ABI version. */
inline std::uint32_t abi_version() noexcept { return coopseg_abi_version(); }

/** Whether the library that runs fits the headers that the program was compiled with. */
inline bool abi_fits() noexcept { return coopseg_abi_version() == COOPSEG_ABI_VERSION; }

/**
 * Loads libtorch now, from where the first call that needs it would; see `coopseg_load_libtorch`.
 *
 * @throws Error Status::libtorch_unavailable; Status::libtorch_mismatch.
 * Threads: any number of calls at once.
 */
inline void load_libtorch() { detail::call(coopseg_load_libtorch, nullptr); }

/**
 * Loads the libtorch of a folder, unless it is loaded already.
 *
 * @param folder  The folder of a libtorch, or its `lib` folder.
 * @throws Error Status::file_not_found (no libtorch there); Status::invalid_state (another one is loaded);
 *         Status::libtorch_unavailable; Status::libtorch_mismatch.
 * Threads: any number of calls at once.
 */
inline void load_libtorch(const std::filesystem::path &folder)
{
    detail::call(coopseg_load_libtorch, detail::c_path(folder, "folder").c_str());
}

/** Describes this build and its libtorch as a JSON object. Throws Status::libtorch_mismatch. */
inline std::string build_info() { return detail::text(coopseg_build_info); }

/**
 * The devices that can be used, as a JSON object, which also says why CUDA cannot, where it cannot; see
 * `coopseg_devices`. Throws Status::libtorch_mismatch.
 */
inline std::string devices() { return detail::text(coopseg_devices); }

/**
 * Sets how many threads one operation on the CPU may use, and how many read, preprocess and simulate artefacts (as
 * many as there are processors, unless set). Process-wide; the first is shared with other users of libtorch. Unless it is
 * set, here or by the environment variable OMP_NUM_THREADS or MKL_NUM_THREADS, libtorch has its own default, but no more
 * than the processors that this process may use by its affinity and the limit of its container.
 *
 * @param count  1 to 4096.
 * @throws Error Status::invalid_argument; Status::invalid_state (more than 1 in a process that was forked from one that
 *         had used libtorch); Status::libtorch_mismatch.
 * Threads: not while another call of this library runs.
 */
inline void set_threads(int count) { detail::call(coopseg_set_threads, count); }

/** How many threads one operation on the CPU may use. Throws Status::libtorch_mismatch. */
inline int threads()
{
    std::int32_t count = 0;
    detail::call(coopseg_threads, &count);
    return count;
}

/** Sets the seed of models and trainings whose configuration has "seed": null. Affects what is made afterwards. */
inline void set_seed(std::uint64_t seed) { detail::call(coopseg_set_seed, seed); }

/**
 * Limits the memory that is kept for libtorch's next tensors on the CPU; see `coopseg_cpu_cache_set_limit`.
 *
 * @param bytes  Most bytes kept; 0 switches the cache off.
 * @throws Error Status::libtorch_mismatch (not with 0).
 */
inline void cpu_cache_set_limit(std::uint64_t bytes) { detail::call(coopseg_cpu_cache_set_limit, bytes); }

/** Gives the memory that is kept unused back to the system now. */
inline void cpu_cache_release() { detail::call(coopseg_cpu_cache_release); }

/** Describes that cache as a JSON object; see `coopseg_cpu_cache_info`. Throws Status::libtorch_mismatch. */
inline std::string cpu_cache_info() { return detail::text(coopseg_cpu_cache_info); }

/** How many objects are alive: made and not yet freed. For tests that look for leaks. */
inline std::size_t live_handles() noexcept { return coopseg_live_handles(); }

/** How much a log message matters. */
enum class LogLevel : std::int32_t {
    /** Something failed inside the library. */
    error = COOPSEG_LOG_ERROR,
    /** Something surprising that did not fail. */
    warning = COOPSEG_LOG_WARNING,
    /** What the library does. */
    info = COOPSEG_LOG_INFO
};

/**
 * Receives the library's messages (UTF-8, valid during the call), from any thread, also from several at once. What it
 * throws leaves the call of this header that was under way on that thread, which ends at the next event if it is a
 * run; on a thread without one, such as one of the library's own, it is dropped.
 */
using LogCallback = std::function<void(LogLevel, std::string_view)>;

namespace detail {

/** The process's log callback. Never destroyed, since threads may log until the very end. */
class LogSink {
public:
    static LogSink &instance()
    {
        static LogSink &sink = *new LogSink;
        return sink;
    }

    void set(LogCallback callback, LogLevel level)
    {
        auto next = callback ? std::make_shared<const LogCallback>(std::move(callback)) : nullptr;
        // The old callback, which `next` becomes, goes away outside of the locks.
        const std::lock_guard<std::mutex> setting(setting_);
        call(coopseg_set_log_callback, next ? &LogSink::hear : nullptr, static_cast<std::int32_t>(level), this);
        const std::lock_guard<std::mutex> lock(mutex_);
        callback_.swap(next);
    }

private:
    static void hear(std::int32_t level, const char *message, void *user_data) noexcept
    {
        try {
            auto &self = *static_cast<LogSink *>(user_data);
            std::unique_lock<std::mutex> lock(self.mutex_);
            // A copy keeps the callback alive while it runs, whoever sets another.
            const std::shared_ptr<const LogCallback> callback = self.callback_;
            lock.unlock();
            if (callback) {
                (*callback)(static_cast<LogLevel>(level), message);
            }
        } catch (...) {
            Call::keep_exception();
        }
    }

    std::mutex setting_;
    std::mutex mutex_;
    std::shared_ptr<const LogCallback> callback_;
};

} // namespace detail

/**
 * Sets who hears the library's messages, in the whole process. The library itself never writes to stdout or stderr.
 *
 * @param callback  Empty: nobody (the state at the start). It is kept until another is set and calls that run at that
 *                  moment have returned.
 * @param level     Messages of this level and more severe ones are passed on.
 * @throws Error Status::invalid_argument (level).
 * Threads: any number of calls at once, also from within the callback.
 */
inline void set_log_callback(LogCallback callback, LogLevel level = LogLevel::warning)
{
    detail::LogSink::instance().set(std::move(callback), level);
}

} // namespace coopseg

#if defined(__cpp_lib_span)
/** A Span refers to elements that it does not own, so that a std::span may be made of a temporary one. */
template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<coopseg::Span<T>> = true;
#endif

#endif // COOPSEG_HPP
